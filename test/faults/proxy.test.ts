import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, beforeEach, describe, test } from 'node:test';
import { FaultProxy } from './proxy.ts';
import { requestKind } from './request-kind.ts';

/** Keeps what it is given under its path, and answers what a path holds. */
const kept = new Map<string, Buffer>();
const server = createServer((request, response) => void (async () => {
  const body = Buffer.concat(await Array.fromAsync(request as AsyncIterable<Buffer>));
  if (request.method === 'PUT') kept.set(request.url!, body);
  response.setHeader('ETag', `"${kept.get(request.url!)?.length ?? 0}"`);
  response.setHeader('X-Host', request.headers.host ?? '');
  response.end(request.method === 'GET' ? kept.get(request.url!) ?? 'nothing' : '');
})().catch(() => response.destroy()));

let proxy: FaultProxy;
before(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  proxy = await FaultProxy.start(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});
after(async () => {
  await proxy[Symbol.asyncDispose]();
  server.close();
  server.closeAllConnections();
});
beforeEach(() => {
  proxy.reset();
  kept.clear();
});

async function put(path: string, body: string | Buffer): Promise<number> {
  const answer = await fetch(proxy.url + path, { method: 'PUT', body: body as string });
  await answer.arrayBuffer();
  return answer.status;
}

async function get(path: string): Promise<string> {
  return await (await fetch(proxy.url + path)).text();
}

describe('a fault proxy', () => {
  test('passes on what comes and goes untouched, the name of the host too', async () => {
    const large = Buffer.alloc(3 * 1024 * 1024, 'large');
    assert.equal(await put('/b/k', large), 200);
    assert.deepEqual(kept.get('/b/k'), large);
    const answer = await fetch(`${proxy.url}/b/k`);
    assert.deepEqual([answer.headers.get('etag'), answer.headers.get('x-host')], [`"${large.length}"`, new URL(proxy.url).host]);
    assert.ok(large.equals(Buffer.from(await answer.arrayBuffer())));
    const { requests, total, sent, received, faults } = proxy.traffic;
    assert.deepEqual({ requests, total, sent, received, faults }, { requests: { put: 1, get: 1 }, total: 2, sent: large.length, received: large.length, faults: 0 });
  });

  test('breaks the connection before, during and after what was asked', async () => {
    const large = Buffer.alloc(4 * 1024 * 1024);
    for (const [when, stored] of [['before', false], ['during', false], ['after', true]] as const) {
      kept.clear();
      proxy.rule = ({ kind }) => (kind === 'put' ? { fault: 'reset', when } : undefined);
      await assert.rejects(put('/b/k', large), TypeError);
      await proxy.idle();
      assert.equal(kept.has('/b/k'), stored, when);
    }
  });

  test('answers with a status instead, whether or not it was done', async () => {
    proxy.rule = ({ nth }) => ({ fault: 'status', status: 503, ...(nth === 1 && { done: true }) });
    assert.deepEqual([await put('/b/a', '1'), await put('/b/b', '1')], [503, 503]);
    assert.deepEqual([...kept.keys()], ['/b/b']);
    assert.match(await get('/b/b'), /<Code>SlowDown</);
    assert.equal(proxy.traffic.faults, 3);
  });

  test('cuts answers, so that it shows and so that it does not', async () => {
    await put('/b/k', '0123456789');
    proxy.rule = () => ({ fault: 'cut', share: 0.5, whole: true });
    assert.equal(await get('/b/k'), '01234');
    proxy.rule = () => ({ fault: 'cut', share: 0.5 });
    await assert.rejects(get('/b/k'));
  });

  test('spoils one byte on the way there and on the way back, and the entity tag', async () => {
    proxy.rule = () => ({ fault: 'spoil', of: 'request' });
    await put('/b/k', 'abc');
    assert.equal(kept.get('/b/k')!.toString(), 'acc');
    proxy.rule = () => ({ fault: 'spoil', of: 'answer' });
    assert.equal(await get('/b/k'), 'abc');
    proxy.rule = () => ({ fault: 'tag', tag: 'other' });
    assert.equal((await fetch(`${proxy.url}/b/k`)).headers.get('etag'), '"other"');
  });

  test('passes on an answer to a request whose body nobody reads', async () => {
    const deaf = createServer((_, response) => void response.writeHead(404).end('none')).listen(0, '127.0.0.1');
    await once(deaf, 'listening');
    await using before = await FaultProxy.start(`http://127.0.0.1:${(deaf.address() as AddressInfo).port}`);
    const answer = await fetch(`${before.url}/b/k`, { method: 'PUT', body: Buffer.alloc(16 * 1024 * 1024) });
    assert.deepEqual([answer.status, await answer.text()], [404, 'none']);
    await before.idle();
    deaf.close();
    deaf.closeAllConnections();
  });

  test('answers a listing as it was at first, and numbers its pages', async () => {
    proxy.rememberListings();
    await put('/b?list-type=2', 'old');
    const pages: number[] = [];
    proxy.onRequest = ({ page }) => void pages.push(page);
    for (const path of ['/b?list-type=2', '/b?list-type=2&continuation-token=x', '/b?list-type=2']) await get(path);
    proxy.onRequest = () => {};
    assert.deepEqual(pages, [1, 2, 1]);
    kept.set('/b?list-type=2', Buffer.from('new'));
    assert.equal(await get('/b?list-type=2'), 'new');
    proxy.rule = () => ({ fault: 'stale' });
    assert.equal(await get('/b?list-type=2'), 'old');
  });

  test('counts the most that were under way at once', async () => {
    proxy.rule = () => ({ fault: 'delay', ms: 300 });
    await Promise.all(Array.from({ length: 7 }, (_, i) => get(`/b/${i}`)));
    assert.equal(proxy.traffic.mostInFlight, 7);
  });
});

test('requests are told apart by what they are for', () => {
  const kinds: readonly (readonly [line: string, kind: string])[] = [
    ['GET /b?list-type=2&prefix=', 'list'], ['GET /b/?location', 'container'], ['PUT /b', 'container'], ['GET /b?uploads', 'list-parts'], ['POST /b?delete=', 'delete-many'],
    ['GET /b/k', 'get'], ['HEAD /b/k', 'head'], ['PUT /b/k', 'put'], ['DELETE /b/k', 'delete'], ['POST /b/k?uploads=', 'begin-parts'],
    ['PUT /b/k?partNumber=1&uploadId=u', 'part'], ['POST /b/k?uploadId=u', 'complete-parts'], ['DELETE /b/k?uploadId=u', 'abort-parts'], ['GET /b/k?uploadId=u', 'list-parts'],
    ['GET /v1/AUTH_x/c?format=json', 'list'], ['PUT /v1/AUTH_x/c', 'container'], ['PUT /v1/AUTH_x/c/k', 'put'], ['PUT /v1/AUTH_x/c/k?multipart-manifest=put', 'complete-parts'], ['PUT /v1/AUTH_x/c_segments/k/1', 'part'],
    ['POST /v1/AUTH_x?bulk-delete', 'delete-many'], ['GET /v1/AUTH_x/c/k', 'get'], ['GET /auth/v1.0', 'get'], ['GET /', 'other'],
  ];
  for (const [line, kind] of kinds) {
    const [method = '', path = ''] = line.split(' ');
    assert.equal(requestKind(method, new URL(`http://host${path}`), false), kind, line);
  }
  assert.equal(requestKind('PUT', new URL('http://host/b/k'), true), 'copy');
});
