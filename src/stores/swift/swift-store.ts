import { Limit } from '../../lib/limit.ts';
import type { Entry, Ref, Whereabouts } from '../../model/entry.ts';
import { SyncError, toSyncError } from '../../model/errors.ts';
import { compareKeys } from '../../model/key.ts';
import type { Key } from '../../model/key.ts';
import { keyOfWrite } from '../../model/store.ts';
import type { CallOptions, Capabilities, Outcome, Page, ScanOptions, Store, Takeover, Write } from '../../model/store.ts';
import { pathOf } from './client.ts';
import { meets, putObject, stale } from './container-writer.ts';
import type { SwiftContext } from './context.ts';
import { copyObject } from './copying.ts';
import { deleteLarge, deleteNames } from './deleting.ts';
import { listRange, rangesUnder } from './listing.ts';
import type { Row } from './listing.ts';
import { ownsSegments, statOf } from './object-facts.ts';
import { readObject } from './reading.ts';

/** What a container can do. A condition on a PUT may be met by two writers at once, and one on a DELETE is passed over, so none is claimed. */
export const swiftCapabilities: Capabilities = {
  holds: 'blobs',
  order: 'key',
  enumerates: 'all',
  reads: 'cheap',
  modifiedAt: 'assigned',
  modifiedAtPrecision: 10,
  digests: ['md5'],
  expects: [],
  deletes: true,
  dependencies: 'ignored',
  visibility: 'immediate',
  limits: { batchEntries: 1_000, inFlight: 2, keyBytes: 1_024 },
};

/** Bytes of objects that one call of `read` may hold in memory. */
const heldBytes = 16 * 1024 * 1024;

const emptyMd5 = 'd41d8cd98f00b204e9800998ecf8427e';

export interface SwiftStoreOptions {
  readonly identity: string;
  readonly context: SwiftContext;
  /** Requests under way at once. */
  readonly concurrency: number;
  /** Whether a container that does not exist is empty, because the first write makes it. */
  readonly missingIsEmpty: boolean;
  readonly close: () => Promise<void>;
}

/** A container of OpenStack Swift, or the part of it below a prefix, as a store of blobs. What is empty and stands for a directory is passed over. */
export class SwiftStore implements Store {
  readonly name: string;
  readonly identity: string;
  readonly capabilities: Capabilities;
  readonly #context: SwiftContext;
  readonly #limit: Limit;
  readonly #options: SwiftStoreOptions;

  constructor(options: SwiftStoreOptions) {
    const { context, identity, concurrency } = options;
    this.name = context.name;
    this.identity = identity;
    this.capabilities = { ...swiftCapabilities, limits: { ...swiftCapabilities.limits, keyBytes: swiftCapabilities.limits.keyBytes - Buffer.byteLength(context.prefix) } };
    this.#context = context;
    this.#limit = new Limit(concurrency);
    this.#options = options;
  }

