// What is told of indices that others made, by a real OpenSearch.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import type { Store } from '../src/model/store.ts';
import { openStore } from '../src/stores/open.ts';
import { sharedSearch, skipWithoutSearch } from './services/search.ts';

const skip = await skipWithoutSearch('opensearch');

test('fields of an index that others made are of the types of what they hold, and not only of the mapping', { skip }, async () => {
  const { address, ask } = await sharedSearch('opensearch');
  const index = randomUUID();
  await ask('PUT', `/${index}`, { mappings: { properties: { many: { type: 'long' }, one: { type: 'long' }, ratio: { type: 'float' }, text: { type: 'long' }, day: { type: 'date' }, spelt: { type: 'date' }, at: { type: 'date' }, ms: { type: 'date' }, sure: { type: 'boolean' } } } });
  await ask('PUT', `/${index}/_doc/1`, { many: [1, 2], one: 1, ratio: 0.1, text: '5', day: '2015-01-31', spelt: '2015-01-31', at: '2015-01-31T10:20:30.5Z', ms: 1_420_070_400_000, sure: true });
  await ask('PUT', `/${index}/_doc/2?refresh=true`, { many: 3, one: null, ratio: 2, text: 5, spelt: '2015-01-31T10:20:30', sure: 'true' });
  await using store = await openStore(`opensearch://${address}/${index}`) as Store;
  const [collection] = await store.describe!();
  const types = Object.fromEntries(collection!.fields.map(({ name, type }) => [name, type]));
  assert.deepEqual(types, {
    many: { kind: 'json' }, one: { kind: 'integer', bits: 64 }, ratio: { kind: 'float', bits: 64 }, text: { kind: 'json' }, day: { kind: 'date' }, spelt: { kind: 'text' },
    at: { kind: 'instant', precision: 1 }, ms: { kind: 'integer', bits: 64 }, sure: { kind: 'json' },
  });
});
