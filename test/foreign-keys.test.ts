// Rows that refer to other rows, in databases that hold them to it: what is referred to is written first and deleted last.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { merge, openState, sync } from '../src/index.ts';
import type { Store } from '../src/model/store.ts';
import { openStore } from '../src/stores/open.ts';
import { mariadb, withoutMariadb } from './services/mariadb.ts';
import { postgres, withoutPostgres } from './services/postgres.ts';

const root = mkdtempSync(join(tmpdir(), 'syncline-foreign-keys-'));
after(() => rmSync(root, { recursive: true, force: true }));

interface Database {
  readonly endpoint: string;
  query(text: string): Promise<unknown>;
}

let files = 0;
const kinds: readonly (readonly [name: string, without: { readonly skip?: string | boolean }, create: () => Promise<Database>])[] = [
  ['SQLite', {}, async () => {
    const path = join(root, `${++files}.db`);
    const database = new DatabaseSync(path);
    return { endpoint: `sqlite:${path}`, query: async (text) => database.exec(text) };
  }],
  ['PostgreSQL', withoutPostgres, async () => {
    const { newDatabase, query } = await postgres();
    const endpoint = await newDatabase();
    return { endpoint, query: (text) => query(endpoint, text) };
  }],
  ['MariaDB', withoutMariadb, async () => {
    const { newDatabase, query } = await mariadb();
    const endpoint = await newDatabase();
    return { endpoint, query: (text) => query(endpoint, text) };
  }],
];

const people = 300;

/** Items refer to orders, orders to people, and each of the people to the next one: in the order of keys, everything comes too early. */
const tables: readonly string[] = [
  'create table people (id int primary key, boss int, foreign key (boss) references people (id))',
  'create table orders (id int primary key, customer int not null, foreign key (customer) references people (id))',
  'create table items (id int primary key, order_id int not null, foreign key (order_id) references orders (id))',
];
const rows: readonly string[] = [
  ...Array.from({ length: people / 100 }, (_, i) => people - i * 100).map((most) => `insert into people values ${Array.from({ length: 100 }, (_, i) => most - i).map((id) => `(${id}, ${id === people ? 'null' : id + 1})`).join(', ')}`),
  'insert into orders values (1, 3), (2, 1), (3, 300)',
  'insert into items values (1, 3), (2, 1), (3, 2), (4, 2)',
];

async function keysIn(store: Store): Promise<number> {
  let keys = 0;
  for await (const { entries } of store.scan()) keys += entries.length;
  return keys;
}

for (const [name, without, create] of kinds) {
  describe(`foreign keys of ${name}`, without, () => {
    async function opened({ endpoint }: Database): Promise<Store> {
      return await openStore(endpoint) as Store;
    }

    async function made(...statements: readonly string[]): Promise<Database> {
      const database = await create();
      for (const statement of statements) await database.query(statement);
      return database;
    }

    test('rows are written after those that they refer to, and deleted before them', async () => {
      const [from, to] = [await made(...tables, ...rows), await made(...tables)];
      await using source = await opened(from);
      await using target = await opened(to);
      const first = await sync(source, target);
      assert.deepEqual([first.failures, first.counts.created], [[], people + 7]);
      assert.equal((await sync(source, target)).counts.unchanged, people + 7);
      for (const statement of ['delete from items', 'delete from orders', 'update people set boss = null', 'delete from people where id > 10']) await from.query(statement);
      const second = await sync(source, target, { delete: true, guard: { maxDeletes: { share: 1 } } });
      assert.deepEqual([second.failures, second.counts.deleted, second.counts.updated], [[], people - 10 + 7, 10]);
      assert.equal(await keysIn(target), 10);
    });

    test('a row that refers to nothing is a failure of its own', async () => {
      const loose = tables.map((text) => text.replace(/, foreign key.*/, ')'));
      const [from, to] = [await made(...loose, 'insert into people values (1, null), (2, 99)', 'insert into orders values (1, 1), (2, 2), (3, 98)', 'insert into items values (1, 1), (2, 2), (3, 97)'), await made(...tables)];
      await using source = await opened(from);
      await using target = await opened(to);
      const { failures, counts } = await sync(source, target);
      assert.deepEqual(failures.map(({ place }) => place).sort(), ['items/2', 'items/3', 'orders/2', 'orders/3', 'people/2']);
      assert.equal(counts.created, 3);
    });

    test('tables that refer to each other in a circle are written, both ways', async () => {
      const circle = [
        'create table ants (id int primary key, bee int, foreign key (bee) references bees (id))',
        'create table bees (id int primary key, ant int, foreign key (ant) references ants (id))',
      ];
      const statements = name === 'SQLite' ? circle : [circle[0]!.replace(/, foreign.*/, ')'), circle[1]!, 'alter table ants add foreign key (bee) references bees (id)'];
      const link = ['insert into ants values (1, null), (3, null)', 'insert into bees values (1, 1), (2, 3)', 'update ants set bee = 1 where id = 3'];
      const [one, other] = [await made(...statements, ...link), await made(...statements, 'insert into ants values (5, null)', 'insert into bees values (5, 5)')];
      await using left = await opened(one);
      await using right = await opened(other);
      await using state = openState(undefined);
      const report = await merge(left, right, { state });
      assert.deepEqual([report.failures, report.counts.created], [[], 6]);
      assert.deepEqual([await keysIn(left), await keysIn(right)], [6, 6]);
    });
  });
}
