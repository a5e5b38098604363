import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import type { Key } from '../../model/key.ts';
import { compareKeys } from '../../model/key.ts';
import { plainHost } from '../../model/plain-host.ts';
import type { Hint, ScanOptions, Source, Store } from '../../model/store.ts';
import { isSink, isSource } from '../../model/store.ts';
import { MemoryStore } from '../../stores/memory/memory-store.ts';
import { TreeStore } from '../../stores/tree/tree-store.ts';
import { testStore, wrapped } from '../../testing/index.ts';
import type { Subject } from '../../testing/index.ts';
import { runDiff } from '../diff.ts';
import { runSync } from '../sync.ts';
import { prefixes, renamed } from './renamed.ts';
import type { Renaming } from './renamed.ts';

const root = mkdtempSync(join(tmpdir(), 'syncline-renamed-'));
after(() => rmSync(root, { recursive: true, force: true }));
let places = 0;

/** Turns the letters of a key about, which keeps neither order nor what lies below. */
const turned: Renaming = { inward: turn, outward: turn, keepsOrder: false };

function turn(key: Key): Key {
  return [...key].reverse().join('');
}

const noFileNames = ['a/b', '..', '.', '../up', 'a/../b', './a', '/a', 'a/', 'a//b', '\u0000'];

const subjects: { readonly [name: string]: Subject } = {
  'a prefix added': { open: async () => renamed(new MemoryStore({ holds: 'blobs' }), prefixes({ add: 'p/q' })), key: (name) => `p/q${name}` },
  'a prefix removed': { open: async () => renamed(new MemoryStore({ holds: 'blobs' }), prefixes({ remove: 'p/q/' })) },
  'a prefix exchanged': { open: async () => renamed(new MemoryStore(), prefixes({ remove: 'inside', add: 'out/' })), key: (name) => `out/${name}` },
  'a prefix removed, in no order': { open: async () => renamed(new MemoryStore({ order: 'none', pageEntries: 3, batchEntries: 4, expects: [] }), prefixes({ remove: '/' })) },
  'keys turned about': { open: async () => renamed(new MemoryStore({ holds: 'blobs' }), turned) },
  'a directory with a prefix': { open: async () => renamed(new TreeStore(join(root, `${places++}`), plainHost, { missing: 'empty' }), prefixes({ add: 'var/data/' })), key: (name) => `var/data/${name}`, refuses: noFileNames, partBytes: 255 },
};

for (const [name, subject] of Object.entries(subjects)) {
  describe(name, () => testStore(test, subject));
  describe(`${name}, wrapped`, () => testStore(test, wrapped(subject)));
}

function held(...keys: readonly Key[]): MemoryStore {
  const store = new MemoryStore({ holds: 'blobs' });
  for (const key of keys) store.edit(key, new TextEncoder().encode(key));
  return store;
}

async function keysOf(source: Source, options?: ScanOptions): Promise<readonly Key[]> {
  return (await Array.fromAsync(source.scan(options))).flatMap(({ entries }) => entries.map(({ key }) => key));
}

test('what has no name is not seen, read, written or deleted', async () => {
  const inner = held('in/a', 'in/b', 'out', 'inside');
  const store = renamed(inner, prefixes({ remove: 'in/', add: 'x/' }));
  assert.deepEqual(await keysOf(store), ['x/a', 'x/b']);
  assert.deepEqual((await store.read([{ key: 'out' }, { key: 'x/b' }, { key: 'x/out' }])).map((entry) => entry?.key), [undefined, 'x/b', undefined]);
  const [first, second] = await store.write([{ kind: 'delete', ref: { key: 'out' } }, { kind: 'delete', ref: { key: 'x/a' } }]);
  assert.ok(first?.kind === 'failed' && first.error.code === 'invalid' && first.error.details.key === 'out');
  assert.equal(second?.kind, 'done');
  assert.deepEqual(Object.keys(inner.dump()), ['in/b', 'out', 'inside']);
});

test('places in messages keep the names of the store', async () => {
  const [page] = await Array.fromAsync(renamed(held('in/a'), prefixes({ remove: 'in/' })).scan());
  assert.deepEqual(page?.entries.map(({ key, place }) => [key, place]), [['a', 'in/a']]);
});

