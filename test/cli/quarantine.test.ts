// Records that cannot be carried across, in tables of a real database: set aside, listed, tried again.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { Bench } from './command.ts';
import type { Ended } from './command.ts';
import { TwoTables } from './two-tables.ts';

class Tables extends TwoTables {
  constructor() {
    super(['at text']);
  }

  merge(...more: readonly string[]): Promise<Ended> {
    return this.run('merge', '--newest', '--modified', 'at', ...more);
  }
}

const old = `'2015-01-01T00:00:00Z'`;

test('a bad record is kept with its error and does not stop the rest, and exit 1 tells of it until it is mended', async () => {
  using tables = new Tables();
  tables.sql('a.db', `insert into t values (1, ${old}, 1), (2, ${old}, 500), (3, null, 3)`);
  const first = await tables.merge();
  assert.equal(first.code, 1);
  assert.match(first.stdout, /t {2}to right +3 +1 +0 +0 +2\n[^]*t\/3 does not say when[^]*CHECK constraint failed[^]*2 records in quarantine: syncline quarantine lists them[^]*done but for what is in quarantine: 1 change/);
  assert.deepEqual(tables.ids('b.db'), [1]);
  const later = await tables.merge();
  assert.deepEqual([later.code, /CHECK constraint/.test(later.stdout), /2 records in quarantine/.test(later.stdout)], [1, false, true]);
  const dry = await tables.merge('--dry-run', '--retry-quarantined');
  assert.match(dry.stdout, /create t\/2\n[^]*1 record would be in quarantine after such a run\n/);
  // The time that it gets is before all that a run looks at by now.
  tables.sql('a.db', `update t set v = 50 where id = 2`, `update t set at = ${old} where id = 3`);
  assert.equal((await tables.merge()).code, 0);
  assert.deepEqual(tables.ids('b.db'), [1, 2, 3]);
  assert.match((await tables.bench.syncline(['quarantine'])).stdout, /^nothing is in quarantine\n$/);
});

test('what the other side has learned to hold is tried again with --retry-quarantined', async () => {
  using tables = new Tables();
  tables.sql('a.db', `insert into t values (2, ${old}, 500)`);
  await tables.merge();
  tables.sql('b.db', 'drop table t', 'create table t (id integer primary key, at text, v integer)');
  assert.equal((await tables.merge()).code, 1);
  assert.deepEqual([(await tables.merge('--retry-quarantined')).code, tables.ids('b.db')], [0, [2]]);
  assert.equal((await tables.bench.syncline(['merge', '--retry-quarantined', 'sqlite:a.db', 'sqlite:b.db'])).code, 2);
});

test('a file that cannot be read is in quarantine under its name, and all is looked at where that is asked for', async () => {
  using bench = new Bench();
  const good = (n: number): string => `id: ${n}\nat: 2015-01-01T00:00:00Z\n`;
  bench.write({ 'a/t/1.yaml': good(1), 'a/t/2.yaml': 'id: [', 'b/t/.keep': '' });
  const merge = (...more: readonly string[]): Promise<Ended> => bench.syncline(['merge', '--newest', '--modified', 'at', ...more, 'a', 'b']);
  assert.match((await merge()).stdout, /a\/t\/2\.yaml[^]*1 record in quarantine/);
  bench.write({ 'a/t/2.yaml': good(2) });
  // Its time is before all that a run looks at by now, and nobody knew its key.
  assert.equal((await merge()).code, 1);
  assert.equal((await merge('--retry-quarantined')).code, 0);
  assert.equal(existsSync(bench.at('b/t/2.yaml')), true);
});

test('the quarantine can be looked at and forgotten, by key or all of it', async () => {
  using tables = new Tables();
  tables.sql('a.db', `insert into t values (1, ${old}, 100), (2, ${old}, 200), (3, ${old}, 300)`);
  await tables.merge();
  const quarantine = (...args: readonly string[]): Promise<Ended> => tables.bench.syncline(['quarantine', ...args]);
  const list = await quarantine();
  const [, id] = /^([0-9a-f]{8}) {2}merge sqlite:a\.db and sqlite:b\.db, modified at: 3 records\n {2}cannot write t\/1/.exec(list.stdout) ?? [];
  assert.ok(id, list.stdout);
  assert.match((await quarantine('show', 't/2')).stdout, /^t\/2 on the left of [^]*\n {2}since \S+Z, last seen \S+Z\n {2}\{"at":"2015-01-01T00:00:00Z","id":2,"v":200\}\n$/);
  assert.equal((await quarantine('--of', 'ffff')).code, 2);
  assert.match((await quarantine('forget', 't/2', '--of', id.slice(0, 4))).stderr, /^1 record forgotten/);
  assert.match((await quarantine('show', 't/2')).stderr, /"t\/2" is not in quarantine/);
  assert.match((await tables.merge()).stdout, /2 records in quarantine/);
  assert.equal((await quarantine('forget')).code, 2);
  assert.equal((await quarantine('forget', '--all')).code, 0);
  assert.equal((await tables.merge()).code, 0);
  assert.match((await tables.merge('--full')).stdout, /3 records in quarantine/);
});

test('named syncs, their history, health and metrics count what is in quarantine', async () => {
  using tables = new Tables();
  tables.sql('a.db', `insert into t values (2, ${old}, 500)`);
  tables.bench.write({ 'syncline.yaml': 'syncs:\n  pair:\n    merge: {left: "sqlite:a.db", right: "sqlite:b.db"}\n    newest: true\n    modified: at\n' });
  const first = await tables.bench.syncline(['run', '--report', 'json']);
  const { runs } = JSON.parse(first.stdout) as { readonly runs: readonly { readonly counts: { readonly quarantined: number } }[] };
  assert.deepEqual([first.code, runs[0]?.counts.quarantined], [1, 1]);
  assert.match((await tables.bench.syncline(['history', 'pair'])).stdout, /pair: 1 quarantined in .*exit 1/);
  tables.sql('b.db', 'drop table t', 'create table t (id integer primary key, at text, v integer)');
  assert.match((await tables.bench.syncline(['run', '--dry-run', '--retry-quarantined'])).stdout, /create t\/2/);
  assert.deepEqual([(await tables.bench.syncline(['run', '--retry-quarantined'])).code, tables.ids('b.db')], [0, [2]]);
});
