import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { sameContent } from '../../src/core/compare.ts';
import { mergeJoin } from '../../src/core/merge-join.ts';
import { dependencies } from '../../src/core/order.ts';
import { sortEntries } from '../../src/engine/aside/sort.ts';
import type { Entry, Stat } from '../../src/model/entry.ts';
import { compareKeys, joinKey, splitKey, typeOf } from '../../src/model/key.ts';
import { key, size } from './arbitraries.ts';

const anyKey = fc.oneof(key, fc.string({ unit: 'binary', maxLength: 6 }).filter((text) => text.isWellFormed()));

test('keys order as their UTF-8 bytes (P1)', () => {
  fc.assert(fc.property(anyKey, anyKey, (a, b) => {
    assert.equal(Math.sign(compareKeys(a, b)), Buffer.compare(Buffer.from(a), Buffer.from(b)));
  }), { numRuns: 5_000 });
});

test('splitKey gives back what joinKey was given, and nothing else joins to that key (P1)', () => {
  const part = fc.oneof(fc.string({ unit: fc.constantFrom('/', '%', '2', '5', 'F', 'f', 'a'), maxLength: 8 }), fc.string({ unit: 'binary', maxLength: 4 }).filter((text) => text.isWellFormed()));
  const parts = fc.array(part, { minLength: 1, maxLength: 4 });
  fc.assert(fc.property(parts, parts, (one, other) => {
    assert.deepEqual(splitKey(joinKey(one)), one);
    assert.equal(joinKey(one) === joinKey(other), one.length === other.length && one.every((text, i) => text === other[i]));
    assert.equal(typeOf(joinKey(one)), one.length > 1 ? one[0] : '');
  }), { numRuns: 5_000 });
});

const keys = fc.uniqueArray(anyKey, { maxLength: 40, size }).map((list) => list.sort(compareKeys));

test('a join is the sorted union of its streams, however their pages fall (P2)', async () => {
  const cuts = fc.array(fc.nat(4), { maxLength: 20, size });
  await fc.assert(fc.asyncProperty(fc.array(fc.tuple(keys, cuts), { minLength: 1, maxLength: 4, size }), async (streams) => {
    const rows = (await Array.fromAsync(mergeJoin(...streams.map(([list, cut]) => pages(list.map((name) => ({ key: name })), cut))))).flat();
    const union = [...new Set(streams.flatMap(([list]) => list))].sort(compareKeys);
    assert.deepEqual(rows.map((row) => row.key), union);
    for (const row of rows) assert.deepEqual(row.items.map((item) => item?.key), streams.map(([list]) => (list.includes(row.key) ? row.key : undefined)));
  }), { numRuns: 1_000 });
});

test('a join refuses a stream that steps back or repeats itself, across pages and within them', async () => {
  await fc.assert(fc.asyncProperty(fc.array(fc.constantFrom('a', 'b', 'c', '\uFFFD', '\u{1F600}'), { minLength: 2, maxLength: 6 }), fc.array(fc.nat(3)), keys, async (list, cut, other) => {
    const orderly = list.every((name, i) => i === 0 || compareKeys(list[i - 1]!, name) < 0);
    const joined = Array.fromAsync(mergeJoin(pages(list.map((name) => ({ key: name })), cut), pages(other.map((name) => ({ key: name })), [])));
    if (orderly) await joined;
    else await assert.rejects(joined, { code: 'corrupt' });
  }), { numRuns: 1_000 });
});

test('a join lets go of every stream when it is abandoned or fails', async () => {
  const closed: string[] = [];
  const stream = async function* (name: string, list: readonly string[]): AsyncGenerator<readonly { key: string }[]> {
    try {
      for (const at of list) yield [{ key: at }];
    } finally {
      closed.push(name);
    }
  };
  for await (const _ of mergeJoin(stream('left', ['a', 'b']), stream('right', ['a', 'b']))) break;
  await assert.rejects(Array.fromAsync(mergeJoin(stream('bad', ['b', 'a']), stream('good', ['a', 'b', 'c', 'd']))));
  assert.deepEqual(closed.sort(), ['bad', 'good', 'left', 'right']);
});

test('a sort that spills is the sort that does not, and keeps what came first in front', async () => {
  const entry = fc.record({ name: key, text: fc.string({ maxLength: 20 }) });
  await fc.assert(fc.asyncProperty(fc.array(fc.array(entry, { maxLength: 10, size }), { maxLength: 30, size }), fc.constantFrom(1, 500, 5_000, 1_000_000), async (lists, bytes) => {
    const arrived = lists.flat().map(({ name, text }, place): Entry => ({ key: name, place: String(place), content: { kind: 'document', document: { text } } }));
    let at = 0;
    const given = lists.map((list) => arrived.slice(at, (at += list.length)));
    const sorted = (await Array.fromAsync(sortEntries(from(given), { bytes }))).flat();
    assert.deepEqual(sorted, arrived.toSorted((a, b) => compareKeys(a.key, b.key)));
  }), { numRuns: 300 });
});

