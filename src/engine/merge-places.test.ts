import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SyncError } from '../model/errors.ts';
import type { Store } from '../model/store.ts';
import { MemoryStore } from '../stores/memory/memory-store.ts';
import { wrap } from '../testing/wrap.ts';
import { runDiff } from './diff.ts';
import { runMerge, runMergeDiff } from './merge.ts';
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
  const { warnings } = await runMergeDiff({ left, right, state }, () => {});
  assert.match(warnings.join(), /a merge would end here: refusing to delete one entry, because left is not the place it was/);
  await assert.rejects(runMerge({ left, right, state }), { code: 'guarded', message: /left is not the place it was/ });
  assert.equal(right.size, 4);
  assert.equal((await runMerge({ left, right, state, guard: { maxDeletes: 1 } })).counts.deleted, 1);
  assert.equal((await runMerge({ left, right, state })).counts.deleted, 0);
});

test('what is only shown says what a run would say: that nothing is deleted where not everything can be read, or where a place is another', async () => {
  const state = openState(undefined);
  const inner = new MemoryStore({ holds: 'blobs', name: 'left' });
  const right = new MemoryStore({ holds: 'blobs', name: 'right' });
  let [disk, broken] = ['one', false];
  const left = wrap<Store>(inner, {
    fingerprint: async () => disk,
    async *scan(options) {
      yield* inner.scan(options);
      if (broken) yield { entries: [], problems: [{ place: 'x', error: new SyncError('denied', 'x cannot be read') }] };
    },
  });
  for (const key of ['a', 'b', 'c', 'd']) inner.edit(key, Buffer.from(key));
  await runMerge({ left, right, state });
  inner.drop('a');
  const warned = async (): Promise<readonly string[]> => [
    (await runMergeDiff({ left, right, state }, () => {})).warnings.join(),
    (await runDiff({ origins: [left], target: right, state, deletes: 'propagate' }, () => {})).warnings.join(),
  ];
  assert.deepEqual(await warned(), ['', '']);
  broken = true;
  assert.deepEqual(await warned(), Array.from({ length: 2 }, () => 'nothing would be deleted, because not everything could be read'));
  [broken, disk] = [false, 'two'];
  for (const said of await warned()) assert.match(said, /would end here: refusing to delete one entry, because left is not the place it was/);
});
