// Databases that tell of their changes, so that what is watched is looked at when there is something to see.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, describe, test } from 'node:test';
import { openState } from '../../src/engine/state/sqlite-state.ts';
import { watchMerge } from '../../src/engine/watch.ts';
import type { Hint, Store } from '../../src/model/store.ts';
import { plainHost } from '../../src/model/plain-host.ts';
import { kind as mysqlKind } from '../../src/stores/sql/mysql/kind.ts';
import { kind as postgresKind } from '../../src/stores/sql/postgres/kind.ts';
import { kind as sqliteKind } from '../../src/stores/sql/sqlite/kind.ts';
import { mariadb, withoutMariadb } from '../services/mariadb.ts';
import { postgres, withoutPostgres } from '../services/postgres.ts';
import { Place } from '../services/search-places.ts';
import { sharedSearch, skipWithoutSearch } from '../services/search.ts';

// Before anything is tried: a runner that has nothing left to try ends.
const withoutOpensearch = await skipWithoutSearch('opensearch');

const root = mkdtempSync(join(tmpdir(), 'syncline-databases-'));
after(() => rmSync(root, { recursive: true, force: true }));

interface Watched {
  readonly store: Store;
  exec(statement: string): Promise<unknown>;
}

const kinds = {
  'SQLite': { skip: false, under: '', open: async (): Promise<Watched> => {
    const path = join(root, 'watched.db');
    const database = new DatabaseSync(path);
    after(() => database.close());
    database.exec('create table item (id integer primary key, v integer, updated integer); create table other (id integer primary key)');
    return { store: await sqliteKind.open(`sqlite:${path}`, {}, plainHost) as Store, exec: async (statement) => database.exec(statement) };
  } },
  'PostgreSQL': { ...withoutPostgres, under: 'item', open: async (): Promise<Watched> => {
    const { newDatabase, query } = await postgres();
    const endpoint = await newDatabase();
    await query(endpoint, 'create table item (id int primary key, v int); create table other (id int primary key) partition by range (id); create table part partition of other for values from (0) to (1000)');
    return { store: await postgresKind.open(endpoint, {}, plainHost) as Store, exec: (statement) => query(endpoint, statement) };
  } },
  'MariaDB': { ...withoutMariadb, under: 'item', open: async (): Promise<Watched> => {
    const { newDatabase, query } = await mariadb();
    const endpoint = await newDatabase();
    for (const statement of ['create table item (id int primary key, v int)', 'create table other (id int primary key)']) await query(endpoint, statement);
    return { store: await mysqlKind.open(endpoint, {}, plainHost) as Store, exec: (statement) => query(endpoint, statement) };
  } },
};

for (const [name, { skip, under, open }] of Object.entries(kinds)) {
  describe(`watching tables of ${name}`, { skip }, () => {
    test('says of each kind of change which table it is in, and nothing where there is none', async () => {
      const { store, exec } = await open();
      await using _ = store;
      const closing = new AbortController();
      const hints = store.watch!({ signal: closing.signal })[Symbol.asyncIterator]();
      // What was done before may still be told of.
      const next = async (): Promise<readonly Hint[]> => (await hints.next()).value as readonly Hint[];
      assert.deepEqual(await next(), []);
      for (const statement of ['insert into item values (1, 1)'.replace('(1, 1)', under === '' ? '(1, 1, 1)' : '(1, 1)'), 'update item set v = 2', 'delete from item']) {
        await exec(statement);
        let told = await next();
        while (!told.some((hint) => hint.under === under)) told = await next();
        assert.deepEqual(told, [{ under }], statement);
      }
      await exec('insert into other values (1)');
      const wanted = under === '' ? '' : 'other';
      while (!(await next()).some((hint) => hint.under === wanted));
      closing.abort();
      assert.equal((await hints.next()).done, true);
    });
  });
}

describe('watching indices', { skip: withoutOpensearch }, () => {
  test('says which index something was written to or deleted from, and that there is another one', async () => {
    const place = new Place('opensearch', await sharedSearch('opensearch'));
    await place.index(`${place.path}-item`);
    await using store = await place.open();
    const closing = new AbortController();
    const hints = store.watch!({ signal: closing.signal })[Symbol.asyncIterator]();
    const next = async (): Promise<readonly Hint[]> => (await hints.next()).value as readonly Hint[];
    assert.deepEqual(await next(), []);
    await place.put(`${place.path}-item`, '1', { v: 1 });
    assert.deepEqual(await next(), [{ under: 'item' }]);
    await place.server.ask('DELETE', `/${place.path}-item/_doc/1`);
    assert.deepEqual(await next(), [{ under: 'item' }]);
    await place.index(`${place.path}-other`);
    assert.deepEqual(await next(), [{ under: '' }]);
    closing.abort();
    assert.equal((await hints.next()).done, true);
  });
});

test('a change on either side of two watched databases travels to the other one', async () => {
  const open = async (name: string): Promise<{ readonly database: DatabaseSync; readonly store: Store }> => {
    const path = join(root, name);
    const database = new DatabaseSync(path);
    after(() => database.close());
    database.exec('create table item (id integer primary key, v text, updated integer)');
    return { database, store: await sqliteKind.open(`sqlite:${path}`, { modified: 'updated', modifiedUnit: 'seconds' }, plainHost) as Store };
  };
  const [left, right] = [await open('left.db'), await open('right.db')];
  await using state = openState(undefined);
  const closing = new AbortController();
  const started = Promise.withResolvers<void>();
  const watching = watchMerge({ left: left.store, right: right.store, state, decides: 'time', signal: closing.signal }, { pollEveryMs: 3_600_000, on: (event) => { if (event.kind === 'ended') started.resolve(); } });
  await started.promise;
  const has = async (database: DatabaseSync, v: string): Promise<void> => {
    while (database.prepare('select 1 from item where v = ?').get(v) === undefined) await new Promise((resolve) => setTimeout(resolve, 20));
  };
  left.database.exec("insert into item values (1, 'from the left', 1)");
  await has(right.database, 'from the left');
  right.database.exec("update item set v = 'from the right', updated = 2");
  await has(left.database, 'from the right');
  closing.abort();
  await watching;
  await left.store[Symbol.asyncDispose]();
  await right.store[Symbol.asyncDispose]();
});