test('a sort merges more runs than it may have open', async () => {
  const names = Array.from({ length: 200 }, (_, i) => `k${(i * 7_919) % 200}`);
  const sorted = (await Array.fromAsync(sortEntries(from(names.map((name) => [{ key: name }])), { bytes: 1 }))).flat();
  assert.deepEqual(sorted.map((entry) => entry.key), names.toSorted(compareKeys));
});

test('an order puts every parent before its children, loses nobody, and names who waits in a circle', () => {
  const edge = fc.tuple(fc.nat(14), fc.nat(14));
  fc.assert(fc.property(fc.integer({ min: 1, max: 15 }), fc.array(edge, { maxLength: 40, size }), (count, edges) => {
    const nodes = Array.from({ length: count }, (_, i) => ({
      key: `n${i}`, address: `/n/${i}`,
      dependsOn: edges.filter(([child]) => child === i).map(([, parent]) => `/n/${parent}`),
    }));
    const { order, cycles, parents, childrenOf, levelEnds } = dependencies(nodes);
    const place = new Map([...order].map((node, at) => [node, at]));
    assert.equal(place.size, order.length);
    const parentsOf = (i: number): number[] => [...new Set(edges.filter(([child, parent]) => child === i && parent < count).map(([, parent]) => parent))];
    for (const i of order) for (const parent of parentsOf(i)) assert.ok(place.get(parent)! < place.get(i)!, `${parent} before ${i}`);

    for (let i = 0; i < count; i++) {
      assert.equal(parents[i], parentsOf(i).length);
      assert.deepEqual([...childrenOf(i)].sort((a, b) => a - b), nodes.map((_, child) => child).filter((child) => parentsOf(child).includes(i)));
    }
    // Level by level, each in the order it was given, and nobody later than need be.
    levelEnds.forEach((end, level) => {
      const from = levelEnds[level - 1] ?? 0;
      const members = [...order.subarray(from, end)];
      assert.deepEqual(members, members.toSorted((a, b) => a - b));
      if (level > 0) for (const i of members) assert.ok(parentsOf(i).some((parent) => place.get(parent)! >= (levelEnds[level - 2] ?? 0)));
    });
    assert.equal(levelEnds.at(-1) ?? 0, order.length);

    // Who is left out waits for someone who is left out too.
    const left = nodes.map((_, i) => i).filter((i) => !place.has(i));
    for (const i of left) assert.ok(parentsOf(i).some((parent) => !place.has(parent)));
    assert.equal(cycles.length > 0, left.length > 0);
    for (const cycle of cycles) {
      cycle.forEach((node, at) => {
        const next = cycle[(at + 1) % cycle.length]!;
        assert.ok(parentsOf(node).includes(next) || parentsOf(next).includes(node), 'each member is tied to the next');
      });
    }
  }), { numRuns: 2_000 });
});

test('nodes that do not depend on each other stay in the order they were given', () => {
  const nodes = ['c', 'a', 'b', 'd'].map((name) => ({ key: name, dependsOn: name === 'c' ? ['d', 'unknown'] : [] }));
  const { order } = dependencies(nodes);
  assert.deepEqual([...order].map((i) => nodes[i]!.key), ['a', 'b', 'd', 'c']);
});

test('a chain of 100,000 and a star of 100,000 are ordered without recursion and without counting pairs', () => {
  const chain = Array.from({ length: 100_000 }, (_, i) => ({ key: `${i}`, dependsOn: i === 0 ? [] : [`${i - 1}`] })).reverse();
  assert.deepEqual([...dependencies(chain).order.subarray(0, 2)].map((i) => chain[i]!.key), ['0', '1']);
  const star = Array.from({ length: 100_000 }, (_, i) => ({ key: `${i}`, dependsOn: i === 0 ? [] : ['0'] }));
  assert.equal(dependencies(star).order.length, 100_000);
});

test('evidence is weighed the same from both sides, and only what decides is believed', () => {
  const algorithm = fc.constantFrom('sha256', 'md5', 'document');
  const stat: fc.Arbitrary<Stat> = fc.record({
    digest: fc.record({ algorithm, value: fc.constantFrom('x', 'y') }), size: fc.nat(2), modifiedAt: fc.nat(20), version: fc.constantFrom('v', 'w'),
  }, { requiredKeys: [] });
  fc.assert(fc.property(stat, stat, fc.integer({ min: 1, max: 5 }), (a, b, precision) => {
    const same = sameContent(a, b, precision);
    assert.equal(sameContent(b, a, precision), same);
    if (a.digest && a.digest.algorithm === b.digest?.algorithm) assert.equal(same, a.digest.value === b.digest.value);
    else if (a.size !== undefined && b.size !== undefined && a.size !== b.size) assert.equal(same, false);
    else {
      const timely = a.size !== undefined && b.size !== undefined && a.modifiedAt !== undefined && b.modifiedAt !== undefined && Math.abs(a.modifiedAt - b.modifiedAt) < precision;
      assert.equal(same, timely ? true : undefined);
    }
  }), { numRuns: 2_000 });
});

async function* pages<T>(items: readonly T[], cuts: readonly number[]): AsyncGenerator<readonly T[]> {
  let at = 0;
  for (const cut of cuts) yield items.slice(at, (at += cut));
  yield items.slice(at);
}

async function* from<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items;
}
