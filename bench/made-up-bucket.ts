import type { Entry } from '../src/model/entry.ts';
import type { CallOptions, Capabilities, Outcome, Page, ScanOptions, Store, Write } from '../src/model/store.ts';

/** What a made-up store holds. */
export interface Holding {
  /** Keys there are, or would be. */
  readonly keys: number;
  /** One entry in a hundred holds something else than before, and another one is gone. */
  readonly moved: boolean;
  /** Whether the listing tells digests, as a bucket's does, or only versions, as that of a directory. */
  readonly tells: 'digests' | 'versions';
}

const capabilities: Capabilities = {
  holds: 'blobs', order: 'key', enumerates: 'all', reads: 'cheap', modifiedAt: 'assigned', modifiedAtPrecision: 1_000_000, digests: ['md5'], expects: ['absent', 'version'],
  deletes: true, dependencies: 'ignored', visibility: 'immediate', limits: { batchEntries: 1_000, inFlight: 2, keyBytes: 1_024 },
};

/** Entries of one page: what S3 lists at once. */
const pageEntries = 1_000;
const perFolder = 1_000;
const sizeOfContent = 20;

/** A store of so many blobs that none of them is held: they are made as they are listed, and what is written is counted. */
export class MadeUpBucket implements Store {
  readonly name: string;
  readonly identity: string;
  readonly capabilities: Capabilities = capabilities;
  readonly counts: { puts: number; deletes: number; bytes: number } = { puts: 0, deletes: 0, bytes: 0 };
  readonly #holding: Holding;

  constructor(name: string, holding: Holding) {
    this.name = name;
    this.identity = `made-up:${name}`;
    this.#holding = holding;
  }

  async *scan({ signal }: ScanOptions = {}): AsyncGenerator<Page> {
    for (let at = 0; at < this.#holding.keys; at += pageEntries) {
      signal?.throwIfAborted();
      const listing: string[] = [];
      const end = Math.min(at + pageEntries, this.#holding.keys);
      for (let i = at; i < end; i++) listing.push(lineOf(i, this.#isChanged(i)));
      // What a server sends is one text, and what is cut out of it keeps all of it in memory.
      const text = listing.join('');
      const entries: Entry[] = [];
      for (let i = at; i < end; i++) {
        const entry = this.#entry(i, text, (i - at) * lineLength);
        if (entry) entries.push(entry);
      }
      yield { entries };
    }
  }

  async read(refs: readonly { readonly key: string }[], { signal }: CallOptions = {}): Promise<readonly (Entry | undefined)[]> {
    signal?.throwIfAborted();
    return refs.map(({ key }) => {
      const i = numberOf(key);
      const entry = this.#entry(i, lineOf(i, this.#isChanged(i)), 0);
      return entry && { ...entry, content: { kind: 'blob', bytes: () => once(contentOf(i, this.#holding.moved)) } };
    });
  }

  async write(batch: readonly Write[]): Promise<readonly Outcome[]> {
    const outcomes: Outcome[] = [];
    for (const write of batch) {
      if (write.kind === 'delete') {
        this.counts.deletes++;
        outcomes.push({ kind: 'done', stat: {} });
        continue;
      }
      const { key, content } = write.entry;
      if (content.kind === 'blob') for await (const chunk of content.bytes()) this.counts.bytes += chunk.length;
      this.counts.puts++;
      const digest = digestOf(numberOf(key), false);
      outcomes.push({ kind: 'done', stat: { version: digest, digest: { algorithm: 'md5', value: digest } } });
    }
    return outcomes;
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  #isChanged(i: number): boolean {
    return this.#holding.moved && i % 100 === 7;
  }

  /** The entry that a line of a listing tells of. */
  #entry(i: number, text: string, at: number): Entry | undefined {
    const { moved, tells } = this.#holding;
    if (moved && i % 100 === 51) return undefined;
    const key = text.slice(at + keyAt, at + keyAt + keyLength);
    const place = `${this.name}/${key}`;
    const digest = text.slice(at + digestAt, at + digestAt + digestLength);
    const common = { key, place, version: digest, size: sizeOfContent, modifiedAt: 1_700_000_000_000_000 };
    return tells === 'versions' ? common : { ...common, digest: { algorithm: 'md5', value: digest } };
  }
}

/** All names are of one length, so that they are in the order of their numbers. */
const [firstFolder, firstName] = [1_000_000, 10_000_000_000];
const keyLength = 'var/data/1000000/10000000000.bin'.length;
const digestLength = 32;
const [keyAt, digestAt] = ['<Contents><Key>'.length, '<Contents><Key></Key><LastModified>2026-01-01T00:00:00.000Z</LastModified><ETag>'.length + keyLength];
const lineLength = lineOf(0, false).length;

/** What S3 says of an object, with no digest that anything has. */
function lineOf(i: number, changed: boolean): string {
  const key = `var/data/${firstFolder + Math.floor(i / perFolder)}/${firstName + i}.bin`;
  return `<Contents><Key>${key}</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified><ETag>${digestOf(i, changed)}</ETag><Size>20</Size><StorageClass>STANDARD</StorageClass></Contents>`;
}

function numberOf(key: string): number {
  return Number(key.slice(-15, -4)) - firstName;
}

function digestOf(i: number, changed: boolean): string {
  return `${changed ? 'c' : 'd'}001122334455667788${firstName + i}ab`;
}

function contentOf(i: number, moved: boolean): Uint8Array {
  return Buffer.from(`${i} ${moved}`.padEnd(sizeOfContent));
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
