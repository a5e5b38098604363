import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Entry } from '../model/entry.ts';
import type { Store } from '../model/store.ts';
import { MemoryStore } from '../stores/memory/memory-store.ts';
import type { MemoryStoreOptions } from '../stores/memory/memory-store.ts';
import { wrap } from '../testing/index.ts';
import { runDiff } from './diff.ts';
import { runMerge } from './merge.ts';
import { openState } from './state/sqlite-state.ts';
import { runSync } from './sync.ts';

const keys = Array.from({ length: 3_000 }, (_, i) => `type/${String(i).padStart(5, '0')}`);
/** What only the target holds: far more than is gathered in memory. */
const isExtra = (_: string, i: number): boolean => i % 5 < 2;

function holding(names: readonly string[], options: MemoryStoreOptions = {}): MemoryStore {
  const store = new MemoryStore({ holds: 'blobs', pageEntries: 100, ...options });
  for (const key of names) store.edit(key, new TextEncoder().encode(key));
  return store;
}

test('however many entries are to be deleted, exactly they are, each expected as it was listed', async () => {
  const source = holding(keys.filter((key, i) => !isExtra(key, i)));
  const target = holding(keys);
  const versions = new Map((await Array.fromAsync(target.scan())).flatMap(({ entries }) => entries.map(({ key, version }) => [key, version])));
  const expected: unknown[] = [];
  const watched = wrap<Store>(target, { write: (batch) => (expected.push(...batch.map((write) => [write.kind, write.kind === 'delete' && write.ref.key, write.expect])), target.write(batch)) });
  const { counts } = await runSync({ origins: [source], target: watched, deletes: 'propagate' });
  const extras = keys.filter(isExtra);
  assert.deepEqual(expected, extras.map((key) => ['delete', key, { version: versions.get(key) }]));
  assert.deepEqual([counts.deleted, counts.unchanged], [extras.length, keys.length - extras.length]);
  assert.deepEqual(Object.keys(target.dump()), Object.keys(source.dump()));
});

test('of what was deleted no digest is remembered', async () => {
  await using state = openState(undefined);
  const [source, target] = [holding(keys.slice(0, 2_000)), holding(keys)];
  const hashes = state.hashes(source.identity);
  for (const key of [keys[0]!, keys[2_500]!]) hashes.set(key, 'v', { algorithm: 'md5', value: 'd' });
  hashes.commit();
  await runSync({ origins: [source], target, deletes: 'propagate', state });
  assert.deepEqual([keys[0]!, keys[2_500]!].map((key) => hashes.get(key, 'v').length), [1, 0]);
});

test('of many deletions that are refused none is done, and what a diff would delete is told in full', async () => {
  const [source, target] = [holding(keys.slice(0, 1_000)), holding(keys)];
  await assert.rejects(runSync({ origins: [source], target, deletes: 'propagate' }), { code: 'guarded' });
  assert.equal(Object.keys(target.dump()).length, keys.length);
  const told: string[] = [];
  const { warnings } = await runDiff({ origins: [source], target, deletes: 'propagate' }, (actions) => { told.push(...actions.map(({ kind, key }) => `${kind} ${key}`)); });
  assert.deepEqual(told, keys.slice(1_000).map((key) => `delete ${key}`));
  assert.match(warnings.join(), /2000 of 3000/);
});

test('children are deleted before their parents, though there are very many of them', async () => {
  const deleted: string[] = [];
  const target = new MemoryStore({ dependencies: 'required', strictParents: true, pageEntries: 100, watch: ({ key, after, by }) => { if (!after && by === 'writer') deleted.push(key); } });
  const nodes = [...keys, 'z/child of all'];
  const stored = nodes.map((key, i): Entry & { content: { kind: 'document'; document: { n: bigint } } } => ({
    key, content: { kind: 'document', document: { n: 2n ** 70n } }, dependsOn: i === 0 ? [] : i === keys.length ? keys.slice(0, 50) : [keys[(i - 1) >> 1]!],
  }));
  for (const entry of stored) assert.equal((await target.write([{ kind: 'put', entry }]))[0]?.kind, 'done');
  const { counts } = await runSync({ origins: [holding([], { holds: 'documents' })], target, deletes: 'propagate', guard: { maxDeletes: Infinity } });
  assert.deepEqual([counts.deleted, counts.failed], [nodes.length, 0]);
  const at = new Map(deleted.map((key, i) => [key, i]));
  for (const { key, dependsOn = [] } of stored) for (const parent of dependsOn) assert.ok(at.get(key)! < at.get(parent)!, `${key} goes before ${parent}`);
});

test('many deletions travel to either side', async () => {
  await using state = openState(undefined);
  const [left, right] = [holding(keys), holding([])];
  await runMerge({ left, right, state });
  const [gone, goneRight] = [keys.filter((_, i) => i % 5 === 1), keys.filter((_, i) => i % 5 === 3)];
  for (const key of gone) left.drop(key);
  for (const key of goneRight) right.drop(key);
  const { counts } = await runMerge({ left, right, state });
  assert.equal(counts.deleted, gone.length + goneRight.length);
  const rest = keys.filter((_, i) => i % 5 !== 1 && i % 5 !== 3);
  assert.deepEqual([Object.keys(left.dump()).sort(), Object.keys(right.dump()).sort()], [rest, rest]);
});
