// What tables of MariaDB hold, and how they answer.
import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { after, describe, test } from 'node:test';
import type { Collection } from '../src/model/collection.ts';
import type { Document } from '../src/model/document.ts';
import { createConnection } from 'mysql2/promise';
import type { Host } from '../src/model/host.ts';
import { plainHost } from '../src/model/plain-host.ts';
import type { Store } from '../src/model/store.ts';
import { mysqlError } from '../src/stores/sql/mysql/failure.ts';
import { kind } from '../src/stores/sql/mysql/kind.ts';
import type { MysqlOptions } from '../src/stores/sql/mysql/kind.ts';
import { rowsOf, Sessions } from '../src/stores/sql/mysql/sessions.ts';
import { outlivesCrowds, outlivesCuts } from './connecting.ts';
import { isMaria, mariadb, series, withoutMariadb } from './services/mariadb.ts';
import { Opened, put, rangesWithoutIndexAreTold, said, scanned, scansAreOfOneMoment } from './sql-tables.ts';

const opened = new Opened();
after(async () => await opened[Symbol.asyncDispose]());

/** A database of its own that these statements made. */
const database = async (...statements: readonly string[]): ReturnType<typeof opened.database<MysqlOptions>> => await opened.database(kind, await mariadb(), statements);

/** Types, literals as SQL writes them, and what they are in a document. */
const natives: readonly (readonly [type: string, literal: string, value: Document[string]])[] = [
  ['boolean', '1', true], ['boolean', '7', 7], ['tinyint', '-128', -128], ['tinyint unsigned', '255', 255], ['smallint unsigned', '65535', 65535], ['mediumint', '-8388608', -8388608], ['int unsigned', '4294967295', 4294967295], ['int(5) zerofill', '42', 42],
  ['bigint', '-9223372036854775808', -9_223_372_036_854_775_808n], ['bigint unsigned', '18446744073709551615', 18_446_744_073_709_551_615n], ['bigint', '42', 42],
  ['float', '0.1', 0.1], ['float', '16777216', 16777216], ['double', '0.1', 0.1], ['double', '2.2250738585072014e-308', 2.2250738585072014e-308], ['double', '1.7976931348623157e308', 1.7976931348623157e308], ['double', '0.30000000000000004', 0.30000000000000004],
  ['decimal(20,4)', '1234567890123456.5', '1234567890123456.5000'], ['decimal(65,30)', '-0.000000000000000000000000000001', '-0.000000000000000000000000000001'],
  ['bit(1)', "b'1'", 1], ['bit(64)', "b'1111111111111111111111111111111111111111111111111111111111111111'", 18_446_744_073_709_551_615n],
  ['char(5)', "'ab'", 'ab'], ['varchar(10)', "'a '", 'a '], ['varchar(10) character set latin1', "'äöü'", 'äöü'], ['text', "'it''s \\\\ \\\"q\\\"\\n\\t%_?'", 'it\'s \\ "q"\n\t%_?'], ['longtext', "'\u{1F600}'", '\u{1F600}'],
  ['binary(3)', "x'00ff00'", Uint8Array.of(0, 255, 0)], ['varbinary(5)', "x'00ff00'", Uint8Array.of(0, 255, 0)], ['blob', "''", new Uint8Array()], ['longblob', "x'5c270022'", Uint8Array.of(0x5c, 0x27, 0, 0x22)],
  ['date', "'2016-02-29'", '2016-02-29'], ['datetime(6)', "'0999-12-31 23:59:59.999999'", '0999-12-31T23:59:59.999999'], ['datetime', "'2015-01-31 10:20:30'", '2015-01-31T10:20:30'], ['timestamp(3) null', "'2015-01-31 10:20:30.500'", '2015-01-31T10:20:30.5Z'], ["datetime(6) comment 'UTC'", "'2115-01-31 10:20:30.5'", '2115-01-31T10:20:30.5Z'],
  ['time(6)', "'23:59:59.000001'", '23:59:59.000001'], ['time', "'-838:59:59'", '-838:59:59'], ['time', "'100:00:00'", '100:00:00'], ['year', '2015', 2015],
  ["enum('a','it''s')", "'it''s'", "it's"], ["set('b','a','c')", "'c,b'", ['b', 'c']], ["set('b','a')", "''", []], ['json', "'{\"a\": [1.0, 12345678901234567890, null], \"é\": \"x\"}'", { a: [1, 12_345_678_901_234_567_890n, null], é: 'x' }], ['json', "'null'", null],
  ...(isMaria ? [['uuid', "'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'", 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'], ['inet6', "'::1'", '::1']] as const : []), ['point', 'point(1, 2)', new Uint8Array(Buffer.from('000000000101000000000000000000f03f0000000000000040', 'hex'))],
];

describe('tables of MariaDB', withoutMariadb, () => {
  test('every native type is read as it is, and written so that the server holds the same', async () => {
    const columns = natives.map(([type], i) => `c${i} ${type}`).join(', ');
    const { open, query } = await database(`create table a (id int primary key, ${columns}) character set utf8mb4`, 'create table b like a', `set time_zone = '+00:00'; set names utf8mb4; insert into a values (1, ${natives.map(([, literal]) => literal).join(', ')})`);
    const store = await open();
    const { documents, problems } = await scanned(store);
    assert.deepEqual(problems, []);
    for (const [i, [type, , value]] of natives.entries()) assert.deepEqual(documents['a/1']![`c${i}`], value, type);
    const outcomes = await store.write([put('b/1', { ...documents['a/1'], id: 1 }), put('b/2', { id: 2 })]);
    assert.deepEqual(outcomes.map(said), ['done', 'done']);
    const differing = await query(`select ${natives.map((_, i) => `hex(a.c${i}) <=> hex(b.c${i}) as c${i}`).join(', ')} from a, b where a.id = 1 and b.id = 1`);
    // JSON may be spaced in another way, and is compared as documents are.
    for (const [name, same] of Object.entries(differing[0]!)) if (natives[Number(name.slice(1))]?.[0] !== 'json') assert.equal(same, 1, `${name}: ${natives[Number(name.slice(1))]?.[0]}`);
    assert.deepEqual((await store.read([{ key: 'b/2' }]))[0]?.content, { kind: 'document', document: { id: 2 } });
    assert.deepEqual((await store.read([{ key: 'b/1' }]))[0]?.content, { kind: 'document', document: documents['a/1'] });
  });

  test('what a column cannot hold is refused with column and value, and the others of the batch are written', async () => {
    const { open } = await database("create table a (id int primary key, n decimal(4,2), v varchar(3), s tinyint, t timestamp null, d double, b binary(2), e enum('x'), w set('x','y'), j json, l text, x int not null default 1 check (x < 10))");
    const store = await open();
    const bad: readonly (readonly [Document, RegExp])[] = [
      [{ n: '1.234' }, /a\.n holds 2 digits behind the point, and not "1\.234"/], [{ n: '123' }, /2 digits before/], [{ v: 'abcd' }, /a\.v holds 3 characters/], [{ s: 128 }, /-128 to 127/], [{ t: '2015-01-31T10:20:30.5Z' }, /0 digits/], [{ t: '1960-01-01T00:00:00Z' }, /before/], [{ d: 'NaN' }, /finite/],
      [{ b: Uint8Array.of(1) }, /2 bytes/], [{ e: 'y' }, /one of "x"/], [{ w: ['z'] }, /sets of/], [{ j: new Uint8Array(1) }, /JSON/], [{ l: 'a\uD800' }, /well-formed/], [{ l: 'x'.repeat(65_536) }, /holds 65535 bytes/], [{ x: 10 }, /constraint/i], [{ x: null }, /must have a value/], [{ nothing: 1 }, /no column "nothing"/],
    ];
    const outcomes = await store.write(bad.flatMap(([fields], i) => [put(`a/${i}`, { id: i, ...fields }), put(`a/${1000 + i}`, { id: 1000 + i })]));
    bad.forEach(([fields, pattern], i) => {
      assert.match(said(outcomes[2 * i]), pattern, JSON.stringify(Object.keys(fields)));
      assert.equal(said(outcomes[2 * i + 1]), 'done');
    });
    assert.equal((await scanned(store)).keys.length, bad.length);
  });

  test('a table is made with decimals of any size in its key, and what cannot be one there is refused before anything is made', async () => {
    const { open } = await database('create table other (id int primary key)');
    const store = await open();
    const collection = (name: string, ...fields: readonly string[]): Collection => ({ name, key: ['id'], fields: ['id', ...fields].map((field) => ({ name: field, type: field === 'id' ? { kind: 'decimal' } : { kind: 'text' }, nullable: field !== 'id' })) });
    await store.prepare!([collection('amounts')]);
    assert.deepEqual((await store.write(['1.0', 'NaN', '10.25'].map((id) => put(`amounts/${id}`, { id })))).map(said), ['done', 'done', 'done']);
    assert.deepEqual((await scanned(store)).keys, ['amounts/1.0', 'amounts/10.25', 'amounts/NaN']);
    const refused: readonly (readonly [Collection, RegExp])[] = [
      [collection('\u{1F600}'), /its name has a character that no name may have there/], [collection('a', '\u{1F600}'), /the name of its field \S+ has a character/], [collection('a'.repeat(65)), /is longer than 64 characters/],
      [collection('a', 'Name', 'name'), /Name and name are one column there/], [collection('a', ...Array.from({ length: 1_017 }, (_, i) => `c${i}`)), /has 1018 fields, and a table there has at most 1017 columns/],
    ];
    for (const [bad, pattern] of refused) await assert.rejects(store.checkPrepare!([bad]), pattern);
  });

  test('what a collation takes for the same key is another key: it is not overwritten', async () => {
    const { open, query } = await database('create table a (k varchar(20) primary key, x int, y int unique) character set utf8mb4 collate utf8mb4_general_ci', "insert into a values ('abc', 1, 1)");
    const store = await open();
    assert.deepEqual(await store.read([{ key: 'a/ABC' }, { key: 'a/abc ' }]), [undefined, undefined]);
    const outcomes = await store.write([put('a/ABC', { k: 'ABC', x: 2 }), put('a/abc ', { k: 'abc ', x: 2 }), put('a/b', { k: 'b', y: 1 }), put('a/c', { k: 'c' })]);
    assert.deepEqual(outcomes.map(({ kind: answer }) => answer), ['failed', 'failed', 'failed', 'done']);
    assert.match(said(outcomes[0]), /another spelling/);
    assert.deepEqual(await query('select * from a order by k'), [{ k: 'abc', x: 1, y: 1 }, { k: 'c', x: null, y: null }]);
  });

  test('computed columns are read and never written, and the database fills what a document leaves out', async () => {
    const { open, query } = await database("create table a (id int auto_increment primary key, n int, twice int as (n * 2) stored, made varchar(9) not null default 'now')");
    const store = await open();
    const [outcome] = await store.write([put('a/7', { id: 7, n: 5, twice: 99 })]);
    const [entry] = await store.read([{ key: 'a/7' }]);
    assert.deepEqual(entry?.content, { kind: 'document', document: { id: 7, n: 5, twice: 10, made: 'now' } });
    assert.ok(outcome?.kind === 'done');
    assert.deepEqual(outcome.stat, { digest: entry?.digest, version: entry?.version });
    await store.write([{ ...put('a/7', { id: 7, n: 6, made: 'then' }), expect: { version: entry!.version! } }]);
    assert.deepEqual(await query('select * from a'), [{ id: 7, n: 6, twice: 12, made: 'then' }]);
  });

  test('keys come in byte order across tables, of every type', async () => {
    const { open } = await database(
      'create table a (k varchar(99) collate utf8mb4_general_ci, n bigint, primary key (k, n)) character set utf8mb4', ...['a', 'a b', 'a/b', 'b', 'z', '%2F', '', 'a%', '\u{1F600}'].map((k) => `insert into a values ${[1, 10, 2, -1].map((n) => `('${k}', ${n})`).join(', ')}`),
      `create table \`a-b\` (d date, i datetime(6), b varbinary(9), f boolean, t time(3), m decimal(9,2), u ${isMaria ? 'uuid' : "char(36) comment 'uuid'"}, primary key (d, i, b, f, t, m, u))`, ...["'2015-01-31'", "'0999-01-01'"].flatMap((d) => ["'2015-01-31 10:20:30'", "'2015-01-31 10:20:30.5'"].flatMap((i) => ["x'00'", "x'0000'", "x'ff'"].map((b) => `insert into \`a-b\` values ${[0, 1].flatMap((f) => ["'10:00'", "'10:00:00.5'"].flatMap((t) => [1, 10, 2].map((m) => `(${d}, ${i}, ${b}, ${f}, ${t}, ${m}, uuid())`))).join(', ')}`))),
    );
    const store = await open();
    const { keys } = await scanned(store);
    assert.equal(keys.length, 36 + 144);
    assert.deepEqual(keys, keys.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))));
    const found = await store.read(keys.map((key) => ({ key })));
    assert.deepEqual(found.map((entry) => entry?.key), keys);
  });

  test('of writers who come at once the newest is left, and none fails', async () => {
    const { open } = await database("create table a (id int primary key, at datetime(3) comment 'UTC', who int)");
    const stores = await Promise.all([1, 2, 3].map(() => open({ modified: 'at' })));
    const start = Date.UTC(2015, 0, 31);
    await Promise.all(stores.map(async (store, who) => {
      const times = Array.from({ length: 60 }, (_, i) => ((i * 7 + who * 13) % 60) + 1);
      await Promise.all(times.map(async (time) => {
        const outcomes = await store.write([0, 1, 2].map((id) => ({ ...put(`a/${id}`, { id, at: new Date(start + time).toISOString(), who }), expect: { older: (start + time) * 1e3 } })));
        for (const outcome of outcomes) assert.notEqual(outcome.kind, 'failed', said(outcome));
      }));
    }));
    const { documents } = await scanned(stores[0]!);
    assert.deepEqual(Object.values(documents).map((document) => document['at']), Array.from({ length: 3 }, () => '2015-01-31T00:00:00.06Z'));
  });

  test('who looks for a range of times without an index is told what that costs, once, and what makes one', async () => {
    const { endpoint, query } = await database('create table a (id int primary key, at datetime(6))', 'create table b (id int primary key, at datetime(6))', 'create index b_at on b (at, id)');
    const open = (log: Host['log']): Promise<Store> => opened.open(kind, endpoint, { modified: 'at' }, { ...plainHost, log });
    await rangesWithoutIndexAreTold({ open, query, statement: 'CREATE INDEX `a_at` ON `a` (`at`)' });
  });

  test('a scan is of one moment, and one that is given up leaves nothing behind', async () => {
    const { open, query } = await database('create table a (id int primary key)', `insert into a select seq from ${series(5_000)}`, 'create table b as select id from a', 'alter table b add primary key (id)');
    await scansAreOfOneMoment(await open(), query);
  });

  test('a connection that is cut while it is made is made anew, and where nothing listens that is told at once', async () => {
    const { endpoint } = await database();
    const { port } = new URL(endpoint);
    await outlivesCuts(Number(port), async (at, host) => await kind.open(endpoint.replace(`:${port}/`, `:${at}/`), {}, host) as Store);
  });

  test('a server that has no connection left is waited for', async () => {
    const { endpoint, query } = await database('create table a (id int primary key)');
    await query("create user crowded@'127.0.0.1' with max_user_connections 1");
    await query("grant all on *.* to crowded@'127.0.0.1'");
    const crowded = new URL(endpoint);
    [crowded.username, crowded.password] = ['crowded', ''];
    await outlivesCrowds(async (host, options) => await kind.open(crowded.href, options, host) as Store, async () => {
      const client = await createConnection({ uri: crowded.href });
      return async () => await client.end();
    });
    await query("drop user crowded@'127.0.0.1'");
  });

  test('a connection that is cut between two statements is a failure of the next one, and of nothing else', async () => {
    const { endpoint, query } = await database();
    const { hostname: host, port, username: user, pathname } = new URL(endpoint);
    await using sessions = new Sessions({ host: plainHost, tls: 'disable', patienceMs: 0, config: { host, port: Number(port), user, database: pathname.slice(1) } });
    const cut = sessions.use(async (connection) => {
      const [[id] = []] = await rowsOf(connection, 'select connection_id()');
      const closed = new Promise<void>((resolve) => void (connection as unknown as { readonly stream: Socket }).stream.once('close', () => resolve()));
      await query(`kill ${id}`);
      await closed;
      await rowsOf(connection, 'select 1');
    });
    const error = await cut.then(() => undefined, (cause: unknown) => mysqlError(cause, 'cannot ask'));
    assert.deepEqual([error?.code, error?.retryable], ['unavailable', true]);
    assert.deepEqual(await sessions.use((connection) => rowsOf(connection, 'select 1')), [['1']]);
  });

  test('a run that is told to stop does not wait for the server, and connections that are cut are made anew', async () => {
    const { open, query, endpoint } = await database('create table a (id int primary key)', `insert into a select seq from ${series(10)}`);
    const store = await open();
    await store.read([{ key: 'a/1' }]);
    const blocker = await createConnection({ uri: endpoint });
    await blocker.query('lock tables a write');
    const startedAt = Date.now();
    await assert.rejects(Array.fromAsync(store.scan({ signal: AbortSignal.timeout(200) })), (error: unknown) => error instanceof Error && /Timeout|Abort/.test(error.name));
    assert.ok(Date.now() - startedAt < 5_000);
    await blocker.end();
    for (const { id } of await query('select id from information_schema.processlist where id <> connection_id() and db = database()') as readonly { readonly id: number }[]) await query(`kill ${id}`).catch(() => {});
    const outcomes = await store.write([put('a/11', { id: 11 })]);
    const again = outcomes[0]?.kind === 'failed' && outcomes[0].error.retryable ? await store.write([put('a/11', { id: 11 })]) : outcomes;
    assert.deepEqual(again.map(said), ['done']);
    assert.equal((await scanned(store)).keys.length, 11);
  });

  test('missing tables are made all at once or not at all, and a date that is none is a problem of its row', async () => {
    const { open, query } = await database("set sql_mode = ''; create table a (id int primary key, d date, t datetime); insert into a values (1, '0000-00-00', null), (2, null, '2015-01-00 00:00:00'), (3, '2015-01-31', null)");
    const store = await open();
    const good = { name: 'good', key: ['id'], fields: [{ name: 'id', type: { kind: 'text' }, nullable: false }] } as const;
    await assert.rejects(store.prepare!([good, { ...good, name: 'x'.repeat(70) }]));
    assert.deepEqual((await query('show tables')).length, 1);
    const { keys, problems } = await scanned(store);
    assert.deepEqual(keys, ['a/3']);
    assert.deepEqual(problems.map((problem) => problem.slice(0, 9)), ['a.d holds', 'a.t holds']);
  });

  test('what cannot be reached or is not there is a sentence', async () => {
    const { endpoint } = await database();
    const failure = async (place: string): Promise<unknown> => await scanned(await kind.open(place, {}, plainHost) as Store).then(() => 'nothing', (error: unknown) => (error as { code: string }).code);
    assert.equal(await failure(endpoint.replace(/[^/]+$/, 'nothing')), 'not-found');
    assert.equal(await failure('mariadb://root@127.0.0.1:1/x'), 'unavailable');
    assert.equal(await failure(endpoint.replace('root', 'nobody')), 'denied');
  });
});

describe('tables of MariaDB that keep their history', withoutMariadb, () => {
  test('of a table that keeps its history the rows of now are records', async () => {
    const { open, query } = await database("create table a (id int primary key, v text) with system versioning", "create table b (id int primary key, v text, since timestamp(6) generated always as row start, till timestamp(6) generated always as row end, period for system_time (since, till)) with system versioning", "insert into a values (1, 'x')", "insert into b (id, v) values (1, 'x'), (2, 'x')", "update b set v = 'y' where id = 1", 'delete from b where id = 2');
    const store = await open();
    assert.deepEqual((await scanned(store)).documents, { 'a/1': { id: 1, v: 'x' }, 'b/1': { id: 1, v: 'y' } });
    assert.deepEqual((await store.write([put('a/1', { id: 1, v: 'z' }), put('b/1', { id: 1, v: 'z' })])).map(said), ['done', 'done']);
    assert.deepEqual((await query('select v from b for system_time all where id = 1 order by since')).map(({ v }) => v), ['x', 'y', 'z']);
  });
});
