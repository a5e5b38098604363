import fc from 'fast-check';
import type { Document, Value } from '../src/model/document.ts';
import { awkwardNames, awkwardValues } from '../src/testing/generators.ts';

/** Texts that have caught readers and writers out, alone and in combination. */
export const awkwardText: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(...awkwardNames),
  fc.constantFrom(...awkwardValues.map(([, value]) => value).filter((value) => typeof value === 'string' && value.length < 200) as string[]),
  fc.array(fc.constantFrom(...'abyneE0123456789+-_.:,#&*!|>\'"%@`?[]{}~=<>\\/ \t\n\r', 'é', '\u0085', '\u2028', '\uFEFF', '\u{1F600}', '\u00A0', '\u0007'), { maxLength: 12, size: 'max' }).map((units) => units.join('')),
  fc.string({ unit: 'binary' }),
);

const number = fc.oneof(fc.integer(), fc.maxSafeInteger(), fc.double({ noNaN: true, noDefaultInfinity: true }), fc.constantFrom(0, -0, 1e21, 1e-7, 5e-324, 2 ** 53, 1e16, 1e20, 123_456_789_012_345_680_000));
const beyondSafe = fc.oneof(fc.bigInt({ min: 2n ** 53n, max: 10n ** 40n }), fc.bigInt({ min: -(10n ** 40n), max: -(2n ** 53n) }));

function valueOf(bytes: boolean): fc.Arbitrary<Value> {
  const leaf: fc.Arbitrary<Value>[] = [awkwardText, awkwardText, number, beyondSafe, fc.boolean(), fc.constant(null)];
  if (bytes) leaf.push(fc.uint8Array({ maxLength: 8 }));
  return fc.letrec<{ value: Value }>((tie) => ({
    value: fc.oneof({ maxDepth: 4, depthSize: 'small' }, ...leaf, fc.array(tie('value'), { maxLength: 4 }), fc.dictionary(awkwardText, tie('value'), { maxKeys: 5, noNullPrototype: true })),
  })).value;
}

/** Any value that JSON can hold. An integer is a `bigint` only where a `number` could not hold it. */
export const jsonValue: fc.Arbitrary<Value> = valueOf(false);

/** Any value at all, bytes included. */
export const anyValue: fc.Arbitrary<Value> = valueOf(true);

/** A document of such values. */
export const anyDocument: fc.Arbitrary<Document> = fc.dictionary(awkwardText, anyValue, { maxKeys: 6, noNullPrototype: true });

/** `text` as a stream of bytes, in pieces of `size`. */
export async function* bytesOf(text: string | Uint8Array, size = 65_536): AsyncGenerator<Uint8Array, void, undefined> {
  const bytes = typeof text === 'string' ? Buffer.from(text) : text;
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}
