// Several collections in one index of a real OpenSearch, told apart by a field.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { describe, test } from 'node:test';
import { startExampleApi } from '../examples/api/server.ts';
import type { Document } from '../src/model/document.ts';
import { Bench } from './cli/command.ts';
import { sharedSearch, skipWithoutSearch } from './services/search.ts';
import { assertAll, collection, documentOf, failureOf, found, keysOf, Place, put } from './services/search-places.ts';

const skip = await skipWithoutSearch('opensearch');
const place = async (): Promise<Place> => new Place('opensearch', await sharedSearch('opensearch'));
const shared = { layout: 'field' } as const;
const number = { kind: 'integer', bits: 32 } as const;

interface Hit {
  readonly _id: string;
  readonly _source: Document;
}

/** All documents of an index, whoever wrote them. */
async function documentsOf({ server }: Pick<Place, 'server'>, index: string): Promise<{ readonly [id: string]: Document }> {
  await server.ask('POST', `/${index}/_refresh`);
  const { hits } = await server.ask('POST', `/${index}/_search`, { size: 1_000, sort: ['_doc'] }) as { readonly hits: { readonly hits: readonly Hit[] } };
  return Object.fromEntries(hits.hits.map(({ _id, _source }) => [_id, _source]));
}

describe('an index of several collections', { skip }, () => {
  test('holds one key in each of them, and says in a field of which one a document is', async () => {
    const here = await place();
    await using store = await here.open(shared);
    await store.prepare!([collection('users', { id: number, name: { kind: 'text' } }), collection('orders', { id: number, total: { kind: 'decimal' } })]);
    assertAll(await store.write([put('users/1', { id: 1, name: 'Joe' }), put('orders/1', { id: 1, total: '1.50' }), put('orders/a/b', { id: 2 })]), 'done');
    assert.deepEqual(await documentsOf(here, here.path), { 'users/1': { type: 'users', id: 1, name: 'Joe' }, 'orders/1': { type: 'orders', id: 1, total: '1.50' }, 'orders/a/b': { type: 'orders', id: 2 } });
    assert.deepEqual((await found(store)).map(documentOf), [{ id: 1, total: '1.50' }, { id: 2 }, { id: 1, name: 'Joe' }]);
    const described = await store.describe!();
    assert.deepEqual(described.map(({ name, key, fields }) => [name, key, fields.map((field) => field.name).toSorted()]), [['orders', [], ['id', 'total']], ['users', [], ['id', 'name']]]);
    assert.equal(await store.estimate!(), 3);
    await using users = await here.open({ ...shared, collections: 'us*' });
    assert.deepEqual([await keysOf(users), (await users.describe!()).map(({ name }) => name)], [['users/1'], ['users']]);
  });

  test('leaves alone what is of none of them', async () => {
    const here = await place();
    await using store = await here.open(shared);
    await store.prepare!([collection('users', { id: number })]);
    const foreign: { readonly [id: string]: Document } = {
      'logo': { note: 'no field' }, 'users/2': { type: 'pets', id: 2 }, 'users/3': { type: ['users'] }, 'x7f': { type: 'users', id: 7 }, 'users/4': { id: 4 },
    };
    for (const [id, document] of Object.entries(foreign)) await here.put(here.path, id, document);
    assertAll(await store.write([put('users/1', { id: 1 })]), 'done');
    assert.deepEqual(await keysOf(store), ['users/1']);
    assert.deepEqual(await store.read([{ key: 'users/2' }, { key: 'users/4' }]), [undefined, undefined]);
    for (const expect of [undefined, { absent: true }, { older: 1 }] as const) {
      const failed = failureOf((await store.write([put('users/2', { id: 2 }, expect && { expect })]))[0]!);
      assert.deepEqual([failed.code, /no record of "users", by its field type/.test(failed.message)], ['unsupported', true], JSON.stringify(expect));
    }
    assertAll(await store.write([{ kind: 'delete', ref: { key: 'users/2' } }, { kind: 'delete', ref: { key: 'users/4' } }]), 'done');
    assert.deepEqual(await documentsOf(here, here.path), { ...foreign, 'users/1': { type: 'users', id: 1 } });
  });

  test('refuses what it cannot hold, by a sentence, and another field helps', async () => {
    const here = await place();
    await using store = await here.open(shared);
    const events = collection('events', { id: number, type: { kind: 'text' } });
    await assert.rejects(store.prepare!([events]), { code: 'unsupported', details: { hint: 'name another field with typeField' } });
    await store.prepare!([collection('users', { id: number })]);
    await assert.rejects(store.prepare!([collection('tags', { id: { kind: 'uuid' } })]), { code: 'unsupported', message: /tags\.id would be of the type keyword/ });
    assert.match(failureOf((await store.write([put('users/1', { id: 1, type: 'x' })]))[0]!).message, /has a field type itself/);
    assert.match(failureOf((await store.write([put('others/1', { id: 1 })]))[0]!).message, /no collection "others"/);
    await assert.rejects(store.fresh!([events]), { code: 'unsupported', message: /all others in it would be gone/ });
    const there = await place();
    await using other = await there.open({ ...shared, typeField: 'of' });
    await other.prepare!([events]);
    assertAll(await other.write([put('events/1', { id: 1, type: 'click' })]), 'done');
    assert.deepEqual([await documentsOf(there, there.path), (await found(other)).map(documentOf)], [{ 'events/1': { of: 'events', id: 1, type: 'click' } }, [{ id: 1, type: 'click' }]]);
    await using unfit = await there.open({ ...shared, typeField: 'id' });
    await assert.rejects(unfit.describe!(), { code: 'invalid', message: /the field id cannot tell collections apart/ });
  });

  test('made by others is described by its documents', async () => {
    const here = await place();
    await here.index(here.path);
    await here.put(here.path, 'users/1', { type: 'users', name: 'Joe', age: 3 });
    await here.put(here.path, '77', { type: 'events', at: 'now' });
    await using store = await here.open(shared);
    assert.deepEqual([await keysOf(store), (await store.describe!()).map(({ name }) => name)], [['users/1'], ['users']]);
    await store.prepare!([collection('orders', { id: number })]);
    assertAll(await store.write([put('orders/1', { id: 1 })]), 'done');
    assert.deepEqual((await store.describe!()).map(({ name }) => name), ['orders', 'users']);
  });
});

