// What tables of SQLite hold, and how they answer.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, describe, test } from 'node:test';
import type { Document } from '../src/model/document.ts';
import { plainHost } from '../src/model/plain-host.ts';
import type { Store } from '../src/model/store.ts';
import { kind } from '../src/stores/sql/sqlite/kind.ts';
import type { SqliteOptions } from '../src/stores/sql/sqlite/kind.ts';
import { Opened, put, said, scanned } from './sql-tables.ts';

const root = mkdtempSync(join(tmpdir(), 'syncline-sqlite-'));
const opened = new Opened();
after(async () => {
  await opened[Symbol.asyncDispose]();
  rmSync(root, { recursive: true, force: true });
});
let files = 0;

/** A file of its own that these statements made. */
function file(statements: string): { readonly path: string; readonly database: DatabaseSync; open(options?: SqliteOptions): Promise<Store> } {
  const path = join(root, `${++files}.sqlite`);
  const database = new DatabaseSync(path);
  database.exec(statements);
  return {
    path, database,
    open: (options = {}) => opened.open(kind, `sqlite:${path}`, options),
  };
}

/** Declared types, literals as SQL writes them, and what they are in a document. */
const natives: readonly (readonly [type: string, literal: string, value: Document[string]])[] = [
  ['INTEGER', '9223372036854775807', 9_223_372_036_854_775_807n], ['INTEGER', '42', 42], ['INT', '1.5', 1.5], ['INTEGER', "'abc'", 'abc'], ['INTEGER', "x'00ff'", Uint8Array.of(0, 255)],
  ['TEXT', "'42'", '42'], ['VARCHAR(3)', "'longer'", 'longer'], ['TEXT', "x'01'", Uint8Array.of(1)], ['TEXT', "'a' || char(0) || 'b'", 'a\0b'], ['TEXT', "'\u{1F600}'", '\u{1F600}'],
  ['REAL', '0.1', 0.1], ['REAL', '5', 5], ['REAL', '9e999', 'Infinity'], ['REAL', "'x'", 'x'], ['NUMERIC', '10', 10], ['DECIMAL(5,2)', '1.50', 1.5],
  ['BLOB', "x'00'", Uint8Array.of(0)], ['BLOB', "'5'", '5'], ['BLOB', '5', 5], ['', '5', 5], ['', "'5'", '5'], ['', '9007199254740993', 9_007_199_254_740_993n], ['', '2.5', 2.5],
  ['BOOLEAN', 'true', true], ['BOOLEAN', '7', 7], ['BOOLEAN', "'yes'", 'yes'], ['DATETIME', "'2015-01-31 10:20:30'", '2015-01-31 10:20:30'], ['DATE', '1422699630', 1422699630], ['UUID', "'x'", 'x'],
  ['JSON', "'{\"a\":[1,null]}'", { a: [1, null] }], ['JSON', "'null'", null], ['JSON', '5', 5], ['JSON', "'\"5\"'", '5'],
  ['INSTANT_TEXT(6)', "'2015-01-31T10:20:30.5Z'", '2015-01-31T10:20:30.5Z'], ['INSTANT_TEXT(6)', "'yesterday'", 'yesterday'], ['DECIMAL_TEXT(9,2)', "'1.50'", '1.50'], ['UUID_TEXT', '5', '5'], ['WHOLE_TEXT', "'12345678901234567890'", 12_345_678_901_234_567_890n], ['JSON_TEXT', "'5'", 5],
];

