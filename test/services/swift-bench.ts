// Short ways to say what the tests of the Swift store say.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { request } from 'node:http';
import type { Entry } from '../../src/model/entry.ts';
import type { SyncError } from '../../src/model/errors.ts';
import type { Host } from '../../src/model/host.ts';
import { plainHost } from '../../src/model/plain-host.ts';
import type { Expectation, Outcome, ScanOptions, Store } from '../../src/model/store.ts';
import { kind } from '../../src/stores/swift/kind.ts';
import type { SwiftOptions } from '../../src/stores/swift/kind.ts';
import { interferingProxy } from './interfering-proxy.ts';
import type { Interference, InterferingProxy, Passing } from './interfering-proxy.ts';
import { sharedSwift } from './swift.ts';

let containers = 0;

/** A host that does not wait, so that patience costs no time. */
export function hostWith(environment: Host['environment']): Host {
  return { ...plainHost, environment, sleep: async (_, signal) => signal?.throwIfAborted() };
}

/** A container that no test uses yet. */
export function newContainer(): string {
  return `container-${containers++}`;
}

/** A container on the Swift of this process, or wherever the environment leads. It is made when something is written. */
export async function open(container: string, options: SwiftOptions = {}, environment?: Host['environment']): Promise<Store> {
  const given = environment ?? (await sharedSwift()).environment;
  return await kind.open(`swift://${container}`, { create: true, missing: 'empty', ...options }, hostWith(given)) as Store;
}

/** A store whose requests pass a proxy, but not those with which it logs in. */
export async function openThrough(container: string, interfere: (passing: Passing) => Interference | undefined, options: SwiftOptions = {}): Promise<{ readonly store: Store; readonly proxy: InterferingProxy } & AsyncDisposable> {
  const { url } = await access();
  const proxy = await interferingProxy(new URL(url).origin, interfere);
  const store = await open(container, { storageUrl: proxy.origin + new URL(url).pathname, ...options });
  return { store, proxy, async [Symbol.asyncDispose]() { await store[Symbol.asyncDispose](); await proxy[Symbol.asyncDispose](); } };
}

/** Interferes with the first `count` requests that fit. */
export function first(count: number, fits: (passing: Passing) => boolean, what: Interference): (passing: Passing) => Interference | undefined {
  let left = count;
  return (passing) => (left > 0 && fits(passing) && left-- > 0 ? what : undefined);
}

/** A token, and where it leads. */
export async function access(): Promise<{ readonly url: string; readonly token: string }> {
  const { ST_AUTH = '', ST_USER = '', ST_KEY = '' } = (await sharedSwift()).environment;
  const { headers } = await fetch(ST_AUTH, { headers: { 'x-auth-user': ST_USER, 'x-auth-key': ST_KEY } });
  return { url: headers.get('x-storage-url') ?? '', token: headers.get('x-auth-token') ?? '' };
}

/** Asks the server itself, as other programs do. */
export async function ask(method: string, path: string, { headers = {}, body }: { readonly headers?: { readonly [name: string]: string }; readonly body?: string } = {}): Promise<{ readonly status: number; readonly body: string; readonly headers: { readonly [name: string]: unknown } }> {
  const { url, token } = await access();
  return new Promise((resolve, reject) => {
    const sent = request(`${url}/${path}`, { method, agent: false, headers: { 'x-auth-token': token, 'content-length': Buffer.byteLength(body ?? ''), ...headers } }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (chunk: string) => { text += chunk; }).on('end', () => resolve({ status: answer.statusCode ?? 0, body: text, headers: answer.headers }));
    });
    sent.on('error', reject).end(body);
  });
}

/** The names that are in a container, as the server itself lists them. */
export async function namesIn(container: string): Promise<readonly string[]> {
  const { status, body } = await ask('GET', `${container}?format=json`);
  return status === 404 ? [] : (JSON.parse(body) as readonly { name: string }[]).map(({ name }) => name);
}

/** Puts one blob, in pieces. */
export async function put(store: Store, key: string, bytes: Uint8Array | string, { expect, ...more }: Partial<Entry> & { readonly expect?: Expectation } = {}): Promise<Outcome> {
  const content = { kind: 'blob', async *bytes(): AsyncGenerator<Uint8Array> { for (let at = 0, all = Buffer.from(bytes); at < all.length; at += 100_000) yield all.subarray(at, at + 100_000); } } as const;
  const [outcome] = await store.write([{ kind: 'put', entry: { key, content, ...more }, ...(expect && { expect }) }]);
  return outcome!;
}

/** What is answered to a write that succeeds. */
export async function done(writing: Promise<Outcome>): Promise<Extract<Outcome, { kind: 'done' }>> {
  const outcome = await writing;
  if (outcome.kind === 'failed') throw outcome.error;
  assert.ok(outcome.kind === 'done', 'the write is stale');
  return outcome;
}

/** Why a write fails. */
export async function failed(writing: Promise<Outcome>): Promise<SyncError> {
  const outcome = await writing;
  assert.ok(outcome.kind === 'failed', `the write is ${outcome.kind}`);
  return outcome.error;
}

/** Everything a scan finds. */
export async function list(store: Store, options: ScanOptions = {}): Promise<readonly Entry[]> {
  return (await Array.fromAsync(store.scan(options))).flatMap(({ entries }) => entries);
}

/** The keys of everything a scan finds. */
export async function keys(store: Store, options: ScanOptions = {}): Promise<readonly string[]> {
  return (await list(store, options)).map(({ key }) => key);
}

/** All of an entry's content. */
export async function bytesOf(entry: Entry | undefined): Promise<Buffer> {
  assert.ok(entry?.content?.kind === 'blob');
  return Buffer.concat(await Array.fromAsync(entry.content.bytes()));
}

/** The content under a key. */
export async function read(store: Store, key: string): Promise<Buffer> {
  return bytesOf((await store.read([{ key }]))[0]);
}

/** The MD5 of bytes, in hexadecimal. */
export function md5(bytes: Uint8Array | string): string {
  return createHash('md5').update(bytes).digest('hex');
}
