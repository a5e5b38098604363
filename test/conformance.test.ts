import { describe, test } from 'node:test';
import type { Document } from '../src/model/document.ts';
import { joinKey, splitKey } from '../src/model/key.ts';
import type { Key } from '../src/model/key.ts';
import { simple } from '../src/schema/simple.ts';
import { MemoryStore } from '../src/stores/memory/memory-store.ts';
import { testStore, wrapped } from '../src/testing/index.ts';
import type { Subject } from '../src/testing/index.ts';

const subjects: { readonly [name: string]: Subject } = {
  'memory, documents': { open: async () => new MemoryStore() },
  'memory, documents, in no order': { open: async () => new MemoryStore({ order: 'none', pageEntries: 3, batchEntries: 4 }) },
  'memory, blobs': { open: async () => new MemoryStore({ holds: 'blobs' }) },
  'memory, blobs, that enforces nothing and assigns times': { open: async () => new MemoryStore({ holds: 'blobs', expects: [], modifiedAt: 'assigned' }) },
  'memory, that deletes nothing, knows no times and digests nothing': { open: async () => new MemoryStore({ deletes: false, modifiedAt: 'none', digests: [] }) },
  'memory, listed by collection, with coarse times': { open: async () => new MemoryStore({ enumerates: 'collections', modifiedAtPrecision: 1_000_000, schema: simple }), ...documents() },
  'memory, that adds to what it is given': { open: async () => new MemoryStore({ transform: (document) => ({ ...document, stamp: 1 }) }), adds: true },
};

/** Documents of the simple schema, for places that read keys off what they hold. */
function documents(): Pick<Subject, 'key' | 'document' | 'schema'> {
  return {
    schema: simple,
    key: (name) => joinKey(['thing', name]),
    document: (key: Key, fields: Document) => {
      const [type = '', id = ''] = splitKey(key);
      return { ...fields, type, id, uri: `/api/${type}/${encodeURIComponent(id)}` };
    },
  };
}

for (const [name, subject] of Object.entries(subjects)) {
  describe(name, () => testStore(test, subject));
  describe(`${name}, wrapped`, () => testStore(test, wrapped(subject)));
}
