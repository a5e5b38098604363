// What the command line says of deletions that somebody tells of.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { Bench } from './command.ts';
import type { Ended } from './command.ts';

function record(id: number, day: number, more = ''): string {
  return `id: ${id}\nat: 2015-01-0${day}T00:00:00Z\n${more}`;
}

test('what a field says was deleted is deleted without --delete, left alone with --no-delete, and remembered as long as asked for', async () => {
  using bench = new Bench();
  bench.write(Object.fromEntries([1, 2, 3].map((id) => [`a/t/${id}.yaml`, record(id, 1)])));
  const merge = (...more: readonly string[]): Promise<Ended> => bench.syncline(['merge', '--newest', '--full', '--schema', 'simple', '--modified', 'at', '--deleted', 'gone', ...more, 'a', 'b']);
  assert.equal((await merge()).code, 0);
  bench.write({ 'a/t/1.yaml': record(1, 3, 'gone: true\n') });
  const kept = await merge('--no-delete');
  assert.match(kept.stdout, /read +unchanged +kept\nt +6 +2 +1\n/);
  const { code, stdout } = await merge();
  assert.match(stdout, /1 change/);
  assert.deepEqual([code, existsSync(bench.at('b/t/1.yaml'))], [0, true]);
  assert.match((await merge()).stdout, /nothing to do/);
  // Once nobody remembers it, an older version is as good as any.
  bench.write({ 'a/t/2.yaml': record(2, 3, 'gone: true\n'), 'b/t/2.yaml': record(2, 2) });
  await merge();
  bench.write({ 'a/t/2.yaml': record(2, 2), 'b/t/2.yaml': record(2, 2) });
  assert.match((await merge()).stdout, /2 changes/);
  bench.write({ 'a/t/2.yaml': record(2, 2), 'b/t/2.yaml': record(2, 2) });
  assert.match((await merge('--tombstones-for', '1ms')).stdout, /nothing to do/);
});

test('how long deletions are remembered is about merging by time', async () => {
  using bench = new Bench();
  for (const [args, said] of [[['--tombstones-for', '30d'], /--tombstones-for is about merging by time: add --newest/], [['--newest', '--tombstones-for', 'long'], /'--tombstones-for <time>' argument 'long' is invalid/]] as const) {
    const { code, stderr } = await bench.syncline(['merge', ...args, 'a', 'b']);
    assert.equal(code, 2);
    assert.match(stderr, said);
  }
});

test('one way, what a table says was deleted goes where it is older, under the guard and without --delete', async () => {
  using bench = new Bench();
  const sql = (file: string, ...statements: readonly string[]): readonly unknown[] => {
    using database = new DatabaseSync(bench.at(file));
    for (const statement of statements) database.exec(statement);
    return file === 'b.db' ? database.prepare('select id from t order by id').all().map(({ id }) => id) : [];
  };
  const table = 'create table t (id integer primary key, at text)';
  const row = (id: number, day = 1): string => `insert into t values (${id}, '2015-01-0${day}T00:00:00Z')`;
  const gone = (id: number, day = 2): string => `delete from t where id = ${id}; insert into deletions values ('t', '${id}', '2015-01-0${day}T00:00:00Z')`;
  sql('a.db', table, 'create table deletions (collection text, key text, deleted_at text not null, primary key (collection, key))', ...[1, 2, 3, 4, 5, 6].map((id) => row(id)));
  sql('b.db', table, row(7));
  const sync = (...more: readonly string[]): Promise<Ended> => bench.syncline(['sync', '--modified', 'at', ...more, 'sqlite:a.db?tombstones=deletions', 'sqlite:b.db']);
  assert.equal((await sync()).code, 0);
  // The one is older there, the other was changed there since.
  sql('a.db', gone(1), gone(2));
  sql('b.db', `update t set at = '2015-01-03T00:00:00Z' where id = 2`);
  const planned = await sync('--dry-run');
  assert.match(planned.stdout, /^- delete t\/1\n[^]*1 change to make/);
  const { code, stdout } = await sync();
  assert.deepEqual([code, /1 change/.test(stdout), sql('b.db')], [0, true, [2, 3, 4, 5, 6, 7]], stdout);
  assert.match((await sync()).stdout, /nothing to do/);
  sql('a.db', gone(3), gone(4), gone(5), gone(6), row(8));
  const refused = await sync();
  assert.deepEqual([refused.code, /refusing to delete 4 of 6 entries .*: pass --max-deletes 4 if this is meant/.test(refused.stderr)], [4, true], refused.stderr);
  assert.deepEqual([(await sync('--max-deletes', '4')).code, sql('b.db')], [0, [2, 7, 8]]);
  // Made anew, it is no case for what was said of it before.
  sql('a.db', row(3, 4), gone(8, 1));
  assert.deepEqual([(await sync('--from', '2015-01-03')).code, sql('b.db')], [0, [2, 3, 7, 8]]);
});
