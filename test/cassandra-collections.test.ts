// Tables of a real Cassandra that are described and made, and what is said where something is amiss.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { describe, test } from 'node:test';
import type { Collection, Field } from '../src/model/collection.ts';
import type { Document, Value } from '../src/model/document.ts';
import { plainHost } from '../src/model/plain-host.ts';
import type { Outcome, Store, Write } from '../src/model/store.ts';
import { kind } from '../src/stores/cassandra/kind.ts';
import type { CassandraOptions } from '../src/stores/cassandra/kind.ts';
import { endpointOptions } from '../src/stores/endpoint-options.ts';
import { cassandraServer, openCassandra, withoutCassandra } from './services/cassandra.ts';

function put(key: string, document: Document): Write {
  return { kind: 'put', entry: { key, content: { kind: 'document', document } } };
}

async function execute(text: string): Promise<void> {
  const { client, keyspace } = await cassandraServer();
  await client.execute(text.replaceAll('$K', keyspace));
}

function messageOf(outcome: Outcome | undefined): string {
  return outcome?.kind === 'failed' ? outcome.error.message : String(outcome?.kind);
}

async function contentOf(store: Store, key: string): Promise<Document | undefined> {
  const [entry] = await store.read([{ key }]);
  return entry?.content?.kind === 'document' ? { ...entry.content.document } : undefined;
}

