import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import type { Action } from '../../src/core/reconcile.ts';
import { runDiff } from '../../src/engine/diff.ts';
import { runSync } from '../../src/engine/sync.ts';
import type { OneWay } from '../../src/engine/types.ts';
import { runVerify } from '../../src/engine/verify.ts';
import type { Document } from '../../src/model/document.ts';
import { plainHost } from '../../src/model/plain-host.ts';
import type { Store } from '../../src/model/store.ts';
import { MemoryStore } from '../../src/stores/memory/memory-store.ts';
import type { MemoryStoreOptions } from '../../src/stores/memory/memory-store.ts';
import { fakeHost, faulty } from '../../src/testing/index.ts';
import { apply, documentOf, edit, edits, freshState, key, noGuard, pair, rounds, shape, size, sortBytes, witness } from './arbitraries.ts';

const always = { deletes: 'propagate', guard: noGuard, host: fakeHost() } as const;

async function planned(pairing: OneWay): Promise<Action[]> {
  const actions: Action[] = [];
  await runDiff(pairing, (page) => { actions.push(...page); }, { content: true });
  return actions;
}

test('a mirror makes the target equal the source, says so, and then has nothing to do (P3)', async () => {
  await fc.assert(fc.asyncProperty(edits, shape, shape, sortBytes, fc.boolean(), async (list, l, r, bytes, remember) => {
    const stores = pair(l, r);
    apply(list, stores);
    await using state = freshState();
    const pairing: OneWay = { ...always, origins: [stores.left], target: stores.right, sortBytes: bytes, ...(remember && { state }) };
    const report = await runSync(pairing);
    assert.deepEqual(stores.right.dump(), stores.left.dump());
    assert.ok(report.complete && report.differences === 0 && report.counts.failed === 0);
    assert.equal(report.counts.read, stores.left.size);
    assert.equal(report.counts.created + report.counts.updated + report.counts.unchanged, stores.left.size);
    assert.deepEqual(await planned(pairing), []);
    assert.ok((await runVerify(pairing)).equal);
  }), { numRuns: 500 });
});

test('without being asked to delete, a mirror adds and updates only, and counts what it kept', async () => {
  await fc.assert(fc.asyncProperty(edits, shape, shape, async (list, l, r) => {
    const stores = pair(l, r);
    apply(list, stores);
    const before = stores.right.dump();
    await runSync({ ...always, deletes: 'keep', origins: [stores.left], target: stores.right });
    assert.deepEqual(stores.right.dump(), { ...before, ...stores.left.dump() });
  }), { numRuns: 300 });
});

test('verification names exactly the keys that differ, and how', async () => {
  await fc.assert(fc.asyncProperty(edits, shape, shape, async (list, l, r) => {
    const stores = pair(l, r);
    apply(list, stores);
    const [left, right] = [stores.left.dump(), stores.right.dump()];
    const wanted = [...new Set([...Object.keys(left), ...Object.keys(right)])].flatMap((name) => {
      const [mine, theirs] = [left, right].map((dump) => (Object.hasOwn(dump, name) ? (dump[name] as Document)['value'] : undefined));
      return mine === theirs ? [] : [`${name} ${theirs === undefined ? 'missing' : mine === undefined ? 'extra' : 'differs'}`];
    });
    const { equal, differing } = await runVerify({ ...always, origins: [stores.left], target: stores.right });
    assert.deepEqual(differing.map(({ key: name, kind }) => `${name} ${kind}`).sort(), wanted.sort());
    assert.equal(equal, wanted.length === 0);
  }), { numRuns: 300 });
});

test('planning writes nothing, and carrying the plan out by hand gives what the run gives (P8)', async () => {
  await fc.assert(fc.asyncProperty(edits, shape, shape, fc.constantFrom('propagate', 'keep'), async (list, l, r, deletes) => {
    const right = witness(r);
    const stores = { left: new MemoryStore(l), right: right.store };
    apply(list, stores);
    await using state = freshState();
    const pairing: OneWay = { ...always, deletes, origins: [stores.left], target: stores.right, state };
    const model = new Map(Object.entries(stores.right.dump()));
    const actions = await planned(pairing);
    assert.equal(right.writes(), 0);
    for (const action of actions) {
      if (action.kind === 'put') model.set(action.key, documentOf(action.entry)!);
      if (action.kind === 'delete') model.delete(action.key);
    }
    await runSync(pairing);
    assert.deepEqual(Object.fromEntries(model), stores.right.dump());
  }), { numRuns: 300 });
});

