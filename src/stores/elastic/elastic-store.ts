import type { Collection } from '../../model/collection.ts';
import { isDocument } from '../../model/document.ts';
import type { Entry, Micros, Ref } from '../../model/entry.ts';
import { SyncError } from '../../model/errors.ts';
import type { CallOptions, Capabilities, FingerprintOptions, Fresh, Hint, Outcome, Page, ScanOptions, Store, Write } from '../../model/store.ts';
import { changesIn } from '../records/changes.ts';
import type { TimeUnit } from '../records/instants.ts';
import { marksOf } from './changes.ts';
import type { ElasticClient } from './client.ts';
import { describeIndices } from './describing.ts';
import { FreshIndices } from './fresh.ts';
import { readEntries } from './lookup.ts';
import { precisionOf } from './modified.ts';
import { encodeNames, idBytes, Place } from './place.ts';
import type { PlaceOptions } from './place.ts';
import { collectionOf } from '../records/record-keys.ts';
import { checkIndices, prepareIndices } from './preparing.ts';
import { scanIndex } from './scanning.ts';
import { ElasticWriter } from './writer.ts';

/** Indices whose documents are counted in one request. */
const mostCounted = 50;

/** What indices can do. With a field that says when a record was modified, times and `older` come in addition. */
export const elasticCapabilities: Capabilities = {
  holds: 'documents',
  order: 'none',
  keys: 'unique',
  enumerates: 'all',
  reads: 'cheap',
  modifiedAt: 'none',
  modifiedAtPrecision: 1,
  digests: ['document'],
  expects: ['absent', 'version'],
  deletes: true,
  dependencies: 'ignored',
  visibility: 'immediate',
  limits: { batchEntries: 1_000, inFlight: 2, keyBytes: idBytes },
};

/** How often it is asked whether something changed. */
const changesEveryMs = 1_000;

export interface ElasticStoreOptions extends Omit<PlaceOptions, 'client'> {
  readonly client: ElasticClient;
  readonly identity: string;
  readonly modified: string | undefined;
  readonly modifiedUnit: TimeUnit | undefined;
  readonly concurrency: number;
  readonly create: boolean;
  /** Whether a place without an index is empty, because what is to be written gets one. */
  readonly missingIsEmpty: boolean;
}

/**
 * The indices of an Elasticsearch or OpenSearch cluster as collections. An entry is a document as it was written, its key the collection and
 * the `_id`; null and absent are different here. The server itself decides whether a write happens, also beside writers that set no
 * conditions; a version is the place in the history of the index. Reading begins with a refresh, so that it sees all that was written before.
 */
export class ElasticStore implements Store {
  readonly name: string;
  readonly identity: string;
  readonly capabilities: Capabilities;
  /** Only where some indices were chosen. */
  readonly covers?: (ref: Ref) => boolean;
  readonly #options: ElasticStoreOptions;
  readonly #place: Place;
  readonly #writer: ElasticWriter;

  constructor(options: ElasticStoreOptions) {
    const { name, identity, modified, modifiedUnit } = options;
    this.name = name;
    this.identity = identity;
    this.capabilities = modified === undefined ? elasticCapabilities : {
      ...elasticCapabilities, modifiedAt: 'kept', modifiedAtPrecision: precisionOf(modifiedUnit), expects: ['absent', 'version', 'older'],
    };
    this.#options = options;
    const place = this.#place = new Place(options);
    if (options.chosen !== undefined) this.covers = ({ key }) => place.isChosen(collectionOf(key));
    this.#writer = new ElasticWriter(this.#place, modified);
  }

