import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SyncError } from '../../model/errors.ts';
import { MemoryStore } from '../../stores/memory/memory-store.ts';
import type { MemoryStoreOptions } from '../../stores/memory/memory-store.ts';
import { runSync } from '../sync.ts';
import { runVerify } from '../verify.ts';

/** A store of which one record cannot be read by its key. */
function holding(documents: { readonly [key: string]: number }, modifiedAt: number, options: MemoryStoreOptions = {}, code: 'invalid' | 'denied' = 'invalid'): MemoryStore {
  const interfere = (operation: string, key: string | undefined): void => {
    if (operation === 'read' && key === 't/2') throw new SyncError(code, 't.at holds what is no time');
  };
  const store = new MemoryStore({ ...options, interfere });
  for (const [key, i] of Object.entries(documents)) store.edit(key, { i }, { modifiedAt });
  return store;
}

const three = { 't/1': 1, 't/2': 2, 't/3': 3 };
const older = { 't/1': 0, 't/2': 0, 't/3': 0 };

test('a record of the target that cannot be read keeps no other from being written', async () => {
  for (const [name, order, window] of [['as it comes', 'none', undefined], ['within a window', 'key', { after: 5 }]] as const) {
    const [source, target] = [new MemoryStore({ order }), holding(older, 1)];
    for (const [key, i] of Object.entries(three)) source.edit(key, { i }, { modifiedAt: 9 });
    const report = await runSync({ origins: [source], target, ...(window && { window }) });
    assert.deepEqual([report.counts.updated, report.problems, report.complete, report.failures.map(({ place }) => place)], [2, 1, false, ['memory: t/2']], name);
    assert.deepEqual(target.dump(), { 't/1': { i: 1 }, 't/2': { i: 0 }, 't/3': { i: 3 } }, name);
  }
});

test('what is about more than one record ends the run', async () => {
  const [source, target] = [new MemoryStore({ order: 'none' }), holding(older, 1, {}, 'denied')];
  for (const [key, i] of Object.entries(three)) source.edit(key, { i }, { modifiedAt: 9 });
  await assert.rejects(runSync({ origins: [source], target }), { code: 'denied' });
});

test('a range is compared but for the record that cannot be read', async () => {
  const [source, target] = [new MemoryStore(), holding(older, 1)];
  for (const [key, i] of Object.entries(three)) source.edit(key, { i }, { modifiedAt: 9 });
  const { equal, differing, report } = await runVerify({ origins: [source], target, window: { after: 5 } });
  assert.deepEqual([equal, differing.map(({ key }) => key), report.problems], [false, ['t/1', 't/3'], 1]);
  // The other way, it is the origin that cannot say.
  const back = await runVerify({ origins: [target], target: source, window: { after: 5 } });
  assert.deepEqual([back.equal, back.differing.map(({ key }) => key), back.report.problems], [false, ['t/1', 't/3'], 1]);
});
