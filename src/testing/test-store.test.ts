import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Entry } from '../model/entry.ts';
import type { Outcome, Page, Store } from '../model/store.ts';
import { MemoryStore } from '../stores/memory/memory-store.ts';
import type { Subject } from './bench.ts';
import { testStore } from './test-store.ts';
import { wrap } from './wrap.ts';

/** The sentences of the laws that a subject breaks. */
async function broken(subject: Subject): Promise<readonly string[]> {
  const runs: Promise<string | undefined>[] = [];
  testStore((name, body) => { runs.push(body().then(() => undefined, () => name.replace(/^.*?: /, ''))); }, subject);
  return (await Promise.all(runs)).filter((name) => name !== undefined);
}

function spoilt(spoil: (store: MemoryStore) => Partial<Store>): Subject {
  return { open: async () => {
    const store = new MemoryStore({ pageEntries: 2 });
    return wrap<Store>(store, spoil(store));
  } };
}

async function* pages(store: Store, change: (entries: readonly Entry[], at: number) => readonly Entry[], ...args: Parameters<Store['scan']>): AsyncGenerator<Page> {
  let at = 0;
  for await (const page of store.scan(...args)) yield { ...page, entries: change(page.entries, at++) };
}

/** A way to be wrong, and the law that must notice. */
const wrongs: readonly (readonly [what: string, law: string, (store: MemoryStore) => Partial<Store>])[] = [
  ['leaves the second page out', 'more entries than fit a page all come', (store) => ({ scan: (...args) => pages(store, (entries, at) => (at === 1 ? [] : entries), ...args) })],
  ['turns pages around', 'a place that claims key order keeps it', (store) => ({ scan: (...args) => pages(store, (entries) => entries.toReversed(), ...args) })],
  ['ignores the signal of a scan', 'a scan whose signal has fired rejects', (store) => ({ scan: ({ signal: _, ...rest } = {}) => store.scan(rest) })],
  ['ends a scan quietly when its signal fires', 'a scan stops when its signal fires, and does not pretend to be complete', (store) => ({
    async *scan({ signal, ...rest } = {}) {
      signal?.throwIfAborted();
      for await (const page of store.scan(rest)) {
        if (signal?.aborted) return;
        yield page;
      }
    },
  })],
  ['answers readings in an order of its own', 'what is read comes in the order asked for, gaps and all; a place that is read once refuses', (store) => ({ read: async (refs) => (await store.read(refs)).toReversed() })],
  ['ignores expectations', 'what is expected to be absent and is there is left alone, and shown', (store) => ({ write: (batch) => store.write(batch.map(({ expect: _, ...write }) => write)) })],
  ['checks an expectation first and writes later', 'of two writers who expect the same, one wins, where that is enforced', (store) => ({
    async write(batch) {
      const outcomes: Outcome[] = [];
      for (const { expect, ...write } of batch) {
        const key = write.kind === 'put' ? write.entry.key : write.ref.key;
        const [found] = await store.read([{ key }]);
        const met = !expect || ('absent' in expect ? !found : 'version' in expect ? found?.version === expect.version : !found || (found.modifiedAt ?? 0) < expect.older);
        outcomes.push(met ? (await store.write([write]))[0]! : { kind: 'stale', found });
      }
      return outcomes;
    },
  })],
  ['lets one bad write sink its batch', 'every write of a batch has its outcome, in order, and a bad one does not sink the others', (store) => ({
    write: async (batch) => {
      const outcomes = await store.write(batch);
      return outcomes.some(({ kind }) => kind !== 'done') ? batch.map(() => ({ kind: 'stale', found: undefined })) : outcomes;
    },
  })],
  ['gives every state the same version', 'a version stays while the entry stays, and changes with it', (store) => ({ scan: (...args) => pages(store, (entries) => entries.map((entry) => ({ ...entry, version: 'v' })), ...args) })],
  ['answers a write with the digest of something else', 'the answer to a write describes what the place then holds', (store) => ({
    write: async (batch) => (await store.write(batch)).map((outcome) => (outcome.kind === 'done' && outcome.stat.digest ? { ...outcome, stat: { ...outcome.stat, digest: { algorithm: 'document', value: 'wrong' } } } : outcome)),
  })],
  ['loses the sign of zero', 'every kind of value comes back as it was', (store) => ({
    write: (batch) => store.write(batch.map((write) => {
      if (write.kind === 'delete' || write.entry.content.kind !== 'document') return write;
      const { document } = write.entry.content;
      return Object.is(document['value'], -0) ? { ...write, entry: { ...write.entry, content: { kind: 'document', document: { value: 0 } } } } : write;
    })),
  })],
  ['folds the case of keys', 'awkward keys stay apart and come back as they were, or are refused by name', (store) => ({
    write: (batch) => store.write(batch.map((write) => (write.kind === 'put' ? { ...write, entry: { ...write.entry, key: write.entry.key.toLowerCase() } } : write))),
  })],
  ['fails to delete what is gone', 'what is deleted is gone, its neighbours stay, and deleting it again is no error; a store that cannot delete refuses', (store) => ({
    write: async (batch) => {
      const found = await store.read(batch.map((write) => ({ key: write.kind === 'put' ? write.entry.key : write.ref.key })));
      return (await store.write(batch)).map((outcome, i) => (batch[i]!.kind === 'delete' && !found[i] ? { kind: 'stale', found: undefined } : outcome));
    },
  })],
  ['claims times it forgets', 'a time that is kept comes back to the precision stated; one that is not kept is not claimed', (store) => ({
    write: (batch) => store.write(batch.map((write) => {
      if (write.kind === 'delete') return write;
      const { modifiedAt: _, ...entry } = write.entry;
      return { ...write, entry };
    })),
  })],
  ['claims writes it could not guard', 'an expectation that holds lets the write through, unguarded just where it is not enforced', (store) => ({ capabilities: { ...store.capabilities, expects: [] } })],
  ['cannot delete and keeps quiet about it', 'what is deleted is gone, its neighbours stay, and deleting it again is no error; a store that cannot delete refuses', (store) => ({
    capabilities: { ...store.capabilities, deletes: false },
    write: async (batch) => batch.map(() => ({ kind: 'done', stat: {} })),
  })],
];

for (const [what, law, spoil] of wrongs) {
  test(`a store that ${what} is found out`, async () => {
    assert.ok((await broken(spoilt(spoil))).includes(law));
  });
}

test('a store without fault breaks no law', async () => {
  assert.deepEqual(await broken(spoilt(() => ({}))), []);
});

test('a law that is forgiven must be broken, and a law that is forgiven must be a law', async () => {
  const law = 'a scan whose signal has fired rejects';
  const deaf = spoilt((store) => ({ scan: ({ signal: _, ...rest } = {}) => store.scan(rest) }));
  assert.ok(!(await broken({ ...deaf, forgive: { [law]: 'deaf' } })).includes(law));
  const well = await broken({ ...spoilt(() => ({})), forgive: { [law]: 'deaf', 'no such law': 'why not' } });
  assert.deepEqual(well, [`${law} (forgiven: deaf)`, 'no such law']);
});

test('what is refused must be named, and what is named must be refused', async () => {
  const law = 'awkward keys stay apart and come back as they were, or are refused by name';
  assert.deepEqual(await broken({ ...spoilt(() => ({})), refuses: ['%2F'] }), [law]);
  const short: Subject = { open: async () => new MemoryStore({ keyBytes: 5 }) };
  assert.ok((await broken(short)).includes(law));
});
