// What crosses modules: buckets on a real server.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { SyncError } from '../src/model/errors.ts';
import { missingS3, newBucket, openS3, s3Server } from './services/s3.ts';
import { between, bytesOf, failureOf, fill, keysOf, large, md5, mebibyte, originOf, put, blob } from './services/s3-bucket.ts';

const impatient = { maxAttempts: 1 };

/** A listing as by a service that escapes keys as it was asked to. */
function escaped(xml: string): string {
  return xml.replace('<IsTruncated>', '<EncodingType>url</EncodingType><IsTruncated>');
}

describe('a bucket', { skip: missingS3 }, () => {
  test('a scan narrowed to some keys finds them and what lies below them, once and in order', async () => {
    await using store = await openS3(`${newBucket()}/p`);
    await fill(store, ['a-b', 'a.txt', 'd/a', 'd/e/f', 'd-e/x', 'd.x', 'e']);
    assert.deepEqual(await keysOf(store, { under: ['d', 'a.txt', 'd/e', 'nothing', 'd-e'] }), ['a.txt', 'd-e/x', 'd/a', 'd/e/f']);
    assert.deepEqual(await keysOf(store, { under: [''] }), ['a-b', 'a.txt', 'd-e/x', 'd.x', 'd/a', 'd/e/f', 'e']);
    assert.deepEqual(await keysOf(store, { under: [] }), []);
    assert.deepEqual(await keysOf(store, { under: Array.from({ length: 40 }, (_, i) => `n${i}`).concat('e') }), ['e']);
  });

  test('a bucket opened below a prefix sees nothing beside it, and what is put there has the prefix', async () => {
    const place = newBucket();
    await using whole = await openS3(place);
    await fill(whole, ['p/x', 'pq', 'p-q/x', 'q']);
    await using part = await openS3(`${place}/p/`);
    assert.deepEqual(await keysOf(part), ['x']);
    await fill(part, ['y z']);
    assert.deepEqual(await keysOf(whole, { under: ['p'] }), ['p/x', 'p/y z']);
    assert.ok(part.identity.startsWith(`${whole.identity}/`));
  });

  test('attributes, content type and what is asked for by options travel with an object', async () => {
    await using store = await openS3(newBucket(), { cacheControl: 'max-age=60' });
    const attributes = { modifiedAt: 1_700_000_000_123_456, mode: 0o640 };
    await store.write([put('page.html', '<p>', { attributes }), put('link', 'page.html', { attributes: { link: true } })]);
    const [page, link] = await store.read([{ key: 'page.html' }, { key: 'link' }]);
    assert.deepEqual(page?.attributes, attributes);
    assert.ok(page.content?.kind === 'blob' && page.content.mediaType === 'text/html');
    assert.deepEqual(link?.attributes, { link: true });
  });

  test('what the trial of a killed run left behind is removed when it is old', async () => {
    const bucket = newBucket();
    await using store = await openS3(bucket);
    await fill(store, ['a']);
    const { folder } = await s3Server();
    const [old, young] = ['old', 'young'].map((name) => join(folder, bucket, `.syncline-probe-${name}`)) as [string, string];
    for (const path of [old, young]) writeFileSync(path, '0');
    utimesSync(old, new Date(), new Date(Date.now() - 2 * 60 * 60 * 1_000));
    await using again = await openS3(bucket);
    const [outcome] = await again.write([{ ...put('b', 'b'), expect: { absent: true } }]);
    assert.equal(outcome?.kind, 'done');
    assert.deepEqual([existsSync(old), existsSync(young)], [false, true]);
  });

  test('a thousand deletions go out by one request, and what was not there is no failure', async () => {
    await using world = await between(() => undefined);
    const keys = Array.from({ length: 999 }, (_, i) => `k${i}`);
    await fill(world.direct, keys);
    const outcomes = await world.store.write([...keys, 'never'].map((key) => ({ kind: 'delete', ref: { key } })));
    assert.ok(outcomes.every(({ kind: what }) => what === 'done'));
    assert.equal(world.seen.length, 1);
    assert.deepEqual(await keysOf(world.direct), ['there']);
  });

  test('a deletion that the answer does not name is asked for by itself', async () => {
    await using world = await between(({ url }) => (url.endsWith('?delete=') ? { kind: 'answer', status: 200, body: '<DeleteResult><Error><Key>there</Key><Code>InternalError</Code></Error></DeleteResult>' } : undefined));
    assert.deepEqual(await world.store.write([{ kind: 'delete', ref: { key: 'there' } }]), [{ kind: 'done', stat: {} }]);
    assert.deepEqual(await keysOf(world.direct), []);
  });

  test('names that a service which keeps objects as files cannot hold are refused in a sentence, and do not sink the others', async () => {
    await using store = await openS3(newBucket());
    await fill(store, ['a']);
    const outcomes = await store.write(['a/b', `${'x'.repeat(256)}`, 'c//d', '../e', 'f'].map((key) => put(key, key)));
    const [beside, long, doubled, up] = outcomes.slice(0, 4).map((outcome) => failureOf(outcome));
    assert.deepEqual([beside?.code, long?.code, doubled?.code, up?.code], ['conflict', 'invalid', 'unsupported', 'unsupported']);
    assert.match(beside?.sentence ?? '', /a part of the name is an object already: rename/);
    assert.match(doubled?.sentence ?? '', /the service rewrites such names: rename/);
    assert.equal(outcomes[4]?.kind, 'done');
    assert.deepEqual(await keysOf(store), ['a', 'f']);
  });

  test('a service that only looks at a version before it writes does not get to claim more', async () => {
    await using store = await openS3(newBucket());
    await fill(store, ['a']);
    const [outcome] = await store.write([{ ...put('a', 'new'), expect: { version: md5('a') } }]);
    assert.equal(outcome?.kind, 'done');
    assert.equal(outcome.kind === 'done' && outcome.unguarded === true, !store.capabilities.expects.includes('version'));
    assert.ok(store.capabilities.expects.includes('absent'));
    assert.deepEqual(await keysOf(store), ['a'], 'what the bucket was tried with is gone');
  });
});

