// Tables of the same columns in two databases of PostgreSQL, which are compared and filled without looking at each row.
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { runDiff } from '../src/engine/diff.ts';
import { openState } from '../src/engine/state/sqlite-state.ts';
import { runSync } from '../src/engine/sync.ts';
import type { OneWay, Report, RunEvent } from '../src/engine/types.ts';
import type { Store } from '../src/model/store.ts';
import { kind } from '../src/stores/sql/postgres/kind.ts';
import type { PostgresOptions } from '../src/stores/sql/postgres/kind.ts';
import { postgres, withoutPostgres } from './services/postgres.ts';
import { Opened, scanned } from './sql-tables.ts';

const opened = new Opened();
after(async () => await opened[Symbol.asyncDispose]());

const database = async (...statements: readonly string[]): ReturnType<typeof opened.database<PostgresOptions>> => await opened.database(kind, await postgres(), statements);

type Database = Awaited<ReturnType<typeof database>>;

interface Pair {
  readonly from: Database;
  readonly to: Database;
  readonly source: Store;
  readonly target: Store;
}

async function pairOf(from: readonly string[], to: readonly string[] = []): Promise<Pair> {
  const [source, target] = [await database(...from), await database(...to)];
  return { from: source, to: target, source: await source.open(), target: await target.open() };
}

async function run({ source, target }: Pair, more: Partial<OneWay> = {}): Promise<Report> {
  return await runSync({ origins: [source], target, wholesale: true, ...more });
}

/** What is told of a run, but for what it took. */
function told({ counts, types, differences, problems, failures, complete, warnings }: Report): object {
  return { counts, types, differences, problems, failures: failures.map(({ place, action, error: { code } }) => ({ place, action, code })).sort((a, b) => (a.place < b.place ? -1 : 1)), complete, warnings };
}

async function holdsTheSame({ from, to }: Pair, table: string): Promise<void> {
  const all = `select * from ${table} order by 1`;
  assert.deepEqual(await to.query(all), await from.query(all));
}

/** How many entries were looked at one by one. */
function watched(): { readonly on: (event: RunEvent) => void; readonly carried: () => number; readonly singly: () => number } {
  let [carried, singly] = [0, 0];
  return {
    on: (event) => {
      if (event.kind === 'carried') carried += event.entries;
      if (event.kind === 'done') singly++;
    },
    carried: () => carried, singly: () => singly,
  };
}

const columns = 'id bigint primary key, t text, n numeric(9,2), f double precision, w timestamptz, d date, j jsonb, l int[], b bytea, y boolean not null default true, u uuid';
const rows = (count: number): string => `insert into a select i - 3, case i % 5 when 0 then null when 1 then E'a\\tb\\nc\\\\d\\r' when 2 then '' when 3 then '\\N' else 'ä' || i end, i / 7.0, i / 3.0::float8, '2020-01-01Z'::timestamptz + i * interval '1.000001 h', '2020-01-01'::date + i % 999, case when i % 4 = 0 then null else jsonb_build_object('a', i, 'b', E'x\\ty"') end, array[i, null, i % 3], decode(md5(i::text), 'hex'), i % 2 = 0, md5(i::text)::uuid from generate_series(1, ${count}) i`;

