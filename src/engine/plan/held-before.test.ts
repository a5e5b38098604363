import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Entry } from '../../model/entry.ts';
import { SyncError } from '../../model/errors.ts';
import { LateDigest, LateDocument } from '../../model/late-document.ts';
import type { ScanOptions } from '../../model/store.ts';
import { digestDocument, digestText } from '../../schema/digest.ts';
import { MemoryStore } from '../../stores/memory/memory-store.ts';
import type { MemoryStoreOptions } from '../../stores/memory/memory-store.ts';
import { openState } from '../state/sqlite-state.ts';
import { runSync } from '../sync.ts';

/** A source without an order; a target without one that tells how much it holds, and counts what it is asked for. */
function places(sourceEntries: number, targetEntries: number, interfere: MemoryStoreOptions['interfere'] = () => {}): { readonly source: MemoryStore; readonly target: MemoryStore; asked(): number } {
  let reads = 0;
  const source = new MemoryStore({ order: 'none', pageEntries: 10 });
  const target = new MemoryStore({
    order: 'none', pageEntries: 10,
    interfere: (operation, key) => {
      if (operation === 'read') reads++;
      return interfere(operation, key);
    },
  });
  for (let i = 0; i < sourceEntries; i++) source.edit(`t/${i}`, { i });
  for (let i = 0; i < targetEntries; i++) target.edit(`t/${i}`, { i });
  return { source, target: Object.assign(target, { estimate: async () => targetEntries }), asked: () => reads };
}

test('of a target that holds what the source does most is known from a listing', async () => {
  const { source, target, asked } = places(400, 400);
  await using state = openState(undefined);
  const { counts } = await runSync({ origins: [source], target, state });
  assert.equal(counts.unchanged, 400);
  assert.ok(asked() < 150, `${asked()} were asked for one by one`);
});

test('what is missing or differs is written, and an empty target is asked for hardly anything', async () => {
  const { source, target, asked } = places(400, 300);
  for (const i of [1, 150, 299]) target.edit(`t/${i}`, { i: -1 });
  target.drop('t/200');
  await using state = openState(undefined);
  const { counts, failures } = await runSync({ origins: [source], target, state });
  assert.deepEqual([counts.created, counts.updated, counts.unchanged, failures], [101, 3, 296, []]);
  assert.ok(asked() < 150, `${asked()} were asked for one by one`);
  const empty = places(400, 0);
  assert.equal((await runSync({ origins: [empty.source], target: empty.target, state })).counts.created, 400);
  assert.ok(empty.asked() < 40, `${empty.asked()} were asked for one by one`);
});

test('what only the target holds is found and deleted beside a listing as without one', async () => {
  const { source, target } = places(300, 400);
  await using state = openState(undefined);
  const { counts } = await runSync({ origins: [source], target, state, deletes: 'propagate' });
  assert.deepEqual([counts.unchanged, counts.deleted], [300, 100]);
});

test('a target that holds much more than comes is not listed', async () => {
  let scans = 0;
  const { source, target, asked } = places(20, 2_000, (operation) => { if (operation === 'scan') scans++; });
  await using state = openState(undefined);
  const { counts } = await runSync({ origins: [source], target, state });
  assert.deepEqual([counts.unchanged, asked(), scans], [20, 20, 0]);
});

test('where a listing fails each entry is asked for, and what cannot be read is told', async () => {
  const { source, target, asked } = places(100, 100, (operation) => { if (operation === 'scan') throw new SyncError('denied', 'no listing'); });
  await using state = openState(undefined);
  const { counts } = await runSync({ origins: [source], target, state });
  assert.deepEqual([counts.unchanged, asked()], [100, 100]);
});

test('what a listing knows only as beyond reading is a problem, and the others are not', async () => {
  const { source, target } = places(100, 100, (operation, key) => { if (operation === 'read' && key === 't/90') throw new SyncError('corrupt', 'cannot read t/90'); });
  const scan = target.scan.bind(target);
  const partly: typeof target.scan = async function* (options) {
    for await (const { entries } of scan(options)) {
      yield { entries: entries.filter(({ key }) => key !== 't/90'), ...(entries.some(({ key }) => key === 't/90') && { problems: [{ place: 't/90', key: 't/90', error: new SyncError('corrupt', 'cannot read t/90') }] }) };
    }
  };
  await using state = openState(undefined);
  const { counts, problems, complete } = await runSync({ origins: [source], target: Object.assign(target, { scan: partly }), state });
  assert.deepEqual([counts.unchanged, problems, complete], [99, 1, false]);
});

/** A store that gives its documents as text, and tells how many of them somebody looked at. */
function asText(store: MemoryStore, which: (key: string) => boolean = () => true): { looked: number } {
  const told = { looked: 0 };
  const late = (entry: Entry): Entry => {
    if (entry.content?.kind !== 'document' || !which(entry.key)) return entry;
    const { document } = entry.content;
    const content = new LateDocument(JSON.stringify(document, undefined, entry.key.endsWith('5') ? 1 : 0), { read: () => (told.looked++, document), digest: digestDocument, digestText });
    return { ...entry, content, digest: new LateDigest(content) };
  };
  const [scan, read] = [store.scan.bind(store), store.read.bind(store)];
  Object.assign(store, {
    async *scan(options: ScanOptions) { for await (const page of scan({ ...options, want: 'content' })) yield { ...page, entries: page.entries.map(late) }; },
    read: async (...given: Parameters<typeof read>) => (await read(...given)).map((entry) => entry && late(entry)),
  });
  return told;
}

test('what both sides hold as one text is equal without being looked at, and what is written otherwise is compared', async () => {
  await using state = openState(undefined);
  const { source, target, asked } = places(400, 400);
  const [left, right] = [asText(source), asText(target)];
  const { counts } = await runSync({ origins: [source], target, state });
  assert.deepEqual([counts.unchanged, left.looked, right.looked], [400, 0, 0]);
  assert.ok(asked() < 150, `${asked()} were asked for one by one`);
  // A side that gives some as documents, or all of them, is compared by what they hold.
  for (const which of [(key: string) => !key.endsWith('7'), () => false]) {
    const mixed = places(400, 400);
    asText(mixed.source);
    asText(mixed.target, which);
    assert.equal((await runSync({ origins: [mixed.source], target: mixed.target, state })).counts.unchanged, 400);
    assert.ok(mixed.asked() < 200, `${mixed.asked()} were asked for one by one`);
  }
  target.edit('t/300', { i: -1 });
  assert.equal((await runSync({ origins: [source], target, state })).counts.updated, 1);
});
