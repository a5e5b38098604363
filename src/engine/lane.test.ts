import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SyncError } from '../model/errors.ts';
import type { Outcome, Write } from '../model/store.ts';
import { keyOfWrite } from '../model/store.ts';
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

test('a deletion that comes too early is tried again, also where the first failure is to end the run', async () => {
  class Target extends MemoryStore {
    override async write(batch: readonly Write[]): Promise<readonly Outcome[]> {
      const outcomes: Outcome[] = [];
      for (const write of batch) {
        // The first row is referred to by the last one.
        const early = keyOfWrite(write) === 't/0' && this.peek('t/9') !== undefined;
        outcomes.push(early ? { kind: 'failed', error: new SyncError('invalid', 'referred to', { unmet: true }) } : (await super.write([write]))[0]!);
      }
      return outcomes;
    }
  }
  for (const onFailure of ['continue', 'stop'] as const) {
    const [source, target] = [new MemoryStore(), new Target({ batchEntries: 2, inFlight: 1 })];
    source.edit('t/stays', {});
    for (let i = 0; i < 10; i++) target.edit(`t/${i}`, {});
    const report = await runSync({ origins: [source], target, deletes: 'propagate', guard: { maxDeletes: 10 }, onFailure });
    assert.deepEqual([report.counts.deleted, report.differences, Object.keys(target.dump())], [10, 0, ['t/stays']], onFailure);
  }
});
