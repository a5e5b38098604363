import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { matchesWildcards, wildcardsIn } from './wildcards.ts';

test('a pattern matches what its regular expression would', () => {
  const text = fc.string({ unit: fc.constantFrom('a', '\u{1F600}', '*', '?'), maxLength: 8 });
  fc.assert(fc.property(text.map((name) => name.replace(/[*?]/g, 'c')), text, (name, pattern) => {
    assert.equal(matchesWildcards(wildcardsIn(pattern), name), new RegExp(`^${pattern.replaceAll('*', '.*').replaceAll('?', '.')}$`, 'u').test(name));
  }));
});
