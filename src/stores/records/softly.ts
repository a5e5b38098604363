import type { Collection, Field } from '../../model/collection.ts';
import type { Document, Value } from '../../model/document.ts';
import { isDocument } from '../../model/document.ts';
import { withoutContent } from '../../model/entry.ts';
import type { Content, Entry, Micros } from '../../model/entry.ts';
import { SyncError } from '../../model/errors.ts';
import type { Host } from '../../model/host.ts';
import { keyOfWrite } from '../../model/store.ts';
import type { CallOptions, Outcome, Page, ScanOptions, Store, Write } from '../../model/store.ts';
import { digestDocument } from '../../schema/digest.ts';
import { instantText, modifiedOf } from './instants.ts';
import type { TimeUnit } from './instants.ts';
import { passedOn } from './passed-on.ts';
import { partsOfKey } from './record-keys.ts';

/** Where documents say that they are deleted. */
export interface SoftOptions {
  readonly deleted: string;
  /** The field that says when a record was modified, which moves with a deletion as well. */
  readonly modified?: string;
  /** What a number in either field counts. */
  readonly unit?: TimeUnit;
  readonly host: Pick<Host, 'now'>;
}

/**
 * A store of documents in which a record is deleted by a field of it. Such a record is a tombstone, since the moment in the
 * field or since it was last modified, whichever is later; the field itself is no part of what is synced. What is deleted
 * here gets the field, and stays otherwise as it is.
 */
export function softly(store: Store, options: SoftOptions): Store {
  if (store.capabilities.holds !== 'documents') throw new SyncError('invalid', `${store.name} holds files, which have no field ${options.deleted}`, { store: store.name, hint: 'pass --as documents' });
  const seen = (entry: Entry): Entry => asSeen(entry, options);
  const writer = new SoftWriter(store, options, store.write.bind(store));
  const { foresee } = store;
  return {
    ...passedOn(store),
    get capabilities() { return { ...store.capabilities, tombstones: 'kept' as const }; },
    scan: (asked) => scan(store, seen, asked),
    read: async (refs, asked) => (await store.read(refs, asked)).map((entry) => entry && seen(entry)),
    write: (batch, asked) => writer.write(batch, asked),
    ...(foresee && { foresee: async (batch: readonly Write[], asked?: CallOptions) => await new SoftWriter(store, options, foresee.bind(store)).write(batch, asked) }),
    ...(store.tombstones && { tombstones: store.tombstones.bind(store) }),
    ...(store.describe && { describe: async (asked?: CallOptions) => (await store.describe?.(asked) ?? []).map((collection) => withoutField(collection, options.deleted)) }),
    ...(store.prepare && { prepare: (collections: readonly Collection[], asked?: CallOptions) => store.prepare?.(collections.map((collection) => withField(collection, options.deleted)), asked) ?? Promise.resolve() }),
    ...(store.checkPrepare && { checkPrepare: async (collections: readonly Collection[], asked?: CallOptions) => await store.checkPrepare?.(collections.map((collection) => (collection.fields.length > 0 ? withField(collection, options.deleted) : collection)), asked) }),
  };
}

async function* scan(store: Store, seen: (entry: Entry) => Entry, { want = 'stat', ...asked }: ScanOptions = {}): AsyncGenerator<Page> {
  for await (const { entries, problems } of store.scan({ ...asked, want: 'content' })) {
    const unread = entries.filter(({ content }) => content === undefined);
    const read = new Map(unread.length === 0 ? [] : (await store.read(unread, asked.signal && { signal: asked.signal })).flatMap((entry) => (entry ? [[entry.key, entry] as const] : [])));
    const found = entries.map((entry) => seen(read.get(entry.key) ?? entry));
    yield { entries: want === 'content' ? found : found.map(withoutContent), ...(problems && { problems }) };
  }
}

