// What tables of every database are held to.
import assert from 'node:assert/strict';
import type { Collection } from '../src/model/collection.ts';
import { joinKey, splitKey } from '../src/model/key.ts';
import type { Store } from '../src/model/store.ts';
import type { Subject } from '../src/testing/index.ts';

/** Records whose key is text, and that hold a value of any kind. */
export const things: Collection = {
  name: 'thing',
  key: ['id'],
  fields: [
    { name: 'id', type: { kind: 'text' }, nullable: false },
    { name: 'value', type: { kind: 'json' }, nullable: true },
    { name: 'changed', type: { kind: 'instant', precision: 1 }, nullable: true },
  ],
};

/** The values that no column of JSON holds. */
export const refusedByTables: readonly string[] = ['bytes', 'no bytes', 'infinity', 'not a number'];

/** A database that is made afresh for every law, and opened with these options. */
export function inTable(create: () => Promise<(options: { readonly modified?: string }) => Promise<Store>>, subject: Partial<Subject> = {}, options: { readonly modified?: string } = {}): Subject {
  let open: (options: { readonly modified?: string }) => Promise<Store>;
  return {
    key: (name) => joinKey(['thing', name]),
    document: (key, fields) => ({ ...fields, id: splitKey(key)[1] ?? '' }),
    refuses: refusedByTables,
    open: async () => {
      open = await create();
      const store = await open(options);
      assert.ok(store.prepare);
      await store.prepare([things]);
      return store;
    },
    reopen: async () => await open(options),
    ...(options.modified !== undefined && { adds: true }),
    ...subject,
  };
}
