import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { runMerge } from '../../src/engine/merge.ts';
import { openState } from '../../src/engine/state/sqlite-state.ts';
import { runSync } from '../../src/engine/sync.ts';
import { runVerify } from '../../src/engine/verify.ts';
import { SyncError } from '../../src/model/errors.ts';
import type { Host } from '../../src/model/host.ts';
import { plainHost } from '../../src/model/plain-host.ts';
import type { Outcome, Store } from '../../src/model/store.ts';
import { MemoryStore } from '../../src/stores/memory/memory-store.ts';
import type { MemoryStoreOptions } from '../../src/stores/memory/memory-store.ts';
import { fakeHost, wrap } from '../../src/testing/index.ts';
import { apply, dumps, edits, freshState, noGuard, pair, shape, witness } from './arbitraries.ts';

const always = { deletes: 'propagate', guard: noGuard, host: fakeHost() } as const;

test('no batch is larger and no more are under way than the store allows, and what it allows is used', async () => {
  await fc.assert(fc.asyncProperty(edits, shape, shape, fc.constantFrom('required', 'ignored'), async (list, l, r, dependencies) => {
    const stores = pair(l, { ...r, dependencies });
    apply(list, stores);
    let [underWay, most] = [0, 0];
    const { batchEntries, inFlight } = stores.right.capabilities.limits;
    const counted = wrap<Store>(stores.right, {
      async write(batch) {
        assert.ok(batch.length <= batchEntries && batch.length > 0);
        most = Math.max(most, ++underWay);
        await new Promise((resolve) => setImmediate(resolve));
        const outcomes = await stores.right.write(batch);
        underWay--;
        return outcomes;
      },
    });
    const { counts } = await runSync({ ...always, origins: [stores.left], target: counted });
    assert.ok(most <= inFlight);
    if (counts.created + counts.updated > batchEntries * inFlight) assert.equal(most, inFlight);
  }), { numRuns: 200 });
});

test('a store that asks to be left alone for a while is left alone for that long', async () => {
  for (const whole of [true, false]) {
    const waits: number[] = [];
    const host: Host = { ...fakeHost(), sleep: async (ms) => { waits.push(ms); } };
    const { left, right } = pair();
    left.edit('a', {});
    let turnedAway = 0;
    const throttled = new SyncError('throttled', 'not now', { retryAfterMs: 12_345 });
    const busy = wrap<Store>(right, {
      write: async (batch): Promise<readonly Outcome[]> => {
        if (turnedAway++ > 0) return await right.write(batch);
        if (whole) throw throttled;
        return batch.map(() => ({ kind: 'failed', error: throttled }));
      },
    });
    assert.equal((await runSync({ ...always, host, origins: [left], target: busy })).counts.created, 1);
    assert.ok(waits.length === 1 && waits[0]! >= 12_345);
  }
});

test('what waiting cannot mend is not tried again, and patience ends', async () => {
  for (const [code, most] of [['denied', 1], ['unavailable', 10]] as const) {
    const { left, right } = pair();
    left.edit('a', {});
    let attempts = 0;
    const broken = wrap<Store>(right, { write: async (batch) => { attempts++; return batch.map(() => ({ kind: 'failed', error: new SyncError(code, 'no') })); } });
    const report = await runSync({ ...always, origins: [left], target: broken });
    assert.ok(code === 'denied' ? attempts === 1 : attempts > 1 && attempts <= most);
    assert.deepEqual([report.counts.failed, report.differences, report.failures.map(({ error }) => error.code)], [1, 1, [code]]);
  }
});

test('a write that no expectation protects is counted as such', async () => {
  const { left, right } = pair({}, { expects: [] });
  for (const name of ['a', 'b', 'c']) left.edit(name, { value: 1 });
  right.edit('a', { value: 2 });
  right.edit('d', {});
  const report = await runSync({ ...always, origins: [left], target: right });
  assert.equal(report.unguarded, 4);
});

test('sides that could not be read whole are not verified, even if all that was read is equal', async () => {
  const { left, right } = pair();
  for (const store of [left, right]) store.edit('a', {});
  const torn = wrap<Store>(left, {
    async *scan(...args) {
      yield* left.scan(...args);
      yield { entries: [], problems: [{ place: 'b', error: new SyncError('unavailable', 'b could not be read') }] };
    },
  });
  const { equal, report } = await runVerify({ ...always, origins: [torn], target: right });
  assert.deepEqual([equal, report.complete, report.problems], [false, false, 1]);
});

test('more entries than any page, batch or table of the engine holds are settled once and then left alone', async () => {
  for (const order of ['key', 'none'] as const) {
    const target = witness();
    const left = new MemoryStore({ order });
    for (let i = 0; i < 5_000; i++) left.edit(`${i}`, { i }, { modifiedAt: 1 });
    await using state = freshState();
    const first = await runSync({ ...always, origins: [left], target: target.store, state });
    assert.equal(first.counts.created, 5_000);
    const second = await runSync({ ...always, origins: [left], target: target.store, state });
    assert.deepEqual([target.writes(), second.counts.unchanged, second.counts.deleted], [5_000, 5_000, 0]);

    const right = witness();
    await runMerge({ ...always, left, right: right.store, state });
    for (let i = 0; i < 5_000; i += 7) left.drop(`${i}`);
    const third = await runMerge({ ...always, left, right: right.store, state });
    assert.deepEqual([third.counts.deleted, third.differences], [715, 0]);
    assert.deepEqual(right.store.dump(), left.dump());
  }
});

