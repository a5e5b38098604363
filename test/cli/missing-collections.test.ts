// Tables that a side lacks: made, or refused, and a dry run says which.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
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

test('a table of which no record says what it is has no place in a file of YAML, which is said once, and others go there', async () => {
  using bench = new Bench();
  const database = new DatabaseSync(bench.at('a.db'));
  database.exec(`create table orders (id integer primary key, note text); insert into orders values (1, 'a'), (2, 'b'), (3, 'c');
    create table page (id text primary key, _links json); insert into page values ('x', '{"self": {"href": "/api/page/x"}}')`);
  database.close();
  const once = /cannot create orders\/1: b\.yaml cannot keep the records of orders: documents are known there by what they hold, and these have no _links: use a directory, .*; so it is with 2 more of orders\n/g;
  for (const command of [['sync', '--dry-run'], ['sync'], ['merge']]) {
    const { code, stdout } = await bench.syncline([...command, 'sqlite:a.db', 'b.yaml']);
    assert.equal(code, 1);
    assert.equal(stdout.match(once)?.length, 1, stdout);
    assert.match(stdout, /orders +3 +.*3\n/);
    assert.doesNotMatch(stdout, /orders\/2|more failure/);
  }
  assert.match(readFileSync(bench.at('b.yaml'), 'utf8'), /href: \/api\/page\/x/);
  assert.match((await bench.syncline(['quarantine'])).stdout, /nothing is in quarantine/);
  assert.equal((await bench.syncline(['sync', 'sqlite:a.db', 'c.ndjson'])).code, 0);
});

test('files without links have no place in a file of YAML, which is said once for each directory, by a dry run as well, and others go there', async () => {
  using bench = new Bench();
  bench.write({ ...Object.fromEntries(['orders/1', 'orders/2', 'orders/3', 'lines/1', 'one', 'two'].map((name) => [`in/${name}.yaml`, `id: ${name}\n`])), 'in/page/x.yaml': 'id: x\n_links:\n  self: {href: /api/page/x}\n' });
  for (const command of [['sync', '--dry-run'], ['sync'], ['diff']]) {
    const { stdout } = await bench.syncline([...command, 'in', 'b.yaml']);
    assert.equal(stdout.match(/^cannot create.*/gm)?.length, 3, stdout);
    assert.match(stdout, /^cannot create orders\/1: b\.yaml cannot keep documents of orders that have no self link, because they are known there by what they hold: use a directory, .*; so it is with 2 more of orders$/m);
    assert.match(stdout, /^cannot create one: b\.yaml cannot keep documents that have no self link, .*; so it is with 1 more$/m);
    assert.match(stdout, /^total +7 .* 6$/m);
  }
  assert.equal(readFileSync(bench.at('b.yaml'), 'utf8').match(/^id:/gm)?.length, 1);
});
