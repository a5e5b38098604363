import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { bytesOf, jsonValue } from '../../test/arbitraries.ts';
import { limits } from '../lib/limits.ts';
import type { Value } from '../model/document.ts';
import { nested } from '../testing/generators.ts';
import { readJson, readJsonStream, writeJson, writeJsonIndented } from './json.ts';
import type { Found } from './text.ts';

async function readAll(text: string | Uint8Array, size?: number): Promise<readonly Found[]> {
  return Array.fromAsync(readJsonStream(bytesOf(text, size), 'place'));
}

describe('reading JSON', () => {
  test('integers keep every digit', () => {
    assert.deepEqual(readJson('[12345678901234567890, -9007199254740993, 9007199254740991, 1e3, 1.0, -0.0, 12345678901234567890.0]', 'place'), [12345678901234567890n, -9007199254740993n, 9007199254740991, 1000, 1, -0, 12345678901234567000]);
    assert.deepEqual(readJson('"1234567890123456789"', 'place'), '1234567890123456789');
  });

  test('`__proto__` is a field', () => {
    for (const text of ['{"__proto__":{"a":1}}', '{"__proto__":{"a":12345678901234567890}}']) assert.deepEqual(Object.keys(readJson(text, 'place') as object), ['__proto__']);
  });

  test('a byte order mark is not content', () => assert.equal(readJson('\uFEFF1', 'place'), 1));

  test('a fault is named with its place, line and what it is', () => {
    const faults: readonly (readonly [string, string])[] = [
      ['', 'place:1: there is no value'],
      ['\n\n', 'place:3: there is no value'],
      ['{"a":1,\n"b":x}', 'place:2: expected a value but found "x"'],
      ['{"a":1\n "b":2}', 'place:2: expected a comma or } but found "\\""'],
      ['[1,]', 'place:1: expected a value but found "]"'],
      ['{"a":1,}', 'place:1: expected a field name in double quotes but found "}"'],
      ['{a:1}', 'place:1: expected a field name in double quotes but found "a"'],
      ['{"a" 1}', 'place:1: expected a colon but found "1"'],
      ['{"a":1} 2', 'place:1: unexpected "2" after the value'],
      ['{"a":\n[1', 'place:2: the text ends before the value does'],
      ['{"a"\n', 'place:1: the text ends before the value does'],
      ['"a\nb"', 'place:1: a text in quotes is not closed on its line'],
      ['"a\\x"', 'place:1: an escape that JSON does not know'],
      ['"a\u0001"', 'place:1: a control character in a text that is not escaped'],
      ['"abc', 'place:1: the text ends inside quotes'],
      ['01', 'place:1: expected a value but found "0"'],
      ['NaN', 'place:1: expected a value but found "N"'],
      ['[1e999]', 'place:1: the number 1e999 is out of range'],
      [`[${'9'.repeat(200_000)}]`, 'place:1: an integer of 200000 digits'],
    ];
    for (const [text, message] of faults) assert.throws(() => readJson(text, 'place'), { name: 'SyncError', code: 'corrupt', message });
  });

  test('a fault says what to do about it', () => {
    const hints = { '{"a":1,}': 'correct it there', [`${'['.repeat(3_000)}`]: 'nest it less deep' };
    for (const [text, hint] of Object.entries(hints)) assert.throws(() => readJson(text, 'place'), { details: { hint } });
  });

  test('every text the platform refuses has a fault', () => {
    fc.assert(fc.property(fc.array(fc.constantFrom(...'{}[],:"\\ \n10.e-+', 'true', 'null', '"a"', 'u0041'), { maxLength: 12, size: 'max' }).map((units) => units.join('')), (text) => {
      let valid = true;
      try {
        JSON.parse(text);
      } catch {
        valid = false;
      }
      if (valid) readJson(text, 'place');
      else assert.throws(() => readJson(text, 'place'), { code: 'corrupt', message: /^place:\d+: / });
    }), { numRuns: 3_000 });
  });

  test('nesting is bounded, and no depth overflows', () => {
    const levels = limits.documentDepth;
    readJson('['.repeat(levels) + ']'.repeat(levels), 'place');
    readJson(`${'['.repeat(levels)}12345678901234567890${']'.repeat(levels)}`, 'place');
    for (const open of ['[', '{"a":', '[{"a":']) for (const deep of [10_000, 1_000_000]) assert.throws(() => readJson(open.repeat(deep), 'place'), { code: 'corrupt', message: 'place:1: nested more than 1000 levels deep' });
    assert.throws(() => readJson('['.repeat(levels + 1) + ']'.repeat(levels + 1), 'place'), { code: 'corrupt', message: 'place:1: nested more than 1000 levels deep' });
    readJson(JSON.stringify(`${'['.repeat(5_000)}\\"`), 'place');
  });
});

