// Two databases that digest what they hold, so that only what differs is read.
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createConnection } from 'mysql2/promise';
import pg from 'pg';
import { leaveOutEqual } from '../src/engine/plan/equal-ranges.ts';
import { Ledger } from '../src/engine/run/ledger.ts';
import { runVerify } from '../src/engine/verify.ts';
import { plainHost } from '../src/model/plain-host.ts';
import type { Key } from '../src/model/key.ts';
import type { Page, Store } from '../src/model/store.ts';
import { kind as mysqlKind } from '../src/stores/sql/mysql/kind.ts';
import { kind as postgresKind } from '../src/stores/sql/postgres/kind.ts';
import { isMaria, mariadb, series, withoutMariadb } from './services/mariadb.ts';
import { postgres, withoutPostgres } from './services/postgres.ts';

const opened: Store[] = [];
after(async () => { for (const store of opened) await store[Symbol.asyncDispose](); });

interface Side {
  readonly endpoint: string;
  readonly store: Store;
  query(text: string): Promise<unknown>;
}

type Sides = (...statements: readonly string[]) => Promise<readonly [Side, Side]>;

/** Two databases that were made with the same statements. */
function sidesOf(server: typeof postgres | typeof mariadb, open: (endpoint: string) => Promise<unknown>): Sides {
  return async (...statements) => {
    const { newDatabase, query } = await server();
    const side = async (): Promise<Side> => {
      const endpoint = await newDatabase();
      for (const statement of statements) await query(endpoint, statement);
      const store = await open(endpoint) as Store;
      opened.push(store);
      return { endpoint, store, query: (text) => query(endpoint, text) };
    };
    return [await side(), await side()];
  };
}

const inPostgres = sidesOf(postgres, (endpoint) => postgresKind.open(endpoint, {}, plainHost));
const inMariadb = sidesOf(mariadb, (endpoint) => mysqlKind.open(endpoint, {}, plainHost));

/** A place that counts what is read of it. */
function counting(store: Store): { readonly store: Store; read(): number } {
  let read = 0;
  async function* counted(pages: AsyncIterable<Page>): AsyncGenerator<Page> {
    for await (const page of pages) {
      read += page.entries.length;
      yield page;
    }
  }
  const snapshot: NonNullable<Store['snapshot']> = async (options) => {
    const inner = (await store.snapshot!(options))!;
    return {
      collections: inner.collections,
      cut: (...args) => inner.cut(...args),
      counts: (...args) => inner.counts(...args),
      digests: (...args) => inner.digests(...args),
      scan: (...args) => counted(inner.scan(...args)),
      [Symbol.asyncDispose]: () => inner[Symbol.asyncDispose](),
    };
  };
  const { name, identity, capabilities } = store;
  return {
    read: () => read,
    store: { name, identity, capabilities, snapshot, scan: (options) => counted(store.scan(options)), read: (...args) => store.read(...args), write: (...args) => store.write(...args), [Symbol.asyncDispose]: async () => {} },
  };
}

async function findsSeven(sides: Sides, made: readonly string[], changed: readonly string[]): Promise<void> {
  const [left, right] = await sides(...made);
  for (const statement of changed) await right.query(statement);
  const [ours, theirs] = [counting(left.store), counting(right.store)];
  const { equal, differing, report } = await runVerify({ origins: [ours.store], target: theirs.store });
  assert.equal(equal, false);
  assert.deepEqual(differing.map(({ key, kind }) => `${kind} ${key}`), ['differs item/11', 'missing item/20000', 'differs item/30000', 'differs item/35001', 'differs item/44444', 'differs item/7', 'extra item/60000']);
  assert.ok(ours.read() > 0 && ours.read() <= 7 * 250 && theirs.read() <= 7 * 251, `${ours.read()} and ${theirs.read()} were read`);
  assert.deepEqual([report.counts.read, report.counts.unchanged, report.ranges], [50_000, 49_994, { compared: 200, differing: 7, equal: 50_000 - ours.read() }]);
  const full = await runVerify({ origins: [left.store], target: right.store, rangeDigests: false });
  assert.deepEqual([full.differing, full.report.ranges], [differing, undefined]);
}

/** Gives up on a comparison while somebody else keeps the server from answering. */
async function givesUp([left, right]: readonly [Side, Side]): Promise<void> {
  const closing = new AbortController();
  const comparing = runVerify({ origins: [left.store], target: right.store, signal: closing.signal });
  await sleep(500);
  closing.abort();
  assert.equal((await comparing).report.interrupted, true);
}

