import { createHash, randomUUID } from 'node:crypto';
import { limits } from '../../lib/limits.ts';
import type { Document } from '../../model/document.ts';
import type { Content, Digest, Entry, Micros, Ref } from '../../model/entry.ts';
import { statOf } from '../../model/entry.ts';
import { SyncError } from '../../model/errors.ts';
import { compareKeys } from '../../model/key.ts';
import type { Key } from '../../model/key.ts';
import { keyOfWrite } from '../../model/store.ts';
import type { CallOptions, Capabilities, Expectation, Outcome, Page, ScanOptions, Store, Write } from '../../model/store.ts';
import { isInside } from '../../model/window.ts';
import { digestDocument } from '../../schema/digest.ts';
import type { Schema } from '../../schema/schema.ts';

type StoredEntry = Entry & { readonly content: Content };

/** What an entry may be given beside its content by {@link MemoryStore.edit}. */
export type Facts = Pick<Entry, 'modifiedAt' | 'address' | 'collection' | 'dependsOn'>;

/** One change of a {@link MemoryStore}. */
export interface MemoryChange {
  readonly key: Key;
  readonly before: Entry | undefined;
  readonly after: Entry | undefined;
  /** `writer`: it came through {@link MemoryStore.write}. `other`: behind the store's back. */
  readonly by: 'writer' | 'other';
}

/** How a {@link MemoryStore} behaves. The defaults are a well-behaved store of documents in key order. */
export interface MemoryStoreOptions {
  readonly name?: string;
  /** Default: unlike that of every other store. */
  readonly identity?: string;
  readonly holds?: Capabilities['holds'];
  /** `none`: entries come in the order they were first written. */
  readonly order?: Capabilities['order'];
  /** `collections`: a scan finds only what is in the collections it is asked for. */
  readonly enumerates?: Capabilities['enumerates'];
  readonly reads?: Capabilities['reads'];
  readonly modifiedAt?: Capabilities['modifiedAt'];
  readonly modifiedAtPrecision?: Micros;
  /** Which digests entries carry; none where empty. */
  readonly digests?: readonly Digest['algorithm'][];
  readonly expects?: Capabilities['expects'];
  readonly deletes?: boolean;
  readonly dependencies?: Capabilities['dependencies'];
  /** Refuses to put an entry before what it depends on, and to delete it before what depends on it. */
  readonly strictParents?: boolean;
  readonly pageEntries?: number;
  readonly batchEntries?: number;
  readonly inFlight?: number;
  readonly keyBytes?: number;
  /** Reads addresses, collections and dependencies off the documents. Without one, what is written along is kept. */
  readonly schema?: Schema;
  /** What becomes of a document that is written: a place to add defaults, stamps and losses as servers do. */
  readonly transform?: (document: Document, key: Key) => Document;
  /** The time given to entries where times are `assigned`. */
  readonly now?: () => Micros;
  /** Told of every change at the moment it happens. */
  readonly watch?: (change: MemoryChange) => void;
  /** Called before every page, read and single write: wait to be slow, throw to fail, change the store to be somebody else. */
  readonly interfere?: (operation: 'scan' | 'read' | 'write', key: Key | undefined) => void | Promise<void>;
}

/** A store that is a Map: the reference every other store is measured against. Expectations are enforced atomically. */
export class MemoryStore implements Store {
  readonly name: string;
  readonly identity: string;
  readonly capabilities: Capabilities;
  readonly #options: MemoryStoreOptions;
  readonly #entries = new Map<Key, StoredEntry>();
  #sorted: readonly Key[] | undefined;
  #changes = 0;
  #writing = 0;
  #scans = 0;

  constructor(options: MemoryStoreOptions = {}) {
    const { name = 'memory', identity = `memory:${randomUUID()}`, holds = 'documents' } = options;
    this.name = name;
    this.identity = identity;
    this.#options = options;
    this.capabilities = capabilitiesOf(options, holds);
  }

