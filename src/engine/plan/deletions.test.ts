import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryStore } from '../../stores/memory/memory-store.ts';
import { instantText } from '../../stores/records/instants.ts';
import { softly } from '../../stores/records/softly.ts';
import { telling } from '../../stores/records/telling.ts';
import { fakeHost } from '../../testing/index.ts';
import { runFromCheckpoint } from '../run/checkpoints.ts';
import { runMerge, runMergeDiff } from '../merge.ts';
import { openState } from '../state/sqlite-state.ts';
import type { State } from '../state/state.ts';
import type { TwoWay } from '../types.ts';

const day = 86_400_000;
const s = 1_000_000;

interface World {
  readonly left: MemoryStore;
  readonly right: MemoryStore;
  readonly pairing: TwoWay;
  readonly clock: { now: number };
  tell(key: string, at: number): void;
}

/** Two places, of which the left one has a table of deletions. */
function world(state: State, more: Partial<TwoWay> = {}): World {
  const clock = { now: 1_000_000 };
  const host = { ...fakeHost(), now: () => clock.now };
  const [left, right, table] = [new MemoryStore({ name: 'left' }), new MemoryStore({ name: 'right' }), new MemoryStore({ name: 'table' })];
  const pairing: TwoWay = { left: telling(left, { table, name: 'deletions', host }), right, state, host, decides: 'time', deletes: 'told', ...more };
  const tell = (key: string, at: number): void => table.edit(`deletions/t/${key}`, { collection: 't', key, deleted_at: instantText(at) }, { modifiedAt: at });
  return { left, right, pairing, clock, tell };
}

const all = ['t/a', 't/b', 't/c', 't/d'];

async function inStep(state: State, more: Partial<TwoWay> = {}): Promise<World> {
  const made = world(state, more);
  for (const key of all) made.left.edit(key, { key }, { modifiedAt: 1 * s });
  await runMerge(made.pairing);
  return made;
}

test('what a table says was deleted is deleted elsewhere, and said before it is done', async () => {
  await using state = openState(undefined);
  const { left, right, pairing, tell } = await inStep(state);
  left.drop('t/a');
  tell('a', 2 * s);
  const planned: string[] = [];
  await runMergeDiff(pairing, (actions) => void planned.push(...actions.map(({ kind, key }) => `${kind} ${key}`)));
  assert.equal(right.size, 4);
  const report = await runMerge(pairing);
  assert.deepEqual([planned, report.counts.deleted, Object.keys(right.dump())], [['delete t/a'], 1, all.slice(1)]);
  const again = await runMerge(pairing);
  assert.deepEqual([again.counts.deleted, again.counts.created, again.differences], [0, 0, 0]);
});

test('an older version that comes up later is deleted again, by a run of a window as well, and a newer one stays', async () => {
  await using state = openState(undefined);
  const { left, right, pairing, tell } = await inStep(state);
  left.drop('t/a');
  tell('a', 9 * s);
  await runMerge(pairing);
  const windowed = { ...pairing, window: { after: 5 * s, until: 100 * s }, guard: { maxDeletes: 2 } };
  for (const store of [left, right]) {
    store.edit('t/a', { key: 'late' }, { modifiedAt: 8 * s });
    // By now the table tells nothing in the window.
    const { counts } = await runMerge({ ...windowed, left });
    assert.deepEqual([counts.deleted, counts.created, left.peek('t/a'), right.peek('t/a')], [1, 0, undefined, undefined]);
  }
  for (const store of [left, right]) store.edit('t/a', { key: 'late' }, { modifiedAt: 8 * s });
  assert.equal((await runMerge({ ...windowed, left })).counts.deleted, 2);
  right.edit('t/a', { key: 'anew' }, { modifiedAt: 10 * s });
  await runMerge({ ...windowed, left });
  assert.deepEqual(left.dump()['t/a'], { key: 'anew' });
  // Something newer has lived since, so that the deletion says nothing any more.
  left.drop('t/a');
  right.edit('t/a', { key: 'late' }, { modifiedAt: 8 * s });
  await runMerge({ ...windowed, left });
  assert.deepEqual(left.dump()['t/a'], { key: 'late' });
});

test('what was deleted by the baseline stays deleted, and an edit that nobody had seen does not', async () => {
  await using state = openState(undefined);
  const { left, right, pairing } = await inStep(state, { deletes: 'propagate' });
  left.drop('t/a');
  await runMerge(pairing);
  assert.equal(right.peek('t/a'), undefined);
  left.edit('t/a', { key: 'from a backup' }, { modifiedAt: 1 * s });
  assert.equal((await runMerge({ ...pairing, deletes: 'told', window: { after: 0, until: 9 * s } })).counts.deleted, 1);
  assert.deepEqual([left.size, right.size], [3, 3]);
  right.edit('t/a', { key: 'edited' }, { modifiedAt: 1 * s + 1 });
  await runMerge(pairing);
  assert.deepEqual(left.dump()['t/a'], { key: 'edited' });
});

test('what was deleted on both sides is remembered as well', async () => {
  await using state = openState(undefined);
  const { left, right, pairing } = await inStep(state, { deletes: 'propagate' });
  left.drop('t/a');
  right.drop('t/a');
  await runMerge(pairing);
  right.edit('t/a', { key: 'a' }, { modifiedAt: 1 * s });
  await runMerge(pairing);
  assert.deepEqual([left.size, right.size], [3, 3]);
});

