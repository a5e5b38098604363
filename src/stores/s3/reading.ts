import { hash } from 'node:crypto';
import { crcOf, crcText } from '../../lib/aws/crc32.ts';
import type { WireStream } from '../../lib/http/wire.ts';
import type { HttpHeaders } from '../../lib/http/client.ts';
import type { Content, Entry } from '../../model/entry.ts';
import { SyncError } from '../../model/errors.ts';
import type { Key } from '../../model/key.ts';
import { attributesOf } from './attributes.ts';
import { entryError, placeOf, statFrom, tagOf } from './bucket.ts';
import type { Bucket } from './bucket.ts';
import { BodyDigest, partsIn } from './body-digest.ts';
import { codeOf, wireError } from './failure.ts';

type Blob = Content & { readonly kind: 'blob' };

/** Objects up to this size are fetched together with what is said of them. */
const smallBytes = 256 * 1024;

/** One entry with its content, which is held if it is small and as long as `budget` lasts, else fetched when asked for. */
export async function readEntry(bucket: Bucket, { key, size = 0 }: Pick<Entry, 'key' | 'size'>, budget: { bytes: number }, signal: AbortSignal | undefined): Promise<Entry | undefined> {
  try {
    return await fetchEntry(bucket, key, budget.bytes > 0 && size <= smallBytes ? budget : undefined, signal);
  } catch (cause) {
    throw wireError(cause, { verb: 'read', place: placeOf(bucket, key), bucket: bucket.bucket, details: { store: bucket.name, key } });
  }
}

async function fetchEntry(bucket: Bucket, key: Key, budget: { bytes: number } | undefined, signal: AbortSignal | undefined): Promise<Entry | undefined> {
  const whole = bucket.prefix + key;
  const answer = budget ? await bucket.client.send({ method: 'GET', key: whole, headers: ['range', `bytes=0-${smallBytes - 1}`], signal }) : await bucket.client.send({ method: 'HEAD', key: whole, headers: ['x-amz-checksum-mode', 'ENABLED'], signal });
  // Nothing is within the range of an empty object.
  if (answer.status === 416) return await fetchEntry(bucket, key, undefined, signal);
  if (answer.status === 404 || answer.status === 400 && codeOf(answer).startsWith('KeyTooLong')) return undefined;
  if (answer.status !== 200 && answer.status !== 206) throw entryError(bucket, 'read', key, answer);
  const { headers, body } = answer;
  const size = sizeOf(answer.status, headers);
  const tag = tagOf(headers['etag']);
  bucket.tags.learn(headers);
  const mediaType = headers['content-type'];
  const attributes = attributesOf(headers);
  const held = budget !== undefined && body.length === size;
  const stat = statFrom(bucket, tag, size, headers['last-modified']);
  const crc = tag === undefined ? undefined : wholeCrc(headers);
  if (budget) budget.bytes -= body.length;
  if (held) verify(bucket, key, tag, hash('md5', body, 'hex'));
  return {
    key, place: placeOf(bucket, key), ...stat, ...(attributes && { attributes }),
    content: {
      kind: 'blob', ...(mediaType !== undefined && { mediaType }), ...(stat.digest && (crc !== undefined || stat.digest.algorithm === 'md5') && { proves: stat.digest }),
      bytes: (room) => (held ? once(body) : size === 0 ? once(Buffer.alloc(0)) : fetchBytes(bucket, { key, tag, size, crc }, room !== undefined)),
    } satisfies Blob,
  };
}

/** The CRC-32 of the whole object, where the service keeps that: it has compared it with what was uploaded. */
function wholeCrc(headers: HttpHeaders): string | undefined {
  const crc = headers['x-amz-checksum-crc32'];
  return crc !== undefined && headers['x-amz-checksum-type'] !== 'COMPOSITE' && /^[A-Za-z0-9+/]{6}==$/.test(crc) ? crc : undefined;
}

function sizeOf(status: number, headers: HttpHeaders): number | undefined {
  const text = status === 206 ? /\/(\d+)$/.exec(headers['content-range'] ?? '')?.[1] : headers['content-length'];
  return text === undefined ? undefined : Number(text);
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  if (bytes.length > 0) yield bytes;
}

/** One state of an object. */
interface Version {
  readonly key: Key;
  readonly tag: string | undefined;
  readonly size: number | undefined;
  readonly crc: string | undefined;
}

