import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, test } from 'node:test';
import { SyncError } from '../src/model/errors.ts';
import { kind } from '../src/stores/swift/kind.ts';
import type { Passing } from './services/interfering-proxy.ts';
import { FaultProxy } from './faults/proxy.ts';
import { access, ask, bytesOf, done, failed, first, hostWith, keys, list, md5, namesIn, newContainer, open, openThrough, put, read } from './services/swift-bench.ts';
import { skipWithoutSwift, startSwift } from './services/swift.ts';

const skip = await skipWithoutSwift();
const mebibyte = 1024 * 1024;
const isPut = ({ method }: Passing): boolean => method === 'PUT';
const isListing = ({ method, url }: Passing): boolean => method === 'GET' && url.includes('format=json');

describe('listings', { skip }, () => {
  test('a listing of many pages is whole and in the order of keys', async () => {
    await using swift = await startSwift({ listingLimit: 5 });
    const store = await open('pages', {}, swift.environment);
    const names = ['a', 'a-b', 'a/b', 'a/c/d', 'a0', 'B', 'é', '\uFFFD', '\u{1F600}', '..', './x', '%41', 'x?y#z'].toSorted();
    for (const name of names) await done(put(store, name, name));
    assert.deepEqual(await keys(store), names.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))));
    await store[Symbol.asyncDispose]();
  });

  test('only what lies under the keys asked for is listed, in order, each once', async () => {
    const container = newContainer();
    await using through = await openThrough(container, () => undefined);
    for (const name of ['a', 'a-b', 'a/b', 'a/b/c', 'ab', 'b/x', 'c']) await done(put(through.store, name, name));
    assert.deepEqual(await keys(through.store, { under: ['a'] }), ['a', 'a/b', 'a/b/c']);
    assert.deepEqual(await keys(through.store, { under: ['c', 'a-b', 'a/b', 'a', 'none'] }), ['a', 'a-b', 'a/b', 'a/b/c', 'c']);
    assert.deepEqual(await keys(through.store, { under: [] }), []);
    assert.equal((await keys(through.store, { under: ['a', ''] })).length, 7);
  });

  test('a store below a prefix sees nothing beside it', async () => {
    const container = newContainer();
    const whole = await open(container);
    for (const name of ['www/a', 'www2', 'www', 'www/b/c']) await done(put(whole, name, name));
    for (const [name, type] of [['www/', 'text/plain'], ['www/b/', 'text/plain'], ['www/b', 'application/directory']] as const) await ask('PUT', `${container}/${name}`, { headers: { 'content-type': type } });
    const part = await open(`${container}/www/`);
    assert.deepEqual(await keys(part), ['a', 'b/c']);
    assert.deepEqual(await keys(part, { under: ['b'] }), ['b/c']);
    assert.ok(part.identity.startsWith(`${whole.identity}/`));
  });

  test('a listing out of order is refused, and so is one that breaks off', async () => {
    const container = newContainer();
    const store = await open(container);
    for (const name of ['a', 'b', 'c']) await done(put(store, name, name));
    const swap = (body: Buffer): Buffer => Buffer.from(JSON.stringify((JSON.parse(body.toString()) as readonly unknown[]).toReversed()));
    await using disordered = await openThrough(container, first(1, isListing, { kind: 'edit', edit: swap }));
    await assert.rejects(keys(disordered.store), { code: 'corrupt' });
    await using failing = await openThrough(container, ({ url }) => (url.includes('marker=') ? { kind: 'answer', status: 500 } : undefined));
    await assert.rejects(keys(failing.store), (error: SyncError) => error.code === 'unavailable' && error.details.attempts === 5);
    await using broken = await openThrough(container, first(2, isListing, { kind: 'cut', bytes: 50 }));
    assert.deepEqual(await keys(broken.store), ['a', 'b', 'c']);
  });

  test('what other programs keep is listed as what it holds', async () => {
    const container = newContainer();
    const store = await open(container);
    await done(put(store, 'empty', ''));
    await ask('PUT', `${container}-parts`);
    for (const i of [1, 2]) await ask('PUT', `${container}-parts/dynamic/${i}`, { body: `part ${i}.` });
    await ask('PUT', `${container}/dynamic`, { headers: { 'x-object-manifest': `${container}-parts/dynamic/` } });
    await ask('PUT', `${container}/link`, { headers: { 'x-symlink-target': `${container}/dynamic` } });
    const listed = await list(store);
    assert.deepEqual(listed.map(({ key, size }) => [key, size]), [['dynamic', 14], ['empty', 0], ['link', 14]]);
    assert.deepEqual(listed.map(({ digest }) => digest?.value), [undefined, md5(''), undefined]);
    for (const key of ['dynamic', 'link']) assert.equal((await read(store, key)).toString(), 'part 1.part 2.');
  });
});