describe('tables of SQLite', () => {
  test('text that is no UTF-8 is read as its bytes, and the sign that stands for such is not', async () => {
    const { open } = file("create table a (id integer primary key, v text); insert into a values (1, cast(x'ff41' as text)), (2, '\uFFFDA')");
    const store = await open();
    const { documents } = await scanned(store);
    assert.deepEqual([documents['a/1']!['v'], documents['a/2']!['v']], [Uint8Array.of(255, 65), '\uFFFDA']);
    assert.deepEqual((await store.read([{ key: 'a/1' }]))[0]?.content, { kind: 'document', document: { id: 1, v: Uint8Array.of(255, 65) } });
  });

  test('a column without a type is made as one, and holds values of every type', async () => {
    const from = await file('create table a (k primary key not null, v); insert into a values (1, 2.5)').open();
    const [collection] = await from.describe!();
    const { open } = file('create table other (id integer primary key)');
    const store = await open();
    await store.prepare!([collection!]);
    const rows: readonly Document[] = [{ k: 1, v: '1' }, { k: 'x', v: 1 }, { k: 'y', v: Uint8Array.of(1) }];
    assert.deepEqual((await store.write(rows.map((row) => put(`a/${String(row['k'])}`, row)))).map(said), rows.map(() => 'done'));
    assert.deepEqual(Object.values((await scanned(store)).documents), rows);
    await assert.rejects(store.checkPrepare!([{ ...collection!, name: 'b', fields: [...collection!.fields, { ...collection!.fields[1]!, name: 'V' }] }]), /v and V are one column there/);
  });

  test('values of every type are read as they are, whatever is declared, and written so that the file holds the same', async () => {
    const columns = natives.map(([type], i) => `c${i} ${type}`).join(', ');
    const { open, database } = file(`create table a (id integer primary key, ${columns}); create table b (id integer primary key, ${columns}); insert into a values (1, ${natives.map(([, literal]) => literal).join(', ')})`);
    const store = await open();
    const { documents } = await scanned(store);
    for (const [i, [type, literal, value]] of natives.entries()) assert.deepEqual(documents['a/1']![`c${i}`], value, `${type} ${literal}`);
    // Each by itself, for what nobody could declare is refused.
    const refused: string[] = [];
    for (const [i, [type, literal]] of natives.entries()) {
      const [outcome] = await store.write([put(`b/${i}`, { id: i, [`c${i}`]: documents['a/1']![`c${i}`]! })]);
      if (outcome?.kind === 'failed') {
        refused.push(`${type} ${literal}`);
        continue;
      }
      assert.equal(said(outcome), 'done', type);
      assert.deepEqual((await store.read([{ key: `b/${i}` }]))[0]?.content, { kind: 'document', document: { id: i, [`c${i}`]: documents['a/1']![`c${i}`] } });
      // JSON may be spaced in another way.
      if (type.startsWith('JSON')) continue;
      const [same] = database.prepare(`select typeof(a.c${i}) = typeof(b.c${i}) and a.c${i} = b.c${i} as same from a, b where b.id = ${i}`).all() as unknown as readonly { readonly same: number }[];
      assert.equal(same?.same, 1, `${type} ${literal}`);
    }
    assert.deepEqual(refused, ["INSTANT_TEXT(6) 'yesterday'", 'UUID_TEXT 5']);
  });

  test('what SQLite would turn into another type is refused with column and value', async () => {
    const { open } = file('create table a (id integer primary key, i integer, t text, r real, b boolean, n numeric, x int not null check (x < 10) default 1)');
    const store = await open();
    const bad: readonly (readonly [Document, RegExp])[] = [
      [{ i: '5' }, /a\.i holds numbers, and would make one of this text, and not "5"/], [{ i: 2n ** 63n }, /64 binary/], [{ t: 5 }, /a\.t holds text/], [{ t: true }, /numbers, text and bytes/], [{ r: 9_007_199_254_740_993n }, /53 binary/], [{ n: ' 1e3 ' }, /numbers/], [{ i: [1] }, /numbers, text/], [{ t: 'a\uDC00' }, /well-formed/],
      [{ x: 10 }, /CHECK/], [{ x: null }, /must have a value/], [{ y: 1 }, /no column "y"/], [{ b: 1 }, /true and false/], [{ i: NaN }, /not a number/],
    ];
    const outcomes = await store.write(bad.flatMap(([fields], i) => [put(`a/${i}`, { id: i, ...fields }), put(`a/${1000 + i}`, { id: 1000 + i })]));
    bad.forEach(([fields, pattern], i) => {
      assert.match(said(outcomes[2 * i]), pattern, JSON.stringify(Object.keys(fields)));
      assert.equal(said(outcomes[2 * i + 1]), 'done');
    });
    assert.equal((await scanned(store)).keys.length, bad.length);
  });

  test('keys come in byte order across tables, and are found again', async () => {
    const { open, database } = file('create table a (k text, n, primary key (k, n)); create table "a-b" (id integer primary key); create table "a/b" (b blob primary key) without rowid; create table c (x)');
    const insert = database.prepare('insert into a values (?, ?)');
    for (const k of ['a', 'a b', 'a/b', 'A', 'é', '%2F', '', 'a%', '\u{1F600}', '\uFFFD']) for (const n of [1n, 10n, 2n, 'x/y', '01']) insert.run(k, n);
    for (const id of [1, 10, 2, -5, 100]) database.exec(`insert into "a-b" values (${id})`);
    for (const b of ['00', '0000', 'ff', '0a']) database.exec(`insert into "a/b" values (x'${b}')`);
    const store = await open();
    const { keys, problems } = await scanned(store);
    assert.equal(keys.length, 59);
    assert.deepEqual(keys, keys.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))));
    assert.deepEqual((await store.read(keys.map((key) => ({ key })))).map((entry) => entry?.key), keys);
    assert.match(problems.join(), /^the table c has neither a primary key/);
  });

  test('a scan keeps nobody from writing, and finds what it was to find', async () => {
    const { open, database } = file('create table a (id integer primary key, x); insert into a select value, 1 from generate_series(1, 5000)'.replace(/insert.*/, 'with recursive n(v) as (select 1 union all select v + 1 from n where v < 5000) insert into a select v, 1 from n'));
    const store = await open();
    const seen = new Set<string>();
    for await (const { entries } of store.scan()) {
      for (const { key } of entries) seen.add(key);
      database.exec('update a set x = x + 1; delete from a where id = 4999; insert into a (x) values (7)');
    }
    assert.ok(seen.size >= 4999);
    for (let i = 0; i < 5; i++) for await (const _ of store.scan()) break;
    assert.equal((await scanned(store)).problems.length, 0);
  });

  test('what another program is writing is waited for, and what is no database is named', async () => {
    const { open, database, path } = file('create table a (id integer primary key)');
    const store = await open({ timeoutMs: 100 });
    database.exec('begin immediate');
    const [outcome] = await store.write([put('a/1', { id: 1 })]);
    assert.ok(outcome?.kind === 'failed' && outcome.error.code === 'unavailable' && outcome.error.retryable);
    database.exec('commit');
    assert.deepEqual((await store.write([put('a/1', { id: 1 })])).map(said), ['done']);
    const other = `${path}.txt`;
    writeFileSync(other, 'no database at all, but text that is long enough to be taken for something'.repeat(20));
    await assert.rejects(async () => scanned(await kind.open(`sqlite:${other}`, {}, plainHost) as Store), { code: 'corrupt' });
    await assert.rejects(async () => scanned(await kind.open(`sqlite:${path}.none`, {}, plainHost) as Store), { code: 'not-found', message: /does not exist/ });
    await assert.rejects(async () => kind.open('sqlite:', {}, plainHost), { code: 'invalid' });
  });

  test('computed columns are read and never written, and triggers have their say', async () => {
    const { open, database } = file("create table a (id integer primary key, n int, twice int as (n * 2), made text not null default 'now'); create trigger t after insert on a begin update a set n = n + 1 where id = new.id; end");
    const store = await open();
    const [outcome] = await store.write([put('a/7', { id: 7, n: 5, twice: 99 })]);
    const [entry] = await store.read([{ key: 'a/7' }]);
    assert.deepEqual(entry?.content, { kind: 'document', document: { id: 7, n: 6, twice: 12, made: 'now' } });
    assert.ok(outcome?.kind === 'done');
    assert.deepEqual(outcome.stat.digest, entry?.digest);
    assert.equal((database.prepare('select count(*) as n from a').get() as { readonly n: number }).n, 1);
  });
});