/** The bytes of one state of an object, checked against its CRC, else against the ETag as far as that tells of them. A connection that breaks is taken up where it broke. */
async function* fetchBytes(bucket: Bucket, { key, tag, size, crc }: Version, lent: boolean): AsyncGenerator<Uint8Array> {
  const attempted = { verb: 'read', place: placeOf(bucket, key), bucket: bucket.bucket, details: { store: bucket.name, key } };
  const parts = tag === undefined ? undefined : partsIn(tag);
  const partBytes = parts === undefined || size === undefined || crc !== undefined ? undefined : await partBytesOf(bucket, key, parts, size);
  const digest = crc === undefined ? new BodyDigest(partBytes) : undefined;
  let [at, found32] = [0, 0];
  for (let failed = 0; ;) {
    try {
      const stream = await openAt(bucket, { key, tag, at, lent });
      bucket.tags.learn(stream.headers);
      for await (const chunk of stream.body()) {
        if (digest) digest.update(chunk);
        else found32 = crcOf(chunk, found32);
        at += chunk.length;
        yield chunk;
      }
      if (size !== undefined && at !== size) throw new SyncError('unavailable', `${attempted.place} is ${size} bytes long, and ${at} came`, attempted.details);
      break;
    } catch (cause) {
      const error = wireError(cause, attempted);
      if (!error.retryable || error.details.attempts !== undefined || ++failed >= 5 || (size !== undefined && at >= size)) throw error;
    }
  }
  if (!digest) {
    if (crcText(found32) !== crc) throw spoilt(bucket, key);
    return;
  }
  const found = digest.end();
  if (parts === undefined) return verify(bucket, key, tag, found);
  if (partBytes === undefined || found === tag || !bucket.tags.tellMd5) return;
  // Only now is it worth asking whether all the parts are of the size of the first.
  if (await isEven(bucket, key, parts, partBytes)) throw spoilt(bucket, key);
}

/** The size of every part but the last, by the size of the first; `undefined` where the service does not tell, or that does not add up. */
async function partBytesOf(bucket: Bucket, key: Key, parts: number, size: number): Promise<number | undefined> {
  if (parts === 1) return size;
  const first = await sizeOfPart(bucket, key, 1);
  return first !== undefined && Math.ceil(size / first) === parts ? first : undefined;
}

async function isEven(bucket: Bucket, key: Key, parts: number, partBytes: number): Promise<boolean> {
  for (let part = 2; part < parts; part++) if (await sizeOfPart(bucket, key, part) !== partBytes) return false;
  return true;
}

async function sizeOfPart(bucket: Bucket, key: Key, part: number): Promise<number | undefined> {
  const { status, headers } = await bucket.client.send({ method: 'HEAD', key: bucket.prefix + key, query: { partNumber: String(part) } });
  return status === 206 && Number(headers['content-length']) > 0 ? Number(headers['content-length']) : undefined;
}

async function openAt(bucket: Bucket, { key, tag, at, lent }: Pick<Version, 'key' | 'tag'> & { readonly at: number; readonly lent: boolean }): Promise<WireStream> {
  const headers = [...(tag === undefined ? [] : ['if-match', `"${tag}"`]), ...(at === 0 ? [] : ['range', `bytes=${at}-`])];
  const opened = await bucket.client.open({ method: 'GET', key: bucket.prefix + key, headers, lent });
  if ('stream' in opened) {
    if (at > 0 && opened.stream.status !== 206) throw new SyncError('unsupported', `${placeOf(bucket, key)} cannot be read on from where the connection broke`, { key });
    return opened.stream;
  }
  if (opened.refusal.status === 412 || opened.refusal.status === 404) throw new SyncError('conflict', `${placeOf(bucket, key)} was changed while it was being read`, { key, hint: 'run again' });
  throw entryError(bucket, 'read', key, opened.refusal);
}

function verify(bucket: Bucket, key: Key, tag: string | undefined, found: string): void {
  if (tag !== undefined && bucket.tags.tellMd5 && /^[0-9a-f]{32}$/.test(tag) && tag !== found) throw spoilt(bucket, key);
}

function spoilt(bucket: Bucket, key: Key): SyncError {
  return new SyncError('corrupt', `${placeOf(bucket, key)} came as something else than its ETag says`, { store: bucket.name, key, hint: 'read it again' });
}