describe('large objects', { skip }, () => {
  const content = randomBytes(5 * mebibyte + 17);
  const options = { segmentSize: 2 * mebibyte };

  test('content larger than a segment is kept in segments and is one object', async () => {
    const container = newContainer();
    const store = await open(container, options);
    const { stat } = await done(put(store, 'big', content, { size: content.length, version: 'v1', attributes: { mode: 0o640 }, expect: { absent: true } }));
    assert.equal((await namesIn(`${container}_segments`)).length, 3);
    const [listed] = await list(store);
    const [found] = await store.read([{ key: 'big' }]);
    assert.deepEqual([stat.version, stat.size, stat.digest], [listed?.version, content.length, undefined]);
    assert.deepEqual([found?.version, found?.size, found?.digest, found?.attributes], [listed?.version, listed?.size, undefined, { mode: 0o640 }]);
    assert.ok((await bytesOf(found)).equals(content));
    assert.equal((await put(store, 'big', content, { size: content.length, expect: { absent: true } })).kind, 'stale');
  });

  test('segments go up at once where the memory for them is there, and else one after the other', async () => {
    const { url } = await access();
    for (const [memory, most] of [[8 * mebibyte, 4], [3 * mebibyte, 1]] as const) {
      await using proxy = await FaultProxy.start(new URL(url).origin);
      const container = newContainer();
      await ask('PUT', `${container}_segments`);
      const store = await open(container, { segmentSize: mebibyte * 2, memory, storageUrl: proxy.url + new URL(url).pathname });
      let [now, atOnce] = [0, 0];
      proxy.onRequest = ({ kind: what }) => { if (what === 'part') atOnce = Math.max(atOnce, ++now); };
      proxy.onAnswered = ({ kind: what }) => { if (what === 'part') now--; };
      // The first of them wait for the others, however slowly those come.
      proxy.rule = ({ kind: what, nth }) => (what === 'part' && nth < most ? { fault: 'delay', ms: 1_500 } : undefined);
      const long = Buffer.concat([content, content]);
      await done(put(store, 'big', long, { size: long.length, version: 'v1' }));
      assert.equal(atOnce, most);
      assert.ok((await read(store, 'big')).equals(long));
      assert.equal((await namesIn(`${container}_segments`)).length, 6);
      await store[Symbol.asyncDispose]();
    }
  });

  test('an upload that was cut off goes on with the segments that are there', async () => {
    const container = newContainer();
    await ask('PUT', container);
    await using through = await openThrough(container, () => undefined, options);
    const half = { kind: 'blob', async *bytes(): AsyncGenerator<Uint8Array> { yield content.subarray(0, 4 * mebibyte + 5); throw new SyncError('interrupted', 'the line went dead'); } } as const;
    const entry = { key: 'big', size: content.length, version: 'v1' };
    const [cut] = await through.store.write([{ kind: 'put', entry: { ...entry, content: half } }]);
    assert.equal(cut?.kind, 'failed');
    assert.deepEqual(await keys(through.store), []);
    const before = through.proxy.seen.length;
    await done(put(through.store, 'big', content, entry));
    const sent = through.proxy.seen.slice(before).filter(isPut);
    assert.equal(sent.length, 2, 'one segment and the manifest');
    assert.ok((await read(through.store, 'big')).equals(content));
  });

  test('what an earlier upload left is not taken for what it is not', async () => {
    const container = newContainer();
    const store = await open(container, options);
    await done(put(store, 'big', content, { size: content.length, version: 'v1' }));
    const [segment = ''] = await namesIn(`${container}_segments`);
    await ask('PUT', `${container}_segments/${segment}`, { body: 'x'.repeat(2 * mebibyte) });
    await done(put(store, 'big', content, { size: content.length, version: 'v1' }));
    assert.ok((await read(store, 'big')).equals(content));
  });

  test('segments go with the object they belong to', async () => {
    const container = newContainer();
    const store = await open(container, options);
    await done(put(store, 'big', content, { size: content.length, version: 'v1' }));
    const old = await namesIn(`${container}_segments`);
    await done(put(store, 'big', content.subarray(1), { size: content.length - 1, version: 'v2' }));
    const now = await namesIn(`${container}_segments`);
    assert.deepEqual([now.length, now.filter((name) => old.includes(name))], [3, []]);
    await done(put(store, 'big', 'small'));
    assert.deepEqual(await namesIn(`${container}_segments`), []);
    await done(put(store, 'big', content, { size: content.length }));
    const [outcome] = await store.write([{ kind: 'delete', ref: { key: 'big' } }]);
    assert.equal(outcome?.kind, 'done');
    assert.deepEqual([...(await namesIn(`${container}_segments`)), ...(await namesIn(container))], []);
  });

  test('a link that is deleted or replaced leaves what it leads to alone', async () => {
    const container = newContainer();
    const store = await open(container, options);
    await done(put(store, 'big', content, { size: content.length }));
    for (const deletion of [true, false]) {
      await ask('PUT', `${container}/link`, { headers: { 'x-symlink-target': `${container}/big` } });
      if (deletion) await store.write([{ kind: 'delete', ref: { key: 'link' } }]);
      else await done(put(store, 'link', 'no link'));
      assert.ok((await read(store, 'big')).equals(content));
    }
    assert.deepEqual(await keys(store), ['big', 'link']);
  });

  test('a segment that does not get through is sent again, and content of unknown size as well', async () => {
    const container = newContainer();
    await using through = await openThrough(container, first(2, ({ method, url }) => method === 'PUT' && url.includes('_segments/'), { kind: 'answer', status: 503 }), { segmentSize: 4 * mebibyte });
    const more = Buffer.concat([content, content]);
    await done(put(through.store, 'big', more));
    assert.ok((await read(through.store, 'big')).equals(more));
  });

  test('content that does not have the size it was said to have is not stored', async () => {
    const store = await open(newContainer(), options);
    for (const [key, size] of [['short', content.length + 1], ['long', content.length - 1]] as const) assert.equal((await failed(put(store, key, content, { size }))).code, 'conflict');
    const plain = content.subarray(0, 1_500_000);
    for (const [key, size] of [['short', plain.length + 1], ['long', plain.length - 1]] as const) assert.equal((await failed(put(store, key, plain, { size }))).code, 'conflict');
    assert.deepEqual(await keys(store), []);
  });
});