test('a table that is named and not there is refused, unless it is to be made', async () => {
  const { open } = file('create table orders (id integer primary key)');
  await assert.rejects(scanned(await open({ collections: 'orders,order' })), { code: 'not-found', message: /has no table order/ });
  for (const options of [{ collections: 'order', missing: 'empty' }, { collections: 'order?' }] as const) assert.deepEqual((await scanned(await open(options))).keys, []);
});

test('a column that is not there is as good as one that is null', async () => {
  const { open } = file('create table orders (id integer primary key)');
  const store = await open();
  const [nothing, something] = await store.write([put('orders/1', { id: 1, gone: null }), put('orders/2', { id: 2, gone: 1 })]);
  assert.deepEqual([said(nothing), nothing?.kind === 'done' && nothing.stat.digest], ['done', (await store.read([{ key: 'orders/1' }]))[0]!.digest]);
  assert.match(said(something), /has no column "gone"/);
});

test('times that say when a record was modified are taken with a zone and without, and as UUIDs, for a column of either kind', async () => {
  const { open } = file('create table here (id integer primary key, at timestamp); create table there (id integer primary key, at timestamptz)');
  const store = await open({ modified: 'at' });
  const times = ['2022-02-22T19:22:22Z', '2022-02-22T20:22:22+01:00', '2022-02-22T19:22:22', 'c232ab00-9414-11ec-b3c8-9f6bdeced846'];
  for (const table of ['here', 'there']) {
    for (const [id, at] of times.entries()) {
      const [outcome] = await store.write([put(`${table}/${id}`, { id, at })]);
      assert.deepEqual([said(outcome), outcome?.kind === 'done' && outcome.stat.modifiedAt], ['done', Date.parse(times[0]!) * 1000], `${table} ${at}`);
    }
  }
});