test('of several origins the last that holds a key wins, and the target holds their union', async () => {
  await fc.assert(fc.asyncProperty(edits, edits, shape, shape, shape, async (one, two, a, b, r) => {
    const [first, second] = [pair(a, r), pair(b)];
    apply(one, first);
    apply(two, second);
    await runSync({ ...always, origins: [first.left, second.left], target: first.right });
    assert.deepEqual(first.right.dump(), { ...first.left.dump(), ...second.left.dump() });
  }), { numRuns: 200 });
});

test('a run cut at any operation loses nothing, and the next run ends where an uncut one would (P6)', async () => {
  await fc.assert(fc.asyncProperty(rounds, shape, shape, fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 4 }), async (list, l, r, fuses) => {
    let fuse = Infinity;
    const interfere = (): void => { if (--fuse <= 0) throw new Error('cut'); };
    const stores = pair({ ...l, interfere }, { ...r, interfere });
    await using state = freshState();
    const pairing: OneWay = { ...always, origins: [stores.left], target: stores.right, state };
    for (const step of list) {
      apply(step, stores);
      const source = stores.left.dump();
      for (const turns of fuses) {
        const before = stores.right.dump();
        fuse = turns;
        await runSync(pairing).catch(() => {});
        fuse = Infinity;
        assert.deepEqual(stores.left.dump(), source);
        for (const [name, value] of Object.entries(stores.right.dump())) assert.ok([before[name], source[name]].some((known) => JSON.stringify(known) === JSON.stringify(value)));
        for (const name of Object.keys(source)) if (Object.hasOwn(before, name)) assert.ok(Object.hasOwn(stores.right.dump(), name));
      }
      await runSync(pairing);
      assert.deepEqual(stores.right.dump(), source);
    }
  }), { numRuns: 300 });
});

test('a scan that fails or leaves something out deletes nothing, and the run does not pass for a success (P7)', async () => {
  await fc.assert(fc.asyncProperty(edits, shape, shape, fc.constantFrom('left', 'right'), fc.constantFrom('cut-scan', 'skip-page'), fc.nat(), async (list, l, r, side, fault, seed) => {
    const stores = pair(l, r);
    apply(list, stores);
    const struck: string[] = [];
    const bad = faulty<Store>(stores[side], { seed, faults: { [fault]: 0.5 }, on: (name) => struck.push(name) });
    const before = Object.keys(stores.right.dump());
    const report = await runSync({ ...always, origins: [side === 'left' ? bad : stores.left], target: side === 'right' ? bad : stores.right }).catch(() => undefined);
    if (struck.length === 0) return;
    assert.ok(!report?.complete);
    for (const name of before) assert.ok(Object.hasOwn(stores.right.dump(), name), `${name} is still there`);
  }), { numRuns: 500 });
});

for (const order of ['key', 'none'] as const) test(`the guard counts before the first deletion, against what the target held before the run, from a source in ${order === 'key' ? 'key' : 'no'} order (P7)`, async () => {
  await fc.assert(fc.asyncProperty(edits, shape.map((any) => ({ ...any, order })), shape, fc.oneof(fc.nat(8), fc.record({ share: fc.double({ min: 0, max: 1, noNaN: true }) })), async (list, l, r, maxDeletes) => {
    const stores = pair(l, r);
    apply(list, stores);
    const [source, before] = [stores.left.dump(), stores.right.dump()];
    const held = Object.keys(before).length;
    const extra = Object.keys(before).filter((name) => !Object.hasOwn(source, name)).length;
    const limit = typeof maxDeletes === 'number' ? maxDeletes : Math.floor(maxDeletes.share * held);
    const refused = extra > limit || (extra > 0 && stores.left.size === 0);
    const run = runSync({ ...always, guard: { maxDeletes }, origins: [stores.left], target: stores.right });
    if (!refused) await run;
    else await assert.rejects(run, { code: 'guarded' });
    assert.deepEqual(stores.right.dump(), refused ? { ...before, ...pick(stores.right.dump(), Object.keys(source)) } : source);
  }), { numRuns: 500 });
});

