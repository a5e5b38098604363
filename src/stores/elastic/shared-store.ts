import type { Collection } from '../../model/collection.ts';
import { isDocument } from '../../model/document.ts';
import type { Document } from '../../model/document.ts';
import type { Entry, Micros, Ref } from '../../model/entry.ts';
import { SyncError } from '../../model/errors.ts';
import type { FailureCode } from '../../model/errors.ts';
import { joinKey } from '../../model/key.ts';
import type { Key } from '../../model/key.ts';
import { keyOfWrite } from '../../model/store.ts';
import type { CallOptions, Capabilities, FingerprintOptions, Fresh, Hint, Outcome, Page, Problem, ScanOptions, Store, Write } from '../../model/store.ts';
import { digestDocument } from '../../schema/digest.ts';
import { lookUp } from './lookup.ts';
import { encodeNames } from './place.ts';
import type { OpenIndex, Place } from './place.ts';
import { checkName, madeFor, putMapping } from './preparing.ts';
import { collectionNames, describeShared, sharedIndex } from './shared-index.ts';
import type { SharedIndex } from './shared-index.ts';
import { mappingFor } from './shared-mapping.ts';

export interface SharedStoreOptions {
  /** The same index as one collection. */
  readonly whole: Store;
  readonly place: Place;
  /** The name of the index. */
  readonly path: string;
  /** The field that says of which collection a document is. */
  readonly field: string;
  /** Absent: all collections are. */
  readonly isChosen: ((collection: string) => boolean) | undefined;
  /** Whether an index, and collections in it, are made where they are missing. */
  readonly create: boolean;
}

/** Documents that are told of when a scan leaves them alone. */
const mostTold = 3;

type PutWrite = Extract<Write, { readonly kind: 'put' }>;

/**
 * An index that holds several collections: a field says of which one a document is, and its `_id` is its whole key, so that two collections may
 * hold one key. The field is no part of the entry. A document of which field and `_id` do not say the same is of none of the collections: it is
 * neither read nor written.
 */
export class SharedStore implements Store {
  readonly name: string;
  readonly identity: string;
  readonly capabilities: Capabilities;
  /** Only where some collections were chosen. */
  readonly covers?: (ref: Ref) => boolean;
  readonly #options: SharedStoreOptions;
  readonly #chooses: (collection: string) => boolean;
  /** How keys begin where the index is one collection. */
  readonly #prefix: string;
  #known: ReadonlySet<string> = new Set();

  constructor(options: SharedStoreOptions) {
    const { whole, path, isChosen } = options;
    this.name = whole.name;
    this.identity = whole.identity;
    this.capabilities = whole.capabilities;
    this.#options = options;
    this.#chooses = isChosen ?? ((): boolean => true);
    if (isChosen) this.covers = ({ key }) => this.#isChosen(key);
    this.#prefix = `${joinKey([path])}/`;
  }