describe('collections of Cassandra', withoutCassandra, () => {
  test('a table is described with its types and its key', async () => {
    await execute('CREATE TYPE IF NOT EXISTS $K.place (street text, zip int)');
    await execute('CREATE TABLE $K.described (p uuid, "C" timeuuid, s text static, n bigint, v varint, d decimal, at timestamp, m map<text, frozen<list<int>>>, u frozen<place>, t tuple<int, text>, e vector<float, 2>, j text, PRIMARY KEY (p, "C"))');
    await using store = await openCassandra({ collections: 'descri*', json: 'described.j' });
    const [table, ...others] = await store.describe();
    assert.deepEqual(others, []);
    assert.deepEqual([table?.name, table?.key], ['described', ['p', 'C']]);
    assert.deepEqual(Object.fromEntries(table!.fields.map(({ name, type, nullable }) => [name, [type, nullable]])), {
      C: [{ kind: 'time-uuid' }, false], p: [{ kind: 'uuid' }, false], s: [{ kind: 'text' }, true], n: [{ kind: 'integer', bits: 64 }, true], v: [{ kind: 'integer' }, true], d: [{ kind: 'decimal' }, true],
      at: [{ kind: 'instant', precision: 1_000 }, true], m: [{ kind: 'map', keys: { kind: 'text' }, of: { kind: 'list', of: { kind: 'integer', bits: 32 } } }, true],
      u: [{ kind: 'record', fields: [{ name: 'street', type: { kind: 'text' }, nullable: true }, { name: 'zip', type: { kind: 'integer', bits: 32 }, nullable: true }] }, true],
      t: [{ kind: 'json' }, true], e: [{ kind: 'list', of: { kind: 'float', bits: 32 } }, true], j: [{ kind: 'json' }, true],
    });
  });

  test('a table whose key holds several values in one column is named as one that cannot be read, and the others are read', async () => {
    for (const text of ['TABLE $K.lists (k frozen<list<int>> PRIMARY KEY)', 'TABLE $K.single (k int PRIMARY KEY)']) await execute(`CREATE ${text}`);
    await execute('INSERT INTO $K.lists (k) VALUES ([1, 2])');
    await execute('INSERT INTO $K.single (k) VALUES (1)');
    await using store = await openCassandra({ collections: 'lists,single' });
    const pages = await Array.fromAsync(store.scan());
    assert.deepEqual(pages.flatMap(({ entries }) => entries.map(({ key }) => key)), ['single/1']);
    assert.deepEqual(pages.flatMap(({ problems = [] }) => problems.map(({ collection, error }) => [collection, / has k in its key, which holds several values at once/.test(error.message)])), [['lists', true]]);
  });

  test('a collection of every type is made, and holds every value of it', async () => {
    const values: readonly (readonly [Field['type'], Value])[] = [
      [{ kind: 'boolean' }, true], [{ kind: 'text' }, 'x'], [{ kind: 'bytes' }, Uint8Array.of(1)], [{ kind: 'uuid' }, '919108f7-52d1-4320-9bac-f847db4148a8'], [{ kind: 'time-uuid' }, 'c232ab00-9414-11ec-b3c8-9f6bdeced846'],
      [{ kind: 'date' }, '2015-01-31'], [{ kind: 'json' }, { a: [1, null, { b: 'x' }] }], [{ kind: 'json' }, null], [{ kind: 'duration' }, 'P1M'],
      [{ kind: 'integer', bits: 8 }, -128], [{ kind: 'integer', bits: 16, unsigned: true }, 65_535], [{ kind: 'integer', bits: 64, unsigned: true }, 18_446_744_073_709_551_615n], [{ kind: 'integer' }, 10n ** 30n],
      [{ kind: 'float', bits: 32 }, 0.1], [{ kind: 'float', bits: 64 }, 0.1], [{ kind: 'decimal', digits: 10, scale: 2 }, '12.50'],
      [{ kind: 'instant', precision: 1 }, '2015-01-31T10:20:30.123456Z'], [{ kind: 'instant', precision: 1_000 }, '2015-01-31T10:20:30.123Z'], [{ kind: 'local', precision: 1 }, '2015-01-31T10:20:30.123456'], [{ kind: 'time', precision: 1 }, '10:20:30.123456'],
      [{ kind: 'list', of: { kind: 'text' } }, []], [{ kind: 'set', of: { kind: 'integer', bits: 32 } }, [1, 2]], [{ kind: 'map', keys: { kind: 'text' }, of: { kind: 'integer', bits: 64 } }, {}],
      [{ kind: 'list', of: { kind: 'json' } }, [{ a: 1 }]], [{ kind: 'record', fields: [] }, { a: { b: [] } }], [{ kind: 'other', name: 'point' }, '(1,2)'],
    ];
    const collection: Collection = { name: 'every', key: ['id', 'part'], fields: [{ name: 'id', type: { kind: 'integer', bits: 64 }, nullable: false }, { name: 'part', type: { kind: 'text' }, nullable: false }, ...values.map(([type], i): Field => ({ name: `c${i}`, type, nullable: true }))] };
    await using store = await openCassandra({ collections: 'every' });
    await store.prepare([collection]);
    // A second time there is nothing to do.
    await store.prepare([collection]);
    const document = Object.fromEntries([['id', 1], ['part', 'a'], ...values.map(([, value], i) => [`c${i}`, value] as const)]);
    assert.equal(messageOf((await store.write([put('every/1/a', document)]))[0]), 'done');
    assert.deepEqual(await contentOf(store, 'every/1/a'), Object.fromEntries(Object.entries(document).sort(([a], [b]) => (a < b ? -1 : 1))));
    // Which columns hold JSON is known to whoever opens it next.
    await using again = await openCassandra({ collections: 'every' });
    assert.deepEqual((await contentOf(again, 'every/1/a'))?.['c6'], { a: [1, null, { b: 'x' }] });
    assert.deepEqual((await again.describe())[0]?.fields.find(({ name }) => name === 'c6')?.type, { kind: 'json' });
  });

  test('of several collections all are made or none, and none where that is not wanted', async () => {
    const good: Collection = { name: 'good', key: ['id'], fields: [{ name: 'id', type: { kind: 'text' }, nullable: false }] };
    const bad: Collection = { name: 'bad', key: ['id'], fields: [{ name: 'id', type: { kind: 'json' }, nullable: false }] };
    await using store = await openCassandra();
    await assert.rejects(store.prepare([good, bad]), { code: 'unsupported', message: /cannot have a table bad: id cannot be part of its key$/ });
    await assert.rejects(store.prepare([{ ...good, name: 'no-name' }]), { code: 'unsupported' });
    assert.ok(!(await store.describe()).some(({ name }) => name === 'good'));
    await using refusing = await openCassandra({ create: false });
    await assert.rejects(refusing.prepare([good]), (error: Error & { details: { hint: string } }) => error.message.endsWith('has no table good') && error.details.hint.includes('CREATE TABLE IF NOT EXISTS'));
    // A dry run asks first, and hears the same.
    await assert.rejects(refusing.checkPrepare([good]), { code: 'not-found', message: /has no table good$/ });
    await assert.rejects(store.checkPrepare([bad]), { code: 'unsupported', message: /cannot have a table bad: id cannot be part of its key$/ });
    for (const asked of [store.prepare.bind(store), store.checkPrepare.bind(store)]) await assert.rejects(asked([{ name: 'untold', fields: [], key: [] }]), { code: 'not-found', message: `${store.name} has no table untold` });
    await store.checkPrepare([good]);
    assert.equal(messageOf((await store.write([put('good/1', { id: '1' })]))[0]), `cannot write good/1: ${store.name} has no table good`);
    await store.prepare([good]);
    assert.equal(messageOf((await store.write([put('good/1', { id: '1' })]))[0]), 'done');
  });

  test('the time of records becomes a timestamp, and where versions are rows a time UUID in the key', async () => {
    const collection: Collection = { name: 'timed_one', key: ['id'], fields: [{ name: 'id', type: { kind: 'uuid' }, nullable: false }, { name: 'at', type: { kind: 'instant', precision: 1 }, nullable: true }] };
    await using store = await openCassandra({ collections: 'timed_*', modified: 'at' });
    await store.prepare([collection]);
    const typeOf = async (name: string): Promise<string | undefined> => (await store.describe()).find((one) => one.name === name)?.fields.find((field) => field.name === 'at')?.type.kind;
    assert.equal(await typeOf('timed_one'), 'instant');
    const [outcome] = await store.write([put('timed_one/919108f7-52d1-4320-9bac-f847db4148a8', { at: '2015-01-31T10:20:30.123456Z' })]);
    assert.ok(outcome?.kind === 'done' && outcome.stat.modifiedAt === 1_422_699_630_123_000);
    await using rows = await openCassandra({ collections: 'versioned_*', modified: 'at', versions: 'rows' });
    await rows.prepare([{ ...collection, name: 'versioned_one' }]);
    // Another one is made like the one beside it.
    await using detecting = await openCassandra({ collections: 'versioned_*', modified: 'at' });
    await detecting.prepare([{ ...collection, name: 'versioned_two', fields: collection.fields.slice(0, 1) }]);
    const tables = await detecting.describe();
    assert.deepEqual(tables.map(({ name, key, fields }) => [name, key, fields.find((field) => field.name === 'at')?.type.kind]), [['versioned_one', ['id'], 'time-uuid'], ['versioned_two', ['id'], 'time-uuid']]);
  });

  test('a collection whose key is not among its fields gets one', async () => {
    await using store = await openCassandra();
    await store.prepare([{ name: 'keyless', key: [], fields: [{ name: 'v', type: { kind: 'integer', bits: 32 }, nullable: true }] }]);
    assert.equal(messageOf((await store.write([put('keyless/abc', { v: 1 })]))[0]), 'done');
    assert.deepEqual(await contentOf(store, 'keyless/abc'), { id: 'abc', v: 1 });
  });
});

