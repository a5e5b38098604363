// Tables that an endpoint chooses: what lies outside of them is nobody's business.
import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { Bench } from './command.ts';

function ask(path: string, ...statements: readonly string[]): readonly unknown[] {
  const database = new DatabaseSync(path);
  try {
    for (const statement of statements.slice(0, -1)) database.exec(statement);
    return database.prepare(statements.at(-1)!).all().map((row) => ({ ...row }));
  } finally {
    database.close();
  }
}

const tables = 'create table t (id integer primary key); create table u (id integer primary key); create table loose (x)';

test('an origin that chooses some tables has no say in the others, and nothing is deleted there', async () => {
  using bench = new Bench();
  ask(bench.at('a.db'), tables, 'insert into t values (1), (2), (3); insert into u values (1)', 'select 1');
  ask(bench.at('b.db'), tables, 'insert into t values (1), (2), (9); insert into u values (1), (7)', 'select 1');
  const chosen = ['sqlite:a.db?collections=t', 'sqlite:b.db'];
  const verified = await bench.syncline(['verify', ...chosen]);
  assert.deepEqual([verified.code, verified.stdout], [1, '+ t/3 only in the first place\n- t/9 only in the last place\nnot equal: 2 keys differ, 2 the same\n']);
  const shown = await bench.syncline(['sync', '--delete', '--dry-run', ...chosen]);
  assert.match(shown.stdout, /^\+ create t\/3\n- delete t\/9\n {3}/);
  const done = await bench.syncline(['sync', '--delete', ...chosen]);
  assert.equal(done.code, 0, done.stdout);
  assert.deepEqual(ask(bench.at('b.db'), 'select (select group_concat(id) from t) as t, (select group_concat(id) from u) as u'), [{ t: '1,2,3', u: '1,7' }]);
  assert.match((await bench.syncline(['verify', ...chosen])).stdout, /^equal: 3 entries\n$/);
});

test('a table that only one side chooses, and nobody can list, keeps nothing from being done', async () => {
  using bench = new Bench();
  ask(bench.at('a.db'), `${tables}; alter table t add at text`, "insert into t values (1, '2015-01-01')", 'select 1');
  ask(bench.at('b.db'), `${tables}; alter table t add at text`, 'select 1');
  for (const command of [['sync'], ['verify'], ['merge', '--newest', '--modified', 'at']]) {
    const { code, stdout, stderr } = await bench.syncline([...command, 'sqlite:a.db', 'sqlite:b.db?collections=t']);
    assert.deepEqual([code, /loose/.test(stdout + stderr)], [0, false], stdout + stderr);
  }
  const { code, stderr } = await bench.syncline(['sync', 'sqlite:a.db?collections=t', 'sqlite:b.db?collections=u']);
  assert.deepEqual([code, /of a collection that was chosen at/.test(stderr)], [2, true], stderr);
});