describe('writing JSON', () => {
  test('one line, sorted, in ASCII', () => {
    assert.equal(writeJson({ b: [1, 'é\u{1F600}\u007F\n'], a: { d: null, c: {} }, '\uE000': true, '\u{1F600}': false, e: [] }), '{"a": {"c": {}, "d": null}, "b": [1, "\\u00e9\\ud83d\\ude00\\u007f\\n"], "e": [], "\\ue000": true, "\\ud83d\\ude00": false}');
  });

  test('indented, sorted, in UTF-8', () => {
    assert.equal(writeJsonIndented({ b: [1, { c: 'é' }], a: [] }), '{\n  "a": [],\n  "b": [\n    1,\n    {\n      "c": "é"\n    }\n  ]\n}\n');
  });

  test('refuses what JSON cannot hold', () => {
    for (const write of [writeJson, writeJsonIndented]) {
      for (const value of [Number.NaN, Number.POSITIVE_INFINITY, new Uint8Array(1), { a: [new Uint8Array()] }]) assert.throws(() => write(value), { name: 'SyncError', code: 'invalid', message: /^JSON cannot hold/ });
      write(nested(limits.documentDepth));
      for (const levels of [limits.documentDepth + 1, 10_000, 100_000]) assert.throws(() => write(nested(levels)), { name: 'SyncError', code: 'invalid', message: /nested more than 1000 levels/ });
    }
  });

  test('what is written reads back as it was', () => {
    fc.assert(fc.property(jsonValue, (value) => {
      for (const text of [writeJson(value), writeJsonIndented(value)]) assert.deepEqual(readJson(text, 'place'), value);
    }), { numRuns: 1_000 });
  });
});

describe('field names that are written with escapes', () => {
  const backslashes = ['\\\\', 'a\\\\', '\\\\\\\\', '\\\\"'].map((name) => name.replaceAll('\\\\', '\\'));
  const others = ['\n', '\0', '"', 'a\n', '\\n', '\\"', '"x', '__proto__\n'];

  test('are not taken for others that were seen in their place', () => {
    for (const before of backslashes) {
      for (const name of others) {
        const made = (one: string): string => `{"first": {}, ${JSON.stringify(one)} : [{${JSON.stringify(one)}: 12345678901234567890}], "last\\t": "\\"{"}`;
        for (let i = 0; i < 3; i++) readJson(made(before), 'place');
        assert.deepEqual(Object.entries(readJson(made(name), 'place') as object), [['first', {}], [name, [{ [name]: 12345678901234567890n }]], ['last\t', '"{']]);
      }
    }
  });

  test('may be those of a prototype, come twice, and hold what stands for them meanwhile', () => {
    const read = readJson('{"\\u005f_proto__": 1, "a": 1, "\\u0061": 2, "\uE000\\t": 3, "\uE0000": 4}', 'place') as object;
    assert.deepEqual(Object.entries(read), [['__proto__', 1], ['a', 2], ['\uE000\t', 3], ['\uE0000', 4]]);
  });

  test('that are not JSON are refused with their line', () => {
    for (const text of ['{"a":\n"\\x": 1}', '{\n"\\x": 1}', '{"\\u00": 1\n}', '{"a\\": 1']) assert.throws(() => readJson(text, 'place'), { name: 'SyncError', code: 'corrupt' });
  });
});

