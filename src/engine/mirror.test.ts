import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { plainHost } from '../model/plain-host.ts';
import type { Store } from '../model/store.ts';
import { MemoryStore } from '../stores/memory/memory-store.ts';
import type { MemoryStoreOptions } from '../stores/memory/memory-store.ts';
import { TreeStore } from '../stores/tree/tree-store.ts';
import { wrap } from '../testing/index.ts';
import { openState } from './state/sqlite-state.ts';
import type { State } from './state/state.ts';
import { runSync } from './sync.ts';
import type { OneWay } from './types.ts';

/** A directory, a store that stamps its own times as buckets do, and what was read of either. */
class Mirror implements AsyncDisposable {
  readonly root: string = mkdtempSync(join(tmpdir(), 'syncline-test-'));
  readonly bucket: MemoryStore;
  readonly state: State = openState(undefined);
  readonly reads: { left: string[]; right: string[] } = { left: [], right: [] };
  readonly writes: string[] = [];

  constructor(options: MemoryStoreOptions = { digests: ['md5'] }) {
    this.bucket = new MemoryStore({ holds: 'blobs', modifiedAt: 'assigned', modifiedAtPrecision: 1_000_000, name: 'bucket', now: () => 1_000_000 * this.writes.length, ...options });
  }

  write(files: { readonly [path: string]: string }): void {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(this.root, path)), { recursive: true });
      writeFileSync(join(this.root, path), text);
    }
  }

  /** What a run wrote and read. */
  async run(options: Partial<OneWay> = {}): Promise<{ readonly wrote: readonly string[]; readonly readLeft: readonly string[]; readonly readRight: readonly string[] }> {
    for (const list of [this.reads.left, this.reads.right, this.writes]) list.length = 0;
    const tree = new TreeStore(this.root, plainHost);
    const left = wrap<Store>(tree, { read: (refs, given) => (this.reads.left.push(...refs.map(({ key }) => key)), tree.read(refs, given)) });
    const right = wrap<Store>(this.bucket, {
      read: (refs, given) => (this.reads.right.push(...refs.map(({ key }) => key)), this.bucket.read(refs, given)),
      write: (batch, given) => (this.writes.push(...batch.map((write) => (write.kind === 'put' ? write.entry.key : `-${write.ref.key}`))), this.bucket.write(batch, given)),
    });
    await runSync({ origins: [left], target: right, state: this.state, ...options });
    return { wrote: [...this.writes], readLeft: [...this.reads.left], readRight: [...this.reads.right] };
  }

  text(key: string): string {
    return Buffer.from(this.bucket.dump()[key] as Uint8Array).toString();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    rmSync(this.root, { recursive: true, force: true });
    await this.state[Symbol.asyncDispose]();
  }
}

const nothing = { wrote: [], readLeft: [], readRight: [] };

for (const [what, options] of [['with digests', { digests: ['md5'] }], ['without digests', { digests: [] }]] as const) {
  test(`a second run into a store ${what} writes nothing and reads no content`, async () => {
    await using mirror = new Mirror(options);
    mirror.write({ 'a': 'one', 'b/c': 'two', 'b/d': '' });
    assert.deepEqual((await mirror.run()).wrote, ['a', 'b/c', 'b/d']);
    assert.deepEqual(await mirror.run(), nothing);
    assert.deepEqual(await mirror.run({ under: ['b'] }), nothing);
  });

  test(`an edit that keeps size and time is found by the time of change, and so is one behind our back, ${what}`, async () => {
    await using mirror = new Mirror(options);
    mirror.write({ a: 'one', b: 'two', c: 'six' });
    await mirror.run();
    const { atime, mtime } = statSync(join(mirror.root, 'a'));
    mirror.write({ a: 'ONE' });
    utimesSync(join(mirror.root, 'a'), atime, mtime);
    mirror.bucket.edit('b', Buffer.from('TWO'));
    mirror.bucket.drop('c');
    assert.deepEqual((await mirror.run()).wrote, ['a', 'b', 'c']);
    assert.deepEqual([mirror.text('a'), mirror.text('b'), mirror.text('c')], ['ONE', 'two', 'six']);
    assert.deepEqual(await mirror.run(), nothing);
  });
}

test('a file that was only touched is read once and not written', async () => {
  await using mirror = new Mirror();
  mirror.write({ a: 'one' });
  await mirror.run();
  utimesSync(join(mirror.root, 'a'), 1, 1);
  assert.deepEqual(await mirror.run(), { wrote: [], readLeft: ['a'], readRight: [] });
  assert.deepEqual(await mirror.run(), nothing);
});

test('a store that was filled by somebody else is compared by digest, and what is equal stays', async () => {
  await using mirror = new Mirror();
  mirror.write({ a: 'one', b: 'two' });
  mirror.bucket.edit('a', Buffer.from('one'));
  mirror.bucket.edit('b', Buffer.from('TWO'));
  assert.deepEqual((await mirror.run()).wrote, ['b']);
  assert.deepEqual(await mirror.run(), nothing);
});