test('a run that dies between a deletion and the memory of it has remembered it before', async () => {
  await using state = openState(undefined);
  const { left, right, pairing } = await inStep(state, { deletes: 'propagate' });
  left.drop('t/a');
  const dying = { ...pairing.right, write: async (): Promise<never> => { throw new Error('died'); }, scan: right.scan.bind(right), read: right.read.bind(right), capabilities: right.capabilities, identity: right.identity, name: right.name };
  await runMerge({ ...pairing, right: dying as unknown as TwoWay['right'] }).catch(() => {});
  right.drop('t/a');
  await runMerge(pairing);
  right.edit('t/a', { key: 'a' }, { modifiedAt: 1 * s });
  await runMerge({ ...pairing, deletes: 'told' });
  assert.deepEqual([left.size, right.size], [3, 3]);
});

test('deletions are forgotten when they are older than asked for', async () => {
  await using state = openState(undefined);
  const { left, right, pairing, clock, tell } = await inStep(state, { tombstonesForMs: 2 * day });
  left.drop('t/a');
  tell('a', 2 * s);
  await runMerge(pairing);
  for (const [after, held] of [[1 * day, 3], [3 * day, 4]] as const) {
    clock.now = after;
    right.edit('t/a', { key: 'a' }, { modifiedAt: 1 * s });
    await runMerge({ ...pairing, left, host: { ...fakeHost(), now: () => clock.now } });
    assert.deepEqual([left.size, right.size], [held, held]);
  }
});

test('the guard counts what tombstones delete, also in a window, against what a place holds', async () => {
  await using state = openState(undefined);
  const { left, right, pairing, clock, tell } = world(state);
  for (const key of all) left.edit(key, { key }, { modifiedAt: 1 * s });
  const options = { configuration: 'c', name: 'c' };
  await runFromCheckpoint(pairing, options);
  clock.now += 600_000;
  const at = clock.now * 1_000 - 1;
  for (const key of ['a', 'b', 'c']) tell(key, at);
  for (const key of all.slice(0, 3)) left.drop(key);
  await assert.rejects(runFromCheckpoint(pairing, options), { code: 'guarded', message: 'refusing to delete 3 of 4 entries of right (limit 2)' });
  const warned: string[] = [];
  await runMergeDiff({ ...pairing, window: { after: at - 1, until: at + 1 }, on: (event) => { if (event.kind === 'warning') warned.push(event.message); } }, () => {});
  assert.match(warned.join(), /a merge would end here: refusing to delete 3 of 4/);
  assert.equal(right.size, 4);
  await runFromCheckpoint({ ...pairing, guard: { maxDeletes: 3 } }, options);
  assert.equal(right.size, 1);
});

test('where nothing is to be deleted, nothing is, and deletions that are only remembered do not count', async () => {
  await using state = openState(undefined);
  const { left, right, pairing, tell } = await inStep(state);
  left.drop('t/a');
  tell('a', 2 * s);
  const { counts } = await runMerge({ ...pairing, deletes: 'keep' });
  assert.deepEqual([counts.kept, left.size, right.size], [1, 3, 4]);
  await runMerge(pairing);
  right.edit('t/a', { key: 'a' }, { modifiedAt: 1 * s });
  await runMerge({ ...pairing, left, deletes: 'keep' });
  assert.deepEqual([left.size, right.size], [4, 4]);
});

test('a run without a table is told by a field, and tells by it, with what was held last', async () => {
  await using state = openState(undefined);
  const { left, right, pairing } = await inStep(state);
  const host = pairing.host!;
  const both: TwoWay = { ...pairing, left: softly(left, { deleted: 'gone', host }), right: softly(right, { deleted: 'removed', host }) };
  left.edit('t/a', { key: 'edited last', gone: true }, { modifiedAt: 5 * s });
  const { counts } = await runMerge(both);
  assert.deepEqual([counts.deleted, right.dump()['t/a'], right.peek('t/a')?.modifiedAt], [1, { key: 'edited last', removed: instantText(5 * s) }, 5 * s]);
  assert.equal((await runMerge(both)).differences, 0);
  right.edit('t/a', { key: 'back' }, { modifiedAt: 6 * s });
  await runMerge(both);
  assert.deepEqual(left.dump()['t/a'], { key: 'back' });
});

test('by the baseline, a record that is deleted by a field is as good as gone', async () => {
  await using state = openState(undefined);
  const { left, right, pairing } = await inStep(state, { decides: 'baseline', deletes: 'propagate' });
  const soft: TwoWay = { ...pairing, left: softly(left, { deleted: 'gone', host: pairing.host! }) };
  await runMerge(soft);
  left.edit('t/a', { key: 'a', gone: true }, { modifiedAt: 5 * s });
  await runMerge(soft);
  assert.deepEqual(Object.keys(right.dump()), all.slice(1));
  right.drop('t/b');
  await runMerge(soft);
  assert.equal(typeof (left.dump()['t/b'] as { gone?: string }).gone, 'string');
  assert.equal((await runMerge(soft)).differences, 0);
});
