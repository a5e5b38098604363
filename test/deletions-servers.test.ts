// Deletions between real servers: told by triggers, by tables, by fields, and remembered where the servers forget.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { runFromCheckpoint } from '../src/engine/run/checkpoints.ts';
import { runMerge, runMergeDiff } from '../src/engine/merge.ts';
import { openState } from '../src/engine/state/sqlite-state.ts';
import type { Report } from '../src/engine/types.ts';
import type { Document } from '../src/model/document.ts';
import type { Store } from '../src/model/store.ts';
import { openPair } from '../src/stores/open.ts';
import { cassandraServer, withoutCassandra } from './services/cassandra.ts';
import { freePort } from './services/free-port.ts';
import { guideSql } from './services/guide-sql.ts';
import { mariadb, withoutMariadb } from './services/mariadb.ts';
import { postgres, withoutPostgres } from './services/postgres.ts';
import { sharedSearch, skipWithoutSearch, startSearch } from './services/search.ts';
import type { SearchServer } from './services/search.ts';

const withoutOpensearch = await skipWithoutSearch('opensearch');
const columns = "id int primary key, state varchar(99), updated timestamptz";

/** A moment so many milliseconds from now, as text. */
function fromNow(ms: number): string {
  return new Date(Date.now() + ms).toISOString();
}

/** Two places by their endpoints, and runs that each begin where the last one ended. */
class Pair implements AsyncDisposable {
  readonly state = openState(undefined);
  readonly endpoints: readonly [string, string];

  constructor(...endpoints: readonly [string, string]) {
    this.endpoints = endpoints;
  }

  /** One run, which deletes and writes just so much, as one that only says so has said; another one then does nothing. */
  async run(written: number, deleted: number, whole = false): Promise<Report> {
    const [left, right] = this.endpoints;
    const reports: Report[] = [];
    for (const expected of [[written, deleted], [0, 0]]) {
      await using pair = await openPair({ origins: [left], target: right, options: { as: 'documents' }, bothWritten: true });
      const pairing = { left: pair.origins[0] as Store, right: pair.target as Store, state: this.state, deletes: 'told' as const, decides: 'time' as const };
      const planned: string[] = [];
      const report = await runFromCheckpoint(pairing, { configuration: 'one', name: 'one', whole }, async (given) => {
        await runMergeDiff(given, (actions) => void planned.push(...actions.map(({ kind }) => kind)));
        return await runMerge(given);
      });
      reports.push(report);
      const { counts, failures, warnings } = report;
      assert.deepEqual([failures.map(({ error }) => error.message), warnings], [[], []]);
      assert.deepEqual([counts.created + counts.updated, counts.deleted], expected);
      assert.deepEqual([planned.filter((kind) => kind === 'put').length, planned.filter((kind) => kind === 'delete').length], expected);
    }
    return reports[0]!;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.state[Symbol.asyncDispose]();
  }
}

/** An index of orders. */
class Orders {
  readonly server: SearchServer;
  readonly prefix: string;

  constructor(server: SearchServer, prefix: string) {
    [this.server, this.prefix] = [server, prefix];
  }

  endpoint(options = ''): string {
    return `opensearch://${this.server.address}/${this.prefix}?modified=updated${options}`;
  }

  async make(settings: object = {}): Promise<this> {
    await this.server.ask('PUT', `/${this.prefix}-orders`, { settings: { number_of_replicas: 0, ...settings }, mappings: { properties: { id: { type: 'integer' }, state: { type: 'keyword' }, updated: { type: 'date' } } } });
    return this;
  }

  async put(id: number, document: Document, query = ''): Promise<void> {
    await this.server.ask('PUT', `/${this.prefix}-orders/_doc/${id}?refresh=true${query}`, { id, ...document });
  }

  async all(): Promise<{ readonly [id: string]: Document }> {
    await this.server.ask('POST', `/${this.prefix}-orders/_refresh`);
    const { hits } = await this.server.ask('POST', `/${this.prefix}-orders/_search`, { size: 100 }) as { readonly hits: { readonly hits: readonly { readonly _id: string; readonly _source: Document }[] } };
    return Object.fromEntries(hits.hits.map(({ _id, _source }) => [_id, _source]));
  }

  async ids(): Promise<string> {
    return Object.keys(await this.all()).sort().join('');
  }
}

/** A database of PostgreSQL with the trigger of the guide, and orders in it. */
async function shop(more = ''): Promise<{ readonly endpoint: string; query(text: string): Promise<readonly Document[]>; ids(): Promise<string> }> {
  const { newDatabase, query } = await postgres();
  const endpoint = await newDatabase();
  const ask = async (text: string): Promise<readonly Document[]> => await query(endpoint, text) as readonly Document[];
  await ask(`create table orders (${columns}${more}); ${guideSql('PostgreSQL')}`);
  for (const id of [1, 2, 3, 4, 5, 6, 7, 8]) await ask(`insert into orders values (${id}, 'open', '${fromNow(-20_000)}')`);
  return { endpoint, query: ask, ids: async () => (await ask('select id from orders order by id')).map(({ id }) => String(id)).join('') };
}

