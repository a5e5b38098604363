import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SyncError } from '../../model/errors.ts';
import { MemoryStore } from '../../stores/memory/memory-store.ts';
import { fakeHost } from '../../testing/index.ts';
import { runMerge } from '../merge.ts';
import { openState } from '../state/sqlite-state.ts';

test('what a place holds for the guard of later runs is what it holds, and not what could not be written there', async () => {
  await using state = openState(undefined);
  const left = new MemoryStore();
  const right = new MemoryStore({ interfere: (operation, key) => { if (operation === 'write' && key !== 't/0') throw new SyncError('invalid', 'no room for it'); } });
  for (let i = 0; i < 20; i++) left.edit(`t/${i}`, { i }, { modifiedAt: i });
  right.edit('t/there', {}, { modifiedAt: 1 });
  const report = await runMerge({ left, right, state, decides: 'time', deletes: 'told', host: fakeHost() });
  assert.deepEqual([report.counts.created, report.counts.failed], [2, 19]);
  assert.deepEqual([left, right].map(({ identity }) => state.facts(identity).get('entries held')?.text), ['21', '2']);
});
