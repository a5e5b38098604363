import { readJson } from '../../formats/json.ts';
import { isDocument } from '../../model/document.ts';
import type { Document, Value } from '../../model/document.ts';
import type { Entry, Ref, Version } from '../../model/entry.ts';
import { SyncError } from '../../model/errors.ts';
import { joinKey, splitKey } from '../../model/key.ts';
import type { Key } from '../../model/key.ts';
import { LateDigest, LateDocument } from '../../model/late-document.ts';
import type { LateReading } from '../../model/late-document.ts';
import { digestDocument, digestText } from '../../schema/digest.ts';
import { chooser } from '../records/chooser.ts';
import type { TimeUnit } from '../records/instants.ts';
import { expressionOf, readCatalogue, readFresh } from './catalogue.ts';
import type { Catalogue, IndexOf, Layout } from './catalogue.ts';
import type { ElasticClient } from './client.ts';
import { dialectOf, familyOf } from './dialect.ts';
import type { Dialect } from './dialect.ts';
import type { Family } from './endpoint.ts';
import type { About } from './failure.ts';
import type { Hit } from './hit-splitter.ts';
import { byteFieldsOf } from './mapping.ts';
import type { ByteFields } from './mapping.ts';
import { ModifiedField } from './modified.ts';
import { PageSize } from './page-size.ts';
import { withBytes } from './source-json.ts';
import type { TimeField } from './time-field.ts';

export interface PlaceOptions {
  readonly client: ElasticClient;
  readonly name: string;
  readonly family: Family;
  readonly path: string;
  readonly layout: Layout;
  readonly modified: string | undefined;
  readonly modifiedUnit: TimeUnit | undefined;
  /** Names and globs of collections, separated by commas. */
  readonly chosen: string | undefined;
  /** The collections that are to be seen, by their indices, whatever else there is. */
  readonly fresh?: ReadonlyMap<string, string>;
}

/** An index, and how its documents are read and written. */
export interface OpenIndex extends IndexOf {
  readonly bytes: ByteFields | undefined;
  readonly modified: ModifiedField | undefined;
}

/** The longest `_id` that an index takes, in bytes. */
export const idBytes = 512;

/** How many documents are looked up at once at most. */
const mostLookedUp = 1_000;

/** A document and where it is, as the server tells of it. */
export interface Found {
  readonly index: OpenIndex;
  readonly id: string;
  readonly answer: Document;
}

/** One place in a cluster: which indices it has, and how what they hold is an entry. */
export class Place {
  readonly client: ElasticClient;
  readonly name: string;
  /** How many documents are looked up at once. */
  readonly looking: PageSize = new PageSize(mostLookedUp);
  #chosen: ((collection: string) => boolean) | undefined;
  readonly #options: PlaceOptions;
  #catalogue: Promise<{ readonly names: Catalogue; readonly indices: ReadonlyMap<string, OpenIndex> }> | undefined;
  #root: Promise<Document> | undefined;
  #last = { prefix: '', collection: '' };
  #named = { collection: '', start: '/' };
  readonly #reading: LateReading;

  constructor(options: PlaceOptions) {
    this.client = options.client;
    this.name = options.name;
    this.#options = options;
    this.#reading = { read: (json) => readJson(json, this.name) as Document, digest: digestDocument, digestText };
  }

  /** What stands in a request for all indices there are. */
  get expression(): string {
    const { path, layout } = this.#options;
    return encodeNames(expressionOf(path, layout));
  }

  /** The field that is to say when a record was modified. */
  get time(): TimeField | undefined {
    const { modified, modifiedUnit } = this.#options;
    return modified === undefined ? undefined : { field: modified, unit: modifiedUnit };
  }

  about(doing: string, key?: Key): About {
    return { doing, place: key === undefined ? this.name : `${this.name}: ${key}`, details: { store: this.name, ...(key !== undefined && { key }) } };
  }

