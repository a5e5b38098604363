import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { pairingName, runMerge, runMergeDiff } from '../../src/engine/merge.ts';
import type { TwoWay } from '../../src/engine/types.ts';
import type { Document } from '../../src/model/document.ts';
import type { Store } from '../../src/model/store.ts';
import { canonicalJson } from '../../src/lib/canonical-json.ts';
import { MemoryStore } from '../../src/stores/memory/memory-store.ts';
import type { MemoryStoreOptions } from '../../src/stores/memory/memory-store.ts';
import { fakeHost, faulty } from '../../src/testing/index.ts';
import { apply, dumps, edits, freshState, key, noGuard, pair, rounds, shape, witness } from './arbitraries.ts';
import type { Edit, Pair } from './arbitraries.ts';

const always = { guard: noGuard, host: fakeHost() } as const;

test('both sides converge over rounds of edits, and a settled pair stays settled (P4)', async () => {
  await fc.assert(fc.asyncProperty(rounds, shape, shape, async (list, l, r) => {
    const [left, right] = [witness(l), witness(r)];
    const stores = { left: left.store, right: right.store };
    await using state = freshState();
    for (const step of list) {
      apply(step, stores);
      const report = await runMerge({ ...always, ...stores, state });
      assert.deepEqual(stores.left.dump(), stores.right.dump());
      assert.equal(report.differences, 0);
      const writes = left.writes() + right.writes();
      const again = await runMerge({ ...always, ...stores, state });
      assert.equal(left.writes() + right.writes(), writes);
      assert.deepEqual([again.settled, again.differences, again.counts.unchanged], [0, 0, stores.left.size]);
    }
    assert.deepEqual([left.blind, right.blind], [[], []]);
  }), { numRuns: 400 });
});

test('a merge does what a model of two maps and their ancestor does', async () => {
  await fc.assert(fc.asyncProperty(rounds, shape, shape, async (list, l, r) => {
    const stores = pair(l, r);
    await using state = freshState();
    let ancestor: Values = {};
    for (const step of list) {
      apply(step, stores);
      const wanted = mergedByHand(timed(stores, 'left'), timed(stores, 'right'), ancestor);
      await runMerge({ ...always, ...stores, state });
      const [left] = dumps(stores);
      assert.deepEqual(Object.keys(left!).sort(), Object.keys(wanted).sort());
      for (const [name, choices] of Object.entries(wanted)) assert.ok(choices.includes((left![name] as Document)['value'] as number), `${name} is one of ${choices.join()}`);
      ancestor = timed(stores, 'left');
    }
  }), { numRuns: 400 });
});

test('swapping the sides elects the same winners, ties included (P5)', async () => {
  await fc.assert(fc.asyncProperty(rounds, shape, shape, async (list, l, r) => {
    const [straight, swapped] = [pair(l, r), pair(r, l)];
    await using one = freshState();
    await using other = freshState();
    for (const step of list) {
      apply(step, straight);
      apply(step.map((each): Edit => ({ ...each, side: each.side === 'left' ? 'right' : 'left' })), swapped);
      await runMerge({ ...always, ...straight, state: one });
      await runMerge({ ...always, ...swapped, state: other });
      assert.deepEqual(straight.left.dump(), swapped.left.dump());
    }
  }), { numRuns: 300 });
});

test('a run cut at any operation loses nothing, and the next run ends where an uncut one would (P6)', async () => {
  await fc.assert(fc.asyncProperty(rounds, shape, shape, fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 5 }), async (list, l, r, fuses) => {
    let fuse = Infinity;
    const interfere = (): void => { if (--fuse <= 0) throw new Error('cut'); };
    const [stores, calm] = [pair({ ...l, interfere }, { ...r, interfere }), pair(l, r)];
    await using state = freshState();
    await using calmState = freshState();
    for (const step of list) {
      apply(step, stores);
      apply(step, calm);
      for (const turns of fuses) {
        fuse = turns;
        await runMerge({ ...always, ...stores, state }).catch(() => {});
      }
      fuse = Infinity;
      await runMerge({ ...always, ...stores, state });
      await runMerge({ ...always, ...calm, state: calmState });
      assert.deepEqual(dumps(stores), dumps(calm));
    }
  }), { numRuns: 400 });
});