describe('reading streams of JSON', () => {
  const cases: readonly (readonly [string, string, readonly Found[]])[] = [
    ['one value to a line', '{"a":1}\n\n{"b":2}\r\n{"c":"}\\n"}', [{ value: { a: 1 }, line: 1 }, { value: { b: 2 }, line: 3 }, { value: { c: '}\n' }, line: 4 }]],
    ['one value over many lines', '{\n "a": [\n1]\n}\n', [{ value: { a: [1] }, line: 1 }]],
    ['values one after the other', ' {"a":1}{"b":2} 3 "x\\"]" null[]', [{ value: { a: 1 }, line: 1 }, { value: { b: 2 }, line: 1 }, { value: 3, line: 1 }, { value: 'x"]', line: 1 }, { value: null, line: 1 }]],
    ['the items of a list', '\uFEFF[{"a":1},\n {"é":[2,"]"]} , 5]\n', [{ value: { a: 1 }, line: 1 }, { value: { é: [2, ']'] }, line: 2 }, { value: 5, line: 2 }]],
    ['big integers', '{"a":12345678901234567890}\n', [{ value: { a: 12345678901234567890n }, line: 1 }]],
    ['nothing', '', []],
    ['blanks only', ' \n\t\r\n', []],
  ];
  for (const [name, text, expected] of cases) {
    test(`${name}, in pieces of any size`, async () => {
      for (const size of [1, 2, 3, 7, 65_536]) assert.deepEqual(await readAll(text, size), expected);
    });
  }

  test('a fault is named with its line, after what came before it', async () => {
    const faults: readonly (readonly [string, string])[] = [
      ['{"a":1}\n{"b":2', 'place:2: the text ends before the value does'],
      ['{"a":1}\n\n{"b":x}\n{"c":1}', 'place:3: expected a value but found "x"'],
      ['{"a":1}\n{\n"b":x}\n', 'place:3: expected a value but found "x"'],
      ['[{"a":1},\n]', 'place:2: expected a value but found "]"'],
      ['[{"a":1}\n', 'place:2: the text ends before the list does'],
      ['[{"a":1}\n{"b":1}]', 'place:2: expected a comma or ] between the items of the list'],
      ['{"a":1},\n{"b":1}', 'place:1: expected a value but found ","'],
      ['{"a":1}\n"abc', 'place:2: the text ends inside quotes'],
    ];
    for (const [text, message] of faults) for (const size of [1, 5, 65_536]) await assert.rejects(readAll(text, size), { name: 'SyncError', code: 'corrupt', message });
  });

  test('bytes that are not UTF-8 are refused with their line', async () => {
    for (const size of [1, 3, 100]) {
      await assert.rejects(readAll(Buffer.from('{"a":1}\n{"b":"\xff"}', 'latin1'), size), { code: 'corrupt', message: 'place:2: the text is not UTF-8' });
      await assert.rejects(readAll(Buffer.from('{"a":1}\n"\xc3', 'latin1'), size), { code: 'corrupt', message: 'place:2: the text ends inside a UTF-8 character' });
    }
  });

  test('nesting is bounded', async () => {
    await assert.rejects(readAll(`{"a":1}\n${'['.repeat(100_000)}`), { code: 'corrupt', message: 'place:2: nested more than 1000 levels deep' });
  });

  test('a document too long is refused before it has been read', async () => {
    let given = 0;
    async function* endless(): AsyncGenerator<Uint8Array, void, undefined> {
      yield Buffer.from('{"a":1}\n{"b":"');
      for (const chunk = Buffer.alloc(16 * 1024 * 1024, 'x'); ; given += chunk.length) yield chunk;
    }
    await assert.rejects(Array.fromAsync(readJsonStream(endless(), 'place')), { code: 'corrupt', message: `place:2: a document of more than ${limits.documentBytes} bytes` });
    assert.ok(given <= limits.documentBytes + 32 * 1024 * 1024);
  });

  test('what is written one after the other reads back, however it is cut', async () => {
    await fc.assert(fc.asyncProperty(fc.array(jsonValue, { size: 'max', maxLength: 10 }), fc.integer({ min: 1, max: 40 }), fc.constantFrom<(value: Value) => string>(writeJson, writeJsonIndented), async (values, size, write) => {
      const expected = values.flatMap((value) => (Array.isArray(value) ? (value as readonly Value[]) : [value]));
      assert.deepEqual((await readAll(values.map((value) => `${write(value)}\n`).join(''), size)).map(({ value }) => value), expected);
      assert.deepEqual((await readAll(`[${values.map(write).join(',')}]`, size)).map(({ value }) => value), values);
    }), { numRuns: 300 });
  });
});
