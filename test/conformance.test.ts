import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { startExampleApi } from '../examples/api/server.ts';
import type { ExampleApi, ExampleApiOptions } from '../examples/api/server.ts';
import { readDocuments } from '../src/formats/detect.ts';
import { writeJson } from '../src/formats/json.ts';
import { writeYamlDocument } from '../src/formats/yaml-write.ts';
import type { Document } from '../src/model/document.ts';
import { compareKeys, joinKey, splitKey } from '../src/model/key.ts';
import type { Key } from '../src/model/key.ts';
import { plainHost } from '../src/model/plain-host.ts';
import type { Store } from '../src/model/store.ts';
import { hal } from '../src/schema/hal.ts';
import { simple } from '../src/schema/simple.ts';
import { documentsIn } from '../src/stores/documents/documents-in.ts';
import { ActorStore } from '../src/stores/actor/actor-store.ts';
import type { Actor } from '../src/stores/actor/actor.ts';
import { FileStore } from '../src/stores/file/file-store.ts';
import { MemoryStore } from '../src/stores/memory/memory-store.ts';
import { NullStore } from '../src/stores/null/kind.ts';
import { dated } from '../src/stores/records/dated.ts';
import { kind as rest } from '../src/stores/rest/kind.ts';
import type { RestOptions } from '../src/stores/rest/kind.ts';
import { StandardStreams } from '../src/stores/stdio/standard-streams.ts';
import { kind as swift } from '../src/stores/swift/kind.ts';
import { TreeStore } from '../src/stores/tree/tree-store.ts';
import { testStore, wrapped } from '../src/testing/index.ts';
import type { Subject } from '../src/testing/index.ts';
import { minioServer, missingMinio } from './services/minio.ts';
import { missingS3, newBucket, openAt, openS3 } from './services/s3.ts';
import { sharedListingLimit, sharedSwift, skipWithoutSwift } from './services/swift.ts';

const root = mkdtempSync(join(tmpdir(), 'syncline-conformance-'));
const servers: ExampleApi[] = [];
after(async () => { for (const server of servers) await server.close(); });
after(() => rmSync(root, { recursive: true, force: true }));
let places = 0;

/** Names that lead out of a directory, that no file may have, or that need a directory where there is a file. */
const noFileNames = ['a/b', '..', '.', '../up', 'a/../b', './a', '/a', 'a/', 'a//b', '\u0000'];

/** Values that JSON has no words for. */
const noJson = ['bytes', 'no bytes', 'infinity', 'not a number'];

const subjects: { readonly [name: string]: Subject } = {
  'memory, documents': { open: async () => new MemoryStore() },
  'memory, documents, in no order': { open: async () => new MemoryStore({ order: 'none', pageEntries: 3, batchEntries: 4 }) },
  'memory, blobs': { open: async () => new MemoryStore({ holds: 'blobs' }) },
  'memory, blobs, that enforces nothing and assigns times': { open: async () => new MemoryStore({ holds: 'blobs', expects: [], modifiedAt: 'assigned' }) },
  'memory, that deletes nothing, knows no times and digests nothing': { open: async () => new MemoryStore({ deletes: false, modifiedAt: 'none', digests: [] }) },
  'memory, listed by collection, with coarse times': { open: async () => new MemoryStore({ enumerates: 'collections', modifiedAtPrecision: 1_000_000, schema: simple }), ...documents() },
  'memory, that adds to what it is given': { open: async () => new MemoryStore({ transform: (document) => ({ ...document, stamp: 1 }) }), adds: true },
  'documents in blobs, YAML': { open: async () => documentsIn(new MemoryStore({ holds: 'blobs' }), { schema: simple, format: 'yaml', host: plainHost }), ...documents(), partBytes: 240 },
  'documents in blobs, JSON': { open: async () => documentsIn(new MemoryStore({ holds: 'blobs' }), { schema: simple, format: 'json', host: plainHost }), ...documents(), partBytes: 240, refuses: noJson },
  'documents in a tree, YAML': inFolder((folder) => documentsIn(new TreeStore(folder, plainHost, { missing: 'empty' }), { schema: simple, format: 'yaml', host: plainHost }), { ...documents(), partBytes: 240 }),
  'documents in a tree, JSON': inFolder((folder) => documentsIn(new TreeStore(folder, plainHost, { missing: 'empty' }), { schema: simple, format: 'json', host: plainHost }), { ...documents(), partBytes: 240, refuses: noJson }),
  'memory, whose documents say when they were modified': { open: async () => dated(new MemoryStore(), { modified: 'at' }), adds: true },
  'documents in blobs that say when they were modified': { open: async () => dated(documentsIn(new MemoryStore({ holds: 'blobs' }), { schema: simple, format: 'yaml', host: plainHost }), { modified: 'at', modifiedUnit: 'microseconds' }), ...documents(), partBytes: 240, adds: true },
  'standard input, YAML': standardInput((documents) => documents.map((document) => writeYamlDocument(document)).join('')),
  'standard input, JSON': standardInput((documents) => documents.map((document) => `${writeJson(document)}\n`).join('')),
  'standard output, YAML': standardOutput('yaml'),
  'standard output, JSON': standardOutput('json'),
  'null': { is: 'sink', open: async () => new NullStore() },
  'REST, with ETags': overHttp({}),
  'REST, from the top, listed by collection': overHttp({ types: ['thing'] }, { path: '/' }),
  'REST, without ETags, in batches': overHttp({ etags: false }, { options: { batchSize: 7 } }),
  'REST, by a server that adds, reorders, stamps and makes links of its own': overHttp({ behaviour: { defaults: { state: 'new' }, reorder: true, stamp: true, ownLinks: true } }),
  'file, YAML': file('.yaml'),
  'file, JSON': { ...file('.json'), refuses: noJson },
  'file, NDJSON': { ...file('.ndjson'), refuses: noJson },
  'actor, sorted': { open: async () => new ActorStore(heldActor(true)) },
  'actor, in no order': { open: async () => new ActorStore(heldActor(false)) },
  'tree': inFolder((folder) => new TreeStore(folder, plainHost, { missing: 'empty' }), { refuses: noFileNames }),
};

