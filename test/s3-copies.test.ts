// Copies within one S3 service, on a real server.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { openState } from '../src/engine/state/sqlite-state.ts';
import { runSync } from '../src/engine/sync.ts';
import { CredentialSource } from '../src/lib/aws/credentials.ts';
import type { Entry } from '../src/model/entry.ts';
import type { Expectation, Outcome, Store, Takeover } from '../src/model/store.ts';
import { plainHost } from '../src/model/plain-host.ts';
import { S3Client } from '../src/stores/s3/client.ts';
import type { S3Answer, S3Request } from '../src/stores/s3/client.ts';
import type { S3Options } from '../src/stores/s3/kind.ts';
import { interferingProxy } from './services/interfering-proxy.ts';
import type { Interference, Passing } from './services/interfering-proxy.ts';
import { minioServer, missingMinio } from './services/minio.ts';
import { missingS3, newBucket, openAt, s3Host, s3Server } from './services/s3.ts';
import type { S3Address } from './services/s3.ts';
import { bytesOf, failureOf, fill, keysOf, large, md5, mebibyte, put } from './services/s3-bucket.ts';

/** Larger than what is read and put where copies are not protected. */
const middling = 300 * 1024;

interface World extends AsyncDisposable {
  readonly from: Store;
  readonly to: Store;
  readonly at: S3Address;
  readonly seen: readonly Passing[];
}

