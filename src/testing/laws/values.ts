import assert from 'node:assert/strict';
import type { Value } from '../../model/document.ts';
import { assertDone, blobOf } from '../bench.ts';
import type { Bench } from '../bench.ts';
import { awkwardNames, awkwardValues, bytesFrom, nested } from '../generators.ts';
import type { Laws } from '../laws.ts';
import { seededRandom } from '../random.ts';

/** What may be a key and what may be held under one. */
export const values: Laws = {
  'awkward keys stay apart and come back as they were, or are refused by name': async (bench) => {
    const store = await bench.store();
    // One at a time at first: some places hold either of two names, but not both.
    const kept: [string, Value][] = [];
    const refused: string[] = [];
    for (const name of awkwardNames) {
      const [outcome] = await store.write([bench.put(name, name)]);
      if (outcome?.kind === 'failed') {
        assert.ok(['invalid', 'unsupported', 'conflict'].includes(outcome.error.code), `${JSON.stringify(name)} is refused as such, and not as ${outcome.error.code}: ${outcome.error.message}`);
        refused.push(name);
      } else {
        assertDone(outcome);
        kept.push([name, name]);
      }
    }
    assert.deepEqual(refused, awkwardNames.filter((name) => bench.subject.refuses?.includes(name)), 'refuses what it says it refuses, and nothing else');
    await bench.assertHolds(Object.fromEntries(kept));
  },
  'a key that is not well-formed Unicode is refused': async (bench) => {
    const store = await bench.store();
    for (const key of ['a\uD800', '\uDC00b', '']) {
      const { content } = bench.sample('a', 1);
      const [outcome] = await store.write([{ kind: 'put', entry: { key, content } }]);
      assert.equal(outcome?.kind, 'failed', JSON.stringify(key));
    }
    assert.deepEqual(await bench.scan(), []);
  },
  'a key as long as the limit is kept, and a longer one is kept as well or refused, never cut short': async (bench) => {
    const store = await bench.store();
    const { limits: { keyBytes } } = bench.capabilities;
    const { partBytes } = bench.subject;
    const manyParts = bench.key('/') === '/';
    if (keyBytes > 65_536 || (manyParts && partBytes !== undefined && partBytes < 100)) return;
    const room = keyBytes - Buffer.byteLength(bench.key(''));
    const longest = manyParts ? `${'k'.repeat(99)}/`.repeat(keyBytes).slice(0, keyBytes - 1) + 'k' : 'k'.repeat(Math.min(room, partBytes ?? room));
    await bench.fill({ [longest]: 1 });
    const [outcome] = await store.write([bench.put(`${longest}k`, 2)]);
    await bench.assertHolds(outcome?.kind === 'failed' ? { [longest]: 1 } : { [longest]: 1, [`${longest}k`]: 2 });
  },
  'every kind of value comes back as it was': async (bench) => {
    await bench.store();
    if (bench.capabilities.holds === 'blobs') return;
    const kept = await fillWhatIsTaken(bench, awkwardValues);
    await bench.assertHolds(Object.fromEntries(kept));
  },
  'bytes and numbers that are none come back as they were, or are refused': async (bench) => {
    await bench.store();
    if (bench.capabilities.holds === 'blobs') return;
    const kept = await fillWhatIsTaken(bench, [['bytes', Uint8Array.of(0, 255, 10)], ['no bytes', new Uint8Array()], ['infinity', Infinity], ['not a number', NaN]]);
    await bench.assertHolds(Object.fromEntries(kept));
  },
  'a document of many levels, of many fields and of much text comes back as it was': async (bench) => {
    await bench.store();
    if (bench.capabilities.holds === 'blobs') return;
    const large = { levels: nested(300), fields: Object.fromEntries(Array.from({ length: 5_000 }, (_, i) => [`f${i}`, i])), text: 'line of text\n'.repeat(50_000) };
    await bench.fill(large);
    await bench.assertHolds(large);
  },
  'bytes come back as they were: none, every one, and very many': async (bench) => {
    await bench.store();
    if (bench.capabilities.holds === 'documents') return;
    const blobs = {
      none: new Uint8Array(),
      every: Uint8Array.from({ length: 256 }, (_, i) => i),
      text: new TextEncoder().encode('\uFEFFone\r\ntwo\n\u0000'),
      many: bytesFrom(seededRandom(1), 3_000_001),
    };
    await bench.fill(blobs);
    await bench.assertHolds(blobs);
  },
  'content may be read more than once, also half': async (bench) => {
    await bench.store({ a: 'x'.repeat(200_000) });
    const entry = await bench.read('a');
    if (entry?.content?.kind === 'blob') for await (const _ of entry.content.bytes()) break;
    for (const _ of [1, 2]) await bench.assertValue(entry, 'a', 'x'.repeat(200_000));
  },
  'content of the other kind is refused': async (bench) => {
    const store = await bench.store();
    const { content: _, ...entry } = bench.sample('a', 1);
    const content = bench.capabilities.holds === 'documents' ? blobOf(1) : { kind: 'document', document: { value: 1 } } as const;
    const [outcome] = await store.write([{ kind: 'put', entry: { ...entry, content } }]);
    assert.ok(outcome?.kind === 'failed' && ['unsupported', 'invalid'].includes(outcome.error.code));
    assert.deepEqual(await bench.scan(), []);
  },
  'a put replaces the whole entry': async (bench) => {
    await bench.store({ a: { one: 1, two: 2 }, b: 1 });
    await bench.fill({ a: { two: 3 } });
    await bench.assertHolds({ a: { two: 3 }, b: 1 });
  },
};

/** Writes each value by itself. Those that are refused must be the ones the subject names. */
async function fillWhatIsTaken(bench: Bench, list: readonly (readonly [string, Value])[]): Promise<[string, Value][]> {
  const named = list.map(([name, value], i): [string, string, Value] => [name, `v${i}`, value]);
  const outcomes = await bench.write(...named.map(([, id, value]) => bench.put(id, value)));
  const refused = named.filter((_, i) => outcomes[i]?.kind === 'failed').map(([name]) => name);
  assert.deepEqual(refused, named.map(([name]) => name).filter((name) => bench.subject.refuses?.includes(name)), 'refuses what it says it refuses, and nothing else');
  const taken = named.filter((_, i) => outcomes[i]?.kind === 'done');
  const { loses = [] } = bench.subject;
  for (const [name, id, value] of taken) if (loses.includes(name)) await assert.rejects(async () => bench.assertValue(await bench.read(id), id, value), `${name} comes back now; stop saying that it is lost`);
  await bench.write(...taken.filter(([name]) => loses.includes(name)).map(([, id]) => bench.put(id, null)));
  return taken.map(([name, id, value]) => [id, loses.includes(name) ? null : value]);
}
