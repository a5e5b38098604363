import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Extras } from './extras.ts';
import type { Extra } from './extras.ts';

test('extras come back as they were, documents with all they can hold, files without their content', () => {
  using extras = new Extras();
  const over = { key: 'b/1', version: 'v', digest: { algorithm: 'md5' as const, value: 'd' }, size: 3, dependsOn: ['a/1'] };
  const document = { kind: 'document' as const, document: { large: 2n ** 80n, bytes: new Uint8Array([1, 2]), text: '\u2028"', ['__proto__']: 1 } };
  const added: readonly Extra[] = [
    { kind: 'delete', key: 'b/1', on: 'right', over, why: 'extra' },
    { kind: 'keep', key: 'c', on: 'right', over: { key: 'c', content: document } },
  ];
  for (const action of added) extras.add(action);
  extras.add({ kind: 'keep', key: 'd', on: 'right', over: { key: 'd', content: { kind: 'blob', async *bytes() {} } } });
  assert.deepEqual([...extras.pages()].flat(), [...added, { kind: 'keep', key: 'd', on: 'right', over: { key: 'd' } }]);
});
