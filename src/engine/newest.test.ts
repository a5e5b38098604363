import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Document } from '../model/document.ts';
import { MemoryStore } from '../stores/memory/memory-store.ts';
import type { MemoryStoreOptions } from '../stores/memory/memory-store.ts';
import { fakeHost } from '../testing/index.ts';
import { pairingName, runMerge, runMergeDiff } from './merge.ts';
import { openState } from './state/sqlite-state.ts';
import type { TwoWay } from './types.ts';

const always = { host: fakeHost(), decides: 'time' } as const;

function pair(left: MemoryStoreOptions = {}, right: MemoryStoreOptions = {}): { readonly left: MemoryStore; readonly right: MemoryStore } {
  return { left: new MemoryStore({ name: 'left', ...left }), right: new MemoryStore({ name: 'right', ...right }) };
}

test('the later entry wins whatever was agreed on, and what one side lacks is written there', async () => {
  const stores = pair();
  await using state = openState(undefined);
  stores.left.edit('t/a', { value: 'old' }, { modifiedAt: 1 });
  stores.right.edit('t/a', { value: 'new' }, { modifiedAt: 2 });
  stores.left.edit('t/b', { value: 'only left' }, { modifiedAt: 1 });
  const first = await runMerge({ ...always, ...stores, state });
  assert.deepEqual([stores.left.dump(), stores.right.dump()], [0, 1].map(() => ({ 't/a': { value: 'new' }, 't/b': { value: 'only left' } })));
  assert.deepEqual(first.flows, { t: { left: { read: 1, written: 1, skipped: 0, conflicting: 0, quarantined: 0 }, right: { read: 2, written: 1, skipped: 1, conflicting: 0, quarantined: 0 } } });
  // Somebody restores an old version: by the baseline that would be the news.
  stores.left.edit('t/a', { value: 'older still' }, { modifiedAt: 0 });
  stores.right.drop('t/b');
  const { counts } = await runMerge({ ...always, ...stores, state });
  assert.deepEqual([stores.left.dump(), stores.right.dump()], [0, 1].map(() => ({ 't/a': { value: 'new' }, 't/b': { value: 'only left' } })));
  assert.deepEqual([counts.created, counts.updated, counts.deleted], [1, 1, 0]);
});

test('of two versions of one time the same one wins whichever side is left, and the other is kept', async () => {
  const winners = new Set<string>();
  for (const [one, other] of [['x', 'y'], ['y', 'x']] as const) {
    const stores = pair();
    await using state = openState(undefined);
    const pairing: TwoWay = { ...always, ...stores, state };
    stores.left.edit('a', { value: one }, { modifiedAt: 5 });
    stores.right.edit('a', { value: other }, { modifiedAt: 5 });
    await runMerge(pairing);
    const { value } = stores.left.dump()['a'] as Document;
    assert.deepEqual(stores.left.dump(), stores.right.dump());
    winners.add(String(value));
    assert.deepEqual(state.lost(pairingName(pairing)).map(({ text }) => text), [JSON.stringify({ value: value === 'x' ? 'y' : 'x' })]);
  }
  assert.equal(winners.size, 1);
});

test('a time that went through a coarser store is not news', async () => {
  const stores = pair({}, { modifiedAtPrecision: 1_000 });
  await using state = openState(undefined);
  stores.left.edit('a', { value: 1 }, { modifiedAt: 1_500_700 });
  const pairing: TwoWay = { ...always, ...stores, state };
  await runMerge(pairing);
  assert.equal(stores.right.peek('a')?.modifiedAt, 1_500_000);
  const { counts, differences } = await runMerge(pairing);
  assert.deepEqual([counts.created, counts.updated, counts.unchanged, differences], [0, 0, 1, 0]);
});

test('a deletion travels only when that is asked for, of what was there before and has not changed since', async () => {
  const stores = pair();
  await using state = openState(undefined);
  const pairing: TwoWay = { ...always, ...stores, state, deletes: 'propagate' };
  for (const key of ['a', 'b', 'c', 'd']) stores.left.edit(key, { key }, { modifiedAt: 1 });
  await runMerge(pairing);
  stores.left.drop('a');
  stores.left.drop('b');
  stores.right.edit('b', { key: 'b', edited: true }, { modifiedAt: 2 });
  stores.right.edit('e', { key: 'e' }, { modifiedAt: 0 });
  await runMerge(pairing);
  assert.deepEqual(Object.keys(stores.left.dump()).sort(), ['b', 'c', 'd', 'e']);
  assert.deepEqual(Object.keys(stores.right.dump()).sort(), ['b', 'c', 'd', 'e']);
  for (const key of ['b', 'c', 'd']) stores.right.drop(key);
  await assert.rejects(runMerge(pairing), { code: 'guarded' });
  assert.deepEqual(Object.keys(stores.left.dump()).sort(), ['b', 'c', 'd', 'e']);
});

