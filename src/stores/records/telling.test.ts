import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { testStore } from '../../testing/index.ts';
import { MemoryStore } from '../memory/memory-store.ts';
import { telling } from './telling.ts';

const host = { log(): void {} };

describe('a store beside its deletions', () => testStore(test, {
  open: async () => telling(new MemoryStore(), { table: new MemoryStore(), name: 'deletions', host }),
  key: (name) => `t/${name}`,
}));

test('a table that cannot be written keeps nothing from being deleted, with a word', async () => {
  const said: string[] = [];
  const table = new MemoryStore({ keyBytes: 3 });
  const store = new MemoryStore();
  const told = telling(store, { table, name: 'deletions', host: { log: (_, text) => void said.push(text) } });
  store.edit('t/a', { a: 1 });
  const outcomes = await told.write([{ kind: 'delete', ref: { key: 't/a' }, tombstone: { key: 't/a', deleted: true, modifiedAt: 5 } }]);
  assert.deepEqual([outcomes[0]?.kind, store.size, table.size], ['done', 0, 0]);
  assert.match(said.join(), /deletions could not be told of a deletion: .*longer|key/);
});

test('keys of several parts are told as they are written in keys', async () => {
  const table = new MemoryStore();
  const told = telling(new MemoryStore(), { table, name: 'deletions', host });
  await told.write([{ kind: 'delete', ref: { key: 'a%2Fb/1/x%2Fy' }, tombstone: { key: 'a%2Fb/1/x%2Fy', deleted: true, modifiedAt: 5 } }]);
  const [row] = Object.values(table.dump());
  assert.deepEqual(row, { collection: 'a/b', key: '1/x%2Fy' });
  table.edit(Object.keys(table.dump())[0]!, { ...row as object, deleted_at: 'any' }, { modifiedAt: 7 });
  const found = (await Array.fromAsync(told.tombstones?.() ?? [])).flatMap(({ entries }) => entries);
  assert.deepEqual(found, [{ key: 'a%2Fb/1/x%2Fy', deleted: true, modifiedAt: 7 }]);
});
