import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MemoryChange } from './memory-store.ts';
import { MemoryStore } from './memory-store.ts';
import type { Write } from '../../model/store.ts';
import { plainHost } from '../../model/plain-host.ts';
import { kind } from './kind.ts';

function put(key: string, ...dependsOn: readonly string[]): Write {
  return { kind: 'put', entry: { key, dependsOn, content: { kind: 'document', document: { key } } } };
}

test('a strict store refuses a child before its parent, and to lose a parent before its child', async () => {
  const store = new MemoryStore({ strictParents: true });
  const [early] = await store.write([put('child', 'parent')]);
  assert.ok(early?.kind === 'failed' && /depends on parent/.test(early.error.message));
  assert.deepEqual((await store.write([put('parent'), put('child', 'parent')])).map((outcome) => outcome.kind), ['done', 'done']);
  const remove = (key: string): Write => ({ kind: 'delete', ref: { key } });
  assert.deepEqual((await store.write([remove('parent'), remove('child'), remove('parent')])).map((outcome) => outcome.kind), ['failed', 'done', 'done']);
});

test('who edits behind the back of the store is told apart from who writes', async () => {
  const changes: MemoryChange[] = [];
  const store = new MemoryStore({ watch: (change) => { changes.push(change); } });
  store.edit('a', { value: 1 });
  await store.write([put('a')]);
  store.drop('a');
  assert.deepEqual(changes.map(({ by, before, after }) => [by, before?.version, after?.version]), [['other', undefined, 'v1'], ['writer', 'v1', 'v2'], ['other', 'v2', undefined]]);
});

test('more than the limits allow is turned away whole', async () => {
  const store = new MemoryStore({ batchEntries: 1, inFlight: 1 });
  await assert.rejects(store.write([put('a'), put('b')]), { code: 'invalid' });
  const answers = await Promise.allSettled([store.write([put('a')]), store.write([put('b')])]);
  assert.deepEqual(answers.map(({ status }) => status), ['fulfilled', 'rejected']);
  assert.deepEqual(Object.keys(store.dump()), ['a']);
});

test('an endpoint names a place that begins empty, and two of one name are two places', async () => {
  const [one, other] = await Promise.all([1, 2].map(() => kind.open('memory:x', {}, plainHost)));
  assert.notEqual(one!.identity, other!.identity);
  await assert.rejects(kind.open('x', {}, plainHost), { code: 'invalid' });
});
