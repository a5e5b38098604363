import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { SyncError } from '../../model/errors.ts';
import type { Key } from '../../model/key.ts';
import type { Outcome, Store, Takeover } from '../../model/store.ts';
import { MemoryStore } from '../../stores/memory/memory-store.ts';
import { wrap } from '../../testing/index.ts';
import { runMerge } from '../merge.ts';
import { openState } from '../state/sqlite-state.ts';
import { runSync } from '../sync.ts';
import { prefixes, renamed } from '../wrap/renamed.ts';

const bytes = (text: string): Uint8Array => Buffer.from(text);

/** Two stores of one service, and what was read and written of them. */
class Service {
  readonly read: Key[] = [];
  readonly written: Key[] = [];
  readonly taken: Takeover[] = [];
  readonly answer: (takeover: Takeover) => Outcome | undefined;
  readonly #stores = new Map<string, MemoryStore>();

  constructor(answer: (takeover: Takeover) => Outcome | undefined = () => ({ kind: 'done', stat: {} })) {
    this.answer = answer;
  }

  store(name: string, files: { readonly [key: Key]: string } = {}): Store {
    const store = new MemoryStore({ holds: 'blobs', name, digests: ['md5'], modifiedAt: 'assigned' });
    this.#stores.set(name, store);
    for (const [key, text] of Object.entries(files)) store.edit(key, bytes(text));
    return wrap<Store>(store, {
      read: (refs, options) => (this.read.push(...refs.map(({ key }) => key)), store.read(refs, options)),
      write: (batch, options) => (this.written.push(...batch.flatMap((write) => (write.kind === 'put' ? [write.entry.key] : []))), store.write(batch, options)),
      whereabouts: ({ key, version }) => (version === undefined ? undefined : { service: 'here', path: `${name} ${key}`, version }),
      takeOver: async (batch) => Promise.all(batch.map((takeover) => this.#take(store, takeover))),
    });
  }

  text(name: string, key: Key): string | undefined {
    const value = this.#stores.get(name)?.dump()[key];
    return value === undefined ? undefined : Buffer.from(value as Uint8Array).toString();
  }

  async #take(store: MemoryStore, takeover: Takeover): Promise<Outcome | undefined> {
    this.taken.push(takeover);
    const answer = this.answer(takeover);
    if (answer?.kind !== 'done') return answer;
    const [name = '', key = ''] = takeover.from.path.split(' ');
    const content = { kind: 'blob', bytes: () => [bytes(this.text(name, key) ?? '')] } as never;
    return (await store.write([{ kind: 'put', entry: { key: takeover.entry.key, content }, ...(takeover.expect && { expect: takeover.expect }) }]))[0];
  }
}

test('what a sink can take over is not read, and expects what the plan saw', async () => {
  const service = new Service();
  const [left, right] = [service.store('left', { a: 'a', b: 'new' }), service.store('right', { b: 'old' })];
  const report = await runSync({ origins: [left], target: right });
  assert.deepEqual([report.counts.created, report.counts.updated, service.read, service.written], [1, 1, [], []]);
  assert.deepEqual([service.text('right', 'a'), service.text('right', 'b')], ['a', 'new']);
  assert.deepEqual(service.taken.map(({ expect }) => expect && Object.keys(expect)[0]), ['absent', 'version']);
  assert.deepEqual(service.taken.map(({ entry }) => entry.content), [undefined, undefined]);
});

test('what it leaves, or cannot do just now, is read and put', async () => {
  const failing = (code: 'unavailable' | 'corrupt'): Outcome => ({ kind: 'failed', error: new SyncError(code, 'no') });
  const answers: readonly (readonly [answer: Service['answer'], put: boolean])[] = [
    [() => undefined, true], [() => failing('unavailable'), true], [() => failing('corrupt'), false], [() => { throw new Error('all of it'); }, true],
  ];
  for (const [answer, put] of answers) {
    const service = new Service(({ entry }) => (entry.key === 'a' ? answer({} as never) : { kind: 'done', stat: {} }));
    const report = await runSync({ origins: [service.store('left', { a: 'a' })], target: service.store('right') });
    assert.deepEqual([report.counts.created, report.counts.failed, service.read, service.text('right', 'a')], put ? [1, 0, ['a'], 'a'] : [0, 1, [], undefined]);
  }
});

test('what is stale is counted as that, unless it is what was wanted', async () => {
  const stale = (digest: string): Service['answer'] => ({ entry }) => ({ kind: 'stale', found: { key: entry.key, digest: { algorithm: 'md5', value: digest } } });
  const wanted = createHash('md5').update('a').digest('hex');
  for (const [digest, created] of [['other', 0], [wanted, 1]] as const) {
    const service = new Service(stale(digest));
    const report = await runSync({ origins: [service.store('left', { a: 'a' })], target: service.store('right') });
    assert.deepEqual([report.counts.created, report.differences, service.read], [created, 1 - created, []]);
  }
});

test('backups are taken over as well, before anything is replaced, and a failure keeps what there is', async () => {
  const service = new Service();
  const backup = service.store('backup');
  const run = { origins: [service.store('left', { a: 'new' })], target: service.store('right', { a: 'old', b: 'gone' }), backup, deletes: 'propagate', guard: { maxDeletes: 2 } } as const;
  await runSync(run);
  assert.deepEqual([service.text('backup', 'a'), service.text('backup', 'b'), service.text('right', 'a'), service.text('right', 'b')], ['old', 'gone', 'new', undefined]);
  assert.deepEqual(service.read, []);
  assert.deepEqual(service.taken.map(({ from }) => from.path), ['right a', 'left a', 'right b']);
  const refusing = new Service(({ from }) => (from.path.startsWith('right') ? { kind: 'failed', error: new SyncError('denied', 'no room') } : { kind: 'done', stat: {} }));
  const origins = [refusing.store('left', { a: 'new' })];
  await assert.rejects(runSync({ origins, target: refusing.store('right', { a: 'old' }), backup: refusing.store('backup') }), { code: 'denied' });
  assert.equal(refusing.text('right', 'a'), 'old');
});

test('two-way runs and other names for keys take over too', async () => {
  const service = new Service();
  await using state = openState(undefined);
  await runMerge({ left: renamed(service.store('left', { 'in/a': 'a' }), prefixes({ remove: 'in/' })), right: renamed(service.store('right', { 'out/b': 'b' }), prefixes({ remove: 'out/' })), state });
  assert.deepEqual([service.text('right', 'out/a'), service.text('left', 'in/b'), service.read, service.written], ['a', 'b', [], []]);
  assert.deepEqual(service.taken.map(({ entry, from }) => [entry.key, from.path]).toSorted(), [['in/b', 'right out/b'], ['out/a', 'left in/a']]);
});