test('entries that share a name, or have an empty one, are problems, so that nothing is deleted for them', async () => {
  const first: Renaming = { inward: (key) => key, outward: (key) => key.slice(0, 1), keepsOrder: true };
  const inner = held('a', 'ab');
  const [page] = await Array.fromAsync(renamed(inner, first).scan());
  assert.deepEqual([page?.entries.map(({ key }) => key), page?.problems?.map(({ place, error }) => [place, error.code])], [['a'], [['ab', 'invalid']]]);
  // By that name somebody else goes, so nothing goes by it here.
  assert.deepEqual(await renamed(inner, first).read([{ key: 'ab' }]), [undefined]);
  assert.equal((await renamed(inner, first).write([{ kind: 'delete', ref: { key: 'ab' } }]))[0]?.kind, 'failed');
  const [other] = await Array.fromAsync(renamed(held('p/', 'p/a'), prefixes({ remove: 'p/' })).scan());
  assert.deepEqual([other?.entries.map(({ key }) => key), other?.problems?.map(({ place }) => place)], [['a'], ['p/']]);
});

test('a scan is narrowed only where what lies below a key stays below it', async () => {
  const asked: ScanOptions[] = [];
  const inner = held('p/a/1', 'p/b/1');
  const scan = inner.scan.bind(inner);
  inner.scan = (options: ScanOptions) => (asked.push(options), scan(options));
  await keysOf(renamed(inner, prefixes({ remove: 'p/', add: 'x/y/' })), { under: ['x/y/a'] });
  await keysOf(renamed(inner, prefixes({ remove: 'p/', add: 'x/y/' })), { under: ['x/y/a', 'x'] });
  await keysOf(renamed(inner, turned), { under: ['a'] });
  assert.deepEqual(asked.map(({ under }) => under), [['p/a'], undefined, undefined]);
});

test('hints name what the outside knows, or anything where that cannot be said', async () => {
  const hints: readonly (readonly Hint[])[] = [[], [{ under: 'p/a' }, { under: 'p' }, { under: '' }, { under: 'q' }]];
  const inner: Store = Object.assign(held(), { async *watch() { yield* hints; } });
  const told = async (renaming: Renaming): Promise<readonly (readonly Key[])[]> => {
    const { watch } = renamed(inner, renaming);
    assert.ok(watch);
    return (await Array.fromAsync(watch({ signal: new AbortController().signal }))).map((page) => page.map(({ under }) => under));
  };
  assert.deepEqual(await told(prefixes({ remove: 'p/', add: 'x/' })), [[], ['x/a', '', '', '']]);
  assert.deepEqual(await told(prefixes({ add: 'x/' })), [[], ['x/p/a', 'x/p', '', 'x/q']]);
  assert.deepEqual(await told(turned), [[], ['', '', '', '']]);
});

test('a place that can only be read, or only be written, stays so; an ability that is not there is not made up', () => {
  const { scan, read, name, identity, capabilities } = held();
  const source = renamed({ name, identity, capabilities, scan, read, [Symbol.asyncDispose]: async () => {} }, turned);
  assert.deepEqual([isSource(source), isSink(source), 'watch' in source, 'fingerprint' in source], [true, false, false, false]);
  const sink = renamed({ name, identity, capabilities, write: held().write, [Symbol.asyncDispose]: async () => {} }, turned);
  assert.deepEqual([isSource(sink), isSink(sink), 'covers' in sink, 'realm' in sink], [false, true, false, false]);
});

test('what was learned of a place under one set of names is not taken for another', () => {
  const inner = held();
  const identities = [inner, renamed(inner, prefixes({ add: 'a' })), renamed(inner, prefixes({ add: 'b' }))].map(({ identity }) => identity);
  assert.equal(new Set(identities).size, 3);
});

test('a directory goes under a prefix of a bucket, and the second run writes nothing', async () => {
  const folder = join(root, 'site');
  mkdirSync(join(folder, 'sub'), { recursive: true });
  for (const name of ['b', 'a', 'sub/c', 'sub.txt']) writeFileSync(join(folder, name), name);
  const bucket = held('other', 'www/old');
  const pairing = { origins: [new TreeStore(folder, plainHost)], target: renamed(bucket, prefixes({ remove: 'www/' })), deletes: 'propagate' as const, guard: { maxDeletes: Infinity } };
  assert.equal((await runSync(pairing)).counts.deleted, 1);
  assert.deepEqual(Object.keys(bucket.dump()).sort(compareKeys), ['other', 'www/a', 'www/b', 'www/sub.txt', 'www/sub/c']);
  const again = await runDiff(pairing, () => {});
  assert.deepEqual([again.differences, again.counts.unchanged], [0, 4]);
});