test('a scan that fails or leaves something out deletes nothing, and the next run undoes no deletion on its account (P7)', async () => {
  await fc.assert(fc.asyncProperty(rounds, shape, shape, fc.constantFrom('left', 'right'), fc.constantFrom('cut-scan', 'skip-page'), fc.nat(), async (list, l, r, side, fault, seed) => {
    const [stores, calm] = [pair(l, r), pair(l, r)];
    await using state = freshState();
    await using calmState = freshState();
    for (const step of list) {
      apply(step, stores);
      apply(step, calm);
      const before = dumps(stores).map((dump) => Object.keys(dump));
      const struck: string[] = [];
      const bad = faulty<Store>(stores[side], { seed, faults: { [fault]: 0.4 }, on: (name) => struck.push(name) });
      const report = await runMerge({ ...always, ...stores, [side]: bad, state }).catch(() => undefined);
      if (struck.length > 0) {
        assert.ok(!report?.complete);
        dumps(stores).forEach((dump, i) => before[i]!.forEach((name) => assert.ok(Object.hasOwn(dump, name), `${name} is still there`)));
      }
      await runMerge({ ...always, ...stores, state });
      await runMerge({ ...always, ...calm, state: calmState });
      assert.deepEqual(dumps(stores), dumps(calm));
    }
  }), { numRuns: 400 });
});

test('the first run of a pair deletes nothing, whatever the sides hold', async () => {
  await fc.assert(fc.asyncProperty(edits, shape, shape, async (list, l, r) => {
    const stores = pair(l, r);
    apply(list, stores);
    const names = new Set(dumps(stores).flatMap((dump) => Object.keys(dump)));
    await using state = freshState();
    await runMerge({ ...always, ...stores, state });
    assert.deepEqual(new Set(Object.keys(stores.left.dump())), names);
    assert.deepEqual(stores.left.dump(), stores.right.dump());
  }), { numRuns: 200 });
});

test('an edit on one side outlives a deletion on the other, and a deletion of what nobody edited travels (P7)', async () => {
  for (const editor of ['left', 'right'] as const) {
    const stores = pair();
    await using state = freshState();
    for (const name of ['edited', 'left alone', 'other']) stores.left.edit(name, { value: 1 }, { modifiedAt: 1 });
    await runMerge({ ...always, ...stores, state });
    stores[editor].edit('edited', { value: 2 }, { modifiedAt: 2 });
    for (const name of ['edited', 'left alone']) stores[editor === 'left' ? 'right' : 'left'].drop(name);
    await runMerge({ ...always, ...stores, state });
    for (const dump of dumps(stores)) assert.deepEqual(dump, { edited: { value: 2 }, other: { value: 1 } });
  }
});

test('a deletion that is not to travel stays where it was made', async () => {
  const stores = pair();
  await using state = freshState();
  for (const name of ['a', 'b']) stores.left.edit(name, {}, { modifiedAt: 1 });
  await runMerge({ ...always, ...stores, state });
  stores.left.drop('a');
  for (const _ of [1, 2]) {
    const { counts } = await runMerge({ ...always, ...stores, state, deletes: 'keep' });
    assert.equal(counts.kept, 1);
    assert.deepEqual(dumps(stores).map((dump) => Object.keys(dump)), [['b'], ['a', 'b']]);
  }
});

test('more deletions than the guard allows on either side delete nothing on both', async () => {
  for (const side of ['left', 'right'] as const) {
    const stores = pair();
    await using state = freshState();
    for (const name of ['a', 'b', 'c', 'd']) stores.left.edit(name, {}, { modifiedAt: 1 });
    await runMerge({ ...always, ...stores, state });
    for (const name of ['a', 'b', 'c']) stores[side].drop(name);
    stores[side === 'left' ? 'right' : 'left'].drop('d');
    await assert.rejects(runMerge({ ...always, ...stores, state, guard: { maxDeletes: { share: 0.5 } } }), { code: 'guarded' });
    assert.deepEqual(dumps(stores).map((dump) => Object.keys(dump).length).sort(), [1, 3]);
  }
});

test('what somebody else writes during a run is never overwritten by that run without having been seen (P12)', async () => {
  await fc.assert(fc.asyncProperty(rounds, shape, shape, fc.nat(30), key, fc.constantFrom('left', 'right'), async (list, l, r, moment, where, side) => {
    let countdown = Infinity;
    let round = 0;
    // Something new every time: to write again what was there already is no news, and may be overwritten by news.
    const intrude = (): void => { if (countdown-- === 0) stores[side].edit(where, { by: 'someone else', round }, { modifiedAt: 9 + round }); };
    const [left, right] = [witness({ ...l, interfere: intrude }), witness({ ...r, interfere: intrude })];
    const stores: Pair = { left: left.store, right: right.store };
    await using state = freshState();
    for (const step of list) {
      apply(step, stores);
      round++;
      countdown = moment;
      await runMerge({ ...always, ...stores, state });
      const intruded = countdown < 0;
      countdown = Infinity;
      if (intruded) assert.deepEqual(stores[side].dump()[where], { by: 'someone else', round });
      await runMerge({ ...always, ...stores, state });
      assert.deepEqual(stores.left.dump(), stores.right.dump());
    }
    assert.deepEqual([left.blind, right.blind], [[], []]);
  }), { numRuns: 600 });
});

