// Records of tables in files of lines: each line says which record it is, by its `id` or by its key.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, describe, test } from 'node:test';
import { sync, verify } from '../src/index.ts';

const root = mkdtempSync(join(tmpdir(), 'syncline-record-lines-'));
after(() => rmSync(root, { recursive: true, force: true }));
const at = (name: string): string => join(root, name);

const orders = 'create table orders (id integer primary key, note text)';
const lines = 'create table lines (bill integer, pos text, amount real, primary key (bill, pos))';

function tables(name: string, ...statements: readonly string[]): string {
  using database = new DatabaseSync(at(name));
  for (const statement of statements) database.exec(statement);
  return `sqlite:${at(name)}`;
}

async function copied(from: string, to: string, created: number): Promise<void> {
  const { counts, failures } = await sync(from, to);
  assert.deepEqual(failures.map(({ error }) => error.sentence), []);
  assert.equal(counts.created, created);
  const again = (await sync(from, to)).counts;
  assert.deepEqual([again.created, again.updated, again.unchanged], [0, 0, created], 'a second run writes nothing');
}

describe('records in a file of lines', () => {
  test('those of the table that the file is named after are plain lines, known by their id', async () => {
    const shop = tables('one.sqlite', orders, `insert into orders values (1, 'one'), (2, 'two')`);
    await copied(shop, at('orders.ndjson'), 2);
    assert.equal(readFileSync(at('orders.ndjson'), 'utf8'), '{"id": 1, "note": "one"}\n{"id": 2, "note": "two"}\n');
    const other = tables('other.sqlite', orders);
    await copied(at('orders.ndjson'), other, 2);
    assert.ok((await verify(shop, other)).equal);
  });

  test('others say their key, whatever columns it is made of, and lose it on the way back', async () => {
    const shop = tables('many.sqlite', orders, lines, `insert into orders values (1, 'one')`, `insert into lines values (1, 'a/b', 0.5), (1, 'c', null)`);
    await copied(shop, at('all.ndjson'), 3);
    assert.equal(readFileSync(at('all.ndjson'), 'utf8'), '{"_key": "lines/1/a%2Fb", "amount": 0.5, "bill": 1, "pos": "a/b"}\n{"_key": "lines/1/c", "bill": 1, "pos": "c"}\n{"_key": "orders/1", "id": 1, "note": "one"}\n');
    const other = tables('back.sqlite', orders, lines);
    await copied(at('all.ndjson'), other, 3);
    assert.ok((await verify(shop, other)).equal);
    assert.ok((await verify(shop, at('all.ndjson'))).equal);
  });

  test('what has changed replaces its line, and what is gone takes its line along', async () => {
    const shop = tables('changing.sqlite', orders, lines, `insert into orders values (1, 'one'), (2, 'two'), (3, 'three')`, `insert into lines values (1, 'a', 1)`);
    await copied(shop, at('changing.ndjson'), 4);
    tables('changing.sqlite', `update orders set note = 'two and a half' where id = 2`, 'delete from orders where id = 3');
    const { counts } = await sync(shop, at('changing.ndjson'), { delete: true });
    assert.deepEqual([counts.updated, counts.deleted, counts.unchanged], [1, 1, 2]);
    assert.equal(readFileSync(at('changing.ndjson'), 'utf8').match(/two and a half|three/g)?.join(), 'two and a half');
  });

  test('a line that says nothing of itself is told by its number, and a field that means the key is refused', async () => {
    writeFileSync(at('bad.ndjson'), '{"id":1}\n{"note":"nameless"}\n{"_key":7,"id":2}\n');
    const there = tables('bad.sqlite', 'create table bad (id integer primary key)');
    const { failures, counts } = await sync(at('bad.ndjson'), there);
    assert.deepEqual(failures.map(({ place }) => place.replace(/^.*\//, '')), ['bad.ndjson:2', 'bad.ndjson:3']);
    assert.equal(counts.created, 1);
    const odd = tables('odd.sqlite', 'create table orders (id integer primary key, _key text)', `insert into orders values (1, 'x')`);
    const [failure] = (await sync(odd, at('odd.ndjson'))).failures;
    assert.match(failure?.error.sentence ?? '', /orders\/1 has a field _key, which in .*odd\.ndjson says how a record is called: use a directory, or leave the field out by --drop '\*\._key'/);
  });
});
