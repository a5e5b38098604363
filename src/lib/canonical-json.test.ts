import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { anyValue } from '../../test/arbitraries.ts';
import { canonicalJson } from './canonical-json.ts';
import { limits } from './limits.ts';

describe('canonical JSON', () => {
  test('sorts fields at every level and leaves lists in order', () => {
    assert.equal(canonicalJson({ b: [2, 1], a: { d: null, c: true } }), '{"a":{"c":true,"d":null},"b":[2,1]}');
    assert.equal(canonicalJson({ 10: 1, 9: 2 }), '{"10":1,"9":2}');
  });

  test('an integer is one text whatever it is held in', () => {
    assert.equal(canonicalJson(5), canonicalJson(5n));
    assert.equal(canonicalJson(-0), canonicalJson(0));
    assert.equal(canonicalJson(1e21), canonicalJson(10n ** 21n));
    assert.equal(canonicalJson([2 ** 53]), canonicalJson([2n ** 53n]));
    assert.notEqual(canonicalJson([2 ** 53]), canonicalJson([2n ** 53n + 1n]));
  });

  test('bytes are like nothing else', () => {
    const bytes = new TextEncoder().encode('hi');
    for (const other of ['hi', 'aGk=', '!"aGk="', ['aGk='], { $binary: 'aGk=' }, [104, 105], { 0: 104, 1: 105 }]) assert.notEqual(canonicalJson(bytes), canonicalJson(other));
    assert.equal(canonicalJson({ a: bytes }), canonicalJson({ a: Buffer.from('hi') }));
  });

  test('`__proto__` is a field', () => {
    assert.equal(canonicalJson(JSON.parse('{"__proto__":{"a":1},"a":2}')), '{"__proto__":{"a":1},"a":2}');
    assert.equal(canonicalJson(JSON.parse('{"b":1,"__proto__":{"a":1}}')), '{"__proto__":{"a":1},"b":1}');
  });

  test('the order in which fields were written does not matter', () => {
    fc.assert(fc.property(anyValue, (value) => {
      assert.equal(canonicalJson(reversed(value)), canonicalJson(value));
    }));
  });

  test('different values have different texts', () => {
    fc.assert(fc.property(anyValue, anyValue, (one, other) => {
      assert.equal(canonicalJson(one) === canonicalJson(other), same(one, other));
    }));
  });

  test('nesting is bounded', () => {
    assert.doesNotThrow(() => canonicalJson(nest(limits.documentDepth)));
    for (const levels of [limits.documentDepth + 1, 100_000]) assert.throws(() => canonicalJson(nest(levels)), RangeError);
  });

  test('refuses what is no value', () => {
    for (const value of [undefined, () => 1, Symbol('a'), [undefined]]) assert.throws(() => canonicalJson(value), TypeError);
  });
});

function nest(levels: number): unknown {
  let value: unknown = 1;
  for (let i = 0; i < levels; i++) value = i % 2 === 0 ? [value] : { a: value };
  return value;
}

function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value;
  return Object.fromEntries(Object.entries(value).reverse().map(([name, field]) => [name, reversed(field)]));
}

/** Equality, found by another road than a text. */
function same(one: unknown, other: unknown): boolean {
  if (isInteger(one) && isInteger(other)) return BigInt(one) === BigInt(other);
  if (one instanceof Uint8Array || other instanceof Uint8Array) return one instanceof Uint8Array && other instanceof Uint8Array && Buffer.compare(one, other) === 0;
  if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null) return one === other;
  if (Array.isArray(one) !== Array.isArray(other)) return false;
  const names = Object.keys(one);
  return names.length === Object.keys(other).length && names.every((name) => Object.hasOwn(other, name) && same((one as never)[name], (other as never)[name]));
}

function isInteger(value: unknown): value is number | bigint {
  return typeof value === 'bigint' || Number.isInteger(value);
}
