import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import type { Digest, Entry } from '../../model/entry.ts';
import { MemoryStore } from '../../stores/memory/memory-store.ts';
import { assertDone } from '../bench.ts';
import type { Bench } from '../bench.ts';
import type { Laws } from '../laws.ts';

/** What is said of an entry beside its content. */
export const versions: Laws = {
  'a version stays while the entry stays, and changes with it': async (bench) => {
    await bench.store({ a: 1, b: 1 });
    const first = await bench.stat('a');
    await bench.fill({ b: 2 });
    assert.equal((await bench.stat('a'))?.version, first?.version);
    await bench.fill({ a: 2 });
    const second = await bench.stat('a');
    if (first?.version !== undefined) assert.notEqual(second?.version, first.version);
    if (bench.capabilities.expects.includes('version')) assert.ok(first?.version !== undefined, 'a store that checks versions reports them');
  },
  'a digest is of an algorithm the place names, and tells content apart': async (bench) => {
    await bench.source({ a: { x: 1 }, b: { x: 1 }, c: { x: 2 } });
    const digests = new Map((await bench.scan()).map(({ key, digest }) => [key, digest]));
    const [a, c] = [digests.get(bench.key('a')), digests.get(bench.key('c'))];
    if (bench.capabilities.digests.length === 0) return assert.deepEqual([...digests.values()], [undefined, undefined, undefined]);
    for (const digest of digests.values()) assert.ok(digest && bench.capabilities.digests.includes(digest.algorithm));
    if (!bench.subject.document) assert.deepEqual(a, digests.get(bench.key('b')));
    assert.notDeepEqual(a, c);
  },
  'a snapshot, where there is one, cuts, counts, digests and shows what a scan finds, and stays as it was': async (bench) => {
    const store = await bench.store(Object.fromEntries(Array.from('abcdefghij', (name) => [name, { x: name }])));
    await using before = await store.snapshot?.();
    if (!before) return;
    const keys = (await bench.scan()).map(({ key }) => key);
    await bench.fill({ e: { x: 'other' } });
    await using now = (await store.snapshot?.())!;
    const seen: string[] = [];
    let differing = 0;
    for (const { name, scheme } of before.collections) {
      assert.equal(scheme, now.collections.find((other) => other.name === name)?.scheme);
      if (scheme === undefined) continue;
      const pieces = await before.cut(name, [{}], 3);
      assert.deepEqual(await before.counts(name, pieces), pieces.map(({ entries }) => entries));
      assert.ok(pieces.slice(0, -1).every(({ entries }) => entries === 3));
      const was = await before.digests(name, pieces);
      const is = await now.digests(name, pieces);
      assert.deepEqual(await before.digests(name, pieces), was);
      differing += was.filter((digest, i) => digest === undefined || digest !== is[i]).length;
      for await (const { entries } of before.scan(name, pieces)) seen.push(...entries.map(({ key }) => key));
      const [second] = pieces.slice(1);
      if (second) assert.equal((await Array.fromAsync(now.scan(name, [second]))).flatMap(({ entries }) => entries).length, second.entries);
    }
    assert.deepEqual(seen, keys);
    assert.equal(differing, 1);
  },
  'a digest is the digest of what is held': async (bench) => {
    await bench.source({ a: { x: [1, 'two'] } });
    if (bench.capabilities.reads === 'once') {
      for (const entry of await bench.scan({ want: 'content' })) assert.deepEqual(entry.digest, await recomputed(bench, entry));
      return;
    }
    const [listed, read] = [await bench.stat('a'), await bench.read('a')];
    if (listed?.digest && read) assert.deepEqual(listed.digest, await recomputed(bench, read));
  },
  'the answer to a write describes what the place then holds': async (bench) => {
    await bench.store({ b: 1 });
    for (const value of [1, 2]) {
      const [outcome] = await bench.write(bench.put('a', value));
      assertDone(outcome);
      const listed = await bench.stat('a');
      if (bench.capabilities.digests.length > 0) assert.ok(outcome.stat.digest, 'a store that has digests answers with one');
      for (const fact of ['digest', 'size', 'modifiedAt', 'version'] as const) {
        if (outcome.stat[fact] !== undefined) assert.deepEqual(outcome.stat[fact], listed?.[fact], fact);
      }
    }
  },
  'writing what is there already changes nothing that can be compared': async (bench) => {
    await bench.store({ a: { x: 1 } });
    const first = await bench.stat('a');
    await bench.fill({ a: { x: 1 } });
    // A place that adds fields may well have stamped it anew.
    if (!bench.subject.adds) assert.deepEqual((await bench.stat('a'))?.digest, first?.digest);
    await bench.assertHolds({ a: { x: 1 } });
  },
  'a time that is kept comes back to the precision stated; one that is not kept is not claimed': async (bench) => {
    const store = await bench.store();
    const { modifiedAt: ability, modifiedAtPrecision: precision } = bench.capabilities;
    for (const time of [1_700_000_000_123_456, 1_000_000, 0]) {
      const [outcome] = await store.write([{ kind: 'put', entry: { ...bench.sample('a', time), modifiedAt: time } }]);
      assertDone(outcome);
      const found = (await bench.stat('a'))?.modifiedAt;
      if (ability === 'none') assert.equal(found, undefined);
      if (ability === 'assigned') assert.ok(Number.isSafeInteger(found));
      if (ability === 'kept') assert.ok(found !== undefined && Math.abs(found - time) < precision, `${found} is ${time}, give or take ${precision}`);
    }
  },
  'a scan of a window leaves out nothing that was modified within it': async (bench) => {
    const store = await bench.store();
    const minute = 60_000_000;
    const times = { a: 10, b: 20, c: 30 };
    for (const [name, at] of Object.entries(times)) await store.write([{ kind: 'put', entry: { ...bench.sample(name, at), modifiedAt: at * minute } }]);
    if (bench.capabilities.modifiedAt !== 'kept') return;
    // From after the one until the other, the end included.
    for (const [after, until] of [[10, 20], [0, 10], [19, 40], [20, 30], [5, undefined], [undefined, 20], [undefined, undefined]] as const) {
      const found = await bench.scan({ window: { ...(after !== undefined && { after: after * minute }), ...(until !== undefined && { until: until * minute }) } });
      const listed = new Set(found.map(({ key }) => key));
      for (const [name, at] of Object.entries(times)) assert.ok(at <= (after ?? -1) || at > (until ?? Infinity) || listed.has(bench.key(name)), `${name} is within ${after} and ${until}`);
    }
  },
  'what was written is there when the place is opened again': async (bench) => {
    await bench.store({ a: 1, b: 2 });
    await bench.write(...(bench.capabilities.deletes ? [bench.remove('b')] : []));
    if (await bench.reopen()) await bench.assertHolds(bench.capabilities.deletes ? { a: 1 } : { a: 1, b: 2 });
  },
};

async function recomputed({ subject }: Bench, { key, content, digest }: Entry): Promise<Digest | undefined> {
  assert.ok(content && digest);
  if (content.kind === 'document') {
    const model = new MemoryStore({ keyBytes: Infinity, ...(subject.schema && { schema: subject.schema }) });
    model.edit(key, content.document);
    return model.peek(key)?.digest;
  }
  const bytes = Buffer.concat(await Array.fromAsync(content.bytes()));
  return digest.algorithm === 'document' ? undefined : { algorithm: digest.algorithm, value: createHash(digest.algorithm).update(bytes).digest('hex') };
}
