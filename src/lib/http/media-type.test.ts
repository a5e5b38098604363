import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeText, mediaTypeOf } from './media-type.ts';

test('a content type is read whatever its case, spaces and parameters', () => {
  assert.deepEqual(mediaTypeOf('Application/HAL+json; profile="x"; Charset="ISO-8859-1"'), { essence: 'application/hal+json', charset: 'ISO-8859-1' });
  assert.deepEqual(mediaTypeOf('text/yaml'), { essence: 'text/yaml', charset: undefined });
  for (const field of [undefined, '', ' ; charset=x']) assert.equal(mediaTypeOf(field), undefined);
});

test('text is decoded from the charset it is in, and a byte order mark left out', () => {
  assert.equal(decodeText(Buffer.from('caf\xe9', 'latin1'), 'ISO-8859-1'), 'café');
  assert.equal(decodeText(Buffer.from('\ufeffx')), 'x');
  assert.equal(decodeText(Buffer.from('\ufeffx', 'utf16le'), 'utf-8'), 'x');
  assert.equal(decodeText(Buffer.from('x'), 'no-such-charset'), undefined);
  assert.equal(decodeText(Buffer.from([0xff, 0xfe - 1])), undefined);
});
