import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { selfSigned } from '../../../test/self-signed.ts';
import type { CachedResponse } from '../../lib/response-cache.ts';
import { SyncError } from '../../model/errors.ts';
import type { Host } from '../../model/host.ts';
import { plainHost } from '../../model/plain-host.ts';
import type { Page, ScanOptions } from '../../model/store.ts';
import type { RestOptions } from './kind.ts';
import { kind } from './kind.ts';
import type { RestStore } from './rest-store.ts';

const closers: (() => unknown)[] = [];
after(async () => {
  for (const close of closers) await close();
});

async function listen(server: Server & { closeAllConnections(): void }, scheme = 'http'): Promise<string> {
  server.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  closers.push(() => server.closeAllConnections(), () => server.close());
  return `${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

type Answers = { readonly [path: string]: object | number | ((request: IncomingMessage, response: ServerResponse) => unknown) };

/** A server that answers from a table: a document, a status, or whatever a function does. */
async function serve(answers: Answers, see?: RequestListener): Promise<string> {
  return listen(createServer((request, response) => {
    see?.(request, response);
    const found = answers[request.url ?? ''] ?? 404;
    if (typeof found === 'function') return void found(request, response);
    json(response, found);
  }));
}

function json(response: ServerResponse, body: object | number, headers: Record<string, string> = {}): void {
  response.writeHead(typeof body === 'number' ? body : 200, { 'content-type': 'application/json', ...headers });
  response.end(typeof body === 'number' ? '' : JSON.stringify(body));
}

async function open(endpoint: string, options: RestOptions = {}, host: Partial<Host> = {}): Promise<RestStore> {
  const store = await kind.open(endpoint, { maxAttempts: 1, ...options }, { ...plainHost, ...host }) as RestStore;
  closers.push(() => store[Symbol.asyncDispose]());
  return store;
}

async function pagesOf(store: RestStore, options?: ScanOptions): Promise<Page[]> {
  return Array.fromAsync(store.scan(options));
}

async function keysOf(store: RestStore, options?: ScanOptions): Promise<string[]> {
  return (await pagesOf(store, options)).flatMap(({ entries }) => entries.map(({ key }) => key));
}

async function problemsOf(store: RestStore, options?: ScanOptions): Promise<{ place: string; code: string; message: string; collection: string | undefined }[]> {
  return (await pagesOf(store, options)).flatMap(({ problems = [] }) => problems.map(({ place, error, collection }) => ({ place, code: error.code, message: error.message, collection })));
}

function resource(path: string, fields: object = {}, links: object = {}): object {
  return { id: path.split('/').at(-1), ...fields, _links: { self: { href: path }, ...links } };
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}

describe('a crawl', () => {
  it('yields in one order whatever order the answers come in', async () => {
    const children = range(20).map((i) => `/api/child/${i}`);
    const slow = (path: string) => (_: IncomingMessage, response: ServerResponse): unknown => setTimeout(() => json(response, resource(path, {}, { 'child:x': { href: `${path}/x/1` } })), Math.random() * 10);
    const origin = await serve({
      '/api/foo/1': resource('/api/foo/1', {}, { 'child:c': children.map((href) => ({ href })) }),
      ...Object.fromEntries(children.flatMap((path) => [[path, slow(path)], [`${path}/x/1`, slow(`${path}/x/1`)]])),
    });
    const first = await keysOf(await open(`${origin}/api/foo/1`, { follow: 'child' }));
    assert.deepEqual(first.slice(0, 21), ['foo/1', ...range(20).map((i) => `child/${i}`)]);
    for (let i = 0; i < 3; i++) assert.deepEqual(await keysOf(await open(`${origin}/api/foo/1`, { follow: 'child' })), first);
  });

  it('has several fetches under way, and no more than it may', async () => {
    let [now, most] = [0, 0];
    const origin = await serve({
      '/api/foo/1': resource('/api/foo/1', {}, { 'child:c': range(30).map((i) => ({ href: `/api/c/${i}` })) }),
      ...Object.fromEntries(range(30).map((i) => [`/api/c/${i}`, (_: IncomingMessage, response: ServerResponse) => {
        most = Math.max(most, ++now);
        setTimeout(() => {
          now--;
          json(response, resource(`/api/c/${i}`));
        }, 5);
      }])),
    });
    assert.equal((await keysOf(await open(`${origin}/api/foo/1`, { follow: 'child', concurrency: 4 }))).length, 31);
    assert.equal(most, 4);
  });

  it('asks for the next page before it hands this one on', async () => {
    const asked: string[] = [];
    let arrived: (() => void) | undefined;
    const origin = await serve({
      '/api/foo': { items: [resource('/api/foo/1')], _links: { next: { href: '/api/foo?page=2' } } },
      '/api/foo?page=2': { items: [resource('/api/foo/2')] },
    }, ({ url = '' }) => {
      asked.push(url);
      if (url.includes('page=2')) arrived?.();
    });
    const pages = (await open(`${origin}/api/foo`)).scan();
    const second = new Promise<void>((resolve) => { arrived = resolve; });
    const { value } = await pages.next() as { value: Page };
    assert.deepEqual(value.entries.map(({ key }) => key), ['foo/1']);
    await second;
    assert.equal(asked.length, 2);
    await pages.return(undefined);
  });

  it('takes pages before other links', async () => {
    const origin = await serve({
      '/api/foo': { items: [resource('/api/foo/1', {}, { 'child:c': { href: '/api/c/1' } })], _links: { next: { href: '/api/foo?page=2' } } },
      '/api/foo?page=2': { items: [resource('/api/foo/2', {}, { 'child:c': { href: '/api/c/2' } })] },
      '/api/c/1': resource('/api/c/1'), '/api/c/2': resource('/api/c/2'),
    });
    assert.deepEqual(await keysOf(await open(`${origin}/api/foo`, { follow: 'child' })), ['foo/1', 'foo/2', 'c/1', 'c/2']);
  });

  it('does not fetch what it has been given already', async () => {
    const asked: (string | undefined)[] = [];
    const origin = await serve({
      '/api/foo': { items: [resource('/api/foo/1', {}, { 'child:c': { href: '/api/foo/2' } }), resource('/api/foo/2', {}, { 'parent:p': { href: '/api/foo/1' } })] },
    }, ({ url }) => asked.push(url));
    assert.deepEqual(await keysOf(await open(`${origin}/api/foo`, { follow: 'all' })), ['foo/1', 'foo/2']);
    assert.deepEqual(asked, ['/api/foo']);
  });

  it('reads a bare list, nested resources, and nothing from a document that is none', async () => {
    const origin = await serve({
      '/list': [resource('/api/foo/1'), resource('/api/foo/2')],
      '/nested': { items: [{ ...resource('/api/foo/1'), _embedded: { bar: { ...resource('/api/bar/1'), _embedded: { baz: [resource('/api/baz/1')] } } } }] },
      '/other': { hello: 'world', _links: { self: { href: '/other' } } },
    });
    assert.deepEqual(await keysOf(await open(`${origin}/list`)), ['foo/1', 'foo/2']);
    assert.deepEqual(await keysOf(await open(`${origin}/nested`)), ['foo/1', 'bar/1', 'baz/1']);
    assert.deepEqual(await pagesOf(await open(`${origin}/other`)), []);
  });

  it('reports two resources of one name, and one that has an id and no self link', async () => {
    const origin = await serve({ '/api': { items: [resource('/a/foo/1'), resource('/b/foo/1'), resource('/a/foo/1')] }, '/lost': { id: 1 } });
    const store = await open(`${origin}/api`);
    assert.deepEqual(await keysOf(store), ['foo/1']);
    assert.deepEqual((await problemsOf(store)).map(({ place, code }) => [place, code]), [[`${origin}/b/foo/1`, 'invalid']]);
    assert.deepEqual((await problemsOf(await open(`${origin}/lost`))).map(({ place, code }) => [place, code]), [[`${origin}/lost`, 'corrupt']]);
  });

  it('takes what a resource carries as a resource only where it says it is one', async () => {
    const origin = await serve({ '/api/foo/1': { ...resource('/api/foo/1'), _embedded: { author: { name: 'x' }, editor: { id: 7, name: 'y' } } } });
    const store = await open(`${origin}/api/foo/1`);
    assert.deepEqual(await keysOf(store), ['foo/1']);
    assert.deepEqual((await problemsOf(store)).map(({ place }) => place), [`item 1 of ${origin}/api/foo/1`]);
  });

  it('gives a resource with links that mean the same wherever it is kept, from its collection and by itself', async () => {
    const answers = { '/api/foo/': { items: [resource('./1', { id: '1' }, { 'parent:up': { href: '../bar/2' } })] }, '/api/foo/1': resource('1', {}, { 'parent:up': { href: '../bar/2' } }) };
    const store = await open(`${await serve(answers)}/api/foo/`);
    const [listed] = (await pagesOf(store)).flatMap(({ entries }) => entries);
    const content = { kind: 'document', document: resource('/api/foo/1', {}, { 'parent:up': { href: '/api/bar/2' } }) };
    assert.deepEqual(listed?.content, content);
    const [read] = await store.read([listed!]);
    assert.deepEqual([read?.content, read?.digest], [content, listed?.digest]);
  });

  it('is not lost in resources that embed themselves without end', async () => {
    let nested = resource('/api/foo/0');
    for (let i = 1; i < 100; i++) nested = { ...resource(`/api/foo/${i}`), _embedded: { foo: [nested] } };
    const origin = await serve({ '/api/foo': { items: [nested] } });
    const store = await open(`${origin}/api/foo`);
    assert.equal((await keysOf(store)).length, 32);
    assert.match((await problemsOf(store))[0]?.message ?? '', /more than 32 levels deep/);
  });

  it('clamps a link back beyond the beginning', async () => {
    const origin = await serve({
      '/api/foo?offset=1&limit=2': { items: [resource('/api/foo/2')], _links: { prev: { href: '/api/foo?offset=-1&limit=2' } } },
      '/api/foo?offset=0&limit=2': { items: [resource('/api/foo/1'), resource('/api/foo/2')] },
    });
    assert.deepEqual(await keysOf(await open(`${origin}/api/foo?offset=1&limit=2`)), ['foo/2', 'foo/1']);
  });

  it('gives up its requests when nobody wants more, or the signal fires', async () => {
    const closed: Promise<void>[] = [];
    const origin = await serve({
      '/api/foo': { items: [resource('/api/foo/1')], _links: { next: { href: '/api/never' } } },
      '/api/never': (request) => closed.push(new Promise((resolve) => request.socket.once('close', () => resolve()))),
    });
    for await (const page of (await open(`${origin}/api/foo`, { timeoutMs: 3_600_000 })).scan()) {
      assert.equal(page.entries.length, 1);
      while (closed.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
      break;
    }
    await closed[0];
    const controller = new AbortController();
    const pages = (await open(`${origin}/api/foo`)).scan({ signal: controller.signal });
    await pages.next();
    const next = pages.next();
    controller.abort();
    await assert.rejects(next, { code: 'interrupted' });
  });
});

describe('collections', () => {
  it('are listed with all their pages, and those that cannot be are named', async () => {
    const origin = await serve({
      '/api/foo': { items: [resource('/api/foo/1')], _links: { next: { href: '/api/foo?page=2' } } },
      '/api/foo?page=2': { items: [resource('/api/foo/2')] },
      '/api/bar': { items: [], _links: { self: { href: '/api/bar' } } },
      '/api/one': resource('/api/one', { count: 1 }), '/api/405': 405, '/api/501': 501, '/api/half': { items: [resource('/api/half/1')], _links: { next: { href: '/api/half?page=2' } } },
      '/api/nameless': { items: [resource('/api/nameless/1'), { id: 2 }] },
    });
    const store = await open(origin);
    assert.equal(store.capabilities.enumerates, 'collections');
    const collections = ['/api/foo', '/api/bar', '/api/one', '/api/404', '/api/405', '/api/501', '/api/half', '/api/nameless'];
    assert.deepEqual((await keysOf(store, { collections })).sort(), ['foo/1', 'foo/2', 'half/1', 'nameless/1']);
    const problems = await problemsOf(store, { collections });
    assert.deepEqual(problems.map(({ collection, code }) => [collection, code]).sort(), [['/api/404', 'not-found'], ['/api/405', 'unsupported'], ['/api/501', 'unsupported'], ['/api/half', 'not-found'], ['/api/nameless', 'corrupt'], ['/api/one', 'unsupported']]);
  });

  it('of a server that cannot be reached are a failure of it all', async () => {
    const server = createServer();
    const origin = await listen(server);
    await new Promise((resolve) => server.close(resolve));
    await assert.rejects(pagesOf(await open(origin), { collections: ['/api/foo'] }), { code: 'unavailable' });
  });
});

describe('read', () => {
  it('gives what is there in the order it was asked for', async () => {
    const origin = await serve({
      '/api/foo/1': (_, response) => setTimeout(() => json(response, resource('/api/foo/1', {}, { 'parent:bar': { href: '/api/bar/1' } }), { etag: 'W/"7"' }), 10),
      '/api/foo/2': 410, '/api/foo/3': { name: 'without links' }, '//other/4': resource('/x/4'),
    });
    const store = await open(`${origin}/anywhere`);
    const entries = await store.read([
      { key: 'foo/1', address: '/api/foo/1', collection: '/api/foo' }, { key: 'foo/2', address: '/api/foo/2' }, { key: 'foo/3', address: '/api/foo/3' },
      { key: 'foo/404', address: '/api/foo/404' }, { key: 'x/4', address: '//other/4' },
    ]);
    assert.deepEqual(entries.map((entry) => entry && [entry.key, entry.dependsOn]), [['foo/1', ['/api/bar/1']], undefined, ['foo/3', undefined], undefined, ['x/4', undefined]]);
    assert.deepEqual(entries[0]?.collection, '/api/foo');
  });

  it('throws where it cannot tell', async () => {
    const origin = await serve({ '/500': 500, '/403': 403, '/list': [1], '/429': (_, response) => json(response, 429, { 'retry-after': '9' }) });
    const store = await open(origin);
    const rejects = (address: string, expected: object): Promise<void> => assert.rejects(store.read([{ key: 'x/1', address }]), expected);
    await rejects('/500', { code: 'unavailable' });
    await rejects('/403', { code: 'denied' });
    await rejects('/list', { code: 'corrupt' });
    await assert.rejects(store.read([{ key: 'x/1', address: '/429' }]), (error: SyncError) => error.code === 'throttled' && error.details.retryAfterMs === 9000 && error.details.attempts === 1);
    await assert.rejects(store.read([{ key: 'x/1' }]), { code: 'unsupported' });
  });
});

describe('answers that are remembered', () => {
  class Remembered extends Map<string, CachedResponse> {}

  it('are asked about again instead of fetched again', async () => {
    const conditions: (string | undefined)[] = [];
    let etag = '"1"';
    const origin = await serve({
      '/api/foo': (request, response) => {
        conditions.push(request.headers['if-none-match']);
        if (request.headers['if-none-match'] === etag) json(response, 304);
        else json(response, { items: [resource('/api/foo/1', { etag })] }, { etag });
      },
    });
    const responses = new Remembered();
    const etagOf = async (options: RestOptions = {}, host: Partial<Host> = {}): Promise<unknown> => {
      const content = (await pagesOf(await open(`${origin}/api/foo`, { responses, ...options }, host)))[0]?.entries[0]?.content;
      return content?.kind === 'document' ? content.document['etag'] : undefined;
    };
    assert.deepEqual([await etagOf(), await etagOf()], ['"1"', '"1"']);
    etag = '"2"';
    assert.deepEqual([await etagOf(), await etagOf()], ['"2"', '"2"']);
    assert.deepEqual(conditions, [undefined, '"1"', '"1"', '"2"']);
    await etagOf({ limit: 7 });
    await etagOf({}, { environment: { SYNCLINE_TOKEN: 'hush' } });
    assert.deepEqual(conditions.slice(4), [undefined, undefined]);
    assert.ok(![...responses.keys()].some((key) => key.includes('hush')));
  });

  it('are only those that can be asked about', async () => {
    const old = { 'date': 'Thu, 01 Jan 2026 00:01:00 GMT', 'last-modified': 'Thu, 01 Jan 2026 00:00:00 GMT' };
    const answers: Record<string, [number, Record<string, string>]> = {
      '/plain': [200, {}], '/no-store': [200, { 'etag': '"1"', 'cache-control': 'private, no-store' }], '/varying': [200, { etag: '"1"', vary: '*' }], '/failed': [500, { etag: '"1"' }],
      '/recent': [200, { ...old, 'last-modified': 'Thu, 01 Jan 2026 00:00:30 GMT' }], '/old': [200, old], '/tagged': [200, { etag: '"1"' }],
    };
    const origin = await serve(Object.fromEntries(Object.entries(answers).map(([path, [status, headers]]) => [path, (_: IncomingMessage, response: ServerResponse) => {
      response.writeHead(status, { 'content-type': 'application/json', ...headers });
      response.end('{}');
    }])));
    const responses = new Remembered();
    for (const path of Object.keys(answers)) await pagesOf(await open(origin + path, { responses })).catch(() => {});
    assert.deepEqual([...responses.keys()].map((key) => key.slice(key.lastIndexOf('/'))).sort(), ['/old', '/tagged']);
  });
});

describe('credentials', () => {
  const folder = mkdtempSync(join(tmpdir(), 'syncline-test-'));
  closers.push(() => rmSync(folder, { recursive: true, force: true }));

  async function sent(endpoint: (origin: string) => string, options: RestOptions, host: Partial<Host>): Promise<string | undefined> {
    let authorization: string | undefined;
    const origin = await serve({ '/api': {} }, ({ headers }) => { authorization = headers.authorization; });
    const store = await open(endpoint(origin), options, host);
    await pagesOf(store);
    assert.doesNotMatch(`${store.name} ${store.identity}`, /hush|user/);
    const [, encoded] = authorization?.split(' ') ?? [];
    return encoded === undefined ? undefined : Buffer.from(encoded, 'base64').toString();
  }

  it('come from the endpoint, the environment, a netrc file or a prompt', async () => {
    const plain = (origin: string): string => `${origin}/api`;
    const file = join(folder, 'netrc');
    writeFileSync(file, 'machine 127.0.0.1 login user password hush-file\n');
    chmodSync(file, 0o600);
    const questions: string[] = [];
    const askSecret = async (question: string): Promise<string> => {
      questions.push(question);
      return 'hush-asked';
    };
    assert.equal(await sent((origin) => `${origin.replace('//', '//user:hush%2F1@')}/api`, {}, {}), 'user:hush/1');
    assert.equal(await sent(plain, { username: 'user' }, { environment: { SYNCLINE_PASSWORD: 'hush' }, askSecret }), 'user:hush');
    assert.equal(await sent(plain, { username: 'user', netrcFile: file }, { askSecret }), 'user:hush-file');
    assert.equal(await sent(plain, {}, { environment: { SYNCLINE_NETRC: file } }), 'user:hush-file');
    assert.equal(questions.length, 0);
    assert.equal(await sent(plain, { username: 'other', netrcFile: file }, { askSecret }), 'other:hush-asked');
    assert.match(questions[0] ?? '', /^Password for other at http:\/\/127\.0\.0\.1:\d+: $/);
  });

  it('are refused where they are missing or cannot be used', async () => {
    await assert.rejects(open('http://h/', { username: 'user' }), { code: 'denied' });
    await assert.rejects(open('http://h/', { netrcFile: join(folder, 'none') }), { code: 'invalid' });
    await assert.rejects(open('http://h/', {}, { environment: { SYNCLINE_TOKEN: 'a\nb' } }), { code: 'invalid' });
    assert.equal(await sent((origin) => `${origin}/api`, {}, { environment: { HOME: folder } }), undefined);
  });

  it('that others can read are warned of', async () => {
    const file = join(folder, 'open-netrc');
    writeFileSync(file, 'default login user password hush\n');
    chmodSync(file, 0o644);
    const said: string[] = [];
    await sent((origin) => `${origin}/api`, { netrcFile: file }, { log: (level, message) => { if (level === 'warn') said.push(message); } });
    assert.equal(said.length, 1);
    assert.match(said[0] ?? '', /can be read by others/);
  });
});

describe('open', () => {
  it('refuses what cannot be an endpoint or an option', async () => {
    for (const [endpoint, options] of [['ftp://h/', {}], ['http://h:x/', {}], ['http://h/', { limit: 0 }], ['http://h/', { concurrency: 1.5 }], ['http://h/', { maxAttempts: -1 }]] as const) {
      await assert.rejects(open(endpoint, options), { code: 'invalid' });
    }
  });

  it('knows one place by one identity, however it is written', async () => {
    const identities = await Promise.all(['http://H:80/api/', 'http://h/api', 'http://user:p@h/api'].map(async (endpoint) => (await open(endpoint)).identity));
    assert.equal(new Set(identities).size, 1);
    assert.notEqual((await open('http://h/api?x=1')).identity, identities[0]);
  });

  it('does not trust a certificate that signed itself', async () => {
    const origin = await listen(createTlsServer(selfSigned(), (_, response) => response.end('{}')), 'https');
    await assert.rejects(pagesOf(await open(origin)), (error: SyncError) => error instanceof SyncError && error.code === 'denied' && /signed by itself.*NODE_EXTRA_CA_CERTS/.test(error.sentence));
  });

  it('sends nobody looking for a certificate where there is no TLS', async () => {
    const origin = await serve({});
    await assert.rejects(pagesOf(await open(origin.replace('http:', 'https:'))), (error: SyncError) => error instanceof SyncError && error.code === 'denied' && /does not speak TLS there: check the port, or write http:/.test(error.sentence));
  });
});
