// What a keyspace of a real Cassandra does beyond what every store does.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Document, Value } from '../src/model/document.ts';
import type { Entry } from '../src/model/entry.ts';
import type { Key } from '../src/model/key.ts';
import type { Expectation, Outcome, Page, ScanOptions, Store, Write } from '../src/model/store.ts';
import { instantOf } from '../src/stores/records/instants.ts';
import { cassandraServer, openCassandra, withoutCassandra } from './services/cassandra.ts';

let tables = 0;

/** A table that is not there yet, by its name. */
async function newTable(columns: string, options = ''): Promise<string> {
  const { client, keyspace } = await cassandraServer();
  const name = `t${++tables}`;
  await client.execute(`CREATE TABLE ${keyspace}.${name} (${columns})${options}`);
  return name;
}

/** Runs a statement behind the store's back. `$T` stands for the table. */
async function cql(table: string, text: string): Promise<readonly { readonly [column: string]: unknown }[]> {
  const { client, keyspace } = await cassandraServer();
  return (await client.execute(text.replaceAll('$T', `${keyspace}.${table}`), [], { prepare: false })).rows as never;
}

function put(key: Key, document: Document, expect?: Expectation): Write {
  return { kind: 'put', entry: { key, content: { kind: 'document', document } }, ...(expect && { expect }) };
}

function older(key: Key, document: Document, time: string): Write {
  return put(key, document, { older: instantOf(time)! });
}

async function one(store: Store, write: Write): Promise<Outcome> {
  const [outcome] = await store.write([write]);
  return outcome!;
}

async function document(store: Store, key: Key): Promise<Document | undefined> {
  const [entry] = await store.read([{ key }]);
  return entry?.content?.kind === 'document' ? { ...entry.content.document } : undefined;
}

async function scanned(store: Store, options: ScanOptions = {}): Promise<readonly Entry[]> {
  const pages: Page[] = await Array.fromAsync(store.scan(options));
  for (const { problems = [] } of pages) assert.deepEqual(problems, []);
  return pages.flatMap(({ entries }) => entries).sort((a, b) => (a.key < b.key ? -1 : 1));
}

function messageOf(outcome: Outcome): string {
  return outcome.kind === 'failed' ? outcome.error.message : outcome.kind;
}

