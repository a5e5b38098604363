import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SyncError } from '../model/errors.ts';
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

test('what was repaired and cannot be read again is not said to be equal, and the others are', async () => {
  const [left, right] = [new MemoryStore(), new MemoryStore({
    interfere: (operation, key) => { if (operation === 'read' && key === 't/1') throw new SyncError('corrupt', 'no'); },
  })];
  for (const key of ['t/1', 't/2']) left.edit(key, {});
  const { equal, differing, repaired, report } = await runRepair({ origins: [left], target: right });
  assert.deepEqual([equal, differing, repaired.length, report.differences], [false, [{ key: 't/1', kind: 'differs' }], 2, 1]);
});
