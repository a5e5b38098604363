// What tables of PostgreSQL hold, and how they answer.
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { sync, verify } from '../src/index.ts';
import type { Document } from '../src/model/document.ts';
import pg from 'pg';
import type { Host } from '../src/model/host.ts';
import { plainHost } from '../src/model/plain-host.ts';
import { postgresError } from '../src/stores/sql/postgres/failure.ts';
import type { Store, Write } from '../src/model/store.ts';
import { kind } from '../src/stores/sql/postgres/kind.ts';
import type { PostgresOptions } from '../src/stores/sql/postgres/kind.ts';
import { Sessions } from '../src/stores/sql/postgres/sessions.ts';
import { outlivesCrowds, outlivesCuts } from './connecting.ts';
import { postgres, withoutPostgres } from './services/postgres.ts';
import { Opened, put, rangesWithoutIndexAreTold, said, scanned, scansAreOfOneMoment } from './sql-tables.ts';

const opened = new Opened();
after(async () => await opened[Symbol.asyncDispose]());

/** A database of its own that these statements made. */
const database = async (...statements: readonly string[]): ReturnType<typeof opened.database<PostgresOptions>> => await opened.database(kind, await postgres(), statements);

/** Types, literals as SQL writes them, and what they are in a document. */
const natives: readonly (readonly [type: string, literal: string, value: Document[string]])[] = [
  ['boolean', 'true', true], ['smallint', '-32768', -32768], ['integer', '2147483647', 2147483647],
  ['bigint', '9007199254740993', 9_007_199_254_740_993n], ['bigint', '-9223372036854775808', -9_223_372_036_854_775_808n], ['bigint', '42', 42],
  ['real', '0.1', 0.1], ['real', "'-Infinity'", '-Infinity'], ['double precision', '1e-320', 1e-320], ['double precision', "'NaN'", 'NaN'], ['double precision', "'-0'", -0],
  ['numeric', '1.500', '1.500'], ['numeric', "'NaN'", 'NaN'], ['numeric', '123456789012345678901234567890.00000000001', '123456789012345678901234567890.00000000001'], ['numeric(6,2)', '-1.5', '-1.50'], ['numeric(2,-3)', '12345', '12000'],
  ['text', "E'a\\tb\\nc\\\\d'", 'a\tb\nc\\d'], ['text', "'\\N'", '\\N'], ['varchar(5)', "'äöü'", 'äöü'], ['char(5)', "'ab'", 'ab'], ['"char"', "'x'", 'x'], ['name', "'x'", 'x'],
  ['uuid', "'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'", 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'],
  ['timestamptz', "'2015-01-31 12:20:30.000001+02'", '2015-01-31T10:20:30.000001Z'], ['timestamptz(0)', "'2015-01-31 10:20:30Z'", '2015-01-31T10:20:30Z'], ['timestamp', "'0999-12-31 23:59:59.5'", '0999-12-31T23:59:59.5'],
  ['date', "'2016-02-29'", '2016-02-29'], ['time', "'23:59:59.999999'", '23:59:59.999999'], ['time', "'24:00'", '24:00:00'], ['timetz', "'10:00+02'", '10:00:00+02'], ['interval', "'1 year -2 mons 3 days 04:05:06.7'", 'P10M3DT4H5M6.7S'],
  ['bytea', "'\\x00ff0a5c'", Uint8Array.of(0, 255, 10, 92)], ['bytea', "''", new Uint8Array()],
  ['json', "'{\"a\": [1.0, 12345678901234567890, null], \"é\": \"\\u0000\"}'", { a: [1, 12_345_678_901_234_567_890n, null], é: '\0' }], ['jsonb', "'null'", null], ['jsonb', "'[1, {\"a\": \"x\\\\y\"}]'", [1, { a: 'x\\y' }]],
  ['integer[]', "'{1,NULL,3}'", [1, null, 3]], ['integer[]', "'{}'", []], ['text[]', "array['a', 'NULL', '', 'b,c', 'd\"e\\f', '{}']", ['a', 'NULL', '', 'b,c', 'd"e\\f', '{}']], ['bigint[][]', "'{{1,2},{3,9007199254740993}}'", [[1, 2], [3, 9_007_199_254_740_993n]]],
  ['timestamptz[]', "array['2015-01-31 10:20:30.5Z'::timestamptz]", ['2015-01-31T10:20:30.5Z']], ['jsonb[]', "array['{\"a\":\"b\"}'::jsonb]", [{ a: 'b' }]], ['bytea[]', "array['\\x00ff'::bytea]", [Uint8Array.of(0, 255)]],
  ['mood', "'happy, \"very\"'", 'happy, "very"'], ['mood[]', "array['sad'::mood]", ['sad']], ['positive', '5', 5], ['address', "row('a \"b\", (c)', null, 5)", { street: 'a "b", (c)', size: 5 }], ['address[]', "array[row('x', '{\"k\":1}', 1)::address]", [{ street: 'x', more: { k: 1 }, size: 1 }]],
  ['inet', "'10.0.0.1/8'", '10.0.0.1/8'], ['macaddr', "'08:00:2b:01:02:03'", '08:00:2b:01:02:03'], ['bit(3)', "b'101'", '101'], ['varbit', "b'1'", '1'], ['int4range', "'[1,5)'", '[1,5)'], ['point', "'(1,2)'", '(1,2)'], ['xml', "'<a/>'", '<a/>'], ['tsvector', "'a b'", "'a' 'b'"], ['money', "'1.50'", '$1.50'], ['oid', '4294967295', 4_294_967_295],
];
const userTypes = ["create type mood as enum ('sad', 'happy, \"very\"')", 'create domain positive as integer check (value > 0)', 'create type address as (street text, more jsonb, size integer)'];

describe('tables of PostgreSQL', withoutPostgres, () => {
  test('every native type is read as it is, and written so that the server holds the same', async () => {
    const columns = natives.map(([type], i) => `c${i} ${type}`).join(', ');
    const { open, query } = await database(...userTypes, `create table a (id int primary key, ${columns})`, `create table b (like a including all)`, `insert into a values (1, ${natives.map(([, literal]) => literal).join(', ')})`);
    const store = await open();
    const { documents, problems } = await scanned(store);
    assert.deepEqual(problems, []);
    for (const [i, [type, , value]] of natives.entries()) assert.deepEqual(documents['a/1']![`c${i}`], value, type);
    const { id: _, ...fields } = documents['a/1']!;
    const [outcome, empty] = await store.write([put('b/1', { id: 1, ...fields }, { absent: true }), put('b/2', { id: 2 })]);
    assert.equal(said(outcome), 'done');
    assert.equal(said(empty), 'done');
    assert.deepEqual(await query('select * from a where id = 1'), await query('select * from b where id = 1'));
    assert.deepEqual((await store.read([{ key: 'b/2' }]))[0]?.content, { kind: 'document', document: { id: 2 } });
    assert.ok(isDeepStrictEqual((await store.read([{ key: 'b/1' }]))[0]?.content, { kind: 'document', document: documents['a/1'] }));
  });

  test('rows of a table that is partitioned are put, replaced and deleted by themselves as in any other', async () => {
    const { open, query } = await database("create table a (id int, at timestamptz not null, v text, primary key (id, at)) partition by range (at)", "create table a_old partition of a for values from (minvalue) to ('2020-01-01')", 'create table a_rest partition of a default');
    const store = await open({ modified: 'at' });
    const [old, late] = [{ id: 1, at: '2015-01-01T00:00:00Z' }, { id: 2, at: '2025-01-01T00:00:00Z' }];
    const keys = [old, late].map(({ id, at }) => `a/${id}/${at}`);
    const versions = async (): Promise<readonly string[]> => (await store.read(keys.map((key) => ({ key })))).map((entry) => String(entry?.version));
    const first = await store.write([put(keys[0]!, old, { absent: true }), put(keys[1]!, late)]);
    assert.deepEqual(first.map((outcome) => outcome.kind === 'done' && outcome.stat.version), await versions());
    const [one, two] = await versions();
    const second = await store.write([put(keys[0]!, { ...old, v: 'x' }, { version: one! }), put(keys[1]!, { ...late, v: 'y' }, { version: two! })]);
    assert.deepEqual(second.map((outcome) => outcome.kind === 'done' && outcome.stat.version), await versions());
    assert.equal(said((await store.write([put(keys[0]!, old, { version: one! })]))[0]), 'stale');
    assert.deepEqual((await store.write(keys.map((key) => ({ kind: 'delete' as const, ref: { key } })))).map(said), ['done', 'done']);
    assert.deepEqual(await query('select * from a'), []);
  });

  test('the rows of a table that another one inherits from are its own, and those of the other one are not', async () => {
    const made = ['create table a (id int primary key, v text)', 'create table b (w text, primary key (id)) inherits (a)'];
    // In one transaction, so that their versions do not tell them apart either.
    const from = await database(...made, "insert into a select i, 'a' from generate_series(1, 2000) i; insert into b select i, 'b', 'w' from generate_series(1001, 3000) i");
    const to = await database(...made, "insert into b values (1, 'left alone', 'w')");
    const [source, target] = [await from.open(), await to.open()];
    const held = async ({ query }: typeof to): Promise<unknown> => (await query("select count(*) filter (where tableoid = 'a'::regclass)::int as a, count(*) filter (where tableoid = 'b'::regclass)::int as b from a"))[0];
    assert.equal((await scanned(source)).keys.length, 4_000);
    assert.deepEqual((await target.twins?.(source))?.empty, ['a']);
    const { counts } = await sync(source, target);
    assert.deepEqual([counts.read, counts.created, await held(to)], [4_000, 4_000, { a: 2_000, b: 2_001 }]);
    await target.write([{ kind: 'delete', ref: { key: 'b/1' } }]);
    const { equal, report } = await verify(source, target);
    assert.deepEqual([equal, report.counts.read, report.ranges?.equal], [true, 4_000, 4_000]);
    assert.deepEqual(await source.read([{ key: 'a/2500' }, { key: 'b/1' }]), [undefined, undefined]);
    const [one, other] = await source.read([{ key: 'a/1500' }, { key: 'a/1501' }]);
    await source.write([put('a/1500', { id: 1500, v: 'new' }, { version: one!.version! }), { kind: 'delete', ref: { key: 'a/1501' }, expect: { version: other!.version! } }, { kind: 'delete', ref: { key: 'a/2000' } }]);
    assert.deepEqual([await held(from), await from.query('select v from a where id = 1500 order by 1')], [{ a: 1_998, b: 2_000 }, [{ v: 'b' }, { v: 'new' }]]);
  });

  test('what a column cannot hold is refused with column and value, and the others of the batch are written', async () => {
    const { open } = await database('create table a (id int primary key, n numeric(4,2), v varchar(3), s smallint, t timestamptz(3), u uuid, l text, j jsonb, r real, x int check (x < 10) not null default 1)');
    const store = await open();
    const bad: readonly (readonly [Document, RegExp])[] = [
      [{ n: '1.234' }, /a\.n holds 2 digits behind the point, and not "1\.234"/], [{ n: '123' }, /2 digits before/], [{ n: 'x' }, /decimal/], [{ v: 'abcd' }, /a\.v holds 3 characters/], [{ s: 32768 }, /-32768 to 32767/], [{ s: 1.5 }, /whole numbers/],
      [{ t: '2015-01-31T10:20:30.0001Z' }, /3 digits/], [{ t: '2015-01-31T10:20:30' }, /with their zone/], [{ t: '2015-02-30T10:20:30Z' }, /that there are/], [{ u: 'x' }, /UUID/], [{ l: 'a\0' }, /NUL/], [{ l: 5 }, /text/], [{ j: { a: '\0' } }, /NUL/], [{ j: new Uint8Array(1) }, /JSON/], [{ r: 0.123456789 }, /24 binary/],
      [{ x: 10 }, /check/], [{ x: null }, /must have a value/], [{ nothing: 1 }, /no column "nothing"/], [{ id: 77 }, /it holds the key a\/77/],
    ];
    const outcomes = await store.write(bad.flatMap(([fields], i) => [put(`a/${i}`, { id: i, ...fields }), put(`a/${1000 + i}`, { id: 1000 + i })]));
    bad.forEach(([fields, pattern], i) => {
      assert.match(said(outcomes[2 * i]), pattern, JSON.stringify(Object.keys(fields)));
      assert.equal(said(outcomes[2 * i + 1]), 'done');
    });
    assert.equal((await scanned(store)).keys.length, bad.length);
    assert.match(said((await store.write([put('zzz/1', { id: 1 })]))[0]), /no table "zzz"/);
  });

  test('computed columns are read and never written, and the database fills what a document leaves out', async () => {
    const { open, query } = await database("create table a (id int generated always as identity primary key, n int, twice int generated always as (n * 2) stored, made text not null default 'now')");
    const store = await open();
    const [outcome] = await store.write([put('a/7', { id: 7, n: 5, twice: 99 })]);
    const document = { id: 7, n: 5, twice: 10, made: 'now' };
    const [entry] = await store.read([{ key: 'a/7' }]);
    assert.deepEqual(entry?.content, { kind: 'document', document });
    assert.ok(outcome?.kind === 'done');
    assert.deepEqual(outcome.stat.digest, entry?.digest, 'the answer describes what the table holds');
    await store.write([put('a/7', { ...document, n: 6 }, { version: entry!.version! })]);
    assert.deepEqual(await query('select * from a'), [{ id: 7, n: 6, twice: 12, made: 'now' }]);
  });

  test('keys come in byte order across tables, of every type', async () => {
    const { open } = await database(
      'create table a (k text, n bigint, primary key (k, n))', "insert into a select k, n from unnest(array['a', 'a b', 'a/b', 'A', 'é', '%2F', '', 'a%']) k, unnest(array[1, 10, 2, -1]) n",
      'create table "a-b" (d date, i timestamptz, b bytea, f boolean, t time, m numeric, primary key (d, i, b, f, t, m))', "insert into \"a-b\" select d, i, b, f, t, m from unnest(array['2015-01-31', '0999-01-01']::date[]) d, unnest(array['2015-01-31 10:20:30Z', '2015-01-31 10:20:30.5Z']::timestamptz[]) i, unnest(array['\\x00', '\\x0000', '\\xff']::bytea[]) b, unnest(array[true, false]) f, unnest(array['10:00', '10:00:00.5']::time[]) t, unnest(array[1.0, 10, 2]) m",
      'create table c (i inet primary key)', "insert into c values ('10.0.0.1'), ('10.0.0.1/8'), ('10.0.0.10'), ('::1')",
      'create table "a/b" (u uuid, k text, primary key (u, k))', "insert into \"a/b\" select gen_random_uuid(), 'x' from generate_series(1, 50)",
    );
    const store = await open();
    const { keys } = await scanned(store);
    assert.equal(keys.length, 32 + 144 + 4 + 50);
    assert.deepEqual(keys, keys.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))));
    const found = await store.read(keys.map((key) => ({ key })));
    assert.deepEqual(found.map((entry) => entry?.key), keys);
  });

  test('what is older is replaced by the server itself, whatever the type of the time, and never what is newer', async () => {
    for (const [type, at] of [['timestamptz', (n: number) => `2015-01-31T10:20:30.${String(100 + n)}Z`.replace(/0Z$/, 'Z').replace(/0Z$/, 'Z')], ['bigint', (n: number) => n], ['text', (n: number) => `2015-01-31T10:20:30.${String(100 + n)}Z`]] as const) {
      const { open } = await database(`create table a (id int primary key, at ${type}, who int)`);
      const stores = await Promise.all([1, 2, 3].map(() => open({ modified: 'at', modifiedUnit: 'milliseconds' })));
      // Each writer has all times in an order of its own; the newest has to be left.
      await Promise.all(stores.map(async (store, who) => {
        const times = Array.from({ length: 60 }, (_, i) => ((i * 7 + who * 13) % 60) + 1);
        for (const time of times) {
          const outcomes = await store.write([0, 1, 2].map((id) => {
            const write = put(`a/${id}`, { id, at: at(time), who });
            const [entry] = [write.kind === 'put' ? write.entry : undefined];
            const older = type === 'bigint' ? time * 1e3 : Date.parse('2015-01-31T10:20:30Z') * 1e3 + (100 + time) * 1e3;
            return { kind: 'put', entry: entry!, expect: { older } };
          }));
          for (const outcome of outcomes) assert.notEqual(outcome.kind, 'failed', said(outcome));
        }
      }));
      const { documents } = await scanned(stores[0]!);
      assert.deepEqual(Object.values(documents).map((document) => document['at']), [at(60), at(60), at(60)], type);
    }
  });

  test('many new rows are loaded at once, and one that is there already is told of and left', async () => {
    const { open, query } = await database('create table a (id int primary key, x text)', "insert into a values (50, 'kept')");
    const store = await open();
    const texts = ['a\tb', '\\N', '\\', 'x\r\n', '', 'é\u{1F600}'];
    const writes = (from: number): readonly Write[] => Array.from({ length: 100 }, (_, i) => put(`a/${from + i}`, { id: from + i, x: texts[i % texts.length]! }, { absent: true }));
    const outcomes = [...await store.write(writes(1000)), ...await store.write(writes(1))];
    const stale = outcomes.filter(({ kind: answer }) => answer !== 'done');
    assert.deepEqual(stale.map((outcome) => outcome.kind === 'stale' && outcome.found?.key), ['a/50']);
    assert.deepEqual(await query('select count(*)::int as n, min(x) filter (where id = 50) as x from a'), [{ n: 200, x: 'kept' }]);
    const listed = new Map((await Array.fromAsync(store.scan({ want: 'content' }))).flatMap(({ entries }) => entries).map((entry) => [entry.key, entry]));
    for (const [i, write] of [...writes(1000), ...writes(1)].entries()) {
      const outcome = outcomes[i]!;
      if (outcome.kind !== 'done' || write.kind !== 'put') continue;
      const entry = listed.get(write.entry.key)!;
      assert.deepEqual(entry.content, write.entry.content);
      assert.deepEqual([outcome.stat.version, outcome.stat.digest], [entry.version, entry.digest]);
    }
  });

  test('a table without a key is named, and the others are read; a unique index will do', async () => {
    const { open } = await database('create table a (x int)', 'create table b (id int not null unique, x int)', 'create table c (id int unique)', 'create table d (id int primary key deferrable)', 'create table e (x double precision primary key)', 'insert into b values (1, 2)');
    const { documents, problems } = await scanned(await open());
    assert.deepEqual(documents, { 'b/1': { id: 1, x: 2 } });
    assert.deepEqual(problems.map((problem) => problem.slice(0, 25)), ['the table a has neither a', 'the table c has neither a', 'the table d has neither a', 'the table e has x in its ']);
    assert.deepEqual((await scanned(await open({ collections: 'b*' }))).problems, []);
  });

  test('what no document can hold is a problem of its row', async () => {
    const { open } = await database('create table a (id int primary key, t timestamptz, d date, l int[])', "insert into a values (1, 'infinity', null, null), (2, null, '-infinity', null), (3, null, '0044-03-15 BC', null), (4, '12000-01-01Z', null, null), (5, null, null, '[0:1]={1,2}'), (6, '2015-01-31Z', '2015-01-31', '{1}')");
    const { keys, problems } = await scanned(await open());
    assert.deepEqual(keys, ['a/6']);
    assert.equal(problems.length, 5);
    for (const problem of problems) assert.match(problem, /^a\.[tdl] holds/);
  });

  test('a window leaves out what lies outside, and keeps what has no time', async () => {
    const { open } = await database('create table a (id int primary key, at timestamptz)', "insert into a select i, case when i > 0 then '2015-01-31Z'::timestamptz + i * interval '1 day' end from generate_series(0, 9) i");
    const store = await open({ modified: 'at' });
    const pages = await Array.fromAsync(store.scan({ window: { after: Date.UTC(2015, 1, 2) * 1e3, until: Date.UTC(2015, 1, 4) * 1e3 } }));
    assert.deepEqual(pages.flatMap(({ entries }) => entries).map(({ key, modifiedAt }) => [key, modifiedAt]), [['a/0', undefined], ['a/2', Date.UTC(2015, 1, 2) * 1e3], ['a/3', Date.UTC(2015, 1, 3) * 1e3], ['a/4', Date.UTC(2015, 1, 4) * 1e3]]);
  });

  test('who looks for a range of times without an index is told what that costs, once, and what makes one', async () => {
    const { endpoint, query } = await database('create table a (id int primary key, at timestamptz)', 'create table b (id int primary key, at timestamptz)', 'create index b_at on b (at, id)');
    const open = (log: Host['log']): Promise<Store> => opened.open(kind, endpoint, { modified: 'at' }, { ...plainHost, log });
    await rangesWithoutIndexAreTold({ open, query, statement: 'CREATE INDEX ON "public"."a" ("at")' });
  });

  test('a scan is of one moment, and one that is given up leaves nothing behind', async () => {
    const { open, query } = await database('create table a (id int primary key)', 'insert into a select generate_series(1, 5000)', 'create table b as select id from a', 'alter table b add primary key (id)');
    await scansAreOfOneMoment(await open(), query);
  });

  test('a run that is told to stop does not wait for the server, and connections that are cut are made anew', async () => {
    const { open, query } = await database('create table a (id int primary key)', 'insert into a select generate_series(1, 10)');
    const store = await open();
    await store.read([{ key: 'a/1' }]);
    const { port } = await postgres();
    const blocker = new pg.Client({ connectionString: `postgres://tester@127.0.0.1:${port}/${store.name.split('/').at(-1)}` });
    await blocker.connect();
    await blocker.query('begin; lock table a in access exclusive mode');
    const startedAt = Date.now();
    await assert.rejects(Array.fromAsync(store.scan({ signal: AbortSignal.timeout(200) })), (error: unknown) => error instanceof Error && /Timeout|Abort/.test(error.name));
    assert.ok(Date.now() - startedAt < 5_000);
    await blocker.end();
    await query('select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and datname = current_database()');
    const outcomes = await store.write([put('a/11', { id: 11 })]);
    const again = outcomes[0]?.kind === 'failed' && outcomes[0].error.retryable ? await store.write([put('a/11', { id: 11 })]) : outcomes;
    assert.deepEqual(again.map(said), ['done']);
    assert.equal((await scanned(store)).keys.length, 11);
  });

  test('a connection that is cut while it is made is made anew, and where nothing listens that is told at once', async () => {
    const { endpoint } = await database();
    const { port } = new URL(endpoint);
    await outlivesCuts(Number(port), async (at, host) => await kind.open(endpoint.replace(`:${port}/`, `:${at}/`), {}, host) as Store);
  });

  test('a server that has no connection left is waited for', async () => {
    const { endpoint, query } = await database('create table a (id int primary key)', 'drop role if exists crowded', 'create role crowded login connection limit 1');
    const crowded = endpoint.replace('tester@', 'crowded@');
    await outlivesCrowds(async (host, options) => await kind.open(crowded, options, host) as Store, async () => {
      const client = new pg.Client({ connectionString: crowded });
      await client.connect();
      return async () => await client.end();
    });
    await query('drop role crowded');
  });

  test('a connection that is cut between two statements is a failure of the next one, and of nothing else', async () => {
    const { endpoint, query } = await database();
    const { hostname: host, port, username: user, pathname } = new URL(endpoint);
    await using sessions = new Sessions({ host: plainHost, tls: 'disable', patienceMs: 0, config: { host, port: Number(port), user, database: pathname.slice(1) } });
    const cut = sessions.use(async (client) => {
      await client.query('begin');
      const ended = new Promise<void>((resolve) => void client.once('end', () => resolve()));
      await query('select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and datname = current_database()');
      await ended;
      await client.query('select 1');
    });
    const error = await cut.then(() => undefined, (cause: unknown) => postgresError(cause, 'cannot ask'));
    assert.deepEqual([error?.code, error?.retryable], ['unavailable', true]);
    assert.equal((await sessions.use((client) => client.query('select 1'))).rowCount, 1);
  });

  test('two schemas of one database are two places, and one and the same is refused', async () => {
    const { endpoint, query } = await database('create schema copy', 'create table a (id int primary key, x numeric(9,2) not null)', 'insert into a values (1, 1.5)');
    assert.equal((await sync(endpoint, `${endpoint}?schema=copy`)).counts.created, 1);
    assert.deepEqual(await query('select * from copy.a'), [{ id: 1, x: '1.50' }]);
    await assert.rejects(sync(endpoint, endpoint.replace('postgres:', 'postgresql:')), { code: 'invalid' });
  });

  test('missing tables are made all at once or not at all, and not where that is not wanted', async () => {
    const { open, query } = await database();
    const good = { name: 'good', key: ['id'], fields: [{ name: 'id', type: { kind: 'text' }, nullable: false }] } as const;
    const store = await open();
    await assert.rejects(store.prepare!([good, { ...good, name: 'x'.repeat(64) }]), { code: 'unsupported' });
    await assert.rejects(store.prepare!([good, { ...good, name: 'bad', key: ['nothing'] }]), { code: 'unsupported' });
    await assert.rejects((await open({ create: false })).prepare!([good]), { code: 'not-found', message: /no table good/ });
    assert.deepEqual(await query("select relname from pg_class where relname in ('good', 'bad')"), []);
    await store.prepare!([good]);
    await store.prepare!([good]);
    assert.deepEqual(await store.describe!(), [good]);
  });

  test('what cannot be reached or is not there is a sentence', async () => {
    const { endpoint } = await database();
    const failure = async (place: string): Promise<unknown> => await scanned(await kind.open(place, {}, plainHost) as Store).then(() => 'nothing', (error: unknown) => error);
    assert.deepEqual(await failure(endpoint.replace(/[^/]+$/, 'nothing')).then((error) => (error as { code: string }).code), 'not-found');
    assert.deepEqual(await failure('postgres://tester@127.0.0.1:1/x').then((error) => (error as { code: string }).code), 'unavailable');
    assert.deepEqual(await failure(endpoint.replace('tester', 'nobody')).then((error) => (error as { code: string }).code), 'denied');
    await assert.rejects(async () => await kind.open('postgres://me:secret@host/x', {}, plainHost), (error: Error) => /password/.test(error.message) && !error.message.includes('secret'));
  });
});
