import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { CORE_SCHEMA, YAML11_SCHEMA, binaryTag, load, realMapTag } from 'js-yaml';
import { anyDocument, anyValue } from '../../test/arbitraries.ts';
import { canonicalJson } from '../lib/canonical-json.ts';
import { limits } from '../lib/limits.ts';
import type { Value } from '../model/document.ts';
import { awkwardNames, awkwardValues, nested } from '../testing/generators.ts';
import { readYaml } from './yaml-read.ts';
import { writeYaml, writeYamlDocument } from './yaml-write.ts';

describe('writing YAML', () => {
  test('blocks, two spaces to a level, fields sorted', () => {
    const value = { b: [1, [2, [3]], { y: 1, x: [] }, {}], a: { c: { d: null } }, '\u{1F600}': 1, '\uE000': 2, e: 'é' };
    assert.equal(writeYaml(value), 'a:\n  c:\n    d: null\nb:\n  - 1\n  - - 2\n    - - 3\n  - x: []\n    "y": 1\n  - {}\ne: é\n\uE000: 2\n\u{1F600}: 1\n');
    assert.equal(writeYamlDocument({ a: 1 }), '---\na: 1\n');
    assert.equal(writeYamlDocument([1]), '---\n- 1\n');
    assert.equal(writeYamlDocument({}), '--- {}\n');
    assert.equal(writeYamlDocument('a\nb'), '--- |-\n  a\n  b\n');
  });

  test('text that some reader takes for something else is quoted', () => {
    const texts = ['', '~', '=', '<<', 'null', 'Null', 'yes', 'NO', 'On', 'y', 'N', 'true', 'FALSE', '1', '-1', '+1', '012', '0o7', '0x1F', '0b1', '1_000', '1,000', '1e3', 'e3', '1.5', '.5', '-.5', '1.', '.', '.inf', '-.INF', '.NaN', '1:30', '190:20:30.5', '2020-01-01', '2020-1-1', '2001-12-14t21:59:43.10-05:00', '2001-12-14 21:59:43', '- a', '-', '? a', ': a', 'a: b', 'a:', 'a #b', '#a', ' a', 'a ', 'a\tb', '\n', '...', '---', '*a', '&a', '!a', '|', '>', '%a', '@a', '`a', '{', '[', ']', '}', ',', "'", '"a"'];
    for (const text of texts) assert.equal(writeYaml(text), `${JSON.stringify(text)}\n`);
  });

  test('other text stays bare', () => {
    for (const text of ['a', 'nullable', 'a b', 'http://h/a?b=c#d', 'a:b', 'a#b', '/x', '123e4567-e89b-12d3-a456-426614174000', '12 apples', 'é', '\u{1F600}', '<a>', '$HOME', "o'brien", '.gitignore', '1.2.3-rc', 'a, b', '(x)', '2020-W01']) assert.equal(writeYaml(text), `${text}\n`);
  });

  test('lines stay lines where nothing can be lost', () => {
    assert.equal(writeYaml({ a: 'one\n  two\n\n\tfour # no comment\n' }), 'a: |\n  one\n    two\n\n  \tfour # no comment\n');
    assert.equal(writeYaml({ a: ['one\ntwo'] }), 'a:\n  - |-\n    one\n    two\n');
    for (const text of ['one \ntwo', 'one\ntwo\n\n', '\none', ' one\ntwo', 'one\r\ntwo', 'one\n\u2028two', 'one\n\u0007']) assert.equal(writeYaml(text).split('\n').length, 2, JSON.stringify(text));
  });

  test('characters that YAML does not allow or takes for line ends are escaped', () => {
    assert.equal(writeYaml('\u0000\u0007\u007F\u0085\u009F\u2028\u2029\uFEFF\uFFFE\uFFFF'), '"\\u0000\\u0007\\u007f\\u0085\\u009f\\u2028\\u2029\\ufeff\\ufffe\\uffff"\n');
    for (const value of ['\uD800', { '\uDC00': 1 }, ['a\n\uD800']]) assert.throws(() => writeYaml(value), { name: 'SyncError', code: 'invalid', message: 'YAML cannot hold half a surrogate pair' });
  });

  test('numbers are the same number in both versions', () => {
    const numbers: readonly (readonly [number | bigint, string])[] = [[0, '0'], [-0, '-0.0'], [0.1, '0.1'], [1e21, '1.0e+21'], [1.5e300, '1.5e+300'], [5e-324, '5.0e-324'], [2 ** 53, '9.007199254740992e+15'], [9007199254740993n, '9007199254740993'], [-5n, '-5'], [Number.NaN, '.nan'], [Number.POSITIVE_INFINITY, '.inf'], [Number.NEGATIVE_INFINITY, '-.inf']];
    for (const [number, text] of numbers) assert.equal(writeYaml(number), `${text}\n`);
  });

  test('bytes are tagged', () => {
    assert.equal(writeYaml({ a: new Uint8Array([104, 105]), b: new Uint8Array() }), 'a: !!binary "aGk="\nb: !!binary ""\n');
  });

  test('a key too long for some readers is marked as a key', () => {
    const name = 'x'.repeat(2_000);
    assert.equal(writeYaml({ [name]: { a: [1] } }), `? ${name}\n:\n  a:\n    - 1\n`);
    for (const value of [1, [], { [name]: 'a\nb' }, [{ [name]: [] }]]) assert.deepEqual(readYaml(writeYaml({ [name]: value, a: 1 }), 'place'), { [name]: value, a: 1 });
  });

  test('nesting is bounded', () => {
    assert.deepEqual(readYaml(writeYaml(nested(limits.documentDepth)), 'place'), nested(limits.documentDepth));
    for (const levels of [limits.documentDepth + 1, 100_000]) assert.throws(() => writeYaml(nested(levels)), { name: 'SyncError', code: 'invalid', message: 'cannot write a document nested more than 1000 levels deep' });
  });

  test('what is written reads back as it was', () => {
    for (const [name, value] of awkwardValues) for (const written of [value, [value], { a: value, b: [value] }]) assert.deepEqual(readYaml(writeYaml(written), 'place'), written, name);
    for (const name of awkwardNames) assert.deepEqual(readYaml(writeYaml({ a: { [name]: name } }), 'place'), { a: { [name]: name } });
    fc.assert(fc.property(anyValue, (value) => {
      assert.deepEqual(readYaml(writeYaml(value), 'place'), value);
    }), { numRuns: 2_000 });
  });

  test('readers of YAML 1.1 and 1.2 read the same', () => {
    const core = CORE_SCHEMA.withTags(realMapTag, binaryTag);
    const older = YAML11_SCHEMA.withTags(realMapTag);
    fc.assert(fc.property(anyDocument, (document) => {
      const text = writeYaml(document);
      for (const schema of [core, older]) assert.equal(canonicalJson(plain(load(text, { schema }))), canonicalJson(plain(document)));
    }), { numRuns: 1_000 });
  });

  test('the same value gives the same text, whatever the order of its fields', () => {
    fc.assert(fc.property(anyDocument, (document) => {
      assert.equal(writeYaml(Object.fromEntries(Object.entries(document).reverse())), writeYaml(document));
    }));
  });
});

/** What a reader that knows no big integers makes of a value. */
function plain(value: unknown): Value {
  if (value instanceof Map) return Object.fromEntries([...value].map(([name, field]) => [`${typeof name} ${String(name)}`, plain(field)]));
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value === 'bigint') return Number(value);
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value as Value;
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [`string ${name}`, plain(field)]));
}