test('of two edits of one entry neither is lost: one is on both sides, the other is kept where it can be read back', async () => {
  await fc.assert(fc.asyncProperty(rounds, shape, shape, async (list, l, r) => {
    const stores = pair(l, r);
    await using state = freshState();
    let edited = 0;
    for (const step of list) {
      const live = new Map<string, Document>();
      for (const { side, key: name, at, drop } of step) {
        if (drop) stores[side].drop(name);
        else stores[side].edit(name, { value: ++edited }, { modifiedAt: at });
        live.delete(`${side} ${name}`);
        if (!drop) live.set(`${side} ${name}`, { value: edited });
      }
      await runMerge({ ...always, ...stores, state });
      const held = new Set([...Object.values(stores.left.dump()).map((document) => canonicalJson(document)), ...state.lost(pairingName(stores)).map(({ text }) => text)]);
      for (const document of live.values()) assert.ok(held.has(canonicalJson(document)), `${canonicalJson(document)} can be read back`);
    }
  }), { numRuns: 300 });
});

test('a conflict that is to be reported is reported by every run and leaves both sides as they are', async () => {
  const stores = pair();
  await using state = freshState();
  stores.left.edit('a', { by: 'left' }, { modifiedAt: 1 });
  stores.right.edit('a', { by: 'right' }, { modifiedAt: 2 });
  for (const _ of [1, 2]) {
    const report = await runMerge({ ...always, ...stores, state, conflicts: 'report' });
    assert.deepEqual([report.counts.conflicts, report.differences], [1, 1]);
    assert.deepEqual(dumps(stores), [{ a: { by: 'left' } }, { a: { by: 'right' } }]);
  }
  for (const side of ['left', 'right'] as const) {
    await using other = freshState();
    const again = pair();
    again.left.edit('a', { by: 'left' }, { modifiedAt: 2 });
    again.right.edit('a', { by: 'right' }, { modifiedAt: 1 });
    await runMerge({ ...always, ...again, state: other, conflicts: side });
    assert.deepEqual(dumps(again), [{ a: { by: side } }, { a: { by: side } }]);
  }
});

test('showing what a merge would do writes nothing and remembers nothing (P8)', async () => {
  await fc.assert(fc.asyncProperty(rounds, shape, shape, async (list, l, r) => {
    const stores = pair(l, r);
    await using state = freshState();
    for (const step of list) {
      apply(step, stores);
      const before = dumps(stores);
      const models = before.map((dump) => new Map(Object.entries(dump)));
      const pairing: TwoWay = { ...always, ...stores, state };
      await runMergeDiff(pairing, (actions) => {
        for (const action of actions) {
          if (action.kind === 'put') models[action.to === 'left' ? 0 : 1]!.set(action.key, stores[action.to === 'left' ? 'right' : 'left'].dump()[action.key]!);
          if (action.kind === 'delete') models[action.on === 'left' ? 0 : 1]!.delete(action.key);
        }
      });
      assert.deepEqual(dumps(stores), before);
      await runMerge(pairing);
      assert.deepEqual(dumps(stores), models.map((model) => Object.fromEntries(model)));
    }
  }), { numRuns: 200 });
});

test('however little two stores of blobs tell of their entries, both sides converge and stay settled', async () => {
  const evidence = fc.record({
    digests: fc.constantFrom<NonNullable<MemoryStoreOptions['digests']>[]>([], ['sha256'], ['md5']), modifiedAt: fc.constantFrom('kept', 'assigned', 'none'), modifiedAtPrecision: fc.constantFrom(1, 1_000),
  });
  await fc.assert(fc.asyncProperty(rounds, shape, shape, evidence, evidence, async (list, l, r, one, other) => {
    // Every time is another to both stores: two edits of one length within their precision are beyond what stats can tell.
    let time = 0;
    const now = (): number => (time += 10_000);
    const [left, right] = [witness({ ...l, ...one, holds: 'blobs', now }), witness({ ...r, ...other, holds: 'blobs', now })];
    const stores = { left: left.store, right: right.store };
    await using state = freshState();
    for (const step of list) {
      for (const { side, key: name, value, drop } of step) {
        if (drop) stores[side].drop(name);
        // Texts of one length, so that size alone gives nothing away.
        else stores[side].edit(name, Buffer.from(`text ${value}`), (side === 'left' ? one : other).modifiedAt === 'kept' ? { modifiedAt: now() } : {});
      }
      const report = await runMerge({ ...always, ...stores, state, conflicts: 'left' });
      assert.equal(report.differences, 0);
      const copies = new Set(Object.keys(stores.left.dump()).concat(Object.keys(stores.right.dump())).filter((name) => name.includes('.conflict-')));
      for (const name of Object.keys(stores.left.dump())) if (!copies.has(name)) assert.deepEqual(stores.right.dump()[name], stores.left.dump()[name], name);
      assert.deepEqual(shown(stores.left.dump(), copies), shown(stores.right.dump(), copies));
      // What lost a conflict is kept beside the winner, and travels like everything else; after that there is quiet.
      await runMerge({ ...always, ...stores, state, conflicts: 'left' });
      const writes = left.writes() + right.writes();
      await runMerge({ ...always, ...stores, state, conflicts: 'left' });
      assert.equal(left.writes() + right.writes(), writes);
      assert.deepEqual(stores.left.dump(), stores.right.dump());
    }
    assert.deepEqual([left.blind, right.blind], [[], []]);
  }), { numRuns: 100 });
});