describe('types of Cassandra', withoutCassandra, () => {
  /** Values by the type they are of; each comes back as it was. */
  const kept: readonly (readonly [type: string, ...values: Value[]])[] = [
    ['ascii', '', 'plain', '\u0000'], ['text', '', 'Ünïcödé \u{1F600}', 'a\u0000b'], ['varchar', 'x'],
    ['boolean', true, false], ['tinyint', 0, 127, -128], ['smallint', 32_767, -32_768], ['int', 2_147_483_647, -2_147_483_648],
    ['bigint', 0, -1, Number.MAX_SAFE_INTEGER, 9_223_372_036_854_775_807n, -9_223_372_036_854_775_808n],
    ['varint', 0, -1, 127, 128, -128, -129, 255, 256, 10n ** 40n, -(10n ** 40n)],
    ['decimal', '0', '12.50', '-0.01', '1E+3', '0.0000001', '-123456789012345678901234567890.123456789', '1.50E+20', '1E-500'],
    ['float', 0.1, -1.5, 3.4028235e38, 1e-45, 16_777_216, 'NaN', 'Infinity', '-Infinity'], ['double', 0.1, 5e-324, 1.7976931348623157e308, 'NaN', 'Infinity', '-Infinity'],
    ['uuid', '919108f7-52d1-4320-9bac-f847db4148a8', '00000000-0000-0000-0000-000000000000'], ['timeuuid', 'c232ab00-9414-11ec-b3c8-9f6bdeced846'],
    ['timestamp', '1970-01-01T00:00:00Z', '2015-01-31T10:20:30.123Z', '1969-12-31T23:59:59.999Z', '0001-01-01T00:00:00Z'],
    ['date', '1970-01-01', '2016-02-29', '0001-01-01', '9999-12-31', '+012345-06-07', '-004000-01-01'],
    ['time', '00:00:00', '23:59:59.999999', '12:30:00.5'],
    ['duration', 'PT0S', 'P1M2DT3.5S', '-P1M2DT3.5S', 'PT0.000000001S', 'P2147483647M2147483647DT9223372036.854775807S'],
    ['blob', new Uint8Array(), Uint8Array.of(0, 255, 10)],
    ['inet', '127.0.0.1', '::', '::1', '2001:db8::1', 'fe80::1:0:0:1', '2001:db8:0:1:1:1:1:1', '1:0:0:2::3', '1::'],
    ['list<int>', [1], [3, 1, 2, 1]], ['set<text>', ['a', 'b']], ['map<text, int>', { a: 1, b: 2 }], ['map<int, text>', [[1, 'a'], [10, 'b'], [9, 'c']].sort((a, b) => Number(a[0]) - Number(b[0]))],
    ['frozen<list<text>>', [], ['']], ['frozen<set<int>>', [], [-1, 2, 10]], ['frozen<map<text, frozen<list<decimal>>>>', {}, { a: [], b: ['1.50', '2'] }],
    ['tuple<int, text, boolean>', [1, 'a', true], [1, null, null]], ['frozen<tuple<int, frozen<list<int>>>>', [1, []]],
    ['address', { street: 'x', zip: 12_345, tags: ['a'] }, { zip: 0, tags: [] }], ['frozen<address>', { street: '' }], ['list<frozen<address>>', [{ zip: 1 }, { street: 'y' }]],
    ['vector<float, 3>', [0.1, -2, 3.5]], ['vector<text, 2>', ['', 'x'.repeat(300)]], ['vector<int, 2>', [1, -1]],
  ];

  test('every value a column can hold comes back as it was', async () => {
    const { client, keyspace } = await cassandraServer();
    await client.execute(`CREATE TYPE IF NOT EXISTS ${keyspace}.address (street text, zip int, tags frozen<list<text>>)`);
    const table = await newTable(`id text PRIMARY KEY, ${kept.map(([type], i) => `c${i} ${type}`).join(', ')}`);
    await using store = await openCassandra({ collections: table });
    const documents: Document[] = Array.from({ length: Math.max(...kept.map((values) => values.length)) - 1 }, (_, n) => Object.fromEntries([['id', String(n)], ...kept.flatMap(([, ...values], i) => values[n] === undefined ? [] : [[`c${i}`, values[n]] as const])]));
    const outcomes = await store.write(documents.map((fields) => put(`${table}/${String(fields['id'])}`, fields)));
    assert.deepEqual(outcomes.map(messageOf), documents.map(() => 'done'));
    const entries = await scanned(store);
    for (const [n, fields] of documents.entries()) {
      assert.deepEqual(await document(store, `${table}/${n}`), Object.fromEntries(Object.entries(fields).sort(([a], [b]) => (a < b ? -1 : 1))));
      const outcome = outcomes[n]!;
      assert.deepEqual(outcome.kind === 'done' && outcome.stat.digest, entries[n]!.digest, 'the answer knew what would be held');
    }
    // What was read is also what a condition on it has to say.
    for (const [n, { version }] of entries.entries()) assert.equal((await one(store, put(`${table}/${n}`, { id: String(n) }, { version: version! }))).kind, 'done');
  });

  test('what a column cannot hold is refused by name before anything is sent', async () => {
    const wrong: readonly (readonly [type: string, ...values: Value[]])[] = [
      ['ascii', 'é', 1], ['text', 1, true, '\uD800', { a: 1 }], ['boolean', 1, 'true'], ['tinyint', 128, -129, 0.5, '1'], ['int', 2_147_483_648], ['bigint', 9_223_372_036_854_775_808n, 1.5], ['varint', '1'],
      ['decimal', 'x', '', true, NaN], ['float', 1e39, 0.123456789012, '1'], ['double', '1', 9_007_199_254_740_993n], ['uuid', 'x', ''], ['timeuuid', '919108f7-52d1-4320-9bac-f847db4148a8'],
      ['timestamp', '2015-01-31T10:20:30.1234Z', 'yesterday', 5], ['date', '2015-02-30', '2015-01-31T00:00:00Z'], ['time', '24:00:00', '12:30', '12:30:00.1234567'], ['duration', 'P', '1 day', 'P2147483648M', 'P1DT'],
      ['blob', 'x', []], ['inet', 'localhost', '1.2.3', 'fe80::1%eth0'], ['list<int>', [], [null], ['1'], 1], ['set<int>', []], ['map<text, int>', {}, [['a', 1]]], ['map<int, text>', { 1: 'a' }],
      ['tuple<int, text>', [1], [1, 2]], ['frozen<list<int>>', [1.5]], ['vector<float, 2>', [1], [1, null]],
    ];
    const table = await newTable(`id text PRIMARY KEY, ${wrong.map(([type], i) => `c${i} ${type}`).join(', ')}`);
    await using store = await openCassandra({ collections: table });
    const writes = wrong.flatMap(([, ...values], i) => values.map((value): readonly [string, Write] => [`c${i}`, put(`${table}/x`, { id: 'x', [`c${i}`]: value })]));
    const outcomes = await store.write(writes.map(([, write]) => write));
    for (const [i, outcome] of outcomes.entries()) {
      assert.ok(outcome.kind === 'failed' && outcome.error.code === 'invalid' && outcome.error.message.includes(`${writes[i]![0]} `), `${writes[i]![0]}: ${messageOf(outcome)}`);
    }
    assert.match(messageOf(outcomes[0]!), new RegExp(`^${table}/x cannot be written: c0 "é" has letters beyond ASCII$`));
    assert.deepEqual(await scanned(store), []);
  });

  test('what has no counterpart in a document is a problem of its record alone', async () => {
    const table = await newTable('id text PRIMARY KEY, at time, moment timestamp');
    await cql(table, "INSERT INTO $T (id, at) VALUES ('fine', '12:30:00.123456')");
    await cql(table, "INSERT INTO $T (id, at) VALUES ('finer', '12:30:00.123456789')");
    await cql(table, "INSERT INTO $T (id, moment) VALUES ('far', 9223372036854775807)");
    await using store = await openCassandra({ collections: table });
    const pages = await Array.fromAsync(store.scan());
    assert.deepEqual(pages.flatMap(({ entries }) => entries.map(({ key }) => key)), [`${table}/fine`]);
    assert.deepEqual(pages.flatMap(({ problems = [] }) => problems.map(({ place }) => place)).sort(), [`${table}/far`, `${table}/finer`]);
    await assert.rejects(store.read([{ key: `${table}/finer` }]), { code: 'unsupported', message: `${table}/finer: at is finer than microseconds` });
  });

  test('any scalar may be part of a key', async () => {
    const types: readonly (readonly [string, Value])[] = [['ascii', 'a/b'], ['bigint', 9_223_372_036_854_775_807n], ['blob', Uint8Array.of(0, 255)], ['boolean', true], ['date', '2015-01-31'], ['decimal', '1.50'], ['double', 0.1], ['inet', '::1'], ['int', -5], ['time', '12:30:00.5'], ['timestamp', '2015-01-31T10:20:30.5Z'], ['timeuuid', 'c232ab00-9414-11ec-b3c8-9f6bdeced846'], ['uuid', '919108f7-52d1-4320-9bac-f847db4148a8'], ['varint', 10n ** 30n], ['text', '']];
    const table = await newTable(`${types.map(([type], i) => `k${i} ${type}`).join(', ')}, v int, PRIMARY KEY ((${types.slice(0, 8).map((_, i) => `k${i}`).join(', ')}), ${types.slice(8).map((_, i) => `k${i + 8}`).join(', ')})`);
    await using store = await openCassandra({ collections: table });
    const fields = Object.fromEntries([...types.map(([, value], i) => [`k${i}`, value] as const), ['v', 1]]);
    const key = `${table}/a%2Fb/9223372036854775807/00ff/true/2015-01-31/1.50/0.1/::1/-5/12:30:00.5/2015-01-31T10:20:30.5Z/c232ab00-9414-11ec-b3c8-9f6bdeced846/919108f7-52d1-4320-9bac-f847db4148a8/1000000000000000000000000000000/`;
    assert.equal(messageOf(await one(store, put(key, fields, { absent: true }))), 'done');
    assert.deepEqual((await scanned(store)).map((entry) => entry.key), [key]);
    // What the key says need not be said again, and must not be said otherwise.
    assert.equal(messageOf(await one(store, put(key, { v: 2 }))), 'done');
    assert.equal((await document(store, key))?.['v'], 2);
    assert.match(messageOf(await one(store, put(key, { ...fields, k8: 6 }))), /is not the key of the document under it/);
    assert.match(messageOf(await one(store, put(`${table}/x`, fields))), /is no key of t\d+, whose key is k0, k1/);
    assert.equal((await one(store, { kind: 'delete', ref: { key } })).kind, 'done');
    assert.deepEqual(await scanned(store), []);
  });
});