  async *scan({ want = 'stat', collections, window, signal }: ScanOptions = {}): AsyncGenerator<Page> {
    const { pageEntries = limits.pageEntries, interfere } = this.#options;
    if (this.capabilities.reads === 'once' && this.#scans++ > 0) throw this.#unsupported('be read twice');
    const wanted = this.capabilities.enumerates === 'collections' ? new Set(collections) : undefined;
    const keys = this.#keys();
    for (let at = 0; at < keys.length; at += pageEntries) {
      await interfere?.('scan', undefined);
      signal?.throwIfAborted();
      const entries: Entry[] = [];
      for (const key of keys.slice(at, at + pageEntries)) {
        const entry = this.#entries.get(key);
        if (!entry || (wanted && !wanted.has(entry.collection ?? '')) || (window && !isInside(entry, window))) continue;
        entries.push(want === 'content' ? entry : withoutContent(entry));
      }
      yield { entries };
    }
  }

  async read(refs: readonly Ref[], { signal }: CallOptions = {}): Promise<readonly (Entry | undefined)[]> {
    if (this.capabilities.reads === 'once') throw this.#unsupported('be read entry by entry');
    const { interfere } = this.#options;
    if (interfere) for (const { key } of refs) await interfere('read', key);
    signal?.throwIfAborted();
    return refs.map(({ key }) => this.#entries.get(key));
  }

  async write(batch: readonly Write[], { signal }: CallOptions = {}): Promise<readonly Outcome[]> {
    const { batchEntries, inFlight } = this.capabilities.limits;
    signal?.throwIfAborted();
    if (batch.length > batchEntries) throw new SyncError('invalid', `${this.name} takes ${batchEntries} writes at once, not ${batch.length}`);
    if (this.#writing >= inFlight) throw new SyncError('throttled', `${this.name} takes ${inFlight} batches at a time`);
    this.#writing++;
    try {
      const outcomes: Outcome[] = [];
      for (const write of batch) outcomes.push(await this.#answer(write));
      return outcomes;
    } finally {
      this.#writing--;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  /** Changes or adds an entry behind the store's back, as its other users do: no transformation, no expectation, no limit. */
  edit(key: Key, content: Document | Uint8Array, facts: Facts = {}): void {
    const now = this.capabilities.modifiedAt === 'assigned' ? { modifiedAt: this.#now() } : {};
    this.#change(key, this.#stored(key, content instanceof Uint8Array ? new HeldBlob(content) : { kind: 'document', document: content }, { ...now, ...facts }), 'other');
  }

  /** Removes an entry behind the store's back. */
  drop(key: Key): void {
    this.#change(key, undefined, 'other');
  }

  /** What the store holds, as plain values by key. */
  dump(): { readonly [key: Key]: Document | Uint8Array } {
    return Object.fromEntries([...this.#entries].map(([key, { content }]) => [key, content.kind === 'document' ? content.document : bytesOf(content)]));
  }

  /** The entry as it is stored. */
  peek(key: Key): Entry | undefined {
    return this.#entries.get(key);
  }

  get size(): number {
    return this.#entries.size;
  }

  async #answer(write: Write): Promise<Outcome> {
    const key = keyOfWrite(write);
    try {
      await this.#options.interfere?.('write', key);
      // Read in full before the expectation is checked: from there to the change nothing may await, or two writers could both win.
      const content = write.kind === 'put' ? await this.#accepted(write.entry) : undefined;
      return this.#apply(write, key, content);
    } catch (cause) {
      const error = cause instanceof SyncError ? cause : new SyncError('unavailable', `${this.name}: writing ${key} failed`, { cause, key });
      return { kind: 'failed', error };
    }
  }

  async #accepted({ key, content }: StoredEntry): Promise<Content> {
    const { holds, limits: { keyBytes } } = this.capabilities;
    if (!key.isWellFormed() || key === '') throw new SyncError('invalid', `${this.name}: ${JSON.stringify(key)} is not a key`, { key });
    if (Buffer.byteLength(key) > keyBytes) throw new SyncError('invalid', `${this.name}: the key is longer than ${keyBytes} bytes: ${key.slice(0, 64)}…`, { key });
    if ((content.kind === 'document') !== (holds === 'documents')) throw new SyncError('unsupported', `${this.name} holds ${holds}, and ${key} is none`, { key });
    if (content.kind === 'document') return this.#options.transform ? { kind: 'document', document: this.#options.transform(content.document, key) } : content;
    return new HeldBlob(Buffer.concat(await Array.fromAsync(content.bytes())), content.mediaType);
  }

  #apply(write: Write, key: Key, content: Content | undefined): Outcome {
    const { expects, deletes, modifiedAt } = this.capabilities;
    const found = this.#entries.get(key);
    if (write.kind === 'delete' && !deletes) throw this.#unsupported('delete');
    if (write.expect && !meets(found, write.expect)) return { kind: 'stale', found };
    const unguarded = write.expect && !expects.includes(formOf(write.expect)) ? { unguarded: true as const } : {};
    if (!content || write.kind === 'delete') {
      if (found && this.#options.strictParents) this.#checkChildren(found);
      this.#change(key, undefined, 'writer');
      return { kind: 'done', stat: {}, ...unguarded };
    }
    const time = modifiedAt === 'assigned' ? this.#now() : modifiedAt === 'kept' ? write.entry.modifiedAt : undefined;
    const { modifiedAt: _, ...facts } = write.entry;
    const entry = this.#stored(key, content, time === undefined ? facts : { ...facts, modifiedAt: floor(time, this.capabilities.modifiedAtPrecision) });
    if (this.#options.strictParents) this.#checkParents(entry);
    this.#change(key, entry, 'writer');
    return { kind: 'done', stat: statOf(entry), ...unguarded };
  }

  #stored(key: Key, content: Content, { address, collection, dependsOn, modifiedAt }: Facts): StoredEntry {
    const { schema } = this.#options;
    const identity = schema && content.kind === 'document' ? schema.identify(content.document) : undefined;
    const named = identity && !('problem' in identity) ? identity : { address, collection, dependsOn };
    const digest = digestOf(content, this.capabilities.digests, schema);
    return {
      key,
      content,
      version: `v${++this.#changes}`,
      ...(digest && { digest }),
      ...(content.kind === 'blob' && { size: bytesOf(content).length }),
      ...(modifiedAt !== undefined && { modifiedAt }),
      ...(named.address !== undefined && { address: named.address }),
      ...(named.collection !== undefined && { collection: named.collection }),
      ...(named.dependsOn !== undefined && named.dependsOn.length > 0 && { dependsOn: named.dependsOn }),
    };
  }

  #change(key: Key, after: StoredEntry | undefined, by: MemoryChange['by']): void {
    const before = this.#entries.get(key);
    if (after) this.#entries.set(key, after);
    else this.#entries.delete(key);
    if ((before === undefined) !== (after === undefined)) this.#sorted = undefined;
    this.#options.watch?.({ key, before, after, by });
  }

  #keys(): readonly Key[] {
    if (this.capabilities.order === 'none') return [...this.#entries.keys()];
    return this.#sorted ??= [...this.#entries.keys()].sort(compareKeys);
  }

  #checkParents({ key, dependsOn = [] }: Entry): void {
    const addresses = new Set([...this.#entries.values()].map(addressOf));
    const missing = dependsOn.find((parent) => !addresses.has(parent));
    if (missing !== undefined) throw new SyncError('conflict', `${this.name}: ${key} depends on ${missing}, which is not there`, { key });
  }

  #checkChildren(parent: Entry): void {
    for (const { key, dependsOn } of this.#entries.values()) {
      if (key !== parent.key && dependsOn?.includes(addressOf(parent))) throw new SyncError('conflict', `${this.name}: ${key} depends on ${parent.key}, which is to be deleted`, { key: parent.key });
    }
  }

  #now(): Micros {
    return this.#options.now?.() ?? this.#changes + 1;
  }

  #unsupported(ability: string): SyncError {
    return new SyncError('unsupported', `${this.name} cannot ${ability}`, { store: this.name });
  }
}

function capabilitiesOf(options: MemoryStoreOptions, holds: Capabilities['holds']): Capabilities {
  return {
    holds,
    order: options.order ?? 'key',
    enumerates: options.enumerates ?? 'all',
    reads: options.reads ?? 'cheap',
    modifiedAt: options.modifiedAt ?? 'kept',
    modifiedAtPrecision: options.modifiedAtPrecision ?? 1,
    digests: options.digests ?? [holds === 'documents' ? 'document' : 'sha256'],
    expects: options.expects ?? ['absent', 'version', 'older'],
    deletes: options.deletes ?? true,
    dependencies: options.dependencies ?? 'ignored',
    visibility: 'immediate',
    limits: { batchEntries: options.batchEntries ?? 1_000, inFlight: options.inFlight ?? 8, keyBytes: options.keyBytes ?? 1_024 },
  };
}

function meets(found: Entry | undefined, expect: Expectation): boolean {
  if ('absent' in expect) return found === undefined;
  if ('version' in expect) return found?.version === expect.version;
  return found === undefined || (found.modifiedAt !== undefined && found.modifiedAt < expect.older);
}

function formOf(expect: Expectation): Capabilities['expects'][number] {
  return 'absent' in expect ? 'absent' : 'version' in expect ? 'version' : 'older';
}

function digestOf(content: Content, algorithms: Capabilities['digests'], schema: Schema | undefined): Digest | undefined {
  const algorithm = algorithms[0];
  if (algorithm === undefined) return undefined;
  if (content.kind === 'document') return digestDocument(content.document, schema);
  return algorithm === 'document' ? undefined : { algorithm, value: createHash(algorithm).update(bytesOf(content)).digest('hex') };
}

/** A blob held in memory. */
class HeldBlob {
  readonly kind = 'blob';
  readonly mediaType?: string;
  readonly held: Uint8Array;

  constructor(held: Uint8Array, mediaType?: string) {
    this.held = held;
    if (mediaType !== undefined) this.mediaType = mediaType;
  }

  async *bytes(): AsyncGenerator<Uint8Array> {
    if (this.held.length > 0) yield this.held;
  }
}

function bytesOf(content: Content): Uint8Array {
  return content instanceof HeldBlob ? content.held : new Uint8Array();
}

function withoutContent(stored: StoredEntry): Entry {
  const { content: _, ...entry } = stored;
  return entry;
}

function addressOf({ key, address }: Entry): string {
  return address ?? key;
}

function floor(time: Micros, precision: Micros): Micros {
  return time - (((time % precision) + precision) % precision);
}
