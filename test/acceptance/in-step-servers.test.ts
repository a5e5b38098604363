// What the cases of records in step say about two systems, held by real servers through the commands.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { runFromCheckpoint } from '../../src/engine/run/checkpoints.ts';
import { openState } from '../../src/engine/state/sqlite-state.ts';
import type { Store } from '../../src/model/store.ts';
import { openStore } from '../../src/stores/open.ts';
import { fakeHost } from '../../src/testing/index.ts';
import { withoutCassandra } from '../services/cassandra.ts';
import { withoutMariadb } from '../services/mariadb.ts';
import { withoutPostgres } from '../services/postgres.ts';
import { skipWithoutSearch } from '../services/search.ts';
import { fromNow } from './in-step.ts';
import { cassandra, ids, inMariadb, inPostgres, Pair, search } from './in-step-servers.ts';
import type { Maker, Order } from './in-step-servers.ts';

const withoutOpensearch = await skipWithoutSearch('opensearch');
const withoutElasticsearch = await skipWithoutSearch('elasticsearch');

interface Setting {
  readonly name: string;
  readonly a: Maker;
  readonly b: Maker;
  readonly command: 'synced' | 'merge';
  readonly skip: string | false;
}

const first: Setting = { name: 'Cassandra and OpenSearch', a: cassandra({ versions: false }), b: search('opensearch', { times: 'keyword' }), command: 'merge', skip: withoutCassandra.skip || withoutOpensearch };
const original: Setting = { ...first, name: 'Cassandra with a row for each version and OpenSearch with dates', a: cassandra({ versions: true }), b: search('opensearch', { times: 'date' }), command: 'synced' };
const databases: Setting = { name: 'PostgreSQL and MariaDB', a: inPostgres, b: inMariadb, command: 'merge', skip: withoutPostgres.skip || withoutMariadb.skip };
const mixed: Setting = { name: 'PostgreSQL and Elasticsearch', a: inPostgres, b: search('elasticsearch', { times: 'date' }), command: 'merge', skip: withoutPostgres.skip || withoutElasticsearch };
const versioned: Setting = { ...original, name: 'Cassandra with a row for each version and PostgreSQL', b: inPostgres, command: 'merge', skip: withoutCassandra.skip || withoutPostgres.skip };
// What has to do with the kinds of the systems is tried on all of them.
const [two, all] = [[first, original], [first, original, databases, mixed]];

const cases: { readonly name: string; readonly setting: Setting; readonly body: (pair: Pair) => Promise<void> }[] = [];

function holds(number: string, settings: readonly Setting[], promise: string, body: (pair: Pair) => Promise<void>): void {
  cases.push(...settings.map((setting) => ({ name: `${number} on ${setting.name}: ${promise}`, setting, body })));
}

const at = (day: number, time = '00:00:00Z'): string => `2015-01-${String(day).padStart(2, '0')}T${time}`;

async function same({ a, b }: Pair, table = 'orders'): Promise<void> {
  assert.deepEqual(await a.orders(table), await b.orders(table));
}

async function inStep(pair: Pair, written: number, options: Parameters<Pair['run']>[0] = {}): Promise<void> {
  const { code, stdout, stderr } = await pair.run(options);
  // A run of some seconds tells how far it is.
  assert.deepEqual([code, stderr.replace(/^reading .*\n/gm, '')], [0, ''], stdout);
  assert.equal(writtenIn(stdout), written, stdout);
}

/** What was written in both directions, by the table of flows. */
function writtenIn(stdout: string): number {
  return [...stdout.matchAll(/ to \S+ +[\d,·]+ +([\d,·]+) +[\d,·]+/g)].reduce((sum, [, count]) => sum + Number(count === '·' ? 0 : count!.replaceAll(',', '')), 0);
}