  async *scan({ under, signal }: ScanOptions = {}): AsyncGenerator<Page> {
    signal?.throwIfAborted();
    const { client, container, prefix } = this.#context;
    const ranges = under ? rangesUnder(under, prefix) : [{ start: prefix, exact: false }];
    let last: Key | undefined;
    for (const range of ranges) {
      for await (const rows of listRange(range, { client, container, about: this.#context.about('list'), signal })) {
        signal?.throwIfAborted();
        if (rows === undefined) {
          if (this.#options.missingIsEmpty) return;
          throw this.#context.missing();
        }
        const entries = await this.#entries(rows.filter(({ name, isDirectory }) => !isDirectory && name !== prefix), signal);
        if (entries.length === 0) continue;
        if (last !== undefined && compareKeys(last, entries[0]!.key) >= 0) throw new SyncError('corrupt', `the listing of ${this.name} is out of order at ${entries[0]!.key}`, { store: this.name, hint: 'run again' });
        last = entries.at(-1)!.key;
        yield { entries };
      }
    }
  }

  async read(refs: readonly Ref[], { signal }: CallOptions = {}): Promise<readonly (Entry | undefined)[]> {
    signal?.throwIfAborted();
    const budget = { bytes: heldBytes };
    return this.#each(refs, ({ key }) => readObject(this.#context, key, budget, signal));
  }

  async write(batch: readonly Write[], { signal }: CallOptions = {}): Promise<readonly Outcome[]> {
    signal?.throwIfAborted();
    const outcomes = new Array<Outcome>(batch.length);
    for (const wave of waves(batch)) {
      const puts = wave.filter((i) => batch[i]!.kind === 'put');
      await this.#each(puts, async (i) => { outcomes[i] = await this.#put(batch[i] as Put, signal); });
      const deletions = wave.filter((i) => batch[i]!.kind === 'delete');
      const answers = await this.#delete(deletions.map((i) => batch[i] as Deletion), signal);
      deletions.forEach((i, at) => { outcomes[i] = answers[at]!; });
    }
    return outcomes;
  }

  whereabouts({ key, version }: Entry): Whereabouts | undefined {
    const { service, container } = this.#context;
    return version === undefined ? undefined : { service, path: `${container}/${this.#context.nameOf(key)}`, version };
  }

  async takeOver(batch: readonly Takeover[], { signal }: CallOptions = {}): Promise<readonly (Outcome | undefined)[]> {
    signal?.throwIfAborted();
    return this.#each(batch, async (takeover) => {
      try {
        return await copyObject(this.#context, takeover, signal);
      } catch (cause) {
        signal?.throwIfAborted();
        // Only of a copy that was made and is wrong is anything to be said: else it is read and put, and fails there, or not.
        return cause instanceof SyncError && cause.code === 'corrupt' ? { kind: 'failed', error: cause } : undefined;
      }
    });
  }

  /** Which account, and when the container was made. */
  async fingerprint({ signal }: CallOptions = {}): Promise<string | undefined> {
    signal?.throwIfAborted();
    const { client, container } = this.#context;
    // Some servers answer a HEAD of a container with a body, which would be taken for the next answer.
    const { status, headers } = await client.request({ path: pathOf(container), query: 'format=json&limit=1', wanted: [200, 204, 404], about: this.#context.about('look at'), signal });
    const made = headers['x-timestamp'];
    return status === 404 || made === undefined ? undefined : `${await client.place()} ${made}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#options.close();
  }

  async #entries(rows: readonly Row[], signal: AbortSignal | undefined): Promise<readonly Entry[]> {
    const doubtful = rows.filter(isDoubtful);
    const known = new Map<string, Entry | undefined>();
    await this.#each(doubtful, async ({ name }) => { known.set(name, await this.#look(this.#keyOf(name), signal)); });
    const entries: Entry[] = [];
    for (const row of rows) {
      const entry = known.has(row.name) ? known.get(row.name) : this.#entryOf(row);
      if (entry) entries.push(entry);
    }
    return entries;
  }

  #entryOf({ name, bytes, hash, modifiedAt, largeEtag }: Row): Entry {
    const key = this.#keyOf(name);
    return { key, place: `${this.name}/${key}`, ...statOf(largeEtag ?? hash, { size: bytes, large: largeEtag !== undefined, modifiedAt }) };
  }

  async #look(key: Key, signal: AbortSignal | undefined): Promise<Entry | undefined> {
    const facts = await this.#context.look(key, signal);
    return facts && this.#context.entryOf(key, facts);
  }

  #keyOf(name: string): Key {
    return name.slice(this.#context.prefix.length);
  }

  async #put(write: Put, signal: AbortSignal | undefined): Promise<Outcome> {
    try {
      return await putObject(this.#context, write, signal);
    } catch (cause) {
      signal?.throwIfAborted();
      // Where there is no container and none can be made, nothing of a batch can have been written.
      if (cause === this.#context.unsupplied) throw cause;
      return { kind: 'failed', error: toSyncError(cause, { store: this.name, key: write.entry.key }) };
    }
  }

  /** Looks at everything first: what is not as expected stays, and what is large takes its segments along. */
  async #delete(deletions: readonly Deletion[], signal: AbortSignal | undefined): Promise<readonly Outcome[]> {
    const outcomes = new Array<Outcome | undefined>(deletions.length);
    const plain: number[] = [];
    await this.#each(deletions, async ({ ref: { key }, expect }, i) => {
      try {
        const found = this.#context.flawOf(key) === undefined ? await this.#context.look(key, signal) : undefined;
        if (expect && !meets(found, expect)) outcomes[i] = stale(this.#context, key, found);
        else if (!found) outcomes[i] = done(expect);
        else if (!ownsSegments(found)) plain.push(i);
        else outcomes[i] = answer(await deleteLarge(this.#context, this.#target(key), signal), expect);
      } catch (cause) {
        signal?.throwIfAborted();
        outcomes[i] = { kind: 'failed', error: toSyncError(cause, { store: this.name, key }) };
      }
    });
    const errors = await deleteNames(this.#context, plain.map((i) => this.#target(deletions[i]!.ref.key)), signal);
    plain.forEach((i, at) => { outcomes[i] = answer(errors[at], deletions[i]!.expect); });
    return outcomes as readonly Outcome[];
  }

  #target(key: Key): { readonly container: string; readonly name: string } {
    return { container: this.#context.container, name: this.#context.nameOf(key) };
  }

  /** Does something for each, as many at once as are allowed over the whole store. The first error counts, once all have ended. */
  async #each<Item, Result>(items: readonly Item[], task: (item: Item, index: number) => Promise<Result>): Promise<readonly Result[]> {
    const results = new Array<Result>(items.length);
    const ended: Promise<void>[] = [];
    const errors: unknown[] = [];
    for (const [i, item] of items.entries()) {
      const { promise, resolve } = Promise.withResolvers<void>();
      ended.push(promise);
      await this.#limit.add(async () => {
        try {
          results[i] = await task(item, i);
        } catch (error) {
          errors.push(error);
        } finally {
          resolve();
        }
      });
      if (errors.length > 0) break;
    }
    await Promise.all(ended);
    if (errors.length > 0) throw errors[0];
    return results;
  }
}

type Put = Extract<Write, { kind: 'put' }>;
type Deletion = Extract<Write, { kind: 'delete' }>;

/** Whether only a look at the object tells what it holds: a manifest that names a prefix is listed as empty, and a link is. */
function isDoubtful({ bytes, hash, isLink }: Row): boolean {
  return isLink || (bytes === 0 && hash === emptyMd5);
}

function done(expect: Deletion['expect']): Outcome {
  return { kind: 'done', stat: {}, ...(expect && { unguarded: true }) };
}

function answer(error: SyncError | undefined, expect: Deletion['expect']): Outcome {
  return error ? { kind: 'failed', error } : done(expect);
}

/** The places of a batch in groups, in which no key comes twice, so that what is done at once is not about the same entry. */
function waves(batch: readonly Write[]): readonly (readonly number[])[] {
  const counts = new Map<Key, number>();
  const groups: number[][] = [];
  batch.forEach((write, i) => {
    const key = keyOfWrite(write);
    const nth = counts.get(key) ?? 0;
    counts.set(key, nth + 1);
    (groups[nth] ??= []).push(i);
  });
  return groups;
}
