import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Host } from '../../model/host.ts';
import { plainHost } from '../../model/plain-host.ts';
import { MemoryStore } from '../../stores/memory/memory-store.ts';
import { nextWindow, runFromCheckpoint } from './checkpoints.ts';
import { openState } from '../state/sqlite-state.ts';
import type { TwoWay } from '../types.ts';

/** Microseconds of a second. */
const second = 1_000_000;
const options = { configuration: 'a pair', name: 'left and right' } as const;

function world(right: MemoryStore = new MemoryStore({ name: 'right' })): { pairing: TwoWay & { left: MemoryStore; right: MemoryStore }; clock: { seconds: number } } {
  const clock = { seconds: 1_000 };
  const host: Host = { ...plainHost, now: () => clock.seconds * 1_000, sleep: async () => {} };
  return { clock, pairing: { left: new MemoryStore({ name: 'left' }), right, state: openState(undefined), host, decides: 'time' } };
}

test('a configuration goes on where it ended, a little before, and its end is fixed before it begins', async () => {
  const { pairing, clock } = world();
  assert.deepEqual(nextWindow(pairing, options), { until: 1_000 * second });
  assert.deepEqual(nextWindow(pairing, { ...options, otherwise: 500 * second }), { after: 440 * second - 1, until: 1_000 * second });
  await runFromCheckpoint(pairing, options, async (given) => {
    clock.seconds = 1_100;
    return await (await import('../merge.ts')).runMerge(given);
  });
  assert.equal(pairing.state.checkpoints.get('a pair')?.until, 1_000 * second);
  assert.deepEqual(nextWindow(pairing, options), { after: 940 * second - 1, until: 1_100 * second });
  assert.deepEqual(nextWindow(pairing, { ...options, overlapMs: 0 }), { after: 1_000 * second - 1, until: 1_100 * second });
  assert.deepEqual(nextWindow(pairing, { ...options, whole: true }), { until: 1_100 * second });
});

test('a clock that was set back loses nothing', async () => {
  const { pairing, clock } = world();
  await runFromCheckpoint(pairing, options);
  clock.seconds = 500;
  pairing.left.edit('a', { value: 1 }, { modifiedAt: 499 * second });
  await runFromCheckpoint(pairing, options);
  assert.deepEqual(pairing.right.dump(), { a: { value: 1 } });
  assert.equal(pairing.state.checkpoints.get('a pair')?.until, 500 * second);
});

test('a store that keeps whole seconds is read from the beginning of the one that was not over', () => {
  const { pairing, clock } = world(new MemoryStore({ modifiedAtPrecision: second }));
  clock.seconds = 10.7;
  pairing.state.checkpoints.set({ ...options, until: 10.7 * second, at: 0 });
  assert.ok(nextWindow(pairing, { ...options, overlapMs: 0 }).after! < 10 * second);
});

test('what is stamped far in the future stays until its time comes, with a word about the clocks', async () => {
  const { pairing, clock } = world();
  pairing.left.edit('soon', {}, { modifiedAt: 1_001 * second });
  pairing.right.edit('far', {}, { modifiedAt: 1_400 * second });
  const { warnings, counts } = await runFromCheckpoint(pairing, options);
  assert.deepEqual([warnings.length, counts.created, counts.failed], [1, 0, 0]);
  assert.match(warnings[0]!, /one entry is stamped in the future, up to 1970-01-01T00:23:20\.000Z, and travels/);
  clock.seconds = 1_200;
  await runFromCheckpoint(pairing, options);
  assert.deepEqual(Object.keys(pairing.right.dump()), ['far', 'soon']);
  clock.seconds = 1_500;
  await runFromCheckpoint(pairing, options);
  assert.deepEqual(Object.keys(pairing.left.dump()), ['soon', 'far']);
});

test('a failure leaves the checkpoint where it is', async () => {
  const { pairing } = world();
  pairing.left.edit('timeless', { value: 1 });
  const { counts } = await runFromCheckpoint(pairing, options);
  assert.equal(counts.failed, 1);
  assert.equal(pairing.state.checkpoints.get('a pair'), undefined);
});

test('what turned out to be newer is carried across by the next run, however old it is', async () => {
  let struck = false;
  const { pairing, clock } = world(new MemoryStore({ name: 'right', interfere: (operation) => {
    if (operation !== 'write' || struck) return;
    struck = true;
    pairing.right.edit('a', { value: 'newer, and late' }, { modifiedAt: 20 * second });
  } }));
  pairing.left.edit('a', { value: 'old' }, { modifiedAt: 10 * second });
  const { counts } = await runFromCheckpoint(pairing, options);
  assert.deepEqual([counts.skipped, counts.failed], [1, 0]);
  clock.seconds += 1_000;
  await runFromCheckpoint(pairing, options);
  assert.deepEqual(pairing.left.dump(), { a: { value: 'newer, and late' } });
  assert.equal(pairing.state.checkpoints.get('a pair')?.until, 2_000 * second);
});

test('a checkpoint does not move for who has lost the lock', async () => {
  const { pairing, clock } = world();
  const { locks, checkpoints } = pairing.state;
  const lock = locks.take('a pair', { holder: 'one', sinceMs: 0, untilMs: 100 });
  assert.ok('token' in lock);
  assert.deepEqual(locks.take('a pair', { holder: 'two', sinceMs: 50, untilMs: 150 }), { holder: 'one', sinceMs: 0, untilMs: 100 });
  assert.ok(locks.renew(lock, 200));
  assert.ok('holder' in locks.take('a pair', { holder: 'two', sinceMs: 150, untilMs: 250 }));
  const over = locks.take('a pair', { holder: 'two', sinceMs: 200, untilMs: 300 });
  assert.ok('token' in over && over.token > lock.token);
  assert.equal(locks.renew(lock, 900), false);
  clock.seconds = 7;
  await assert.rejects(runFromCheckpoint(pairing, { ...options, lock }), { code: 'conflict' });
  assert.equal(checkpoints.get('a pair'), undefined);
  await runFromCheckpoint(pairing, { ...options, lock: over });
  assert.deepEqual(checkpoints.list(), [{ ...options, until: 7 * second, at: 7_000 }]);
  locks.release(over);
  const after = locks.take('a pair', { holder: 'three', sinceMs: 201, untilMs: 300 });
  assert.ok('token' in after && after.token > over.token);
  assert.ok('token' in locks.take('a pair', { holder: 'four', sinceMs: 202, untilMs: 300 }, (holder) => holder === 'three'));
});