test('the guard that is on by default refuses to empty the target, and to delete more than half of it', async () => {
  const { left, right } = pair();
  for (const name of ['a', 'b', 'c', 'd']) right.edit(name, {});
  await assert.rejects(runSync({ origins: [left], target: right, deletes: 'propagate' }), { code: 'guarded' });
  left.edit('a', {});
  await assert.rejects(runSync({ origins: [left], target: right, deletes: 'propagate' }), { code: 'guarded' });
  assert.equal(right.size, 4);
  left.edit('b', {});
  await runSync({ origins: [left], target: right, deletes: 'propagate' });
  assert.equal(right.size, 2);
});

test('what somebody else writes during a run is never overwritten by that run without having been seen (P12)', async () => {
  await fc.assert(fc.asyncProperty(edits, shape, shape, fc.nat(30), key, fc.boolean(), async (list, l, r, moment, where, drop) => {
    let countdown = moment;
    const intrude = (): void => {
      if (countdown-- !== 0) return;
      if (drop) stores.right.drop(where);
      else stores.right.edit(where, { by: 'someone else' }, { modifiedAt: 9 });
    };
    const right = witness({ ...r, interfere: intrude });
    const stores = { left: new MemoryStore({ ...l, interfere: intrude }), right: right.store };
    countdown = Infinity;
    apply(list, stores);
    countdown = moment;
    const report = await runSync({ ...always, origins: [stores.left], target: stores.right });
    assert.deepEqual(right.blind, []);
    countdown = Infinity;
    if (report.differences === 0) {
      // A success may leave only what was written after it was looked at.
      const [source, target] = [stores.left.dump(), stores.right.dump()];
      for (const name of new Set([...Object.keys(source), ...Object.keys(target)])) if (name !== where) assert.deepEqual(target[name], source[name]);
    }
    await runSync({ ...always, origins: [stores.left], target: stores.right });
    assert.deepEqual(stores.right.dump(), stores.left.dump());
  }), { numRuns: 1_000 });
});

test('a target that changes what it is given is left alone by the second run, and true drift is still found', async () => {
  await fc.assert(fc.asyncProperty(fc.array(edit, { maxLength: 15, size }), shape, shape, fc.array(edit, { minLength: 1, maxLength: 5, size }), async (list, l, r, drift) => {
    const right = witness({ ...r, transform: (document, at) => ({ stamp: `server, ${at}`, value: `${document['value'] as number}` }) });
    const stores = { left: new MemoryStore(l), right: right.store };
    apply(list.map((each) => ({ ...each, side: 'left' as const })), stores);
    await using state = freshState();
    const pairing: OneWay = { ...always, origins: [stores.left], target: stores.right, state };
    await runSync(pairing);
    const settled = [right.writes(), stores.right.dump()] as const;
    assert.equal((await runSync(pairing)).counts.unchanged, stores.left.size);
    assert.deepEqual(await planned(pairing), []);
    assert.equal(right.writes(), settled[0]);

    apply(drift, stores);
    await runSync(pairing);
    const held = stores.right.dump();
    assert.deepEqual(Object.keys(held).sort(), Object.keys(stores.left.dump()).sort());
    for (const [name, document] of Object.entries(stores.left.dump())) {
      // A user of the target may have written just what the source holds; then there is nothing to write.
      const made = { stamp: `server, ${name}`, value: `${(document as Document)['value'] as number}` };
      assert.ok(isDeepStrictEqual(held[name], made) || isDeepStrictEqual(held[name], document), `${name} is in step`);
    }
    const after = right.writes();
    await runSync(pairing);
    assert.equal(right.writes(), after);
  }), { numRuns: 300 });
});