/** Documents of the simple schema, for places that read keys off what they hold. */
function documents(): Pick<Subject, 'key' | 'document' | 'schema'> {
  return {
    schema: simple,
    key: (name) => joinKey(['thing', name]),
    document: (key: Key, fields: Document) => {
      const [type = '', id = ''] = splitKey(key);
      return { ...fields, type, id, uri: `/api/${type}/${Buffer.from(id).toString('hex')}` };
    },
  };
}

/** Standard input that holds what it should. */
function standardInput(textOf: (documents: readonly Document[]) => string): Subject {
  return {
    is: 'source',
    ...documents(),
    open: async (samples) => {
      const text = textOf(samples.flatMap(({ content }) => (content.kind === 'document' ? [content.document] : [])));
      // In pieces that fit no boundary of what is in them.
      const input = async function* (): AsyncGenerator<Uint8Array> { for (let at = 0, bytes = Buffer.from(text); at < bytes.length; at += 1_000) yield bytes.subarray(at, at + 1_000); };
      return new StandardStreams({ input, write: async () => {} }, simple, 'yaml');
    },
  };
}

function standardOutput(format: 'yaml' | 'json'): Subject {
  let text = '';
  return {
    is: 'sink',
    ...documents(),
    open: async () => {
      text = '';
      return new StandardStreams({ async *input() {}, write: async (more) => { text += more; } }, simple, format);
    },
    written: async () => {
      const read: Document[] = [];
      for await (const { value } of readDocuments(oneChunk(text), 'standard output', format)) read.push(value as Document);
      return read;
    },
  };
}

async function* oneChunk(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
}

function file(extension: string): Subject {
  return inFolder((path) => new FileStore(path + extension, plainHost, { schema: simple, missing: 'empty' }), documents());
}

/** An actor that keeps everything in memory. */
function heldActor(alreadySorted: boolean): Actor {
  const held = new Map<string, Buffer>();
  return {
    alreadySorted,
    *list() {
      for (const key of alreadySorted ? [...held.keys()].sort(compareKeys) : held.keys()) {
        const bytes = held.get(key)!;
        yield { key, size: bytes.length, md5: createHash('md5').update(bytes).digest('hex') };
      }
    },
    upload: async (file) => void held.set(file.key, Buffer.concat(await Array.fromAsync(file.open()))),
    delete: async (key) => void held.delete(key),
    async *download(key) { yield held.get(key)!; },
  };
}