describe('transfers', { skip }, () => {
  test('content of a known size is sent as it comes, and its checksum is verified', async () => {
    const store = await open(newContainer());
    const content = randomBytes(3 * mebibyte);
    const { stat } = await done(put(store, 'stream', content, { size: content.length }));
    assert.deepEqual(stat, { version: md5(content), digest: { algorithm: 'md5', value: md5(content) }, size: content.length });
    assert.equal((await put(store, 'stream', content, { size: content.length, expect: { absent: true } })).kind, 'stale');
    const wrong = { digest: { algorithm: 'md5', value: md5('other') } } as const;
    assert.equal((await failed(put(store, 'wrong', content, { size: content.length, ...wrong }))).code, 'unavailable');
    assert.deepEqual(await keys(store), ['stream']);
  });

  test('attributes travel, and those that s3cmd wrote are understood', async () => {
    const container = newContainer();
    const store = await open(container);
    const attributes = { modifiedAt: 1_700_000_000_123_456, mode: 0o755, link: true } as const;
    await done(put(store, 'a', 'target', { attributes }));
    await done(put(store, 'before', 'x', { attributes: { modifiedAt: -1_500_000 } }));
    await ask('PUT', `${container}/theirs`, { body: 'x', headers: { 'x-object-meta-s3cmd-attrs': 'uid:0/gname:root/mode:33188/mtime:1700000001/md5:0' } });
    const found = await store.read(['a', 'before', 'theirs', 'none'].map((key) => ({ key })));
    assert.deepEqual(found.map((entry) => entry?.attributes), [attributes, { modifiedAt: -1_500_000 }, { modifiedAt: 1_700_000_001_000_000, mode: 0o644 }, undefined]);
  });

  test('a download that breaks off goes on, and one that is damaged is refused', async () => {
    const container = newContainer();
    const content = randomBytes(2 * mebibyte);
    await done(put(await open(container), 'a', content));
    const isObject = ({ method, url }: Passing): boolean => method === 'GET' && url.endsWith('/a');
    await using broken = await openThrough(container, first(3, isObject, { kind: 'cut', bytes: 200_000 }));
    assert.ok((await read(broken.store, 'a')).equals(content));
    const damage = (body: Buffer): Buffer => body.fill(0, 10, 20);
    await using damaged = await openThrough(container, (passing) => (isObject(passing) ? { kind: 'edit', edit: damage } : undefined));
    await assert.rejects(read(damaged.store, 'a'), { code: 'unavailable' });
  });

  test('an object that is replaced while it is read is not read half old, half new', async () => {
    const store = await open(newContainer());
    await done(put(store, 'a', randomBytes(2 * mebibyte)));
    const [entry] = await store.read([{ key: 'a' }]);
    await done(put(store, 'a', randomBytes(2 * mebibyte)));
    await assert.rejects(bytesOf(entry), { code: 'conflict' });
  });

  test('a put whose answer was lost is known for our own', async () => {
    const container = newContainer();
    await done(put(await open(container), 'other', 'x'));
    await using through = await openThrough(container, first(1, isPut, { kind: 'lose' }));
    const { stat } = await done(put(through.store, 'a', 'mine', { expect: { absent: true } }));
    assert.equal(stat.version, md5('mine'));
    assert.equal(through.proxy.seen.filter(isPut).length, 2);
  });

  test('a token that is refused is renewed, once', async () => {
    const container = newContainer();
    await using once = await openThrough(container, first(1, () => true, { kind: 'answer', status: 401 }));
    await done(put(once.store, 'a', 'x'));
    await using always = await openThrough(container, () => ({ kind: 'answer', status: 401 }));
    const error = await failed(put(always.store, 'a', 'x'));
    assert.equal(error.code, 'denied');
    assert.equal(always.proxy.seen.length, 2);
  });

  test('what passes is waited for, and what does not is said in a sentence', async () => {
    const container = newContainer();
    await done(put(await open(container), 'b', 'x'));
    for (const status of [429, 498, 500, 502, 503, 504]) {
      await using through = await openThrough(container, first(2, isPut, { kind: 'answer', status }));
      await done(put(through.store, 'a', 'x'));
    }
    for (const [status, code] of [[403, 'denied'], [413, 'invalid'], [422, 'unavailable'], [429, 'throttled'], [498, 'throttled'], [503, 'unavailable'], [507, 'unavailable']] as const) {
      await using through = await openThrough(container, (passing) => (isPut(passing) ? { kind: 'answer', status } : undefined));
      const error = await failed(put(through.store, 'a', 'x'));
      assert.deepEqual([error.code, error.details.key], [code, 'a']);
      assert.match(error.sentence, new RegExp(`^cannot write swift://${container}/a: .* \\(${status}\\): `));
    }
  });

  test('a quota that is used up is called that', async () => {
    const container = newContainer();
    await ask('PUT', container, { headers: { 'x-container-meta-quota-bytes': '3' } });
    const error = await failed(put(await open(container), 'a', '12345'));
    assert.match(error.sentence, /quota/);
  });
});