test('pairs that share a state know nothing of each other', async () => {
  await using state = freshState();
  const [one, other] = [pair(), pair()];
  one.left.edit('a', {}, { modifiedAt: 1 });
  await runMerge({ ...always, ...one, state });
  // Had the second pair the memory of the first, it would take `a` for deleted.
  other.right.edit('a', {}, { modifiedAt: 1 });
  await runMerge({ ...always, ...other, state });
  assert.deepEqual(dumps(other), [{ a: {} }, { a: {} }]);
});

test('what was learned outlives the process, and what was settled before a run was killed is not written again', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'syncline-state-'));
  try {
    const transform: MemoryStoreOptions['transform'] = (document) => ({ ...document, stamp: 1 });
    const right = witness({ transform, batchEntries: 1, inFlight: 1 });
    const left = new MemoryStore();
    for (let i = 0; i < 10; i++) left.edit(`${i}`, { i });
    const killed = openState(join(folder, 'state'));
    let writes = 0;
    const dying = wrap<Store>(right.store, { write: (...args) => (++writes > 6 ? new Promise(() => {}) : right.store.write(...args)) });
    void runSync({ ...always, origins: [left], target: dying, state: killed });
    while (writes <= 6) await new Promise((resolve) => setImmediate(resolve));
    await killed[Symbol.asyncDispose]();

    await using state = openState(join(folder, 'state'));
    for (const _ of [1, 2]) await runSync({ ...always, origins: [left], target: right.store, state });
    assert.equal(right.writes(), 10);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('an aborted run waits for what is under way before it reports', async () => {
  await fc.assert(fc.asyncProperty(edits, shape, shape, fc.nat(20), async (list, l, r, moment) => {
    const controller = new AbortController();
    let countdown = moment;
    const interfere = async (operation: string): Promise<void> => {
      if (operation === 'write') await new Promise((resolve) => setImmediate(resolve));
      if (countdown-- === 0) controller.abort();
    };
    const right = witness({ ...r, interfere });
    const stores = { left: new MemoryStore({ ...l, interfere }), right: right.store };
    apply(list, stores);
    const { counts } = await runSync({ ...always, host: plainHost, origins: [stores.left], target: stores.right, signal: controller.signal });
    const written = right.writes();
    assert.equal(counts.created + counts.updated + counts.deleted, written);
    for (let turns = 0; turns < 5; turns++) await new Promise((resolve) => setImmediate(resolve));
    assert.equal(right.writes(), written);
  }), { numRuns: 150 });
});

test('two runs at once to one target end as one run would, and write nothing twice', async () => {
  await fc.assert(fc.asyncProperty(edits, shape, shape, async (list, l, r) => {
    const slow = async (): Promise<void> => { await new Promise((resolve) => setImmediate(resolve)); };
    const right = witness({ ...r, inFlight: 16, interfere: slow });
    const stores = { left: new MemoryStore({ ...l, interfere: slow }), right: right.store };
    apply(list, stores);
    const writes = right.writes();
    const changes = Object.entries(stores.left.dump()).filter(([name, document]) => JSON.stringify(stores.right.dump()[name]) !== JSON.stringify(document)).length;
    const extra = Object.keys(stores.right.dump()).filter((name) => !Object.hasOwn(stores.left.dump(), name)).length;
    const reports = await Promise.all([1, 2].map(() => runSync({ ...always, origins: [stores.left], target: stores.right, concurrency: 2 })));
    assert.deepEqual(stores.right.dump(), stores.left.dump());
    assert.deepEqual(reports.map(({ differences }) => differences), [0, 0]);
    assert.equal(right.writes() - writes, changes + extra);
    assert.deepEqual(right.blind, []);
  }), { numRuns: 100 });
});

test('an entry that a source lists twice is written once; two different ones of one key are reported, and nothing is deleted', async () => {
  for (const reads of ['cheap', 'dear'] as const) {
    for (const [twin, differs] of [[{ value: 1 }, false], [{ value: 2 }, true]] as const) {
      const target = witness({ reads });
      const left = new MemoryStore({ order: 'none' });
      for (const name of ['a', 'b', 'c']) left.edit(name, { value: 1 });
      const [other] = await (async () => {
        const store = new MemoryStore();
        store.edit('b', twin);
        return store.read([{ key: 'b' }]);
      })();
      const repeating = wrap<Store>(left, {
        async *scan(...args) {
          yield* left.scan(...args);
          yield { entries: [other!] };
        },
      });
      for (const name of ['c', 'd', 'e']) target.store.edit(name, { value: 1 });
      const report = await runSync({ ...always, origins: [repeating], target: target.store });
      assert.equal(report.problems, differs ? 1 : 0);
      assert.deepEqual(target.store.dump()['b'], { value: 1 });
      assert.equal(target.writes(), differs ? 2 : 4);
      assert.deepEqual(Object.keys(target.store.dump()).sort(), differs ? ['a', 'b', 'c', 'd', 'e'] : ['a', 'b', 'c']);
    }
  }
});
