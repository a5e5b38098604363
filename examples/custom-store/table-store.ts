import { randomUUID } from 'node:crypto';
import { DatabaseSync } from 'node:sqlite';
import { deserialize, serialize } from 'node:v8';
import { digestDocument, SyncError } from '../../src/index.ts';
import type { CallOptions, Capabilities, Document, Entry, Expectation, Outcome, Page, Ref, ScanOptions, Store, Write } from '../../src/index.ts';

interface Row {
  readonly key: string;
  readonly version: string;
  readonly body: Uint8Array;
}

/** Documents in a table of a SQLite file. */
export class TableStore implements Store {
  readonly name: string;
  readonly identity: string;
  readonly capabilities: Capabilities = {
    holds: 'documents', order: 'key', enumerates: 'all', reads: 'cheap',
    modifiedAt: 'none', modifiedAtPrecision: 1, digests: ['document'], expects: ['absent', 'version'],
    deletes: true, dependencies: 'ignored', visibility: 'immediate',
    limits: { batchEntries: 500, inFlight: 1, keyBytes: 1_024 },
  };
  readonly #database: DatabaseSync;

  constructor(path: string) {
    this.name = path;
    this.identity = `table:${path}`;
    this.#database = new DatabaseSync(path);
    this.#database.exec('create table if not exists documents (key text primary key, version text not null, body blob not null) without rowid');
  }

  async *scan({ signal }: ScanOptions = {}): AsyncGenerator<Page> {
    // SQLite compares text by its UTF-8 bytes, which is just the order of keys.
    const select = this.#database.prepare('select key, version, body from documents where key > ? order by key limit 500');
    for (let last = ''; ;) {
      signal?.throwIfAborted();
      const rows = select.all(last) as unknown as readonly Row[];
      if (rows.length === 0) return;
      yield { entries: rows.map(toEntry) };
      last = rows.at(-1)!.key;
    }
  }

  async read(refs: readonly Ref[], { signal }: CallOptions = {}): Promise<readonly (Entry | undefined)[]> {
    signal?.throwIfAborted();
    return refs.map(({ key }) => this.#find(key));
  }

  async write(batch: readonly Write[], { signal }: CallOptions = {}): Promise<readonly Outcome[]> {
    signal?.throwIfAborted();
    this.#database.exec('begin immediate');
    try {
      const outcomes = batch.map((write) => this.#apply(write));
      this.#database.exec('commit');
      return outcomes;
    } catch (cause) {
      this.#database.exec('rollback');
      throw new SyncError('unavailable', `${this.name} could not be written`, { cause, store: this.name });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#database.isOpen) this.#database.close();
  }

  #apply(write: Write): Outcome {
    const key = write.kind === 'put' ? write.entry.key : write.ref.key;
    const found = this.#find(key);
    if (write.expect && !meets(found, write.expect)) return { kind: 'stale', found };
    if (write.kind === 'delete') {
      this.#database.prepare('delete from documents where key = ?').run(key);
      return { kind: 'done', stat: {} };
    }
    const { content } = write.entry;
    const flaw = content.kind !== 'document' ? 'is not a document' : flawOf(key, this.capabilities);
    if (content.kind !== 'document' || flaw) return { kind: 'failed', error: new SyncError('invalid', `${this.name}: ${key} ${flaw}`, { key }) };
    const version = randomUUID();
    this.#database.prepare('insert or replace into documents values (?, ?, ?)').run(key, version, serialize(content.document));
    return { kind: 'done', stat: { version, digest: digestDocument(content.document) } };
  }

  #find(key: string): Entry | undefined {
    const row = this.#database.prepare('select key, version, body from documents where key = ?').get(key) as Row | undefined;
    return row && toEntry(row);
  }
}

function toEntry({ key, version, body }: Row): Entry {
  const document = deserialize(body) as Document;
  return { key, version, digest: digestDocument(document), content: { kind: 'document', document } };
}

function meets(found: Entry | undefined, expect: Expectation): boolean {
  if ('absent' in expect) return found === undefined;
  // Without times nothing can be shown to be older; refusing to guess is always right.
  return 'version' in expect ? found?.version === expect.version : found === undefined;
}

function flawOf(key: string, { limits }: Capabilities): string | undefined {
  if (key === '' || !key.isWellFormed()) return 'is not a key';
  return Buffer.byteLength(key) > limits.keyBytes ? `is longer than ${limits.keyBytes} bytes` : undefined;
}