function asSeen(entry: Entry, { deleted, unit }: SoftOptions): Entry {
  const { content, digest, ...rest } = entry;
  if (content?.kind !== 'document' || !isDocument(content.document) || !Object.hasOwn(content.document, deleted)) return entry;
  const { [deleted]: mark, ...document } = content.document;
  const plain = { ...rest, content: { kind: 'document' as const, document }, ...(digest && { digest: digestDocument(document) }) };
  if (!isMark(mark)) return plain;
  const at = modifiedOf(mark, unit);
  const modifiedAt = at === undefined ? entry.modifiedAt : Math.max(at, entry.modifiedAt ?? at);
  return { ...plain, deleted: true, ...(modifiedAt !== undefined && { modifiedAt }) };
}

/** Whether the value of the field says that the record is deleted: any does but nothing, false, zero and the empty text. */
function isMark(value: Value | undefined): boolean {
  return value !== undefined && value !== null && value !== false && value !== 0 && value !== 0n && value !== '';
}

function withoutField(collection: Collection, name: string): Collection {
  return { ...collection, fields: collection.fields.filter((field) => field.name !== name) };
}

/** What is made gets the field. */
function withField(collection: Collection, name: string): Collection {
  if (collection.fields.length === 0 || collection.fields.some((field) => field.name === name)) return collection;
  return { ...collection, fields: [...collection.fields, { name, type: { kind: 'instant', precision: 1 }, nullable: true }] };
}

/** The writing half. */
class SoftWriter {
  readonly #store: Store;
  readonly #options: SoftOptions;
  readonly #send: Store['write'];
  #fields: Promise<ReadonlyMap<string, Field>> | undefined;

  constructor(store: Store, options: SoftOptions, send: Store['write']) {
    this.#store = store;
    this.#options = options;
    this.#send = send;
  }