/** Two buckets at one service, seen through a proxy. */
async function twoBuckets(interfere: (passing: Passing) => Interference | undefined = () => undefined, options: S3Options = {}, sourceOptions: S3Options = {}, address: Promise<S3Address> = s3Server()): Promise<World> {
  await using opened = new AsyncDisposableStack();
  const proxy = opened.use(await interferingProxy((await address).endpoint, interfere));
  const at = { ...await address, endpoint: proxy.origin };
  const from = opened.use(await openAt(at, `${newBucket()}/from`, { create: true, ...sourceOptions }));
  const to = opened.use(await openAt(at, newBucket(), { create: true, ...options }));
  await fill(from, ['there']);
  await fill(to, ['other']);
  const kept = opened.move();
  return { from, to, at, seen: proxy.seen, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

async function listed(store: Store, key: string): Promise<Entry> {
  const entry = (await Array.fromAsync(store.scan())).flatMap(({ entries }) => entries).find((one) => one.key === key);
  assert.ok(entry, key);
  return entry;
}

async function takeOver({ from, to }: World, key: string, expect?: Expectation, more: Partial<Entry> = {}): Promise<Outcome | undefined> {
  const entry = { ...await listed(from, key), ...more };
  const whereabouts = from.whereabouts?.(entry);
  assert.ok(whereabouts && to.takeOver);
  return (await to.takeOver([{ entry, from: whereabouts, ...(expect && { expect }) } satisfies Takeover]))[0];
}

/** The requests for bytes of objects. */
function readings(seen: readonly Passing[]): readonly Passing[] {
  return seen.filter(({ method, url }) => method === 'GET' && !url.includes('?'));
}

/** Asks the service itself about the bucket of a store, or an object in it. */
async function ask(store: Store, request: S3Request): Promise<S3Answer> {
  const { environment } = await s3Host();
  const [origin, bucket, ...prefix] = store.identity.replace(/^s3:/, '').split('/');
  const credentials = new CredentialSource(async () => ({ accessKeyId: environment['AWS_ACCESS_KEY_ID'] ?? '', secretAccessKey: environment['AWS_SECRET_ACCESS_KEY'] ?? '' }), Date.now);
  await using client = new S3Client({ bucket: bucket ?? '', endpoint: `http://${origin}`, region: 'us-east-1', style: 'path', credentials, concurrency: 1, maxAttempts: 1, timeoutMs: 10_000, host: plainHost });
  return await client.send({ ...request, ...(request.key !== undefined && { key: [...prefix, request.key].join('/') }) });
}

describe('a copy within one service', { skip: missingS3 }, () => {
  test('brings all that is kept beside the content, whatever the name, and moves no bytes', async () => {
    await using world = await twoBuckets(undefined, {}, { cacheControl: 'max-age=60' });
    const attributes = { modifiedAt: 1_700_000_000_123_456, mode: 0o640 };
    for (const name of ['page.html', 'ä b+c%20&x.html', 'a/b c/d.html']) {
      await world.from.write([put(name, 'x'.repeat(middling), { attributes })]);
      const before = world.seen.length;
      const outcome = await takeOver(world, name);
      assert.deepEqual(outcome, { kind: 'done', stat: { version: md5('x'.repeat(middling)), size: middling, digest: { algorithm: 'md5', value: md5('x'.repeat(middling)) } } });
      assert.deepEqual(readings(world.seen.slice(before)), []);
      const { headers } = await ask(world.to, { method: 'HEAD', key: name });
      assert.deepEqual([headers['cache-control'], headers['content-type'], headers['x-amz-meta-mode']], ['max-age=60', 'text/html', '640']);
      const [copy] = await world.to.read([{ key: name }]);
      assert.deepEqual(copy?.attributes, attributes);
    }
    assert.deepEqual(await keysOf(world.to, { under: ['a'] }), ['a/b c/d.html']);
  });

  test('has what the target is told to give its objects, and the other metadata of the source', async () => {
    await using world = await twoBuckets(undefined, { cacheControl: 'no-cache', contentType: 'text/x-own' });
    await world.from.write([put('page.html', 'x'.repeat(middling), { attributes: { mode: 0o640 } })]);
    assert.equal((await takeOver(world, 'page.html'))?.kind, 'done');
    const { headers } = await ask(world.to, { method: 'HEAD', key: 'page.html' });
    assert.deepEqual([headers['cache-control'], headers['content-type'], headers['x-amz-meta-mode']], ['no-cache', 'text/x-own', '640']);
    assert.deepEqual(readings(world.seen), []);
  });

  test('of an object in parts is one in the same parts, with the same ETag', async () => {
    await using world = await twoBuckets(undefined, {}, { partSize: 5 * mebibyte, multipartFrom: mebibyte, cacheControl: 'max-age=60' });
    const bytes = large(11 * mebibyte + 5);
    await world.from.write([put('large.bin', bytes, { attributes: { mode: 0o600 } })]);
    const source = await listed(world.from, 'large.bin');
    assert.match(source.version ?? '', /-3$/);
    const outcome = await takeOver(world, 'large.bin', { absent: true });
    assert.deepEqual(outcome, { kind: 'done', stat: { version: source.version, size: bytes.length, digest: source.digest } });
    assert.deepEqual(readings(world.seen), []);
    const { headers } = await ask(world.to, { method: 'HEAD', key: 'large.bin' });
    assert.deepEqual([headers['cache-control'], headers['x-amz-meta-mode']], ['max-age=60', '600']);
    assert.ok(bytes.equals((await bytesOf(world.to, 'large.bin'))!));
    assert.equal((await takeOver(world, 'large.bin', { absent: true }))?.kind, 'stale');
    assert.equal((await takeOver(world, 'large.bin', { version: source.version! }))?.kind, 'done');
  });

  test('does away with what a killed one has left of the same object', async () => {
    await using world = await twoBuckets(undefined, {}, { partSize: 5 * mebibyte, multipartFrom: mebibyte });
    await world.from.write([put('large.bin', large(6 * mebibyte))]);
    await ask(world.to, { method: 'POST', key: 'large.bin', query: { uploads: '' } });
    const uploads = async (): Promise<number> => (await ask(world.to, { method: 'GET', query: { uploads: '' } })).body.toString().split('<UploadId>').length - 1;
    assert.equal(await uploads(), 1);
    assert.equal((await takeOver(world, 'large.bin'))?.kind, 'done');
    assert.equal(await uploads(), 0);
  });

  test('is only made where its expectation holds, and says so where nothing but a look protected it', async () => {
    await using world = await twoBuckets();
    await world.from.write([put('new', 'x'.repeat(middling)), put('both', 'y'.repeat(middling))]);
    await fill(world.to, ['both']);
    const first = await takeOver(world, 'new', { absent: true });
    // This service passes over conditions on copies.
    assert.ok(first?.kind === 'done' && first.unguarded === true);
    const again = await takeOver(world, 'new', { absent: true });
    assert.ok(again?.kind === 'stale' && again.found?.version === md5('x'.repeat(middling)));
    assert.equal((await takeOver(world, 'both', { version: md5('else') }))?.kind, 'stale');
    assert.equal((await bytesOf(world.to, 'both'))?.toString(), 'both');
    assert.equal((await takeOver(world, 'both', { version: md5('both') }))?.kind, 'done');
    assert.equal((await bytesOf(world.to, 'both'))?.length, middling);
  });

  test('is left to be read and put where the source is another one by now, is gone, is elsewhere, or would be less protected', async () => {
    await using world = await twoBuckets();
    await world.from.write([put('a', 'x'.repeat(middling))]);
    for (const version of [md5('other'), `${md5('other')}-1`]) assert.equal(await takeOver(world, 'a', undefined, { version }), undefined, version);
    const entry = await listed(world.from, 'a');
    await world.from.write([{ kind: 'delete', ref: { key: 'a' } }]);
    const from = world.from.whereabouts!(entry)!;
    assert.deepEqual(await world.to.takeOver!([{ entry, from }, { entry, from: { ...from, service: 'other' } }, { entry: { ...entry, key: 'c//d' }, from }]), [undefined, undefined, undefined]);
    assert.deepEqual(await keysOf(world.to), ['other']);
    assert.equal(await takeOver(world, 'there', { absent: true }), undefined);
  });

  test('that the service refuses is left to be read and put, and not asked for again', async () => {
    for (const status of [403, 501]) {
      let refused = 0;
      await using world = await twoBuckets(({ headers, url }) => (headers['x-amz-copy-source'] !== undefined && !url.includes('probe') ? (refused++, { kind: 'answer', status }) : undefined));
      await world.from.write([put('a', 'x'.repeat(middling)), put('b', 'x'.repeat(middling))]);
      assert.equal(await takeOver(world, 'a'), undefined);
      assert.equal(await takeOver(world, 'b'), undefined);
      assert.equal(refused, 1);
    }
  });

  test('that says it succeeded and did not is left to be read and put', async () => {
    await using world = await twoBuckets(({ headers, url }) => (headers['x-amz-copy-source'] !== undefined && !url.includes('probe') ? { kind: 'answer', status: 200, body: '<Error><Code>InternalError</Code></Error>' } : undefined));
    await world.from.write([put('a', 'x'.repeat(middling))]);
    assert.equal(await takeOver(world, 'a'), undefined);
  });

  test('that became something else is a failure and no success', async () => {
    await using world = await twoBuckets(({ headers, url }) => (headers['x-amz-copy-source'] !== undefined && !url.includes('probe') ? { kind: 'edit', edit: (body) => Buffer.from(body.toString().replace(md5('x'.repeat(middling)), md5('y'))) } : undefined));
    await world.from.write([put('a', 'x'.repeat(middling))]);
    assert.match(failureOf(await takeOver(world, 'a')).sentence, /stored as something else than its source/);
  });

  test('whose parts became something else is not put together', async () => {
    await using world = await twoBuckets(({ headers, url }) => (headers['x-amz-copy-source'] !== undefined && url.includes('partNumber=2') ? { kind: 'edit', edit: (body) => Buffer.from(body.toString().replace(/[0-9a-f]{32}/, md5('y'))) } : undefined), {}, { partSize: 5 * mebibyte, multipartFrom: mebibyte });
    await world.from.write([put('large.bin', large(11 * mebibyte))]);
    assert.equal(await takeOver(world, 'large.bin'), undefined);
    assert.deepEqual(await keysOf(world.to), ['other']);
    assert.ok(world.seen.some(({ method, url }) => method === 'DELETE' && url.includes('uploadId=')));
    assert.ok(!world.seen.some(({ method, url }) => method === 'POST' && url.startsWith(`/${world.to.identity.split('/')[1]}/`) && url.includes('uploadId=')));
  });
});

const servers = { versitygw: { skip: missingS3, start: s3Server }, MinIO: { skip: missingMinio, start: minioServer } };
for (const [name, { skip, start }] of Object.entries(servers)) {
  test(`a run within one ${name} moves no bytes but small ones, keeps what it replaces the same way, and the second one finds nothing to do`, { skip }, async () => {
    await using world = await twoBuckets(undefined, {}, { partSize: 5 * mebibyte, multipartFrom: 6 * mebibyte }, start());
    await using backup = await openAt(world.at, newBucket(), { create: true });
    await using state = openState(undefined);
    await world.from.write([put('small', 'small'), put('medium', 'x'.repeat(middling)), put('large', large(11 * mebibyte)), put('both', 'y'.repeat(middling))]);
    await world.to.write([put('both', 'z'.repeat(middling)), put('gone', 'g'.repeat(middling))]);
    const before = world.seen.length;
    const run = { origins: [world.from], target: world.to, backup, state, deletes: 'propagate', guard: { maxDeletes: 2 } } as const;
    const { counts } = await runSync(run);
    assert.deepEqual([counts.created, counts.updated, counts.deleted, counts.failed], [4, 1, 2, 0]);
    assert.deepEqual(readings(world.seen.slice(before)).map(({ url }) => url.split('/').at(-1)).toSorted(), ['small', 'there']);
    assert.deepEqual(await keysOf(world.to), ['both', 'large', 'medium', 'small', 'there']);
    assert.deepEqual(await keysOf(backup), ['both', 'gone', 'other']);
    assert.equal((await bytesOf(backup, 'both'))?.toString(), 'z'.repeat(middling));
    assert.ok(large(11 * mebibyte).equals((await bytesOf(world.to, 'large'))!));
    const after = world.seen.length;
    const second = await runSync(run);
    assert.equal(second.counts.unchanged, 5);
    assert.ok(world.seen.slice(after).every(({ method, url }) => method === 'GET' && url.includes('list-type=2')), JSON.stringify(world.seen.slice(after)));
  });
}
