// A full refresh of tables of MariaDB and SQLite: whoever reads has all of the old or all of the new.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { createConnection } from 'mysql2/promise';
import { sync } from '../src/index.ts';
import type { Store } from '../src/model/store.ts';
import { openStore } from '../src/stores/open.ts';
import { MemoryStore } from '../src/stores/memory/memory-store.ts';
import { mariadb, withoutMariadb } from './services/mariadb.ts';

const root = mkdtempSync(join(tmpdir(), 'syncline-swap-'));
after(() => rmSync(root, { recursive: true, force: true }));

type Ask = (text: string) => Promise<readonly { readonly [column: string]: unknown }[]>;

interface Kind {
  readonly skip: string | false;
  /** A new database, by its endpoint, and a way to ask it. */
  place(): Promise<{ readonly endpoint: string; readonly ask: Ask }>;
  readonly create: readonly string[];
  /** What says how a table was made. */
  readonly shape: string;
  readonly tables: string;
  readonly obstacles: readonly (readonly [make: string, remove: string, message: RegExp])[];
  /** Views and keys of others that go by names. */
  readonly besides: readonly string[];
}

let places = 0;
const kinds: { readonly [name: string]: Kind } = {
  MariaDB: {
    skip: withoutMariadb.skip,
    place: async () => {
      const { newDatabase, query } = await mariadb();
      const endpoint = await newDatabase();
      return { endpoint, ask: async (text) => await query(endpoint, text) };
    },
    create: [`create table orders (id bigint primary key auto_increment, state varchar(20) not null default 'new' check (state <> ''), tag varchar(20), unique index by_tag (tag), index by_state (state desc, id)) comment 'of us' auto_increment = 5000`],
    shape: 'show create table orders',
    tables: `select group_concat(table_name) as names from information_schema.tables where table_schema = database() and table_type = 'BASE TABLE'`,
    obstacles: [
      ['create trigger touched before insert on orders for each row set new.tag = new.tag', 'drop trigger touched', /the trigger touched/],
      ['create table orders_lines (id int primary key, of_order bigint, constraint of_orders foreign key (of_order) references orders (id))', 'drop table orders_lines', /the foreign key of_orders of orders_lines/],
    ],
    besides: ['create view seen as select id from orders'],
  },
  SQLite: {
    skip: false,
    place: async () => {
      const path = join(root, `${++places}.sqlite`);
      const ask: Ask = async (text) => {
        using database = new DatabaseSync(path, { timeout: 5_000 });
        return database.prepare(text).all() as { [column: string]: unknown }[];
      };
      return { endpoint: `sqlite:${path}`, ask };
    },
    create: [
      `create table "orders" (id integer primary key autoincrement, state text not null default 'new' check (state <> ''), tag text) strict`,
      'create unique index by_tag on orders (tag) where tag is not null', 'create index by_state on orders (state desc, id)', 'insert into orders (id, tag) values (4999, null)', 'delete from orders',
    ],
    shape: `select group_concat(type || ' ' || name || ' ' || replace(sql, '"', ''), '; ') as shape from (select * from sqlite_master where tbl_name = 'orders' order by name)`,
    tables: `select group_concat(name) as names from sqlite_master where type = 'table' and name not like 'sqlite_%' and name not like 'orders_lines'`,
    obstacles: [
      ['create trigger touched after insert on orders begin select 1; end', 'drop trigger touched', /the trigger touched/],
    ],
    besides: ['create view seen as select id from orders', 'create table orders_lines (id integer primary key, of_order integer references orders (id))', 'insert into orders_lines values (1, 7)'],
  },
};

const states = 'select min(state) as first, max(state) as last, count(*) as count from orders';

function source(state: string, many = 300): MemoryStore {
  const store = new MemoryStore();
  for (let n = 1; n <= many; n++) store.edit(`orders/${n}`, { id: n, state, tag: `t${n}` });
  return store;
}