describe('what is amiss with Cassandra', withoutCassandra, () => {
  test('a keyspace that is not there is said, and how to make one', async () => {
    await using store = await openCassandra({}, {}, 'nowhere');
    await assert.rejects(Array.fromAsync(store.scan()), (error: Error & { code: string; details: { hint: string } }) => error.code === 'not-found' && error.message.startsWith('there is no keyspace nowhere at cassandra://') && error.details.hint.includes('CREATE KEYSPACE "nowhere"'));
  });

  test('a table that is named and not there is not taken for an empty one, but by whoever will fill it', async () => {
    await using source = await openCassandra({ collections: 'absent', missing: 'refuse' });
    await assert.rejects(Array.fromAsync(source.scan()), { code: 'not-found', message: `${source.name} has no table absent` });
    await using target = await openCassandra({ collections: 'absent', missing: 'empty' });
    assert.deepEqual(await Array.fromAsync(target.scan()), []);
  });

  test('servers that do not answer are named in one sentence', async () => {
    const silent = createServer((socket) => void socket.destroy()).listen(0, '127.0.0.1');
    await new Promise((resolve) => silent.once('listening', resolve));
    const { port } = silent.address() as AddressInfo;
    try {
      await using store = await kind.open(`cassandra://127.0.0.1:1,127.0.0.1:${port}/app`, { timeoutMs: 2_000 }, plainHost) as Store;
      await assert.rejects(Array.fromAsync(store.scan()), (error: Error & { code: string; retryable: boolean }) => {
        assert.match(error.message, new RegExp(`^cannot read the schema of cassandra://127.0.0.1:1,127.0.0.1:${port}/app: 127.0.0.1:1 does not answer \\([^()]*\\), 127.0.0.1:${port} ends the connection without an answer$`));
        return error.code === 'unavailable' && error.retryable;
      });
    } finally {
      silent.close();
    }
  });

  test('a port at which something else answers, or nothing does, is told long before the driver gives up', async () => {
    const other = createServer((socket) => void socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')).listen(0, '127.0.0.1');
    const mute = createServer(() => {}).listen(0, '127.0.0.1');
    await Promise.all([once(other, 'listening'), once(mute, 'listening')]);
    const [first, second] = [other, mute].map((server) => (server.address() as AddressInfo).port);
    try {
      await using wrong = await kind.open(`cassandra://127.0.0.1:${first}/app`, {}, plainHost) as Store;
      await assert.rejects(Array.fromAsync(wrong.scan()), { code: 'unavailable', message: `cannot read the schema of ${wrong.name}: what answers at 127.0.0.1:${first} is no Cassandra` });
      await using silent = await kind.open(`cassandra://127.0.0.1:${second}/app`, { timeoutMs: 200 }, plainHost) as Store;
      await assert.rejects(Array.fromAsync(silent.scan()), { code: 'unavailable', message: `cannot read the schema of ${silent.name}: 127.0.0.1:${second} does not answer within 200 ms` });
      // One that is Cassandra will do.
      const { port, keyspace } = await cassandraServer();
      await using some = await kind.open(`cassandra://127.0.0.1:${first},127.0.0.1:${port}/${keyspace}`, {}, plainHost) as Store;
      assert.ok(Array.isArray(await some.describe!()));
    } finally {
      other.close();
      mute.close();
    }
  });

  test('a data centre that is not there is said', async () => {
    await using store = await openCassandra({ localDataCenter: 'elsewhere' });
    await assert.rejects(Array.fromAsync(store.scan()), { code: 'invalid', message: /elsewhere/ });
  });

  test('endpoints and options that cannot be used are refused before anything is connected to', async () => {
    const open = async (endpoint: string, options: CassandraOptions = {}): Promise<unknown> => await kind.open(endpoint, options, plainHost);
    const refused: readonly (readonly [string, RegExp, CassandraOptions?])[] = [
      ['cassandra://me:secret@db/app', /^cassandra:\/\/db\/app is given with a password, which others could read$/], ['cassandra://db', /does not name a keyspace/], ['cassandra://db/a/b', /does not name a keyspace/],
      ['cassandra:///app', /does not name servers/], ['cassandra://db:x/app', /does not name servers/], ['cassandra://db:99999/app', /does not name servers/],
      ['cassandra://db/app', /conditions=timestamp takes a time/, { conditions: 'timestamp' }], ['cassandra://db/app', /versions=rows takes a column/, { versions: 'rows' }], ['cassandra://db/app', /concurrency is 0/, { concurrency: 0 }], ['cassandra://db/app', /cannot be read/, { tlsCa: 'no/such/file' }],
    ];
    for (const [endpoint, message, options] of refused) await assert.rejects(open(endpoint, options), { code: 'invalid', message });
    const identities = await Promise.all(['cassandra://B,a:9042/app', 'cassandra://a,b/app', 'cassandra://a,b:9042/app', 'cassandra://you@a,b/app'].map(async (endpoint) => ((await open(endpoint)) as Store).identity));
    assert.deepEqual([...new Set(identities)], ['cassandra://a:9042,b:9042/app']);
    await using store = await kind.open('cassandra://you@db/app', {}, { ...plainHost, environment: {} }) as Store;
    await assert.rejects(Array.fromAsync(store.scan()), { code: 'denied', message: 'there is no password for you at cassandra://db:9042/app' });
    assert.deepEqual(endpointOptions('cassandra://db/app?local-data-center=one&tls&conditions=timestamp', kind).options, { localDataCenter: 'one', tls: true, conditions: 'timestamp' });
  });
});
