import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Collection } from '../model/collection.ts';
import { SyncError } from '../model/errors.ts';
import { MemoryStore } from '../stores/memory/memory-store.ts';
import { wrap } from '../testing/wrap.ts';
import { runSync } from './sync.ts';

function described(...names: readonly string[]): readonly Collection[] {
  return names.map((name) => ({ name, fields: [], key: [] }));
}

function source(): MemoryStore {
  const store = new MemoryStore();
  for (const key of ['a/1', 'a/2', 'b/1', 'loose']) store.edit(key, { key });
  return wrap(store, { describe: async () => described('a', 'b', 'c') } as object);
}

test('what is put into is made before, once, as the source describes it; and nothing else is', async () => {
  const made: string[] = [];
  const target = new MemoryStore({ interfere: (operation, key) => { if (operation === 'write' && key !== 'loose') assert.ok(made.includes(key![0]!), `${key} has where to go`); } });
  const place = wrap(target, { prepare: async (collections: readonly Collection[]) => void made.push(...collections.map(({ name }) => name)) } as object);
  const report = await runSync({ origins: [source()], target: place });
  assert.equal(report.counts.created, 4);
  assert.deepEqual(made.toSorted(), ['a', 'b']);
  made.length = 0;
  await runSync({ origins: [source()], target: place });
  assert.deepEqual(made, [], 'a run that puts nothing makes nothing');
});

test('where it cannot be made the run fails with the reason, and nothing was put', async () => {
  const target = new MemoryStore();
  const place = wrap(target, { prepare: async () => { throw new SyncError('not-found', 'no table a'); } } as object);
  await assert.rejects(runSync({ origins: [source()], target: place }), { code: 'not-found', message: 'no table a' });
  assert.equal(target.size, 0);
});
