import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { extname } from 'node:path';
import { byteLineFeeds } from '../../formats/text.ts';
import { limits } from '../../lib/limits.ts';
import type { Collection } from '../../model/collection.ts';
import { withoutContent } from '../../model/entry.ts';
import type { Entry, Ref } from '../../model/entry.ts';
import { SyncError } from '../../model/errors.ts';
import type { Host } from '../../model/host.ts';
import type { Key } from '../../model/key.ts';
import type { CallOptions, Capabilities, Outcome, Page, Problem, ScanOptions, Store, Write } from '../../model/store.ts';
import type { Schema } from '../../schema/schema.ts';
import { firstUnnamed } from '../../schema/unnamed.ts';
import { versionOf as versionOfFile } from '../tree/facts.ts';
import { fileError } from '../tree/file-error.ts';
import { canonicalPath, kindAt } from '../tree/paths.ts';
import { readEntry } from './file-codec.ts';
import type { FileEntry } from './file-codec.ts';
import { FileIndex } from './file-index.ts';
import { elsewhere, FileWriter } from './file-writer.ts';
import { isBlank, segmentsOf } from './segments.ts';
import type { Layout } from './segments.ts';

export interface FileStoreOptions {
  readonly schema: Schema;
  /** What a file that does not exist is: refused when it is read, or empty. Writing makes it. */
  readonly missing?: 'refuse' | 'empty';
}

/** What a file with many documents can do. */
export const fileCapabilities: Capabilities = {
  holds: 'documents',
  order: 'none',
  enumerates: 'all',
  reads: 'cheap',
  modifiedAt: 'none',
  modifiedAtPrecision: 1,
  digests: ['document'],
  // Between the last look at the file and the moment it is replaced an editor may save it, and nothing tells.
  expects: [],
  deletes: true,
  dependencies: 'ignored',
  visibility: 'immediate',
  limits: { batchEntries: 5_000, inFlight: 1, keyBytes: 100_000 },
};

/** What a file held when it was last read as a whole. */
export interface Contents {
  /** Of the file; `undefined` when there was none. */
  readonly version: string | undefined;
  readonly index: FileIndex;
  /** Whether a JSON file holds a list. */
  readonly list: boolean;
  /** Lines that are ended. */
  readonly lines: number;
}

/**
 * One file that holds many documents: YAML documents one after the other, JSON values in a list or in a row, or a line
 * of JSON each. Documents are known by what the schema reads off them, and lines without links by their `id` or by the key
 * that they state. A batch of writes replaces the file as a whole, by one rename, so that half a batch is never seen; what
 * was not written keeps its bytes and its place. Because of that batches are large: five thousand documents that are new
 * cost one copy of the file, and nothing is said to be done before it is in the file.
 */
export class FileStore implements Store {
  readonly name: string;
  readonly identity: string;
  readonly capabilities: Capabilities = fileCapabilities;
  /** Makes nothing. Only where documents are known by what they hold, which those of some collections do not say. */
  readonly prepare?: NonNullable<Store['prepare']>;
  readonly checkPrepare?: NonNullable<Store['checkPrepare']>;
  readonly #path: string;
  readonly #layout: Layout;
  readonly #schema: Schema;
  readonly #missing: 'refuse' | 'empty';
  readonly #writer: FileWriter;
  #contents: Contents | undefined;
  #writing: Promise<unknown> = Promise.resolve();

