import assert from 'node:assert/strict';
import { compareKeys } from '../../model/key.ts';
import type { Bench } from '../bench.ts';
import type { Laws } from '../laws.ts';

/** What can be relied on by whoever reads. */
export const reading: Laws = {
  'an empty place scans to nothing': async (bench) => {
    await bench.source();
    assert.deepEqual(await bench.scan(), []);
  },
  'every entry is scanned once, with what it holds': async (bench) => {
    await bench.source({ b: 2, a: 1, c: 3 });
    await bench.assertHolds({ a: 1, b: 2, c: 3 });
  },
  'more entries than fit a page all come': async (bench) => {
    const names = Array.from({ length: bench.subject.manyEntries ?? 1_100 }, (_, i) => `n${i}`);
    await bench.source(Object.fromEntries(names.map((name, i) => [name, i])));
    assert.deepEqual((await bench.scan()).map(({ key }) => key).sort(compareKeys), names.map((name) => bench.key(name)).sort(compareKeys));
  },
  'a place that claims key order keeps it': async (bench) => {
    const names = ['b', 'a/b', 'a.txt', 'a-b', 'a/a', 'B', '\u{1F600}', '\uFFFD', 'é', 'ab', 'a0', '10', '2'].filter((name) => !refused(bench, name));
    await bench.source(Object.fromEntries(names.map((name) => [name, 0])));
    const keys = (await bench.scan()).map(({ key }) => key);
    assert.equal(keys.length, names.length);
    if (bench.capabilities.order === 'key') assert.deepEqual(keys, keys.toSorted(compareKeys));
  },
  'what is read comes in the order asked for, gaps and all; a place that is read once refuses': async (bench) => {
    const place = await bench.source({ a: 1, b: 2 });
    const refs = ['b', 'missing', 'a', 'b'].map((name) => bench.ref(name));
    if (bench.capabilities.reads === 'once') return await assert.rejects(place.read(refs), { code: 'unsupported' });
    const found = await place.read(refs);
    assert.deepEqual(found.map((entry) => entry?.key), [bench.key('b'), undefined, bench.key('a'), bench.key('b')]);
    await bench.assertValue(found[0], 'b', 2);
    await bench.assertValue(found[2], 'a', 1);
    assert.deepEqual(await place.read([]), []);
  },
  'a scan may be abandoned, and the next one starts over; a place that is read once refuses': async (bench) => {
    const place = await bench.source({ a: 1, b: 2, c: 3 });
    for await (const _ of place.scan(bench.scope)) break;
    if (bench.capabilities.reads === 'once') await assert.rejects(bench.scan(), { code: 'unsupported' });
    else assert.equal((await bench.scan()).length, 3);
  },
  'two scans at once do not disturb each other': async (bench) => {
    await bench.source({ a: 1, b: 2, c: 3 });
    if (bench.capabilities.reads === 'once') return;
    const scans = await Promise.all([bench.scan(), bench.scan({ want: 'content' })]);
    assert.deepEqual(scans.map((entries) => entries.length), [3, 3]);
  },
  'a scan that is asked for content sends it, or leaves it to be read': async (bench) => {
    await bench.source({ a: 1, b: [] });
    for (const entry of await bench.scan({ want: 'content' })) {
      const name = entry.key === bench.key('a') ? 'a' : 'b';
      if (bench.capabilities.reads === 'once') assert.ok(entry.content, 'what is read once comes with its content');
      if (entry.content) await bench.assertValue(entry, name, name === 'a' ? 1 : []);
    }
  },
  'the listing and the reading of an entry tell the same': async (bench) => {
    await bench.source({ a: 1 });
    if (bench.capabilities.reads === 'once') return;
    const [listed, read] = [await bench.stat('a'), await bench.read('a')];
    for (const fact of ['key', 'version', 'digest', 'modifiedAt', 'size', 'address', 'collection'] as const) {
      if (listed?.[fact] !== undefined && read?.[fact] !== undefined) assert.deepEqual(read[fact], listed[fact], fact);
    }
    assert.deepEqual(read?.digest !== undefined, listed?.digest !== undefined, 'a digest is of both or of neither');
    assert.deepEqual(read?.dependsOn ?? [], listed?.dependsOn ?? []);
  },
  'a scan of named collections finds what is in them': async (bench) => {
    await bench.source({ a: 1, b: 2 });
    const { collection } = bench.ref('a');
    if (collection === undefined) return;
    assert.equal((await bench.scan({ collections: [collection] })).length, 2);
    if (bench.capabilities.enumerates === 'collections') assert.deepEqual(await bench.scan({ collections: [] }), []);
  },
};

function refused({ subject }: Bench, name: string): boolean {
  return subject.refuses?.includes(name) ?? false;
}
