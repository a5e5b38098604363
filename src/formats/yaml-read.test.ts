import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { anyDocument, bytesOf } from '../../test/arbitraries.ts';
import { limits } from '../lib/limits.ts';
import type { Value } from '../model/document.ts';
import type { Found } from './text.ts';
import { readYaml, readYamlStream } from './yaml-read.ts';
import { writeYamlDocument } from './yaml-write.ts';

const read = (text: string): Value => readYaml(text, 'place');
async function readAll(text: string | Uint8Array, size?: number): Promise<readonly Found[]> {
  return Array.fromAsync(readYamlStream(bytesOf(text, size), 'place'));
}

describe('bare scalars, as PyYAML reads them', () => {
  const cases: readonly (readonly [Value, string])[] = [
    [true, 'yes Yes YES true True TRUE on On ON'], [false, 'no No NO false False FALSE off Off OFF'], [null, 'null Null NULL ~'],
    [10, '012 10 +10 0xA 0b1010 1_0 0:10'.replace(' 0:10', '')], [-10, '-012 -10 -0xa -0b1010'], [90, '1:30 1:30.'], [5430.5, '1:30:30.5'], [0, '0 00 -0 +0 0.0'],
    [1.5, '1.5 +1.5 1_.5 15.0e-1 1.5E+0'], [0.5, '.5 .5e+0'], [Number.POSITIVE_INFINITY, '.inf +.Inf .INF'], [Number.NEGATIVE_INFINITY, '-.inf'], [Number.NaN, '.nan .NaN .NAN'],
    [12345678901234567890n, '12345678901234567890 +12_345678901234567890 0xab54a98ceb1f0ad2'], [-9007199254740993n, '-9007199254740993'],
  ];
  for (const [value, texts] of cases) {
    test(`${texts} ${texts.includes(' ') ? 'are' : 'is'} ${String(value)}`, () => {
      for (const text of texts.split(' ')) assert.deepEqual(read(`a: ${text}`), { a: value }, text);
    });
  }

  test('R35: everything else is text, instants as they are written', () => {
    const texts = ['1e3', '0o7', '08', '09', '1:60', '-.5', '+.5', '1.5e5', 'y', 'n', 'yEs', 'nULL', '2020-01-02', '2001-12-14t21:59:43.10-05:00', '2001-12-14 21:59:43', '=', '0b', '0x', '0b_', '-.nan', '.iNf', '1,000', '1e', '+', '.'];
    for (const text of texts) assert.deepEqual(read(`a: ${text}`), { a: text });
  });

  test('quotes and tags make text of anything, and tags make what they say', () => {
    assert.deepEqual(read(`a: "1"\nb: 'yes'\nc: !!str 1\nd: ! 012\ne: !!int "012"\nf: !!float 1\ng: !!bool "on"\nh: !!null ""\ni: !!binary aG k=\nj: !!timestamp 2020-01-01\nk: !!map {}\nl: !!seq []\nm: !<tag:yaml.org,2002:int> 7\n`.replace('aG k=', '"aG k="')), {
      a: '1', b: 'yes', c: '1', d: '012', e: 10, f: 1, g: true, h: null, i: new Uint8Array([104, 105]), j: '2020-01-01', k: {}, l: [], m: 7,
    });
    assert.deepEqual(read('%TAG !y! tag:yaml.org,2002:\n--- !y!str 1'), '1');
  });
});