holds('D1', all, 'the first run brings everything to both sides, and remembers that', async (pair) => {
  const [one, other, third] = ids(3) as [string, string, string];
  await pair.a.put('orders', [{ id: one, tmstmp: '1970-01-01T00:00:01Z', value: 'a' }, { id: third, tmstmp: fromNow(-1), value: 'a' }]);
  await pair.b.put('orders', [{ id: other, tmstmp: at(2), value: 'b' }]);
  await inStep(pair, 3);
  assert.deepEqual(Object.keys(await pair.a.orders('orders')), [one, other, third]);
  await same(pair);
  assert.equal((await pair.until()).length, 1);
});

holds('D2', two, 'a second run writes nothing, and neither does one over everything', async (pair) => {
  const [one, other] = ids(2) as [string, string];
  await pair.a.put('orders', [{ id: one, tmstmp: fromNow(-1), value: 'a', amount: 1.5 }]);
  await pair.b.put('orders', [{ id: other, tmstmp: fromNow(-1), value: 'b', open: false }]);
  await inStep(pair, 2);
  await inStep(pair, 0);
  await inStep(pair, 0, { full: true });
  assert.deepEqual([await pair.a.rows('orders'), await pair.b.rows('orders')], [2, 2]);
});

holds('D3', two, 'of what is there only the record that was updated is written', async (pair) => {
  const some = ids(3);
  await pair.a.put('orders', some.map((id) => ({ id, tmstmp: fromNow(-100), value: 'old' })));
  await inStep(pair, 3);
  await pair.a.put('orders', [{ id: some[1]!, tmstmp: fromNow(0), value: 'new' }]);
  await inStep(pair, 1);
  assert.deepEqual(Object.values(await pair.b.orders('orders')).map(({ value }) => value), ['old', 'new', 'old']);
});

holds('D4', two, 'of two versions the newer one is on both sides, whichever side has it', async (pair) => {
  const [one, other] = ids(2) as [string, string];
  await pair.a.put('orders', [{ id: one, tmstmp: at(2), value: 'older' }, { id: other, tmstmp: at(3), value: 'newer' }]);
  await pair.b.put('orders', [{ id: one, tmstmp: at(3), value: 'newer' }, { id: other, tmstmp: at(2), value: 'older' }]);
  await inStep(pair, 2);
  assert.deepEqual(Object.values(await pair.a.orders('orders')).map(({ value }) => value), ['newer', 'newer']);
  await same(pair);
});

holds('D5', all, 'equal versions are left as they are, and of different ones of one time one wins on both sides, for good', async (pair) => {
  const [equal, differing] = ids(2) as [string, string];
  for (const [side, value] of [[pair.a, 'a'], [pair.b, 'b']] as const) await side.put('orders', [{ id: equal, tmstmp: at(2), value: 'same' }, { id: differing, tmstmp: at(2), value }]);
  assert.equal((await pair.run()).code, 0);
  await same(pair);
  await inStep(pair, 0, { full: true });
});

holds('D6', two, 'of a range, what was modified after its beginning and not after its end is all that moves', async (pair) => {
  const some = ids(6);
  await pair.a.put('orders', some.slice(0, 5).map((id, i) => ({ id, tmstmp: at(i + 1) })));
  await pair.b.put('orders', [{ id: some[5]!, tmstmp: at(9) }]);
  await inStep(pair, 2, { from: at(2), until: at(4) });
  assert.deepEqual(Object.keys(await pair.b.orders('orders')), [some[2], some[3], some[5]]);
  assert.equal(await pair.a.rows('orders'), 5);
});

holds('D15', all, 'a table that one side has alone is made on the other', async (pair) => {
  const [one, other] = ids(2) as [string, string];
  await Promise.all([pair.a.make('people'), pair.b.make('things')]);
  await pair.a.put('people', [{ id: one, tmstmp: at(1), value: 'a', amount: 0.1, open: true, more: { list: [1, 'two'] } }]);
  await pair.b.put('things', [{ id: other, tmstmp: at(1, '00:00:00.123Z'), value: 'b', amount: 0.1, open: true, more: { list: [1, 'two'] }, nothing: null }]);
  await inStep(pair, 2);
  await same(pair, 'people');
  await same(pair, 'things');
  await inStep(pair, 0, { full: true });
});

