// Bad input between real servers: each is a sentence and an exit code, the rest goes on, and nothing is lost.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { openStore } from '../src/stores/open.ts';
import { Bench } from './cli/command.ts';
import type { Ended } from './cli/command.ts';
import { freePort } from './services/free-port.ts';
import { mariadb, withoutMariadb } from './services/mariadb.ts';
import { postgres, withoutPostgres } from './services/postgres.ts';
import { sharedSearch, skipWithoutSearch } from './services/search.ts';

const withoutSearch = await skipWithoutSearch('opensearch');

const merge = (bench: Bench, ...more: readonly string[]): Promise<Ended> => bench.syncline(['merge', '--newest', '--modified', 'at', ...more]);

/** A database with a table of a row, and a query in it. */
async function table(columns: string, ...rows: readonly string[]): Promise<{ readonly endpoint: string; sql(text: string): Promise<readonly { readonly [column: string]: unknown }[]> }> {
  const { newDatabase, query } = await postgres();
  const endpoint = await newDatabase();
  await query(endpoint, [`create table t (${columns})`, ...rows.map((row) => `insert into t values (${row})`)].join('; '));
  return { endpoint, sql: (text) => query(endpoint, text) };
}

const old = `'2015-01-01T00:00:00Z'`;

describe('PostgreSQL', withoutPostgres, () => {
  test('what a column cannot hold or read is set aside by its key, and the others arrive', async () => {
    using bench = new Bench();
    const left = await table('id integer primary key, at timestamptz, v bigint', `1, ${old}, 1`, `2, ${old}, 3000000000`, `3, 'infinity', 3`, `4, null, 4`);
    const right = await table('id integer primary key, at timestamptz, v integer');
    const { code, stdout } = await merge(bench, left.endpoint, right.endpoint);
    assert.equal(code, 1);
    assert.match(stdout, /t\/2/);
    assert.deepEqual((await right.sql('select id from t order by id')).map(({ id }) => id), [1], stdout);
    const listed = JSON.parse((await bench.syncline(['quarantine', '--report', 'json'])).stdout) as readonly { readonly key: string; readonly side: string }[];
    assert.deepEqual(listed.map(({ key, side }) => [key, side]).sort(), [['t/2', 'left'], ['t/3', 'left'], ['t/4', 'left']], stdout);
    await right.sql('alter table t alter v type bigint');
    await left.sql(`update t set at = ${old} where id > 2`);
    const again = await merge(bench, '--retry-quarantined', left.endpoint, right.endpoint);
    assert.deepEqual([again.code, (await right.sql('select id from t order by id')).length], [0, 4], again.stdout);
  });

  test('one way, what a table refuses is set aside, whether rows go by themselves or many at once', async () => {
    using bench = new Bench();
    const left = await table('id integer primary key, v integer', '1, 1', '2, 500', '3, 3');
    const right = await table('id integer primary key, v integer check (v < 100)');
    const sync = (...more: readonly string[]): Promise<Ended> => bench.syncline(['sync', ...more, left.endpoint, right.endpoint]);
    const ids = async (): Promise<readonly unknown[]> => (await right.sql('select id from t order by id')).map(({ id }) => id);
    const first = await sync();
    assert.deepEqual([first.code, /1 record in quarantine/.test(first.stdout), await ids()], [1, true, [1, 3]], first.stdout);
    await left.sql('insert into t values (4, 4); update t set v = 30 where id = 3');
    const planned = await sync('--dry-run');
    assert.deepEqual([planned.stdout.match(/(?:create|update) t.*$/gm), /1 record would be in quarantine/.test(planned.stdout)], [['update t/3', 'create t/4'], true], planned.stdout);
    const second = await sync('--delete');
    assert.deepEqual([second.code, /check constraint/.test(second.stdout), /1 record in quarantine/.test(second.stdout), await ids()], [1, false, true, [1, 3, 4]], second.stdout);
    // Found to be in step without being come across: nothing is read of what is equal.
    await right.sql('alter table t drop constraint t_v_check; insert into t values (2, 500)');
    assert.deepEqual([(await sync()).code, (await bench.syncline(['quarantine'])).stdout], [0, 'nothing is in quarantine\n']);
  });

  test('a time in the wrong unit is refused with the reason', async () => {
    using bench = new Bench();
    const left = await table('id integer primary key, at bigint', '1, 1420070400000', '2, 1420070400');
    const right = await table('id integer primary key, at bigint');
    const { code, stdout } = await merge(bench, '--modified-unit', 'seconds', left.endpoint, right.endpoint);
    assert.equal(code, 1);
    assert.match(stdout, /t\/1 has 1420070400000 in its field at, which counted in seconds is after the year 2255.*: see whether it counts milliseconds \(--modified-unit milliseconds\)/);
    assert.match((await merge(bench, left.endpoint, right.endpoint)).stdout, /t\/1 has a number in its field at, and nobody said what it counts/);
    assert.deepEqual(await right.sql('select id from t'), [{ id: 2 }]);
  });

  test('what is not there is said before anything is read or written', async () => {
    using bench = new Bench();
    const there = await table('id integer primary key, at timestamptz', `1, ${old}`);
    const empty = await table('id integer primary key, at timestamptz');
    const nobody = `postgres://tester@127.0.0.1:${await freePort()}/none`;
    for (const [left, right, code, sentence] of [
      [there.endpoint, nobody, 3, /nothing listens there/],
      [there.endpoint, `${there.endpoint}_missing`, 3, /test_\d+_missing/],
      [there.endpoint, `${empty.endpoint}?collections=orders`, 3, /neither side has a collection orders/],
    ] as const) {
      const ended = await merge(bench, left, right);
      assert.deepEqual([ended.code, ended.stdout], [code, ''], ended.stderr);
      assert.match(ended.stderr, sentence);
      assert.match(ended.stderr, /^syncline: .*\n$/);
    }
    assert.deepEqual(await empty.sql('select * from t'), []);
    assert.match((await bench.syncline(['state'])).stdout, /^$/);
  });
});

