// Records that a one-way run cannot carry across, in tables of a real database: set aside, listed, tried again.
import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { Bench } from './command.ts';
import type { Ended } from './command.ts';
import { TwoTables } from './two-tables.ts';

class Tables extends TwoTables {
  constructor(...rows: readonly string[]) {
    super([], rows);
  }

  sync(...more: readonly string[]): Promise<Ended> {
    return this.run('sync', ...more);
  }

  quarantine(...more: readonly string[]): Promise<Ended> {
    return this.bench.syncline(['quarantine', ...more]);
  }
}

test('a bad record is kept with its error and does not stop the rest, and exit 1 tells of it until it is mended', async () => {
  using tables = new Tables('1, 1', '2, 500', '3, 3');
  const planned = await tables.sync('--dry-run');
  assert.match(planned.stdout, /create t\/2\n/);
  const first = await tables.sync();
  assert.equal(first.code, 1);
  assert.match(first.stdout, /^ +read +created +unchanged +quarantined\nt +3 +2 +· +1\n[^]*t\/2[^]*CHECK constraint failed[^]*1 record in quarantine: syncline quarantine lists it[^]*done but for what is in quarantine: 2 changes/);
  assert.deepEqual(tables.ids('b.db'), [1, 3]);
  for (const args of [['--dry-run'], ['--delete']]) {
    const later = await tables.sync(...args);
    assert.deepEqual([later.code, /CHECK constraint|create/.test(later.stdout), /1 record (?:would be )?in quarantine/.test(later.stdout)], [1, false, true], args.join());
  }
  assert.match((await tables.quarantine()).stdout, /^[0-9a-f]{8} {2}sync sqlite:a\.db to sqlite:b\.db: 1 record\n {2}cannot write t\/2 to t: CHECK constraint failed/);
  assert.match((await tables.quarantine('show', 't/2')).stdout, /\{"id":2,"v":500\}/);
  tables.sql('a.db', 'update t set v = 50 where id = 2');
  assert.equal((await tables.sync()).code, 0);
  assert.deepEqual(tables.ids('b.db'), [1, 2, 3]);
  assert.match((await tables.quarantine()).stdout, /^nothing is in quarantine\n$/);
});

test('what the destination has learned to hold is tried again with --retry-quarantined', async () => {
  using tables = new Tables('2, 500');
  await tables.sync();
  tables.sql('b.db', 'drop table t', 'create table t (id integer primary key, v integer)');
  assert.match((await tables.sync('--dry-run')).stdout, /1 record would be in quarantine/);
  assert.equal((await tables.sync()).code, 1);
  assert.match((await tables.sync('--dry-run', '--retry-quarantined')).stdout, /create t\/2\n/);
  assert.deepEqual([(await tables.sync('--retry-quarantined')).code, tables.ids('b.db')], [0, [2]]);
});

test('what cannot be read keeps everything at the destination from being deleted, however often it is run', async () => {
  using bench = new Bench();
  const good = (id: number): string => `id: ${id}\nv: 1\n`;
  bench.write({ 'a/t/1.yaml': good(1), 'a/t/2.yaml': good(2), 'a/t/3.yaml': good(3) });
  {
    using database = new DatabaseSync(bench.at('b.db'));
    database.exec('create table t (id integer primary key, v integer)');
  }
  const sync = (): Promise<Ended> => bench.syncline(['sync', '--delete', 'a', 'sqlite:b.db']);
  assert.equal((await sync()).code, 0);
  bench.write({ 'a/t/2.yaml': 'id: [' });
  for (let i = 0; i < 2; i++) {
    const { code, stdout } = await sync();
    assert.deepEqual([code, /1 record in quarantine/.test(stdout), /nothing was deleted/.test(stdout)], [1, true, true], stdout);
  }
  {
    using database = new DatabaseSync(bench.at('b.db'));
    assert.equal(database.prepare('select count(*) as n from t').get()?.['n'], 3);
  }
  bench.write({ 'a/t/2.yaml': good(2) });
  assert.equal((await sync()).code, 0);
  assert.match((await bench.syncline(['quarantine'])).stdout, /^nothing/);
});

test('without a state, and between files, what fails fails each time', async () => {
  using tables = new Tables('2, 500');
  for (let i = 0; i < 2; i++) {
    const { code, stdout } = await tables.sync('--no-state');
    assert.deepEqual([code, /CHECK constraint/.test(stdout), /quarantine/.test(stdout)], [1, true, false]);
  }
  assert.match((await tables.sync('--no-state', '--retry-quarantined')).stderr, /nothing in quarantine that could be tried again/);
  for (const other of ['--swap', '--watch']) assert.match((await tables.sync('--retry-quarantined', other)).stderr, new RegExp(`${other} .*no quarantine`));
  tables.bench.write({ 'c/t/2.yaml': 'id: [' });
  for (let i = 0; i < 2; i++) assert.match((await tables.bench.syncline(['sync', '--as', 'documents', 'c', 'd'])).stdout, /not done: 1 failure/);
  assert.match((await tables.quarantine()).stdout, /^nothing/);
});

test('named syncs count what is in quarantine, and try it again', async () => {
  using tables = new Tables('2, 500');
  tables.bench.write({ 'syncline.yaml': 'syncs:\n  copy:\n    sync: {origins: "sqlite:a.db", target: "sqlite:b.db"}\n' });
  const first = await tables.bench.syncline(['run', '--report', 'json']);
  const { runs } = JSON.parse(first.stdout) as { readonly runs: readonly { readonly counts: { readonly quarantined: number } }[] };
  assert.deepEqual([first.code, runs[0]?.counts.quarantined], [1, 1]);
  tables.sql('b.db', 'drop table t', 'create table t (id integer primary key, v integer)');
  assert.match((await tables.bench.syncline(['run', '--dry-run', '--retry-quarantined'])).stdout, /create t\/2/);
  assert.deepEqual([(await tables.bench.syncline(['run', '--retry-quarantined'])).code, tables.ids('b.db')], [0, [2]]);
});

test('a value that another row gives up in the same run, or at its end, is no reason to set a row aside', async () => {
  using bench = new Bench();
  const sql = (file: string, ...statements: readonly string[]): readonly unknown[] => {
    using database = new DatabaseSync(bench.at(file));
    for (const statement of statements) database.exec(statement);
    return database.prepare('select name from t order by id').all().map(({ name }) => name);
  };
  for (const file of ['a.db', 'b.db']) sql(file, 'create table t (id integer primary key, name text unique)', `insert into t values (1, 'one'), (2, 'two'), (3, 'three'), (4, 'four'), (5, 'five')`);
  sql('a.db', 'delete from t where id = 5', `update t set name = 'five' where id = 4`, `update t set name = 'new' where id = 2`, `update t set name = 'two' where id = 1`);
  const first = await bench.syncline(['sync', '--delete', 'sqlite:a.db', 'sqlite:b.db']);
  assert.deepEqual([first.code, /UNIQUE constraint failed/.test(first.stdout), sql('b.db')], [1, true, ['two', 'new', 'three', 'four']], first.stdout);
  const second = await bench.syncline(['sync', '--delete', 'sqlite:a.db', 'sqlite:b.db']);
  assert.deepEqual([second.code, sql('b.db')], [0, ['two', 'new', 'three', 'five']], second.stdout);
});