describe('reading a YAML document', () => {
  test('the name of a field is the text it is written as', () => {
    assert.deepEqual(read('1: a\nyes: b\n012: c\n~: d\n"": e\n? f\n: g\n=: h\n'), { 1: 'a', 'yes': 'b', '012': 'c', '~': 'd', '': 'e', f: 'g', '=': 'h' });
    assert.deepEqual(Object.entries(read('__proto__:\n  a: 1\nb: 2') as object), [['__proto__', { a: 1 }], ['b', 2]]);
  });

  test('merge keys', () => {
    assert.deepEqual(read('a: &a {x: 1, y: 2}\nb: &b {y: 3, z: 4}\nc: {<<: *a, y: 5}\nd: {<<: [*a, *b]}\ne: {<<: {x: 0}, w: 1}\nf: {"<<": 1}\n'), {
      a: { x: 1, y: 2 }, b: { y: 3, z: 4 }, c: { x: 1, y: 5 }, d: { x: 1, y: 2, z: 4 }, e: { x: 0, w: 1 }, f: { '<<': 1 },
    });
    assert.throws(() => read('a: {<<: 1}'), { message: 'place:1: what is merged by << is not a mapping' });
    assert.deepEqual(Object.keys(read('<<: {__proto__: {a: 1}}\nb: 1') as object), ['__proto__', 'b']);
  });

  test('aliases', () => {
    assert.deepEqual(read('a: &x [1, 2]\nb: *x\nc: &k name\n*k : 1\n&m d: *m'), { a: [1, 2], b: [1, 2], c: 'name', name: 1, d: 'd' });
  });

  test('a closing --- or ... adds nothing', () => {
    for (const text of ['a: 1\n---\n', '---\na: 1\n...\n', '\uFEFFa: 1', 'a: 1\r\n---', '# x\n--- # y\na: 1\n# z\n']) assert.deepEqual(read(text), { a: 1 });
  });

  test('a fault is named with its place, line and what it is', () => {
    const faults: readonly (readonly [string, RegExp])[] = [
      ['', /^place:1: there is no document$/], ['# only a comment\n', /^place:1: there is no document$/], ['a: 1\n---\nb: 2\n', /^place:3: more than one document$/],
      ['a: 1\nb: 2\na: 3\n', /^place:3: the field "a" is there twice$/], ['a: 1\n"a": 2', /^place:2: the field "a" is there twice$/], ['__proto__: 1\n__proto__: 2', /^place:2: the field "__proto__" is there twice$/],
      ['a:\n  - b\n - c', /^place:3: /], ['a: [1', /^place:1: /], ['a: "x', /^place:1: /], ['\n\ta: 1', /^place:2: /], ['a: b: c', /^place:1: /], ['a: @x', /^place:1: /],
      ['a: 1\nb: !foo 2', /^place:2: the tag !foo is not supported$/], ['a: !!python/object:os.system x', /^place:1: the tag !!python\/object:os.system is not supported$/], ['a: !!set {b}', /^place:1: the tag !!set is not supported$/],
      ['a: !!int x', /^place:1: a value that does not fit its tag !!int$/], ['a: !!binary "%"', /^place:1: a value that does not fit its tag !!binary$/],
      [`a: ${'9'.repeat(200_000)}`, /^place:1: an integer of 200000 digits$/], [`a: 1${':1'.repeat(100_000)}`, /^place:1: an integer of 200001 digits$/],
      ['a: *b', /^place:1: there is no anchor for the alias \*b$/], ['a: &a [*a]', /^place:1: the alias \*a stands inside what it refers to$/],
      ['? [1]\n: 2', /^place:1: the name of a field is not a scalar$/], ['a: 1\n: 2', /^place:\d: a field has no name$/],
    ];
    for (const [text, message] of faults) assert.throws(() => read(text), { name: 'SyncError', code: 'corrupt', message }, text);
  });

  test('nesting is bounded, and no depth overflows', () => {
    const levels = limits.documentDepth;
    read('['.repeat(levels) + ']'.repeat(levels));
    for (const text of ['['.repeat(levels + 1) + ']'.repeat(levels + 1), ...['[', '{a: ', '- ', '? ', '[{a: '].map((open) => open.repeat(100_000))]) assert.throws(() => read(text), { code: 'corrupt', message: 'place:1: nested more than 1000 levels deep' });
    const tower = Array.from({ length: 30 }, (_, i) => `a${i}: &a${i} ${'['.repeat(40)}${i === 0 ? '' : `*a${i - 1}`}${']'.repeat(40)}`).join('\n');
    assert.throws(() => read(tower), { code: 'corrupt', message: 'place:25: nested more than 1000 levels deep' });
  });

  test('aliases are bounded, in number and in what they expand to', () => {
    const many = (count: number): string => `a: &a 1\nb: [${'*a,'.repeat(count)}]`;
    read(many(limits.yamlAliases));
    assert.throws(() => read(many(limits.yamlAliases + 1)), { code: 'corrupt', message: 'place:2: more than 1000 aliases' });
    const bomb = ['a0: &a0 [x]', ...Array.from({ length: 20 }, (_, i) => `a${i + 1}: &a${i + 1} [${`*a${i},`.repeat(10)}]`)].join('\n');
    assert.throws(() => read(bomb), { code: 'corrupt', message: /^place:\d+: aliases that expand to more than/ });
    const merged = ['a0: &a0 {x: 1}', ...Array.from({ length: 20 }, (_, i) => `a${i + 1}: &a${i + 1} {<<: [${`*a${i},`.repeat(10)}], y: [${`*a${i},`.repeat(10)}]}`)].join('\n');
    assert.throws(() => read(merged), { code: 'corrupt', message: /^place:\d+: aliases that expand to more than/ });
    assert.throws(() => read(`a: &a "${'x'.repeat(1_000_000)}"\nb: [${'*a,'.repeat(100)}]`), { code: 'corrupt', message: /expand/ });
  });
});

