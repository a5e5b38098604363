// Copies within one Swift account, on a real server, and what rules say of objects there.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { openState } from '../src/engine/state/sqlite-state.ts';
import { runSync } from '../src/engine/sync.ts';
import type { Entry } from '../src/model/entry.ts';
import type { KeepingRules } from '../src/model/keeping.ts';
import type { Expectation, Outcome, Store } from '../src/model/store.ts';
import type { SwiftOptions } from '../src/stores/swift/kind.ts';
import type { Interference, Passing } from './services/interfering-proxy.ts';
import { access, ask, done, keys, list, md5, newContainer, open, openThrough, put, read } from './services/swift-bench.ts';
import { skipWithoutSwift } from './services/swift.ts';

const skip = await skipWithoutSwift();

interface World extends AsyncDisposable {
  readonly from: Store;
  readonly to: Store;
  readonly container: string;
  readonly seen: readonly Passing[];
}

/** Two containers of one account, seen through a proxy. */
async function twoContainers(interfere: (passing: Passing) => Interference | undefined = () => undefined, options: SwiftOptions = {}): Promise<World> {
  await using opened = new AsyncDisposableStack();
  const container = newContainer();
  const { store: to, proxy } = opened.use(await openThrough(container, interfere, options));
  const from = opened.use(await open(`${newContainer()}/from`, { segmentSize: 1024 * 1024, storageUrl: proxy.origin + (await account()) }));
  const kept = opened.move();
  return { from, to, container, seen: proxy.seen, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

async function account(): Promise<string> {
  const { url } = await access();
  return new URL(url).pathname;
}

async function takeOver({ from, to }: World, key: string, expect?: Expectation, more: Partial<Entry> = {}): Promise<Outcome | undefined> {
  const entry = { ...(await list(from)).find((one) => one.key === key)!, ...more };
  return (await to.takeOver!([{ entry, from: from.whereabouts!(entry)!, ...(expect && { expect }) }]))[0];
}

function readings(seen: readonly Passing[]): readonly string[] {
  return seen.filter(({ method, url }) => method === 'GET' && !url.includes('format=json')).map(({ url }) => url);
}

describe('a copy within one account', { skip }, () => {
  test('brings all that is kept beside the content, whatever the name, and moves no bytes', async () => {
    await using world = await twoContainers();
    for (const name of ['page.html', 'ä b+c%20&?x.html', 'a/./b']) {
      await done(put(world.from, name, 'x'.repeat(1_000), { attributes: { modifiedAt: 1_700_000_000_123_456, mode: 0o640 } }));
      const before = world.seen.length;
      assert.deepEqual(await takeOver(world, name, { absent: true }), { kind: 'done', stat: { version: md5('x'.repeat(1_000)), size: 1_000, digest: { algorithm: 'md5', value: md5('x'.repeat(1_000)) } }, unguarded: true });
      assert.deepEqual(readings(world.seen.slice(before)), []);
      const [copy] = await world.to.read([{ key: name }]);
      assert.deepEqual(copy?.attributes, { modifiedAt: 1_700_000_000_123_456, mode: 0o640 });
      assert.equal(copy.content?.kind === 'blob' && copy.content.mediaType, name.endsWith('.html') ? 'text/html' : 'application/octet-stream');
    }
    assert.equal((await takeOver(world, 'page.html', { absent: true }))?.kind, 'stale');
    assert.equal((await takeOver(world, 'page.html', { version: md5('else') }))?.kind, 'stale');
  });

  test('takes the segments of a large object along that it replaces', async () => {
    await using world = await twoContainers(undefined, { segmentSize: 1024 * 1024 });
    await done(put(world.from, 'a', 'small'));
    await done(put(world.to, 'a', 'x'.repeat(3 * 1024 * 1024), { size: 3 * 1024 * 1024 }));
    assert.equal((await keys(await open(`${world.container}_segments`))).length, 3);
    assert.equal((await takeOver(world, 'a'))?.kind, 'done');
    assert.deepEqual([(await read(world.to, 'a')).toString(), await keys(await open(`${world.container}_segments`))], ['small', []]);
  });

  test('is left to be read and put where the source is large, another one by now, gone, or elsewhere', async () => {
    await using world = await twoContainers();
    await done(put(world.from, 'large', 'x'.repeat(3 * 1024 * 1024), { size: 3 * 1024 * 1024 }));
    await done(put(world.from, 'a', 'a'));
    await done(put(world.to, 'a', 'before'));
    assert.equal(await takeOver(world, 'large'), undefined);
    assert.equal(await takeOver(world, 'a', undefined, { version: md5('b'), digest: { algorithm: 'md5', value: md5('b') } }), undefined);
    const entry = (await list(world.from)).find(({ key }) => key === 'a')!;
    const from = world.from.whereabouts!(entry)!;
    await world.from.write([{ kind: 'delete', ref: { key: 'a' } }]);
    assert.deepEqual(await world.to.takeOver!([{ entry, from }, { entry, from: { ...from, service: 'other' } }]), [undefined, undefined]);
    assert.equal((await read(world.to, 'a')).toString(), 'before');
  });

  test('that the server knows nothing of does not empty what is there', async () => {
    await using world = await twoContainers();
    await done(put(world.to, 'a', 'before'));
    const answer = await ask('PUT', `${world.container}/a`, { headers: { etag: md5('source') } });
    assert.equal(answer.status, 422);
    assert.equal((await read(world.to, 'a')).toString(), 'before');
  });

  test('that became something else is a failure and no success', async () => {
    await using world = await twoContainers(({ headers }) => (headers['x-copy-from'] !== undefined ? { kind: 'answer', status: 201, headers: { etag: md5('other') } } : undefined));
    await done(put(world.from, 'a', 'a'));
    const outcome = await takeOver(world, 'a');
    assert.ok(outcome?.kind === 'failed' && /stored as something else than its source/.test(outcome.error.sentence));
  });

  test('a run moves no bytes but those of large objects, and the second one finds nothing to do', async () => {
    await using world = await twoContainers();
    await using state = openState(undefined);
    for (const [name, bytes] of [['a', 'a'], ['b/c', 'c'], ['large', 'x'.repeat(2 * 1024 * 1024)]] as const) await done(put(world.from, name, bytes, { size: bytes.length }));
    const before = world.seen.length;
    const run = { origins: [world.from], target: world.to, state };
    assert.equal((await runSync(run)).counts.created, 3);
    assert.ok(readings(world.seen.slice(before)).every((url) => url.endsWith('/large') || url.endsWith('multipart-manifest=get') || url.endsWith('/info')), readings(world.seen.slice(before)).join(' '));
    assert.deepEqual(await keys(world.to), ['a', 'b/c', 'large']);
    assert.equal((await runSync(run)).counts.unchanged, 3);
  });
});

describe('rules about objects', { skip }, () => {
  const rules: KeepingRules = { all: [], keepingOf: (key) => (key.endsWith('.html') ? { contentType: 'text/x-own', cacheControl: 'max-age=60' } : {}) };

  test('say of what type they are and how long they are cached, for what is put and for what is copied', async () => {
    await using world = await twoContainers(undefined, { keeping: rules });
    for (const name of ['page.html', 'image.png']) {
      await done(put(world.to, `put/${name}`, 'x'));
      await done(put(world.from, name, 'x'));
      assert.equal((await takeOver(world, name))?.kind, 'done');
    }
    const said = async (name: string): Promise<readonly unknown[]> => {
      const { headers } = await ask('HEAD', `${world.container}/${name}`);
      return [headers['content-type'], headers['cache-control']];
    };
    for (const folder of ['put/', '']) assert.deepEqual([await said(`${folder}page.html`), await said(`${folder}image.png`)], [['text/x-own', 'max-age=60'], ['image/png', undefined]]);
  });

  test('that are about what objects of Swift do not have are refused', async () => {
    await assert.rejects(open(newContainer(), { keeping: { all: [{ acl: 'private' }], keepingOf: () => ({}) } }), { code: 'invalid', message: /keep their objects in one class/ });
  });
});
