import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isAmong } from '../../core/key-ranges.ts';
import type { Fineness } from '../../core/key-ranges.ts';
import { compareKeys } from '../../model/key.ts';
import type { Key } from '../../model/key.ts';
import { cutAt } from '../../model/ranges.ts';
import type { KeyRange, Snapshot } from '../../model/ranges.ts';
import type { Source } from '../../model/store.ts';
import { sqlCapabilities } from '../../stores/sql/sql-store.ts';
import { Ledger } from '../run/ledger.ts';
import { leaveOutEqual } from './equal-ranges.ts';

type Rows = ReadonlyMap<Key, string>;

/** A place of one collection, `t`, that digests ranges of it. `asked` gathers the digests that were asked for. */
function place(rows: Rows, { scheme = 'one', asked = [] }: { readonly scheme?: string; readonly asked?: KeyRange[] } = {}): Source {
  const keys = [...rows.keys()].sort(compareKeys);
  const within = (range: KeyRange): readonly Key[] => keys.filter((key) => isAmong([range], key));
  const page = (some: readonly Key[]): { readonly entries: readonly { readonly key: Key; readonly version: string }[] } => ({ entries: some.map((key) => ({ key, version: rows.get(key)! })) });
  const snapshot: Snapshot = {
    collections: [{ name: 't', scheme }],
    cut: async (_, ranges, entries) => ranges.flatMap((range) => {
      const held = within(range);
      const borders = held.filter((_key, i) => i > 0 && i % entries === 0);
      return cutAt(range, borders).map((piece) => ({ ...piece, entries: within(piece).length }));
    }),
    counts: async (_, ranges) => ranges.map((range) => within(range).length),
    digests: async (_, ranges) => {
      asked.push(...ranges);
      return ranges.map((range) => within(range).map((key) => `${key}=${rows.get(key)}`).join());
    },
    async *scan(_, ranges) { yield page(ranges.flatMap(within)); },
    async [Symbol.asyncDispose]() {},
  };
  return {
    name: 'memory', identity: 'memory', capabilities: sqlCapabilities, snapshot: async () => snapshot,
    async *scan() { yield page(keys); },
    read: async () => [],
    async [Symbol.asyncDispose]() {},
  };
}

async function compared(left: Rows, right: Rows, fineness: Fineness): Promise<{ readonly ledger: Ledger; readonly shown: readonly [readonly Key[], readonly Key[]]; readonly isOpen: (key: Key) => boolean }> {
  const ledger = new Ledger(undefined, () => 0);
  const sides = [place(left), place(right)] as const;
  await using proven = await leaveOutEqual(...sides, { ledger, signal: undefined, under: undefined }, fineness);
  const keysOf = async (source: Source): Promise<readonly Key[]> => (await Array.fromAsync(source.scan())).flatMap(({ entries }) => entries.map(({ key }) => key));
  return { ledger, shown: [await keysOf(proven?.sides[0] ?? sides[0]), await keysOf(proven?.sides[1] ?? sides[1])], isOpen: proven?.isOpen ?? (() => true) };
}

const rows = fc.uniqueArray(fc.tuple(fc.oneof(fc.nat(300).map(String), fc.string({ unit: 'binary', maxLength: 3 })), fc.constantFrom('a', 'b')), { selector: ([key]) => key, minLength: 20, maxLength: 150 });
const edits = fc.array(fc.tuple(fc.nat(1_000), fc.constantFrom('change', 'remove', 'add')), { maxLength: 12 });

/** What a few edits make of rows. */
function edited(of: Rows, changes: readonly (readonly [number, string])[]): Rows {
  const found = new Map(of);
  for (const [at, what] of changes) {
    const key = [...of.keys()][at % of.size]!;
    if (what === 'change') found.set(key, 'c');
    else if (what === 'remove') found.delete(key);
    else found.set(`${key}-${at}`, 'new');
  }
  return found;
}