/** Types of keys, a comma between them, and values of them that differ for every `i`. */
const postgresKeys = {
  'int': 'i - 30',
  'text': "chr(32 + i) || 'a/b%2F%252F'",
  'text, text': "chr(47 + i % 3), repeat('/', i)",
  'varchar(9), bigint': "case i % 2 when 0 then 'é' else '😀' end, i * 1000000000000",
  'uuid': "md5(i::text)::uuid",
  'bytea': "decode(md5(i::text), 'hex')",
  'bytea, boolean': "decode(lpad(to_hex(i / 2), 2, '0'), 'hex'), i % 2 = 0",
  'timestamptz': "'2015-01-31 10:20:30Z'::timestamptz + i * interval '100 milliseconds'",
  'timestamp, date': "'2015-01-31 10:20:30'::timestamp + i / 2 * interval '1 microsecond', '2015-01-31'::date + i",
  'time': "'10:20:30'::time + i * interval '10 milliseconds'",
  'numeric': 'i / 4.0',
  'char(5)': "'a' || i",
};
const exact = isMaria ? 'utf8mb4_nopad_bin' : 'utf8mb4_0900_bin';
const mariadbKeys = {
  'int': 'cast(seq as signed) - 30',
  [`varchar(50) collate ${exact}`]: "concat(char(32 + seq using utf8mb4), 'a/b%2F%252F')",
  [`varchar(50) collate ${exact}, varchar(70) collate ${exact}`]: "char(47 + seq % 3 using utf8mb4), repeat('/', seq)",
  'varchar(9), bigint unsigned': "if(seq % 2 = 0, 'é', '\u{1F600}'), seq * 100000000000000000",
  [isMaria ? 'uuid' : "char(36) character set ascii collate ascii_bin comment 'uuid'"]: "concat('550e8400-e29b-41d4-a716-', lpad(hex(seq * 7919), 12, '0'))",
  'varbinary(20)': 'unhex(left(sha2(seq, 256), 32))',
  'varbinary(20), boolean': 'unhex(lpad(hex(seq div 2), 2, 0)), seq % 2 = 0',
  'datetime(6)': "timestamp'2015-01-31 10:20:30' + interval seq * 100000 microsecond",
  'timestamp(3), date': "timestamp'2015-01-31 10:20:30' + interval seq div 2 second, date'2015-01-31' + interval seq day",
  'time(2)': 'sec_to_time(1000 + seq / 4)',
  'decimal(9,3)': 'seq / 4',
  'char(5)': "concat('a', seq)",
};

const fine = { pageEntries: 1, mostRanges: 32 };
const context = (): { readonly ledger: Ledger; readonly signal: undefined; readonly under: undefined } => ({ ledger: new Ledger(undefined, () => 0), signal: undefined, under: undefined });

/** Statements that make a table of sixty rows for each key, the first one called `item0`. */
function tables(keys: { readonly [types: string]: string }, number: string, numbers: string): readonly string[] {
  return Object.entries(keys).flatMap(([types, key], at) => {
    const columns = types.split(', ').map((type, i) => [`k${i}`, type]);
    return [`create table item${at} (${columns.map(([name, type]) => `${name} ${type} not null`).join(', ')}, v int, primary key (${columns.map(([name]) => name).join(', ')}))`, `insert into item${at} select ${key}, ${number} from ${numbers}`];
  });
}

/** Changes and deletes a row of each table, and looks which rows are left to be read. */
async function findsEachKind(sides: readonly [Side, Side], types: readonly string[]): Promise<void> {
  assert.deepEqual(await left(sides), [[], []]);
  const [, right] = sides;
  const all = (await Array.fromAsync(sides[0].store.scan({ want: 'content' }))).flatMap(({ entries }) => entries);
  const keysOf = (v: number): readonly Key[] => all.flatMap(({ key, content }) => (content?.kind === 'document' && content.document['v'] === v ? [key] : []));
  for (const at of types.keys()) {
    await right.query(`update item${at} set v = -1 where v = 17`);
    await right.query(`delete from item${at} where v = 42`);
  }
  const [ours, theirs] = await left(sides);
  const [changed, gone] = [keysOf(17), keysOf(42)];
  assert.deepEqual([changed.length, gone.length], [types.length, types.length]);
  for (const [at, type] of types.entries()) {
    assert.ok(ours.includes(changed[at]!) && theirs.includes(changed[at]!), type);
    assert.ok(ours.includes(gone[at]!) && !theirs.includes(gone[at]!), type);
    const read = ours.filter((key) => key.startsWith(`item${at}/`)).length;
    assert.ok(read <= 4, `${read} of ${type}`);
  }
}