describe('a listing that cannot be relied on', { skip: missingS3 }, () => {
  const edits: { readonly [what: string]: (xml: string) => string } = {
    'has lost its end': (xml) => xml.slice(0, -20),
    'has lost an entry': (xml) => xml.replace(/<Contents>.*?<\/Contents>/s, ''),
    'has lost a key': (xml) => xml.replace(/<Key>.*?<\/Key>/, ''),
    'is out of order': (xml) => xml.replace('<Key>a', '<Key>z'),
    'does not say whether it is whole': (xml) => xml.replace(/<IsTruncated>.*?<\/IsTruncated>/, ''),
    'says that it goes on, and not where': (xml) => xml.replace('<IsTruncated>false', '<IsTruncated>true'),
    'goes round in circles': (xml) => xml.replace('<IsTruncated>false', '<NextContinuationToken>x</NextContinuationToken><IsTruncated>true').replaceAll(/<Contents>.*?<\/Contents>/gs, '').replace(/<KeyCount>\d+/, '<KeyCount>0'),
    'holds a name that is no UTF-8': (xml) => escaped(xml).replace('<Key>a', '<Key>%FF'),
  };
  for (const [what, edit] of Object.entries(edits)) {
    test(`a listing that ${what} fails`, async () => {
      await using world = await between(({ url }) => (url.includes('list-type=2') ? { kind: 'edit', edit: (body) => Buffer.from(edit(body.toString())) } : undefined));
      await fill(world.direct, ['a', 'b']);
      await assert.rejects(keysOf(world.store), (error) => error instanceof SyncError && error.code === 'corrupt' && error.message.includes('cannot be relied on'));
    });
  }

  test('a plus sign in an escaped listing is taken for what is really there', async () => {
    for (const [key, text] of [['a b', 'a+b'], ['a+b', 'a+b'], ['a+b', 'a%2Bb']] as const) {
      await using world = await between(({ url }) => (url.includes('list-type=2') ? { kind: 'edit', edit: (body) => Buffer.from(escaped(body.toString()).replace(`<Key>${key}`, `<Key>${text}`)) } : undefined));
      await fill(world.direct, [key]);
      assert.deepEqual(await keysOf(world.store), [key, 'there']);
    }
  });

  test('a listing whose second page fails fails', async () => {
    let pages = 0;
    await using world = await between(({ url }) => (url.includes('list-type=2') && ++pages > 1 ? { kind: 'answer', status: 500 } : undefined), impatient);
    await fill(world.direct, Array.from({ length: 1_001 }, (_, i) => `k${i}`));
    await assert.rejects(keysOf(world.store), { code: 'unavailable' });
    assert.equal(pages, 2);
  });

  test('a service that lists without order is listed where that is said', async () => {
    await using world = await between(({ url }) => (url.includes('list-type=2') ? { kind: 'edit', edit: (body) => Buffer.from(body.toString().replace('<Key>a', '<Key>z')) } : undefined), { order: 'none' });
    await fill(world.direct, ['a']);
    assert.equal(world.store.capabilities.order, 'none');
    assert.deepEqual(await keysOf(world.store), ['z', 'there']);
  });
});

