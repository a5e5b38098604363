import { createHash } from 'node:crypto';
import type { HttpHeaders } from '../../lib/http/client.ts';
import type { Content, Entry, Stat } from '../../model/entry.ts';
import { SyncError } from '../../model/errors.ts';
import type { Key } from '../../model/key.ts';
import type { Expectation, Outcome, Write } from '../../model/store.ts';
import type { SwiftContext } from './context.ts';
import type { SwiftAnswer } from './failure.ts';
import { statusFailure } from './failure.ts';
import { putLarge, removeSegments, segmentsOf } from './large.ts';
import { largeVersion } from './manifest.ts';
import type { ObjectFacts } from './object-facts.ts';
import { attributeHeaders, ownsSegments, statOf, unquoted } from './object-facts.ts';

type Put = Extract<Write, { kind: 'put' }>;
type Blob = Content & { readonly kind: 'blob' };
type Blobs = Entry & { readonly content: Blob };

/** Content up to this size is held in memory, so that the server can be told its checksum beforehand. */
const smallBytes = 1024 * 1024;
/** As much of content whose size nobody knows. */
const unknownBytes = 8 * 1024 * 1024;

/** Puts one entry. The expectation is checked just before, so whatever is done under one is unguarded. */
export async function putObject(context: SwiftContext, { entry, expect }: Put, signal: AbortSignal | undefined): Promise<Outcome> {
  const { key, content } = entry;
  const flaw = context.flawOf(key) ?? (key.endsWith('/') ? 'a name that ends with a slash stands for a directory' : undefined);
  if (flaw !== undefined) throw new SyncError('invalid', `${JSON.stringify(key)} cannot be kept in ${context.name}: ${flaw}`, { store: context.name, key, hint: 'rename it, or leave it out' });
  if (content.kind !== 'blob') throw new SyncError('unsupported', `${context.name} holds bytes, and ${key} is a document`, { store: context.name, key });
  const blob: Blobs = { ...entry, content };
  // A server that is asked to put only what is not there looks by itself, which saves a request.
  const absent = expect !== undefined && 'absent' in expect;
  const before = absent ? undefined : await context.look(key, signal);
  if (expect && !absent && !meets(before, expect)) return stale(context, key, before);
  const old = before && ownsSegments(before) ? await segmentsOf(context, key, before, signal) : [];
  for (let attempts = 1; ; attempts++) {
    const stat = await send(context, blob, absent, signal);
    if (stat) {
      await removeSegments(context, key, old, stat.segments, signal);
      return { kind: 'done', stat: stat.stat, ...(expect && { unguarded: true }) };
    }
    const found = await context.look(key, signal);
    // What the server saw a moment ago may be gone again.
    if (found || attempts === 3) return stale(context, key, found);
  }
}

/** What is stored now, and the segments it is made of. */
interface Stored {
  readonly stat: Stat;
  readonly segments: readonly string[];
}

/** Sends content in whichever way suits its size. `undefined`: something was there already. */
async function send(context: SwiftContext, entry: Blobs, absent: boolean, signal: AbortSignal | undefined): Promise<Stored | undefined> {
  const { key, content, size } = entry;
  const headers = { ...headersOf(context, entry), ...(absent && { 'if-none-match': '*' }) };
  const bytes = size === undefined || size <= smallBytes ? await gather(content, size === undefined ? unknownBytes : smallBytes, signal) : undefined;
  if (bytes) return putSmall(context, key, bytes, headers, signal);
  const { segments, fileBytes } = await context.client.ability(signal);
  if (segments === 0 || (size !== undefined && size <= Math.min(context.segmentBytes, fileBytes))) return putStream(context, entry, headers, signal);
  if (absent && (await context.look(key, signal))) return undefined;
  const put = await putLarge(context, entry, { headers, mostSegments: segments, fileBytes, signal });
  return put && { stat: { version: largeVersion(put.segments), size: put.size }, segments: put.segments.map(({ path }) => path) };
}

async function putSmall(context: SwiftContext, key: Key, bytes: Buffer, headers: HttpHeaders, signal: AbortSignal | undefined): Promise<Stored | undefined> {
  const etag = createHash('md5').update(bytes).digest('hex');
  const answer = await putInto(context, key, { ...headers, etag }, () => bytes, signal);
  if (answer.status === 412) return (await isOurs(context, key, answer, etag, signal)) ? { stat: statOf(etag, { size: bytes.length, large: false }), segments: [] } : undefined;
  if (unquoted(answer.headers['etag'] ?? etag) !== etag) throw damaged(context, key);
  return { stat: statOf(etag, { size: bytes.length, large: false }), segments: [] };
}

