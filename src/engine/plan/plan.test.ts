import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SyncError } from '../../model/errors.ts';
import { MemoryStore } from '../../stores/memory/memory-store.ts';
import { openState } from '../state/sqlite-state.ts';
import { runSync } from '../sync.ts';

/** A source without an order, and a target in which one entry cannot be read, for a reason. */
function places(code: 'corrupt' | 'denied'): { readonly source: MemoryStore; readonly target: MemoryStore } {
  const source = new MemoryStore({ order: 'none', pageEntries: 3 });
  const target = new MemoryStore({ interfere: (operation, key) => { if (operation === 'read' && key === 't/2') throw new SyncError(code, `cannot read ${key}`); } });
  for (let i = 0; i < 9; i++) source.edit(`t/${i}`, { i });
  for (const i of [0, 1, 2]) target.edit(`t/${i}`, { i: -1 });
  return { source, target };
}

test('an entry of the target that is beyond reading is a problem, and all others are written', async () => {
  const { source, target } = places('corrupt');
  await using state = openState(undefined);
  const report = await runSync({ origins: [source], target, state });
  assert.deepEqual([report.complete, report.problems, report.counts.created, report.counts.updated], [false, 1, 6, 2]);
});

test('a target that may not be read ends the run', async () => {
  const { source, target } = places('denied');
  await using state = openState(undefined);
  await assert.rejects(runSync({ origins: [source], target, state }), { code: 'denied' });
});