/** A store in whose place somebody else writes before each of its writes. */
function struck(store: Store, strike: () => Promise<void>): Store {
  const write: Store['write'] = async (batch, asked) => {
    await strike();
    return await store.write(batch, asked);
  };
  return new Proxy(store, {
    get: (target, name) => {
      const value: unknown = name === 'write' ? write : Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) as unknown : value;
    },
  });
}

holds('D15', [original], 'a table that is named and only in the index is made, and one that neither side has is refused', async (pair) => {
  await pair.b.make('things');
  await pair.b.put('things', [{ id: ids(1)[0]!, tmstmp: at(1), value: 'b' }]);
  await inStep(pair, 1, { tables: 'things' });
  await same(pair, 'things');
  const { code, stdout, stderr } = await pair.run({ tables: 'things,thingz' });
  assert.deepEqual([code, stdout, stderr], [1, '', 'synced: neither side has a table thingz: check the names after --tables\n']);
});

holds('D17', two, 'what the target gets between the reading and the writing stays if it is newer', async ({ a, b }) => {
  const [one, other] = ids(2) as [string, string];
  await a.put('orders', [{ id: one, tmstmp: at(5), value: 'newer' }, { id: other, tmstmp: at(1), value: 'old' }]);
  await b.put('orders', [{ id: one, tmstmp: at(1), value: 'old' }, { id: other, tmstmp: at(5), value: 'newer' }]);
  await using state = openState(undefined);
  const options = { modified: 'tmstmp' };
  await using left = await openStore(a.endpoint, options) as Store;
  await using right = await openStore(b.endpoint, options) as Store;
  const { counts } = await runFromCheckpoint({
    left: struck(left, () => a.put('orders', [{ id: other, tmstmp: at(9), value: 'newest' }])),
    right: struck(right, () => b.put('orders', [{ id: one, tmstmp: at(9), value: 'newest' }])),
    state, host: fakeHost(),
  }, { configuration: 'a pair', name: 'a pair' });
  assert.deepEqual([(await b.orders('orders'))[one]!['value'], (await a.orders('orders'))[other]!['value'], counts.skipped], ['newest', 'newest', 2]);
  await runFromCheckpoint({ left, right, state, host: fakeHost() }, { configuration: 'a pair', name: 'a pair' });
  assert.deepEqual(await a.orders('orders'), await b.orders('orders'));
});

holds('D18', [original, versioned], 'of several versions only the newest is written, once, and comes back as one row more', async (pair) => {
  const [one] = ids(1) as [string];
  await pair.a.put('orders', [3, 1, 5, 2].map((day) => ({ id: one, tmstmp: at(day), value: String(day) })));
  await inStep(pair, 1);
  assert.equal((await pair.b.orders('orders'))[one]!['value'], '5');
  assert.deepEqual([await pair.a.rows('orders'), await pair.b.rows('orders')], [4, 1]);
  await pair.b.put('orders', [{ id: one, tmstmp: at(6), value: '6' }]);
  await inStep(pair, 1, { full: true });
  assert.deepEqual([await pair.a.rows('orders'), await pair.b.rows('orders')], [5, 1]);
  await same(pair);
  await inStep(pair, 0, { full: true });
});

holds('D19', two, 'times are compared as instants, however they are spelt', async (pair) => {
  // Of each pair the first one is later.
  const times = [[at(1, '00:00:05.500Z'), at(1, '00:00:05Z')], [at(1, '00:00:10Z'), at(1, '00:00:09.999Z')], [at(1, '06:00:00Z'), at(1, '07:00:07+02:00')], [at(1, '00:30:00-02:00'), at(1, '02:29:59Z')], [at(1, '00:00:05.001'), at(1, '00:00:05Z')]] as const;
  const some = ids(times.length * 2);
  for (const [i, [later, earlier]] of times.entries()) {
    const [one, other] = some.slice(i * 2, i * 2 + 2) as [string, string];
    await pair.a.put('orders', [{ id: one, tmstmp: later, value: 'later' }, { id: other, tmstmp: earlier, value: 'earlier' }]);
    await pair.b.put('orders', [{ id: one, tmstmp: earlier, value: 'earlier' }, { id: other, tmstmp: later, value: 'later' }]);
  }
  await inStep(pair, some.length);
  for (const side of [pair.a, pair.b]) assert.deepEqual(Object.values(await side.orders('orders')).map(({ value }) => value), some.map(() => 'later'));
});

