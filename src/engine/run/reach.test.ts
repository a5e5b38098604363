import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Micros } from '../../model/entry.ts';
import { SyncError } from '../../model/errors.ts';
import { MemoryStore } from '../../stores/memory/memory-store.ts';
import { fakeHost } from '../../testing/index.ts';
import { runMerge } from '../merge.ts';
import { openState } from '../state/sqlite-state.ts';
import { runSync } from '../sync.ts';

class Clocked extends MemoryStore {
  at: () => Micros = () => { throw new SyncError('unavailable', 'right does not answer'); };
  async clock(): Promise<Micros> {
    return this.at();
  }
}

function world(): { readonly left: MemoryStore; readonly right: Clocked; readonly reads: () => number } {
  let reads = 0;
  const left = new MemoryStore({ name: 'left', order: 'none', interfere: () => void reads++ });
  for (let i = 0; i < 10; i++) left.edit(`t/${i}`, {}, { modifiedAt: 1 });
  return { left, right: new Clocked({ name: 'right' }), reads: () => reads };
}

test('a place that is out of reach is told before the other one is read', async () => {
  const { left, right, reads } = world();
  await using state = openState(undefined);
  await assert.rejects(runMerge({ left, right, state, decides: 'time' }), /right does not answer/);
  await assert.rejects(runMerge({ left, right, state }), /right does not answer/);
  await assert.rejects(runSync({ origins: [left], target: right }), /right does not answer/);
  assert.equal(reads(), 0);
});

test('clocks that disagree by more than a minute are told of, where times decide', async () => {
  const { left, right } = world();
  const host = fakeHost();
  const warnings = async (aheadMs: number, decides: 'time' | 'baseline' = 'time'): Promise<readonly string[]> => {
    await using state = openState(undefined);
    right.at = () => (host.now() + aheadMs) * 1_000;
    return (await runMerge({ left, right, state, host, decides })).warnings;
  };
  assert.deepEqual([await warnings(0), await warnings(59_000), await warnings(-59_000), await warnings(600_000, 'baseline')], [[], [], [], []]);
  assert.match((await warnings(120_000)).join(), /the clock of right is 120 seconds ahead/);
  assert.match((await warnings(-300_000)).join(), /the clock of right is 300 seconds behind that of this machine: what is stamped by it may be missed/);
});