describe('rows of Cassandra', withoutCassandra, () => {
  test('null and absent are the same, and a row of nothing but its key stays', async () => {
    const table = await newTable('id text PRIMARY KEY, v int, w list<int>');
    await using store = await openCassandra({ collections: table });
    const key = `${table}/a`;
    assert.equal(messageOf(await one(store, put(key, { v: null }, { absent: true }))), 'done');
    assert.deepEqual(await document(store, key), { id: 'a' });
    await one(store, put(key, { v: 1, w: [1] }));
    const [entry] = await scanned(store);
    assert.equal((await one(store, put(key, {}, { version: entry!.version! }))).kind, 'done');
    assert.deepEqual(await document(store, key), { id: 'a' });
    await one(store, put(key, { v: 1 }));
    await one(store, put(key, {}));
    assert.deepEqual(await document(store, key), { id: 'a' });
  });

  test('a row that was made by an update alone is replaced whole, and does not vanish', async () => {
    const table = await newTable('id text PRIMARY KEY, v int, w int');
    await cql(table, "UPDATE $T SET v = 1 WHERE id = 'a'");
    await using store = await openCassandra({ collections: table });
    const [entry] = await scanned(store);
    assert.equal((await one(store, put(`${table}/a`, {}, { version: entry!.version! }))).kind, 'done');
    assert.deepEqual(await document(store, `${table}/a`), { id: 'a' });
  });

  test('static columns are part of each row, and a partition of which nothing else is left is no record', async () => {
    const table = await newTable('p text, c int, s text static, v int, PRIMARY KEY (p, c)');
    await cql(table, "INSERT INTO $T (p, s) VALUES ('only', 's')");
    const told: string[] = [];
    await using store = await openCassandra({ collections: table }, { log: (level, message) => void (level === 'warn' && told.push(message)) });
    assert.deepEqual(await scanned(store), []);
    assert.match(told.join(), /has 1 partition with static columns and no row/);
    await store.write([put(`${table}/a/1`, { s: 'x', v: 1 }), put(`${table}/a/2`, { s: 'x', v: 2 })]);
    const entries = await scanned(store);
    assert.deepEqual(entries.map(({ content }) => content?.kind === 'document' && { ...content.document }), [{ c: 1, p: 'a', s: 'x', v: 1 }, { c: 2, p: 'a', s: 'x', v: 2 }]);
    assert.equal((await one(store, { kind: 'delete', ref: { key: `${table}/a/1` }, expect: { version: entries[0]!.version! } })).kind, 'done');
    assert.deepEqual((await scanned(store)).map(({ key }) => key), [`${table}/a/2`]);
  });

  test('counters are read, and neither written nor deleted', async () => {
    const table = await newTable('id text PRIMARY KEY, n counter');
    await cql(table, "UPDATE $T SET n = n + 5 WHERE id = 'a'");
    await using store = await openCassandra({ collections: table });
    assert.deepEqual(await document(store, `${table}/a`), { id: 'a', n: 5 });
    assert.match(messageOf(await one(store, put(`${table}/a`, { n: 6 }))), /holds counters, which take no values/);
    assert.match(messageOf(await one(store, { kind: 'delete', ref: { key: `${table}/a` } })), /holds counters/);
  });

  test('a table of many pages is read in ranges, each row once', async () => {
    const table = await newTable('id int PRIMARY KEY, v text');
    await using store = await openCassandra({ collections: table });
    const count = 6_000;
    for (let from = 0; from < count; from += 500) {
      for (const outcome of await store.write(Array.from({ length: 500 }, (_, i) => put(`${table}/${from + i}`, { v: 'x' }, { absent: true })))) assert.equal(messageOf(outcome), 'done');
    }
    const keys = (await scanned(store)).map(({ key }) => key);
    assert.equal(keys.length, count);
    assert.equal(new Set(keys).size, count);
  });

  test('large rows come in small pages', async () => {
    const table = await newTable('id int PRIMARY KEY, v blob');
    await using store = await openCassandra({ collections: table });
    const large = new Uint8Array(256 * 1024);
    const count = 200;
    for (let from = 0; from < count; from += 20) await store.write(Array.from({ length: 20 }, (_, i) => put(`${table}/${from + i}`, { v: large }, { absent: true })));
    const sizes: number[] = [];
    for await (const { entries } of store.scan()) sizes.push(entries.length);
    assert.equal(sizes.reduce((sum, size) => sum + size), count);
    assert.ok(sizes.every((size) => size <= 32), String(sizes));
  });

  test('a partition of many pages is read whole', async () => {
    const table = await newTable('p int, c int, PRIMARY KEY (p, c)');
    await using store = await openCassandra({ collections: table });
    for (let from = 0; from < 3_000; from += 500) await store.write(Array.from({ length: 500 }, (_, i) => put(`${table}/1/${from + i}`, {}, { absent: true })));
    assert.equal((await scanned(store)).length, 3_000);
  });
});

