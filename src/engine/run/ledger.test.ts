import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits } from '../../lib/limits.ts';
import { Ledger } from './ledger.ts';

test('keys are counted by their type, in whatever order they come', () => {
  const ledger = new Ledger(undefined, () => 0);
  for (const key of ['a/1', 'a/2', 'ab/1', 'a', 'a/b/c', 'b%2Fc/1', 'b/1', '/1', 'a/3']) ledger.unchanged(key);
  const { types, counts } = ledger.report({ interrupted: false });
  assert.deepEqual(Object.entries(types).map(([type, { unchanged }]) => [type, unchanged]), [['', 2], ['a', 4], ['ab', 1], ['b', 1], ['b/c', 1]]);
  assert.equal(counts.unchanged, 9);
});

test('beyond so many types no more are told apart, and none is left out of the count', () => {
  const ledger = new Ledger(undefined, () => 0);
  const more = 5;
  for (let i = 0; i < limits.listedTypes + more; i++) for (const name of ['x', 'y']) ledger.unchanged(`type ${i}/${name}`);
  const { types, counts } = ledger.report({ interrupted: false });
  assert.equal(Object.keys(types).length, limits.listedTypes + 1);
  assert.equal(types['']?.unchanged, 2 * more);
  assert.equal(counts.unchanged, 2 * (limits.listedTypes + more));
});