test('whatever differs is left to be read, both sides leave out the same, and what is left out is counted', async () => {
  await fc.assert(fc.asyncProperty(rows, edits, fc.integer({ min: 1, max: 6 }), fc.integer({ min: 2, max: 20 }), async (given, changes, pageEntries, mostRanges) => {
    const left: Rows = new Map(given.map(([key, value]) => [`t/${key}`, value]));
    const right = edited(left, changes);
    const { shown: [ours, theirs], isOpen, ledger } = await compared(left, right, { pageEntries, mostRanges });
    const differing = [...new Set([...left.keys(), ...right.keys()])].filter((key) => left.get(key) !== right.get(key));
    for (const key of differing) assert.deepEqual([ours.includes(key), theirs.includes(key)], [left.has(key), right.has(key)], key);
    assert.deepEqual([ours, theirs], [[...left.keys()].filter(isOpen).sort(compareKeys), [...right.keys()].filter(isOpen).sort(compareKeys)]);
    assert.equal(ledger.proved, left.size - ours.length);
    assert.equal(ledger.scanned.left, ledger.proved);
  }), { numRuns: 300 });
});

test('of very many entries of which one differs, a few pages are read, after a few looks', async () => {
  const left: Rows = new Map(Array.from({ length: 20_000 }, (_, i) => [`t/${i}`, 'a']));
  const right: Rows = new Map(left).set('t/777', 'b');
  const asked: KeyRange[] = [];
  const ledger = new Ledger(undefined, () => 0);
  await using proven = await leaveOutEqual(place(left, { asked }), place(right), { ledger, signal: undefined, under: undefined }, { pageEntries: 10, mostRanges: 32 });
  const pages = await Array.fromAsync(proven!.sides[1].scan());
  assert.ok(pages.flatMap(({ entries }) => entries).length <= 4 * 10);
  assert.ok(asked.length <= 4 * 32, `${asked.length} digests`);
  assert.equal(proven?.isOpen('t/777'), true);
  assert.equal(proven?.isOpen('other/1'), true);
});

test('what is too small to be cut again is read, while the rest is cut', async () => {
  for (let size = 1_000; size < 1_012; size++) {
    const left: Rows = new Map(Array.from({ length: size }, (_, i) => [`t/${1_000 + i}`, 'a']));
    const { shown } = await compared(left, new Map(left).set('t/1000', 'b').set(`t/${999 + size}`, 'b'), { pageEntries: 2, mostRanges: 101 });
    assert.ok(shown[1].length <= 22 && shown[1][0] === 't/1000' && shown[1].at(-1) === `t/${999 + size}`, `${size}: ${shown[1].join()}`);
  }
});

test('collections whose digests are made in two ways are read', async () => {
  const held: Rows = new Map(Array.from({ length: 100 }, (_, i) => [`t/${i}`, 'a']));
  const context = { ledger: new Ledger(undefined, () => 0), signal: undefined, under: undefined };
  assert.equal(await leaveOutEqual(place(held), place(held, { scheme: 'another' }), context, { pageEntries: 2, mostRanges: 10 }), undefined);
  assert.ok(await leaveOutEqual(place(held), place(held), context, { pageEntries: 2, mostRanges: 10 }));
});

test('where only some collections are looked at, no other is compared; below a collection everything is read', async () => {
  const held: Rows = new Map(Array.from({ length: 100 }, (_, i) => [`t/${i}`, 'a']));
  const proves = async (...under: readonly string[]): Promise<boolean> => {
    await using proven = await leaveOutEqual(place(held), place(held), { ledger: new Ledger(undefined, () => 0), signal: undefined, under }, { pageEntries: 2, mostRanges: 10 });
    return proven !== undefined;
  };
  assert.deepEqual([await proves('t'), await proves(''), await proves('u'), await proves('t/1'), await proves('t', 'u/1')], [true, true, false, false, false]);
});
