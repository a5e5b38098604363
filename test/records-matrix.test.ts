// Records go from any kind of place to any other, on to a third and home, and are what they were; tables are made on the way.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { cp, mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { sync } from '../src/index.ts';
import type { SyncOptions } from '../src/index.ts';
import type { Collection } from '../src/model/collection.ts';
import type { Document } from '../src/model/document.ts';
import type { Store } from '../src/model/store.ts';
import { openStore } from '../src/stores/open.ts';
import { recordKey } from '../src/stores/records/record-keys.ts';
import { cassandraServer, withoutCassandra } from './services/cassandra.ts';
import { mariadb, withoutMariadb } from './services/mariadb.ts';
import { startPlainApi } from './services/plain-api.ts';
import { postgres, withoutPostgres } from './services/postgres.ts';
import { sharedSearch, skipWithoutSearch } from './services/search.ts';

const root = mkdtempSync(join(tmpdir(), 'syncline-matrix-'));
after(() => rmSync(root, { recursive: true, force: true }));

/** Values that every kind of place can hold. */
function collectionOf(name: string): Collection {
  return {
    name, key: ['id'],
    fields: [
      { name: 'id', type: { kind: 'uuid' }, nullable: false },
      { name: 'sure', type: { kind: 'boolean' }, nullable: true },
      { name: 'small', type: { kind: 'integer', bits: 32 }, nullable: true },
      { name: 'large', type: { kind: 'integer', bits: 64 }, nullable: true },
      { name: 'ratio', type: { kind: 'float', bits: 64 }, nullable: true },
      { name: 'price', type: { kind: 'decimal', digits: 20, scale: 4 }, nullable: true },
      { name: 'note', type: { kind: 'text' }, nullable: true },
      { name: 'raw', type: { kind: 'bytes' }, nullable: true },
      { name: 'at', type: { kind: 'instant', precision: 1_000 }, nullable: true },
      { name: 'day', type: { kind: 'date' }, nullable: true },
      { name: 'clock', type: { kind: 'time', precision: 1 }, nullable: true },
      { name: 'more', type: { kind: 'json' }, nullable: true },
    ],
  };
}

const documents: readonly Document[] = [
  { id: '00000000-0000-4000-8000-000000000001' },
  {
    id: '7fffffff-0000-4000-8000-000000000002', sure: true, small: -2_147_483_648, large: 9_223_372_036_854_775_807n, ratio: 0.1, price: '1234567890123456.7800', note: `it's \\ "quoted"\n\t$1 %s \u{1F600} `, raw: Uint8Array.of(0, 255, 10, 92),
    at: '2015-01-31T10:20:30.001Z', day: '2016-02-29', clock: '23:59:59.999999', more: { a: [1, null, { b: 'x' }], none: {} },
  },
  { id: 'ffffffff-0000-4000-8000-000000000003', sure: false, small: 0, large: -9_007_199_254_740_993n, ratio: -1.7976931348623157e308, price: '-0.0001', note: '', at: '1969-12-31T23:59:59Z', day: '1970-01-01', clock: '00:00:00', more: [1, 'two'] },
  { id: 'ffffffff-0000-4000-8000-000000000004', note: '2015-01-31T10:20:30Z', ratio: 5, large: 42, more: 'text' },
];

/** Each kind of place, by a way to have a new one. */
const kinds: { readonly [kind: string]: (name: string) => Promise<string> } = {
  sqlite: async (name) => `sqlite:${join(root, `${name}.sqlite`)}`,
  files: async (name) => join(root, name),
  postgres: async (name) => {
    const { query } = await postgres();
    const database = await inPostgres();
    await query(database, `create schema "${name}"`);
    return `${database}?schema=${name}`;
  },
  mysql: async () => await (await mariadb()).newDatabase(),
  cassandra: async (name) => {
    const { client, port } = await cassandraServer();
    await client.execute(`CREATE KEYSPACE ${name} WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}`);
    return `cassandra://127.0.0.1:${port}/${name}`;
  },
  opensearch: async (name) => `opensearch://${(await sharedSearch('opensearch')).address}/${name}?layout=suffix`,
};

let database: Promise<string> | undefined;
const inPostgres = (): Promise<string> => (database ??= postgres().then(({ newDatabase }) => newDatabase()));

let places = 0;
async function newPlace(kind: string, collections: readonly string[]): Promise<string> {
  const endpoint = await kinds[kind]!(`m${process.pid}x${++places}`);
  await using store = await openStore(endpoint, { missing: 'empty', as: 'documents' }) as Store;
  await store.prepare?.(collections.map(collectionOf));
  return endpoint;
}

