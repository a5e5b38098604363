// What crosses modules: buckets on a real server, through what may go wrong on the way there.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Ref } from '../src/model/entry.ts';
import type { SyncError } from '../src/model/errors.ts';
import type { Store } from '../src/model/store.ts';
import { kind } from '../src/stores/s3/kind.ts';
import type { S3Options } from '../src/stores/s3/kind.ts';
import { interferingProxy } from './services/interfering-proxy.ts';
import { missingS3, newBucket, openS3, s3Host, s3Server } from './services/s3.ts';
import { between, bytesOf, failureOf, fill, keysOf, large, md5, mebibyte, put } from './services/s3-bucket.ts';

const inParts = { partSize: 5 * mebibyte, multipartFrom: 8 * mebibyte };

describe('what goes wrong on the way', { skip: missingS3 }, () => {
  test('a put whose answer was lost is done, also where it expected nothing there', async () => {
    let lost = 0;
    await using world = await between(({ method, url }) => (method === 'PUT' && url.endsWith('/new') && lost++ === 0 ? { kind: 'lose' } : undefined));
    const [outcome] = await world.store.write([{ ...put('new', 'x'), expect: { absent: true } }]);
    assert.ok(outcome?.kind === 'done' && outcome.stat.version === md5('x'));
    assert.equal(lost, 2);
  });

  test('a service that is busy is asked again, and then is not', async () => {
    let asked = 0;
    await using world = await between(({ method, url }) => (method === 'PUT' && url.endsWith('/new') && asked++ < 2 ? { kind: 'answer', status: 503, headers: { 'retry-after': '0' }, body: '<Error><Code>SlowDown</Code></Error>' } : undefined));
    assert.equal((await world.store.write([put('new', 'x')]))[0]?.kind, 'done');
    assert.equal(asked, 3);
    await using busy = await between(({ method }) => (method === 'PUT' ? { kind: 'answer', status: 503, body: '<Error><Code>SlowDown</Code></Error>' } : undefined), { maxAttempts: 2 });
    const error = failureOf((await busy.store.write([put('new', 'x')]))[0]);
    assert.deepEqual([error.code, error.details.attempts], ['throttled', 2]);
  });

  test('bytes that are not those of the ETag are not taken for the object', async () => {
    await using world = await between(({ method, url }) => (method === 'GET' && url.endsWith('/there') ? { kind: 'edit', edit: () => Buffer.from('thera') } : undefined));
    await assert.rejects(world.store.read([{ key: 'there' }]), { code: 'corrupt' });
  });

  test('where the service encrypts with keys of its own an ETag is no digest, and not taken for one', async () => {
    const tag = 'f'.repeat(32);
    await using world = await between(({ method, url }) => (method === 'PUT' && url.endsWith('/new') ? { kind: 'answer', status: 200, headers: { 'etag': `"${tag}"`, 'x-amz-server-side-encryption': 'aws:kms' } } : undefined));
    assert.deepEqual(await world.store.write([put('new', 'x')]), [{ kind: 'done', stat: { version: tag, size: 1 } }]);
    assert.deepEqual(world.store.capabilities.digests, []);
    assert.deepEqual((await Array.fromAsync(world.store.scan())).flatMap(({ entries }) => entries.map(({ digest }) => digest)), [undefined]);
  });

  test('what is stored as something else than what was sent is sent again, and then is a failure', async () => {
    await using world = await between(({ method, url }) => (method === 'PUT' && url.endsWith('/new') ? { kind: 'answer', status: 200, headers: { etag: `"${'f'.repeat(32)}"` } } : undefined));
    assert.equal(failureOf((await world.store.write([put('new', 'x')]))[0]).code, 'corrupt');
    assert.equal(world.seen.length, 3);
  });

  for (const [kept, how] of [[true, 'its CRC says'], [false, 'its ETag says, part by part']] as const) {
    test(`nor are those of a large object that are not what ${how}`, async () => {
      const spoil = (body: Buffer): Buffer => Buffer.concat([body.subarray(0, -1), Buffer.from('!')]);
      let head: { readonly [name: string]: string } | undefined;
      await using world = await between(({ method, url, headers }) => {
        if (!url.endsWith('/big')) return undefined;
        if (method === 'HEAD') return kept ? undefined : { kind: 'answer', status: 200, headers: head! };
        return method === 'GET' && headers.range === undefined ? { kind: 'edit', edit: spoil } : undefined;
      });
      await using parts = await openS3(world.direct.name.slice('s3://'.length), inParts);
      const [outcome] = await parts.write([put('big', large(12 * mebibyte))]);
      head = { 'etag': `"${outcome?.kind === 'done' ? outcome.stat.version : ''}"`, 'content-length': String(12 * mebibyte) };
      await assert.rejects(async () => {
        const [entry] = await world.store.read([{ key: 'big', size: 12 * mebibyte } as Ref]);
        assert.equal(entry?.content?.kind === 'blob' && entry.content.proves !== undefined, kept);
        assert.equal(world.seen.at(-1)?.headers['x-amz-checksum-mode'], 'ENABLED');
        for await (const _ of entry?.content?.kind === 'blob' ? entry.content.bytes() : []);
      }, { code: 'corrupt' });
    });
  }

  test('a service that takes a part whatever its CRC says is told the MD5 of each', async () => {
    await using world = await between(({ method, url }) => (method === 'PUT' && /\.syncline-probe-.*partNumber=1/.test(url) ? { kind: 'answer', status: 200, headers: { etag: `"${md5('part')}"` } } : undefined), inParts);
    const bytes = large(12 * mebibyte);
    assert.equal((await world.store.write([put('big', bytes)]))[0]?.kind, 'done');
    const parts = world.seen.filter(({ method, url }) => method === 'PUT' && url.includes('/big?partNumber='));
    assert.deepEqual(parts.map(({ headers }) => [headers['content-md5'] !== undefined, headers['x-amz-checksum-crc32']]), Array.from({ length: 3 }, () => [true, undefined]));
    assert.ok((await bytesOf(world.store, 'big'))?.equals(bytes));
  });

  test('where a service compares CRCs, no MD5 is worked out; a part whose CRC it does not repeat has to have its MD5 for an ETag', async () => {
    let spoilt = false;
    await using world = await between(({ method, url }) => (spoilt && method === 'PUT' && url.includes('/big?partNumber=2') ? { kind: 'answer', status: 200, headers: { etag: `"${'f'.repeat(32)}"` } } : undefined), inParts);
    assert.equal((await world.store.write([put('big', large(12 * mebibyte))]))[0]?.kind, 'done');
    const parts = world.seen.filter(({ method, url }) => method === 'PUT' && url.includes('/big?partNumber='));
    assert.deepEqual(parts.map(({ headers }) => [headers['content-md5'], headers['x-amz-checksum-crc32'] !== undefined]), Array.from({ length: 3 }, () => [undefined, true]));
    spoilt = true;
    assert.equal(failureOf((await world.store.write([put('big', large(12 * mebibyte))]))[0]).code, 'corrupt');
  });

  const refusals: { readonly [what: string]: { readonly status: number; readonly code: string; readonly failure: string; readonly says: RegExp } } = {
    'expired credentials': { status: 400, code: 'ExpiredToken', failure: 'denied', says: /expired/ },
    'a clock that is wrong and that nobody sets': { status: 403, code: 'RequestTimeTooSkewed', failure: 'denied', says: /clock/ },
    'no permission': { status: 403, code: 'AccessDenied', failure: 'denied', says: /access is denied.*permission/ },
    'a bucket that is elsewhere': { status: 301, code: 'PermanentRedirect', failure: 'invalid', says: /region/ },
    'a quota that is used up': { status: 403, code: 'QuotaExceeded', failure: 'denied', says: /quota/ },
    'a key too long': { status: 400, code: 'KeyTooLongError', failure: 'invalid', says: /too long/ },
  };
  for (const [what, { status, code, failure, says }] of Object.entries(refusals)) {
    test(`${what} is said in a sentence, and only that write fails`, async () => {
      await using world = await between(({ method, url }) => (method === 'PUT' && url.endsWith('/new') ? { kind: 'answer', status, body: `<Error><Code>${code}</Code><Message>m</Message></Error>` } : undefined));
      const [first, second] = await world.store.write([put('new', 'x'), put('other', 'x')]);
      const error = failureOf(first);
      assert.equal(error.code, failure);
      assert.match(error.sentence, says);
      assert.ok(error.message.includes('/new') && !error.sentence.includes('testsecret'));
      assert.equal(second?.kind, 'done');
    });
  }

  test('a clock that is wrong by an hour is worked around, with a warning', async () => {
    const place = newBucket();
    await fill(await openS3(place), ['a']);
    const warnings: string[] = [];
    await using store = await openS3(place, { create: false }, await s3Host({ now: () => Date.now() + 3_600_000, log: (level, message) => void (level === 'warn' && warnings.push(message)) }));
    assert.deepEqual(await keysOf(store), ['a']);
    assert.match(warnings.join('\n'), /clock/);
  });

  test('a wrong region is put right, with a warning', async () => {
    const place = newBucket();
    await fill(await openS3(place), ['a']);
    const warnings: string[] = [];
    await using store = await openS3(place, { region: 'eu-west-1', create: false }, await s3Host({ log: (level, message) => void (level === 'warn' && warnings.push(message)) }));
    assert.deepEqual(await keysOf(store), ['a']);
    assert.match(warnings.join('\n'), /us-east-1/);
  });

  test('a bucket that does not exist is refused, or is empty and created once where that is allowed', async () => {
    const place = newBucket();
    await using refused = await openS3(place, { create: false });
    await assert.rejects(keysOf(refused), { code: 'not-found' });
    assert.match(failureOf((await refused.write([put('a', 'x')]))[0]).sentence, /does not exist.*create/);
    const proxy = await interferingProxy((await s3Server()).endpoint, () => undefined);
    await using allowed = await openS3(place, { endpoint: proxy.origin });
    assert.deepEqual(await keysOf(allowed), []);
    await Promise.all(['a', 'b', 'c'].map((key) => fill(allowed, [key])));
    assert.equal(proxy.seen.filter(({ method, url }) => method === 'PUT' && url === `/${place}`).length, 1);
    await proxy[Symbol.asyncDispose]();
  });

  test('where access is denied no bucket is created', async () => {
    await using world = await between(({ url }) => (/^\/bucket[^/]*$/.test(url) ? { kind: 'answer', status: 403 } : undefined), { create: true });
    assert.equal((await world.store.write([put('a', 'x')]))[0]?.kind, 'done');
    assert.ok(world.seen.every(({ method, url }) => method !== 'PUT' || url.endsWith('/a')));
  });

  test('no credentials, wrong ones and none on purpose each give a sentence', async () => {
    const { endpoint } = await s3Server();
    const place = `s3://${newBucket()}`;
    const host = await s3Host();
    const sentence = async (environment: { readonly [name: string]: string }, options: S3Options = {}): Promise<string> => {
      await using store = await kind.open(place, { endpoint, ...options }, { ...host, environment }) as Store;
      return await keysOf(store).then(() => '', (error: unknown) => (error as SyncError).sentence);
    };
    assert.match(await sentence({}), /there are no credentials.*AWS_ACCESS_KEY_ID/);
    assert.match(await sentence({ ...host.environment as { [name: string]: string }, AWS_SECRET_ACCESS_KEY: 'wrong' }), /secret key does not fit/);
    assert.match(await sentence({ AWS_ACCESS_KEY_ID: 'nobody', AWS_SECRET_ACCESS_KEY: 'x' }), /access key is unknown/);
    assert.match(await sentence({}, { anonymous: true }), /denied|does not exist/);
  });

  test('an endpoint that cannot be used is refused when it is opened', async () => {
    const host = await s3Host();
    for (const [place, options] of [['s3://', {}], ['s3://b/../x', {}], ['s3://bucket', { endpoint: 'ftp://x' }], ['s3://bucket', { profile: 'nobody' }], ['s3://bucket', { partSize: 1 }], ['s3://bucket', { region: 'a b' }]] as const) {
      await assert.rejects(kind.open(place, options, host), { code: 'invalid' }, `${place} ${JSON.stringify(options)}`);
    }
  });
});
