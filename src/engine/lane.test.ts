import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Write } from '../model/store.ts';
import { MemoryStore } from '../stores/memory/memory-store.ts';
import { openState } from './state/sqlite-state.ts';
import { runSync } from './sync.ts';

test('large documents go out in batches of a few, small ones in whole batches', async () => {
  const sizes: number[] = [];
  class Target extends MemoryStore {
    override async write(batch: readonly Write[]): ReturnType<MemoryStore['write']> {
      sizes.push(batch.length);
      return await super.write(batch);
    }
  }
  for (const [letters, most] of [[3_000_000, 3], [10, 60]] as const) {
    const source = new MemoryStore();
    for (let i = 0; i < 60; i++) source.edit(`t/${String(i).padStart(2, '0')}`, { text: 'x'.repeat(letters) });
    sizes.length = 0;
    await using state = openState(undefined);
    await runSync({ origins: [source], target: new Target({ batchEntries: 60 }), state });
    assert.equal(Math.max(...sizes), most);
  }
});
