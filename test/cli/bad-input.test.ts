// What can be wrong with a target, on real servers: each is said in a sentence, ends with its own exit code, and loses nothing.
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { interferingProxy } from '../services/interfering-proxy.ts';
import type { Interference, Passing } from '../services/interfering-proxy.ts';
import { missingS3, newBucket, openS3, s3Server } from '../services/s3.ts';
import { fill, keysOf } from '../services/s3-bucket.ts';
import { access, ask, namesIn, newContainer, open as openSwift, put as putSwift } from '../services/swift-bench.ts';
import { sharedSwift, skipWithoutSwift } from '../services/swift.ts';
import { Bench } from './command.ts';
import type { Ended } from './command.ts';

type Interfere = (passing: Passing) => Interference | undefined;

/** A place at a service behind a proxy. */
interface Place extends AsyncDisposable {
  /** As it is named on a command line. */
  endpoint(more?: string): string;
  readonly environment: { readonly [name: string]: string };
  /** What it holds; empty where it does not exist. */
  keys(): Promise<readonly string[]>;
}

/** A kind of service, and what is particular to it. */
interface Service {
  readonly name: string;
  readonly skip: string | boolean | undefined;
  /** A place that holds `keys`; with none it does not exist yet. */
  place(keys: readonly string[], interfere?: Interfere): Promise<Place>;
  /** Whether a request would write an entry whose key ends like this. */
  writes(passing: Passing, key?: string): boolean;
  refusal(what: 'denied' | 'quota' | 'expired'): Interference;
  readonly wrongSecret: { readonly [name: string]: string };
}

const missingSwift = await skipWithoutSwift();

const none: Interfere = () => undefined;

const s3: Service = {
  name: 's3',
  skip: missingS3,
  async place(keys, interfere = none) {
    const { endpoint, region, environment } = await s3Server();
    const bucket = newBucket();
    const direct = await openS3(bucket);
    if (keys.length > 0) await fill(direct, keys);
    const proxy = await interferingProxy(endpoint, interfere);
    return {
      endpoint: (more = '') => `s3://${bucket}?endpoint=${proxy.origin}&region=${region}${more}`, environment,
      keys: async () => await keysOf(direct),
      async [Symbol.asyncDispose]() {
        await direct[Symbol.asyncDispose]();
        await proxy[Symbol.asyncDispose]();
      },
    };
  },
  writes: ({ method, url }, key = '') => method === 'PUT' && !/^\/bucket[^/]*$/.test(url) && !url.includes('.syncline-probe') && url.split('?')[0]!.endsWith(key),
  refusal: (what) => ({ kind: 'answer', status: what === 'expired' ? 400 : 403, body: `<Error><Code>${{ denied: 'AccessDenied', quota: 'QuotaExceeded', expired: 'ExpiredToken' }[what]}</Code></Error>` }),
  wrongSecret: { AWS_SECRET_ACCESS_KEY: 'wrong' },
};

const swift: Service = {
  name: 'swift',
  skip: missingSwift,
  async place(keys, interfere = none) {
    const { environment } = await sharedSwift();
    const container = newContainer();
    const direct = await openSwift(container);
    for (const key of keys) assert.equal((await putSwift(direct, key, key)).kind, 'done');
    const { url } = await access();
    const proxy = await interferingProxy(new URL(url).origin, interfere);
    return {
      endpoint: (more = '') => `swift://${container}?storage-url=${proxy.origin}${new URL(url).pathname}${more}`, environment,
      keys: () => namesIn(container),
      async [Symbol.asyncDispose]() {
        await direct[Symbol.asyncDispose]();
        await proxy[Symbol.asyncDispose]();
      },
    };
  },
  writes: ({ method, url }, key = '') => method === 'PUT' && /\/container-[^/]+\/./.test(url) && url.split('?')[0]!.endsWith(key),
  refusal: (what) => ({ kind: 'answer', status: { denied: 403, quota: 413, expired: 401 }[what], body: what === 'quota' ? '<p>Upload exceeds quota.</p>' : '' }),
  wrongSecret: { ST_KEY: 'wrong' },
};

