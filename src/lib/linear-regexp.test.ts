import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { linearRegExp } from './linear-regexp.ts';

test('expressions that make others hang do not', async () => {
  // At twice the steps for each more character, none of these would ever end.
  for (const source of ['^(a+)+$', '^(a|aa)+$', '^(a*)*b$', '^(.*a){20}$', '(x+x+)+y', '^([a-z]|[a-y])*!$']) {
    assert.equal((await linearRegExp(source)).test('a'.repeat(50_000) + '\n'), false, source);
  }
});

test('what cannot be done in linear time, or is no expression, is refused in words', async () => {
  for (const source of ['(?=a)', '(a)\\1', '(', '[b-a]', 'a{2,1}', '*', '\\', 'x'.repeat(1_001)]) {
    await assert.rejects(linearRegExp(source), (error) => error instanceof RangeError && error.message.startsWith('is '), source);
  }
});

test('expressions match as the usual ones do', async () => {
  const piece = fc.constantFrom('a', 'b', '/', '.', 'a*', '[ab]', '[^a]', '(?:a|b)', 'b?', '^', '$', 'a+', '\\.', 'a{1,2}');
  await fc.assert(fc.asyncProperty(fc.array(piece, { minLength: 1, maxLength: 5 }), fc.array(fc.constantFrom('a', 'b', '/', '.', 'é', '😀'), { maxLength: 8 }), async (pieces, text) => {
    const [source, key] = [pieces.join(''), text.join('')];
    assert.equal((await linearRegExp(source)).test(key), new RegExp(source, 'u').test(key), `${source} on ${key}`);
  }), { numRuns: 500 });
});
