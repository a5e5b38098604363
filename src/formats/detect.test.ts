import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { bytesOf } from '../../test/arbitraries.ts';
import type { Value } from '../model/document.ts';
import { detectFormat, readDocuments } from './detect.ts';

describe('telling JSON from YAML', () => {
  test('by the beginning', () => {
    for (const head of ['{"a":1}', ' \n{\n  "a": 1', '\uFEFF{}', '{', '[', '[{"a":1}]', '[]', '["x"', '[1', '[[', '[null]']) assert.equal(detectFormat(head), 'json', head);
    for (const head of ['', 'a: 1', '---\n', '--- {"a":1}', '{a: 1}', '[a, b]', '# {', '- {"a":1}', "{'a': 1}", '"a": 1', '%YAML 1.1', '1', '{ ? a : b }', '[nullable, x]', '[truer]']) assert.equal(detectFormat(head), 'yaml', head);
  });

  test('R33: streams of either are read as what they are, in pieces of any size', async () => {
    const cases: readonly (readonly [string, readonly Value[]])[] = [
      ['{"a": 1e3}\n{"b": 12345678901234567890}\n', [{ a: 1000 }, { b: 12345678901234567890n }]],
      ['\n\n  [{"a": 1},\n{"b": 2}]', [{ a: 1 }, { b: 2 }]],
      ['a: 1e3\n---\nb: {"c": yes}\n---\n', [{ a: '1e3' }, { b: { c: true } }]],
      ['{a: 1}\n---\n{b: 2}', [{ a: 1 }, { b: 2 }]],
      ['', []],
      ['   \n', []],
    ];
    for (const [text, values] of cases) for (const size of [1, 2, 65_536]) assert.deepEqual((await Array.fromAsync(readDocuments(bytesOf(text, size), 'place'))).map(({ value }) => value), values, text);
  });

  test('a given format is not doubted', async () => {
    await assert.rejects(Array.fromAsync(readDocuments(bytesOf('a: 1'), 'place', 'json')), { code: 'corrupt', message: 'place:1: expected a value but found "a"' });
    assert.deepEqual(await Array.fromAsync(readDocuments(bytesOf('{"a": 1e3}'), 'place', 'yaml')), [{ value: { a: '1e3' }, line: 1 }]);
  });

  test('whoever stops early stops the stream', async () => {
    let open = true;
    async function* stream(): AsyncGenerator<Uint8Array, void, undefined> {
      try {
        for (;;) yield Buffer.from('{"a":1}\n');
      } finally {
        open = false;
      }
    }
    for await (const { value } of readDocuments(stream(), 'place')) {
      assert.deepEqual(value, { a: 1 });
      break;
    }
    assert.equal(open, false);
  });
});
