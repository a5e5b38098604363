// Records that say by themselves where they belong go from any kind of place to any other, also to one that knows them by nothing else, in a bucket or in memory, on to a third and home.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import type { ExampleApi } from '../examples/api/server.ts';
import { startExampleApi } from '../examples/api/server.ts';
import { openState, sync } from '../src/index.ts';
import type { Document } from '../src/model/document.ts';
import type { Store } from '../src/model/store.ts';
import { hal } from '../src/schema/hal.ts';
import { MemoryStore } from '../src/stores/memory/memory-store.ts';
import { openStore } from '../src/stores/open.ts';
import { missingS3, newBucket, s3Host, s3Server } from './services/s3.ts';

const root = mkdtempSync(join(tmpdir(), 'syncline-ring-'));
after(() => rmSync(root, { recursive: true, force: true }));

const table = 'order';

function record(id: string, fields: Document): Document {
  return { id, _links: { self: { href: `/api/${table}/${id}` } }, ...fields };
}

/** Values that every kind of place can hold. */
const documents: readonly Document[] = [
  record('1', {}),
  record('b-2', { note: `it's \\ "quoted"\n\t$1 %s \u{1F600} `, sure: true, small: -2_147_483_648, large: 9_007_199_254_740_991, ratio: 0.1, more: { a: [1, null, { b: 'x' }], none: {} } }),
  record('C_3', { note: '', sure: false, small: 0, large: -42, ratio: -1.5e300, more: [1, 'two', true] }),
  record('4', { note: '2015-01-31T10:20:30Z', more: 'text' }),
];

const columns = ['note', 'sure', 'small', 'large', 'ratio', 'more'];
const tableOf = { name: table, key: ['id'], fields: [
  { name: 'id', type: { kind: 'text' }, nullable: false }, { name: '_links', type: { kind: 'json' }, nullable: true }, { name: 'note', type: { kind: 'text' }, nullable: true }, { name: 'sure', type: { kind: 'boolean' }, nullable: true },
  { name: 'small', type: { kind: 'integer', bits: 32 }, nullable: true }, { name: 'large', type: { kind: 'integer', bits: 64 }, nullable: true }, { name: 'ratio', type: { kind: 'float', bits: 64 }, nullable: true }, { name: 'more', type: { kind: 'json' }, nullable: true },
] } as const;

let places = 0;
const apis: ExampleApi[] = [];
after(() => Promise.all(apis.map((api) => api.close())));
/** Each kind of place, by a way to have a new one. */
const kinds: { readonly [kind: string]: () => Promise<string | Store> } = {
  'memory': async () => new MemoryStore({ name: `memory ${++places}`, schema: hal }),
  'directory': async () => join(root, String(++places)),
  'yaml': async () => join(root, `${++places}.yaml`),
  'ndjson': async () => join(root, `${++places}.ndjson`),
  'rest': async () => {
    const api = await startExampleApi({ types: [table], log: false });
    apis.push(api);
    return `${api.url}/api/${table}`;
  },
  'sqlite': async () => await tabled(`sqlite:${join(root, `${++places}.sqlite`)}`),
  ...(missingS3 === undefined && {
    s3: async () => {
      const { endpoint } = await s3Server();
      return `s3://${newBucket()}/there?endpoint=${endpoint}&create=true`;
    },
  }),
};

async function tabled(endpoint: string): Promise<string> {
  await using store = await openStore(endpoint, { missing: 'empty' }) as Store;
  await store.prepare!([tableOf]);
  return endpoint;
}

/** What a place holds, by what each record says of itself. */
async function held(place: string | Store): Promise<readonly Document[]> {
  const store = typeof place === 'string' ? await openStore(place, { as: 'documents', ...(missingS3 === undefined && { host: await s3Host() }) }) as Store : place;
  const found: Document[] = [];
  for await (const { entries, problems = [] } of store.scan({ want: 'content' })) {
    assert.deepEqual(problems, []);
    for (const { content } of entries) if (content?.kind === 'document') found.push(plain(content.document));
  }
  if (typeof place === 'string') await store[Symbol.asyncDispose]();
  return found.toSorted((a, b) => (String(a['id']) < String(b['id']) ? -1 : 1));
}

/** A record with its own fields in order; an address says where the place is as well. */
function plain(document: Document): Document {
  return record(String(document['id']), Object.fromEntries(columns.flatMap((name) => (document[name] === undefined ? [] : [[name, document[name]]]))));
}

async function copied(from: string | Store, to: string | Store): Promise<void> {
  // Which host a link names makes no difference between resources, and does between rows: what was learned of the first run says that they are equal.
  await using state = openState(undefined);
  const options = { as: 'documents', state, ...(missingS3 === undefined && { host: await s3Host() }) } as const;
  const first = await sync(from, to, options);
  assert.deepEqual(first.failures.map(({ place, error }) => `${place}: ${error.sentence}`), []);
  assert.equal(first.counts.created, documents.length);
  const { counts } = await sync(from, to, options);
  assert.deepEqual([counts.created, counts.updated], [0, 0], 'a second run writes nothing');
}

const names = Object.keys(kinds);
const expected = documents.map(plain).toSorted((a, b) => (String(a['id']) < String(b['id']) ? -1 : 1));

describe('a record that says where it belongs is what it was when it comes home', () => {
  for (const second of names) {
    for (const third of names.filter((kind) => kind !== second)) {
      test(`by ${second} and ${third}`, async () => {
        for (const first of names.filter((kind) => kind !== second && kind !== third)) {
          const home = await kinds[first]!();
          const begin = new MemoryStore({ name: `memory ${++places}`, schema: hal });
          for (const document of documents) begin.edit(`${table}/${String(document['id'])}`, document);
          await copied(begin, home);
          const one = await kinds[second]!();
          const other = await kinds[third]!();
          const back = await kinds[first]!();
          await copied(home, one);
          await copied(one, other);
          await copied(other, back);
          assert.deepEqual(await held(home), expected, `${first} holds what it was given`);
          assert.deepEqual(await held(back), expected, `${first} by ${second} and ${third}`);
        }
      });
    }
  }
});
