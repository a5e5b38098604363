import assert from 'node:assert/strict';
import { isDocument } from '../model/document.ts';
import type { Document, Value } from '../model/document.ts';
import type { Content, Entry, Ref } from '../model/entry.ts';
import type { Key } from '../model/key.ts';
import { settled } from '../model/late-document.ts';
import { isSink, isSource } from '../model/store.ts';
import type { Capabilities, Expectation, Outcome, ScanOptions, Sink, Source, Store, Write } from '../model/store.ts';
import { MemoryStore } from '../stores/memory/memory-store.ts';
import type { MemoryStoreOptions } from '../stores/memory/memory-store.ts';

/** An entry that can be written. */
export type Sample = Entry & { readonly content: Content };

/** A kind of place that is to be held to the laws. */
export interface Subject {
  /** What is tried: a store, or what can only be read (a source), or what keeps nothing that could be read back (a sink). Default: `store`. */
  readonly is?: 'store' | 'source' | 'sink';
  /** Opens a place. Called afresh for every law. A store or sink is to be empty; a source is to hold `samples`. */
  open(samples: readonly Sample[]): Promise<Store | Source | Sink>;
  /** Opens the same place again, after it was disposed of. Absent where nothing outlives the place. */
  reopen?(): Promise<Store>;
  /** The key to use for a plain name. Default: the name itself. */
  key?(name: string): Key;
  /** The document to keep under a key. Default: the fields as they are; a place that reads keys off documents needs them in there. */
  document?(key: Key, fields: Document): Document;
  /** How the place reads documents, where it does: gives what is written its address, its collection and its dependencies. */
  readonly schema?: NonNullable<MemoryStoreOptions['schema']>;
  /** Set where the place adds fields of its own to what it is given: then only the fields that were written are compared. */
  readonly adds?: boolean;
  /** Names of keys and values, out of the awkward ones, that the place does not take. It must then refuse them, and nothing else. */
  readonly refuses?: readonly string[];
  /** Names of values, out of the awkward ones, that come back changed, as from a server that knows no negative zero. They must then be changed. */
  readonly loses?: readonly string[];
  /** Set where the place finds out by asking whether an expectation is enforced: then a write may be guarded although that is not claimed. */
  readonly probes?: boolean;
  /** The longest part of a key, in bytes, where the place has a limit for parts, as file systems have for names. */
  readonly partBytes?: number;
  /** How many entries are more than any page holds, where the place has small pages or is slow. Default: 1,100. */
  readonly manyEntries?: number;
  /** A sink's only witness: what was put into it so far. */
  written?(): Promise<readonly Document[]>;
  /** Laws the place is known to break, by their sentence, each with the reason it is forgiven. */
  readonly forgive?: { readonly [law: string]: string };
}

/** Values by name. */
export interface Values {
  readonly [name: string]: Value;
}

/** One place on trial, and short ways to say what the laws say. */
export class Bench implements AsyncDisposable {
  readonly subject: Subject;
  readonly #model: MemoryStore;
  readonly #collections = new Set<string>();
  #place: Store | Source | Sink | undefined;

  constructor(subject: Subject) {
    this.subject = subject;
    this.#model = new MemoryStore({ keyBytes: Infinity, ...(subject.schema && { schema: subject.schema }) });
  }

  /** The place, opened, holding these values. */
  async source(values: Values = {}): Promise<Source> {
    const samples = Object.entries(values).map(([name, value]) => this.documentSample(name, value));
    if (this.subject.is === 'source') {
      const place = this.#place = await this.subject.open(samples);
      assert.ok(isSource(place), `${place.name} is no source`);
      return place;
    }
    return await this.store(values);
  }

  /** The store, opened, holding these values. */
  async store(values: Values = {}): Promise<Store> {
    const place = this.#place = await this.subject.open([]);
    assert.ok(isSource(place) && isSink(place), `${place.name} is no store`);
    await this.fill(values);
    return place;
  }

  /** The sink, opened. */
  async sink(): Promise<Sink> {
    const place = this.#place = await this.subject.open([]);
    assert.ok(isSink(place), `${place.name} is no sink`);
    return place;
  }

