import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryStore } from '../stores/memory/memory-store.ts';
import { runRepair } from './repair.ts';
import { runVerify } from './verify.ts';

test('what a run is told to leave alone, or to take for equal, is no proof', async () => {
  for (const told of [{ replace: 'never' }, { replace: 'older' }, { replace: 'refuse' }, { equal: 'size' }] as const) {
    const [left, right] = [new MemoryStore({ digests: [] }), new MemoryStore({ digests: [] })];
    for (const [store, text, modifiedAt] of [[left, 'ours', 1_000_000], [right, 'them', 9_000_000]] as const) store.edit('t/1', { text }, { modifiedAt });
    const pairing = { origins: [left], target: right, ...told };
    const { equal, differing } = await runVerify(pairing);
    assert.deepEqual([equal, differing.map(({ key, kind }) => [key, kind])], [false, [['t/1', 'differs']]], JSON.stringify(told));
    assert.equal((await runRepair(pairing)).equal, true);
    assert.deepEqual(right.dump(), left.dump());
  }
});
