import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Value } from '../../../model/document.ts';
import { codecOf } from './types.ts';

test('the JSON of MySQL, which takes long integers for fractions, is given none', () => {
  const { write } = codecOf({ table: 't', name: 'c', kind: 'json', type: 'json', characters: null, digits: null, scale: null, fraction: null, nullable: 'YES', preset: null, extra: '', comment: '', collation: null }, false);
  const fits: readonly Value[] = [2n ** 64n - 1n, -(2n ** 63n), [{ a: 2n ** 63n }], `${10n ** 39n}`, new Array(30).fill(1), 1e30];
  for (const value of fits) assert.ok(write(value));
  for (const value of [2n ** 64n, -(2n ** 63n) - 1n, [{ a: [10n ** 39n + 7n] }]]) assert.throws(() => write(value), /holds whole numbers of 64 bits/);
});