  /** Throws `invalid` when `path` is a directory or no kind of file we write. */
  constructor(path: string, host: Host, { schema, missing = 'refuse' }: FileStoreOptions) {
    this.name = path;
    this.#path = canonicalPath(path);
    this.identity = `file:${this.#path}`;
    this.#layout = layoutOf(path);
    this.#schema = schema;
    this.#missing = missing;
    this.#exists();
    if (this.#layout !== 'lines') this.prepare = this.checkPrepare = async (collections) => this.#checkNamed(collections);
    this.#writer = new FileWriter({ name: path, path: this.#path, layout: this.#layout, schema, host });
  }

  async *scan({ want = 'stat', signal }: ScanOptions = {}): AsyncGenerator<Page> {
    signal?.throwIfAborted();
    const file = this.#open();
    if (file === undefined) {
      if (this.#missing === 'empty') return;
      throw new SyncError('not-found', `${this.name} does not exist`, { store: this.name, hint: 'check the path' });
    }
    try {
      const pages = this.#pages(file, want);
      for (let page = pages.next(); ; page = pages.next()) {
        if (page.done) {
          this.#contents = page.value;
          return;
        }
        yield page.value;
        signal?.throwIfAborted();
      }
    } catch (cause) {
      throw fileError(cause, 'read', this.name, { store: this.name });
    } finally {
      closeSync(file);
    }
  }

  async read(refs: readonly Ref[], { signal }: CallOptions = {}): Promise<readonly (Entry | undefined)[]> {
    signal?.throwIfAborted();
    try {
      const file = this.#open();
      if (file === undefined) return refs.map(() => undefined);
      try {
        const { index } = this.#known(file);
        return refs.map(({ key }) => this.#find(file, index, key)[0]?.entry);
      } finally {
        closeSync(file);
      }
    } catch (cause) {
      throw fileError(cause, 'read', this.name, { store: this.name });
    }
  }

  async write(batch: readonly Write[], { signal }: CallOptions = {}): Promise<readonly Outcome[]> {
    signal?.throwIfAborted();
    // One at a time, because each replaces the whole file.
    const turn = this.#writing.then(() => this.#write(batch, signal));
    this.#writing = turn.catch(() => {});
    return turn;
  }

  async foresee(batch: readonly Write[]): Promise<readonly Outcome[]> {
    return this.#writer.foresee(batch);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writing;
  }

  #checkNamed(collections: readonly Collection[]): void {
    const unnamed = firstUnnamed(collections, this.#schema);
    if (unnamed) throw new SyncError('unsupported', `${this.name} cannot keep the records of ${unnamed.collection}: documents are known there by what they hold, and these have no ${unnamed.missing}`, { store: this.name, hint: elsewhere });
  }

  #write(batch: readonly Write[], signal: AbortSignal | undefined): readonly Outcome[] {
    signal?.throwIfAborted();
    for (let attempts = 0; attempts < 5; attempts++) {
      const file = this.#open();
      try {
        const contents: Contents = file === undefined ? { version: undefined, index: new FileIndex(), list: true, lines: 0 } : this.#known(file);
        const find = (key: Key): readonly Found[] => (file === undefined ? [] : this.#find(file, contents.index, key));
        const result = this.#writer.write(batch, { file, contents, find });
        if (!result) continue;
        this.#contents = result.contents;
        return result.outcomes;
      } catch (cause) {
        throw fileError(cause, 'write', this.name, { store: this.name });
      } finally {
        if (file !== undefined) closeSync(file);
      }
    }
    throw new SyncError('conflict', `${this.name} is being changed by someone else all the time`, { store: this.name, hint: 'run again' });
  }

  /** The file, open for reading; `undefined` where there is none. */
  #open(): number | undefined {
    if (!this.#exists()) return undefined;
    try {
      return openSync(this.#path, constants.O_RDONLY);
    } catch (cause) {
      throw fileError(cause, 'read', this.name, { store: this.name });
    }
  }

  #exists(): boolean {
    const kind = this.#kind();
    if (kind === undefined || kind === 'file') return kind === 'file';
    throw new SyncError('invalid', `${this.name} is ${kind === 'directory' ? 'a directory' : 'no ordinary file'}`, { store: this.name, hint: kind === 'directory' ? 'put a slash at its end to use it as a directory' : 'name a file' });
  }

  #kind(): ReturnType<typeof kindAt> {
    try {
      return kindAt(this.#path);
    } catch (cause) {
      throw fileError(cause, 'look at', this.name, { store: this.name });
    }
  }

  /** What the open file holds. Read again when it is not the file it was. */
  #known(file: number): Contents {
    const version = versionOfFile(fstatSync(file, { bigint: true }));
    if (this.#contents?.version === version) return this.#contents;
    const pages = this.#pages(file, 'stat');
    let page = pages.next();
    while (!page.done) page = pages.next();
    return (this.#contents = page.value);
  }

  /** The documents of the open file, each once. */
  *#pages(file: number, want: 'stat' | 'content'): Generator<Page, Contents, undefined> {
    const version = versionOfFile(fstatSync(file, { bigint: true }));
    const index = new FileIndex();
    let entries: Entry[] = [];
    let problems: Problem[] = [];
    let count = 0;
    let lines = 0;
    for (const segment of segmentsOf(file, this.#layout, this.name)) {
      lines = segment.line - 1 + byteLineFeeds(segment.bytes);
      if (this.#layout !== 'json' && isBlank(segment.bytes, this.#layout)) continue;
      count++;
      try {
        const entry = readEntry(segment, this.#layout, this.name, this.#schema);
        const [earlier] = this.#find(file, index, entry.key);
        index.add(entry.key, { offset: segment.start, length: segment.bytes.length, line: segment.line });
        if (!earlier) entries.push(want === 'content' ? entry : withoutContent(entry));
        else if (earlier.entry.digest?.value !== entry.digest?.value) {
          problems.push({ place: entry.place ?? this.name, error: new SyncError('invalid', `${this.name}:${segment.line} holds ${entry.key}, which line ${index.place(earlier.number).line} holds differently`, { store: this.name, key: entry.key, hint: 'remove one of them' }) });
        }
      } catch (cause) {
        if (!(cause instanceof SyncError)) throw cause;
        problems.push({ place: `${this.name}:${segment.line}`, error: cause });
      }
      if (entries.length + problems.length < limits.pageEntries) continue;
      yield problems.length > 0 ? { entries, problems } : { entries };
      [entries, problems] = [[], []];
    }
    if (versionOfFile(fstatSync(file, { bigint: true })) !== version) throw new SyncError('conflict', `${this.name} was changed while it was being read`, { store: this.name, hint: 'run again' });
    if (entries.length + problems.length > 0) yield problems.length > 0 ? { entries, problems } : { entries };
    return { version, index, list: this.#layout === 'json' && (count !== 1 || firstByte(file) === 0x5b), lines };
  }

  /** The documents with a key, the one that counts first. */
  #find(file: number, index: FileIndex, key: Key): readonly Found[] {
    const found: Found[] = [];
    for (const number of index.find(key)) {
      const { offset, length, line } = index.place(number);
      const bytes = Buffer.allocUnsafe(length);
      for (let at = 0; at < length;) {
        const count = readSync(file, bytes, at, length - at, offset + at);
        if (count === 0) throw new SyncError('conflict', `${this.name} was changed while it was being read`, { store: this.name, hint: 'run again' });
        at += count;
      }
      const entry = readEntry({ bytes, line }, this.#layout, this.name, this.#schema);
      if (entry.key === key) found.push({ number, bytes, entry });
    }
    return found;
  }
}

/** A document found in the file by its key. */
export interface Found {
  readonly number: number;
  readonly bytes: Buffer;
  readonly entry: FileEntry;
}

function layoutOf(path: string): Layout {
  switch (extname(path).toLowerCase()) {
    case '.yaml':
    case '.yml':
      return 'yaml';
    case '.json':
      return 'json';
    case '.ndjson':
      return 'lines';
    default:
      throw new SyncError('invalid', `${path} does not say what it holds`, { hint: 'give it the extension .yaml, .yml, .json or .ndjson' });
  }
}

function firstByte(file: number): number | undefined {
  const head = Buffer.alloc(64);
  const count = readSync(file, head, 0, head.length, 0);
  return head.subarray(0, count).find((byte) => byte > 32 && byte < 0x80);
}
