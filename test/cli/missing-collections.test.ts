// Tables that a side lacks: made, or refused, and a dry run says which.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { Bench } from './command.ts';

/** The counts in a report for programs. */
function countsIn(stdout: string): unknown {
  return (JSON.parse(stdout) as { readonly counts: object }).counts;
}

for (const command of [['sync'], ['merge', '--newest', '--modified', 'at']]) {
  test(`a dry run of ${command[0]} fails with what has no table to go to, as the run does`, async () => {
    using bench = new Bench();
    bench.write({ 'a/t/1.yaml': 'id: 1\nat: 2015-01-01\n', 'a/u/2.yaml': 'id: 2\nat: 2015-01-01\n' });
    const database = new DatabaseSync(bench.at('b.db'));
    database.exec('create table t (id integer primary key, at text)');
    database.close();
    const run = async (...more: readonly string[]): Promise<{ readonly code: number | null; readonly stdout: string }> => await bench.syncline([...command, ...more, 'a', 'sqlite:b.db']);
    const shown = await run('--dry-run');
    assert.equal(shown.code, 1);
    assert.match(shown.stdout, /^\+ create t\/1\n {3}[^]*cannot create u\/2: sqlite:b\.db has no table "u": make it there[^]*\n1 change to make, 1 failure \(/);
    assert.doesNotMatch(shown.stdout, /\+ create u/);
    const planned = await run('--dry-run', '--report', 'json');
    const done = await run('--report', 'json');
    assert.deepEqual([planned.code, done.code, countsIn(planned.stdout)], [1, 1, countsIn(done.stdout)]);
  });
}

test('--no-create makes no table, and says so before', async () => {
  using bench = new Bench();
  const database = new DatabaseSync(bench.at('a.db'));
  database.exec('create table t (id integer primary key); insert into t values (1)');
  database.close();
  for (const more of [['--dry-run'], []]) {
    const { code, stdout } = await bench.syncline(['sync', '--no-create', ...more, 'sqlite:a.db', 'sqlite:b.db']);
    assert.equal(code, 1);
    assert.match(stdout, /cannot create t\/1: sqlite:b\.db has no table t: make it there, or leave out --no-create/);
  }
  assert.equal(existsSync(bench.at('b.db')), false);
  assert.equal((await bench.syncline(['sync', 'sqlite:a.db', 'sqlite:b.db'])).code, 0);
});