describe('keys of SQLite', () => {
  test('a row is found, replaced and deleted by its key, whatever type the key has', async () => {
    const { open, database } = file(`create table a (k int primary key, v); create table t (k text primary key, v); create table b (k blob primary key, v); create table d (k datetime primary key, v); create table n (k, j, v, primary key (k, j));
      insert into a values (1, 0), ('abc', 0), (1.5, 0), (x'0a', 0), ('', 0); insert into t values ('1', 0), (x'61', 0); insert into b values ('zz', 0), (5, 0), (x'00', 0); insert into d values (1600000000, 0), ('2020-01-01', 0); insert into n values (1, 'x', 0), ('y', 2.5, 0)`);
    const store = await open();
    const { documents } = await scanned(store);
    const keys = Object.keys(documents);
    assert.equal(keys.length, 14);
    const found = await store.read(keys.map((key) => ({ key })));
    assert.deepEqual(found.map((entry) => entry?.key), keys);
    const replaced = await store.write(keys.map((key, i) => ({ kind: 'put' as const, entry: { key, content: { kind: 'document' as const, document: { ...documents[key], v: 1 } } }, expect: { version: found[i]!.version! } })));
    assert.deepEqual(new Set(replaced.map(said)), new Set(['done']));
    assert.deepEqual(Object.values((await scanned(store)).documents).map(({ v }) => v), keys.map(() => 1));
    const gone = await store.write((await store.read(keys.map((key) => ({ key })))).map((entry) => ({ kind: 'delete' as const, ref: { key: entry!.key }, expect: { version: entry!.version! } })));
    assert.deepEqual(new Set(gone.map(said)), new Set(['done']));
    assert.equal((database.prepare('select (select count(*) from a) + (select count(*) from t) + (select count(*) from b) + (select count(*) from d) + (select count(*) from n) as rows').get() as { readonly rows: number }).rows, 0);
  });

  test('a record with a key of another type than the row has replaces that row, and makes no second one', async () => {
    const { open, database } = file("create table a (k primary key, v); insert into a values (1, 'old')");
    const store = await open();
    const [held] = await store.read([{ key: 'a/1' }]);
    const [outcome] = await store.write([{ kind: 'put', entry: { key: 'a/1', content: { kind: 'document', document: { k: '1', v: 'new' } } }, expect: { version: held!.version! } }]);
    assert.equal(said(outcome), 'done');
    assert.deepEqual(database.prepare('select typeof(k) as type, v from a').all().map((row) => ({ ...row })), [{ type: 'integer', v: 'new' }]);
    assert.equal(outcome?.kind === 'done' && outcome.stat.version, (await store.read([{ key: 'a/1' }]))[0]!.version);
  });

  test('rows without a key are a problem each, and are read once', async () => {
    const { open } = file("create table a (k text, j text, v, primary key (k, j)); insert into a values (null, 'x', 1), (null, 'x', 2), ('y', null, 3), ('y', 'z', 4)");
    const { documents, problems } = await scanned(await open());
    assert.deepEqual([Object.keys(documents), problems.length], [['a/y/z'], 3]);
  });

  test('a table whose key is computed is read, and not written', async () => {
    const { open } = file("create table a (x int, k int generated always as (x + 1) stored unique not null); insert into a (x) values (1)");
    const store = await open();
    assert.deepEqual((await scanned(store)).keys, ['a/2']);
    assert.match(said((await store.write([put('a/3', { x: 2, k: 3 })]))[0]), /a\.k is part of the key and is computed by the database/);
  });
});