for (const [name, { skip, place, create, shape, tables, obstacles, besides }] of Object.entries(kinds)) {
  describe(`a swap in ${name}`, { skip }, () => {
    const opened = async (): Promise<{ readonly endpoint: string; readonly ask: Ask; held(): Promise<string> }> => {
      const { endpoint, ask } = await place();
      for (const statement of create) await ask(statement);
      await sync(source('stale', 290), `${endpoint}?collections=orders`);
      return { endpoint: `${endpoint}?collections=orders`, ask, held: async () => Object.values((await ask(states))[0]!).join(' ') };
    };

    test('leaves a table that is as it was but for its rows, and the second one does nothing', async () => {
      const { endpoint, ask, held } = await opened();
      for (const statement of besides) await ask(statement);
      const [before, names] = [await ask(shape), await ask(tables)];
      const { counts, differences } = await sync(source('fresh'), endpoint, { swap: true });
      assert.deepEqual([counts.created, counts.updated, differences], [10, 290, 0]);
      assert.equal(await held(), 'fresh fresh 300');
      assert.deepEqual([await ask(shape), await ask(tables)], [before, names]);
      assert.equal((await ask('select count(*) as count from seen'))[0]!['count'], 300);
      await ask(`insert into orders (tag) values ('more')`);
      assert.equal((await ask('select max(id) as id from orders'))[0]!['id'], 5_000);
      await ask('delete from orders where id = 5000');
      assert.equal((await sync(source('fresh'), endpoint, { swap: true })).counts.unchanged, 300);
      // And again, with what the first swap has made.
      await sync(source('fresher'), endpoint, { swap: true });
      assert.deepEqual([await held(), await ask(tables)], ['fresher fresher 300', names]);
    });

    test('what cannot be carried over is named before anything is made', async () => {
      const { endpoint, ask, held } = await opened();
      for (const [make, remove, message] of obstacles) {
        await ask(make);
        const names = await ask(tables);
        await assert.rejects(sync(source('fresh'), endpoint, { swap: true }), { code: 'unsupported', message }, make);
        assert.deepEqual(await ask(tables), names);
        await ask(remove);
      }
      assert.equal(await held(), 'stale stale 290');
    });

    test('nothing is swapped where somebody else writes, too much would be gone, or a row is refused; and nothing is left over', async () => {
      const { endpoint, ask, held } = await opened();
      let written: Promise<unknown> | undefined;
      const on = ({ kind }: { readonly kind: string }): void => {
        if (kind === 'done') written ??= ask(`insert into orders (state, tag) values ('theirs', 'theirs')`);
      };
      await assert.rejects(sync(source('fresh'), endpoint, { swap: true, on }), { code: 'conflict', message: /somebody wrote to orders/ });
      await written;
      assert.equal((await ask(`select count(*) as count from orders where state = 'theirs'`))[0]!['count'], 1);
      await ask(`delete from orders where state = 'theirs'`);
      await assert.rejects(sync(source('fresh', 100), endpoint, { swap: true }), { code: 'guarded', message: /refusing to delete 190 of 290/ });
      const bad = source('fresh');
      bad.edit('orders/7', { id: 7, state: '', tag: 'x' });
      const { counts, warnings } = await sync(bad, endpoint, { swap: true });
      assert.deepEqual([counts.failed, /nothing was put in place/.test(warnings.join())], [1, true]);
      assert.deepEqual([await held(), (await ask(tables))[0]!['names']], ['stale stale 290', 'orders']);
    });

    test('of two runs that swap one table at once none puts what the other fills in place', async () => {
      const { endpoint, ask, held } = await opened();
      await using one = await openStore(endpoint, { missing: 'empty' }) as Store;
      await using other = await openStore(endpoint, { missing: 'empty' }) as Store;
      const orders = [{ name: 'orders', fields: [], key: [] }];
      await using first = await one.fresh!(orders);
      await first.fill(['orders']);
      await using second = await other.fresh!(orders);
      await second.fill(['orders']);
      await assert.rejects(first.swap());
      assert.equal(await held(), 'stale stale 290');
      await first[Symbol.asyncDispose]();
      await second[Symbol.asyncDispose]();
      assert.equal((await ask(tables))[0]!['names'], 'orders');
    });

    test('what a run left behind is taken away by the next one, and seen by nobody', async () => {
      const { endpoint, ask, held } = await opened();
      await ask('create table orders__syncline_new (id integer primary key)');
      await ask('create table orders__syncline_old (id integer primary key)');
      const { types } = await sync(source('fresh'), endpoint.replace('?collections=orders', ''), { swap: true });
      assert.deepEqual([Object.keys(types), await held(), (await ask(tables))[0]!['names']], [['orders'], 'fresh fresh 300', 'orders']);
      // Also where there is nothing to load.
      await ask('create table orders__syncline_old_0123ab (id integer primary key)');
      await sync(source('fresh'), endpoint, { swap: true });
      assert.equal((await ask(tables))[0]!['names'], 'orders');
    });
  });
}

test('who reads a table of MariaDB all the while never misses it, and never sees a part of one', withoutMariadb, async () => {
  const { place, create } = kinds['MariaDB']!;
  const { endpoint, ask } = await place();
  for (const statement of create) await ask(statement);
  await sync(source('stale'), endpoint);
  const { hostname, port, username, pathname } = new URL(endpoint);
  const connection = await createConnection({ host: hostname, port: Number(port), user: username, database: pathname.slice(1) });
  const seen = new Set<string>();
  let ended = false;
  const reading = (async () => {
    while (!ended) for (const row of (await connection.query(states))[0] as readonly object[]) seen.add(Object.values(row).join(' '));
  })();
  try {
    for (const state of ['one', 'three', 'two']) await sync(source(state), endpoint, { swap: true });
  } finally {
    ended = true;
    await reading;
    await connection.end();
  }
  assert.deepEqual([...seen].filter((each) => !['stale stale 300', 'one one 300', 'three three 300', 'two two 300'].includes(each)), []);
  assert.ok(seen.size > 2);
});

test('who reads a table of SQLite all the while never misses it, and never sees a part of one', async () => {
  const path = join(root, 'read.sqlite');
  const { create } = kinds['SQLite']!;
  {
    using database = new DatabaseSync(path);
    database.exec(`pragma journal_mode = wal; ${create.join('; ')}`);
  }
  await sync(source('stale'), `sqlite:${path}`);
  const script = `const { DatabaseSync } = require('node:sqlite'); const database = new DatabaseSync(${JSON.stringify(path)}, { timeout: 5000, readOnly: true }); process.stdin.on('end', () => process.exit()).resume();
    const look = () => { console.log(Object.values(database.prepare(${JSON.stringify(states)}).get()).join(' ')); setImmediate(look); }; look();`;
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', '-e', script], { stdio: ['pipe', 'pipe', 'pipe'] });
  let [text, wrong] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (more: string) => (text += more));
  child.stderr.setEncoding('utf8').on('data', (more: string) => (wrong += more));
  const closed = new Promise((resolve) => child.once('close', resolve));
  for (const state of ['one', 'three', 'two']) await sync(source(state), `sqlite:${path}`, { swap: true });
  child.stdin.end();
  await closed;
  assert.equal(wrong, '');
  assert.deepEqual([...new Set(text.split('\n'))].filter((each) => !['', 'stale stale 300', 'one one 300', 'three three 300', 'two two 300'].includes(each)), []);
});