describe('containers and deletions', { skip }, () => {
  test('a container that does not exist is refused, or made where that was asked for', async () => {
    const container = newContainer();
    const plain = await open(container, { create: false });
    await assert.rejects(keys(plain), { code: 'not-found', message: `the container ${container} does not exist` });
    await assert.rejects(put(plain, 'a', 'x'), { code: 'not-found' });
    await assert.rejects(keys(await open(container, { missing: 'refuse' })), { code: 'not-found' });
    const making = await open(container);
    assert.equal(await making.fingerprint?.(), undefined);
    assert.deepEqual(await keys(making), []);
    const outcomes = await making.write(['a', 'b', 'c'].map((key) => ({ kind: 'put', entry: { key, content: { kind: 'blob', async *bytes() {} } } })));
    assert.deepEqual(outcomes.map(({ kind: what }) => what), ['done', 'done', 'done']);
    assert.equal(await making.fingerprint?.(), await plain.fingerprint?.());
    assert.notEqual(await making.fingerprint?.(), undefined);
  });

  test('a container that may not be made is one failure, not one for each entry', async () => {
    const container = newContainer();
    await using through = await openThrough(container, ({ method, url }) => (method === 'PUT' && url.endsWith(`/${container}`) ? { kind: 'answer', status: 403 } : undefined));
    await assert.rejects(put(through.store, 'a', 'x'), { code: 'denied', message: new RegExp(`^cannot create the container ${container}`) });
  });

  test('many are deleted in one request, and where it does not say what it did, one by one', async () => {
    const names = ['a', 'ä/b', 'x y', '%41', '..', 'line\nfeed', 'gone'];
    for (const what of [undefined, { kind: 'cut', bytes: 5 }, { kind: 'edit', edit: () => Buffer.from('{"Number Deleted": 1, "Number Not Found": 0, "Errors": []}') }] as const) {
      const container = newContainer();
      const isBulk = ({ url }: Passing): boolean => url.includes('bulk-delete');
      await using through = await openThrough(container, (passing) => (isBulk(passing) ? what : undefined));
      for (const name of [...names.slice(0, -1), 'stays']) await done(put(through.store, name, name));
      const outcomes = await through.store.write(names.map((key) => ({ kind: 'delete', ref: { key } })));
      assert.ok(outcomes.every((outcome) => outcome.kind === 'done'));
      assert.deepEqual(await keys(through.store), ['stays']);
      assert.ok(through.proxy.seen.some(isBulk));
      if (what === undefined) assert.equal(through.proxy.seen.filter(({ method }) => method === 'DELETE').length, 0);
    }
  });

  test('what cannot be deleted is said for each, and does not keep the others', async () => {
    const container = newContainer();
    const forbidden = (body: Buffer): Buffer => Buffer.from(JSON.stringify({ ...JSON.parse(body.toString()) as object, 'Number Deleted': 2, 'Errors': [[`/${container}/b%20c`, '403 Forbidden']] }));
    await using through = await openThrough(container, ({ method, url }) => (url.includes('bulk-delete') ? { kind: 'edit', edit: forbidden } : method === 'DELETE' ? { kind: 'answer', status: 403 } : undefined));
    for (const name of ['a', 'b c', 'd']) await done(put(through.store, name, name));
    const outcomes = await through.store.write(['a', 'b c', 'd'].map((key) => ({ kind: 'delete', ref: { key } })));
    assert.deepEqual(outcomes.map(({ kind: what }) => what), ['done', 'failed', 'done']);
    assert.ok(outcomes[1]?.kind === 'failed' && outcomes[1].error.details.key === 'b c');
  });

  test('an endpoint that names no container is refused', async () => {
    for (const endpoint of ['swift://', 'swift:///a', `swift://${'c'.repeat(257)}`]) await assert.rejects(kind.open(endpoint, {}, hostWith({ ST_AUTH: 'http://localhost/auth/v1.0', ST_USER: 'u', ST_KEY: 'k' })), { code: 'invalid' });
  });
});