describe('deletions between servers', { timeout: 300_000 }, () => {
  test('a trigger of PostgreSQL tells an index, which forgets it at once and at a restart, and we do not', { skip: withoutPostgres.skip || withoutOpensearch }, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'syncline-restart-'));
    try {
      const port = await freePort();
      let server = await startSearch('opensearch', { folder, port });
      let orders = await new Orders(server, 'app').make({ 'index.gc_deletes': '0s' });
      const { endpoint, query, ids } = await shop();
      await using pair = new Pair(`${endpoint}?modified=updated&tombstones=deletions`, orders.endpoint());
      await pair.run(8, 0);
      const old = fromNow(-15_000);
      await query('delete from orders where id <= 3');
      await pair.run(0, 3);
      assert.deepEqual([await ids(), await orders.ids()], ['45678', '45678']);
      await query('delete from deletions');
      // The index takes an older version for a new document.
      await orders.put(1, { state: 'late', updated: old }, '&version=1&version_type=external');
      await pair.run(0, 1);
      await server[Symbol.asyncDispose]();
      server = await startSearch('opensearch', { folder, port });
      try {
        orders = new Orders(server, 'app');
        await orders.put(2, { state: 'late', updated: old }, '&version=1&version_type=external');
        await pair.run(0, 1);
        await orders.put(3, { state: 'very late', updated: '2015-01-01T00:00:00Z' });
        await query("insert into orders values (3, 'from a backup', '2015-01-02T00:00:00Z')");
        await query('delete from deletions');
        await pair.run(0, 2, true);
        assert.deepEqual([await ids(), await orders.ids()], ['45678', '45678']);
        await orders.put(1, { state: 'anew', updated: fromNow(0) });
        await pair.run(1, 0);
        assert.deepEqual([await ids(), await orders.ids()], ['145678', '145678']);
      } finally {
        await server[Symbol.asyncDispose]();
      }
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  test('an index of deletions tells PostgreSQL, whose trigger does not say that it was later', { skip: withoutPostgres.skip || withoutOpensearch }, async () => {
    const server = await sharedSearch('opensearch');
    const orders = await new Orders(server, 'told').make();
    const { endpoint, query, ids } = await shop();
    await server.ask('PUT', '/told-deletions', { mappings: { properties: { collection: { type: 'keyword' }, key: { type: 'keyword' }, deleted_at: { type: 'date' } } } });
    await using pair = new Pair(`${endpoint}?modified=updated&tombstones=deletions`, orders.endpoint('&tombstones=deletions'));
    await pair.run(8, 0);
    const at = fromNow(-1_000);
    await server.ask('DELETE', '/told-orders/_doc/1?refresh=true');
    await server.ask('PUT', '/told-deletions/_doc/orders%2F1?refresh=true', { collection: 'orders', key: '1', deleted_at: at });
    await pair.run(0, 1);
    assert.equal(await ids(), '2345678');
    const [row] = await query('select key, to_char(deleted_at at time zone \'UTC\', \'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"\') as at from deletions');
    assert.deepEqual({ ...row }, { key: '1', at });
  });

  test('a field of PostgreSQL is told of what a field of the index says, and the other way', { skip: withoutPostgres.skip || withoutOpensearch }, async () => {
    const orders = await new Orders(await sharedSearch('opensearch'), 'soft').make();
    const { endpoint, query } = await shop(', deleted_at timestamptz');
    await using pair = new Pair(`${endpoint}?modified=updated&deleted=deleted_at&collections=orders`, orders.endpoint('&deleted=gone'));
    await pair.run(8, 0);
    assert.deepEqual(Object.keys((await orders.all())['1']!).sort(), ['id', 'state', 'updated']);
    await query("update orders set deleted_at = now(), updated = now(), state = 'closed' where id = 1");
    await pair.run(0, 1);
    const closed = (await orders.all())['1']!;
    assert.deepEqual([closed['state'], typeof closed['gone']], ['closed', 'string']);
    const at = fromNow(-500);
    await orders.put(2, { state: 'closed there', updated: at, gone: at });
    await pair.run(0, 1);
    const [row] = await query('select state, deleted_at is not null as gone, updated = deleted_at as same from orders where id = 2');
    assert.deepEqual({ ...row }, { state: 'closed there', gone: true, same: true });
    await query("update orders set deleted_at = null, updated = now(), state = 'reopened' where id = 2");
    await pair.run(1, 0);
    const { gone, ...open } = (await orders.all())['2']!;
    assert.deepEqual([gone, open['state']], [undefined, 'reopened']);
  });

  test('of what two databases prove equal without reading it, what was deleted before is deleted again', { skip: withoutPostgres.skip }, async () => {
    const [one, other] = [await shop(), await shop()];
    const fill = "truncate orders; insert into orders select n, 'open', '2015-01-01' from generate_series(1, 1000) n";
    for (const { query } of [one, other]) await query(fill);
    await using pair = new Pair(`${one.endpoint}?modified=updated&tombstones=deletions`, `${other.endpoint}?modified=updated&tombstones=deletions`);
    await pair.run(0, 0);
    await one.query('delete from orders where id = 500');
    await pair.run(0, 1);
    for (const { query } of [one, other]) await query("delete from deletions; insert into orders values (500, 'open', '2015-01-01')");
    const { ranges, counts } = await pair.run(0, 2, true);
    assert.equal(counts.unchanged, 999);
    assert.ok((ranges?.equal ?? 0) > 500, `${ranges?.equal} proven equal`);
    assert.deepEqual([await one.query('select 1 from orders where id = 500'), await other.query('select 1 from orders where id = 500')], [[], []]);
  });

  test('the trigger of MariaDB tells PostgreSQL', { skip: withoutPostgres.skip || withoutMariadb.skip }, async () => {
    const { newDatabase, query: ask } = await mariadb();
    const endpoint = await newDatabase();
    const { endpoint: other, query, ids } = await shop();
    await ask(endpoint, `create table orders (${columns.replace('timestamptz', 'datetime(6)')})`);
    for (const statement of guideSql('MariaDB').split(/;$/m)) if (statement.trim() !== '') await ask(endpoint, statement);
    await using pair = new Pair(`${endpoint}?modified=updated&tombstones=deletions`, `${other}?modified=updated&tombstones=deletions`);
    await pair.run(8, 0);
    await ask(endpoint, 'delete from orders where id in (1, 2)');
    await query('delete from orders where id in (2, 3)');
    await pair.run(0, 2);
    assert.deepEqual([await ids(), (await ask(endpoint, 'select id from orders order by id')).map(({ id }) => String(id)).join('')], ['45678', '45678']);
  });

  for (const conditions of ['lwt', 'timestamp']) {
    test(`a table of Cassandra, written by ${conditions}, tells an index, and is told by its field`, { skip: withoutCassandra.skip || withoutOpensearch }, async () => {
      const { port, client } = await cassandraServer();
      const keyspace = `deletions_${conditions}`;
      await client.execute(`create keyspace ${keyspace} with replication = {'class': 'SimpleStrategy', 'replication_factor': 1}`);
      await client.execute(`create table ${keyspace}.orders (id int primary key, state text, updated timestamp)`);
      await client.execute(`create table ${keyspace}.deletions (collection text, key text, deleted_at timestamp, primary key (collection, key))`);
      // Where timestamps decide, everybody writes with the time of the record.
      const insert = async (id: number, state: string, ms: number): Promise<void> => {
        await client.execute(`insert into ${keyspace}.orders (id, state, updated) values (${id}, '${state}', ${ms})${conditions === 'timestamp' ? ` using timestamp ${ms * 1_000}` : ''}`);
      };
      for (const id of [1, 2, 3, 4, 5, 6]) await insert(id, 'open', Date.now() - 20_000);
      const ids = async (): Promise<string> => (await client.execute(`select id from ${keyspace}.orders`)).rows.map((row) => String(row['id'])).sort().join('');
      const orders = await new Orders(await sharedSearch('opensearch'), keyspace).make();
      await using pair = new Pair(`cassandra://127.0.0.1:${port}/${keyspace}?modified=updated&tombstones=deletions&conditions=${conditions}`, orders.endpoint('&deleted=gone'));
      await pair.run(6, 0);
      await client.execute(`delete from ${keyspace}.orders where id = 1`);
      await client.execute(`insert into ${keyspace}.deletions (collection, key, deleted_at) values ('orders', '1', '${fromNow(-1_000)}')`);
      await orders.put(2, { state: 'closed', updated: fromNow(-1_000), gone: fromNow(-1_000) });
      await pair.run(0, 2);
      assert.deepEqual([await ids(), typeof (await orders.all())['1']!['gone']], ['3456', 'string']);
      const told = (await client.execute(`select key from ${keyspace}.deletions`)).rows.map((row) => String(row['key']));
      assert.deepEqual(told, ['1', '2']);
      await insert(2, 'late', Date.now() - 10_000);
      // It was deleted at its time, so that the server itself knows better then.
      assert.equal(await ids(), conditions === 'timestamp' ? '3456' : '23456');
      await pair.run(0, conditions === 'timestamp' ? 0 : 1);
      await orders.put(2, { state: 'anew', updated: fromNow(0) });
      await pair.run(1, 0);
      assert.equal(await ids(), '23456');
    });
  }
});
