import { SyncError } from '../../model/errors.ts';
import type { Entry, Ref } from '../../model/entry.ts';
import type { CallOptions, Capabilities, Outcome, Page, ScanOptions, Store, Write } from '../../model/store.ts';
import type { Bucket } from './bucket.ts';
import { wireError } from './failure.ts';
import { flawOf, objectKeyBytes } from './keys.ts';
import { Listing } from './listing.ts';
import type { Probe } from './probe.ts';
import { readEntry } from './reading.ts';
import type { S3Writer } from './writer.ts';
import type { Creation } from './creation.ts';

/** What a bucket can do; which expectations one enforces is found out when the first is written. */
export const s3Capabilities: Capabilities = {
  holds: 'blobs',
  order: 'key',
  enumerates: 'all',
  reads: 'cheap',
  modifiedAt: 'assigned',
  modifiedAtPrecision: 1_000_000,
  digests: ['md5', 'md5-parts'],
  expects: ['absent', 'version'],
  deletes: true,
  dependencies: 'ignored',
  visibility: 'immediate',
  limits: { batchEntries: 1_000, inFlight: 2, keyBytes: objectKeyBytes },
};

/** The parts that a store is put together from. */
export interface S3Parts {
  readonly bucket: Bucket;
  readonly identity: string;
  readonly probe: Probe;
  readonly writer: S3Writer;
  readonly creation: Creation | undefined;
  readonly ordered: boolean;
  readonly concurrency: number;
}

/** Bytes of small objects that one call of `read` may hold in memory; the others are fetched when their content is asked for. */
const heldBytes = 16 * 1024 * 1024;

/**
 * A bucket, or what is below a prefix in it, as a store of blobs: keys are the names of objects without the prefix.
 * Empty objects whose name ends with a slash stand for directories and are passed over. Nothing is believed of the
 * service that can be tried or computed: conditions, order, and what it has stored.
 */
export class S3Store implements Store {
  readonly name: string;
  readonly identity: string;
  readonly #parts: S3Parts;
  #capabilities: { readonly enforced: object; readonly digests: boolean; readonly known: Capabilities } | undefined;

  constructor(parts: S3Parts) {
    this.#parts = parts;
    this.name = parts.bucket.name;
    this.identity = parts.identity;
  }

  get capabilities(): Capabilities {
    const { probe: { known: enforced }, bucket: { tags: { tellMd5: digests } } } = this.#parts;
    if (this.#capabilities?.enforced !== enforced || this.#capabilities.digests !== digests) this.#capabilities = { enforced, digests, known: this.#found() };
    return this.#capabilities.known;
  }

  #found(): Capabilities {
    const { probe, ordered, bucket } = this.#parts;
    const { absent, version, deletion } = probe.known;
    return {
      ...s3Capabilities,
      order: ordered ? 'key' : 'none',
      digests: bucket.tags.tellMd5 ? s3Capabilities.digests : [],
      expects: [...(absent === 'enforced' ? ['absent' as const] : []), ...(version === 'enforced' && deletion !== 'none' ? ['version' as const] : [])],
      limits: { ...s3Capabilities.limits, keyBytes: objectKeyBytes - Buffer.byteLength(bucket.prefix) },
    };
  }

  async *scan({ under, signal }: ScanOptions = {}): AsyncGenerator<Page> {
    signal?.throwIfAborted();
    const { bucket, ordered, creation } = this.#parts;
    try {
      yield* new Listing(bucket).pages({ ordered, under, signal });
    } catch (cause) {
      // What may be created is as good as empty until it is.
      if (creation && cause instanceof SyncError && cause.code === 'not-found') return;
      throw cause;
    }
  }

  async read(refs: readonly Ref[], { signal }: CallOptions = {}): Promise<readonly (Entry | undefined)[]> {
    signal?.throwIfAborted();
    const { bucket, concurrency } = this.#parts;
    const entries = Array.from<Entry | undefined>({ length: refs.length });
    const budget = { bytes: heldBytes };
    let next = 0;
    const lane = async (): Promise<void> => {
      for (let i = next++; i < refs.length; i = next++) {
        const { key } = refs[i]!;
        if (flawOf(key, bucket.prefix) === undefined || key.endsWith('/')) entries[i] = await readEntry(bucket, key, budget, signal);
      }
    };
    await Promise.all(Array.from({ length: Math.min(concurrency, refs.length) }, lane));
    return entries;
  }

  async write(batch: readonly Write[], { signal }: CallOptions = {}): Promise<readonly Outcome[]> {
    signal?.throwIfAborted();
    const { writer, creation, bucket } = this.#parts;
    if (creation && batch.length > 0) await creation.ensure(signal).catch((cause: unknown) => { throw wireError(cause, { verb: 'create', place: bucket.name, bucket: bucket.bucket }); });
    return await writer.write(batch, signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#parts.bucket.client[Symbol.asyncDispose]();
  }
}
