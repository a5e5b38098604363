import assert from 'node:assert/strict';
import { test } from 'node:test';
import { instantOfUuid } from '../records/instants.ts';
import { uuidAfter } from './times.ts';

test('of one microsecond there are ten UUIDs after the first, each of a later time or, at its end, of the greatest node', () => {
  let uuid: string | undefined = 'c232ab00-9414-11ec-8080-808080808080';
  const found: string[] = [];
  while (uuid !== undefined) {
    found.push(uuid);
    uuid = uuidAfter(uuid);
  }
  assert.deepEqual(found.slice(1), [...Array.from({ length: 9 }, (_, i) => `c232ab0${i + 1}-9414-11ec-8080-808080808080`), 'c232ab09-9414-11ec-bf7f-7f7f7f7f7f7f']);
  assert.deepEqual(new Set(found.map(instantOfUuid)), new Set([instantOfUuid(found[0]!)]));
});
