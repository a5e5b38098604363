import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { linearRegExp } from '../../lib/linear-regexp.ts';
import type { Entry } from '../../model/entry.ts';
import { parseAge } from './age.ts';
import { parseGlob } from './glob.ts';
import { parseRules } from './rules.ts';
import { isWithin, judgedBy } from './scope.ts';
import { select } from './selection.ts';
import type { Criteria, Selection } from './selection.ts';

const day = 86_400_000_000;
const now = 1_000 * day;

function selecting(criteria: Omit<Criteria, 'now'>): Selection {
  const selection = select({ ...criteria, now: () => now });
  assert.ok(selection);
  return selection;
}

function globs(...patterns: readonly string[]): NonNullable<Criteria['include']> {
  return patterns.map((pattern) => ({ value: parseGlob(pattern, 'option'), text: pattern }));
}

function byRules(...lines: readonly string[]): Selection {
  return selecting({ rules: parseRules(lines, 'r') });
}

function chosen(selection: Selection, ...keys: readonly string[]): readonly string[] {
  return keys.filter((key) => selection.choosesKey(key));
}

test('without criteria there is no selection', () => {
  assert.equal(select({ now: () => now, include: [], rules: [] }), undefined);
});

test('exclusion wins over inclusion, and what nothing includes is left out', () => {
  assert.deepEqual(chosen(selecting({ include: globs('a', 'b'), exclude: globs('a/1') }), 'a/1', 'a/2', 'b/1', 'c/1'), ['a/2', 'b/1']);
  assert.deepEqual(chosen(selecting({ exclude: globs('x') }), 'x', 'y'), ['y']);
});

describe('rules', () => {
  test('the first that matches decides', () => {
    assert.deepEqual(chosen(byRules('+ keep.tmp', '- *.tmp', '- /build/', '+ *'), 'keep.tmp', 'a/keep.tmp', 'x.tmp', 'build/x', 'a/build/x'), ['keep.tmp', 'a/keep.tmp', 'a/build/x']);
  });
  test('what none matches is in, unless there are only includes', () => {
    assert.deepEqual(chosen(byRules('- *.tmp'), 'a', 'a.tmp'), ['a']);
    assert.deepEqual(chosen(byRules('+ *.jpg', '- *.tmp'), 'a', 'a.tmp', 'a.jpg'), ['a', 'a.jpg']);
    assert.deepEqual(chosen(byRules('+ *.jpg', '+ /docs/**'), 'a', 'a.jpg', 'docs/x/y'), ['a.jpg', 'docs/x/y']);
  });
  test('an exclamation mark forgets what went before, also in another file', () => {
    assert.deepEqual(chosen(byRules('- *', '!', '- b'), 'a', 'b'), ['a']);
    assert.deepEqual(parseRules(['!', '+ a'], 'second', parseRules(['- *'], 'first')).map(({ text }) => text), ['second:2: + a']);
  });
  test('comments, empty lines and blanks say nothing', () => {
    assert.deepEqual(parseRules(['', '# + a', '; - b', '  -   c d  ', '\t+\te'], 'r').map(({ kind, pattern }) => [kind, pattern]), [['exclude', 'c d'], ['include', 'e']]);
  });
  test('a line that is none is refused by file and line', () => {
    for (const line of ['a', '+a', '-', '+ ', '!!', '* a']) assert.throws(() => parseRules(['# one', line], 'my.rules'), { code: 'invalid', message: /^my\.rules:2: / }, line);
    assert.throws(() => parseRules(['- a[b'], 'my.rules'), { code: 'invalid', message: 'my.rules:1: the pattern "a[b" must close [ with ], or escape it as \\[' });
  });
});

test('lists of keys mean just these keys', () => {
  const selection = selecting({ keys: [{ value: new Set(['a', 'b/*']), text: 'one' }, { value: new Set(['c']), text: 'two' }] });
  assert.deepEqual(chosen(selection, 'a', 'a/b', 'b/x', 'b/*', 'c'), ['a', 'b/*', 'c']);
  assert.deepEqual(['a', 'c', 'd'].map((key) => selection.why({ key })), [{ chosen: true, rule: 'one' }, { chosen: true, rule: 'two' }, { chosen: false, rule: 'not in one, two' }]);
});

test('regular expressions are looked for anywhere in a key', async () => {
  const named = async (source: string): Promise<NonNullable<Criteria['includeRegExp']>[number]> => ({ value: await linearRegExp(source), text: source });
  const selection = selecting({ includeRegExp: [await named('\\.(?:jpe?g|png)$'), await named('^docs/')], excludeRegExp: [await named('(?i)DRAFT')] });
  assert.deepEqual(chosen(selection, 'a.jpg', 'x/a.jpeg', 'a.jpg.txt', 'docs/x', 'docs/draft', 'a/docs/x'), ['a.jpg', 'x/a.jpeg', 'docs/x']);
  assert.equal(selection.why({ key: 'docs/draft' }).rule, '(?i)DRAFT');
});

