import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Value } from '../../model/document.ts';
import { codecOf } from './codec-of.ts';
import { Unfit } from './codec.ts';
import { cqlFor, fieldTypeOf, parseCqlType } from './cql-type.ts';
import { smallest, unsignedVarint } from './integers.ts';

const userTypes = new Map([['Home Address', [['street', 'text'], ['tags', 'list<text>']] as const], ['nest', [['home', 'frozen<"Home Address">']] as const]]);
const typeOf = (text: string): ReturnType<typeof parseCqlType> => parseCqlType(text, userTypes);

test('a type is read as the server writes it', () => {
  assert.deepEqual(typeOf('frozen<map<text, list<int>>>'), { kind: 'map', keys: { kind: 'native', name: 'text' }, of: { kind: 'list', of: { kind: 'native', name: 'int' }, frozen: true }, frozen: true });
  assert.deepEqual(typeOf('list<frozen<set<int>>>'), { kind: 'list', of: { kind: 'set', of: { kind: 'native', name: 'int' }, frozen: true }, frozen: false });
  assert.deepEqual(typeOf('vector<float, 3>'), { kind: 'vector', of: { kind: 'native', name: 'float' }, size: 3 });
  assert.deepEqual(typeOf("'org.example.Own'"), { kind: 'custom', name: "'org.example.Own'" });
  assert.deepEqual(fieldTypeOf(typeOf('frozen<nest>')), { kind: 'record', fields: [{ name: 'home', nullable: true, type: { kind: 'record', fields: [{ name: 'street', nullable: true, type: { kind: 'text' } }, { name: 'tags', nullable: true, type: { kind: 'list', of: { kind: 'text' } } }] } }] });
  for (const text of ['', 'list<int', 'int>', 'other<int>', 'list<>']) assert.throws(() => typeOf(text), { code: 'unsupported' }, text);
});

test('a field that was described is made of the type it was', () => {
  for (const type of ['boolean', 'text', 'blob', 'uuid', 'timeuuid', 'tinyint', 'smallint', 'int', 'bigint', 'varint', 'float', 'double', 'decimal', 'timestamp', 'date', 'time', 'duration', 'frozen<list<int>>', 'frozen<set<uuid>>', 'frozen<map<text, frozen<list<decimal>>>>']) {
    assert.deepEqual(cqlFor(fieldTypeOf(typeOf(type))), { cql: type, json: false });
  }
  for (const type of ['frozen<tuple<int, text>>', 'frozen<nest>', 'list<frozen<nest>>']) assert.deepEqual(cqlFor(fieldTypeOf(typeOf(type))), { cql: 'text', json: true });
});

test('integers are written as two\'s complement, in as few bytes as they take', () => {
  const varint = codecOf(typeOf('varint'));
  fc.assert(fc.property(fc.bigInt({ min: -(2n ** 200n), max: 2n ** 200n }), (value) => {
    const bytes = varint.encode(value);
    assert.equal(BigInt.asIntN(bytes.length * 8, BigInt(`0x${bytes.toString('hex')}`)), value);
    assert.ok(bytes.length === 1 || BigInt.asIntN(bytes.length * 8 - 8, value) !== value);
    assert.equal(varint.held(value), smallest(value));
  }));
  assert.deepEqual([0n, 127n, 128n, 16_383n, 16_384n, 2n ** 56n - 1n, 2n ** 56n, 2n ** 64n - 1n].map((value) => unsignedVarint(value).toString('hex')), ['00', '7f', '8080', 'bfff', 'c04000', 'feffffffffffffff', 'ff0100000000000000', 'ffffffffffffffffff']);
});

test('decimals keep the digits of their scale', () => {
  const decimal = codecOf(typeOf('decimal'));
  fc.assert(fc.property(fc.bigInt(), fc.integer({ min: 0, max: 60 }), (unscaled, scale) => {
    const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, '0');
    const text = `${unscaled < 0n ? '-' : ''}${scale === 0 ? digits : `${digits.slice(0, -scale)}.${digits.slice(-scale)}`}`;
    assert.equal(decimal.held(text), text);
    assert.equal(decimal.encode(text).readInt32BE(), scale);
  }));
  assert.deepEqual(['1e3', '12E+5', 1.5, 7n, '-0.5e1'].map((value) => decimal.held(value)), ['1E+3', '1.2E+6', '1.5', '7', '-5']);
});

test('what comes back of a value is written as the value itself is', () => {
  const types: readonly (readonly [string, fc.Arbitrary<Value>])[] = [
    ['double', fc.double()], ['float', fc.float({ noNaN: true })], ['bigint', fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })], ['text', fc.string({ unit: 'grapheme' })], ['inet', fc.oneof(fc.ipV4(), fc.ipV6())], ['uuid', fc.uuid()],
    ['timestamp', fc.date({ noInvalidDate: true }).map((date) => date.toISOString())], ['frozen<set<int>>', fc.array(fc.integer({ min: -99, max: 99 }))], ['frozen<map<int, text>>', fc.uniqueArray(fc.integer(), { maxLength: 9 }).map((keys) => keys.map((key) => [key, 'x']))],
  ];
  for (const [type, values] of types) {
    const codec = codecOf(typeOf(type));
    fc.assert(fc.property(values, (value) => {
      let bytes: Buffer;
      try {
        bytes = codec.encode(value);
      } catch (error) {
        // A float by all its digits is one that has fewer.
        if (type !== 'float' || !(error instanceof Unfit)) throw error;
        return;
      }
      const held = codec.held(value);
      assert.deepEqual(codec.held(held), held);
      if (!type.includes('<')) assert.deepEqual(codec.encode(held), bytes);
    }), { numRuns: 300 });
  }
});
