import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { startExampleApi } from '../../examples/api/server.ts';
import { openState } from '../../src/engine/state/sqlite-state.ts';
import { runSync } from '../../src/engine/sync.ts';
import { runVerify } from '../../src/engine/verify.ts';
import type { Document } from '../../src/model/document.ts';
import { joinKey } from '../../src/model/key.ts';
import { plainHost } from '../../src/model/plain-host.ts';
import type { Store } from '../../src/model/store.ts';
import { hal } from '../../src/schema/hal.ts';
import { simple } from '../../src/schema/simple.ts';
import { documentsIn } from '../../src/stores/documents/documents-in.ts';
import { FileStore } from '../../src/stores/file/file-store.ts';
import { MemoryStore } from '../../src/stores/memory/memory-store.ts';
import { kind as rest } from '../../src/stores/rest/kind.ts';
import { TreeStore } from '../../src/stores/tree/tree-store.ts';
import { awkwardNames, awkwardValues, fakeHost } from '../../src/testing/index.ts';

const root = mkdtempSync(join(tmpdir(), 'syncline-round-trip-'));
after(() => rmSync(root, { recursive: true, force: true }));
let places = 0;
const folder = (): string => join(root, `${places++}`);
const host = plainHost;

/** Every kind of place for documents; each is opened empty. */
const kinds: { readonly [name: string]: () => Store } = {
  'memory': () => new MemoryStore({ schema: simple }),
  'memory in no order': () => new MemoryStore({ schema: simple, order: 'none', pageEntries: 7 }),
  'YAML in blobs': () => documentsIn(new MemoryStore({ holds: 'blobs' }), { schema: simple, format: 'yaml', host }),
  'JSON in a tree': () => documentsIn(new TreeStore(folder(), host, { missing: 'empty' }), { schema: simple, format: 'json', host }),
  'a file of YAML': () => new FileStore(`${folder()}.yaml`, host, { schema: simple, missing: 'empty' }),
  'a file of JSON': () => new FileStore(`${folder()}.json`, host, { schema: simple, missing: 'empty' }),
  'a file of NDJSON': () => new FileStore(`${folder()}.ndjson`, host, { schema: simple, missing: 'empty' }),
  'YAML in a tree': () => documentsIn(new TreeStore(folder(), host, { missing: 'empty' }), { schema: simple, format: 'yaml', host }),
};

/** Every place must hold what all of them can: no bytes, and no names that are too much for a file. */
function original(): MemoryStore {
  const store = new MemoryStore({ schema: simple });
  const add = (type: string, id: string, fields: Document, parents: readonly string[] = []): void => {
    store.edit(joinKey([type, id]), { ...fields, type, id, uri: `/api/${Buffer.from(type).toString('hex')}/${Buffer.from(id).toString('hex')}`, ...(parents.length > 0 && { parents }) });
  };
  awkwardValues.forEach(([name, value], i) => add('value', String(i), { name, value }));
  for (const name of awkwardNames) add('name', name, {}, ['/api/76616c7565/30']);
  return store;
}

const names = Object.keys(kinds);

for (const [i, first] of names.entries()) {
  const [second, third] = [names[(i + 1) % names.length]!, names[(i + 2) % names.length]!];
  test(`what goes from memory through ${first}, ${second} and ${third} comes back as it was (P11)`, async () => {
    const start = original();
    const back = new MemoryStore({ schema: simple });
    const stations: readonly Store[] = [start, ...[first, second, third].map((name) => kinds[name]!()), back];
    for (const [at, target] of stations.entries()) {
      const origin = stations[at - 1];
      if (!origin) continue;
      const report = await runSync({ origins: [origin], target, deletes: 'propagate', host: fakeHost() });
      assert.deepEqual(report.failures, []);
      assert.equal(report.counts.created, start.size);
    }
    assert.deepEqual(back.dump(), start.dump());
    for (const station of stations) await station[Symbol.asyncDispose]();
  });
}

test('what goes through an API, a directory and another API comes back equal, links and all (P11)', async () => {
  const start = new MemoryStore({ schema: hal });
  const add = (id: string, fields: Document, parent?: string): void => {
    const self = `/api/thing/${encodeURIComponent(id)}`;
    start.edit(joinKey(['thing', id]), { ...fields, id, _links: { self: { href: self }, ...(parent !== undefined && { 'parent:thing': { href: `/api/thing/${encodeURIComponent(parent)}` } }) } });
  };
  // A server written in JavaScript has no negative zero to give back, and a URL no dot segments.
  awkwardValues.filter(([name]) => name !== 'negative zero').forEach(([name, value], i) => add(`value ${i}`, { name, value }));
  for (const name of awkwardNames) if (name !== '.' && name !== '..') add(`n ${name}`, {}, 'value 1');
  await using servers = new AsyncDisposableStack();
  const api = async (): Promise<Store> => await rest.open(`${servers.use(await startExampleApi({ log: false })).url}/api/thing`, {}, host) as Store;
  const stations: readonly Store[] = [
    start, await api(), documentsIn(new TreeStore(folder(), host, { missing: 'empty' }), { schema: hal, format: 'yaml', host }), await api(),
    documentsIn(new TreeStore(folder(), host, { missing: 'empty' }), { schema: hal, format: 'json', host }), new MemoryStore({ schema: hal }),
  ];
  for (const [at, target] of stations.entries()) {
    const origin = stations[at - 1];
    if (!origin) continue;
    const { failures, counts } = await runSync({ origins: [origin], target, deletes: 'propagate', host });
    assert.deepEqual(failures, []);
    assert.equal(counts.created, start.size);
    for (const [from, to] of [[start, target], [target, start]] as const) assert.deepEqual((await runVerify({ origins: [from], target: to, host })).differing, []);
  }
  for (const station of stations) await station[Symbol.asyncDispose]();
});

for (const from of names) {
  for (const to of names) {
    test(`the second run from ${from} to ${to} writes nothing, and edits and removals arrive`, async () => {
      await using source = kinds[from]!();
      await using target = kinds[to]!();
      await using state = openState(undefined);
      const pairing = { origins: [source], target, deletes: 'propagate', state, host: fakeHost() } as const;
      const start = original();
      await runSync({ origins: [start], target: source });
      await runSync(pairing);
      const again = await runSync(pairing);
      assert.deepEqual([again.counts.created, again.counts.updated, again.counts.unchanged], [0, 0, start.size]);

      start.edit('value/0', { ...(start.dump()['value/0'] as Document), value: 'edited' });
      start.drop('value/1');
      await runSync({ origins: [start], target: source, deletes: 'propagate' });
      const { counts } = await runSync(pairing);
      assert.deepEqual([counts.created, counts.updated, counts.deleted], [0, 1, 1]);
      const back = new MemoryStore({ schema: simple });
      await runSync({ origins: [target], target: back });
      assert.deepEqual(back.dump(), start.dump());
    });
  }
}
