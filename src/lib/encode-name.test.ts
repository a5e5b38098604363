import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { awkwardText } from '../../test/arbitraries.ts';
import { awkwardNames } from '../testing/generators.ts';
import { decodeName, encodeName } from './encode-name.ts';

describe('file names for parts of keys', () => {
  test('what is safe stays as it is', () => {
    for (const name of ['1', 'foo', 'Ünïcödé 漢字', 'a.b', '100%', '100 % sure', 'README', '-rf', 'a+b=c', "o'brien", '\u{1F600}', 'console', 'com', 'com10']) assert.equal(encodeName(name), name);
  });

  test('what is not safe somewhere is escaped', () => {
    const expected = {
      'a/b': 'a%2Fb', '..': '%2E%2E', '.': '%2E', '.git': '%2Egit', 'a.': 'a%2E', 'a ': 'a%20', ' a': '%20a', '~a': '%7Ea', 'a\\b': 'a%5Cb', 'a:b': 'a%3Ab', '\u0000': '%00', '\n': '%0A',
      'CON': '%43ON', 'nul.txt': '%6Eul.txt', 'com1': '%63om1', 'aux .x': '%61ux .x', '%41': '%2541', '%2F': '%252F', '%': '%25', '': '%', '<>"|?*': '%3C%3E%22%7C%3F%2A', '../../x': '%2E.%2F..%2Fx', '/abs': '%2Fabs',
    };
    for (const [part, name] of Object.entries(expected)) assert.equal(encodeName(part), name, JSON.stringify(part));
  });

  test('every part comes back', () => {
    for (const part of awkwardNames) assert.equal(decodeName(encodeName(part)), part);
    fc.assert(fc.property(awkwardText.filter((part) => Buffer.byteLength(part) < 80), (part) => {
      assert.equal(decodeName(encodeName(part)), part);
    }), { numRuns: 2_000 });
  });

  test('no name leads anywhere', () => {
    fc.assert(fc.property(awkwardText.filter((part) => Buffer.byteLength(part) < 80), (part) => {
      const name = encodeName(part);
      assert.match(name, /^[^/\\<>:"|?*\u0000-\u001f]+$/);
      assert.doesNotMatch(name, /^[. ]|[. ]$/);
    }), { numRuns: 2_000 });
  });

  test('a name we do not make is nobody’s', () => {
    for (const name of ['', '.', '..', '.hidden', 'a%2fb', '%41', 'CON', 'con.txt', '%zz/', 'a/b', 'a ', '%C3', '%ED%A0%80', '%2', '%25']) {
      const part = decodeName(name);
      assert.ok(part === undefined || encodeName(part) === name, name);
    }
    for (const name of ['', '..', '.hidden', 'a%2fb', '%41', 'CON', 'a/b', '%C3']) assert.equal(decodeName(name), undefined, name);
    fc.assert(fc.property(fc.oneof(fc.string(), fc.array(fc.constantFrom('%', '2', '5', 'F', 'f', '4', '1', '.', 'a')).map((units) => units.join(''))), (name) => {
      const part = decodeName(name);
      assert.ok(part === undefined || encodeName(part) === name);
    }), { numRuns: 2_000 });
  });

  test('refuses what no file can be called', () => {
    assert.throws(() => encodeName('\uD800'), /not well-formed Unicode/);
    assert.throws(() => encodeName('x'.repeat(241)), /241 bytes is too long/);
    assert.throws(() => encodeName('漢'.repeat(81)), /243 bytes is too long/);
    assert.equal(encodeName('漢'.repeat(80)), '漢'.repeat(80));
  });
});