test('an object made of parts is recognised whatever usual size they had', async () => {
  await using mirror = new Mirror({ digests: [] });
  const parts = wrap<Store>(mirror.bucket, {
    async *scan(given) {
      for await (const page of mirror.bucket.scan(given)) yield { entries: page.entries.map((entry) => ({ ...entry, digest: { algorithm: 'md5-parts', value: '59ca0efa9f5633cb0371bbc0355478d8-1' } as const })) };
    },
  });
  // The MD5 of one part that holds 13 bytes, as a service gives it for one part uploaded as such.
  mirror.write({ a: 'hello, parts\n' });
  mirror.bucket.edit('a', Buffer.from('hello, PARTS\n'));
  const { createHash } = await import('node:crypto');
  const value = `${createHash('md5').update(createHash('md5').update('hello, parts\n').digest()).digest('hex')}-1`;
  const equal = wrap<Store>(mirror.bucket, {
    async *scan(given) {
      for await (const page of mirror.bucket.scan(given)) yield { entries: page.entries.map((entry) => ({ ...entry, digest: { algorithm: 'md5-parts', value } as const })) };
    },
  });
  const origins = [new TreeStore(mirror.root, plainHost)];
  assert.equal((await runSync({ origins, target: equal, state: mirror.state })).counts.unchanged, 1);
  assert.equal((await runSync({ origins, target: parts, state: mirror.state })).counts.updated, 1);
});

test('what makes two files equal, and what may be replaced, is for the user to say', async () => {
  await using mirror = new Mirror();
  mirror.write({ a: 'one' });
  await mirror.run();
  mirror.write({ a: 'ONE', b: 'new' });
  assert.deepEqual((await mirror.run({ equal: 'size' })).wrote, ['b']);
  assert.deepEqual((await mirror.run({ replace: 'never' })).wrote, []);
  const refused = await runSync({ origins: [new TreeStore(mirror.root, plainHost)], target: mirror.bucket, state: mirror.state, replace: 'refuse' });
  assert.deepEqual([refused.counts.failed, refused.differences, mirror.text('a')], [1, 1, 'one']);
  assert.match(refused.failures[0]!.error.message, /a is held with another content/);
  assert.deepEqual((await mirror.run()).wrote, ['a']);
  assert.deepEqual((await mirror.run({ equal: 'nothing' })).wrote, ['a', 'b']);
});

test('only what is older is replaced where that was asked for', async () => {
  await using mirror = new Mirror({ digests: ['md5'], modifiedAt: 'kept', modifiedAtPrecision: 1 });
  mirror.write({ a: 'mine', b: 'mine' });
  utimesSync(join(mirror.root, 'a'), 100, 100);
  utimesSync(join(mirror.root, 'b'), 100, 100);
  mirror.bucket.edit('a', Buffer.from('older'), { modifiedAt: 99_000_000 });
  mirror.bucket.edit('b', Buffer.from('newer'), { modifiedAt: 101_000_000 });
  assert.deepEqual((await mirror.run({ replace: 'older' })).wrote, ['a']);
});

test('what is replaced and deleted is kept where that was asked for', async () => {
  await using mirror = new Mirror();
  mirror.write({ 'a': 'one', 'b/c': 'two', 'd': 'three' });
  await mirror.run();
  mirror.write({ a: 'ONE' });
  rmSync(join(mirror.root, 'b'), { recursive: true });
  const backup = new MemoryStore({ holds: 'blobs' });
  assert.deepEqual((await mirror.run({ deletes: 'propagate', backup })).wrote, ['a', '-b/c']);
  assert.deepEqual(Object.entries(backup.dump()).map(([key, bytes]) => [key, Buffer.from(bytes as Uint8Array).toString()]), [['a', 'one'], ['b/c', 'two']]);

  const full = wrap<Store>(backup, { write: async () => { throw new Error('no room'); } });
  mirror.write({ a: 'two' });
  await assert.rejects(mirror.run({ backup: full }), /no room/);
  assert.equal(mirror.text('a'), 'ONE');
});

test('a run that looks at a part of both sides changes nothing outside it, and deletes an empty part under the guard', async () => {
  await using mirror = new Mirror();
  mirror.write({ 'a/1': 'x', 'a/2': 'x', 'ab': 'x', 'b/1': 'x', 'b/2': 'x' });
  await mirror.run();
  for (const path of ['a', 'b']) rmSync(join(mirror.root, path), { recursive: true });
  mirror.write({ ab: 'y' });
  await assert.rejects(mirror.run({ deletes: 'propagate', under: ['a'] }), { code: 'guarded' });
  assert.deepEqual((await mirror.run({ deletes: 'propagate', under: ['a'], held: 5 })).wrote, ['-a/1', '-a/2']);
  assert.deepEqual(Object.keys(mirror.bucket.dump()), ['ab', 'b/1', 'b/2']);
  assert.equal(mirror.text('ab'), 'x');
});