describe('a large object', { skip: missingS3 }, () => {
  const size = 22 * mebibyte;
  const options = { partSize: 5 * mebibyte, multipartFrom: 8 * mebibyte };

  test('it is uploaded in parts, and known by their digest', async () => {
    await using store = await openS3(newBucket(), options);
    const bytes = large(size);
    const [outcome] = await store.write([put('big', bytes, { attributes: { mode: 0o600 } })]);
    const parts = Array.from({ length: 5 }, (_, i) => createHash('md5').update(bytes.subarray(i * options.partSize, (i + 1) * options.partSize)).digest());
    const digest = { algorithm: 'md5-parts', value: `${md5(Buffer.concat(parts))}-5` };
    assert.deepEqual(outcome, { kind: 'done', stat: { version: digest.value, size, digest } });
    const [read] = await store.read([{ key: 'big' }]);
    assert.deepEqual([read?.size, read?.digest, read?.attributes], [size, digest, { mode: 0o600 }]);
    assert.ok((await bytesOf(store, 'big'))?.equals(bytes));
    // The same without being told its size.
    const { entry: { size: _, ...entry } } = put('unsized', bytes);
    const [unsized] = await store.write([{ kind: 'put', entry: { ...entry, content: blob(bytes) } }]);
    assert.deepEqual(unsized, outcome);
  });

  test('an upload that was cut off goes on from the parts that are there', async () => {
    let broken = true;
    await using world = await between(({ url }) => (broken && /partNumber=[45]/.test(url) ? { kind: 'answer', status: 500 } : undefined), { ...options, ...impatient });
    const bytes = large(size);
    assert.equal(failureOf((await world.store.write([put('big', bytes)]))[0]).code, 'unavailable');
    broken = false;
    const sent = world.seen.length;
    await using later = await openS3(world.direct.name.slice('s3://'.length), { ...options, endpoint: originOf(world.store) });
    const [outcome] = await later.write([put('big', bytes)]);
    assert.equal(outcome?.kind, 'done');
    const parts = world.seen.slice(sent).filter(({ method, url }) => method === 'PUT' && url.includes('partNumber=') && !url.includes('.syncline-probe-')).map(({ url }) => /partNumber=(\d)/.exec(url)?.[1]).sort();
    assert.ok(parts.length >= 1 && parts.length <= 2, `sent again: ${parts.join()}`);
    assert.ok((await bytesOf(later, 'big'))?.equals(bytes));
  });

  test('of an upload that was cut off, parts that hold something else now are sent again', async () => {
    let broken = true;
    await using world = await between(({ url }) => (broken && url.includes('partNumber=5') ? { kind: 'answer', status: 500 } : undefined), { ...options, ...impatient });
    assert.equal((await world.store.write([put('big', large(size))]))[0]?.kind, 'failed');
    broken = false;
    const other = large(size, 7);
    assert.equal((await world.store.write([put('big', other)]))[0]?.kind, 'done');
    assert.ok((await bytesOf(world.direct, 'big'))?.equals(other));
  });

  test('an upload of ours that nobody will go on with is given up, and a fresh one is left alone', async () => {
    for (const age of ['2001-01-01T00:00:00Z', undefined]) {
      await using world = await between(({ method, url }) => {
        if (url.includes('partNumber=') && url.includes('/cut')) return { kind: 'answer', status: 500 };
        if (method !== 'GET' || !url.includes('uploads=') || age === undefined) return undefined;
        return { kind: 'edit', edit: (body) => Buffer.from(body.toString().replaceAll(/<Initiated>[^<]*/g, `<Initiated>${age}`)) };
      }, { ...options, ...impatient });
      assert.equal((await world.store.write([put('cut', large(size))]))[0]?.kind, 'failed');
      await using later = await openS3(world.direct.name.slice('s3://'.length), { ...options, endpoint: originOf(world.store) });
      assert.equal((await later.write([put('big', large(size))]))[0]?.kind, 'done');
      assert.equal(world.seen.some(({ method, url }) => method === 'DELETE' && url.includes('/cut?')), age !== undefined);
    }
  });

  test('where the content breaks off nothing is left, and the old object stays', async () => {
    await using world = await between(() => undefined, options);
    const content = { kind: 'blob', async *bytes(): AsyncGenerator<Uint8Array> { yield large(12 * mebibyte); throw new SyncError('conflict', 'it was changed'); } } as const;
    const [outcome] = await world.store.write([{ kind: 'put', entry: { key: 'there', size, content } }]);
    assert.equal(failureOf(outcome).message, 'it was changed');
    assert.equal((await bytesOf(world.direct, 'there'))?.toString(), 'there');
    assert.ok(world.seen.some(({ method, url }) => method === 'DELETE' && url.includes('uploadId=')), 'the upload was given up');
  });

  test('content that has become shorter or longer is not stored', async () => {
    await using store = await openS3(newBucket(), options);
    for (const wrong of [-1, 1]) {
      const [outcome] = await store.write([{ kind: 'put', entry: { key: 'big', size: size + wrong, content: blob(large(size)) } }]);
      assert.equal(failureOf(outcome).code, 'conflict');
    }
    assert.deepEqual(await keysOf(store), []);
  });

  test('an expectation holds for it, too', async () => {
    await using store = await openS3(newBucket(), options);
    await fill(store, ['big']);
    const bytes = large(size);
    assert.equal((await store.write([{ ...put('big', bytes), expect: { absent: true } }]))[0]?.kind, 'stale');
    assert.equal((await store.write([{ ...put('big', bytes), expect: { version: 'f'.repeat(32) } }]))[0]?.kind, 'stale');
    assert.equal((await bytesOf(store, 'big'))?.toString(), 'big');
    assert.equal((await store.write([{ ...put('big', bytes), expect: { version: md5('big') } }]))[0]?.kind, 'done');
  });

  test('a download goes on where the connection broke', async () => {
    let gets = 0;
    await using world = await between(({ method, url, headers }) => (method === 'GET' && url.endsWith('/big') && headers.range === undefined && gets++ === 0 ? { kind: 'cut', bytes: 9 * mebibyte } : undefined));
    const bytes = large(size);
    await world.direct.write([put('big', bytes)]);
    assert.ok((await bytesOf(world.store, 'big'))?.equals(bytes));
    assert.ok(world.seen.some(({ headers }) => /^bytes=\d{5,}-$/.test(headers.range ?? '')));
  });
});