describe('newest wins in Cassandra', withoutCassandra, () => {
  const columns: readonly (readonly [type: string, time: (n: number) => Value, unit?: 'seconds' | 'microseconds'])[] = [
    ['timestamp', (n) => new Date(1_420_070_400_000 + n).toISOString().replace(/\.?0*Z$/, 'Z')],
    ['bigint', (n) => 1_420_070_400_000_000 + n, 'microseconds'],
    ['int', (n) => 1_420_070_400 + n, 'seconds'],
    ['text', (n) => new Date(1_420_070_400_000 + n).toISOString()],
  ];
  for (const conditions of ['lwt', 'timestamp'] as const) {
    for (const [type, time, modifiedUnit] of columns) {
      test(`of twenty who write one row at once, with times as ${type}, the newest stays (${conditions})`, async () => {
        const table = await newTable(`id text PRIMARY KEY, at ${type}, n int`);
        await using store = await openCassandra({ collections: table, modified: 'at', conditions, ...(modifiedUnit && { modifiedUnit }) });
        assert.ok(store.capabilities.expects.includes('older'));
        await using other = await openCassandra({ collections: table, modified: 'at', conditions, ...(modifiedUnit && { modifiedUnit }) });
        const unitMicros = modifiedUnit === 'seconds' ? 1e6 : modifiedUnit === 'microseconds' ? 1 : 1e3;
        const micros = (n: number): number => 1_420_070_400_000_000 + n * unitMicros;
        const race = async (key: Key, factor: number): Promise<void> => {
          const numbers = Array.from({ length: 20 }, (_, n) => (n * factor) % 20);
          await one(store, put(key, { at: time(-1), n: -1 }));
          const outcomes = await Promise.all(numbers.map((n, i) => one(i % 2 === 0 ? store : other, put(key, { at: time(n), n }, { older: micros(n) }))));
          assert.equal((await document(store, key))?.['n'], 19);
          assert.equal(outcomes[numbers.indexOf(19)]!.kind, 'done');
          for (const outcome of outcomes) assert.ok(outcome.kind === 'done' || outcome.kind === 'stale', messageOf(outcome));
        };
        for (const factor of [7, 19, 1, 3, 9]) await race(`${table}/${factor}`, factor);
        const key = `${table}/7`;
        // What was not newer at the time is shown what was.
        const late = await one(store, put(key, { at: time(5), n: 5 }, { older: micros(5) }));
        assert.ok(late.kind === 'stale' && late.found?.modifiedAt === micros(19));
        const same = await one(store, put(key, { at: time(19), n: 99 }, { older: micros(19) }));
        assert.equal(same.kind, 'stale');
        assert.equal((await document(store, key))?.['n'], 19);
      });
    }
  }

  test('the clock of the server is told', async () => {
    const store = await openCassandra();
    const micros = await store.clock();
    await store[Symbol.asyncDispose]();
    assert.ok(micros !== undefined && Math.abs(micros / 1_000 - Date.now()) < 10_000, String(micros));
  });

  test('a row without a time is not known to be older', async () => {
    const table = await newTable('id text PRIMARY KEY, at timestamp, n int');
    await cql(table, "INSERT INTO $T (id, n) VALUES ('a', 1)");
    await using store = await openCassandra({ collections: table, modified: 'at' });
    assert.equal((await one(store, older(`${table}/a`, { at: '2015-01-31T00:00:00Z', n: 2 }, '2015-01-31T00:00:00Z'))).kind, 'stale');
  });

  test('a window is looked at by the server where the time is indexed, and by us elsewhere, which is said', async () => {
    const table = await newTable('id text PRIMARY KEY, at timestamp');
    const logged: string[] = [];
    const open = (): Promise<Store> => openCassandra({ collections: table, modified: 'at' }, { log: (_, message) => void logged.push(message) });
    await using store = await open();
    for (const day of [1, 2, 3]) await one(store, put(`${table}/${day}`, { at: `2015-01-0${day}T00:00:00Z` }));
    await one(store, put(`${table}/none`, {}));
    const window = { after: instantOf('2015-01-01')!, until: instantOf('2015-01-02')! };
    assert.deepEqual((await scanned(store, { window })).map(({ key }) => key), [`${table}/2`, `${table}/none`]);
    assert.ok(logged.some((line) => line.includes('CREATE INDEX ON') && line.includes(table)), logged.join('\n'));
    await cql(table, "CREATE INDEX ON $T (at) USING 'sai'");
    logged.length = 0;
    await using indexed = await open();
    for (let tries = 0; ; tries++) {
      const keys = await scanned(indexed, { window }).then((entries) => entries.map(({ key }) => key), () => []);
      // An index answers some time after it was made.
      if (keys.length > 0 || tries > 100) {
        assert.deepEqual(keys, [`${table}/2`]);
        break;
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    assert.ok(!logged.some((line) => line.includes('CREATE INDEX')));
    // What has no time is in no index, and is found where everything is looked at.
    assert.deepEqual((await scanned(indexed, { window: { until: window.until } })).map(({ key }) => key), [1, 2, 'none'].map((id) => `${table}/${id}`));
  });
});

describe('every version a row', withoutCassandra, () => {
  const first = 'c232ab00-9414-11ec-b3c8-9f6bdeced846';
  const second = 'f0000000-9414-11ec-b3c8-9f6bdeced846';
  const id = '919108f7-52d1-4320-9bac-f847db4148a8';

  for (const order of ['ASC', 'DESC']) {
    test(`the newest row is the record (${order})`, async () => {
      const table = await newTable('id uuid, tmstmp timeuuid, v int, PRIMARY KEY (id, tmstmp)', ` WITH CLUSTERING ORDER BY (tmstmp ${order})`);
      for (const [time, v] of [[second, 2], [first, 1]] as const) await cql(table, `INSERT INTO $T (id, tmstmp, v) VALUES (${id}, ${time}, ${v})`);
      await using store = await openCassandra({ collections: table, modified: 'tmstmp' });
      const [entry, ...others] = await scanned(store);
      assert.deepEqual(others, []);
      assert.equal(entry?.key, `${table}/${id}`);
      assert.deepEqual(await document(store, entry.key), { id, tmstmp: second, v: 2 });
      assert.deepEqual(store.capabilities.expects, ['older']);
      assert.equal(store.capabilities.modifiedAtPrecision, 1);
      // As records, each row is one.
      await using records = await openCassandra({ collections: table, modified: 'tmstmp', versions: 'records' });
      assert.equal((await scanned(records)).length, 2);
    });
  }

  test('many versions of many records, over many pages, come down to the newest of each', async () => {
    const table = await newTable('id int, part int, tmstmp timeuuid, v int, PRIMARY KEY (id, part, tmstmp)');
    const { client, keyspace } = await cassandraServer();
    const uuid = (n: number): string => `${(0x10000000 + n).toString(16)}-9414-11ec-8080-808080808080`;
    for (let record = 0; record < 30; record++) await Promise.all(Array.from({ length: 100 }, (_, n) => client.execute(`INSERT INTO ${keyspace}.${table} (id, part, tmstmp, v) VALUES (?, ?, ?, ?)`, [record % 3, record, uuid(n), n], { prepare: true })));
    await using store = await openCassandra({ collections: table, modified: 'tmstmp' });
    const entries = await scanned(store);
    assert.equal(entries.length, 30);
    for (const { content } of entries) assert.equal(content?.kind === 'document' && content.document['v'], 99);
  });

  test('a put adds a row, whose time UUID follows from the time alone, and an older one is refused', async () => {
    const table = await newTable('id uuid, tmstmp timeuuid, v int, PRIMARY KEY (id, tmstmp)');
    await using store = await openCassandra({ collections: table, modified: 'tmstmp' });
    const key = `${table}/${id}`;
    const at = (time: string, v: number): Promise<Outcome> => one(store, older(key, { id, tmstmp: time, v }, time));
    assert.equal(messageOf(await at('2015-01-31T10:20:30.000005Z', 1)), 'done');
    const stored = await document(store, key);
    assert.match(String(stored?.['tmstmp']), /^[0-9a-f]{8}-[0-9a-f]{4}-1[0-9a-f]{3}-8080-808080808080$/);
    // What comes back from where it went is no news, nor is it a second row.
    assert.equal((await at('2015-01-31T10:20:30.000005Z', 1)).kind, 'stale');
    assert.equal((await one(store, put(key, { id, tmstmp: '2015-01-31T10:20:30.000005Z', v: 1 }))).kind, 'done');
    assert.equal((await cql(table, 'SELECT v FROM $T')).length, 1);
    assert.equal((await at('2015-01-31T10:20:30.000004Z', 0)).kind, 'stale');
    assert.equal((await at('2015-01-31T10:20:30.000006Z', 2)).kind, 'done');
    assert.equal((await document(store, key))?.['v'], 2);
    assert.equal((await cql(table, 'SELECT v FROM $T')).length, 2);
    assert.match(messageOf(await one(store, put(key, { v: 3 }))), /has no time in tmstmp/);
    const [outcome] = await store.write([{ kind: 'put', entry: { key, modifiedAt: instantOf('2016-01-01')!, content: { kind: 'document', document: { v: 4 } } }, expect: { older: instantOf('2016-01-01')! } }]);
    assert.ok(outcome?.kind === 'done' && outcome.stat.modifiedAt === instantOf('2016-01-01'));
    assert.equal((await one(store, { kind: 'delete', ref: { key } })).kind, 'done');
    assert.equal((await cql(table, 'SELECT v FROM $T')).length, 0);
  });

  test('of twenty who write one record at once the newest is read, and of those of one time one wins', async () => {
    const table = await newTable('id uuid, tmstmp timeuuid, v int, PRIMARY KEY (id, tmstmp)');
    await using store = await openCassandra({ collections: table, modified: 'tmstmp' });
    const key = `${table}/${id}`;
    const time = (n: number): string => `2015-01-31T10:20:30.0000${String(n).padStart(2, '0')}Z`;
    await Promise.all(Array.from({ length: 20 }, (_, n) => one(store, older(key, { tmstmp: time((n * 7) % 20), v: (n * 7) % 20 }, time((n * 7) % 20)))));
    assert.equal((await document(store, key))?.['v'], 19);
    const ties = await Promise.all([1, 2, 3, 4].map((v) => one(store, older(key, { tmstmp: time(50), v }, time(50)))));
    assert.equal(ties.filter(({ kind }) => kind === 'done').length, 1);
    assert.equal((await document(store, key))?.['v'], 1 + ties.findIndex(({ kind }) => kind === 'done'));
  });

  test('a window does not take an older version for the newest', async () => {
    const table = await newTable('id uuid, tmstmp timeuuid, v int, PRIMARY KEY (id, tmstmp)');
    await using store = await openCassandra({ collections: table, modified: 'tmstmp' });
    for (const day of [1, 2, 3]) await one(store, put(`${table}/${id}`, { tmstmp: `2015-01-0${day}T00:00:00Z`, v: day }));
    assert.deepEqual(await scanned(store, { window: { after: instantOf('2015-01-01')!, until: instantOf('2015-01-02')! } }), []);
    assert.equal((await scanned(store, { window: { after: instantOf('2015-01-02')! } })).length, 1);
    assert.equal((await scanned(store, { window: { after: instantOf('2015-01-03')! } })).length, 0);
  });
});

test('about how many records there are is known where each is a partition, once the node has looked at its files', withoutCassandra, async () => {
  const table = await newTable('id int PRIMARY KEY, v text', ' WITH memtable_flush_period_in_ms = 1000');
  await using store = await openCassandra({ collections: table });
  for (let from = 0; from < 4_000; from += 500) await store.write(Array.from({ length: 500 }, (_, i) => put(`${table}/${from + i}`, { v: 'x' })));
  let estimate: number | undefined;
  for (let tries = 0; tries < 240 && (estimate ?? 0) < 3_000; tries++) {
    await sleep(500);
    estimate = await store.estimate();
  }
  assert.ok(estimate !== undefined && estimate >= 3_000 && estimate <= 6_000, String(estimate));
  await using parted = await openCassandra({ collections: await newTable('p int, c int, PRIMARY KEY (p, c)') });
  assert.equal(await parted.estimate(), undefined);
});
