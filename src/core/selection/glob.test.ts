import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseGlob } from './glob.ts';
import { GlobSet } from './glob-set.ts';

type Case = readonly [pattern: string, matching: readonly string[], other: readonly string[]];

const options: readonly Case[] = [
  ['widget', ['widget', 'widget/1', 'widget/1/2'], ['widgets/1', 'a/widget']],
  ['widget/', ['widget/1'], ['widgets/1', 'widget']],
  ['widget/a*', ['widget/a', 'widget/abc', 'widget/abc/d'], ['widget/ba']],
  ['*/1', ['a/1', 'b/1', '/1'], ['a/b/1', 'a/11']],
  ['**/1', ['a/1', 'a/b/1'], ['a/11']],
  ['a?c', ['abc', 'a😀c', 'abc/d'], ['ac', 'a/c']],
  ['a.b+(c)', ['a.b+(c)'], ['axb+(c)', 'abbc']],
  ['*', ['', 'a', 'a/b'], []],
  ['a**z', ['az', 'a/b/z'], ['a/b/y']],
  ['ä/*', ['ä/ö'], ['a/ö']],
  ['/a', ['a', 'a/b'], ['b/a', '/a']],
  ['/', ['', 'a', 'a/b', '/'], []],
];

const rules: readonly Case[] = [
  ['*.jpg', ['a.jpg', 'x/y/a.jpg', '.jpg'], ['a.jpg/b', 'a.jpeg']],
  ['a/b', ['a/b', 'x/a/b'], ['xa/b', 'a/b/c']],
  ['/a/b', ['a/b'], ['x/a/b', 'a/b/c']],
  ['cache/', ['cache/x', 'a/cache/x/y', 'cache/'], ['cache', 'xcache/y', 'a/cache']],
  ['/cache/', ['cache/x'], ['a/cache/x']],
  ['/**/x', ['a/x', 'a/b/x'], ['x']],
  ['*', ['a', 'a/b', 'a/b/c'], []],
  ['/*', ['a'], ['a/b']],
  ['[a-c]?', ['a1', 'x/c9'], ['d1', 'a', 'a/']],
  ['[!a-c]x', ['dx', '-x', '😀x'], ['ax', '/x']],
  ['[^a]', ['b'], ['a']],
  ['[]a]', [']', 'a'], ['b']],
  ['[a-]', ['a', '-'], ['b']],
  ['[\\]x]', [']', 'x'], ['\\']],
  ['*.{jpg,p{n,j}g}', ['a.jpg', 'a.png', 'b/a.pjg'], ['a.pg', 'a.jpg,png']],
  ['{a,b/**}x', ['ax', 'b/x', 'b/c/x'], ['bx', 'a/x']],
  ['a{,b}', ['a', 'ab'], ['a,b']],
  ['a,b', ['a,b'], ['a', 'b']],
  ['\\*\\{\\?', ['*{?'], ['x{?']],
  ['a\\/', ['a/'], ['a', 'a/b']],
  ['😀', ['😀', 'x/😀'], ['😁']],
];

for (const [manner, cases] of [['option', options], ['rule', rules]] as const) {
  test(`a pattern in the manner of ${manner}s matches the keys it should, and no others`, () => {
    for (const [pattern, matching, other] of cases) {
      const globs = new GlobSet([parseGlob(pattern, manner)]);
      for (const key of matching) assert.equal(globs.first(key), 0, `${pattern} should match ${JSON.stringify(key)}`);
      for (const key of other) assert.equal(globs.first(key), -1, `${pattern} should not match ${JSON.stringify(key)}`);
    }
  });
}

