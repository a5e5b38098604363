import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { countsOf } from './counts.ts';

const rows = (count: number): string => `with recursive n(i) as (select 1 union all select i + 1 from n where i < ${count})`;

test('rows are counted where that is a matter of moments, and else told by what is known of them', () => {
  const database = new DatabaseSync(':memory:');
  database.exec(`create table "a ""b" (id integer primary key, v text); ${rows(300)} insert into "a ""b" select i + 50, 'x' from n;
    create table c (id text primary key) without rowid; ${rows(20)} insert into c select i from n;
    create table far (id integer primary key); insert into far values (1), (9007199254740993);
    create table none (id integer primary key)`);
  const names = ['a "b', 'c', 'far', 'none'];
  assert.deepEqual([...countsOf(database, names).values()], [300, 20, 2, 0]);
  const large = { countBytes: 0 };
  database.exec('delete from "a ""b" where id between 100 and 199');
  assert.deepEqual([...countsOf(database, names, large)], [['a "b', 300], ['none', 0]]);
  database.exec("create index some on c (id) where id > '5'; analyze");
  assert.deepEqual([...countsOf(database, names, large)].slice(0, 2), [['a "b', 200], ['c', 20]]);
});