  async write(batch: readonly Write[], asked: CallOptions = {}): Promise<readonly Outcome[]> {
    const fields = await this.#fieldsOf(batch, asked);
    const deletions = batch.filter((write) => write.kind === 'delete');
    const read = deletions.length === 0 ? [] : await this.#store.read(deletions.map(({ ref }) => ref), asked);
    const held = new Map(read.flatMap((entry) => (entry ? [[entry.key, entry] as const] : [])));
    const outcomes = new Array<Outcome>(batch.length);
    const writes: { readonly at: number; readonly write: Write }[] = [];
    batch.forEach((write, at) => {
      const field = fields.get(partsOfKey(keyOfWrite(write)).collection);
      const ready = write.kind === 'put' ? this.#unmarked(write, field) : this.#marking(write, held.get(write.ref.key), field);
      if (ready.kind === 'put' || ready.kind === 'delete') writes.push({ at, write: ready });
      else outcomes[at] = ready;
    });
    const answers = writes.length === 0 ? [] : await this.#send(writes.map(({ write }) => write), asked);
    answers.forEach((answer, i) => { outcomes[writes[i]!.at] = this.#outer(answer, batch[writes[i]!.at]!); });
    await this.#digest(writes.filter(({ at, write }) => outcomes[at]?.kind === 'done' && write.kind === 'put' && write !== batch[at] && batch[at]?.kind === 'put'), outcomes, asked);
    return outcomes;
  }

  /** Of records that got the field, the digest of what they are without it. */
  async #digest(written: readonly { readonly at: number; readonly write: Write }[], outcomes: Outcome[], asked: CallOptions): Promise<void> {
    if (written.length === 0) return;
    const found = await this.#store.read(written.map(({ write }) => ({ key: keyOfWrite(write) })), asked);
    written.forEach(({ at }, i) => {
      const outcome = outcomes[at]!;
      if (outcome.kind !== 'done') return;
      const { digest: _, ...stat } = outcome.stat;
      const digest = found[i] && asSeen(found[i], this.#options).digest;
      outcomes[at] = { ...outcome, stat: digest ? { ...stat, digest } : stat };
    });
  }

  /** Of each collection, the field as it is there. */
  async #fieldsOf(batch: readonly Write[], asked: CallOptions): Promise<ReadonlyMap<string, Field>> {
    const known = await this.#fields;
    if (known && batch.every((write) => known.has(partsOfKey(keyOfWrite(write)).collection))) return known;
    const { deleted } = this.#options;
    const described = this.#store.describe?.(asked) ?? Promise.resolve([]);
    const fields = described.then((collections) => new Map(collections.flatMap((collection) => collection.fields.filter(({ name }) => name === deleted).map((field) => [collection.name, field] as const))));
    this.#fields = fields;
    return await fields.catch((cause: unknown) => {
      this.#fields = undefined;
      throw cause;
    });
  }

  /** A record that is alive says so where it has to say something. */
  #unmarked(write: Write & { readonly kind: 'put' }, field: Field | undefined): Write {
    const { content } = write.entry;
    if (!field || field.nullable || content.kind !== 'document') return write;
    const value = field.type.kind === 'boolean' ? false : field.type.kind === 'integer' ? 0 : undefined;
    return value === undefined ? write : { ...write, entry: this.#with(write.entry, { ...content.document, [field.name]: value }) };
  }

  /** The record with the mark, for a deletion; or what became of that, where there is nothing to be written. */
  #marking({ ref, expect, tombstone }: Write & { readonly kind: 'delete' }, held: Entry | undefined, field: Field | undefined): Write | Outcome {
    if (!held) return expect && 'version' in expect ? { kind: 'stale', found: undefined } : { kind: 'done', stat: {} };
    const found = asSeen(held, this.#options);
    if (expect && 'absent' in expect) return { kind: 'stale', found };
    if (expect && 'version' in expect && expect.version !== held.version) return { kind: 'stale', found };
    if (expect && 'older' in expect && (found.modifiedAt === undefined || found.modifiedAt >= expect.older)) return { kind: 'stale', found };
    if (found.deleted) return { kind: 'done', stat: {} };
    const { deleted, modified, host, unit } = this.#options;
    const at = tombstone?.modifiedAt ?? Math.max(Math.floor(host.now()) * 1_000, (found.modifiedAt ?? 0) + 1);
    const last = tombstone?.content ?? found.content;
    if (last?.kind !== 'document' || !isDocument(last.document)) return { kind: 'failed', error: new SyncError('invalid', `${ref.key} is no document, so that no field can say that it is deleted`, { key: ref.key }) };
    // Without its time the record gets that of the deletion, in the way of the store.
    const { [modified ?? deleted]: _, ...document } = last.document;
    const entry = this.#with({ ...ref, content: last }, { ...document, [deleted]: markOf(at, field, unit) });
    return { kind: 'put', entry: { ...entry, modifiedAt: at }, ...(held.version !== undefined && { expect: { version: held.version } }) };
  }

  #with({ digest: _, version: __, ...entry }: Entry & { readonly content: Content }, document: Document): Entry & { readonly content: Content } {
    return { ...entry, content: { kind: 'document', document } };
  }

  #outer(outcome: Outcome, write: Write): Outcome {
    if (outcome.kind === 'stale') return { ...outcome, found: outcome.found && asSeen(outcome.found, this.#options) };
    return outcome.kind === 'done' && write.kind === 'delete' ? { ...outcome, stat: {} } : outcome;
  }
}

/** What the field holds for a deletion, by its type: when it was, or that it was. */
function markOf(at: Micros, field: Field | undefined, unit: TimeUnit | undefined): Value {
  const units = { seconds: 1e6, milliseconds: 1e3, microseconds: 1 } as const;
  const type = field?.type;
  switch (type?.kind) {
    case 'boolean': return true;
    case 'integer': return unit === undefined ? 1 : Math.floor(at / units[unit]);
    case 'float': return unit === undefined ? 1 : at / units[unit];
    case 'instant': return instantText(Math.floor(at / type.precision) * type.precision);
    case 'local': return instantText(Math.floor(at / type.precision) * type.precision).slice(0, -1);
    case 'date': return instantText(at).slice(0, 10);
    default: return instantText(at);
  }
}
