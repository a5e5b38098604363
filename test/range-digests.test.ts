// Two databases that digest what they hold, so that only what differs is read.
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { leaveOutEqual } from '../src/engine/equal-ranges.ts';
import { Ledger } from '../src/engine/ledger.ts';
import { runVerify } from '../src/engine/verify.ts';
import { plainHost } from '../src/model/plain-host.ts';
import type { Page, Store } from '../src/model/store.ts';
import { kind as mysqlKind } from '../src/stores/sql/mysql/kind.ts';
import { kind as postgresKind } from '../src/stores/sql/postgres/kind.ts';
import { mariadb, withoutMariadb } from './services/mariadb.ts';
import { postgres, withoutPostgres } from './services/postgres.ts';

const opened: Store[] = [];
after(async () => { for (const store of opened) await store[Symbol.asyncDispose](); });

interface Side {
  readonly store: Store;
  query(text: string): Promise<unknown>;
}

type Sides = (...statements: readonly string[]) => Promise<readonly [Side, Side]>;

/** Two databases that were made with the same statements. */
function sidesOf(server: typeof postgres | typeof mariadb, open: (endpoint: string) => Promise<unknown>): Sides {
  return async (...statements) => {
    const { newDatabase, query } = await server();
    const side = async (): Promise<Side> => {
      const endpoint = await newDatabase();
      for (const statement of statements) await query(endpoint, statement);
      const store = await open(endpoint) as Store;
      opened.push(store);
      return { store, query: (text) => query(endpoint, text) };
    };
    return [await side(), await side()];
  };
}

const inPostgres = sidesOf(postgres, (endpoint) => postgresKind.open(endpoint, {}, plainHost));
const inMariadb = sidesOf(mariadb, (endpoint) => mysqlKind.open(endpoint, {}, plainHost));

/** A place that counts what is read of it. */
function counting(store: Store): { readonly store: Store; read(): number } {
  let read = 0;
  async function* counted(pages: AsyncIterable<Page>): AsyncGenerator<Page> {
    for await (const page of pages) {
      read += page.entries.length;
      yield page;
    }
  }
  const snapshot: NonNullable<Store['snapshot']> = async (options) => {
    const inner = await store.snapshot!(options);
    return {
      collections: inner.collections,
      cut: (...args) => inner.cut(...args),
      counts: (...args) => inner.counts(...args),
      digests: (...args) => inner.digests(...args),
      scan: (...args) => counted(inner.scan(...args)),
      [Symbol.asyncDispose]: () => inner[Symbol.asyncDispose](),
    };
  };
  const { name, identity, capabilities } = store;
  return {
    read: () => read,
    store: { name, identity, capabilities, snapshot, scan: (options) => counted(store.scan(options)), read: (...args) => store.read(...args), write: (...args) => store.write(...args), [Symbol.asyncDispose]: async () => {} },
  };
}

async function findsSeven(sides: Sides, made: readonly string[], changed: readonly string[]): Promise<void> {
  const [left, right] = await sides(...made);
  for (const statement of changed) await right.query(statement);
  const [ours, theirs] = [counting(left.store), counting(right.store)];
  const { equal, differing, report } = await runVerify({ origins: [ours.store], target: theirs.store });
  assert.equal(equal, false);
  assert.deepEqual(differing.map(({ key, kind }) => `${kind} ${key}`), ['differs item/11', 'missing item/20000', 'differs item/30000', 'differs item/35001', 'differs item/44444', 'differs item/7', 'extra item/60000']);
  assert.ok(ours.read() > 0 && ours.read() <= 7 * 250 && theirs.read() <= 7 * 251, `${ours.read()} and ${theirs.read()} were read`);
  assert.deepEqual([report.counts.read, report.counts.unchanged, report.ranges], [50_000, 49_994, { compared: 200, differing: 7, equal: 50_000 - ours.read() }]);
  const full = await runVerify({ origins: [left.store], target: right.store, rangeDigests: false });
  assert.deepEqual([full.differing, full.report.ranges], [differing, undefined]);
}

/** Cuts what two places hold finely, and answers with how much of either is left to be read. */
async function left(sides: readonly [Side, Side]): Promise<readonly [readonly string[], readonly string[]]> {
  await using proven = await leaveOutEqual(sides[0].store, sides[1].store, { ledger: new Ledger(undefined, () => 0), signal: undefined }, { pageEntries: 2, mostRanges: 8 });
  const keys = async (i: 0 | 1): Promise<readonly string[]> => (await Array.fromAsync((proven?.sides[i] ?? sides[i].store).scan())).flatMap(({ entries }) => entries.map(({ key }) => key));
  return [await keys(0), await keys(1)];
}

describe('ranges of two databases of PostgreSQL', withoutPostgres, () => {
  test('seven differences among 50,000 rows are found, whatever they are, and only the ranges around them are read', async () => {
    await findsSeven(inPostgres, [
      'create table item (id bigint primary key, name text, price numeric, at timestamptz, note text)',
      "insert into item select i, 'name ' || i, i / 8.0, '2015-01-31 10:20:30Z'::timestamptz + i * interval '1 second', case when i % 3 = 0 then null else '' end from generate_series(1, 50000) i",
    ], [
      "update item set name = 'another' where id = 11", 'delete from item where id = 20000', "insert into item values (60000, 'more', 1, now(), null)",
      "update item set note = '' where id = 30000", "update item set name = name || ' ' where id = 44444", "update item set at = at + interval '1 microsecond' where id = 7",
      "update item set price = (price::text || '0')::numeric where id = 35001",
    ]);
  });
});

describe('ranges of two databases of MariaDB', withoutMariadb, () => {
  test('seven differences among 50,000 rows are found, whatever they are, and only the ranges around them are read', async () => {
    await findsSeven(inMariadb, [
      'create table item (id bigint primary key, name varchar(100), price text comment \'decimal\', at datetime(6), note text)',
      "insert into item select seq, concat('name ', seq), seq / 8, timestamp'2015-01-31 10:20:30' + interval seq second, if(seq % 3 = 0, null, '') from seq_1_to_50000",
    ], [
      "update item set name = 'another' where id = 11", 'delete from item where id = 20000', "insert into item values (60000, 'more', '1', now(), null)",
      "update item set note = '' where id = 30000", "update item set name = concat(name, ' ') where id = 44444", 'update item set at = at + interval 1 microsecond where id = 7',
      "update item set price = concat(price, '0') where id = 35001",
    ]);
  });
});
