import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deserialize, serialize } from 'node:v8';
import { sameContent } from '../core/compare.ts';
import type { Document } from './document.ts';
import { statOf, withoutBlob, withoutContent } from './entry.ts';
import type { Entry } from './entry.ts';
import { LateDigest, LateDocument, settled } from './late-document.ts';

/** An entry of a text, and what was asked of it so far. */
function late(json: string, asked: string[] = [], canonical = false): Entry {
  const content = new LateDocument(json, {
    read: (text) => (asked.push('read'), JSON.parse(text) as Document),
    digest: (document) => (asked.push('digest'), { algorithm: 'document', value: `of ${JSON.stringify(document)}` }),
    digestText: (text) => (asked.push('digest of text'), { algorithm: 'document', value: `of ${text}` }),
  }, { canonical });
  return { key: 'a', digest: new LateDigest(content), content };
}

test('what is written alike is equal without being read, and what is written otherwise is read once', () => {
  const asked: string[] = [];
  const [one, other, same] = [late('{"a":1}', asked), late('{ "a": 1.0 }', asked), late('{"a":1}', asked)];
  assert.equal(sameContent(one, same, 0), true);
  assert.deepEqual(asked, []);
  assert.equal(sameContent(one, other, 0), true);
  assert.equal(sameContent(other, late('{"a":2}'), 0), false);
  assert.equal(sameContent(one, { digest: { algorithm: 'document', value: 'of {"a":1}' } }, 0), true);
  assert.deepEqual(asked, ['read', 'digest', 'read', 'digest']);
});

test('what is the text of digests itself is digested without being read', () => {
  const asked: string[] = [];
  assert.equal(sameContent(late('{"a":1}', asked, true), late('{ "a": 1.0 }'), 0), true);
  assert.deepEqual(asked, ['digest of text']);
});

test('what is put aside is plain', () => {
  const plain: Entry = { key: 'a', digest: { algorithm: 'document', value: 'of {"a":1}' }, content: { kind: 'document', document: { a: 1 } } };
  const { content: _, ...bare } = plain;
  assert.deepEqual(settled(late('{"a":1}')), plain);
  assert.deepEqual(deserialize(serialize(withoutBlob(late('{"a":1}')))), plain);
  assert.deepEqual(JSON.parse(JSON.stringify(late('{"a":1}'))), plain);
  assert.deepEqual(withoutContent(late('{"a":1}')), bare);
  assert.deepEqual(statOf(late('{"a":1}')), { digest: plain.digest });
});
