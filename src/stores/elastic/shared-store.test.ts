import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryStore } from '../memory/memory-store.ts';
import { chooser } from '../records/chooser.ts';
import { Place } from './place.ts';
import { SharedStore } from './shared-store.ts';

test('an index of several collections of which some were chosen is no place for the others', () => {
  const place = new Place({ client: undefined as never, name: 'search', family: 'opensearch', path: 'app', layout: 'index', modified: undefined, modifiedUnit: undefined, chosen: undefined });
  const given = { whole: new MemoryStore(), place, path: 'app', field: 'type', create: true };
  const chosen = new SharedStore({ ...given, isChosen: chooser('us*,!users2') });
  assert.deepEqual(['users/1', 'users2/1', 'orders/1'].map((key) => chosen.covers?.({ key })), [true, false, false]);
  assert.equal(new SharedStore({ ...given, isChosen: undefined }).covers, undefined);
});
