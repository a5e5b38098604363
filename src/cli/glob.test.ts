import assert from 'node:assert/strict';
import { test } from 'node:test';
import { globTest, selection } from './glob.ts';

const cases: readonly (readonly [pattern: string, matching: readonly string[], other: readonly string[]])[] = [
  ['widget', ['widget', 'widget/1', 'widget/1/2'], ['widgets/1', 'a/widget']],
  ['widget/', ['widget/1'], ['widgets/1']],
  ['widget/a*', ['widget/a', 'widget/abc', 'widget/abc/d'], ['widget/ba']],
  ['*/1', ['a/1', 'b/1', '/1'], ['a/b/1', 'a/11']],
  ['**/1', ['a/1', 'a/b/1'], ['a/11']],
  ['a?c', ['abc', 'a😀c', 'abc/d'], ['ac', 'a/c']],
  ['a.b+(c)', ['a.b+(c)'], ['axb+(c)', 'abbc']],
  ['*', ['', 'a', 'a/b'], []],
  ['a**z', ['az', 'a/b/z'], ['a/b/y']],
  ['ä/*', ['ä/ö'], ['a/ö']],
];

test('a pattern selects the keys it matches, and what lies below them', () => {
  for (const [pattern, matching, other] of cases) {
    const matches = globTest(pattern);
    for (const key of matching) assert.ok(matches(key), `${pattern} should match ${JSON.stringify(key)}`);
    for (const key of other) assert.ok(!matches(key), `${pattern} should not match ${JSON.stringify(key)}`);
  }
});

test('a pattern made to be slow is not', () => {
  const matches = globTest(`${'*a'.repeat(50)}b`);
  assert.equal(matches('a'.repeat(20_000)), false);
});

test('exclusion wins over inclusion, and nothing asked for selects everything', () => {
  const where = selection(['a', 'b'], ['a/1']);
  assert.deepEqual(['a/1', 'a/2', 'b/1', 'c/1'].filter((key) => where?.(key)), ['a/2', 'b/1']);
  assert.equal(selection(), undefined);
  assert.ok(selection([], ['x'])?.('y'));
});

test('an empty pattern is refused', () => {
  assert.throws(() => globTest(''), /1 to 1000 characters/);
});
