import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { createServer as createRawServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { after, describe, it } from 'node:test';
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import type { Http, HttpOptions, HttpRetry } from './client.ts';
import { openHttp } from './client.ts';
import { bindCredentials } from './credentials.ts';
import { HttpFailure } from './http-failure.ts';

const closers: (() => unknown)[] = [];
after(async () => {
  for (const close of closers) await close();
});

async function listen(server: Server): Promise<string> {
  server.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function serve(listener: (...exchange: Parameters<RequestListener>) => unknown): Promise<string> {
  const server = createServer((request, response) => void listener(request, response));
  closers.push(() => server.closeAllConnections(), () => server.close());
  return listen(server);
}

/** A server below HTTP: it is handed each connection once a request has begun to arrive on it. */
async function serveRaw(answer: (socket: Socket, nth: number) => void): Promise<string> {
  let requests = 0;
  const sockets = new Set<Socket>();
  const server = createRawServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('data', () => answer(socket, ++requests));
  });
  closers.push(() => { for (const socket of sockets) socket.destroy(); }, () => server.close());
  return listen(server);
}

/** An address where nothing listens. */
async function closedPort(): Promise<string> {
  const server = createServer();
  const origin = await listen(server);
  await new Promise((resolve) => server.close(resolve));
  return origin;
}

interface Opened {
  readonly http: Http;
  readonly retries: HttpRetry[];
  readonly slept: number[];
}

function opened(options: Partial<HttpOptions> = {}): Opened {
  const retries: HttpRetry[] = [];
  const slept: number[] = [];
  const http = openHttp({
    timeoutMs: 5000, connections: 4, maxAttempts: 1, maxBodyBytes: 1_000_000,
    now: () => Date.parse('2026-01-01T00:00:00Z'), random: () => 0.5,
    sleep: async (ms) => { slept.push(ms); },
    onRetry: (retry) => retries.push(retry),
    ...options,
  });
  closers.push(() => http[Symbol.asyncDispose]());
  return { http, retries, slept };
}

function failsAs(kind: HttpFailure['kind']): (error: unknown) => boolean {
  return (error) => error instanceof HttpFailure && error.kind === kind;
}

function answer(response: ServerResponse, status: number, headers: Record<string, string> = {}, body = ''): void {
  response.writeHead(status, headers);
  response.end(body);
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  return text;
}

