import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readJson } from '../../formats/json.ts';
import type { Document, Value } from '../../model/document.ts';
import { sourceText, withBytes } from './source-json.ts';

const leaf = fc.oneof(fc.constant(null), fc.boolean(), fc.double({ noNaN: true, noDefaultInfinity: true }), fc.string({ unit: 'binary' }), fc.bigInt().filter((value) => value !== BigInt(Number(value)) || !Number.isSafeInteger(Number(value))));
const { value } = fc.letrec<{ value: Value }>((tie) => ({ value: fc.oneof({ depthSize: 'small' }, leaf, fc.array(tie('value')), fc.dictionary(fc.string({ unit: 'binary' }), tie('value'))) }));

test('a document that was written is read back', () => {
  fc.assert(fc.property(fc.dictionary(fc.string({ unit: 'binary' }), value), (document) => {
    const text = sourceText(document, undefined);
    assert.ok(!text.includes('\n'));
    assert.deepEqual(plain(readJson(text, 'here')), plain(document));
  }));
});

function plain(of: Value): Value {
  return Array.isArray(of) ? (of as readonly Value[]).map(plain) : typeof of === 'object' && of !== null ? Object.fromEntries(Object.entries(of as Document).map(([name, field]) => [name, plain(field)])) : of;
}

test('bytes are base64 in the fields that hold them, and refused by name elsewhere', () => {
  const fields = { raw: true, in: { raw: true } } as const;
  const document = { raw: [new Uint8Array([0, 255]), new Uint8Array()], in: [{ raw: new Uint8Array([1]), n: 1n }] };
  const text = sourceText(document, fields);
  assert.equal(text, '{"raw":["AP8=",""],"in":[{"raw":"AQ==","n":1}]}');
  assert.deepEqual(withBytes(readJson(text, 'here') as Document, fields), { ...document, in: [{ raw: new Uint8Array([1]), n: 1 }] });
  assert.throws(() => sourceText({ in: { other: new Uint8Array() } }, fields), /"in\.other"/);
});

test('text that is no base64 stays text where bytes are held', () => {
  const read = (raw: string): Value | undefined => withBytes({ raw }, { raw: true })['raw'];
  assert.equal(read('no base64!'), 'no base64!');
  assert.deepEqual(read('AP8'), new Uint8Array([0, 255]));
  assert.deepEqual(read('AP\r\n8='), new Uint8Array([0, 255]));
});

test('what JSON has no words for is refused by the name of the field', () => {
  for (const [wrong, name] of [[{ a: { b: NaN } }, '"a.b"'], [{ a: [Infinity] }, '"a"'], [{ a: 'x\uD800' }, '"a"'], [{ '\uDC00': 1 }, 'document']] as const) {
    assert.throws(() => sourceText(wrong, undefined), (error: Error) => error.message.includes(name), name);
  }
});