describe('tables of the same columns', withoutPostgres, () => {
  test('a missing table is made and filled as a whole, and then everything is in step', async () => {
    const pair = await pairOf([`create table a (${columns})`, rows(8_000), 'create table none (id int primary key)', 'create table c (k text, m int, v text, primary key (k, m))', "insert into c select case i % 3 when 0 then 'a/b' when 1 then 'é%2F' else '' end, i, 'v' from generate_series(1, 100) i"]);
    const events = watched();
    const dry = await runDiff({ origins: [pair.source], target: pair.target }, () => {});
    assert.deepEqual((await pair.to.query("select * from pg_tables where schemaname = 'public'")).length, 0);
    const first = await run(pair, { on: events.on });
    assert.equal(events.carried(), 8_100);
    assert.deepEqual({ ...dry.counts }, { ...first.counts });
    assert.equal(first.counts.created, 8_100);
    await holdsTheSame(pair, 'a');
    assert.deepEqual(await pair.to.query('select * from c order by m'), await pair.from.query('select * from c order by m'));
    assert.deepEqual((await scanned(pair.target)).documents, (await scanned(pair.source)).documents);
    const second = await run(pair);
    assert.deepEqual([second.counts.read, second.counts.unchanged, second.differences], [8_100, 8_100, 0]);
  });

  test('what a run finds, does and tells is what one does that looks at each entry', async () => {
    const changes = ["update a set t = 'new' where id % 50 = 7", 'delete from a where id % 71 = 3', 'insert into a (id, t) select i, E\'\\t\' from generate_series(100000, 102500) i', 'insert into a (id) values (-9223372036854775808), (9223372036854775807)'];
    const made = [`create table a (${columns})`, rows(5_000)];
    for (const deletes of ['propagate', 'keep'] as const) {
      const reports: object[] = [];
      for (const more of [{}, { where: () => true }] satisfies Partial<OneWay>[]) {
        const pair = await pairOf([...made, ...changes], [...made, "update a set t = 'theirs' where id % 50 = 8", 'insert into a (id) select i from generate_series(6000, 6100) i']);
        const events = watched();
        const plan = await runDiff({ origins: [pair.source], target: pair.target, deletes, ...more }, () => {});
        const report = await run(pair, { deletes, on: events.on, ...more });
        reports.push([told(plan), told(report)]);
        // What is to be deleted may only have been renamed, which is seen where each entry is looked at.
        assert.equal(events.carried() > 2_400, deletes === 'keep' && !('where' in more), String(events.carried()));
        if (deletes === 'propagate') await holdsTheSame(pair, 'a');
        assert.deepEqual((await pair.to.query('select * from a where id > 50000 order by id')), await pair.from.query('select * from a where id > 50000 order by id'));
      }
      assert.deepEqual(reports[0], reports[1]);
    }
  });

  test('a row that the target refuses does not keep others out, and is named', async () => {
    const pair = await pairOf([`create table a (${columns})`, rows(3_000)], [`create table a (${columns}, check (id <> 77))`]);
    const report = await run(pair);
    assert.deepEqual([report.counts.created, report.counts.failed, report.failures.map(({ place }) => place)], [2_999, 1, ['a/77']]);
    assert.equal((await pair.to.query('select * from a')).length, 2_999);
    // The same where the target holds some of them.
    await pair.to.query("delete from a where id > 3; update a set t = 'theirs' where id = 1");
    const { counts } = await run(pair);
    assert.deepEqual([counts.created, counts.updated, counts.failed, counts.unchanged], [2_993, 1, 1, 5]);
  });

  test('a row that no record can hold is named, and the others come across', async () => {
    const deep = `'{"a":${'['.repeat(1_500)}${']'.repeat(1_500)}}'`;
    const pair = await pairOf([`create table a (${columns})`, rows(200), `update a set j = ${deep} where id = 5`], [`create table a (${columns})`, rows(200), "update a set t = 'theirs'", `update a set j = ${deep} where id = 7`]);
    const [plan, plain] = [await runDiff({ origins: [pair.source], target: pair.target }, () => {}), await runDiff({ origins: [pair.source], target: pair.target, where: () => true }, () => {})];
    assert.deepEqual(told(plan), told(plain));
    const { counts, problems } = await run(pair);
    assert.deepEqual([counts.updated, problems], [198, 2]);
    assert.equal((await pair.to.query("select * from a where t = 'theirs'")).length, 2);
  });

  test('nothing that somebody else has put there meanwhile is replaced', async () => {
    const pair = await pairOf([`create table a (${columns})`, rows(2_000)], [`create table a (${columns})`]);
    const twins = await pair.target.twins!(pair.source);
    await pair.to.query("insert into a (id, t) values (5, 'theirs')");
    const pages = [];
    for await (const page of twins!.carry('a')) pages.push(page);
    assert.deepEqual(pages.map(({ written, left }) => [written, left.length]), [[0, 2_000]]);
    assert.deepEqual((await pair.to.query('select t from a')).map(({ t }) => t), ['theirs']);
  });

  test('tables whose rows would not be the same in both are left to be looked at row by row', async () => {
    const cases: readonly (readonly [from: string, to: string, ...more: string[]])[] = [
      ['id int primary key, n numeric(9,2)', 'id int primary key, n numeric(9,1)'], ['id int primary key, v varchar(9)', 'id int primary key, v varchar(5)'], ['id int primary key, w timestamptz', 'id int primary key, w timestamptz(3)'],
      ['id int primary key, n int', 'id int primary key, n int, m int'], ['id int primary key, n int', 'id int primary key, n bigint'], ['id int primary key, n int', 'n int primary key, id int'],
      ['id int primary key, g int generated always as (1) stored', 'id int primary key, g int generated always as (1) stored'], ['id char(5) primary key', 'id char(5) primary key'], ['id numeric primary key', 'id numeric primary key'], ['id int primary key, i inet', 'id int primary key, i inet'],
      ['id int primary key, w date', 'id int primary key, w date', "insert into a values (1, 'infinity')"], ['id int primary key, w timestamptz', 'id int primary key, w timestamptz', "insert into a values (1, '0001-01-01 BC')"],
      ['id int primary key, l int[]', 'id int primary key, l int[]', "insert into a values (1, '[2:3]={1,2}')"], ['id text primary key', 'id text primary key', "insert into a values (repeat('x', 700))"],
    ];
    const named = (statement: string, i: number): string => statement.replace('insert into a ', `insert into a${i} `);
    const pair = await pairOf(cases.flatMap(([from, , ...more], i) => [`create table a${i} (${from})`, ...more.map((statement) => named(statement, i))]), cases.map(([, to], i) => `create table a${i} (${to})`));
    assert.deepEqual((await pair.target.twins!(pair.source))?.collections, undefined);
  });

  test('a table with a trigger of its own is compared as a whole and written row by row', async () => {
    const pair = await pairOf([`create table a (${columns})`, rows(100)], [`create table a (${columns})`, 'create function f() returns trigger language plpgsql as $$ begin new.y = true; return new; end $$', 'create trigger t before insert on a for each row execute function f()']);
    const twins = await pair.target.twins!(pair.source);
    assert.deepEqual([twins?.collections, twins?.empty], [['a'], []]);
    await using state = openState(undefined);
    assert.equal((await run(pair, { state })).counts.created, 100);
    // What the trigger made of them has been learned.
    assert.equal((await run(pair, { state })).counts.unchanged, 100);
  });

  test('what is chosen by rules, limited to a time, or kept for itself is looked at row by row', async () => {
    const pair = await pairOf([`create table a (${columns})`, rows(200)]);
    const events = watched();
    const report = await run(pair, { where: ({ key }) => key.endsWith('7'), on: events.on });
    assert.deepEqual([report.counts.created, events.carried(), events.singly()], [20, 0, 20]);
    const other = await pairOf([`create table a (${columns})`, rows(200)]);
    const each = watched();
    await run(other, { wholesale: false, on: each.on });
    assert.deepEqual([each.carried(), each.singly()], [0, 200]);
  });

  test('a run that is stopped says what it has done', async () => {
    const pair = await pairOf([`create table a (${columns})`, rows(60_000)]);
    const stop = new AbortController();
    const report = await run(pair, { signal: stop.signal, on: ({ kind: what }) => { if (what === 'carried') stop.abort(); } });
    const held = (await pair.to.query('select count(*)::int as held from a'))[0]?.['held'];
    assert.ok(report.interrupted);
    assert.ok(report.counts.created > 0 && report.counts.created < 60_000, String(report.counts.created));
    assert.equal(report.counts.created, held);
    const events = watched();
    const { counts } = await run(pair, { on: events.on });
    assert.deepEqual([counts.read, counts.created, counts.unchanged], [60_000, 60_000 - report.counts.created, report.counts.created]);
    assert.equal(events.carried(), counts.created);
    await holdsTheSame(pair, 'a');
  });
});
