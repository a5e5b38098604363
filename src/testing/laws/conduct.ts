import assert from 'node:assert/strict';
import { failures, SyncError } from '../../model/errors.ts';
import type { Page } from '../../model/store.ts';
import type { Laws } from '../laws.ts';

/** How every place that can be read behaves: what it says of itself, how it stops and how it ends. */
export const conduct: Laws = {
  'a place says what it is, in plain data': async (bench) => {
    const place = await bench.source();
    assert.ok(place.name !== '' && place.identity !== '');
    assert.deepEqual(structuredClone(place.capabilities), place.capabilities);
    for (const limit of Object.values(place.capabilities.limits)) assert.ok(limit >= 1, 'a limit of nothing is no limit');
    assert.ok(place.capabilities.modifiedAt === 'none' || place.capabilities.modifiedAtPrecision >= 1);
  },
  'a scan whose signal has fired rejects': async (bench) => {
    const place = await bench.source({ a: 1 });
    await assert.rejects(Array.fromAsync(place.scan({ ...bench.scope, signal: AbortSignal.abort() })), interrupted);
  },
  'a scan stops when its signal fires, and does not pretend to be complete': async (bench) => {
    const many = bench.subject.manyEntries ?? 1_100;
    const place = await bench.source(Object.fromEntries(Array.from({ length: many }, (_, i) => [`n${i}`, i])));
    const controller = new AbortController();
    const pages: Page[] = [];
    let entries = 0;
    const scan = async (): Promise<void> => {
      for await (const page of place.scan({ ...bench.scope, signal: controller.signal })) {
        pages.push(page);
        entries += page.entries.length;
        controller.abort();
      }
    };
    // A place that had it all in one page had nothing left to stop.
    await scan().then(() => assert.equal(entries, many), (error: unknown) => assert.ok(interrupted(error)));
  },
  'a reading whose signal has fired rejects': async (bench) => {
    const place = await bench.source({ a: 1 });
    if (bench.capabilities.reads !== 'once') await assert.rejects(place.read([bench.ref('a')], { signal: AbortSignal.abort() }), interrupted);
  },
  'disposing twice is no error': async (bench) => {
    const place = await bench.source({ a: 1 });
    for (const _ of [1, 2]) await place[Symbol.asyncDispose]();
  },
};

/** How every place that can be written behaves beyond that. */
export const writingConduct: Laws = {
  'a write whose signal has fired rejects, and has written nothing': async (bench) => {
    const store = await bench.store({ a: 1 });
    await assert.rejects(store.write([bench.put('b', 2)], { signal: AbortSignal.abort() }), interrupted);
    await bench.assertHolds({ a: 1 });
  },
  'a failure has a code and is a sentence that says on what': async (bench) => {
    const store = await bench.store();
    const content = { kind: 'blob', async *bytes(): AsyncGenerator<Uint8Array> { yield Uint8Array.of(1); } } as const;
    const other = bench.capabilities.holds === 'documents' ? content : { kind: 'document', document: {} } as const;
    const { content: _, ...entry } = bench.sample('a', 1);
    const [outcome] = await store.write([{ kind: 'put', entry: { ...entry, content: other } }]);
    assert.ok(outcome?.kind === 'failed' && outcome.error instanceof SyncError);
    assert.ok(Object.hasOwn(failures, outcome.error.code));
    assert.ok(outcome.error.message.includes(bench.key('a')) || outcome.error.details.key === bench.key('a'), `“${outcome.error.message}” does not say which entry`);
  },
  'content that breaks off leaves nothing half written': async (bench) => {
    const store = await bench.store({ a: 'old' });
    if (bench.capabilities.holds === 'documents') return;
    const content = { kind: 'blob', async *bytes(): AsyncGenerator<Uint8Array> { yield Uint8Array.of(1, 2, 3); throw new SyncError('unavailable', 'the line went dead'); } } as const;
    for (const name of ['a', 'b']) {
      const [outcome] = await store.write([{ kind: 'put', entry: { key: bench.key(name), content } }]);
      assert.equal(outcome?.kind, 'failed');
    }
    await bench.assertHolds({ a: 'old' });
  },
};

/** How a place that can only be written behaves. */
export const sinks: Laws = {
  'what is put is answered one by one and comes out in order': async (bench) => {
    const sink = await bench.sink();
    const outcomes = await bench.write(bench.put('b', 1), bench.put('a', { x: [null] }), bench.put('c', 'three'));
    assert.deepEqual(outcomes.map(({ kind }) => kind), ['done', 'done', 'done']);
    assert.deepEqual(await sink.write([]), []);
    const wanted = [['b', 1], ['a', { x: [null] }], ['c', 'three']].map(([name, value]) => bench.documentSample(name as string, value as number).content);
    const written = await bench.subject.written?.();
    if (written) assert.deepEqual(written, wanted.map((content) => content.kind === 'document' && content.document));
  },
  'more than fits any buffer comes out whole': async (bench) => {
    await bench.sink();
    const text = 'x'.repeat(1_000);
    const names = Array.from({ length: 2_000 }, (_, i) => `n${i}`);
    const outcomes = await bench.write(...names.map((name) => bench.put(name, text)));
    assert.ok(outcomes.every(({ kind }) => kind === 'done'));
    const written = await bench.subject.written?.();
    if (written) assert.equal(written.length, names.length);
  },
  'a deletion is refused where nothing can be deleted': async (bench) => {
    await bench.sink();
    const [outcome] = await bench.write(bench.remove('a'));
    if (!bench.capabilities.deletes) assert.ok(outcome?.kind === 'failed' && outcome.error.code === 'unsupported');
    else assert.equal(outcome?.kind, 'done');
  },
  'a sink says what it is, in plain data': async (bench) => {
    const sink = await bench.sink();
    assert.ok(sink.name !== '' && sink.identity !== '');
    assert.deepEqual(structuredClone(sink.capabilities), sink.capabilities);
  },
  'a write whose signal has fired rejects': async (bench) => {
    const sink = await bench.sink();
    await assert.rejects(sink.write([bench.put('b', 2)], { signal: AbortSignal.abort() }), interrupted);
  },
  'disposing twice is no error': async (bench) => {
    const sink = await bench.sink();
    for (const _ of [1, 2]) await sink[Symbol.asyncDispose]();
  },
};

function interrupted(error: unknown): boolean {
  return error instanceof Error && (error.name === 'AbortError' || (error instanceof SyncError && error.code === 'interrupted'));
}