describe('reading YAML streams', () => {
  const cases: readonly (readonly [string, string, readonly (readonly [Value, number])[]])[] = [
    ['documents', 'a: 1\n---\nb: 2\n--- {c: 3}\n--- # x\nd: 4', [[{ a: 1 }, 1], [{ b: 2 }, 2], [{ c: 3 }, 4], [{ d: 4 }, 5]]],
    ['a closing marker', '---\na: 1\n---\n', [[{ a: 1 }, 1]]],
    ['a closing marker without a line end', '---\na: 1\n---', [[{ a: 1 }, 1]]],
    ['an empty document before another', '---\n---\na: 1\n', [[null, 1], [{ a: 1 }, 2]]],
    ['nothing', '', []],
    ['comments only', '# a\n\n# b', []],
    ['ends of documents', 'a: 1\n...\n# x\n... # y\n---\nb: 2\n...\n', [[{ a: 1 }, 1], [{ b: 2 }, 5]]],
    ['directives', '%YAML 1.1\n# x\n---\na: 1\n...\n%TAG !y! tag:yaml.org,2002:\n---\nb: !y!str 2\n', [[{ a: 1 }, 1], [{ b: '2' }, 6]]],
    ['carriage returns', '--- |\r\n a\r\n---\r\nb: 1\r\n', [['a\n', 1], [{ b: 1 }, 3]]],
    ['dashes inside text', '--- |\n a\n ---\n ...\n---\nb: "x\n ---\n y"\n---x: 1\n'.replace('\n---x: 1', '\nc: ---x'), [['a\n---\n...\n', 1], [{ b: 'x --- y', c: '---x' }, 5]]],
    ['text that only begins like a marker', 'a: 1\n----: 2\n...x: 3\n', [[{ 'a': 1, '----': 2, '...x': 3 }, 1]]],
    ['characters of several bytes', '--- é漢\u{1F600}\n---\n"\u{1F600}": é\n', [['é漢\u{1F600}', 1], [{ '\u{1F600}': 'é' }, 2]]],
    ['a byte order mark before any document', '\uFEFF--- 1\n\uFEFF--- 2\n', [[1, 1], [2, 2]]],
  ];
  for (const [name, text, expected] of cases) {
    test(`${name}, in pieces of any size`, async () => {
      for (const size of [1, 2, 3, 4, 5, 7, 65_536]) assert.deepEqual(await readAll(text, size), expected.map(([value, line]) => ({ value, line })), `pieces of ${size}`);
    });
  }

  test('a marker ends whatever it stands in', async () => {
    await assert.rejects(readAll('a: "x\n---\ny"'), { code: 'corrupt', message: /^place:\d: / });
    await assert.rejects(readAll('a: [1,\n---\n2]'), { code: 'corrupt', message: /^place:\d: / });
    for (const size of [1, 100]) await assert.rejects(readAll('a: 1\n... x\n', size), { code: 'corrupt', message: 'place:2: unexpected text after the end of a document' });
  });

  test('lines are those of the whole stream', async () => {
    const good = '---\na: |\n  x\n\n  y\n'.repeat(50);
    for (const size of [1, 10, 65_536]) await assert.rejects(readAll(`${good}---\na: 1\na: 2\n`, size), { code: 'corrupt', message: 'place:253: the field "a" is there twice' });
  });

  test('bytes that are not UTF-8 are refused with their line', async () => {
    for (const size of [1, 3, 100]) {
      await assert.rejects(readAll(Buffer.from('a: 1\n---\nb: \xe9\n', 'latin1'), size), { code: 'corrupt', message: 'place:3: the text is not UTF-8' });
      await assert.rejects(readAll(Buffer.from('a: 1\n---\nb: \xc3', 'latin1'), size), { code: 'corrupt', message: 'place:3: the text ends inside a UTF-8 character' });
    }
  });

  test('a document too long is refused before it has been read', async () => {
    let given = 0;
    async function* endless(): AsyncGenerator<Uint8Array, void, undefined> {
      yield Buffer.from('a: 1\n---\nb: ');
      for (const chunk = Buffer.alloc(16 * 1024 * 1024, 'x'); ; given += chunk.length) yield chunk;
    }
    await assert.rejects(Array.fromAsync(readYamlStream(endless(), 'place')), { code: 'corrupt', message: `place:2: a document of more than ${limits.documentBytes} bytes` });
    assert.ok(given <= limits.documentBytes + 32 * 1024 * 1024);
  });

  test('what is written one after the other reads back, however it is cut', async () => {
    await fc.assert(fc.asyncProperty(fc.array(anyDocument, { size: 'max', maxLength: 10 }), fc.integer({ min: 1, max: 40 }), async (documents, size) => {
      assert.deepEqual((await readAll(documents.map(writeYamlDocument).join(''), size)).map(({ value }) => value), documents);
    }), { numRuns: 300 });
  });
});
