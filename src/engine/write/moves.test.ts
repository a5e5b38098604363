import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SyncError } from '../../model/errors.ts';
import { keyOfWrite } from '../../model/store.ts';
import type { Store } from '../../model/store.ts';
import { MemoryStore } from '../../stores/memory/memory-store.ts';
import { wrap } from '../../testing/wrap.ts';
import { runDiff } from '../diff.ts';
import { runMerge } from '../merge.ts';
import { openState } from '../state/sqlite-state.ts';
import { runSync } from '../sync.ts';

/** Two sides that were in step until a folder that holds most of the left one was renamed. */
function renamed(text: (i: number) => string = (i) => `text ${i}`): { readonly left: MemoryStore; readonly right: MemoryStore } {
  const [left, right] = [new MemoryStore({ holds: 'blobs', name: 'left' }), new MemoryStore({ holds: 'blobs', name: 'right' })];
  for (const store of [left, right]) store.edit('stays', Buffer.from('stays'));
  for (let i = 0; i < 30; i++) {
    right.edit(`old/${i}`, Buffer.from(`text ${i}`));
    left.edit(`new/${i}`, Buffer.from(text(i)));
  }
  return { left, right };
}

test('what was renamed does not count against the share of the guard, in the plan as in the run', async () => {
  const { left, right } = renamed();
  const pairing = { origins: [left], target: right, deletes: 'propagate' } as const;
  assert.deepEqual((await runDiff(pairing, () => {})).warnings, []);
  assert.equal((await runSync(pairing)).counts.deleted, 30);
  assert.deepEqual(right.dump(), left.dump());
});

test('something else of the same size counts, and so does everything against a number', async () => {
  for (const [sides, more] of [[renamed((i) => `else ${i}`), {}], [renamed(), { guard: { maxDeletes: 29 } }]] as const) {
    const pairing = { origins: [sides.left], target: sides.right, deletes: 'propagate', ...more } as const;
    assert.match((await runDiff(pairing, () => {})).warnings.join(), /would end here: refusing to delete 30/);
    await assert.rejects(runSync(pairing), { code: 'guarded' });
    assert.ok(sides.right.dump()['old/29']);
  }
});

test('where one of the new entries could not be written nothing is deleted', async () => {
  const { left, right } = renamed();
  const target = wrap<Store>(right, {
    async write(batch, options) {
      const outcomes = await right.write(batch.filter((write) => keyOfWrite(write) !== 'new/7'), options);
      const rest = outcomes[Symbol.iterator]();
      return batch.map((write) => (keyOfWrite(write) === 'new/7' ? { kind: 'failed', error: new SyncError('denied', 'no') } : rest.next().value!));
    },
  });
  await using state = openState(undefined);
  await assert.rejects(runSync({ origins: [left], target, deletes: 'propagate', state }), { code: 'guarded' });
  assert.equal(Object.keys(right.dump()).filter((key) => key.startsWith('old/')).length, 30);
  assert.equal((await runSync({ origins: [left], target: right, deletes: 'propagate', state })).counts.deleted, 30);
});

test('both ways, too', async () => {
  const { left, right } = renamed();
  const state = openState(undefined);
  for (let i = 0; i < 30; i++) left.edit(`old/${i}`, Buffer.from(`text ${i}`));
  for (let i = 0; i < 30; i++) left.drop(`new/${i}`);
  await runMerge({ left, right, state });
  for (let i = 0; i < 30; i++) right.drop(`old/${i}`);
  for (let i = 0; i < 30; i++) right.edit(`moved/${i}`, Buffer.from(`text ${i}`));
  assert.equal((await runMerge({ left, right, state })).counts.deleted, 30);
  assert.deepEqual(left.dump(), right.dump());
});
