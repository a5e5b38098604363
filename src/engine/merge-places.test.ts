import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Store } from '../model/store.ts';
import { MemoryStore } from '../stores/memory/memory-store.ts';
import { wrap } from '../testing/wrap.ts';
import { runMerge } from './merge.ts';
import { openState } from './state/sqlite-state.ts';

test('nothing is deleted on the strength of a side that is not the place it was, unless a guard of one’s own says so', async () => {
  const right = new MemoryStore({ holds: 'blobs', name: 'right' });
  const inner = new MemoryStore({ holds: 'blobs', name: 'left' });
  let disk = 'one';
  const left = wrap<Store>(inner, { fingerprint: async () => disk });
  const state = openState(undefined);
  for (const key of ['a', 'b', 'c', 'd']) inner.edit(key, Buffer.from(key));
  await runMerge({ left, right, state });
  disk = 'two';
  inner.drop('a');
  await assert.rejects(runMerge({ left, right, state }), { code: 'guarded', message: /left is not the place it was/ });
  assert.equal(right.size, 4);
  assert.equal((await runMerge({ left, right, state, guard: { maxDeletes: 1 } })).counts.deleted, 1);
  assert.equal((await runMerge({ left, right, state })).counts.deleted, 0);
});