test('however little two stores tell of their entries, the second run writes nothing and an edit is found', async () => {
  const evidence = fc.record({ holds: fc.constant('blobs' as const), digests: fc.constantFrom<NonNullable<MemoryStoreOptions['digests']>[]>([], ['sha256'], ['md5']), modifiedAt: fc.constantFrom('kept', 'assigned', 'none'), modifiedAtPrecision: fc.constantFrom(1, 1_000) });
  await fc.assert(fc.asyncProperty(shape, shape, evidence, evidence, async (l, r, one, other) => {
    const [left, right] = [new MemoryStore({ ...l, ...one }), witness({ ...r, ...other })];
    const edited = (name: string, text: string, at: number): void => left.edit(name, Buffer.from(text), one.modifiedAt === 'none' ? {} : { modifiedAt: at });
    for (const [i, name] of ['a', 'b', 'c'].entries()) edited(name, `text ${name}`, 5_000 * (i + 1));
    await using state = freshState();
    const pairing: OneWay = { ...always, origins: [left], target: right.store, state };
    await runSync(pairing);
    assert.equal(right.writes(), 3);
    await runSync(pairing);
    assert.equal(right.writes(), 3);
    edited('b', 'other text, longer', 50_000);
    await runSync(pairing);
    assert.equal(right.writes(), 4);
    assert.deepEqual(right.store.dump(), left.dump());
  }), { numRuns: 300 });
});

test('what a filter hides is neither copied nor deleted', async () => {
  await fc.assert(fc.asyncProperty(edits, shape, shape, fc.constantFrom('propagate', 'keep'), async (list, l, r, deletes) => {
    const stores = pair(l, r);
    apply(list, stores);
    const [source, before] = [stores.left.dump(), stores.right.dump()];
    const shown = (name: string): boolean => name.startsWith('a');
    await runSync({ ...always, deletes, origins: [stores.left], target: stores.right, where: ({ key: name }) => shown(name) });
    const kept = pick(before, Object.keys(before).filter((name) => deletes === 'keep' || !shown(name)));
    assert.deepEqual(stores.right.dump(), { ...kept, ...pick(source, Object.keys(source).filter(shown)) });
  }), { numRuns: 300 });
});

test('an aborted run says so, and its report counts exactly what was written', async () => {
  await fc.assert(fc.asyncProperty(edits, shape, shape, fc.nat(20), async (list, l, r, moment) => {
    const controller = new AbortController();
    let countdown = moment;
    const interfere = (): void => { if (countdown-- === 0) controller.abort(); };
    const right = witness({ ...r, interfere });
    const stores = { left: new MemoryStore({ ...l, interfere }), right: right.store };
    apply(list, stores);
    const report = await runSync({ ...always, host: plainHost, origins: [stores.left], target: stores.right, signal: controller.signal });
    assert.equal(report.counts.created + report.counts.updated + report.counts.deleted, right.writes());
    assert.ok(report.interrupted || JSON.stringify(stores.right.dump()) !== '' && report.differences === 0);
    if (!report.interrupted) assert.deepEqual(stores.right.dump(), stores.left.dump());
  }), { numRuns: 300 });
});

const forest = fc.tuple(fc.integer({ min: 1, max: 12 }), fc.array(fc.tuple(fc.nat(11), fc.nat(11)), { maxLength: 20, size }), fc.array(fc.nat(11)), fc.nat(3));

function plant(store: MemoryStore, [count, edges, gone, value]: [number, [number, number][], number[], number]): void {
  for (let i = 0; i < count; i++) {
    if (gone.includes(i)) continue;
    const parents = edges.filter(([child, parent]) => child === i && parent < i && !gone.includes(parent)).map(([, parent]) => `/n/${parent}`);
    // Names run against the dependencies, so that key order alone would never do.
    store.edit(`n${String(99 - i)}`, { value, i, parents }, { address: `/n/${i}`, dependsOn: parents });
  }
}

test('a target that insists on parents gets them first, and loses children first', async () => {
  await fc.assert(fc.asyncProperty(forest, forest, shape, shape, async (wanted, held, l, r) => {
    const stores = pair(l, { ...r, dependencies: 'required', strictParents: true });
    plant(stores.left, wanted);
    plant(stores.right, held);
    const report = await runSync({ ...always, origins: [stores.left], target: stores.right });
    assert.deepEqual(report.failures, []);
    assert.deepEqual(stores.right.dump(), stores.left.dump());
  }), { numRuns: 500 });
});