  /** Opens the store again, which forgets nothing. */
  async reopen(): Promise<Store | undefined> {
    if (!this.subject.reopen) return undefined;
    await this.#place?.[Symbol.asyncDispose]();
    return await this.subject.reopen().then((store) => (this.#place = store));
  }

  get capabilities(): Capabilities {
    return this.#opened.capabilities;
  }

  /** What to scan so that everything is found. */
  get scope(): ScanOptions {
    return this.capabilities.enumerates === 'collections' ? { collections: [...this.#collections] } : {};
  }

  key(name: string): Key {
    return this.subject.key?.(name) ?? name;
  }

  ref(name: string): Ref {
    const key = this.key(name);
    const { address, collection } = this.#model.peek(key) ?? this.sample(name, null);
    return { key, ...(address !== undefined && { address }), ...(collection !== undefined && { collection }) };
  }

  /** An entry that holds a value, as a document or a blob, whichever the place holds. */
  sample(name: string, value: Value): Sample {
    return this.capabilities.holds === 'documents' ? this.documentSample(name, value) : { key: this.key(name), content: blobOf(value) };
  }

  documentSample(name: string, value: Value): Sample {
    const key = this.key(name);
    const fields = { value };
    this.#model.edit(key, this.subject.document?.(key, fields) ?? fields);
    const { version: _, digest: __, content, ...entry } = this.#model.peek(key) as Sample;
    if (entry.collection !== undefined) this.#collections.add(entry.collection);
    return { ...entry, content };
  }

  put(name: string, value: Value, expect?: Expectation): Write {
    return { kind: 'put', entry: this.sample(name, value), ...(expect && { expect }) };
  }

  remove(name: string, expect?: Expectation): Write {
    return { kind: 'delete', ref: this.ref(name), ...(expect && { expect }) };
  }

  /** Writes in batches the place can take, and answers one outcome for each. */
  async write(...writes: readonly Write[]): Promise<readonly Outcome[]> {
    const place = this.#opened;
    assert.ok(isSink(place));
    const outcomes: Outcome[] = [];
    const most = place.capabilities.limits.batchEntries;
    for (let at = 0; at < writes.length; at += most) {
      const batch = writes.slice(at, at + most);
      const answered: readonly Outcome[] = await place.write(batch);
      assert.equal(answered.length, batch.length, 'every write has its outcome');
      outcomes.push(...answered);
    }
    return outcomes;
  }

  /** Writes these values, which must all succeed. */
  async fill(values: Values): Promise<void> {
    const outcomes = await this.write(...Object.entries(values).map(([name, value]) => this.put(name, value)));
    for (const outcome of outcomes) assertDone(outcome);
  }

  /** Everything a scan finds; it must not report a problem. */
  async scan(options: ScanOptions = {}): Promise<readonly Entry[]> {
    const place = this.#opened;
    assert.ok(isSource(place));
    const entries: Entry[] = [];
    for await (const { entries: page, problems = [] } of place.scan({ ...this.scope, ...options })) {
      for (const { place: where, error } of problems) assert.fail(`the scan could not read ${where}: ${error.message}`);
      entries.push(...page.map(settled));
    }
    return entries;
  }

  /** What a scan says of one entry. */
  async stat(name: string): Promise<Entry | undefined> {
    return (await this.scan()).find(({ key }) => key === this.key(name));
  }

  /** One entry with its content. */
  async read(name: string): Promise<Entry | undefined> {
    const place = this.#opened;
    assert.ok(isSource(place));
    const [entry] = await place.read([this.ref(name)]);
    return entry && settled(entry);
  }

  /** Holds the place to exactly these values: as scanned, and as read where it can be read. */
  async assertHolds(values: Values): Promise<void> {
    const wanted = new Map(Object.entries(values).map(([name, value]) => [this.key(name), [name, value] as const]));
    const scanned = await this.scan({ want: 'content' });
    assert.deepEqual(scanned.map(({ key }) => key).sort(), [...wanted.keys()].sort());
    for (const entry of scanned) {
      const [name, value] = wanted.get(entry.key)!;
      if (entry.content || this.capabilities.reads !== 'once') await this.assertValue(entry.content ? entry : await this.read(name), name, value);
    }
  }

  /** Holds one entry to one value. */
  async assertValue(entry: Entry | undefined, name: string, value: Value): Promise<void> {
    assert.ok(entry?.content, `${this.key(name)} has content`);
    assert.equal(entry.key, this.key(name));
    const { content } = this.sample(name, value);
    const [found, wanted] = [await plainOf(entry.content), await plainOf(content)];
    if (this.subject.adds && isDocument(found) && isDocument(wanted)) assert.deepEqual(found['value'], wanted['value'], this.key(name));
    else assert.deepEqual(found, wanted);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#place?.[Symbol.asyncDispose]();
  }

  get #opened(): Store | Source | Sink {
    assert.ok(this.#place, 'a law opens its place before it uses it');
    return this.#place;
  }
}

/** Holds an outcome to `done`, and says what went wrong where it is not. */
export function assertDone(outcome: Outcome | undefined): asserts outcome is Extract<Outcome, { kind: 'done' }> {
  if (outcome?.kind === 'failed') assert.fail(`the write failed: ${outcome.error.message}`);
  assert.equal(outcome?.kind, 'done');
}

/** A blob of the bytes given, else of the value as text. */
export function blobOf(value: Value): Content {
  const bytes = value instanceof Uint8Array ? value : new TextEncoder().encode(JSON.stringify(value, (_, part: unknown) => typeof part === 'bigint' ? String(part) : part));
  return { kind: 'blob', async *bytes() { if (bytes.length > 0) yield bytes; } };
}

/** Content as a value that compares by what it holds, not by which class or prototype holds it. */
async function plainOf(content: Content): Promise<Value> {
  if (content.kind === 'document') return plain(content.document);
  const chunks = await Array.fromAsync(content.bytes());
  return plain(Buffer.concat(chunks));
}

function plain(value: Value): Value {
  if (value instanceof Uint8Array) return Uint8Array.from(value);
  if (Array.isArray(value)) return (value as readonly Value[]).map(plain);
  if (isDocument(value)) return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, plain(field)]));
  return value;
}