  /** The collections there are, of those chosen; asked for anew. */
  async look(signal: AbortSignal | undefined): Promise<ReadonlyMap<string, OpenIndex>> {
    this.#catalogue = undefined;
    return (await this.#known(signal)).indices;
  }

  /** The indices of the collections that some keys are in, by what is known; looks again, once, before it leaves one out. */
  async indicesFor(keys: readonly Key[], signal: AbortSignal | undefined): Promise<ReadonlyMap<string, OpenIndex>> {
    const collections = new Set(keys.map((key) => this.partsOf(key).collection));
    const known = this.#catalogue && (await this.#known(signal)).indices;
    return known && [...collections].every((collection) => known.has(collection)) ? known : await this.look(signal);
  }

  /** The name that the index of a new collection gets; `undefined` where it has no place here. */
  async nameFor(collection: string, signal: AbortSignal | undefined): Promise<string | undefined> {
    return this.isChosen(collection) ? (await this.#known(signal)).names.indexFor(collection) : undefined;
  }

  isChosen(collection: string): boolean {
    return (this.#chosen ??= chooser(this.#options.chosen))(collection);
  }

  /** How this server wants to be spoken to. */
  async dialect(signal: AbortSignal | undefined): Promise<Dialect> {
    return dialectOf(familyOf(await this.root(signal), this.#options.family));
  }

  /** What the server says of itself; nothing where it is not to be asked. */
  root(signal: AbortSignal | undefined): Promise<Document> {
    const asking = this.#root ??= this.client.request({ path: '/', about: this.about('look at'), signal }).then(({ body }) => body, (error: unknown) => {
      // Whoever may see some indices need not be allowed to see the cluster.
      if (error instanceof SyncError && error.code === 'denied' && !error.message.includes('does not know')) return {};
      throw error;
    });
    asking.catch(() => { this.#root = undefined; });
    return asking;
  }

  keyOf(collection: string, id: string): Key {
    if (this.#named.collection !== collection) this.#named = { collection, start: `${joinKey([collection])}/` };
    return this.#named.start + id;
  }

  /** Collection and `_id` of a key. The `_id` is the key without the collection, so that keys of several parts have one, too. */
  partsOf(key: Key): { readonly collection: string; readonly id: string } {
    const slash = key.indexOf('/');
    if (slash < 0) return { collection: '', id: key };
    // Most keys are of the collection that the one before was of.
    const prefix = key.slice(0, slash);
    if (this.#last.prefix !== prefix) this.#last = { prefix, collection: splitKey(prefix)[0]! };
    return { collection: this.#last.collection, id: key.slice(slash + 1) };
  }

  /** Why no document can have this key; `undefined` where one can. */
  flawOf({ key }: Ref): SyncError | undefined {
    const { collection, id } = this.partsOf(key);
    const [what, hint] = key === '' || !key.isWellFormed() ? ['is not a key', 'choose another one']
      : collection === '' ? ['does not name a collection and a record in it', 'keys are written as collection/record']
      : id === '' ? ['has an empty _id, which no document can have', 'give the record another key']
      : Buffer.byteLength(id) > idBytes ? [`is longer than the ${idBytes} bytes that an _id may have`, 'choose a shorter one'] : [];
    return what === undefined ? undefined : new SyncError('invalid', `${this.name}: ${JSON.stringify(key)} ${what}`, { store: this.name, key, hint: hint! });
  }

  /** A document in an answer as an entry. Throws `corrupt` or `unsupported` where it cannot be one. */
  entryOfHit(index: OpenIndex, hit: Hit): Entry {
    if ('answer' in hit) return this.entryOf({ index, id: String(hit.answer['_id']), answer: hit.answer });
    const { id, sequence, term, source } = hit;
    const content = new LateDocument(source, this.#reading, hit);
    if (index.bytes) return this.entryOf({ index, id, answer: { _seq_no: sequence, _primary_term: term, _source: content.document } });
    const key = this.keyOf(index.collection, id);
    const version = `${sequence}:${term}:${index.uuid}`;
    const digest = new LateDigest(content);
    return index.modified ? { key, version, digest, content, ...timesOf(index.modified, content.document) } : { key, version, digest, content };
  }

  /** A document as the server gave it, as an entry. Throws `corrupt` or `unsupported` where it cannot be one. */
  entryOf({ index, id, answer }: Found): Entry {
    const key = this.keyOf(index.collection, id);
    const flaw = (code: 'unsupported' | 'corrupt', why: string, hint: string): SyncError => new SyncError(code, `cannot read ${this.name}: ${key}: ${why}`, { store: this.name, key, hint });
    if (answer['_routing'] !== undefined) throw flaw('unsupported', 'it lies where its _routing says, and not where its _id does', 'leave documents with a routing of their own to an index by themselves');
    const source = answer['_source'];
    if (!isDocument(source)) throw flaw('unsupported', 'the index does not give back what was written into it', 'see that _source is on for the index');
    const document = withBytes(source, index.bytes);
    return { key, version: versionOf(answer, index), digest: digestDocument(document), content: { kind: 'document', document }, ...(index.modified && timesOf(index.modified, document)) };
  }

  #known(signal: AbortSignal | undefined): Promise<{ readonly names: Catalogue; readonly indices: ReadonlyMap<string, OpenIndex> }> {
    const asking = this.#catalogue ??= this.#ask(signal);
    asking.catch(() => { if (this.#catalogue === asking) this.#catalogue = undefined; });
    return asking;
  }

  async #ask(signal: AbortSignal | undefined): Promise<{ readonly names: Catalogue; readonly indices: ReadonlyMap<string, OpenIndex> }> {
    const { path, layout, modified, modifiedUnit, fresh } = this.#options;
    const query = 'ignore_unavailable=true&allow_no_indices=true&expand_wildcards=open,closed';
    const { body } = await this.client.request({ path: `/${encodeNames(fresh ? [...fresh.keys()].join(',') : expressionOf(path, layout))}?${query}`, wanted: [404], about: this.about('look at'), signal });
    const answer = 'error' in body ? {} : body;
    const names = fresh ? readFresh(answer, fresh) : readCatalogue(answer, { path, layout, name: this.name });
    const indices = [...names.collections.values()].filter(({ collection }) => this.isChosen(collection)).map((index): [string, OpenIndex] => [index.collection, {
      ...index, bytes: byteFieldsOf(index.mapping), modified: modified === undefined ? undefined : new ModifiedField(modified, modifiedUnit, index.mapping),
    }]);
    return { names, indices: new Map(indices) };
  }
}

function timesOf(modified: ModifiedField, document: Document): Pick<Entry, 'modifiedAt' | 'untimed'> {
  const modifiedAt = modified.of(document);
  if (modifiedAt !== undefined) return { modifiedAt };
  const untimed = modified.untimed(document);
  return untimed ? { untimed } : {};
}

/**
 * The token of one state of a document: its place in the history of its shard, and which index that is, because an index that is
 * made anew begins to count anew.
 */
export function versionOf({ _seq_no: sequence, _primary_term: term }: Document, { uuid }: IndexOf): Version {
  return `${String(sequence)}:${String(term)}:${uuid}`;
}

/** What a version token says of a document in this index; `undefined` where it is none, or one of another index. */
export function partsOfVersion(version: Version, index: IndexOf): { readonly sequence: number; readonly term: number } | undefined {
  const [, sequence, term, uuid] = /^(\d{1,15}):(\d{1,15}):(.*)$/.exec(version) ?? [];
  return sequence === undefined || uuid !== index.uuid ? undefined : { sequence: Number(sequence), term: Number(term) };
}

/** Names and patterns of indices as a part of a path. */
export function encodeNames(names: string): string {
  return names.split(',').map(encodeURIComponent).join(',');
}

/** The items of a list in an answer that are documents; anything else is passed over. */
export function documentsIn(list: Value | undefined): readonly Document[] {
  return Array.isArray(list) ? (list as readonly Value[]).filter(isDocument) : [];
}
