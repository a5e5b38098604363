import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chooser } from './chooser.ts';

test('collections are chosen by names and globs', () => {
  const chosen = (option: string, names: readonly string[]): readonly string[] => names.filter(chooser(option));
  assert.deepEqual(chosen('orders, customer*', ['orders', 'order', 'customers', 'customer', 'old-customers']), ['orders', 'customers', 'customer']);
  assert.deepEqual(chosen('*a*b?', ['ab', 'abc', 'xaxbxbc', 'b', 'aabbb', '\u{1F600}ab\u{1F600}']), ['abc', 'xaxbxbc', 'aabbb', '\u{1F600}ab\u{1F600}']);
  assert.equal(chooser(undefined)('anything'), true);
  assert.equal(chooser('*'.repeat(1_000) + 'x')('a'.repeat(10_000)), false);
  for (const option of ['', 'a,,b', ' ']) assert.throws(() => chooser(option), { code: 'invalid' });
});
