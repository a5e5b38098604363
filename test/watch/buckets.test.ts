import assert from 'node:assert/strict';
import { once } from 'node:events';
import { renameSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { openState } from '../../src/engine/state/sqlite-state.ts';
import { runVerify } from '../../src/engine/verify.ts';
import { plainHost } from '../../src/model/plain-host.ts';
import type { Store } from '../../src/model/store.ts';
import { TreeStore } from '../../src/stores/tree/tree-store.ts';
import { missingS3, newBucket, openS3, s3Server } from '../services/s3.ts';
import { interferingProxy } from '../services/interfering-proxy.ts';
import { becomeEqual, Trees } from './trees.ts';

const options = { backoff: { firstMs: 50, mostMs: 1_000 } };

/** A wire to a server that can be cut. */
class Wire implements AsyncDisposable {
  readonly #server = createServer((socket) => this.#pass(socket));
  readonly #sockets = new Set<Socket>();
  readonly #target: URL;
  #whole = true;

  constructor(target: string) {
    this.#target = new URL(target);
  }

  async open(): Promise<string> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  cut(): void {
    this.#whole = false;
    for (const socket of this.#sockets) socket.destroy();
  }

  mend(): void {
    this.#whole = true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #pass(socket: Socket): void {
    if (!this.#whole) return void socket.destroy();
    const onward = connect(Number(this.#target.port), this.#target.hostname);
    for (const [one, other] of [[socket, onward], [onward, socket]] as const) {
      this.#sockets.add(one);
      one.on('error', () => other.destroy()).on('close', () => {
        this.#sockets.delete(one);
        other.destroy();
      });
      one.pipe(other);
    }
  }
}

/** Fills the directory, has the bucket kept as it is, and says where the server has the objects as files. */
async function start(trees: Trees, target: Store, bucket: string): Promise<string> {
  for (let i = 0; i < 20; i++) trees.write(`first/${i}.txt`, `text ${i}`);
  await trees.start({ ...options, pairing: { target } });
  const folder = join((await s3Server()).folder, bucket);
  await becomeEqual(trees.source, folder);
  return folder;
}

describe('a watched directory and a bucket', { skip: missingS3 ?? false }, () => {
  it('are equal after files were made, changed, renamed and removed', async () => {
    const bucket = newBucket();
    await using target = await openS3(bucket);
    await using trees = new Trees();
    const folder = await start(trees, target, bucket);
    trees.write('new/file.txt', 'text');
    await becomeEqual(trees.source, folder);
    trees.write('first/3.txt', 'text x');
    renameSync(trees.at('first/4.txt'), trees.at('first/renamed.txt'));
    rmSync(trees.at('first/5.txt'));
    await becomeEqual(trees.source, folder);
    renameSync(trees.at('new'), trees.at('newer'));
    await becomeEqual(trees.source, folder);
    const { equal } = await runVerify({ origins: [new TreeStore(trees.source, plainHost)], target, state: openState(undefined) });
    assert.ok(equal);
  });

  it('are equal after the network was gone, which is said once and does not end the watching', async () => {
    const { endpoint } = await s3Server();
    await using wire = new Wire(endpoint);
    const bucket = newBucket();
    await using target = await openS3(bucket, { endpoint: await wire.open() });
    await using trees = new Trees();
    const folder = await start(trees, target, bucket);
    wire.cut();
    trees.write('during.txt', 'text');
    rmSync(trees.at('first/5.txt'));
    await trees.heard('trouble');
    for (let i = 0; i < 20; i++) trees.write(`first/${i}.txt`, `during ${i}`);
    rmSync(trees.at('first/6.txt'));
    await sleep(3_000);
    wire.mend();
    await becomeEqual(trees.source, folder);
    await trees.heard('recovered');
    assert.equal(trees.events.filter(({ kind }) => kind === 'trouble').length, 1);
  });

  it('are equal after the server asked to slow down', async () => {
    const { endpoint } = await s3Server();
    let busy = false;
    await using proxy = await interferingProxy(endpoint, () => (busy ? { kind: 'answer', status: 503, body: '<Error><Code>SlowDown</Code><Message>Reduce your request rate.</Message></Error>' } : undefined));
    const bucket = newBucket();
    await using target = await openS3(bucket, { endpoint: proxy.origin });
    await using trees = new Trees();
    const folder = await start(trees, target, bucket);
    busy = true;
    for (let i = 0; i < 20; i++) trees.write(`busy/${i}.txt`, `text ${i}`);
    await trees.heard('trouble');
    busy = false;
    await becomeEqual(trees.source, folder);
  });
});
