import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SyncError } from '../model/errors.ts';
import type { Store, Write } from '../model/store.ts';
import { MemoryStore } from '../stores/memory/memory-store.ts';
import { faulty } from './faulty.ts';
import type { Fault, FaultyOptions } from './faulty.ts';

function put(...keys: readonly string[]): Write[] {
  return keys.map((key) => ({ kind: 'put', entry: { key, content: { kind: 'document', document: { key } } } }));
}

/** A store to which one fault happens, once. */
function once(fault: Fault, options: Partial<FaultyOptions> = {}): { readonly well: MemoryStore; readonly ill: Store } {
  const well = new MemoryStore({ pageEntries: 1 });
  return { well, ill: faulty<Store>(well, { seed: 1, faults: { [fault]: 1 }, most: 1, ...options }) };
}

test('a batch that is refused did not happen, and the next one does', async () => {
  const { well, ill } = once('refuse');
  await assert.rejects(ill.write(put('a')), { code: 'unavailable' });
  assert.equal(well.size, 0);
  assert.equal((await ill.write(put('a')))[0]?.kind, 'done');
});

test('a batch whose answer is lost is answered as failed, and happened in part or in full', async () => {
  const sizes = new Set<number>();
  for (let seed = 0; seed < 50; seed++) {
    const { well, ill } = once('lose-answer', { seed });
    const outcomes = await ill.write(put('a', 'b'));
    assert.ok(outcomes.every((outcome) => outcome.kind === 'failed' && outcome.error.retryable));
    sizes.add(well.size);
  }
  assert.deepEqual([...sizes].sort(), [0, 1, 2]);
});

test('one write of a batch fails and the others are done', async () => {
  const { well, ill } = once('fail-one');
  const outcomes = await ill.write(put('a', 'b', 'c'));
  assert.deepEqual(outcomes.map(({ kind }) => kind).sort(), ['done', 'done', 'failed']);
  for (const [i, key] of ['a', 'b', 'c'].entries()) assert.equal(well.peek(key) !== undefined, outcomes[i]?.kind === 'done');
});

test('a scan breaks off, leaves a page out and says so, or tells of the past', async () => {
  const filled = async (fault: Fault): Promise<{ readonly well: MemoryStore; readonly ill: Store }> => {
    const stores = once(fault);
    await stores.well.write(put('a', 'b'));
    return stores;
  };
  await assert.rejects(Array.fromAsync((await filled('cut-scan')).ill.scan()), { code: 'unavailable' });
  const skipped = await Array.fromAsync((await filled('skip-page')).ill.scan());
  assert.deepEqual(skipped.map(({ entries, problems = [] }) => [entries.length, problems.length]), [[0, 1], [1, 0]]);
  const { well, ill } = await filled('stale-listing');
  await Array.fromAsync(ill.scan());
  well.drop('a');
  assert.equal((await Array.fromAsync(ill.scan())).length, 2);
  assert.equal((await Array.fromAsync(ill.scan())).length, 1);
});

test('throttling says how long to wait, readings fail, and others write in between', async () => {
  await assert.rejects(once('throttle').ill.read([]), (error) => error instanceof SyncError && error.code === 'throttled' && error.details.retryAfterMs !== undefined);
  await assert.rejects(once('fail-read').ill.read([]), { code: 'unavailable' });
  const { well, ill } = once('foreign-write', { foreign: () => well.edit('theirs', {}) });
  await ill.read([]);
  assert.ok(well.peek('theirs'));
});

test('the same seed fails the same calls', async () => {
  const histories = await Promise.all([7, 7, 8].map(async (seed) => {
    const ill = faulty<Store>(new MemoryStore(), { seed, faults: { 'refuse': 0.5 } });
    return Array.fromAsync({ length: 20 }, async () => ill.write(put('a')).then(() => '.', () => 'x'));
  }));
  assert.deepEqual(histories[0], histories[1]);
  assert.notDeepEqual(histories[0], histories[2]);
});