test('sizes and ages hide what lies outside, and what is not known hides nothing', () => {
  const age = (text: string): NonNullable<Criteria['minAge']> => ({ value: parseAge(text)!, text });
  const selection = selecting({ minSize: { value: 10, text: 'min' }, maxSize: { value: 20, text: 'max' }, minAge: age('1d'), maxAge: age('7d') });
  assert.ok(selection.looksBeyondKeys);
  for (const [size, days, hidden] of [[10, 1, undefined], [20, 7, undefined], [9, 3, 'min'], [21, 3, 'max'], [15, 0.9, '1d'], [15, 7.1, '7d']] as const) {
    const entry = { key: 'a', size, modifiedAt: now - days * day };
    assert.equal(selection.chooses(entry), hidden === undefined);
    if (hidden !== undefined) assert.deepEqual(selection.why(entry), { chosen: false, rule: hidden });
  }
  assert.ok(selection.chooses({ key: 'a' }) && selection.choosesKey('a'));
});

test('every verdict names the rule that decided', () => {
  const selection = selecting({ include: globs('a*'), exclude: globs('ax'), rules: parseRules(['# no', '- *.tmp'], 'r') });
  assert.deepEqual(['ax', 'b', 'a.tmp', 'a'].map((key) => selection.why({ key })), [
    { chosen: false, rule: 'ax' }, { chosen: false, rule: 'not in a*' }, { chosen: false, rule: 'r:2: - *.tmp' }, { chosen: true, rule: 'a*' },
  ]);
  assert.deepEqual(byRules('- x').why({ key: 'y' }), { chosen: true, rule: 'no rule hides it' });
  assert.deepEqual(byRules('+ x').why({ key: 'y' }), { chosen: false, rule: 'no rule includes it' });
});

test('a verdict says the same as the choice', () => {
  const key = fc.array(fc.constantFrom('a', 'b', '/', '.tmp'), { maxLength: 5 }).map((pieces) => pieces.join(''));
  const line = fc.tuple(fc.constantFrom('+', '-'), fc.constantFrom('a', '*', '/a', 'b/', '*.tmp', '**')).map((pieces) => pieces.join(' '));
  fc.assert(fc.property(fc.array(line, { minLength: 1, maxLength: 4 }), fc.option(fc.nat(20), { nil: undefined }), key, fc.nat(20), (lines, least, name, size) => {
    const selection = selecting({ rules: parseRules(lines, 'r'), ...(least !== undefined && { minSize: { value: least, text: 'min' } }) });
    const entry = { key: name, size };
    assert.equal(selection.why(entry).chosen, selection.chooses(entry));
    if (selection.chooses(entry)) assert.ok(selection.choosesKey(name));
  }));
});

test('a fingerprint tells criteria apart, not where they are written', () => {
  assert.equal(byRules('- a').fingerprint, selecting({ rules: parseRules(['#', '- a'], 'elsewhere') }).fingerprint);
  const others = [byRules('- a'), byRules('+ a'), byRules('- a', '- b'), byRules('- b', '- a'), selecting({ exclude: globs('a') }), selecting({ keys: [{ value: new Set(['a']), text: 'k' }] }), selecting({ keys: [{ value: new Set(['b']), text: 'k' }] })];
  assert.equal(new Set(others.map(({ fingerprint }) => fingerprint)).size, others.length);
});

describe('what is left out by size or age is left alone on both sides', () => {
  const entry = (size: number): Entry => ({ key: 'k', size });
  const small = ({ size = 0 }: { readonly size?: number }): boolean => size <= 5;
  test('the source decides where it holds the entry, else the target', () => {
    const cases = [[1, 1, true], [1, 9, true], [9, 1, false], [9, undefined, false], [undefined, 9, false], [undefined, 1, true], [undefined, undefined, true]] as const;
    for (const [left, right, within] of cases) {
      assert.equal(isWithin({ left: left === undefined ? undefined : entry(left), right: right === undefined ? undefined : entry(right) }, small), within, `${left} ${right}`);
    }
  });
  test('both ways, what moves is judged, and all of a conflict', () => {
    assert.deepEqual(judgedBy({ kind: 'put', key: 'k', to: 'right', entry: entry(1), over: entry(9), why: 'newer' }), [entry(1)]);
    assert.deepEqual(judgedBy({ kind: 'delete', key: 'k', on: 'left', over: entry(9), why: 'deleted' }), [entry(9)]);
    assert.deepEqual(judgedBy({ kind: 'conflict', key: 'k', left: entry(1), right: entry(9) }), [entry(1), entry(9)]);
    assert.deepEqual(judgedBy({ kind: 'forget', key: 'k' }), []);
  });
});

test('ages are read as spans and as moments', () => {
  const spans = { '90s': 90, '90': 90, '2h': 7_200, '7d': 7 * 86_400, '3M': 90 * 86_400, '1y': 365 * 86_400, '1h30m': 5_400, '1.5h': 5_400, '250ms': 0.25, '2w': 14 * 86_400 };
  for (const [text, seconds] of Object.entries(spans)) assert.deepEqual(parseAge(text), { kind: 'span', micros: seconds * 1_000_000 }, text);
  const moments = { '2026-01-31': '2026-01-31T00:00Z', '2026-01-31 12:30': '2026-01-31T12:30Z', '2026-01-31T12:30:15.5+01:00': '2026-01-31T11:30:15.5Z', '2026-01-31T12:30-0130': '2026-01-31T14:00Z' };
  for (const [text, date] of Object.entries(moments)) assert.deepEqual(parseAge(text), { kind: 'moment', micros: Date.parse(date) * 1_000 }, text);
  for (const text of ['', 's', '-1d', '1 day', '2026-02-30', '2026-13-01', '2026-1-1', '1d2', '2026-01-31T25:00', 'yesterday']) assert.equal(parseAge(text), undefined, text);
});
