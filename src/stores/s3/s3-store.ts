import { elementOf, textOf } from '../../lib/aws/xml.ts';
import { SyncError } from '../../model/errors.ts';
import type { Entry, Ref, Whereabouts } from '../../model/entry.ts';
import type { CallOptions, Capabilities, FingerprintOptions, Outcome, Page, ScanOptions, Store, Takeover, Write } from '../../model/store.ts';
import type { Bucket } from './bucket.ts';
import type { Copier } from './copier.ts';
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

/** Whose a bucket is need not be asked for every run of a watch. */
const ownerKeptMs = 60_000;

/** The parts that a store is put together from. */
export interface S3Parts {
  readonly bucket: Bucket;
  readonly identity: string;
  readonly probe: Probe;
  readonly writer: S3Writer;
  readonly copier: Copier;
  /** What says that another bucket is within reach of this one. */
  readonly service: string;
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
  #owner: { readonly id: string | undefined; readonly at: number } | undefined;
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
        // An entry knows its size, and one that is large is not begun twice.
        const ref: Pick<Entry, 'key' | 'size'> = refs[i]!;
        const { key } = ref;
        if (flawOf(key, bucket.prefix) === undefined || key.endsWith('/')) entries[i] = await readEntry(bucket, ref, budget, signal);
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

  /**
   * Whose bucket it is. Dates of creation are not told apart from dates of other changes, not even by Amazon, so that a
   * bucket which its owner deleted and created again is taken for the same.
   */
  async fingerprint({ signal, unless }: FingerprintOptions = {}): Promise<string | undefined> {
    signal?.throwIfAborted();
    const { client, host } = this.#parts.bucket;
    if (this.#owner && host.now() - this.#owner.at < ownerKeptMs) return this.#owner.id;
    if (unless === 'dear') return undefined;
    const answer = await client.send({ method: 'GET', query: { acl: '' }, signal }).catch(() => undefined);
    signal?.throwIfAborted();
    // A bucket that is not there may be a moment later.
    if (answer?.status === 404) return undefined;
    const id = answer?.status === 200 ? textOf(elementOf(answer.body.toString(), 'Owner') ?? '', 'ID') || undefined : undefined;
    this.#owner = { id: id && `owner ${id}`, at: host.now() };
    return this.#owner.id;
  }

  whereabouts({ key, version }: Entry): Whereabouts | undefined {
    const { bucket: { bucket, prefix }, service } = this.#parts;
    return version === undefined ? undefined : { service, path: `${bucket}/${prefix}${key}`, version };
  }

  async takeOver(batch: readonly Takeover[], { signal }: CallOptions = {}): Promise<readonly (Outcome | undefined)[]> {
    signal?.throwIfAborted();
    const { copier, creation } = this.#parts;
    await creation?.ensure(signal);
    return await copier.takeOver(batch, signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#parts.bucket.client[Symbol.asyncDispose]();
  }
}