test('an entry without a time fails by itself, and the others go on', async () => {
  const stores = pair();
  await using state = openState(undefined);
  stores.left.edit('t/timeless', { value: 1 });
  stores.left.edit('t/timed', { value: 1 }, { modifiedAt: 1 });
  const report = await runMerge({ ...always, ...stores, state });
  assert.deepEqual(stores.right.dump(), { 't/timed': { value: 1 } });
  assert.deepEqual([report.counts.failed, report.counts.created, report.failures.map(({ place, side }) => `${side} ${place}`)], [1, 1, ['left t/timeless']]);
  await assert.rejects(runMerge({ ...always, left: stores.left, right: new MemoryStore({ modifiedAt: 'none' }), state }), { code: 'invalid', message: /does not say when/ });
});

test('what became newer at the target while the run was under way stays, and is no failure', async () => {
  for (const expects of [['absent', 'version', 'older'], ['absent', 'version']] as const) {
    let struck = false;
    const stores = pair({}, { expects, interfere: (operation) => {
      if (operation !== 'write' || struck) return;
      struck = true;
      stores.right.edit('a', { value: 'newest' }, { modifiedAt: 9 });
      stores.right.edit('b', { value: 'newest' }, { modifiedAt: 9 });
    } });
    await using state = openState(undefined);
    for (const key of ['a', 'b']) stores.left.edit(key, { value: 'newer' }, { modifiedAt: 5 });
    stores.right.edit('a', { value: 'old' }, { modifiedAt: 1 });
    const report = await runMerge({ ...always, ...stores, state });
    assert.deepEqual(stores.right.dump(), { a: { value: 'newest' }, b: { value: 'newest' } });
    assert.deepEqual([report.counts.skipped, report.counts.failed, report.differences, report.skippedFrom], [2, 0, 0, 9]);
    await runMerge({ ...always, ...stores, state });
    assert.deepEqual(stores.left.dump(), stores.right.dump());
  }
});

test('only what was modified within the window moves, and what lies outside is left alone', async () => {
  const stores = pair();
  await using state = openState(undefined);
  for (const at of [1, 2, 3, 4, 5]) stores.left.edit(`left-${at}`, { at }, { modifiedAt: at });
  stores.left.edit('both', { at: 3 }, { modifiedAt: 3 });
  stores.right.edit('both', { at: 1 }, { modifiedAt: 1 });
  stores.left.edit('beyond', { at: 3 }, { modifiedAt: 3 });
  stores.right.edit('beyond', { at: 9 }, { modifiedAt: 9 });
  stores.right.edit('agreed', { at: 0 }, { modifiedAt: 3 });
  stores.left.edit('agreed', { at: 0 }, { modifiedAt: 1 });
  const planned: string[] = [];
  const pairing: TwoWay = { ...always, ...stores, state, window: { after: 2, until: 4 } };
  await runMergeDiff(pairing, (actions) => void planned.push(...actions.map(({ key }) => key)));
  const report = await runMerge(pairing);
  assert.deepEqual(planned, ['both', 'left-3', 'left-4']);
  assert.deepEqual(stores.right.dump(), { 'both': { at: 3 }, 'beyond': { at: 9 }, 'agreed': { at: 0 }, 'left-3': { at: 3 }, 'left-4': { at: 4 } });
  assert.deepEqual(stores.left.dump()['beyond'], { at: 3 });
  assert.deepEqual([report.counts.created, report.counts.updated, report.counts.read], [2, 1, 5]);
});

test('nothing is deleted where a window hides what else there is', async () => {
  for (const decides of ['time', 'baseline'] as const) {
    const stores = pair();
    await using state = openState(undefined);
    for (const at of [1, 2, 3, 4]) stores.left.edit(`${at}`, { at }, { modifiedAt: at });
    const pairing: TwoWay = { ...always, decides, ...stores, state, deletes: 'propagate', guard: { maxDeletes: Infinity } };
    await runMerge(pairing);
    stores.left.drop('1');
    stores.left.drop('4');
    await runMerge({ ...pairing, window: { after: 2 } });
    assert.deepEqual(Object.keys(stores.right.dump()), ['1', '2', '3', '4']);
  }
});