test('a pattern that cannot be read is refused with what it must be', () => {
  const wrong: { readonly [pattern: string]: RegExp } = { '': /1 to 1000 characters/, ['x'.repeat(1_001)]: /1 to 1000/, 'a[b': /close \[/, '[]': /close \[/, 'a{b,c': /close \{/, 'a}b': /without \{/, 'a\\': /behind/, '[z-a]': /ascending/, '{{a+}}': /regular expression/ };
  for (const [pattern, message] of Object.entries(wrong)) assert.throws(() => parseGlob(pattern, 'rule'), { code: 'invalid', message });
});

test('of several patterns the first that matches is named', () => {
  const globs = new GlobSet(['b*', '/a/**', '*.txt', 'a/'].map((pattern) => parseGlob(pattern, 'rule')));
  assert.deepEqual(['b.txt', 'a/b.txt', 'a.txt', 'x/a/y', 'c'].map((key) => globs.first(key)), [0, 0, 2, 3, -1]);
});

// Letters that meet, so that patterns match now and then.
const piece = fc.constantFrom('a', 'b', '/', '*', '**', '?', '[ab]', '[!a]', '[b-c]', '{a,b/}', '{,c*}', '{a?,**b}', '\\*', '😀', '.');
const patterns = fc.array(piece, { minLength: 1, maxLength: 7 }).map((pieces) => pieces.join(''));
const keys = fc.array(fc.constantFrom('a', 'b', 'c', '/', '.', '*', '😀'), { maxLength: 8 }).map((pieces) => pieces.join(''));

test('patterns match as a matcher that tries everything says', () => {
  fc.assert(fc.property(fc.array(patterns, { minLength: 1, maxLength: 4 }), fc.array(keys, { minLength: 1, maxLength: 8 }), fc.constantFrom('option' as const, 'rule' as const), (list, tried, manner) => {
    const globs = new GlobSet(list.map((pattern) => parseGlob(pattern, manner)));
    for (const key of tried) assert.equal(globs.first(key), list.findIndex((pattern) => naive(pattern, key, manner)), JSON.stringify([list, key, manner]));
  }), { numRuns: 3_000 });
});

test('no pattern takes more steps than the key is long times the pattern', () => {
  const nasty = fc.array(fc.constantFrom('*', '**', '?', 'a', '{a,*a}', '{**,*}', '{,}', '[ab]', '/'), { minLength: 1, maxLength: 50 }).map((pieces) => pieces.join('').slice(0, 50)).filter((pattern) => readable(pattern));
  fc.assert(fc.property(nasty, fc.constantFrom('a', 'ab', 'a/', ''), fc.integer({ min: 1, max: 1e6 }), (pattern, unit, seed) => {
    const key = `${unit === '' ? lettersFrom(seed, 2_000).join('') : unit.repeat(2_000)}!`;
    const globs = new GlobSet([parseGlob(pattern, 'rule')]);
    globs.first(key);
    assert.ok(globs.steps <= (key.length + 2) * 10 * (pattern.length + 5), `${globs.steps} steps for ${pattern}`);
  }), { examples: [['{,}'.repeat(300), 'a', 1], ['{*,**}'.repeat(8), 'a', 1], ['*a'.repeat(25), 'a', 1], ['**/'.repeat(16), 'a/', 1]] });
});

test('what is remembered is bounded, and forgetting changes no answer', () => {
  // Which of the last 20 characters was an a makes a million states.
  const globs = new GlobSet([parseGlob(`/**a${'?'.repeat(19)}`, 'rule')]);
  const letters = lettersFrom(1, 60_000);
  for (let length = 59_998; length <= 60_000; length++) {
    assert.equal(globs.first(letters.slice(0, length).join('')) === 0, letters[length - 20] === 'a');
  }
});

function lettersFrom(seed: number, length: number): readonly string[] {
  let state = seed;
  return Array.from({ length }, () => ((state = (state * 48_271) % 2_147_483_647) % 2 === 0 ? 'a' : 'b'));
}

function readable(pattern: string): boolean {
  try {
    parseGlob(pattern, 'rule');
    return true;
  } catch {
    return false;
  }
}

/** The meaning of a pattern, spelt out: choices are written out one by one, and every way to match is tried. */
function naive(pattern: string, key: string, manner: 'option' | 'rule'): boolean {
  if (pattern === '/') return true;
  const directory = pattern.endsWith('/') && !pattern.endsWith('\\/');
  const bare = pattern.slice(pattern.startsWith('/') ? 1 : 0, directory ? -1 : undefined);
  const starts = manner === 'option' || pattern.startsWith('/') ? [key] : [key, ...[...key.matchAll(/\//g)].map(({ index }) => key.slice(index + 1))];
  const whole = (text: string): boolean => written(bare).some((choice) => tries(choice, [...text]));
  return starts.some((start) => {
    const above = [...start.matchAll(/\//g)].map(({ index }) => start.slice(0, index));
    return directory ? above.some(whole) : whole(start) || (manner === 'option' && above.some(whole));
  });
}

/** Keeps the stars of a choice apart from those beside it. */
const nothing = '\u0001';

/** A pattern without its choices. No choice here holds another. */
function written(pattern: string): readonly string[] {
  const found = /\{([^}]*)\}/.exec(pattern);
  return found ? found[1]!.split(',').flatMap((choice) => written(`${pattern.slice(0, found.index)}${nothing}${choice}${nothing}${pattern.slice(found.index + found[0].length)}`)) : [pattern];
}

function tries(pattern: string, text: readonly string[]): boolean {
  if (pattern === '') return text.length === 0;
  if (pattern.startsWith(nothing)) return tries(pattern.slice(1), text);
  const stars = /^\*+/.exec(pattern)?.[0];
  if (stars !== undefined) {
    const rest = pattern.slice(stars.length);
    if (tries(rest, text)) return true;
    return text.length > 0 && (stars.length > 1 || text[0] !== '/') && tries(pattern, text.slice(1));
  }
  const [first, ...others] = text;
  if (first === undefined) return false;
  const set = /^\[(!?)([^\]]*)\]/.exec(pattern);
  if (set) return first !== '/' && new RegExp(`^[${set[1] === '!' ? '^' : ''}${set[2]}]$`, 'u').test(first) && tries(pattern.slice(set[0].length), others);
  if (pattern.startsWith('\\')) return first === pattern[1] && tries(pattern.slice(2), others);
  if (pattern.startsWith('?')) return first !== '/' && tries(pattern.slice(1), others);
  const [character = ''] = pattern;
  return first === character && tries(pattern.slice(character.length), others);
}