/** Cuts what two places hold finely, and answers with how much of either is left to be read. */
async function left(sides: readonly [Side, Side]): Promise<readonly [readonly string[], readonly string[]]> {
  await using proven = await leaveOutEqual(sides[0].store, sides[1].store, context(), fine);
  const keys = async (i: 0 | 1): Promise<readonly string[]> => (await Array.fromAsync((proven?.sides[i] ?? sides[i].store).scan())).flatMap(({ entries }) => entries.map(({ key }) => key));
  return [await keys(0), await keys(1)];
}

describe('ranges of two databases of PostgreSQL', withoutPostgres, () => {
  test('seven differences among 50,000 rows are found, whatever they are, and only the ranges around them are read', async () => {
    await findsSeven(inPostgres, [
      'create table item (id bigint primary key, name text, price numeric, at timestamptz, note text)',
      "insert into item select i, 'name ' || i, i / 8.0, '2015-01-31 10:20:30Z'::timestamptz + i * interval '1 second', case when i % 3 = 0 then null else '' end from generate_series(1, 50000) i",
    ], [
      "update item set name = 'another' where id = 11", 'delete from item where id = 20000', "insert into item values (60000, 'more', 1, now(), null)",
      "update item set note = '' where id = 30000", "update item set name = name || ' ' where id = 44444", "update item set at = at + interval '1 microsecond' where id = 7",
      "update item set price = (price::text || '0')::numeric where id = 35001",
    ]);
  });

  test('rows are found where their ranges are, whatever their keys are made of', async () => {
    await findsEachKind(await inPostgres(...tables(postgresKeys, 'i', 'generate_series(1, 60) i')), Object.keys(postgresKeys));
  });

  test('how a server, a database or a user is set up makes no difference, and neither does the order of columns', async () => {
    const sides = await inPostgres();
    const rows = "select i, repeat('ä', i), i / 3.0::float8, now() + i * interval '1 minute', decode('00ff', 'hex'), i * interval '1 day', array[i, null], case when i % 2 = 0 then 'on'::text end";
    await sides[0].query(`create table item (id int primary key, name text, ratio float8, at timestamptz, raw bytea, span interval, list int[], odd text, twice int generated always as (id * 2) stored); insert into item ${rows.replace('now()', "'2015-01-31 10:20:30.5Z'::timestamptz")} from generate_series(1, 60) i`);
    await sides[1].query(`create table item (odd text, list int[], span interval, twice int generated always as (id * 2) stored, raw bytea, at timestamptz, ratio float8, name text, id int primary key); insert into item (id, name, ratio, at, raw, span, list, odd) ${rows.replace('now()', "'2015-01-31 10:20:30.5Z'::timestamptz")} from generate_series(1, 60) i`);
    await sides[1].query(`do $$ begin execute 'alter database ' || current_database() || ' set timezone = ''Asia/Tokyo'''; execute 'alter database ' || current_database() || ' set extra_float_digits = -15'; execute 'alter database ' || current_database() || ' set bytea_output = ''escape'''; execute 'alter database ' || current_database() || ' set datestyle = ''German, DMY'''; execute 'alter database ' || current_database() || ' set intervalstyle = ''postgres_verbose'''; end $$`);
    assert.deepEqual(await left(sides), [[], []]);
  });

  test('tables that are compared by ranges stand among others that are read, in the order of their keys', async () => {
    const sides = await inPostgres(...['item', 'item-x', 'item2', 'item9'].flatMap((name) => [`create table "${name}" (id int primary key, v int)`, `insert into "${name}" select i, i from generate_series(1, ${name === 'item' || name === 'item9' ? 2_000 : 20}) i`]), 'create table keyless (id int)');
    await sides[0].query('create table item1 (id int primary key); insert into item1 values (1); drop table keyless');
    await sides[1].query('update "item-x" set v = 0 where id = 3; update item set v = 0 where id = 1500; delete from item2 where id = 2; drop table item9; create table item9 (id int primary key, v bigint); insert into item9 select i, i from generate_series(1, 2000) i; update item9 set v = 0 where id = 7');
    const { differing, report } = await runVerify({ origins: [sides[0].store], target: sides[1].store });
    assert.deepEqual(differing.map(({ key, kind }) => `${kind} ${key}`), ['differs item-x/3', 'differs item/1500', 'missing item1/1', 'missing item2/2', 'differs item9/7']);
    assert.deepEqual([report.problems, report.ranges?.differing, report.counts.unchanged], [1, 1, 19 + 1_999 + 19 + 1_999]);
  });

  test('columns of other types are not compared by what they are written as', async () => {
    const sides = await inPostgres("create table item (id int primary key, v text)", "insert into item select i, 'a ' from generate_series(1, 60) i");
    await sides[1].query('alter table item alter v type char(2)');
    assert.equal((await left(sides))[1].length, 60);
    assert.equal((await runVerify({ origins: [sides[0].store], target: sides[1].store })).report.differences, 60);
  });

  test('who gives up does not wait for the server', async () => {
    const sides = await inPostgres('create table item (id int primary key)', 'insert into item select generate_series(1, 2000)');
    const other = new pg.Client({ connectionString: sides[1].endpoint });
    await other.connect();
    await other.query('begin; lock table item in access exclusive mode');
    try {
      await givesUp(sides);
    } finally {
      await other.end();
    }
  });

  test('both sides are compared as they were at one moment', async () => {
    const sides = await inPostgres('create table item (id int primary key, v int)', 'insert into item select i, i from generate_series(1, 400) i');
    await sides[1].query('update item set v = 0 where id = 30');
    await using proven = await leaveOutEqual(sides[0].store, sides[1].store, context(), fine);
    await sides[1].query('delete from item');
    const shown = (await Array.fromAsync(proven!.sides[1].scan())).flatMap(({ entries }) => entries.map(({ key }) => key));
    assert.ok(shown.includes('item/30') && shown.length <= 2, shown.join());
  });
});