async function putStream(context: SwiftContext, entry: Blobs, headers: HttpHeaders, signal: AbortSignal | undefined): Promise<Stored | undefined> {
  const { key, content, size, digest } = entry;
  let sent: Sent = { bytes: 0, md5: '' };
  const body = (): AsyncIterable<Uint8Array> => counted(content, { size, place: entry.place ?? key, key, done: (all) => { sent = all; } });
  const known = { ...(size !== undefined && { 'content-length': String(size) }), ...(digest?.algorithm === 'md5' && { etag: digest.value }) };
  for (let attempts = 1; ; attempts++) {
    const answer = await putInto(context, key, { ...headers, ...known }, body, signal);
    if (answer.status === 412) return (await isOurs(context, key, answer, sent.md5, signal)) ? { stat: statOf(sent.md5, { size: sent.bytes, large: false }), segments: [] } : undefined;
    if (unquoted(answer.headers['etag'] ?? '') === sent.md5) return { stat: statOf(sent.md5, { size: sent.bytes, large: false }), segments: [] };
    if (attempts === 2 || headers['if-none-match'] !== undefined) throw damaged(context, key);
  }
}

/** A PUT that makes the container if it is missing and that was asked for. Answers 201, or 412 where something was there. */
async function putInto(context: SwiftContext, key: Key, headers: HttpHeaders, body: () => Uint8Array | AsyncIterable<Uint8Array>, signal: AbortSignal | undefined): Promise<SwiftAnswer> {
  const about = context.about('write', key);
  for (let attempts = 1; ; attempts++) {
    const answer = await context.client.request({ method: 'PUT', path: context.pathOf(key), headers, body, wanted: [201, 202, 404, 412], about, signal });
    if (answer.status === 412 && headers['if-none-match'] === undefined) throw statusFailure(answer, about, context.host.now());
    if (answer.status !== 404) return answer;
    if (attempts === 2) throw context.missing();
    await context.supply(context.container, signal);
  }
}

/** Whether what was found in the way is what we put there ourselves, by a request whose answer was lost. */
async function isOurs(context: SwiftContext, key: Key, { attempts }: SwiftAnswer, etag: string, signal: AbortSignal | undefined): Promise<boolean> {
  return attempts > 1 && etag !== '' && (await context.look(key, signal))?.etag === etag;
}

/** What rules say of an object. A content type that is not given is guessed by the server, from the name. */
export function keepingHeaders({ keeping }: SwiftContext, key: Key): HttpHeaders {
  const { contentType, cacheControl } = keeping?.keepingOf(key) ?? {};
  return { ...(contentType && { 'content-type': contentType }), ...(cacheControl && { 'cache-control': cacheControl }) };
}

function headersOf(context: SwiftContext, { key, content: { mediaType }, attributes, modifiedAt }: Blobs): HttpHeaders {
  return {
    ...(mediaType !== undefined && { 'content-type': mediaType }),
    ...keepingHeaders(context, key),
    ...attributeHeaders({ ...(modifiedAt !== undefined && { modifiedAt }), ...attributes }),
  };
}

interface Sent {
  readonly bytes: number;
  readonly md5: string;
}

/** Content as it is sent, which must have the size it was said to have. */
async function* counted(content: Blob, { size, place, key, done }: { readonly size: number | undefined; readonly place: string; readonly key: Key; readonly done: (sent: Sent) => void }): AsyncGenerator<Uint8Array> {
  const hash = createHash('md5');
  let bytes = 0;
  for await (const chunk of content.bytes()) {
    bytes += chunk.length;
    if (size !== undefined && bytes > size) break;
    hash.update(chunk);
    yield chunk;
  }
  if (size !== undefined && bytes !== size) throw new SyncError('conflict', `${place} was changed while it was being read`, { key, hint: 'run again' });
  done({ bytes, md5: hash.digest('hex') });
}

/** All of the content, where it is no more than `most` bytes. */
async function gather(content: Blob, most: number, signal: AbortSignal | undefined): Promise<Buffer | undefined> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of content.bytes()) {
    signal?.throwIfAborted();
    chunks.push(chunk);
    size += chunk.length;
    if (size > most) return undefined;
  }
  return Buffer.concat(chunks, size);
}

/** Whether an expectation holds for what was found. Without a time nothing can be shown to be older. */
export function meets(found: ObjectFacts | undefined, expect: Expectation): boolean {
  if ('absent' in expect) return found === undefined;
  if ('version' in expect) return found?.stat.version === expect.version;
  return found === undefined || (found.stat.modifiedAt ?? Infinity) < expect.older;
}

/** The answer where an expectation does not hold. */
export function stale(context: SwiftContext, key: Key, found: ObjectFacts | undefined): Outcome {
  return { kind: 'stale', found: found && context.entryOf(key, found) };
}

function damaged(context: SwiftContext, key: Key): SyncError {
  const { place, details } = context.about('write', key);
  return new SyncError('unavailable', `cannot write ${place}: what arrived is not what was sent`, { ...details, hint: 'run again' });
}