test('tables go into one index, one way and by time, and come back; deletions are of these tables alone', { skip }, async () => {
  using bench = new Bench();
  const { address, ask } = await sharedSearch('opensearch');
  const index = `shared-${randomUUID().slice(0, 8)}`;
  const endpoint = `opensearch://${address}/${index}?layout=field`;
  const sql = (file: string, ...statements: readonly string[]): readonly { readonly [column: string]: unknown }[] => {
    using database = new DatabaseSync(bench.at(file));
    for (const statement of statements.slice(0, -1)) database.exec(statement);
    return database.prepare(statements.at(-1)!).all();
  };
  const tables = 'create table users (id integer primary key, name text, at text); create table orders (id integer primary key, state text, at text)';
  const at = `'2015-01-01T00:00:00Z'`;
  sql('a.db', tables, `insert into users values (1, 'Joe', ${at}), (2, 'Ann', ${at}), (3, 'Eve', ${at})`, `insert into orders values (1, 'open', ${at}), (2, 'open', ${at}), (3, 'open', ${at})`, 'select 1');
  const synced = async (...args: readonly string[]): Promise<string> => {
    const { code, stdout, stderr } = await bench.syncline([...args]);
    assert.equal(code, 0, stdout + stderr);
    return stdout;
  };
  await synced('sync', 'sqlite:a.db', endpoint);
  await ask('PUT', `/${index}/_doc/mine?refresh=true`, { note: 'of none of them' });
  assert.match(await synced('sync', 'sqlite:a.db', endpoint), /nothing to do/);
  sql('a.db', 'delete from users where id = 2', 'select 1');
  assert.match(await synced('sync', '--delete', 'sqlite:a.db', endpoint), /1 change/);
  const documents = await documentsOf({ server: await sharedSearch('opensearch') }, index);
  assert.deepEqual(Object.keys(documents).toSorted(), ['mine', 'orders/1', 'orders/2', 'orders/3', 'users/1', 'users/3']);
  const swap = await bench.syncline(['sync', '--swap', 'sqlite:a.db', endpoint]);
  assert.deepEqual([swap.code, /all others in it would be gone: run without --swap/.test(swap.stderr)], [2, true], swap.stderr);
  // By time: what is newer in the index comes home, and into a second database as well.
  await ask('PUT', `/${index}/_doc/orders%2F2?refresh=true`, { type: 'orders', id: 2, state: 'sent', at: '2016-01-01T00:00:00Z' });
  sql('a.db', `update users set name = 'Eva', at = '2016-01-01T00:00:00Z' where id = 3`, 'select 1');
  assert.match(await synced('merge', '--newest', '--modified', 'at', 'sqlite:a.db', endpoint), /2 changes/);
  assert.match(await synced('merge', '--newest', '--full', '--modified', 'at', 'sqlite:a.db', endpoint), /nothing to do/);
  assert.deepEqual(sql('a.db', 'select state from orders where id = 2').map(({ state }) => state), ['sent']);
  sql('b.db', 'select 1');
  await synced('sync', '--drop', '*.at', `${endpoint}&collections=us*`, 'sqlite:b.db');
  assert.deepEqual(sql('b.db', 'select * from users order by id').map((row) => ({ ...row })), [{ id: 1, name: 'Joe' }, { id: 3, name: 'Eva' }]);
});

test('an API, files and lines, which describe nothing, go into indices that are not there, and back', { skip }, async () => {
  const { server, path } = await place();
  await using api = await startExampleApi({ resources: [{ type: 'line', id: 'T1', fields: { name: 'one' } }, { type: 'line', id: 'T2', fields: { name: 'two' } }] });
  using bench = new Bench();
  bench.write({ 'files/stop/1.yaml': 'id: 1\nzone: 2015-01-31\n', 'files/stop/2.yaml': 'id: 2\nzone: A\n', 'notes.ndjson': '{"id": 1, "wide": 9007199254740993}\n' });
  for (const layout of ['suffix', 'field'] as const) {
    const target = `opensearch://${server.address}/${path}-${layout}?layout=${layout}`;
    const sync = ['sync', '--no-state', `${api.url}/api/line`, 'files', 'notes.ndjson', target];
    const refused = await bench.syncline([...sync, '--no-create']);
    assert.equal(refused.code, 1);
    assert.match(refused.stdout, /and none is to be made/);
    const { code, stdout, stderr } = await bench.syncline(sync);
    assert.equal(code, 0, stdout + stderr);
    assert.match((await bench.syncline(sync)).stdout, /in step/);
    assert.equal((await bench.syncline(['sync', target, `back-${layout}`])).code, 0);
    assert.equal(readFileSync(bench.at(`back-${layout}/notes/1.yaml`), 'utf8'), 'id: 1\nwide: 9007199254740993\n');
  }
});
