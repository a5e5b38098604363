import type { Document, Value } from '../model/document.ts';
import type { Key } from '../model/key.ts';
import type { Random } from './random.ts';

/**
 * Names that have caught real stores out: order, separators, normal forms, letter case, planes beyond the first,
 * escapes that look real, and names that mean something elsewhere.
 */
export const awkwardNames: readonly string[] = [
  'a', 'a/b', 'a.txt', 'a-b', 'a b', 'A', ' a', 'a ', 'a.', '.a', '0', '10', '2', '01',
  'é', 'e\u0301', '\uFFFD', '\u{1F600}', '\uD7FF', '\uE000', '\u0085', '\u2028', '\uFEFF',
  '%2F', '%252F', '%', '%41', '+', '&', '?', '#', ';', ':', '*', '|', '<>', '\\', '"', "o'brien", '`', '$HOME', '~', '@', '[x]', '{id}',
  '..', '.', '../up', 'a/../b', './a', '/a', 'a/', 'a//b',
  '__proto__', 'constructor', 'toString', 'null', 'true', 'yes', 'CON', 'nul.txt', 'index', 'index.html', 'README.md', '.git', '.yaml', 'x.yaml', 'x.json',
  '\t', '\n', '\u0000', '\u007F',
];

/** Values that have caught real formats out, each with what to call it. */
export const awkwardValues: readonly (readonly [string, Value])[] = [
  ['null', null], ['true', true], ['false', false],
  ['zero', 0], ['negative zero', -0], ['one', 1], ['minus one', -1], ['a fraction', 0.1], ['a small fraction', 5e-324], ['a large number', 1.7976931348623157e308],
  ['an exponent', 1e21], ['a whole number as large as is safe', Number.MAX_SAFE_INTEGER], ['a whole number as small as is safe', Number.MIN_SAFE_INTEGER],
  ['an integer beyond what is safe', 9_007_199_254_740_993n], ['a negative integer beyond what is safe', -9_007_199_254_740_993n], ['an integer of 40 digits', 10n ** 39n + 7n],
  ['empty text', ''], ['blank text', '   '], ['a line feed', '\n'], ['lines', 'one\ntwo\n\nfour\n'], ['lines without an end', 'one\ntwo'], ['carriage returns', 'one\r\ntwo\r'], ['indented lines', '  one\n    two\n three'],
  ['trailing blanks', 'a  \nb \n'], ['tabs', '\ta\tb\t'], ['control characters', '\u0001\u0007\u001B'], ['a NUL', 'a\u0000b'], ['delete and C1', '\u007F\u0080\u0085\u009F'], ['line separators', 'a\u2028b\u2029c'], ['a byte order mark', '\uFEFFa'],
  ['letters beyond ASCII', 'Ünïcödé — 漢字'], ['letters beyond the first plane', '\u{1F600}\u{10FFFF}'], ['both normal forms', 'é e\u0301'], ['noncharacters', '\uFFFE\uFFFF'],
  ...['yes', 'No', 'on', 'OFF', 'y', 'n', 'true', 'False', 'null', '~', 'Null', '1', '-1', '+1', '012', '0o14', '0x1F', '0b11', '1_000', '1.5', '.5', '1.', '1e3', '1.0e+3', '.inf', '-.Inf', '.nan', '1:30', '190:20:30', '2001-01-01', '2001-12-14t21:59:43.10-05:00', '=', '<<']
    .map((text): readonly [string, Value] => [`the text ${text}`, text]),
  ...['# no comment', 'a # b', 'a: b', ': a', 'a:', '- a', '-', '? a', '*a', '&a', '!a', '!!str a', '%a', '@a', '`a', '{a', '[a', ']', '}', ',', '|', '>', '"', "'", `"'`, '---', '...', '--- a', '\\', '\\n', 'null\n', '{}', '[]']
    .map((text): readonly [string, Value] => [`the text ${JSON.stringify(text)}`, text]),
  ['long text', 'lorem ipsum '.repeat(1_000)], ['long text without blanks', 'x'.repeat(100_000)],
  ['an empty list', []], ['an empty document', {}], ['a list', [1, 'two', null, [3, []], { four: 4 }]], ['lists of lists', [[[[1]], []], [[2, [3]]]]],
  ['fields', { a: 1, b: { c: [{ d: null }] }, 'with blank': 2, '': 3 }],
  ['fields that look like values', Object.fromEntries(['1', '01', 'true', 'null', '~', 'yes', '1.5', '-', ':', '#', 'a: b', '? x', '<<', '=', '2001-01-01', '\n', '\u{1F600}', "'", '"', 'x'.repeat(200)].map((name) => [name, name]))],
  ['fields that mean something elsewhere', Object.fromEntries(['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'then', 'length'].map((name) => [name, { [name === '__proto__' ? 'x' : name]: 1 }]))],
];

/** Levels of lists and documents around a value. */
export function nested(levels: number): Value {
  let value: Value = 'core';
  for (let i = 0; i < levels; i++) value = i % 2 === 0 ? { in: value } : [value];
  return value;
}

/** A key of one to three parts, drawn from few names so that keys meet, and now and then from awkward ones. */
export function keyFrom(random: Random): Key {
  const part = (): string => random.chance(0.1) ? random.pick(['a.txt', 'é', '\uFFFD', '\u{1F600}', '%2F', '__proto__', 'A']) : random.pick(['a', 'b', 'c', 'd', 'e']);
  return Array.from({ length: 1 + random.below(3) }, part).join('/');
}

/** A document of a few fields. */
export function documentFrom(random: Random): Document {
  const fields = Array.from({ length: random.below(4) }, (): [string, Value] => [random.pick(['name', 'size', 'tags', '__proto__']), valueFrom(random)]);
  return Object.fromEntries(fields);
}

/** A value of any kind, of few levels. */
export function valueFrom(random: Random, levels = 2): Value {
  if (levels > 0 && random.chance(0.2)) return Array.from({ length: random.below(3) }, () => valueFrom(random, levels - 1));
  if (levels > 0 && random.chance(0.2)) return documentFrom(random);
  return random.chance(0.3) ? random.pick(awkwardValues)[1] : random.below(5);
}

/** Bytes of every value. */
export function bytesFrom(random: Random, length: number): Uint8Array {
  return Uint8Array.from({ length }, () => random.below(256));
}
