// Proof that two places of records are equal, and repairs where they are not.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, describe, test } from 'node:test';
import { runMerge } from '../src/engine/merge.ts';
import { runRepair } from '../src/engine/repair.ts';
import { openState } from '../src/engine/state/sqlite-state.ts';
import { runSync } from '../src/engine/sync.ts';
import { runVerify } from '../src/engine/verify.ts';
import { plainHost } from '../src/model/plain-host.ts';
import type { Store } from '../src/model/store.ts';
import { kind as postgresKind } from '../src/stores/sql/postgres/kind.ts';
import { kind as sqliteKind } from '../src/stores/sql/sqlite/kind.ts';
import { postgres, withoutPostgres } from './services/postgres.ts';

const root = mkdtempSync(join(tmpdir(), 'syncline-compare-'));
const opened: AsyncDisposable[] = [];
after(async () => {
  for (const one of opened) await one[Symbol.asyncDispose]();
  rmSync(root, { recursive: true, force: true });
});

const records = { modified: 'updated', collections: 'item,oth*' };
let files = 0;

async function sqlite(...statements: readonly string[]): Promise<{ readonly store: Store; exec(text: string): void }> {
  const path = join(root, `${++files}.db`);
  const exec = (text: string): void => {
    using database = new DatabaseSync(path);
    database.exec(text);
  };
  for (const statement of statements) exec(statement);
  const store = await sqliteKind.open(`sqlite:${path}`, records, plainHost) as Store;
  opened.push(store);
  return { store, exec };
}

async function postgresql(...statements: readonly string[]): Promise<{ readonly store: Store; query(text: string): Promise<unknown> }> {
  const { newDatabase, query } = await postgres();
  const endpoint = await newDatabase();
  for (const statement of statements) await query(endpoint, statement);
  const store = await postgresKind.open(endpoint, records, plainHost) as Store;
  opened.push(store);
  return { store, query: (text) => query(endpoint, text) };
}

function memory(): ReturnType<typeof openState> {
  const state = openState(undefined);
  opened.push(state);
  return state;
}

const lite = 'create table item (id integer primary key, name text, updated instant_text(6))';