describe('ranges of two databases of MariaDB', withoutMariadb, () => {
  test('seven differences among 50,000 rows are found, whatever they are, and only the ranges around them are read', async () => {
    await findsSeven(inMariadb, [
      'create table item (id bigint primary key, name varchar(100), price text comment \'decimal\', at datetime(6), note text)',
      `insert into item select seq, concat('name ', seq), seq / 8, timestamp'2015-01-31 10:20:30' + interval seq second, if(seq % 3 = 0, null, '') from ${series(50_000)}`,
    ], [
      "update item set name = 'another' where id = 11", 'delete from item where id = 20000', "insert into item values (60000, 'more', '1', now(), null)",
      "update item set note = '' where id = 30000", "update item set name = concat(name, ' ') where id = 44444", 'update item set at = at + interval 1 microsecond where id = 7',
      "update item set price = concat(price, '0') where id = 35001",
    ]);
  });

  test('rows are found where their ranges are, whatever their keys are made of', async () => {
    await findsEachKind(await inMariadb(...tables(mariadbKeys, 'seq', series(60))), Object.keys(mariadbKeys));
  });

  test('who gives up does not wait for the server', async () => {
    const sides = await inMariadb('create table item (id int primary key)', `insert into item select seq from ${series(2_000)}`);
    const other = await createConnection(sides[1].endpoint);
    await other.query('lock tables item write');
    try {
      await givesUp(sides);
    } finally {
      await other.end();
    }
  });

  test('values of every kind are digested as they are read, whatever the character sets, and the order of columns makes no difference', async () => {
    const sides = await inMariadb();
    const columns = { id: 'int primary key', name: 'varchar(100) character set latin1', blank: 'char(5)', big: 'double', small: 'float', at: 'timestamp(6)', day: 'datetime', raw: 'longblob', flags: 'bit(5)', doc: 'json', kind: "enum('a','b')", some: "set('x','y')", none: 'text' };
    const values: { readonly [name in keyof typeof columns]: string } = { id: 'seq', name: "concat('ä', seq)", blank: "'a'", big: 'seq / 3e0', small: '0.1e0', at: "timestamp'2015-01-31 10:20:30.000001'", day: "timestamp'2015-01-31 10:20:30'", raw: "x'00ff27'", flags: "b'101'", doc: "'[1, 2]'", kind: "'b'", some: "'x,y'", none: 'null' };
    const names = Object.keys(columns) as (keyof typeof columns)[];
    for (const [i, order] of [names, names.toReversed()].entries()) {
      await sides[i as 0 | 1].query(`create table item (${order.map((name) => `${name} ${columns[name]}`).join(', ')})`);
      await sides[i as 0 | 1].query(`insert into item (${names.join(', ')}) select ${names.map((name) => values[name]).join(', ')} from ${series(60)}`);
    }
    assert.deepEqual(await left(sides), [[], []]);
    for (const [i, change] of ["name = 'a'", "blank = 'b'", 'big = big + 1e-15', 'small = 0.10000001', 'at = at + interval 1 microsecond', 'day = day + interval 1 second', "raw = x'00ff26'", "flags = b'100'", "doc = '[1, 3]'", "kind = 'a'", "some = 'x'", "none = ''"].entries()) await sides[1].query(`update item set ${change} where id = ${i * 5 + 1}`);
    const [ours] = await left(sides);
    for (let i = 0; i < 12; i++) assert.ok(ours.includes(`item/${i * 5 + 1}`), `change ${i}`);
  });
});
