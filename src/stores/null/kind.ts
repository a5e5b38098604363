import type { StoreKind } from '../../model/kind.ts';
import type { Capabilities, Outcome, Page, Store } from '../../model/store.ts';

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

  async *scan(): AsyncGenerator<Page> {}

  async read(refs: readonly unknown[]): Promise<readonly undefined[]> {
    return refs.map(() => undefined);
  }

  async write(batch: readonly unknown[]): Promise<readonly Outcome[]> {
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
