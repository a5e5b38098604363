import assert from 'node:assert/strict';
import { randomFillSync } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { RequestListener } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { createServer as createRawServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { selfSigned } from '../../../test/self-signed.ts';
import type { ConnectionsOptions } from './connections.ts';
import { HttpFailure } from './http-failure.ts';
import { Wire } from './wire.ts';

const closers: (() => unknown)[] = [];
after(async () => {
  for (const close of closers.reverse()) await close();
});

async function listen(server: Server, scheme = 'http'): Promise<string> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => void sockets.add(socket.on('error', () => {})));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(() => { server.close(); for (const socket of sockets) socket.destroy(); });
  return `${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function open(options: Partial<ConnectionsOptions> = {}): Wire {
  const wire = new Wire({ connections: 4, timeoutMs: 5_000, idleMs: 5_000, ...options });
  closers.push(() => wire[Symbol.asyncDispose]());
  return wire;
}

/** A server that answers with `bytes`, in the two ways that answers have a length. */
function giving(bytes: Buffer): RequestListener {
  return ({ url }, response) => {
    if (url === '/counted') response.setHeader('content-length', bytes.length);
    const send = (at: number): void => {
      if (at >= bytes.length) response.end();
      else response.write(bytes.subarray(at, at + 50_000), () => send(at + 50_000));
    };
    send(0);
  };
}

const bytes = randomFillSync(Buffer.alloc(3_000_000));

for (const scheme of ['http', 'https'] as const) for (const path of ['/counted', '/chunked']) for (const lent of [true, false]) {
  test(`${scheme}: what is ${path.slice(1)} arrives whole at a slow reader, in memory that is ${lent ? 'used again' : 'its own'}`, async () => {
    const origin = scheme === 'http' ? await listen(createServer(giving(bytes))) : await listen(createSecureServer(selfSigned(), giving(bytes)), 'https');
    // One connection: the next answer comes on it while the end of the last is still being looked at.
    const wire = open({ trust: { verify: false }, connections: 1 });
    const reading = async (): Promise<void> => {
      const stream = await wire.open({ origin, method: 'GET', path, headers: [], lent });
      const kept: { readonly chunk: Uint8Array; readonly copy: Buffer }[] = [];
      const memories = new Set<ArrayBufferLike>();
      for await (const chunk of stream.body()) {
        const copy = Buffer.from(chunk);
        memories.add(chunk.buffer);
        await sleep(1);
        assert.ok(copy.equals(chunk), 'a chunk stays as it is until the next one is asked for');
        kept.push({ chunk, copy });
      }
      assert.ok(Buffer.concat(kept.map(({ copy }) => copy)).equals(bytes));
      if (!lent) assert.ok(kept.every(({ chunk, copy }) => copy.equals(chunk)));
      else if (path === '/counted' && scheme === 'http') assert.ok(memories.size <= 4, `${memories.size} pieces of memory`);
    };
    await Promise.all(Array.from({ length: 4 }, reading));
  });
}

for (const scheme of ['http', 'https'] as const) {
  test(`${scheme}: a connection that ends is the end of an answer that does not say how long it is, and breaks one that does`, async () => {
    const listener: RequestListener = ({ url, socket }, response) => {
      response.writeHead(200, url === '/counted' ? { 'content-length': 200_000 } : { 'connection': 'close', 'transfer-encoding': 'identity' });
      response.write(Buffer.alloc(100_000, 'x'), () => socket.end());
    };
    const origin = scheme === 'http' ? await listen(createServer(listener)) : await listen(createSecureServer(selfSigned(), listener), 'https');
    const wire = open({ trust: { verify: false } });
    for (const lent of [true, false]) {
      const read = async (path: string): Promise<number> => {
        let size = 0;
        for await (const { length } of (await wire.open({ origin, method: 'GET', path, headers: [], lent })).body()) size += length;
        return size;
      };
      assert.equal(await read('/open'), 100_000);
      await assert.rejects(read('/counted'), { kind: 'broken' });
    }
    assert.equal((await wire.send({ origin, method: 'GET', path: '/open', headers: [] })).body.length, 100_000);
  });
}

test('connections are used again, but for those that the server is about to close', async () => {
  const ports: (number | undefined)[] = [];
  const origin = await listen(createServer({ keepAliveTimeout: 60_000 }, ({ socket, url }, response) => {
    ports.push(socket.remotePort);
    response.writeHead(200, url === '/last' ? { connection: 'close' } : url === '/soon' ? { 'keep-alive': 'timeout=1' } : {}).end('x');
  }));
  const wire = open();
  for (const path of ['/', '/', '/last', '/', '/soon', '/']) await wire.send({ origin, method: 'GET', path, headers: [] });
  const used = ports.map((port) => ports.indexOf(port));
  assert.deepEqual(used, [0, 0, 0, 3, 3, 5]);
});

test('an answer that comes before all was sent is an answer, and ends the connection', { timeout: 30_000 }, async () => {
  let connections = 0;
  const server = createRawServer((socket) => {
    connections++;
    socket.once('data', () => {
      socket.pause();
      socket.write('HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno');
    });
  });
  const origin = await listen(server);
  const wire = open();
  for (const expected of [1, 2]) {
    const { status, body } = await wire.send({ origin, method: 'PUT', path: '/', headers: [], body: Buffer.alloc(48 * 1024 * 1024) });
    assert.deepEqual([status, body.toString(), connections], [403, 'no', expected]);
  }
});

test('what comes without having been asked for ends the connection', async () => {
  let [connections, ended] = [0, 0];
  const origin = await listen(createRawServer((socket) => {
    connections++;
    socket.once('close', () => { ended++; });
    socket.on('data', () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx'));
    socket.once('data', () => setImmediate(() => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nstolen')));
  }));
  const wire = open();
  for (let i = 0; i < 2; i++) {
    assert.equal((await wire.send({ origin, method: 'GET', path: '/', headers: [] })).body.toString(), 'x');
    while (ended <= i) await sleep(1);
  }
  assert.equal(connections, 2);
});

test('a body that comes bit by bit is sent in chunks, or as long as it was said to be; what it throws is thrown', async () => {
  const echo = await listen(createServer((request, response) => {
    const { headers } = request;
    let size = 0;
    request.on('data', (chunk: Buffer) => { size += chunk.length; }).on('end', () => response.end(JSON.stringify([headers['transfer-encoding'], headers['content-length'], size])));
  }));
  const wire = open();
  const body = async function* (): AsyncGenerator<Uint8Array> {
    for (let i = 0; i < 40; i++) yield Buffer.alloc(i === 3 ? 0 : 50_000, i);
  };
  const send = async (headers: readonly string[], sent: AsyncIterable<Uint8Array>): Promise<unknown> => JSON.parse((await wire.send({ origin: echo, method: 'PUT', path: '/', headers, body: sent })).body.toString());
  assert.deepEqual(await send([], body()), ['chunked', null, 39 * 50_000]);
  assert.deepEqual(await send(['content-length', String(39 * 50_000)], body()), [null, String(39 * 50_000), 39 * 50_000]);
  const failing = async function* (): AsyncGenerator<Uint8Array> {
    yield Buffer.alloc(10);
    throw new RangeError('no more');
  };
  await assert.rejects(send([], failing()), { name: 'RangeError', message: 'no more' });
  assert.deepEqual(await send([], body()), ['chunked', null, 39 * 50_000], 'and the next one has a connection of its own');
});

test('a header field that would be several is refused before anything is sent', async () => {
  const origin = await listen(createRawServer(() => {}));
  const wire = open();
  for (const { path = '/', headers = [] } of [{ headers: ['x-a', '1\r\nx-b: 2'] }, { headers: ['x-a: 1\r\nx-b', '2'] }, { headers: ['x-a', '\0'] }, { path: '/ HTTP/1.1\r\nx-b: 2' }, { path: '/a b' }]) {
    await assert.rejects(wire.send({ origin, method: 'GET', path, headers }), (error) => error instanceof HttpFailure && error.kind === 'invalid-url');
  }
});

test('a signal ends what waits for a connection, what is under way and what is being read, and nothing else', async () => {
  const origin = await listen(createServer(({ url }, response) => {
    if (url === '/slow') response.write('some');
    else if (url !== '/never') response.end('x');
  }));
  const wire = open({ connections: 2 });
  const abort = new AbortController();
  const given = { origin, method: 'GET', headers: [], signal: abort.signal };
  const stream = await wire.open({ ...given, path: '/slow' });
  const ends = [wire.send({ ...given, path: '/never' }), wire.send({ ...given, path: '/waits' }), Array.fromAsync(stream.body())].map((promise) => assert.rejects(promise, { name: 'AbortError' }));
  const other = wire.send({ origin, method: 'GET', path: '/other', headers: [] });
  setImmediate(() => abort.abort());
  await Promise.all(ends);
  assert.equal((await other).body.toString(), 'x');
  await assert.rejects(wire.send({ ...given, path: '/late' }), { name: 'AbortError' });
});

test('what is disposed of sends nothing more, and gives up what is under way', async () => {
  const origin = await listen(createServer(() => {}));
  const wire = open();
  const under = assert.rejects(wire.send({ origin, method: 'GET', path: '/', headers: [] }), { name: 'AbortError' });
  await sleep(20);
  await wire[Symbol.asyncDispose]();
  await under;
  await assert.rejects(wire.send({ origin, method: 'GET', path: '/', headers: [] }), { name: 'AbortError' });
});

test('no answer in time is said so, and not of a reader who takes time', async () => {
  const origin = await listen(createServer(({ url }, response) => {
    if (url !== '/never') giving(bytes)({ url } as never, response as never);
  }));
  const wire = open({ timeoutMs: 700 });
  await assert.rejects(wire.send({ origin, method: 'GET', path: '/never', headers: [] }), { kind: 'timeout' });
  const stream = await wire.open({ origin, method: 'GET', path: '/counted', headers: [], lent: true });
  let size = 0;
  for await (const chunk of stream.body()) {
    if (size === 0) await sleep(1_500);
    size += chunk.length;
  }
  assert.equal(size, bytes.length);
});