describe('comparing and repairing tables', () => {
  test('what differs is told with the fields that do, by table, and a range is looked at from both sides', async () => {
    const [left, right] = [await sqlite(lite, 'create table other (id integer primary key)'), await sqlite(lite, 'create table other (id integer primary key)')];
    left.exec("insert into item values (1, 'a', '2015-01-01T00:00:00Z'), (2, 'b', '2015-02-01T00:00:00Z'), (3, 'c', '2015-03-01T00:00:00Z'), (5, 'e', '2015-02-05T00:00:00Z'); insert into other values (1)");
    right.exec("insert into item values (1, 'A', '2015-01-01T00:00:00Z'), (2, 'b', '2015-02-02T00:00:00Z'), (3, '', '2015-02-03T00:00:00Z'), (4, 'd', '2015-02-04T00:00:00Z'), (5, 'e', '2015-02-05T00:00:00Z'); insert into other values (1)");
    const pairing = { origins: [left.store], target: right.store };
    const { differing, types, report } = await runVerify(pairing);
    assert.deepEqual(differing, [{ key: 'item/1', kind: 'differs', fields: ['name'] }, { key: 'item/2', kind: 'differs', fields: ['updated'] }, { key: 'item/3', kind: 'differs', fields: ['name', 'updated'] }, { key: 'item/4', kind: 'extra' }]);
    assert.deepEqual([types, report.types['item']?.unchanged, report.types['other']?.unchanged], [{ item: { missing: 0, extra: 1, differs: 3 } }, 1, 1]);
    const february = await runVerify({ ...pairing, window: { after: Date.parse('2015-01-31Z') * 1e3, until: Date.parse('2015-02-28Z') * 1e3 } });
    assert.deepEqual(february.differing.map(({ key, kind }) => `${kind} ${key}`), ['differs item/2', 'differs item/3', 'extra item/4']);
    assert.deepEqual([february.equal, february.report.counts.unchanged], [false, 2], 'one in February, and one that has no time');
    const march = await runVerify({ ...pairing, window: { after: Date.parse('2015-02-28Z') * 1e3 } });
    assert.deepEqual(march.differing.map(({ key }) => key), ['item/3']);
    assert.equal((await runVerify({ ...pairing, window: { after: Date.parse('2015-02-04Z') * 1e3 + 1 } })).report.differences, 1);
  });

  test('a repair writes what differs and nothing else, deletes only where asked, and reads again what it wrote', async () => {
    const [left, right] = [await sqlite(lite), await sqlite(lite, 'create table log (id, name)')];
    left.exec("insert into item select column1, 'name ' || column1, '2015-01-01T00:00:00Z' from (values (1), (2), (3), (4), (5))");
    right.exec("insert into item values (2, 'name 2', '2015-01-01T00:00:00Z'), (3, 'other', '2015-01-01T00:00:00Z'), (9, 'extra', '2015-01-01T00:00:00Z'); create trigger written after update on item begin insert into log values (new.id, new.name); end; create trigger made after insert on item begin insert into log values (new.id, new.name); end; create trigger gone after delete on item begin insert into log values (old.id, null); end");
    const pairing = { origins: [left.store], target: right.store };
    const first = await runRepair(pairing);
    assert.deepEqual([first.equal, first.repaired.map(({ key, kind }) => `${kind} ${key}`), first.differing], [false, ['missing item/1', 'differs item/3', 'missing item/4', 'missing item/5'], [{ key: 'item/9', kind: 'extra' }]]);
    const second = await runRepair({ ...pairing, deletes: 'propagate' });
    assert.deepEqual([second.equal, second.repaired, second.differing], [true, [{ key: 'item/9', kind: 'extra' }], []]);
    const third = await runRepair({ ...pairing, deletes: 'propagate' });
    assert.deepEqual([third.equal, third.repaired, third.report.counts.unchanged], [true, [], 5]);
    using database = new DatabaseSync(right.store.identity.replace(/^sqlite:/, ''));
    assert.deepEqual(database.prepare('select id from log order by rowid').all().map((row) => Number(row['id'])).sort(), [1, 3, 4, 5, 9]);
  });

  test('a target that keeps something else than it was given is not proven equal', async () => {
    const [left, right] = [await sqlite(lite), await sqlite(lite)];
    left.exec("insert into item values (1, 'a', '2015-01-01T00:00:00Z')");
    const forgetful: Store = {
      name: 'forgetful', identity: 'forgetful', capabilities: right.store.capabilities,
      scan: (options) => right.store.scan(options), read: (refs) => right.store.read(refs),
      write: async (batch) => batch.map(() => ({ kind: 'done', stat: {} })),
      [Symbol.asyncDispose]: async () => {},
    };
    const { equal, repaired, differing } = await runRepair({ origins: [left.store], target: forgetful });
    assert.deepEqual([equal, repaired.length, differing], [false, 1, [{ key: 'item/1', kind: 'missing' }]]);
  });

  test('tables that are in step by time are equal, though one of them keeps less of a time, and stay so whichever is named first', withoutPostgres, async () => {
    const state = memory();
    const left = await sqlite(lite, "insert into item values (1, 'a', '2015-01-01T00:00:00.123456Z'), (2, 'b', '2015-01-01T00:00:00.5Z')");
    const right = await postgresql('create table item (id int primary key, name text, updated timestamptz(3))', "insert into item values (2, 'older', '2015-01-01T00:00:00Z'), (3, 'c', '2015-01-01T00:00:00.789Z')");
    const merged = await runMerge({ left: left.store, right: right.store, state, decides: 'time' });
    assert.deepEqual([merged.counts.failed, merged.counts.created, merged.counts.updated], [0, 2, 1]);
    assert.equal((await runMerge({ left: left.store, right: right.store, state, decides: 'time' })).counts.unchanged, 3);
    const there = await runVerify({ origins: [left.store], target: right.store, state });
    assert.deepEqual([there.equal, there.differing], [true, []]);
    assert.deepEqual((await runVerify({ origins: [right.store], target: left.store, state })).differing, []);
    assert.equal((await runRepair({ origins: [right.store], target: left.store, state })).repaired.length, 0);
    await right.query("update item set name = 'edited' where id = 1");
    assert.deepEqual((await runVerify({ origins: [left.store], target: right.store, state })).differing, [{ key: 'item/1', kind: 'differs', fields: ['name', 'updated'] }]);
    await right.query("update item set name = 'a' where id = 1");
    assert.equal((await runVerify({ origins: [left.store], target: right.store, state })).equal, true);
    left.exec("update item set name = 'edited' where id = 1");
    assert.equal((await runVerify({ origins: [left.store], target: right.store, state })).equal, false);
  });

  test('two databases are merged wholly, synced, verified and repaired by ranges, and what comes of it is what reading everything comes to', withoutPostgres, async () => {
    const made = ['create table item (id int primary key, name text, updated timestamptz)', "insert into item select i, 'name ' || i, '2015-01-01Z'::timestamptz + i * interval '1 second' from generate_series(1, 3000) i"];
    const [left, right] = [await postgresql(...made), await postgresql(...made)];
    const state = memory();
    await left.query("update item set name = 'later', updated = '2016-01-01Z' where id = 1000; delete from item where id = 77");
    await right.query("update item set name = 'later too', updated = '2016-01-01Z' where id = 2000; insert into item values (3001, 'more', '2016-01-01Z')");
    const merged = await runMerge({ left: left.store, right: right.store, state, decides: 'time', window: { until: Date.now() * 1e3 } });
    assert.deepEqual([merged.counts.created, merged.counts.updated, merged.counts.unchanged, merged.counts.read], [2, 2, 2_997, 2_999 + 3_001]);
    assert.ok(merged.ranges!.equal > 1_500 && merged.ranges!.equal < 2_997);
    const proven = await runVerify({ origins: [left.store], target: right.store, state });
    assert.deepEqual([proven.equal, proven.report.ranges?.equal, proven.report.counts.unchanged], [true, 3_001, 3_001]);
    await right.query("update item set name = null where id = 5; delete from item where id = 6; insert into item values (4000, '', now())");
    const repaired = await runRepair({ origins: [left.store], target: right.store, deletes: 'propagate', state });
    assert.deepEqual([repaired.equal, repaired.repaired.map(({ key, kind }) => `${kind} ${key}`).sort(), repaired.report.counts.unchanged], [true, ['differs item/5', 'extra item/4000', 'missing item/6'], 2_999]);
    assert.ok(repaired.report.ranges!.equal > 1_500);
    const synced = await runSync({ origins: [left.store], target: right.store, deletes: 'propagate', state });
    assert.deepEqual([synced.counts.unchanged, synced.counts.created, synced.counts.updated], [3_001, 0, 0]);
    assert.equal((await runVerify({ origins: [left.store], target: right.store, rangeDigests: false })).equal, true);
  });

  test('what is remembered as deleted goes from both sides, although it is in a range that nobody read', withoutPostgres, async () => {
    const made = ['create table item (id int primary key, name text, updated timestamptz)', "insert into item select i, 'name', '2015-01-01Z' from generate_series(1, 2000) i"];
    const [left, right] = [await postgresql(...made), await postgresql(...made)];
    const state = memory();
    const deletions = state.tombstones(`deletions ${[left.store.identity, right.store.identity].sort().join(' ')}`, 0);
    for (const key of ['item/1234', 'item/none']) deletions.set({ key, at: Date.parse('2016-01-01Z') * 1e3, notedMs: Date.now() });
    deletions.commit();
    const merged = await runMerge({ left: left.store, right: right.store, state, decides: 'time', deletes: 'told' });
    assert.deepEqual([merged.counts.deleted, merged.ranges?.equal], [2, 2_000]);
    assert.deepEqual(await Promise.all([left, right].map(async ({ store }) => await store.read([{ key: 'item/1234' }]))), [[undefined], [undefined]]);
  });
});
