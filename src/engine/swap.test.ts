import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Store } from '../model/store.ts';
import { MemoryStore } from '../stores/memory/memory-store.ts';
import { wrap } from '../testing/wrap.ts';
import { runSwap, runSwapDiff } from './swap.ts';

test('of a part no swap is made, because the rest would be gone', async () => {
  const source = new MemoryStore();
  source.edit('t/1', {});
  const target = wrap<Store>(new MemoryStore(), { fresh: () => assert.fail('nothing is to be prepared') });
  for (const part of [{ where: () => true }, { within: () => true }, { under: ['t'] }, { window: { after: 1 } }]) {
    const pairing = { origins: [source], target, ...part };
    await assert.rejects(runSwap(pairing), { code: 'invalid', message: /would be gone/ });
    await assert.rejects(runSwapDiff(pairing, () => {}), { code: 'invalid' });
  }
});