async function contents(endpoint: string, collection: string): Promise<{ readonly [key: string]: Document }> {
  await using store = await openStore(endpoint, { as: 'documents' }) as Store;
  const found: [string, Document][] = [];
  for await (const { entries, problems = [] } of store.scan({ want: 'content', collections: [collection] })) {
    assert.deepEqual(problems, []);
    for (const { key, content } of entries) if (key.startsWith(`${collection}/`)) found.push([key, content?.kind === 'document' ? content.document : {}]);
  }
  return Object.fromEntries(found.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** Copies some collections, and sees that a second run has nothing to do. What is missing is made, unless files are where it comes from. */
async function copied(from: string, to: string, collections: readonly string[], options: SyncOptions = {}): Promise<void> {
  const chosen = from.includes(':') && !from.startsWith('http') ? `${from}${from.includes('?') ? '&' : '?'}collections=${collections.join(',')}` : from;
  const first = await sync(chosen, to, options);
  assert.deepEqual(first.failures.map(({ place, error }) => `${place}: ${error.sentence}`), [], `${from} to ${to}`);
  assert.equal(first.counts.created, documents.length * collections.length, `${from} to ${to}`);
  const { counts } = await sync(chosen, to, options);
  assert.deepEqual([counts.created, counts.updated, counts.unchanged], [0, 0, documents.length * collections.length], `a second run from ${from} to ${to}`);
}

const skip = withoutCassandra.skip || withoutMariadb.skip || withoutPostgres.skip || await skipWithoutSearch('opensearch');
const names = Object.keys(kinds);
const tableOf = (kind: string): string => `from${kind}`;
/** What knows of what types its records are. */
const tells = (kind: string): boolean => kind !== 'files';

const homes = new Map<string, Promise<string>>();
/** A place of a kind with a table of its own, and all values in it. */
function filled(kind: string, values: readonly Document[] = documents): Promise<string> {
  const name = `${kind} ${values === documents}`;
  const made = homes.get(name) ?? fill(kind, values);
  homes.set(name, made);
  return made;
}

describe('any kind of place, to any other, to a third and home', { skip, concurrency: 2 }, () => {
  for (const second of names) {
    for (const third of names.filter((kind) => kind !== second)) {
      test(`by ${second} and ${third}`, async () => {
        const firsts = names.filter((kind) => kind !== second && kind !== third);
        const one = await newPlace(second, firsts.filter((kind) => !tells(kind)).map(tableOf));
        for (const first of firsts) await copied(await filled(first), one, [tableOf(first)]);
        const other = await newPlace(third, tells(second) ? [] : firsts.map(tableOf));
        await copied(one, other, firsts.map(tableOf));
        for (const first of firsts) {
          const back = await newPlace(first, tells(third) ? [] : [tableOf(first)]);
          // Of files there is a folder for each table.
          await copied(third === 'files' ? await alone(other, tableOf(first)) : other, back, [tableOf(first)]);
          assert.deepEqual(await contents(back, tableOf(first)), await contents(await filled(first), tableOf(first)), `${first} by ${second} and ${third}`);
        }
      });
    }
  }
});

/** What an API can hold of it: JSON has no bytes. */
const sayable: readonly Document[] = documents.map(({ raw: _, ...document }) => document);
/** How an API that carries no links is told what is where. */
const linkless = { address: '/v1/{collection}/{id}' };

describe('any kind of place, to an API, to a third and home, and the other way round', { skip, concurrency: 2 }, () => {
  for (const first of names) {
    for (const other of names.filter((kind) => kind !== first)) {
      test(`of ${first}, with ${other}`, async () => {
        const table = tableOf(first);
        await using near = await startPlainApi(table);
        await using far = await startPlainApi(table);
        const home = await filled(first, sayable);
        await copied(home, near.url, [table], linkless);
        const before = await newPlace(other, [table]);
        await copied(`${near.url}/v1/${table}`, before, [table], linkless);
        await copied(before, far.url, [table], linkless);
        const back = await newPlace(first, [table]);
        await copied(`${far.url}/v1/${table}`, back, [table], linkless);
        assert.deepEqual(await contents(back, table), await contents(home, table), `${first} by an API, ${other} and an API`);
      });
    }
  }
});

/** A place of files with nothing but one of the tables in it. */
async function alone(place: string, table: string): Promise<string> {
  const folder = `${place}-${table}`;
  await mkdir(folder);
  await cp(join(place, table), join(folder, table), { recursive: true });
  return folder;
}

async function fill(kind: string, values: readonly Document[]): Promise<string> {
  const { name, key } = collectionOf(tableOf(kind));
  const endpoint = await newPlace(kind, [name]);
  await using store = await openStore(endpoint, { missing: 'empty', as: 'documents' }) as Store;
  const outcomes = await store.write(values.map((document) => ({ kind: 'put', entry: { key: recordKey(name, key.map((field) => document[field]))!, content: { kind: 'document', document } } })));
  for (const outcome of outcomes) assert.equal(outcome.kind, 'done', outcome.kind === 'failed' ? outcome.error.sentence : outcome.kind);
  const held = Object.values(await contents(endpoint, name));
  assert.deepEqual(held, values, `${kind} holds what it was given`);
  return endpoint;
}