test('versions that lose in one second are all kept', async () => {
  const [left, right] = [new MemoryStore({ holds: 'blobs', name: 'left' }), new MemoryStore({ holds: 'blobs', name: 'right' })];
  await using state = freshState();
  for (const nth of [1, 2, 3]) {
    left.edit('a', Buffer.from(`left ${nth}`));
    right.edit('a', Buffer.from(`right ${nth}`));
    await runMerge({ ...always, left, right, state, conflicts: 'left' });
  }
  const texts = Object.values(right.dump()).map(String);
  assert.deepEqual(texts.sort(), ['left 3', 'right 1', 'right 2', 'right 3']);
});

test('what a filter hides neither travels nor dies', async () => {
  await fc.assert(fc.asyncProperty(rounds, shape, shape, async (list, l, r) => {
    const stores = pair(l, r);
    await using state = freshState();
    const hidden = (dump: { readonly [name: string]: unknown }): unknown => Object.fromEntries(Object.entries(dump).filter(([name]) => !name.startsWith('a')));
    const shown = (dump: { readonly [name: string]: unknown }): unknown => Object.fromEntries(Object.entries(dump).filter(([name]) => name.startsWith('a')));
    for (const [i, step] of list.entries()) {
      apply(step, stores);
      const before = dumps(stores).map(hidden);
      // Every other run sees everything: what it remembers must not make a later run with a filter delete.
      if (i % 2 === 0) {
        await runMerge({ ...always, ...stores, state });
        continue;
      }
      await runMerge({ ...always, ...stores, state, where: ({ key: name }) => name.startsWith('a') });
      assert.deepEqual(dumps(stores).map(hidden), before);
      assert.deepEqual(shown(stores.left.dump()), shown(stores.right.dump()));
    }
    await runMerge({ ...always, ...stores, state });
    assert.deepEqual(stores.left.dump(), stores.right.dump());
  }), { numRuns: 200 });
});

function shown(dump: { readonly [name: string]: unknown }, without: ReadonlySet<string>): readonly string[] {
  return Object.keys(dump).filter((name) => !without.has(name)).sort();
}

interface Values {
  readonly [name: string]: { readonly value: number; readonly at: number };
}

function timed(stores: Pair, side: 'left' | 'right'): Values {
  return Object.fromEntries(Object.entries(stores[side].dump()).map(([name, document]) => [name, { value: (document as Document)['value'] as number, at: stores[side].peek(name)?.modifiedAt ?? 0 }]));
}

/** For each key that should be left, the values that would be right: two where only the tie-break decides. */
function mergedByHand(left: Values, right: Values, ancestor: Values): { readonly [name: string]: readonly number[] } {
  const merged: [string, readonly number[]][] = [];
  const at = (values: Values, name: string): Values[string] | undefined => (Object.hasOwn(values, name) ? values[name] : undefined);
  for (const name of new Set([left, right, ancestor].flatMap((values) => Object.keys(values)))) {
    const [l, r, a] = [at(left, name), at(right, name), at(ancestor, name)];
    const leftMoved = l?.value !== a?.value;
    const rightMoved = r?.value !== a?.value;
    if (!leftMoved && !rightMoved) merged.push([name, l ? [l.value] : []]);
    else if (!rightMoved) merged.push([name, l ? [l.value] : []]);
    else if (!leftMoved) merged.push([name, r ? [r.value] : []]);
    else if (l && r) merged.push([name, l.at > r.at ? [l.value] : r.at > l.at ? [r.value] : [l.value, r.value]]);
    else merged.push([name, [l, r].flatMap((side) => side?.value ?? [])]);
  }
  return Object.fromEntries(merged.filter(([, choices]) => choices.length > 0));
}