/** Files to mirror, and the command that mirrors them with deletions. */
function bench(): Bench & { mirror(place: Place, more?: string, environment?: { readonly [name: string]: string }): Promise<Ended> } {
  const made = new Bench();
  made.write({ 'site/a': 'a', 'site/b': 'b', 'site/c': 'c' });
  return Object.assign(made, {
    mirror: (place: Place, more = '', environment: { readonly [name: string]: string } = {}) => made.syncline(['sync', '--delete', '--max-deletes', 'all', '--max-attempts', '1', 'site', place.endpoint(more)], { environment: { ...place.environment, ...environment } }),
  });
}

function assertSaid({ code, stdout, stderr }: Ended, exit: number, sentence: RegExp): void {
  assert.equal(code, exit, stdout + stderr);
  assert.match(stdout + stderr, sentence);
  assert.doesNotMatch(stdout + stderr, /\n {4}at |testsecret|internal/);
}

for (const service of [s3, swift]) {
  describe(`at ${service.name}`, { skip: service.skip, timeout: 300_000 }, () => {
    test('no container', async () => {
      using place = bench();
      await using target = await service.place([]);
      assertSaid(await place.syncline(['sync', 'site', `${service.name}://`], { environment: target.environment }), 2, /names no bucket|does not name a container/);
    });

    test('a container that does not exist: refused, made where that is asked for, and not made where that is denied', async () => {
      using place = bench();
      await using missing = await service.place([]);
      assertSaid(await place.mirror(missing), 3, /does not exist.*create/);
      await using denied = await service.place([], ({ method, url }) => (method === 'PUT' && !service.writes({ method, url, headers: {} }) ? service.refusal('denied') : undefined));
      assertSaid(await place.mirror(denied, '&create'), 3, /cannot create .*(denied|not allowed).*: /);
      assert.deepEqual(await denied.keys(), []);
      assertSaid(await place.mirror(missing, '&create'), 0, /done: 3 changes/);
      assert.deepEqual(await missing.keys(), ['a', 'b', 'c']);
    });

    test('credentials that are wrong, and such as have expired', async () => {
      using place = bench();
      await using wrong = await service.place(['old']);
      assertSaid(await place.mirror(wrong, '', service.wrongSecret), 3, /secret key does not fit|check/);
      await using expired = await service.place(['old'], () => service.refusal('expired'));
      assertSaid(await place.mirror(expired), 3, /expired|token is not accepted/);
      assert.deepEqual([await wrong.keys(), await expired.keys()], [['old'], ['old']]);
    });

    test('one entry that may not be written', async () => {
      using place = bench();
      await using target = await service.place(['b', 'old'], (passing) => (service.writes(passing, '/b') ? service.refusal('denied') : undefined));
      place.write({ 'site/b': 'changed' });
      assertSaid(await place.mirror(target), 1, /cannot update b: cannot write .*\/b: (access is denied|this is not allowed)|cannot write .*\/b: (access is denied|this is not allowed)/);
      assert.deepEqual(await target.keys(), ['a', 'b', 'c']);
    });

    test('a target that may only be read', async () => {
      using place = bench();
      await using target = await service.place(['a', 'old'], ({ method }) => (method === 'PUT' || method === 'DELETE' || method === 'POST' ? service.refusal('denied') : undefined));
      assertSaid(await place.mirror(target), 1, /(access is denied|not allowed)/);
      assert.deepEqual(await target.keys(), ['a', 'old']);
    });

    test('a quota that is used up', async () => {
      using place = bench();
      await using target = await service.place(['old'], (passing) => (service.writes(passing) ? service.refusal('quota') : undefined));
      assertSaid(await place.mirror(target), 1, /the quota is used up/);
    });

    test('a name that is too long for the target, and one that is not UTF-8', async () => {
      using place = bench();
      await using target = await service.place(['old']);
      const long = Array.from({ length: 7 }, (_, i) => `${i}`.repeat(200)).join('/');
      mkdirSync(place.at('site', long), { recursive: true });
      writeFileSync(place.at('site', long, 'file'), 'x');
      assertSaid(await place.mirror(target), 1, /cannot create.*0{200}.*longer than|too long/);
      assert.deepEqual(await target.keys(), ['a', 'b', 'c']);
      await using other = await service.place(['old']);
      place.write({ 'more/x': 'x' });
      writeFileSync(Buffer.concat([Buffer.from(`${place.at('more')}/`), Buffer.from([0xff, 0x61])]), 'x');
      const ended = await place.syncline(['sync', '--delete', '--max-deletes', 'all', 'more', other.endpoint()], { environment: other.environment });
      assertSaid(ended, 1, /UTF-8/);
      assert.match(ended.stdout, /nothing was deleted, because not everything could be read/);
      assert.deepEqual([...await other.keys()].sort(), ['old', 'x']);
    });

    test('a service that is not there, when it begins', async () => {
      using place = bench();
      const target = await service.place(['old']);
      await target[Symbol.asyncDispose]();
      assertSaid(await place.mirror(target), 3, /cannot list .*: check the/);
    });

    test('as a source, to a directory: what may not be read is named, and nothing is deleted', async () => {
      using place = bench();
      await using from = await service.place(['a', 'b', 'c'], ({ method, url }) => (method === 'GET' && url.split('?')[0]!.endsWith('/b') ? service.refusal('denied') : undefined));
      place.write({ 'out/old': 'old', 'out/b': 'before' });
      assertSaid(await place.syncline(['sync', '--delete', '--max-deletes', 'all', '--max-attempts', '1', from.endpoint(), 'out'], { environment: from.environment }), 1, /\/b: (access is denied|this is not allowed|the service|.*403)/);
      assert.ok(readdirSync(place.at('out')).includes('b'));
    });
  });
}

