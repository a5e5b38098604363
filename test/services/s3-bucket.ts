// What tests of buckets have in common.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import type { Content, Entry } from '../../src/model/entry.ts';
import type { SyncError } from '../../src/model/errors.ts';
import type { Outcome, ScanOptions, Store, Write } from '../../src/model/store.ts';
import type { S3Options } from '../../src/stores/s3/kind.ts';
import { interferingProxy } from './interfering-proxy.ts';
import type { Interference, Passing } from './interfering-proxy.ts';
import { newBucket, openS3, s3Server } from './s3.ts';

/** Bytes. */
export const mebibyte: number = 1024 * 1024;

/** Bytes as content, in pieces. */
export function blob(bytes: string | Uint8Array): Content & { kind: 'blob' } {
  return { kind: 'blob', async *bytes() { for (let at = 0, all = Buffer.from(bytes); at < all.length; at += 256 * 1024) yield all.subarray(at, at + 256 * 1024); } };
}

/** A put of some bytes. */
export function put(key: string, bytes: string | Uint8Array, more: Partial<Entry> = {}): Write & { kind: 'put' } {
  return { kind: 'put', entry: { key, size: bytes.length, ...more, content: blob(bytes) } };
}

/** Puts each key with itself for content. */
export async function fill(store: Store, keys: readonly string[]): Promise<void> {
  for (const outcome of await store.write(keys.map((key) => put(key, key)))) assert.equal(outcome.kind, 'done', 'error' in outcome ? outcome.error.sentence : '');
}

/** The keys that a scan finds. */
export async function keysOf(store: Store, options?: ScanOptions): Promise<string[]> {
  return (await Array.fromAsync(store.scan(options))).flatMap(({ entries }) => entries.map(({ key }) => key));
}

/** What an entry holds. */
export async function bytesOf(store: Store, key: string): Promise<Buffer | undefined> {
  const [entry] = await store.read([{ key }]);
  return entry?.content?.kind === 'blob' ? Buffer.concat(await Array.fromAsync(entry.content.bytes())) : undefined;
}

/** Why a write failed, which it must have. */
export function failureOf(outcome: Outcome | undefined): SyncError {
  assert.ok(outcome?.kind === 'failed', outcome?.kind);
  return outcome.error;
}

/** The MD5 of some bytes, in hexadecimal. */
export function md5(bytes: string | Uint8Array): string {
  return createHash('md5').update(bytes).digest('hex');
}

/** What a store sends its requests to. */
export function originOf({ identity }: Store): string {
  return identity.replace(/^s3:/, 'http://').replace(/\/bucket.*$/, '');
}

/** Random enough that no two parts are alike. */
export function large(bytes: number, seed = 1): Buffer {
  const buffer = Buffer.alloc(bytes);
  for (let at = 0; at < bytes; at += 4_096) buffer.writeUInt32LE(at + seed, at);
  return buffer;
}

/** A bucket behind a proxy, and the same one without. */
export async function between(interfere: (passing: Passing) => Interference | undefined, options: S3Options = {}): Promise<{ store: Store; direct: Store; seen: readonly Passing[] } & AsyncDisposable> {
  const place = newBucket();
  const direct = await openS3(place);
  await fill(direct, ['there']);
  const proxy = await interferingProxy((await s3Server()).endpoint, interfere);
  const store = await openS3(place, { endpoint: proxy.origin, create: false, ...options });
  return { store, direct, seen: proxy.seen, async [Symbol.asyncDispose]() {
    for (const open of [store, direct]) await open[Symbol.asyncDispose]();
    await proxy[Symbol.asyncDispose]();
  } };
}
