// Places on real search servers, and short ways to say what is tried with them.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, test } from 'node:test';
import type { Collection, FieldType } from '../../src/model/collection.ts';
import type { Document } from '../../src/model/document.ts';
import type { Entry } from '../../src/model/entry.ts';
import type { SyncError } from '../../src/model/errors.ts';
import type { Host } from '../../src/model/host.ts';
import { plainHost } from '../../src/model/plain-host.ts';
import type { Outcome, ScanOptions, Store, Write } from '../../src/model/store.ts';
import type { ElasticOptions } from '../../src/stores/elastic/kind.ts';
import { elasticsearch, opensearch } from '../../src/stores/elastic/kind.ts';
import { sharedSearch, skipWithoutSearch } from './search.ts';
import type { SearchServer } from './search.ts';

/** The servers that are tried. */
type Name = 'opensearch' | 'elasticsearch';

let sleptMs = 0;
/** A host that waits for nothing, by whose clock it has waited all the same. */
export const quick: Host = {
  ...plainHost,
  now: () => plainHost.now() + sleptMs,
  sleep: async (ms, signal) => {
    signal?.throwIfAborted();
    sleptMs += ms;
  },
};
/** How their indices are opened. */
export const kinds: { readonly [name in Name]: typeof opensearch } = { opensearch, elasticsearch };

/** A place that nothing uses yet. */
export class Place {
  readonly server: SearchServer;
  readonly name: Name;
  readonly path: string = randomUUID();
  constructor(name: Name, server: SearchServer) {
    this.name = name;
    this.server = server;
  }

  async open(options: ElasticOptions = {}, address: string = this.server.address, path: string = this.path): Promise<Store> {
    return await kinds[this.name].open(`${this.name}://${address}/${path}`, { missing: 'empty', ...options }, quick) as Store;
  }

  /** Makes an index by itself. */
  async index(name: string, body: object = {}): Promise<void> {
    await this.server.ask('PUT', `/${name}`, body);
  }

  /** Writes as anybody does who knows nothing of us. */
  async put(index: string, id: string, document: Document, query = ''): Promise<void> {
    await this.server.ask('PUT', `/${index}/_doc/${encodeURIComponent(id)}?refresh=true${query}`, document);
  }
}

/** A collection with fields of these types. */
export function collection(name: string, types: { readonly [field: string]: FieldType }): Collection {
  return { name, key: [], fields: Object.entries(types).map(([field, type]) => ({ name: field, type, nullable: true })) };
}

/** A put of a document. */
export function put(key: string, document: Document, rest: Partial<Extract<Write, { kind: 'put' }>> = {}): Write {
  return { kind: 'put', entry: { key, content: { kind: 'document', document } }, ...rest };
}

/** Everything that a scan finds, by key; it must not report a problem. */
export async function found(store: Store, options: ScanOptions = {}): Promise<readonly Entry[]> {
  const entries: Entry[] = [];
  for await (const page of store.scan(options)) {
    assert.deepEqual(page.problems ?? [], []);
    entries.push(...page.entries);
  }
  return entries.toSorted((a, b) => (a.key < b.key ? -1 : 1));
}

/** The keys of {@link found}. */
export async function keysOf(store: Store, options: ScanOptions = {}): Promise<readonly string[]> {
  return (await found(store, options)).map(({ key }) => key);
}

/** The document of an entry. */
export function documentOf(entry: Entry | undefined): Document | undefined {
  return entry?.content?.kind === 'document' ? entry.content.document : undefined;
}

/** Holds every outcome to one kind. */
export function assertAll(outcomes: readonly Outcome[], kind: Outcome['kind']): void {
  for (const outcome of outcomes) assert.equal(outcome.kind, kind, outcome.kind === 'failed' ? outcome.error.message : undefined);
}

/** The error of an outcome, which must be a failure. */
export function failureOf(outcome: Outcome | undefined): SyncError {
  assert.ok(outcome?.kind === 'failed', `it is ${outcome?.kind}`);
  return outcome.error;
}

/** Registers a test with a place on one of the servers. */
export type It = (what: string, body: (place: Place) => Promise<void>) => unknown;

/** Registers tests for both servers. */
export async function onBoth(register: (it: It) => void): Promise<void> {
  for (const name of ['opensearch', 'elasticsearch'] as const) {
    const skip = await skipWithoutSearch(name);
    describe(name, () => register((what, body) => test(`${name}: ${what}`, { skip, timeout: 120_000 }, async () => body(new Place(name, await sharedSearch(name))))));
  }
}
