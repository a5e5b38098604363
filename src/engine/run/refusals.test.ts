import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryStore } from '../../stores/memory/memory-store.ts';
import { runDiff } from '../diff.ts';
import { runMerge } from '../merge.ts';
import { openState } from '../state/sqlite-state.ts';
import { runSync } from '../sync.ts';

/** A target that holds ten entries, and a source that lost six of them and gained twenty. */
function lossy(): { readonly source: MemoryStore; readonly target: MemoryStore } {
  const [source, target] = [new MemoryStore({ holds: 'blobs', name: 'source' }), new MemoryStore({ holds: 'blobs', name: 'target' })];
  for (let i = 0; i < 10; i++) target.edit(`old/${i}`, Buffer.from(`old ${i}`));
  for (let i = 0; i < 4; i++) source.edit(`old/${i}`, Buffer.from(`old ${i}`));
  for (let i = 0; i < 20; i++) source.edit(`new/${i}`, Buffer.from(`newer ${i}`));
  return { source, target };
}

test('what a refused run wrote makes no room for what it was not to delete', async () => {
  const { source, target } = lossy();
  await using state = openState(undefined);
  const pairing = { origins: [source], target, deletes: 'propagate', state } as const;
  await assert.rejects(runSync(pairing), { code: 'guarded', message: /delete 6 of 10 entries of target \(limit 5\)/ });
  assert.equal(target.size, 30);
  const again = /delete 6 of 30 entries of target \(limit 5 of the 10 that it held when this was first refused\)/;
  for (const more of [{}, { where: ({ key }: { key: string }) => key.startsWith('old/') }]) {
    await assert.rejects(runSync({ ...pairing, ...more }), { code: 'guarded' });
    assert.match((await runDiff(pairing, () => {})).warnings.join(), again);
  }
  await runSync({ ...pairing, deletes: 'keep' });
  await runSync({ ...pairing, where: ({ key }) => key.startsWith('new/') });
  await assert.rejects(runSync(pairing), { code: 'guarded', message: again });
  await runSync({ ...pairing, guard: { maxDeletes: 6 } });
  assert.deepEqual(target.dump(), source.dump());
  for (let i = 0; i < 12; i++) source.drop(`new/${i}`);
  assert.equal((await runSync(pairing)).counts.deleted, 12);
});

test('a source that is whole again settles a refusal', async () => {
  const { source, target } = lossy();
  await using state = openState(undefined);
  const pairing = { origins: [source], target, deletes: 'propagate', state } as const;
  await assert.rejects(runSync(pairing), { code: 'guarded' });
  for (let i = 4; i < 10; i++) source.edit(`old/${i}`, Buffer.from(`old ${i}`));
  await runSync(pairing);
  for (let i = 0; i < 8; i++) source.drop(`old/${i}`);
  assert.equal((await runSync(pairing)).counts.deleted, 8);
});

test('both ways, too', async () => {
  const [left, right] = [new MemoryStore({ holds: 'blobs', name: 'left' }), new MemoryStore({ holds: 'blobs', name: 'right', batchEntries: 1, inFlight: 1 })];
  await using state = openState(undefined);
  for (let i = 0; i < 10; i++) left.edit(`old/${i}`, Buffer.from(`old ${i}`));
  await runMerge({ left, right, state });
  for (let i = 0; i < 6; i++) left.drop(`old/${i}`);
  for (let i = 0; i < 20; i++) left.edit(`new/${i}`, Buffer.from(`newer ${i}`));
  await assert.rejects(runMerge({ left, right, state }), { code: 'guarded' });
  assert.ok(right.size > 20);
  await assert.rejects(runMerge({ left, right, state }), { code: 'guarded' });
  assert.ok(right.dump()['old/0']);
  await runMerge({ left, right, state, guard: { maxDeletes: 6 } });
  assert.deepEqual(right.dump(), left.dump());
});