/** What a place says the time is, by its own clock. */
async function clockOf(endpoint: string, environment: { readonly [name: string]: string } = {}): Promise<number> {
  await using store = await openStore(endpoint, { environment: { ...process.env, ...environment } } as never);
  assert.ok('clock' in store && store.clock);
  return (await store.clock())! / 1_000;
}

for (const [name, options, endpoint] of [
  ['PostgreSQL', withoutPostgres, async () => (await postgres()).newDatabase()],
  ['MariaDB', withoutMariadb, async () => (await mariadb()).newDatabase()],
  ['OpenSearch', { skip: withoutSearch }, async () => `opensearch://${(await sharedSearch('opensearch')).address}/any`],
] as const) {
  test(`the clock of ${name} is told`, options, async () => {
    const told = await clockOf(await endpoint());
    assert.ok(Math.abs(told - Date.now()) < 10_000, `${told} and ${Date.now()}`);
  });
}

test('a document that the mapping of an index refuses is set aside, and comes when the mapping is changed', { skip: withoutSearch || withoutPostgres.skip }, async () => {
  using bench = new Bench();
  const { address, ask } = await sharedSearch('opensearch');
  const left = await table('id integer primary key, at timestamptz, v text', `1, ${old}, '5'`, `2, ${old}, 'five'`);
  const index = `bad${process.pid}`;
  const mapping = (type: string): object => ({ settings: { number_of_replicas: 0 }, mappings: { properties: { id: { type: 'integer' }, at: { type: 'date' }, v: { type } } } });
  await ask('PUT', `/${index}-t`, mapping('integer'));
  const right = `opensearch://${address}/${index}`;
  const { code, stdout } = await merge(bench, left.endpoint, right);
  assert.equal(code, 1);
  assert.match(stdout, /t\/2: the server does not take it: .*failed to parse/);
  assert.match((await merge(bench, left.endpoint, right)).stdout, /1 record in quarantine/);
  await ask('DELETE', `/${index}-t`);
  await ask('PUT', `/${index}-t`, mapping('keyword'));
  assert.equal((await merge(bench, '--retry-quarantined', '--full', left.endpoint, right)).code, 0);
  await ask('POST', `/${index}-t/_refresh`);
  assert.deepEqual((await ask('GET', `/${index}-t/_count`) as { readonly count: number }).count, 2);
});
