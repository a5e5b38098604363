import { SyncError } from '../../model/errors.ts';
import type { StoreKind } from '../../model/kind.ts';
import { MemoryStore } from './memory-store.ts';
import type { MemoryStoreOptions } from './memory-store.ts';

/** `memory:` and `memory:NAME`: a place that begins empty and is gone with the process. Two of one name are two places. */
export const kind: StoreKind<MemoryStoreOptions> = {
  name: 'memory',
  summary: 'an empty place in memory, for tests and trying things out',
  endpoint: 'memory:NAME',
  options: [
    { name: 'holds', summary: 'what it holds', value: 'choice', choices: ['documents', 'blobs'], default: 'documents' },
    { name: 'order', summary: 'the order its scans come in', value: 'choice', choices: ['key', 'none'], default: 'key' },
  ],
  capabilities: new MemoryStore().capabilities,
  async open(endpoint, options) {
    if (!endpoint.startsWith('memory:')) throw new SyncError('invalid', `${endpoint} is not a place in memory`, { hint: 'write memory:NAME' });
    return new MemoryStore({ name: endpoint, ...options });
  },
};