/** The example API, a server of its own for every place. */
function overHttp(api: ExampleApiOptions, { path = '/api/thing', options = {} }: { readonly path?: string; readonly options?: RestOptions } = {}): Subject {
  let url = '';
  const open = async (): Promise<Store> => await rest.open(url + path, { maxAttempts: 1, ...options }, plainHost) as Store;
  return {
    schema: hal,
    key: (name) => joinKey(['thing', name]),
    document: (key, fields) => {
      const [type = '', id = ''] = splitKey(key);
      return { ...fields, id, _links: { self: { href: `/api/${type}/${encodeURIComponent(id)}` } } };
    },
    adds: true,
    probes: true,
    loses: ['negative zero'],
    refuses: ['.', '..', ...noJson],
    open: async () => {
      const server = await startExampleApi({ log: false, ...api });
      servers.push(server);
      url = server.url;
      return await open();
    },
    reopen: open,
  };
}

/** A subject whose places are paths that nothing uses yet, and outlive being closed. */
function inFolder(open: (path: string) => Subject['open'] extends (...args: never) => Promise<infer Place> ? Place : never, subject: Partial<Subject> = {}): Subject {
  let path = '';
  return {
    open: async () => open((path = join(root, `${places++}`))),
    reopen: async () => open(path) as Awaited<ReturnType<NonNullable<Subject['reopen']>>>,
    ...subject,
  };
}

for (const [name, subject] of Object.entries(subjects)) {
  describe(name, () => testStore(test, subject));
  describe(`${name}, wrapped`, () => testStore(test, wrapped(subject)));
}

/** A container that nothing uses yet, or a part of one, on a Swift server. */
function onSwift(path: string, seen: (blobs: Store) => Store, subject: Partial<Subject> = {}): Subject {
  let endpoint = '';
  const open = async (): Promise<Store> => {
    const { environment } = await sharedSwift();
    return seen(await swift.open(endpoint, { create: true, missing: 'empty' }, { ...plainHost, environment }) as Store);
  };
  return {
    open: async () => {
      endpoint = `swift://conformance-${places++}${path}`;
      return await open();
    },
    reopen: open,
    refuses: ['a/', '\u0000'],
    manyEntries: sharedListingLimit + 20,
    ...subject,
  };
}

const withoutSwift = { skip: await skipWithoutSwift() };
describe('Swift', withoutSwift, () => testStore(test, onSwift('', (blobs) => blobs)));
describe('Swift, below a prefix, as documents', withoutSwift, () => testStore(test, onSwift('/a pre+fix/é', (blobs) => documentsIn(blobs, { schema: simple, format: 'yaml', host: plainHost }), { ...documents(), partBytes: 240, refuses: [] })));

/** A bucket that nothing uses yet, or a part of one, on an S3 server that keeps objects as files: it refuses names that would lead through its folders. */
function onS3(path: string, seen: (blobs: Store) => Store, { opened = openS3, ...subject }: Partial<Subject> & { readonly opened?: (place: string) => Promise<Store> } = {}): Subject {
  let place = '';
  const open = async (): Promise<Store> => seen(await opened(place));
  return {
    open: async () => {
      place = newBucket() + path;
      return await open();
    },
    reopen: open,
    probes: true,
    refuses: noFileNames,
    partBytes: 240,
    ...subject,
  };
}

const withoutS3 = { skip: missingS3 ?? false };
describe('S3', withoutS3, () => testStore(test, onS3('', (blobs) => blobs)));
describe('S3, below a prefix, wrapped', withoutS3, () => testStore(test, wrapped(onS3('/a pre+fix/é', (blobs) => blobs))));
describe('S3, as documents', withoutS3, () => testStore(test, onS3('', (blobs) => documentsIn(blobs, { schema: simple, format: 'json', host: plainHost }), { ...documents(), refuses: noJson })));

// This one takes no conditional write, which is found out.
describe('S3 as Swift speaks it, below a prefix', withoutSwift, () => testStore(test, onS3('/a pre+fix/é', (blobs) => blobs, { opened: async (place) => openAt((await sharedSwift()).s3, place), refuses: ['a/', '\u0000'], manyEntries: sharedListingLimit + 20 })));

/** MinIO does not list what lies below an object, so the one that would be above another is kept beside it. */
const onMinio = { opened: async (place: string): Promise<Store> => openAt(await minioServer(), place), key: (name: string): Key => (name === 'a' ? 'beside' : name), refuses: noFileNames.filter((name) => name !== 'a/b') };
describe('S3 as MinIO speaks it', { skip: missingMinio ?? false }, () => testStore(test, onS3('', (blobs) => blobs, onMinio)));
