import assert from 'node:assert/strict';
import type { Expectation, Outcome } from '../../model/store.ts';
import { assertDone } from '../bench.ts';
import type { Bench } from '../bench.ts';
import type { Laws } from '../laws.ts';

/** What can be relied on by whoever writes. */
export const writing: Laws = {
  'what is expected to be absent and is there is left alone, and shown': async (bench) => {
    await bench.store({ a: 1 });
    const [put] = await bench.write(bench.put('a', 2, { absent: true }));
    assert.equal(put?.kind, 'stale');
    assert.equal(put.kind === 'stale' && put.found?.key, bench.key('a'));
    await bench.assertHolds({ a: 1 });
  },
  'a version that is no longer current leaves the entry alone': async (bench) => {
    await bench.store({ a: 1 });
    const old = await bench.stat('a');
    if (old?.version === undefined) return;
    await bench.fill({ a: 2 });
    assert.equal((await bench.write(bench.put('a', 3, { version: old.version })))[0]?.kind, 'stale');
    await bench.assertHolds({ a: 2 });
    if (!bench.capabilities.deletes) return;
    assert.equal((await bench.write(bench.remove('a', { version: old.version })))[0]?.kind, 'stale');
    await bench.assertHolds({ a: 2 });
  },
  'a version expected of what is gone is not met': async (bench) => {
    await bench.store({ a: 1 });
    const old = await bench.stat('a');
    if (old?.version === undefined || !bench.capabilities.deletes) return;
    await bench.write(bench.remove('a'));
    const [outcome] = await bench.write(bench.put('a', 2, { version: old.version }));
    assert.deepEqual(outcome, { kind: 'stale', found: undefined });
    assert.deepEqual(await bench.scan(), []);
  },
  'an entry that is not older than expected is left alone': async (bench) => {
    const store = await bench.store();
    await store.write([{ kind: 'put', entry: { ...bench.sample('a', 1), modifiedAt: 5_000_000_000 } }]);
    // Where times are assigned or unknown, only the beginning of time is surely not later than the entry.
    for (const older of bench.capabilities.modifiedAt === 'kept' ? [0, 5_000_000_000] : [0]) {
      const [outcome] = await bench.write(bench.put('a', 2, { older }));
      assert.notEqual(outcome?.kind, 'done', `${older}`);
    }
    await bench.assertHolds({ a: 1 });
  },
  'an expectation that holds lets the write through, unguarded just where it is not enforced': async (bench) => {
    await bench.store();
    const put = async (value: number, expect: Expectation): Promise<void> => {
      const [outcome] = await bench.write({ kind: 'put', entry: { ...bench.sample('a', value), modifiedAt: 1_000_000 }, expect });
      assertUnguarded(bench, outcome, expect);
      await bench.assertHolds({ a: value });
    };
    await put(1, { absent: true });
    const version = (await bench.stat('a'))?.version;
    if (version !== undefined) await put(2, { version });
    if (bench.capabilities.modifiedAt === 'kept') await put(3, { older: Number.MAX_SAFE_INTEGER });
    const last = (await bench.stat('a'))?.version;
    if (last === undefined || !bench.capabilities.deletes) return;
    const [outcome] = await bench.write(bench.remove('a', { version: last }));
    assertUnguarded(bench, outcome, { version: last });
    assert.deepEqual(await bench.scan(), []);
  },
  'of two writers who expect the same, one wins, where that is enforced': async (bench) => {
    const store = await bench.store();
    let written = 1;
    const race = async (expect: Expectation): Promise<void> => {
      // Values that were never there: where a version is a digest, writing what is there already changes nothing.
      const [one, other] = [++written, ++written];
      const answers = await Promise.all([one, other].map((value) => store.write([bench.put('a', value, expect)])));
      const kinds = answers.map(([outcome]) => outcome?.kind);
      assert.equal(kinds.filter((kind) => kind === 'done').length, 1);
      assert.equal(kinds.filter((kind) => kind === 'stale').length, 1);
      await bench.assertHolds({ a: kinds[0] === 'done' ? one : other });
    };
    for (let round = 0; round < 5; round++) {
      if (bench.capabilities.expects.includes('absent') && round === 0) await race({ absent: true });
      else if (round === 0) await bench.fill({ a: 1 });
      const version = (await bench.stat('a'))?.version;
      if (bench.capabilities.expects.includes('version') && version !== undefined) await race({ version });
    }
  },
  'every write of a batch has its outcome, in order, and a bad one does not sink the others': async (bench) => {
    await bench.store({ b: 1 });
    const outcomes = await bench.write(bench.put('a', 1), bench.put('b', 2, { absent: true }), bench.put('c', 3), bench.put('d', 4, { version: 'no such version' }), bench.put('e', 5));
    assert.deepEqual(outcomes.map(({ kind }) => kind), ['done', 'stale', 'done', 'stale', 'done']);
    await bench.assertHolds({ a: 1, b: 1, c: 3, e: 5 });
  },
  'an empty batch is answered with nothing': async (bench) => {
    const store = await bench.store();
    assert.deepEqual(await store.write([]), []);
  },
  'a batch as large as the limit is written, and as many at once as are allowed': async (bench) => {
    const store = await bench.store();
    const { batchEntries, inFlight } = bench.capabilities.limits;
    const size = Math.min(batchEntries, 300);
    const batches = Array.from({ length: Math.min(inFlight, 8) }, (_, batch) => Array.from({ length: size }, (_, i) => `n${batch * size + i}`));
    const answers = await Promise.all(batches.map((names) => store.write(names.map((name) => bench.put(name, name)))));
    for (const outcome of answers.flat()) assertDone(outcome);
    await bench.assertHolds(Object.fromEntries(batches.flat().map((name) => [name, name])));
  },
  'what is deleted is gone, its neighbours stay, and deleting it again is no error; a store that cannot delete refuses': async (bench) => {
    const neighbours = { 'a.txt': 2, 'a-b': 3, ab: 4 };
    await bench.store({ a: 1, ...neighbours });
    for (const _ of [1, 2]) {
      const [outcome] = await bench.write(bench.remove('a'));
      if (bench.capabilities.deletes) assertDone(outcome);
      else assert.ok(outcome?.kind === 'failed' && outcome.error.code === 'unsupported');
    }
    await bench.assertHolds(bench.capabilities.deletes ? neighbours : { a: 1, ...neighbours });
    if (!bench.capabilities.deletes) return;
    await bench.fill({ a: 5 });
    await bench.assertHolds({ a: 5, ...neighbours });
  },
  'a store from which everything was deleted is empty and can be filled again': async (bench) => {
    const values = { a: 1, b: 2, c: 3 };
    await bench.store(values);
    if (!bench.capabilities.deletes) return;
    for (const outcome of await bench.write(...Object.keys(values).map((name) => bench.remove(name)))) assertDone(outcome);
    await bench.assertHolds({});
    await bench.fill(values);
    await bench.assertHolds(values);
  },
};

function assertUnguarded(bench: Bench, outcome: Outcome | undefined, expect: Expectation): void {
  assertDone(outcome);
  const form = (['absent', 'version', 'older'] as const).find((name) => name in expect)!;
  const claimed = bench.capabilities.expects.includes(form);
  if (claimed || !bench.subject.probes) assert.equal(outcome.unguarded ?? false, !claimed, `a write that expects ${form} says whether that was enforced`);
}
