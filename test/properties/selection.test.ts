import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseRules } from '../../src/core/selection/rules.ts';
import { select } from '../../src/core/selection/selection.ts';
import type { Selection } from '../../src/core/selection/selection.ts';
import { runCopy } from '../../src/engine/copy.ts';
import { runMerge } from '../../src/engine/merge.ts';
import { openState } from '../../src/engine/state/sqlite-state.ts';
import { runSync } from '../../src/engine/sync.ts';
import type { RunOptions } from '../../src/engine/types.ts';
import { runVerify } from '../../src/engine/verify.ts';
import type { Key } from '../../src/model/key.ts';
import { MemoryStore } from '../../src/stores/memory/memory-store.ts';

/** Sizes by key; a size stands for content of that many bytes, and of a letter of the side. */
type Side = { readonly [key: Key]: number };

const key = fc.constantFrom('a', 'a/b', 'a/c.tmp', 'b', 'b/x/y', 'c.tmp', 'd');
const side: fc.Arbitrary<Side> = fc.dictionary(key, fc.integer({ min: 0, max: 9 }), { noNullPrototype: true });
const rule = fc.tuple(fc.constantFrom('+', '-'), fc.constantFrom('a', '*.tmp', '/a/', 'b/**', '*', '[ac]*')).map((pieces) => pieces.join(' '));
const selections = fc.record({ lines: fc.array(rule, { maxLength: 3 }), most: fc.option(fc.integer({ min: 0, max: 9 }), { nil: undefined }), least: fc.option(fc.integer({ min: 0, max: 5 }), { nil: undefined }) });

function selecting({ lines, most, least }: { readonly lines: readonly string[]; readonly most: number | undefined; readonly least: number | undefined }): Selection {
  // Nothing is more than nothing: there is always a selection.
  return select({ rules: parseRules(lines, 'r'), minSize: { value: least ?? 0, text: 'min' }, ...(most !== undefined && { maxSize: { value: most, text: 'max' } }), now: () => 0 })!;
}

function options(selection: Selection): Pick<RunOptions, 'where' | 'within'> {
  return { where: ({ key: name }) => selection.choosesKey(name), within: (entry) => selection.chooses(entry) };
}

function holding(sizes: Side, letter: string, order: 'key' | 'none' = 'key'): MemoryStore {
  const store = new MemoryStore({ holds: 'blobs', order });
  for (const [name, size] of Object.entries(sizes)) store.edit(name, new TextEncoder().encode(letter.repeat(size)));
  return store;
}

function texts(store: MemoryStore): { readonly [key: Key]: string } {
  return Object.fromEntries(Object.entries(store.dump()).map(([name, bytes]) => [name, Buffer.from(bytes as Uint8Array).toString()]));
}

test('one way, what is chosen arrives or goes, and everything else is left as it was', async () => {
  await fc.assert(fc.asyncProperty(side, side, selections, fc.constantFrom('key' as const, 'none' as const), async (left, right, criteria, order) => {
    const selection = selecting(criteria);
    const [source, target] = [holding(left, 'l', order), holding(right, 'r')];
    const before = texts(target);
    const pairing = { origins: [source], target, deletes: 'propagate' as const, guard: { maxDeletes: Infinity }, ...options(selection) };
    const report = await runSync(pairing);
    const after = texts(target);
    for (const name of new Set([...Object.keys(left), ...Object.keys(right)])) {
      const judged = { key: name, size: left[name] ?? right[name]! };
      const wanted = selection.chooses(judged) ? texts(source)[name] : before[name];
      assert.equal(after[name], wanted, name);
    }
    const { read, created, updated, unchanged } = report.counts;
    assert.equal(created + updated + unchanged, read, 'every entry in scope is settled');
    const again = await runSync(pairing);
    assert.equal(again.counts.created + again.counts.updated + again.counts.deleted, 0, 'the second run writes nothing');
    assert.ok((await runVerify(pairing)).equal);
  }), { numRuns: 500 });
});

test('both ways, nothing that is left out is written, replaced by what is left out, or deleted', async () => {
  await fc.assert(fc.asyncProperty(side, side, side, selections, async (first, left, right, criteria) => {
    const selection = selecting(criteria);
    await using state = openState(undefined);
    const [a, b] = [holding(first, 'l'), holding({}, 'r')];
    await runMerge({ left: a, right: b, state });
    for (const [store, sizes, letter] of [[a, left, 'L'], [b, right, 'R']] as const) {
      for (const name of Object.keys(first)) if (sizes[name] === undefined) store.drop(name);
      for (const [name, size] of Object.entries(sizes)) store.edit(name, new TextEncoder().encode(letter.repeat(size)));
    }
    const before = [texts(a), texts(b)] as const;
    await runMerge({ left: a, right: b, state, conflicts: 'left', guard: { maxDeletes: Infinity }, ...options(selection) });
    for (const [store, own, other] of [[a, before[0], before[1]], [b, before[1], before[0]]] as const) {
      const after = texts(store);
      for (const [name, text] of Object.entries(own)) {
        if (after[name] === text) continue;
        const moved = after[name] ?? text;
        assert.ok(selection.chooses({ key: name, size: moved.length }), `${name} was changed from ${text} to ${after[name]}`);
      }
      for (const [name, text] of Object.entries(after)) if (own[name] === undefined && !name.includes('.conflict-')) assert.ok(text === other[name] && selection.chooses({ key: name, size: text.length }), name);
    }
    // What was left out is not forgotten: without the selection the two come together after all.
    for (const _ of ['all', 'and the versions kept of what lost']) await runMerge({ left: a, right: b, state, conflicts: 'left', guard: { maxDeletes: Infinity } });
    assert.deepEqual(texts(a), texts(b));
  }), { numRuns: 300 });
});

test('a place that is only written gets what is chosen', async () => {
  const source = holding({ a: 1, b: 9, 'c.tmp': 1 }, 'l');
  const target = holding({}, 'r');
  await runCopy({ origins: [source], target, ...options(selecting({ lines: ['- *.tmp'], most: 5, least: undefined })) });
  assert.deepEqual(texts(target), { a: 'l' });
});