test('whatever each side holds, both hold the newest of it after one run, and a second run writes nothing', async () => {
  const edit = fc.record({ side: fc.constantFrom('left', 'right'), key: fc.constantFrom('a', 'b', 'c'), value: fc.integer({ min: 0, max: 3 }), at: fc.integer({ min: 0, max: 6 }) });
  const precisions = fc.constantFrom(1, 3);
  await fc.assert(fc.asyncProperty(fc.array(fc.array(edit, { maxLength: 8 }), { minLength: 1, maxLength: 3 }), precisions, precisions, fc.boolean(), async (rounds, one, other, older) => {
    const expects = older ? ['absent', 'version', 'older'] as const : ['absent', 'version'] as const;
    const stores = pair({ modifiedAtPrecision: one, expects }, { modifiedAtPrecision: other, expects });
    const precision = Math.max(one, other);
    await using state = openState(undefined);
    const pairing: TwoWay = { ...always, ...stores, state };
    for (const round of rounds) {
      for (const { side, key, value, at } of round) {
        const step = side === 'left' ? one : other;
        stores[side].edit(key, { value, at }, { modifiedAt: Math.floor(at / step) * step });
      }
      const times = new Map(['a', 'b', 'c'].map((key) => [key, Math.max(stores.left.peek(key)?.modifiedAt ?? -1, stores.right.peek(key)?.modifiedAt ?? -1)]));
      const report = await runMerge(pairing);
      assert.deepEqual([report.differences, report.counts.failed], [0, 0]);
      assert.deepEqual(stores.left.dump(), stores.right.dump());
      // A coarse store takes the winner of a tie back to its own step.
      for (const key of Object.keys(stores.left.dump())) assert.ok(times.get(key)! - stores.left.peek(key)!.modifiedAt! <= (precision > 1 ? precision : 0), key);
      const { counts } = await runMerge(pairing);
      assert.deepEqual([counts.created, counts.updated, counts.deleted], [0, 0, 0]);
    }
  }), { numRuns: 500 });
});

const edits = fc.array(fc.record({ side: fc.constantFrom('left', 'right'), key: fc.constantFrom('t/a', 't/b', 'u/c', 'u/d'), value: fc.integer({ min: 0, max: 3 }), at: fc.option(fc.integer({ min: 0, max: 9 }), { nil: undefined, freq: 8 }) }), { maxLength: 14 });
const windows = fc.record({ after: fc.integer({ min: 0, max: 9 }), until: fc.integer({ min: 0, max: 9 }) }, { requiredKeys: [] });
const shapes = fc.record({ order: fc.constantFrom('key', 'none'), reads: fc.constantFrom('cheap', 'dear'), pageEntries: fc.integer({ min: 1, max: 4 }), expects: fc.constantFrom<NonNullable<MemoryStoreOptions['expects']>[]>(['absent', 'version', 'older'], ['absent', 'version']) });

test('what a run is said to do is what it does, in every window, and nothing outside of it is touched', async () => {
  await fc.assert(fc.asyncProperty(edits, windows, shapes, shapes, async (list, window, one, other) => {
    const stores = pair(one, other);
    for (const { side, key, value, at } of list) stores[side].edit(key, { value, at: at ?? null }, at === undefined ? {} : { modifiedAt: at });
    await using state = openState(undefined);
    const planned: string[] = [];
    const done: string[] = [];
    const before = { left: stores.left.dump(), right: stores.right.dump() };
    const pairing: TwoWay = { ...always, ...stores, state, window };
    const told = await runMergeDiff(pairing, (actions) => void planned.push(...actions.map((action) => `${action.kind} ${action.key} ${action.kind === 'put' ? action.to : ''}`)));
    assert.deepEqual({ left: stores.left.dump(), right: stores.right.dump() }, before);
    const report = await runMerge({ ...pairing, on: (event) => void (event.kind === 'done' && done.push(`put ${event.action.key} ${event.action.kind === 'put' ? event.action.to : ''}`)) });
    assert.deepEqual(done.sort(), planned.filter((line) => line.startsWith('put')).sort());
    assert.deepEqual([report.counts, report.flows], [told.counts, told.flows]);
    const { after = -Infinity, until = Infinity } = window;
    for (const side of ['left', 'right'] as const) {
      for (const [key, document] of Object.entries(stores[side].dump())) {
        const at = (document as Document)['at'];
        if (JSON.stringify(before[side][key]) !== JSON.stringify(document)) assert.ok(typeof at === 'number' && at > after && at <= until, `${side} ${key}`);
      }
    }
  }), { numRuns: 500 });
});

test('which side is named first makes no difference', async () => {
  await fc.assert(fc.asyncProperty(edits, windows, async (list, window) => {
    const [straight, swapped] = [pair(), pair()];
    for (const { side, key, value, at } of list) {
      const facts = at === undefined ? {} : { modifiedAt: at };
      straight[side].edit(key, { value }, facts);
      swapped[side === 'left' ? 'right' : 'left'].edit(key, { value }, facts);
    }
    await using state = openState(undefined);
    for (const stores of [straight, swapped]) await runMerge({ ...always, ...stores, state, window });
    assert.deepEqual([straight.left.dump(), straight.right.dump()], [swapped.right.dump(), swapped.left.dump()]);
  }), { numRuns: 300 });
});
