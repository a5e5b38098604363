import type { Ref } from '../../model/entry.ts';
import type { StoreKind } from '../../model/kind.ts';
import type { CallOptions, Capabilities, Outcome, Page, ScanOptions, Store, Write } from '../../model/store.ts';

const capabilities: Capabilities = {
  holds: 'documents', order: 'key', enumerates: 'all', reads: 'cheap', modifiedAt: 'none', modifiedAtPrecision: 1, digests: [],
  expects: ['absent', 'version', 'older'], deletes: true, dependencies: 'ignored', visibility: 'immediate',
  limits: { batchEntries: 1000, inFlight: 1, keyBytes: Number.MAX_SAFE_INTEGER },
};

/** `null` and `/dev/null`: holds nothing, and takes everything without keeping it. */
export class NullStore implements Store {
  readonly name = 'null';
  readonly identity = 'null';
  readonly capabilities: Capabilities = capabilities;

  // oxlint-disable-next-line require-yield
  async *scan({ signal }: ScanOptions = {}): AsyncGenerator<Page> {
    signal?.throwIfAborted();
  }

  async read(refs: readonly Ref[], { signal }: CallOptions = {}): Promise<readonly undefined[]> {
    signal?.throwIfAborted();
    return refs.map(() => undefined);
  }

  async write(batch: readonly Write[], { signal }: CallOptions = {}): Promise<readonly Outcome[]> {
    signal?.throwIfAborted();
    return batch.map(() => ({ kind: 'done', stat: {} }));
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

/** Nothing: an origin without entries, a destination that discards. */
export const kind: StoreKind = {
  name: 'null',
  summary: 'nothing: no entries to read, and what is written is discarded',
  endpoint: 'null',
  options: [],
  capabilities,
  async open() {
    return new NullStore();
  },
};