  async *scan({ collections, window, signal }: ScanOptions = {}): AsyncGenerator<Page> {
    signal?.throwIfAborted();
    const place = this.#place;
    const indices = await place.look(signal);
    if (indices.size === 0 && !this.#options.missingIsEmpty) throw new SyncError('not-found', `${this.name} has no index`, { store: this.name, hint: 'check the name; app stands for the index app, or for all that begin with app-' });
    for (const index of indices.values()) {
      if (collections && !collections.includes(index.collection)) continue;
      const flaw = index.flaw ?? (index.open ? undefined : 'it is closed');
      if (flaw === undefined) yield* scanIndex(place, index, { window, concurrency: this.#options.concurrency, signal });
      else yield { entries: [], problems: [{ place: `${this.name}: ${index.collection}`, collection: index.collection, error: new SyncError('unsupported', `cannot list ${this.name}: ${index.collection}: ${flaw}`, { store: this.name, hint: 'leave it out by the option collections' }) }] };
    }
  }

  async read(refs: readonly Ref[], { signal }: CallOptions = {}): Promise<readonly (Entry | undefined)[]> {
    signal?.throwIfAborted();
    return readEntries(this.#place, refs, signal);
  }

  async foresee(batch: readonly Write[], { signal }: CallOptions = {}): Promise<readonly Outcome[]> {
    signal?.throwIfAborted();
    return await this.#writer.foresee(batch, signal);
  }

  async write(batch: readonly Write[], { signal }: CallOptions = {}): Promise<readonly Outcome[]> {
    signal?.throwIfAborted();
    return this.#writer.write(batch, signal);
  }

  async describe({ signal }: CallOptions = {}): Promise<readonly Collection[]> {
    const indices = await this.#place.look(signal);
    return await describeIndices(this.#place, indices.values(), signal);
  }

  async prepare(collections: readonly Collection[], { signal }: CallOptions = {}): Promise<void> {
    await prepareIndices(this.#place, collections, { create: this.#options.create, signal });
  }

  async checkPrepare(collections: readonly Collection[], { signal }: CallOptions = {}): Promise<void> {
    await checkIndices(this.#place, collections, { create: this.#options.create, signal });
  }

  async fresh(collections: readonly Collection[], { signal }: CallOptions = {}): Promise<Fresh> {
    const { create } = this.#options;
    return await FreshIndices.of({ place: this.#place, create, open: (fresh) => new ElasticStore({ ...this.#options, fresh, missingIsEmpty: true }) }, collections, signal);
  }

  watch({ signal }: { readonly signal: AbortSignal }): AsyncIterable<readonly Hint[]> {
    return changesIn(() => marksOf(this.#place, signal), { signal, everyMs: changesEveryMs });
  }

  /** Which cluster it is. */
  async fingerprint({ signal, unless }: FingerprintOptions = {}): Promise<string | undefined> {
    if (unless === 'dear') return undefined;
    const { cluster_uuid: cluster } = await this.#place.root(signal);
    return typeof cluster === 'string' && cluster !== '_na_' ? cluster : undefined;
  }

  async estimate({ signal }: CallOptions = {}): Promise<number | undefined> {
    const targets = [...(await this.#place.look(signal)).values()].flatMap(({ open, target }) => (open ? [target] : []));
    if (targets.length === 0 || targets.length > mostCounted) return undefined;
    const { body: { count } } = await this.#place.client.request({ path: `/${encodeNames(targets.join())}/_count`, about: this.#place.about('count'), signal });
    return typeof count === 'number' ? count : undefined;
  }

  async clock({ signal }: CallOptions = {}): Promise<Micros | undefined> {
    // Whoever may see some indices need not be allowed to see the nodes, and some services show them to nobody.
    const { body: { nodes } } = await this.#place.client.request({ path: '/_nodes/_local/stats/ingest?filter_path=nodes.*.timestamp', wanted: [400, 403, 404, 405, 410], about: this.#place.about('read'), signal });
    const [node] = isDocument(nodes) ? Object.values(nodes) : [];
    const ms = isDocument(node) ? node['timestamp'] : undefined;
    return typeof ms === 'number' ? ms * 1_000 : undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#options.client[Symbol.asyncDispose]();
  }
}
