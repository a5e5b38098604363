import assert from 'node:assert/strict';
import { test } from 'node:test';
import { plainHost } from '../../model/plain-host.ts';
import { kind, NullStore } from './kind.ts';

test('null holds nothing before and after it was written to', async () => {
  const store = await kind.open('null', {}, plainHost);
  assert.ok(store instanceof NullStore);
  const content = { kind: 'document', document: {} } as const;
  const outcomes = await store.write([{ kind: 'put', entry: { key: 'a', content } }, { kind: 'put', entry: { key: 'b', content }, expect: { absent: true } }, { kind: 'delete', ref: { key: 'a' } }]);
  assert.deepEqual(outcomes, outcomes.map(() => ({ kind: 'done', stat: {} })));
  assert.deepEqual(await Array.fromAsync(store.scan()), []);
  assert.deepEqual(await store.read([{ key: 'a' }]), [undefined]);
  await assert.rejects(store.write([], { signal: AbortSignal.abort() }), { name: 'AbortError' });
});
