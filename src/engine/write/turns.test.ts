import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Turns } from './turns.ts';

test('what is referred to has an earlier turn', () => {
  const turns = new Turns(new Map([['items', ['orders', 'goods']], ['orders', ['people']]]));
  assert.deepEqual(['people/1', 'goods/1', 'orders/1', 'items/1', 'others/1'].map((key) => turns.of(key)), [0, 0, 1, 2, 0]);
  assert.equal(turns.count, 3);
});

test('a circle, and what refers to one, comes last', () => {
  const turns = new Turns(new Map([['ants', ['bees']], ['bees', ['ants', 'trees']], ['nests', ['ants']]]));
  assert.deepEqual(['trees/1', 'ants/1', 'bees/1', 'nests/1'].map((key) => turns.of(key)), [0, 1, 1, 1]);
});

test('where nothing refers to anything, all is of one turn', () => {
  const turns = new Turns(new Map());
  assert.deepEqual([turns.of('any/1'), turns.count], [0, 1]);
});
