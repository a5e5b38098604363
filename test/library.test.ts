import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { startExampleApi } from '../examples/api/server.ts';
import type { Action, RunEvent } from '../src/index.ts';
import { diff, merge, openStore, sync, verify, watch, watchBoth } from '../src/index.ts';
import { MemoryStore } from '../src/stores/memory/memory-store.ts';

const resources = [
  { type: 'line', id: 'T1', fields: { name: 'Tram 1' } },
  { type: 'stop', id: 'a', fields: { name: 'A' }, parents: { line: [{ type: 'line', id: 'T1' }] } },
];

function inFolder(name: string, body: (at: (file: string) => string) => Promise<void>): void {
  test(name, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'syncline-library-'));
    try {
      await body((file) => join(folder, file));
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
}

inFolder('an API is captured, changed and replayed, and both are proved equal', async (at) => {
  await using from = await startExampleApi({ types: ['line', 'stop'], resources: resources.map(({ type, id, fields }) => ({ type, id, fields })) });
  await using to = await startExampleApi({ types: ['line', 'stop'], resources: [] });
  const state = at('state.db');
  const captured = await sync(`${from.url}/api`, at('data'), { follow: 'all' });
  assert.deepEqual([captured.counts.created, captured.complete, captured.failures], [2, true, []]);
  const file = at('data/line/T1.yaml');
  writeFileSync(file, readFileSync(file, 'utf8').replace('Tram 1', 'Tram one'));
  assert.equal((await sync(at('data'), to.url, { state })).counts.created, 2);
  assert.equal((await sync(at('data'), to.url, { state })).counts.unchanged, 2);
  assert.equal((await verify(at('data'), to.url, { state })).equal, true);
  const shown: Action[] = [];
  const report = await diff(at('data'), from.url, { show: (actions) => void shown.push(...actions) });
  assert.deepEqual([report.counts.updated, shown.map(({ kind, key }) => `${kind} ${key}`)], [1, ['put line/T1']]);
});

inFolder('stores that are open already stand beside endpoints, and stay open', async (at) => {
  const memory = new MemoryStore();
  memory.edit('a/1', { value: 1 });
  assert.equal((await sync(memory, at('data'))).counts.created, 1);
  assert.deepEqual(readdirSync(at('data/a')), ['1.yaml']);
  await using files = await openStore(at('data'), { as: 'documents' });
  assert.equal((await verify(memory, files as MemoryStore)).equal, true);
  memory.edit('a/2', { value: 2 });
  assert.deepEqual((await verify(memory, files as MemoryStore)).differing, [{ key: 'a/2', kind: 'missing' }]);
});

test('of several origins the last one wins, and the collision is told', async () => {
  const [one, two, target] = [new MemoryStore({ name: 'one' }), new MemoryStore({ name: 'two' }), new MemoryStore()];
  one.edit('k', { from: 1 });
  one.edit('only/one', {});
  two.edit('k', { from: 2 });
  const { warnings, counts } = await sync([one, two], target);
  assert.deepEqual([target.dump(), counts.created], [{ k: { from: 2 }, 'only/one': {} }, 2]);
  assert.match(warnings.join(), /k is in several origins/);
});

inFolder('a merge goes both ways and needs a memory', async (at) => {
  const [left, right] = [new MemoryStore(), new MemoryStore()];
  left.edit('l', { value: 1 });
  right.edit('r', { value: 2 });
  await assert.rejects(merge(left, right, {}), { code: 'invalid' });
  const state = at('state.db');
  assert.equal((await merge(left, right, { state })).counts.created, 2);
  right.drop('l');
  assert.equal((await merge(left, right, { state })).counts.deleted, 1);
  assert.deepEqual([left.dump(), right.dump()], [{ r: { value: 2 } }, { r: { value: 2 } }]);
});

test('a signal ends a run early with an honest report, and events tell of it as it goes', async () => {
  const [source, target] = [new MemoryStore({ pageEntries: 10 }), new MemoryStore({ batchEntries: 10, inFlight: 1 })];
  for (let i = 0; i < 200; i++) source.edit(`k/${i}`, { i });
  const events: RunEvent[] = [];
  const abort = new AbortController();
  const report = await sync(source, target, {
    signal: abort.signal,
    on: (event) => {
      events.push(event);
      if (event.kind === 'done') abort.abort();
    },
  });
  assert.equal(report.interrupted, true);
  assert.equal(report.counts.created, Object.keys(target.dump()).length);
  assert.equal(events.filter(({ kind }) => kind === 'done').length, report.counts.created);
  assert.equal((await sync(source, target)).counts.created, 200 - report.counts.created);
});

inFolder('what cannot be compared is refused by name', async (at) => {
  writeFileSync(at('all.yaml'), '---\nid: 1\n_links: {self: {href: /api/a/1}}\n');
  await assert.rejects(sync(at('all.yaml'), at('all.yaml')), { code: 'invalid' });
  await assert.rejects(sync(at('nothing-here'), at('data')), { code: 'not-found' });
});

inFolder('what is left out by its size, and what lies elsewhere, is left alone', async (at) => {
  for (const [file, text] of [['small', 'x'], ['large', 'x'.repeat(100)], ['other', 'x']] as const) writeFileSync(at(file), text);
  mkdirSync(at('from'));
  for (const file of ['small', 'large', 'other']) renameSync(at(file), at(`from/${file}`));
  const { counts } = await sync(at('from'), at('to'), { as: 'blobs', within: ({ size = 0 }) => size < 50, under: ['small', 'large'] });
  assert.deepEqual([counts.created, readdirSync(at('to'))], [1, ['small']]);
});

inFolder('a directory is watched until the signal fires, and so are two', async (at) => {
  mkdirSync(at('a'));
  writeFileSync(at('a/1'), 'one');
  for (const begin of [watch, watchBoth] as const) {
    const abort = new AbortController();
    const seen = Promise.withResolvers<void>();
    const target = at(begin.name);
    const watching = begin(at('a'), target, {
      as: 'blobs', delete: true, state: at(`${begin.name}.db`), signal: abort.signal,
      onWatch: (event) => {
        if (event.kind !== 'ended') return;
        if (event.reach === 'everything') writeFileSync(at(`a/${begin.name}`), 'new');
        else if (readdirSync(target).includes(begin.name)) seen.resolve();
      },
    });
    await Promise.race([seen.promise, watching]);
    assert.deepEqual(readdirSync(target), readdirSync(at('a')));
    abort.abort();
    await watching;
  }
});