describe('request', () => {
  it('sends the path as it is written', async () => {
    const paths: (string | undefined)[] = [];
    const origin = await serve((request, response) => {
      paths.push(request.url);
      answer(response, 200);
    });
    const { http } = opened();
    for (const path of ['/a/../b', '/a%2Fb/%2e%2e', '//double', '/a b/é', '/x?y=../z#fragment']) await http.request({ url: origin + path });
    assert.deepEqual(paths, ['/a/../b', '/a%2Fb/%2e%2e', '//double', '/a%20b/%C3%A9', '/x?y=../z']);
  });

  it('unpacks gzip, brotli and both kinds of deflate', async () => {
    const packers: Record<string, [string, (text: string) => Buffer]> = { '/gzip': ['gzip', gzipSync], '/br': ['br', brotliCompressSync], '/zlib': ['deflate', deflateSync], '/raw': ['deflate', deflateRawSync] };
    const origin = await serve((request, response) => {
      const [encoding, pack] = packers[request.url as string] as [string, (text: string) => Buffer];
      response.writeHead(200, { 'content-encoding': encoding });
      response.end(pack(`hello from ${request.url}`));
    });
    const { http } = opened();
    for (const path of Object.keys(packers)) assert.equal((await http.request({ url: origin + path })).body.toString(), `hello from ${path}`);
  });

  it('never keeps more than it was allowed, packed or not', async () => {
    const origin = await serve((request, response) => {
      if (request.url === '/bomb') {
        response.writeHead(200, { 'content-encoding': 'gzip' });
        response.end(gzipSync(Buffer.alloc(10_000_000)));
      } else if (request.url === '/long') answer(response, 200, { 'content-length': '2000000' }, 'x'.repeat(2_000_000));
      else answer(response, 200, {}, 'x'.repeat(2_000_000));
    });
    const { http } = opened();
    for (const path of ['/bomb', '/long', '/chunked']) await assert.rejects(http.request({ url: origin + path }), failsAs('too-large'));
  });

  it('refuses half an answer, and asks again for the whole', async () => {
    const whole = 'HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n0123456789';
    const halves: ((socket: Socket) => void)[] = [
      (socket) => socket.end(whole.slice(0, -4)),
      (socket) => socket.end('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n01234\r\n'),
      (socket) => {
        socket.write(whole.slice(0, -4));
        socket.resetAndDestroy();
      },
      (socket) => socket.resetAndDestroy(),
      (socket) => socket.end(),
    ];
    for (const half of halves) {
      const always = await serveRaw(half);
      await assert.rejects(opened().http.request({ url: always }), failsAs('broken'));
      const once = await serveRaw((socket, nth) => (nth === 1 ? half(socket) : socket.end(whole)));
      const { http, retries } = opened({ maxAttempts: 3 });
      const { body, attempts } = await http.request({ url: once });
      assert.deepEqual([body.toString(), attempts, retries.length], ['0123456789', 2, 1]);
    }
  });

  it('refuses half an answer that is packed', async () => {
    const packed = gzipSync('a page of some length '.repeat(100));
    const origin = await serve((_, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip' });
      response.end(packed.subarray(0, packed.length - 20));
    });
    await assert.rejects(opened().http.request({ url: origin }), failsAs('broken'));
  });

  it('gives up on a server that does not answer, begins and does not end, or cannot be reached', async () => {
    const silent = await serveRaw(() => {});
    const stuck = await serveRaw((socket) => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n01'));
    const { http } = opened({ timeoutMs: 100 });
    await assert.rejects(http.request({ url: silent }), failsAs('timeout'));
    await assert.rejects(http.request({ url: stuck }), failsAs('timeout'));
    await assert.rejects(http.request({ url: await closedPort() }), failsAs('unreachable'));
    const other = await serveRaw((socket) => socket.end('220 mail.example ESMTP\r\n'));
    await assert.rejects(http.request({ url: other }), failsAs('undecodable'));
    await assert.rejects(http.request({ url: 'ftp://user:secret@host/' }), (error: Error) => failsAs('invalid-url')(error) && !error.message.includes('secret'));
  });

  it('repeats what a server cannot answer now, as patiently as it asks', async () => {
    const answers: [number, Record<string, string>][] = [[503, {}], [429, { 'retry-after': '7' }], [502, { 'retry-after': 'Thu, 01 Jan 2026 00:00:09 GMT' }], [504, { 'retry-after': '86400' }], [200, {}]];
    let asked = 0;
    const origin = await serve((_, response) => answer(response, ...(answers[asked++] as [number, Record<string, string>])));
    const { http, slept, retries } = opened({ maxAttempts: 5 });
    const response = await http.request({ url: origin });
    assert.equal(response.status, 200);
    assert.deepEqual(slept, [100, 7000, 9000, 300_000]);
    assert.deepEqual(retries.map(({ failed, reason }) => [failed, reason]), [[1, 'status 503'], [2, 'status 429'], [3, 'status 502'], [4, 'status 504']]);
  });

  it('gives the last answer when its attempts are used up, and does not repeat other statuses', async () => {
    let asked = 0;
    const origin = await serve((request, response) => {
      asked++;
      answer(response, request.url === '/503' ? 503 : 500);
    });
    const { http } = opened({ maxAttempts: 3 });
    assert.deepEqual([(await http.request({ url: `${origin}/503` })).status, asked], [503, 3]);
    assert.deepEqual([(await http.request({ url: `${origin}/500` })).status, asked], [500, 4]);
  });

  it('sends a POST or PATCH again only where the first cannot have been acted on', async () => {
    let asked = 0;
    const resetting = await serveRaw((socket) => {
      asked++;
      socket.resetAndDestroy();
    });
    const { http } = opened({ maxAttempts: 3 });
    await assert.rejects(http.request({ url: resetting, method: 'PATCH', body: '{}' }), failsAs('broken'));
    assert.equal(asked, 1);
    await assert.rejects(http.request({ url: resetting, method: 'PATCH', body: '{}', idempotent: true }), failsAs('broken'));
    assert.equal(asked, 4);
    asked = 0;
    const busy = await serve((request, response) => {
      asked++;
      answer(response, request.url === '/502' ? 502 : 503);
    });
    await http.request({ url: `${busy}/502`, method: 'POST', body: '{}' });
    assert.equal(asked, 1);
    await http.request({ url: `${busy}/503`, method: 'POST', body: '{}' });
    assert.equal(asked, 4);
    const unreachable = opened({ maxAttempts: 3 });
    await assert.rejects(unreachable.http.request({ url: await closedPort(), method: 'POST', body: '{}' }), failsAs('unreachable'));
    assert.equal(unreachable.retries.length, 2);
  });

  it('stops when the signal fires, while asking and while waiting to ask again', async () => {
    const silent = await serveRaw(() => {});
    const controller = new AbortController();
    const asked = opened().http.request({ url: silent, signal: controller.signal });
    setImmediate(() => controller.abort());
    await assert.rejects(asked, { name: 'AbortError' });
    const { http } = opened({ maxAttempts: 3, sleep: () => Promise.reject(new DOMException('stopped', 'AbortError')) });
    const busy = await serve((_, response) => answer(response, 503));
    await assert.rejects(http.request({ url: busy }), { name: 'AbortError' });
    await assert.rejects(http.request({ url: busy, signal: AbortSignal.abort() }), { name: 'AbortError' });
  });

  it('keeps no more than the connections it was allowed', async () => {
    const held: ServerResponse[] = [];
    const groups: number[] = [];
    // Answers only once three requests are waiting, and leaves a fourth the time to arrive.
    const origin = await serve((_, response) => {
      if (held.push(response) !== 3) return;
      setTimeout(() => {
        groups.push(held.length);
        for (const waiting of held.splice(0)) answer(waiting, 200);
      }, 20);
    });
    const { http } = opened({ connections: 3 });
    await Promise.all(Array.from({ length: 9 }, () => http.request({ url: origin })));
    assert.deepEqual(groups, [3, 3, 3]);
  });
});

describe('redirects', () => {
  it('are followed by GET, with credentials and headers only where they belong', async () => {
    const seen: Record<string, unknown>[] = [];
    const note = (at: string, { method, headers }: IncomingMessage): unknown => seen.push({ at, method, authorization: headers.authorization, condition: headers['if-none-match'] });
    const other = await serve((request, response) => {
      note('other', request);
      answer(response, 302, { location: `${home}/end` });
    });
    const home: string = await serve((request, response) => {
      note('home', request);
      if (request.url === '/end') answer(response, 200, {}, 'done');
      else answer(response, 301, { location: request.url === '/start' ? '/second' : `${other}/x` });
    });
    const { http } = opened({ credentials: bindCredentials({ origin: home, environment: { SYNCLINE_TOKEN: 'secret' } }) });
    const response = await http.request({ url: `${home}/start`, headers: { 'if-none-match': '"1"' } });
    assert.deepEqual([response.body.toString(), response.url], ['done', `${home}/end`]);
    const own = { at: 'home', method: 'GET', authorization: 'Bearer secret', condition: '"1"' };
    assert.deepEqual(seen, [own, own, { at: 'other', method: 'GET', authorization: undefined, condition: undefined }, own]);
  });

  it('are repeated by PUT only where the method may not change', async () => {
    const seen: string[] = [];
    const origin = await serve(async (request, response) => {
      seen.push(`${request.method} ${request.url} ${await bodyOf(request)}`);
      const status = Number(request.url?.slice(1));
      if (Number.isNaN(status)) answer(response, 200);
      else answer(response, status, { location: '/there' });
    });
    const { http } = opened();
    for (const status of [301, 302, 303]) assert.equal((await http.request({ url: `${origin}/${status}`, method: 'PUT', body: 'b' })).status, status);
    assert.deepEqual(seen, ['PUT /301 b', 'PUT /302 b', 'PUT /303 b']);
    for (const status of [307, 308]) assert.equal((await http.request({ url: `${origin}/${status}`, method: 'PUT', body: 'b' })).status, 200);
    assert.deepEqual(seen.slice(3), ['PUT /307 b', 'PUT /there b', 'PUT /308 b', 'PUT /there b']);
  });

  it('end when they go in a circle', async () => {
    let asked = 0;
    const origin = await serve((_, response) => {
      asked++;
      answer(response, 302, { location: '/' });
    });
    await assert.rejects(opened().http.request({ url: origin }), failsAs('endless'));
    assert.equal(asked, 11);
  });
});
