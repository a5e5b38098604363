import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Page, Store } from '../../model/store.ts';
import { hal } from '../../schema/hal.ts';
import { readPattern, withPattern } from '../../schema/pattern.ts';
import { MemoryStore } from '../memory/memory-store.ts';
import { resources } from './resources.ts';

test('what was deleted has an address where its key is that of the pattern, and none where its parts are other fields', async () => {
  const memory = new MemoryStore();
  const key = (name: string, fields: readonly string[]) => ({ name, key: fields, fields: fields.map((field) => ({ name: field, type: { kind: 'text' as const }, nullable: false })) });
  const store: Store = Object.assign(Object.create(memory) as MemoryStore, {
    capabilities: memory.capabilities,
    describe: async () => [key('orders', ['shop', 'number']), key('lines', ['number', 'shop'])],
    async *tombstones(): AsyncGenerator<Page> {
      yield { entries: [{ key: 'orders/x/1' }, { key: 'lines/1/x' }] };
    },
  });
  const pattern = readPattern('/v1/{collection}/{shop}/{number}');
  const shown = resources(store, { schema: withPattern(hal, pattern), pattern });
  const pages: Page[] = await Array.fromAsync(shown.tombstones!());
  assert.deepEqual(pages.flatMap(({ entries }) => entries), [{ key: 'orders/x/1', address: '/v1/orders/x/1' }, { key: 'lines/1/x' }]);
});