  async *scan({ collections, window, signal }: ScanOptions = {}): AsyncGenerator<Page> {
    const { whole, place } = this.#options;
    let odd = 0;
    for await (const page of whole.scan({ want: 'content', ...(window && { window }), ...(signal && { signal }) })) {
      const entries: Entry[] = [];
      for (const found of page.entries) {
        const entry = this.#mine(found);
        if (entry && collections?.includes(place.partsOf(entry.key).collection) !== false) entries.push(entry);
        else if (!entry && this.#isOdd(found) && odd++ < mostTold) place.client.host.log('warn', `${this.name}: the document ${this.#idOf(found.key)} is left alone, because its _id is not that of a record of the collection that its field ${this.#options.field} names`);
      }
      const problems = page.problems?.flatMap((problem) => this.#problem(problem));
      if (entries.length > 0 || problems?.length) yield { entries, ...(problems?.length && { problems }) };
    }
  }

  async read(refs: readonly Ref[], { signal }: CallOptions = {}): Promise<readonly (Entry | undefined)[]> {
    const { whole, place } = this.#options;
    const asked = refs.map((ref) => (place.flawOf(ref) || !this.#isChosen(ref.key) ? undefined : this.#outer(ref)));
    const found = (await whole.read(asked.filter((ref) => ref !== undefined), signal && { signal })).values();
    return asked.map((ref) => {
      const entry = ref && found.next().value;
      return entry && this.#mine(entry);
    });
  }

  async write(batch: readonly Write[], { signal }: CallOptions = {}): Promise<readonly Outcome[]> {
    const index = await this.#index(batch.map(keyOfWrite), signal);
    const ready = batch.map((write): Write | Outcome => this.#ready(write, index));
    const outcomes = await this.#keepOff(ready, index, signal);
    const sent = outcomes.flatMap((outcome, i) => (outcome ? [] : [{ at: i, write: ready[i] as Write }]));
    const answers = sent.length === 0 ? [] : await this.#options.whole.write(sent.map(({ write }) => write), signal && { signal });
    sent.forEach(({ at }, i) => { outcomes[at] = this.#answer(batch[at]!, answers[i]!, index); });
    return outcomes.map((outcome, i) => outcome ?? this.#refused(keyOfWrite(batch[i]!), 'internal', 'it was left without an answer', 'run again'));
  }

  async describe({ signal }: CallOptions = {}): Promise<readonly Collection[]> {
    const shared = await this.#look(signal);
    if (!shared) return [];
    const found: Collection[] = [];
    for (const name of (await collectionNames(shared, signal)).filter(this.#chooses)) {
      const described = await describeShared(shared, name, { isOf: (id) => this.#isOf(id, name), signal });
      if (described) found.push(described);
    }
    return found;
  }

  async prepare(collections: readonly Collection[], { signal }: CallOptions = {}): Promise<void> {
    const { place, path } = this.#options;
    const wanted = await this.#wanted(collections, signal);
    if (!wanted) return;
    const { missing, target, mapping } = wanted;
    await putMapping(place, { index: path, target, mapping }, signal);
    await place.look(signal);
    this.#known = new Set([...this.#known, ...missing.map(({ name }) => name)]);
  }

  async checkPrepare(collections: readonly Collection[], { signal }: CallOptions = {}): Promise<void> {
    const wanted = await this.#wanted(collections, signal);
    if (wanted && wanted.target === undefined) checkName(this.#options.place, this.#options.path);
  }

  /** What the index lacks to hold these collections; `undefined` where it lacks nothing. Throws where it cannot hold them, or none is to be made. */
  async #wanted(collections: readonly Collection[], signal: AbortSignal | undefined): Promise<{ readonly missing: readonly Collection[]; readonly target: string | undefined; readonly mapping: Document } | undefined> {
    const { place, field, create } = this.#options;
    const shared = await this.#look(signal);
    const there = new Set(shared ? await collectionNames(shared, signal) : []);
    const missing = collections.filter(({ name }) => this.#chooses(name) && !there.has(name));
    if (missing.length === 0) return undefined;
    const names = missing.map(({ name }) => name).join(', ');
    if (!create) throw new SyncError('not-found', `${place.name} has no ${missing.length === 1 ? 'collection' : 'collections'} ${names}, and none is to be made`, { store: place.name, hint: 'make what is missing, or allow it to be made' });
    const { client: { host } } = place;
    for (const collection of missing) host.log('info', `${place.name}: ${collection.name} gets a place in the index ${this.#options.path}${madeFor(collection, place.time)}`);
    return { missing, target: shared?.index.target, mapping: mappingFor(missing, { field, mapping: shared?.index.mapping, time: place.time }) };
  }

  async fresh(): Promise<Fresh> {
    throw new SyncError('unsupported', `${this.name}: an index that holds several collections is not put in place for one of them, because all others in it would be gone`, { store: this.name, hint: 'run without --swap, or give each collection an index of its own with layout=suffix' });
  }

  async *watch({ signal }: { readonly signal: AbortSignal }): AsyncGenerator<readonly Hint[]> {
    // Nobody counts what became of one of the collections.
    for await (const hints of this.#options.whole.watch?.({ signal }) ?? []) yield hints.length === 0 ? [] : [{ under: '' }];
  }

  async fingerprint(options?: FingerprintOptions): Promise<string | undefined> {
    return await this.#options.whole.fingerprint?.(options);
  }

  async clock(options?: CallOptions): Promise<Micros | undefined> {
    return await this.#options.whole.clock?.(options);
  }

  async estimate({ signal }: CallOptions = {}): Promise<number | undefined> {
    const { place } = this.#options;
    const shared = await this.#look(signal);
    if (!shared?.index.open || shared.filter === undefined) return undefined;
    const body = JSON.stringify({ query: { exists: { field: shared.filter } } });
    const { body: { count } } = await place.client.request({ path: `/${encodeNames(shared.index.target)}/_count`, body, about: place.about('count'), signal });
    return typeof count === 'number' ? count : undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#options.whole[Symbol.asyncDispose]();
  }

  async #look(signal: AbortSignal | undefined): Promise<SharedIndex | undefined> {
    const { place, path, field } = this.#options;
    const index = (await place.look(signal)).get(path);
    return index && sharedIndex(place, index, field);
  }

  /** The index, with the collections of these keys known if they are there. */
  async #index(keys: readonly Key[], signal: AbortSignal | undefined): Promise<OpenIndex | undefined> {
    const { place, path } = this.#options;
    if (keys.some((key) => !this.#known.has(place.partsOf(key).collection))) {
      const shared = await this.#look(signal);
      this.#known = new Set(shared ? await collectionNames(shared, signal) : []);
    }
    return (await place.indicesFor([`${this.#prefix}any`], signal)).get(path);
  }

  #isChosen(key: Key): boolean {
    return this.#chooses(this.#options.place.partsOf(key).collection);
  }

  #outer<R extends Ref>(ref: R): R {
    return { ...ref, key: this.#prefix + ref.key };
  }

  #idOf(key: Key): string {
    return key.slice(this.#prefix.length);
  }

  /** Whether an `_id` is that of a record of a collection. */
  #isOf(id: string, collection: string): boolean {
    const start = `${joinKey([collection])}/`;
    return id.startsWith(start) && id.length > start.length;
  }

  /** A document of the index as an entry of one of the collections; `undefined` where it is of none that was chosen. */
  #mine(found: Entry): Entry | undefined {
    const { field } = this.#options;
    if (found.content?.kind !== 'document') throw new SyncError('internal', `${this.name}: ${found.key} was read without what it holds`);
    const { [field]: collection, ...document } = found.content.document;
    const id = this.#idOf(found.key);
    if (typeof collection !== 'string' || collection === '' || !this.#isOf(id, collection) || !this.#chooses(collection)) return undefined;
    return { ...found, key: id, digest: digestDocument(document), content: { kind: 'document', document } };
  }

  /** Whether a document names a collection and does not lie where a record of it does. */
  #isOdd({ key, content }: Entry): boolean {
    const collection = content?.kind === 'document' ? content.document[this.#options.field] : undefined;
    return typeof collection === 'string' && collection !== '' && this.#chooses(collection) && !this.#isOf(this.#idOf(key), collection);
  }

  /** What could not be read, where it may be a record of one of the collections. */
  #problem(problem: Problem): readonly Problem[] {
    const { place } = this.#options;
    if (problem.key === undefined) return [problem];
    const key = this.#idOf(problem.key);
    return place.flawOf({ key }) || !this.#isChosen(key) ? [] : [{ ...problem, key, place: `${this.name}: ${key}` }];
  }

  /** A write as the index takes it; or the answer, where there is nothing to send. */
  #ready(write: Write, index: OpenIndex | undefined): Write | Outcome {
    const { place, field } = this.#options;
    const ref = write.kind === 'put' ? write.entry : write.ref;
    const { key } = ref;
    const flaw = place.flawOf(ref) ?? (Buffer.byteLength(key) > this.capabilities.limits.keyBytes ? new SyncError('invalid', `${this.name}: ${JSON.stringify(key)} is longer than the ${this.capabilities.limits.keyBytes} bytes that an _id may have`, { store: this.name, key, hint: 'choose a shorter one' }) : undefined);
    if (flaw) return { kind: 'failed', error: flaw };
    const { collection } = place.partsOf(key);
    if (!index || !this.#known.has(collection) || !this.#isChosen(key)) {
      if (write.kind === 'put') return this.#refused(key, 'not-found', `there is no collection ${JSON.stringify(collection)}`, 'make it, or let it be made');
      return write.expect && 'version' in write.expect ? { kind: 'stale', found: undefined } : { kind: 'done', stat: {} };
    }
    if (write.kind === 'delete') return { ...write, ref: this.#outer(write.ref) };
    if (write.entry.content.kind !== 'document') return this.#refused(key, 'unsupported', 'it is no document', 'have it read as one');
    const { document } = write.entry.content;
    if (Object.hasOwn(document, field)) return this.#refused(key, 'invalid', `it has a field ${field} itself, which is to say of which collection it is`, 'name another field with typeField, or leave that one out');
    return { ...write, entry: { ...this.#outer(write.entry), content: { kind: 'document', document: { [field]: collection, ...this.#filled(write, document, index) } } } };
  }

  #filled({ entry: { modifiedAt } }: PutWrite, document: Document, index: OpenIndex): Document {
    return index.modified?.filled(document, modifiedAt) ?? document;
  }

  /** Keeps writes off what is there and is no record: those that would replace whatever they find have to look first. */
  async #keepOff(ready: readonly (Write | Outcome)[], index: OpenIndex | undefined, signal: AbortSignal | undefined): Promise<(Outcome | undefined)[]> {
    const { place, field } = this.#options;
    const outcomes = ready.map((each) => (isWrite(each) ? undefined : each));
    const blind = ready.flatMap((write, at) => (index && isWrite(write) && !(write.expect && ('version' in write.expect || ('absent' in write.expect && write.kind === 'put'))) ? [{ at, write, id: this.#idOf(keyOfWrite(write)) }] : []));
    if (!index || blind.length === 0) return outcomes;
    const found = await lookUp(place, blind.map(({ id }) => ({ index, id })), { fields: [field], signal });
    for (const [i, { at, write, id }] of blind.entries()) {
      const there = found[i];
      const source = there && isDocument(there['_source']) ? there['_source'] : {};
      if (!there || source[field] === place.partsOf(id).collection) continue;
      outcomes[at] = write.kind === 'put' ? this.#foreign(id) : { kind: 'done', stat: {} };
    }
    return outcomes;
  }

  #answer(write: Write, outcome: Outcome, index: OpenIndex | undefined): Outcome {
    if (outcome.kind === 'stale') {
      const found = outcome.found && this.#mine(outcome.found);
      return outcome.found && !found && write.kind === 'put' ? this.#foreign(write.entry.key) : { kind: 'stale', found };
    }
    if (outcome.kind !== 'done' || write.kind !== 'put' || write.entry.content.kind !== 'document' || !outcome.stat.digest) return outcome;
    const document = index ? this.#filled(write, write.entry.content.document, index) : write.entry.content.document;
    return { ...outcome, stat: { ...outcome.stat, digest: digestDocument(document) } };
  }

  #foreign(key: Key): Outcome {
    return this.#refused(key, 'unsupported', `a document is there that is no record of ${JSON.stringify(this.#options.place.partsOf(key).collection)}, by its field ${this.#options.field}`, 'move it away');
  }

  #refused(key: Key, code: FailureCode, why: string, hint: string): Outcome {
    return { kind: 'failed', error: new SyncError(code, `cannot write ${this.name}: ${key}: ${why}`, { store: this.name, key, hint }) };
  }
}

function isWrite(each: Write | Outcome): each is Write {
  return each.kind === 'put' || each.kind === 'delete';
}