test('a place that is another than last time is not believed to have lost its entries', async () => {
  await using mirror = new Mirror();
  mirror.write({ a: 'one', b: 'two', c: 'three' });
  const on = (disk: string, options: Partial<OneWay> = {}): Promise<unknown> => {
    const tree = new TreeStore(mirror.root, plainHost);
    return runSync({ origins: [wrap<Store>(tree, { fingerprint: async () => disk })], target: mirror.bucket, state: mirror.state, deletes: 'propagate', ...options });
  };
  await on('one');
  rmSync(join(mirror.root, 'c'));
  await assert.rejects(on('another'), { code: 'guarded', message: /is not the place it was at the last run/ });
  assert.deepEqual(Object.keys(mirror.bucket.dump()), ['a', 'b', 'c']);
  await on('one');
  assert.deepEqual(Object.keys(mirror.bucket.dump()), ['a', 'b']);
  await on('another', { guard: { maxDeletes: 1 } });
  rmSync(join(mirror.root, 'b'));
  await on('another');
  assert.deepEqual(Object.keys(mirror.bucket.dump()), ['a']);
});

test('a place that the run itself makes is known from then on', async () => {
  await using mirror = new Mirror();
  mirror.write({ a: 'one' });
  let asked = 0;
  const target = wrap<Store>(mirror.bucket, { fingerprint: async () => (asked++ === 0 ? undefined : 'made') });
  await runSync({ origins: [new TreeStore(mirror.root, plainHost)], target, state: mirror.state });
  assert.equal(mirror.state.fingerprint(target.identity), 'made');
});

test('a run stops where its budget ends, deletes nothing then, and the next one goes on', async () => {
  await using mirror = new Mirror({ digests: ['md5'], batchEntries: 1, inFlight: 1 });
  mirror.bucket.edit('z', Buffer.from('surplus'));
  mirror.bucket.edit('y', Buffer.from('held'));
  mirror.write({ a: 'x'.repeat(100), b: 'x'.repeat(100), c: 'x'.repeat(100), y: 'held' });
  const origins = [new TreeStore(mirror.root, plainHost)];
  const first = await runSync({ origins, target: mirror.bucket, state: mirror.state, deletes: 'propagate', budget: { maxBytes: 150 } });
  assert.deepEqual([first.counts.created, first.counts.deleted, first.differences], [2, 0, 2]);
  assert.match(first.warnings.join(), /200 bytes were sent, and 150 were allowed/);
  const second = await runSync({ origins, target: mirror.bucket, state: mirror.state, deletes: 'propagate', budget: { maxBytes: 150 } });
  assert.deepEqual([second.counts.created, second.counts.deleted, second.differences], [1, 1, 0]);
  let ms = 0;
  const host = { ...plainHost, now: () => (ms += 1_000) };
  mirror.write({ d: '1', e: '2' });
  const timed = await runSync({ origins, target: mirror.bucket, state: mirror.state, budget: { maxMs: 1 }, host });
  assert.deepEqual([timed.counts.created, timed.differences], [0, 2]);
});

test('bytes leave no faster than they may', async () => {
  await using mirror = new Mirror({ digests: ['md5'], batchEntries: 10 });
  mirror.write({ a: 'x'.repeat(3_000), b: 'x'.repeat(3_000) });
  let slept = 0;
  const host = { ...plainHost, now: () => 1_000_000 + slept, sleep: async (forMs: number) => { slept += forMs; } };
  await runSync({ origins: [new TreeStore(mirror.root, plainHost)], target: mirror.bucket, state: mirror.state, host, budget: { bandwidth: { slots: [{ minute: 0, bytesPerSecond: 1_000 }] } } });
  assert.ok(slept >= 5_700 && slept <= 6_000, String(slept));
});

test('of what the source holds the source says whether it is in scope, and of the rest the target', async () => {
  await using mirror = new Mirror();
  mirror.write({ small: 'x', grown: 'x'.repeat(50) });
  mirror.bucket.edit('grown', Buffer.from('y'));
  mirror.bucket.edit('small', Buffer.from('z'.repeat(50)));
  mirror.bucket.edit('extra', Buffer.from('z'));
  mirror.bucket.edit('large', Buffer.from('z'.repeat(50)));
  const { wrote } = await mirror.run({ deletes: 'propagate', within: ({ size = 0 }) => size < 10 });
  assert.deepEqual(wrote, ['small', '-extra']);
});

test('content that is not what it was listed as is not kept', async () => {
  await using mirror = new Mirror();
  mirror.bucket.edit('a', Buffer.from('whole'));
  const torn = wrap<Store>(mirror.bucket, {
    read: async (refs, given) => (await mirror.bucket.read(refs, given)).map((entry) => entry && { ...entry, content: { kind: 'blob', async *bytes() { yield Buffer.from('who'); } } }),
  });
  const report = await runSync({ origins: [torn], target: new TreeStore(mirror.root, plainHost), state: mirror.state });
  assert.deepEqual([report.counts.created, report.counts.failed], [0, 1]);
  await runSync({ origins: [mirror.bucket], target: new TreeStore(mirror.root, plainHost), state: mirror.state });
  assert.equal(readFileSync(join(mirror.root, 'a'), 'utf8'), 'whole');
});