describe('at Swift itself', { skip: missingSwift }, () => {
  test('a quota that the server keeps', async () => {
    using place = bench();
    place.write({ 'site/a': '12345' });
    await using target = await swift.place([]);
    const [, container = ''] = /^swift:\/\/([^?]+)/.exec(target.endpoint()) ?? [];
    await ask('PUT', container, { headers: { 'x-container-meta-quota-bytes': '3' } });
    assertSaid(await place.mirror(target), 1, /cannot write .*\/a: the quota is used up.*: delete something/);
    assert.deepEqual(await target.keys(), ['b', 'c']);
  });
});

describe('at a service that does not escape names in listings', { skip: missingS3, timeout: 120_000 }, () => {
  test('a name that XML cannot say is not written, and where there is one already nothing is deleted', async () => {
    using place = bench();
    await using target = await s3.place(['old']);
    place.write({ 'site/\u0001': 'x' });
    assertSaid(await place.mirror(target), 1, /cannot be an object in .*: the service cannot list such names: rename it/);
    assert.deepEqual(await target.keys(), ['a', 'b', 'c']);
    const [, bucket = ''] = /^s3:\/\/([^?]+)/.exec(target.endpoint()) ?? [];
    writeFileSync(join((await s3Server()).folder, bucket, 'old\u0001'), 'x');
    place.write({ 'site/d': 'd' });
    rmSync(place.at('site/a'));
    const ended = await place.mirror(target);
    assertSaid(ended, 1, /has another name than the service lists it with/);
    assert.match(ended.stdout, /nothing was deleted, because not everything could be read/);
    rmSync(join((await s3Server()).folder, bucket, 'old\u0001'));
    assert.deepEqual(await target.keys(), ['a', 'b', 'c', 'd']);
  });
});

test('a database that nobody is named for is refused with a hint that stands as it was written', async () => {
  using bench = new Bench();
  for (const scheme of ['postgres', 'mysql']) {
    const { code, stderr } = await bench.syncline(['sync', `${scheme}://nowhere.invalid/shop`, 'null']);
    assert.equal(code, 2);
    assert.match(stderr, /\/shop does not say who connects: write the user and an @ before the host/);
  }
});