test('who waits in a circle is named and refused, with those who depend on them; everybody else is written', async () => {
  const { left, right } = pair({}, { dependencies: 'required', strictParents: true });
  const add = (name: string, ...dependsOn: string[]): void => left.edit(name, { dependsOn }, { dependsOn });
  add('free');
  add('one', 'two', 'free');
  add('two', 'three');
  add('three', 'one');
  add('below', 'one');
  add('child', 'free');
  const report = await runSync({ ...always, origins: [left], target: right });
  assert.deepEqual(Object.keys(right.dump()).sort(), ['child', 'free']);
  assert.equal(report.counts.failed, 4);
  assert.equal(report.differences, 4);
  assert.match(report.failures.map(({ error }) => error.message).join('\n'), /one → (two → three|three → two) → one|two → (three → one|one → three) → two|three → (one → two|two → one) → three/);
});

test('what fails takes with it only what depends on it', async () => {
  const interfere = (operation: string, name: string | undefined): void => { if (operation === 'write' && name === 'bad') throw new Error('no'); };
  // The store would take the children: it is the run that must not send them.
  const { left, right } = pair({}, { dependencies: 'required', batchEntries: 2, interfere });
  for (const [name, dependsOn] of [['bad', []], ['under-bad', ['bad']], ['deeper', ['under-bad']], ['good', []], ['under-good', ['good']]] as const) left.edit(name, {}, { dependsOn });
  const report = await runSync({ ...always, origins: [left], target: right });
  assert.deepEqual(Object.keys(right.dump()).sort(), ['good', 'under-good']);
  assert.deepEqual(report.failures.map(({ place }) => place).sort(), ['bad', 'deeper', 'under-bad']);
});

test('what somebody else changed after it was to be deleted stays, and is reported as a difference', async () => {
  let meddling = false;
  const interfere = (operation: string, name: string | undefined): void => {
    if (meddling && operation === 'write' && name === 'changed') right.edit('changed', { by: 'someone else' });
    if (meddling && operation === 'write' && name === 'gone') right.drop('gone');
  };
  const { left, right } = pair({}, { interfere });
  left.edit('kept', {});
  for (const name of ['kept', 'changed', 'gone', 'extra']) right.edit(name, {});
  meddling = true;
  const report = await runSync({ ...always, origins: [left], target: right });
  assert.deepEqual(Object.keys(right.dump()).sort(), ['changed', 'kept']);
  assert.deepEqual([report.counts.deleted, report.counts.failed, report.differences], [2, 1, 1]);
  assert.deepEqual(report.failures.map(({ place, action, error }) => [place, action, error.code]), [['changed', 'delete', 'conflict']]);
});

test('a child that could not be deleted keeps its parents', async () => {
  const interfere = (operation: string, name: string | undefined): void => { if (operation === 'write' && name === 'child') throw new Error('no'); };
  const { left, right } = pair({}, { dependencies: 'required', interfere });
  for (const [name, dependsOn] of [['top', []], ['parent', ['top']], ['child', ['parent']], ['free', ['top']]] as const) right.edit(name, {}, { dependsOn });
  left.edit('other', {});
  const report = await runSync({ ...always, origins: [left], target: right });
  assert.deepEqual(Object.keys(right.dump()).sort(), ['child', 'other', 'parent', 'top']);
  assert.deepEqual([report.counts.deleted, report.counts.failed], [1, 3]);
});

test('a run that is to stop at the first failure writes no more after it', async () => {
  const interfere = (operation: string, name: string | undefined): void => { if (operation === 'write' && name === 'b') throw new Error('no'); };
  const { left, right } = pair({}, { batchEntries: 1, inFlight: 1, interfere });
  for (const name of ['a', 'b', 'c', 'd']) left.edit(name, {});
  right.edit('extra', {});
  const report = await runSync({ ...always, origins: [left], target: right, onFailure: 'stop' });
  assert.deepEqual(Object.keys(right.dump()).sort(), ['a', 'extra']);
  // What failed, what was not sent after it, and what was to be deleted.
  assert.deepEqual([report.counts.created, report.counts.failed, report.counts.kept, report.differences], [1, 1, 1, 4]);
});

function pick<T>(from: { readonly [name: string]: T }, names: readonly string[]): { readonly [name: string]: T } {
  return Object.fromEntries(names.filter((name) => Object.hasOwn(from, name)).map((name) => [name, from[name]!]));
}