holds('D20', two, 'a time that went there and back is what it was, and adds no row', async (pair) => {
  const [one, other] = ids(2) as [string, string];
  await pair.a.put('orders', [{ id: one, tmstmp: at(1, '10:20:30.123456Z'), value: 'a' }]);
  await pair.b.put('orders', [{ id: other, tmstmp: at(1, '10:20:30.123456Z'), value: 'b' }]);
  await inStep(pair, 2);
  for (const options of [{}, { full: true }]) await inStep(pair, 0, options);
  // Of what was not written by us nobody knows that it is the same, and it settles all the same.
  pair.forget();
  assert.equal((await pair.run({ full: true })).code, 0);
  await inStep(pair, 0, { full: true });
  assert.deepEqual([await pair.a.rows('orders'), await pair.b.rows('orders')], [2, 2]);
});

const awkward: Omit<Order, 'id'> = {
  tmstmp: at(1), value: `"' \\ $ \${x} \n \u{1F600} 2015-01-31T00:00:00`, amount: 1.5, open: false,
  more: { list: [1, 'two', [null], { three: 3 }], empty: {}, none: null, date: '2015-01-31', number: '1.5', quoted: `"'\\` },
};

holds('D21', all, 'whatever a value holds, it is the same on the other side', async (pair) => {
  const [one, other] = ids(2) as [string, string];
  await pair.a.put('orders', [{ ...awkward, id: one } as Order]);
  await pair.b.put('orders', [{ ...awkward, id: other } as Order]);
  await inStep(pair, 2);
  const expected = { ...awkward, tmstmp: Date.parse(at(1)) };
  for (const side of [pair.a, pair.b]) assert.deepEqual(await side.orders('orders'), { [one]: { ...expected, id: one }, [other]: { ...expected, id: other } });
});

holds('D23', two, 'a field that the newer version lacks is gone on the other side', async (pair) => {
  const [one, other] = ids(2) as [string, string];
  await pair.a.put('orders', [{ id: one, tmstmp: at(1), value: 'kept', amount: 1, more: { a: 1 } }, { id: other, tmstmp: at(2), value: 'kept' }]);
  await pair.b.put('orders', [{ id: one, tmstmp: at(2), value: 'kept' }, { id: other, tmstmp: at(1), value: 'kept', amount: 1, more: { a: 1 } }]);
  await inStep(pair, 2);
  for (const side of [pair.a, pair.b]) assert.deepEqual(Object.values(await side.orders('orders')).map((order) => Object.keys(order).sort().join(' ')), ['id tmstmp value', 'id tmstmp value']);
});

holds('D26', two, 'ten thousand records of one time all arrive', async (pair) => {
  await pair.a.put('orders', ids(10_005).map((id) => ({ id, tmstmp: at(1), value: 'x' })));
  await inStep(pair, 10_005);
  assert.equal(await pair.b.rows('orders'), 10_005);
  await inStep(pair, 0, { full: true });
});

holds('D27', two, 'a place that is out of reach is one line, exit 1, and nothing is remembered', async (pair) => {
  await pair.a.put('orders', [{ id: ids(1)[0]!, tmstmp: at(1) }]);
  const { code, stdout, stderr } = await pair.run({ to: 'opensearch://127.0.0.1:9/nowhere' });
  assert.equal(stdout, '');
  assert.match(stderr, /^\w+: .*127\.0\.0\.1:9/);
  assert.deepEqual([code === 0, stderr.trimEnd().split('\n').length, await pair.until()], [false, 1, []]);
});

// Each has places of its own, and waits for servers most of the time.
describe('records in step on real servers', { concurrency: 2 }, () => {
  for (const { name, setting: { a, b, command, skip }, body } of cases) {
    test(name, { skip }, async () => {
      using pair = await Pair.make(a, b, command);
      await body(pair);
    });
  }
});
