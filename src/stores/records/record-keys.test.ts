import assert from 'node:assert/strict';
import { test } from 'node:test';
import { partsOfKey, recordKey, valueOfPart } from './record-keys.ts';

test('a key gives back the values it was made of', () => {
  const key = recordKey('orders', ['a/b', 7, 12345678901234567890n, true, new Uint8Array([0, 255]), ''])!;
  assert.equal(key, 'orders/a%2Fb/7/12345678901234567890/true/00ff/');
  const { collection, parts } = partsOfKey(key);
  const types = ['text', 'integer', 'integer', 'boolean', 'bytes', 'text'] as const;
  assert.equal(collection, 'orders');
  assert.deepEqual(parts.map((part, i) => valueOfPart(part, { kind: types[i]! })), ['a/b', 7, 12345678901234567890n, true, new Uint8Array([0, 255]), '']);
});

test('what is no scalar cannot be part of a key', () => {
  for (const value of [null, undefined, [], {}]) assert.equal(recordKey('orders', [1, value]), undefined);
});

test('a part that no value is written as stands for none', () => {
  for (const part of ['', '01', '-0', '1.0', 'x']) assert.equal(valueOfPart(part, { kind: 'integer' }), undefined, part);
  assert.equal(valueOfPart('1e400', { kind: 'float', bits: 64 }), undefined);
  assert.equal(valueOfPart('0F', { kind: 'bytes' }), undefined);
});
