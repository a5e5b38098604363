import { hash } from 'node:crypto';
import { escapeXml, textOf } from '../../lib/aws/xml.ts';
import type { Content, Digest } from '../../model/entry.ts';
import { SyncError } from '../../model/errors.ts';
import type { Key } from '../../model/key.ts';
import { digestOf, entryError, lookAt, placeOf, tagOf } from './bucket.ts';
import type { Bucket } from './bucket.ts';
import type { ByteBudget } from './byte-budget.ts';
import type { S3Answer } from './client.ts';
import { codeOf } from './failure.ts';
import { Unfinished } from './unfinished.ts';
import type { UploadedPart } from './unfinished.ts';

/** One object that is uploaded in parts. */
export interface PartsPut {
  readonly key: Key;
  readonly size: number | undefined;
  readonly content: Content & { readonly kind: 'blob' };
  /** In order: names and values in turn. */
  readonly headers: readonly string[];
  readonly condition: readonly [name: string, value: string] | undefined;
  readonly signal: AbortSignal | undefined;
}

/** What became of it: the object as stored, or the service's refusal and the ETag it would have had. */
export type PartsResult =
  | { readonly tag: string; readonly size: number; readonly digest: Digest | undefined }
  | { readonly refusal: S3Answer; readonly tag: string };

interface Upload {
  readonly uploadId: string;
  readonly kept: ReadonlyMap<number, UploadedPart>;
  readonly partBytes: number;
}

interface Part {
  readonly number: number;
  readonly md5: string;
  tag: string;
}

const mostParts = 10_000;
const partUnit = 1024 * 1024;
const mostMismatches = 3;

/** Why the content itself could not be read to its end. */
class SourceFailure extends Error {}

/**
 * Uploads in parts, several at once. An upload that was cut off stays with the service: the next one of the same object
 * takes over the parts that hold what is wanted, and sends the others. Where the content cannot be read, it is given up.
 */
export class Multipart {
  readonly #bucket: Bucket;
  readonly #budget: ByteBudget;
  readonly #partBytes: number;
  readonly #unfinished: Unfinished;
  /** Buffers of parts that were sent: new ones would pile up faster than they are collected. */
  readonly #spare: Buffer[] = [];

  constructor(bucket: Bucket, budget: ByteBudget, partBytes: number) {
    this.#bucket = bucket;
    this.#budget = budget;
    this.#partBytes = partBytes;
    this.#unfinished = new Unfinished(bucket);
  }

  async put(put: PartsPut): Promise<PartsResult> {
    const upload = await this.#begin(put);
    try {
      const { parts, size } = await this.#send(put, upload);
      const result = await this.#complete(put, upload, parts, size);
      if ('refusal' in result) await this.#abort(put.key, upload);
      return result;
    } catch (cause) {
      if (cause instanceof SourceFailure) {
        await this.#abort(put.key, upload).catch(() => {});
        throw cause.cause;
      }
      this.#unfinished.add(put.key, upload.uploadId);
      throw cause;
    }
  }

  async #begin({ key, size = 0, headers, signal }: PartsPut): Promise<Upload> {
    const partBytes = Math.max(this.#partBytes, Math.ceil(size / mostParts / partUnit) * partUnit);
    const unfinished = await this.#unfinished.take(key, signal);
    if (unfinished) return { ...unfinished, partBytes };
    const answer = await this.#bucket.client.send({ method: 'POST', key: this.#bucket.prefix + key, query: { uploads: '' }, headers, signal });
    const uploadId = answer.status === 200 ? textOf(answer.body.toString(), 'UploadId') : undefined;
    if (!uploadId) throw entryError(this.#bucket, 'write', key, answer);
    this.#bucket.tags.learn(answer.headers);
    return { uploadId, kept: new Map(), partBytes };
  }

  /** Sends what is not there yet. Reading is held back by the budget; the first failure ends it. */
  async #send(put: PartsPut, upload: Upload): Promise<{ readonly parts: readonly Part[]; readonly size: number }> {
    const parts: Part[] = [];
    const running = new Set<Promise<void>>();
    let failure: { readonly cause: unknown } | undefined;
    let size = 0;
    const source = pieces(put.content, () => this.#spare.pop() ?? Buffer.allocUnsafeSlow(this.#partBytes), upload.partBytes);
    try {
      for (;;) {
        const room = this.#budget.take(upload.partBytes);
        if (room) await room;
        let piece: Buffer | undefined;
        try {
          if (!failure && parts.length < mostParts) piece = (await source.next()).value;
        } catch (cause) {
          failure ??= { cause: new SourceFailure('', { cause }) };
        }
        if (!piece) {
          this.#budget.give(upload.partBytes);
          break;
        }
        size += piece.length;
        const part = { number: parts.length + 1, md5: hash('md5', piece, 'hex'), tag: '' };
        parts.push(part);
        const sending: Promise<void> = this.#part(put, upload, part, piece)
          // What failed may still be on its way out.
          .then(() => this.#reuse(piece))
          .catch((cause: unknown) => { failure ??= { cause }; })
          .finally(() => {
            running.delete(sending);
            this.#budget.give(upload.partBytes);
          });
        running.add(sending);
      }
    } finally {
      await Promise.all(running);
      await source.return(undefined);
    }
    if (failure) throw failure.cause;
    if (put.size !== undefined && size !== put.size) throw new SourceFailure('', { cause: new SyncError('conflict', `${put.key} was changed while it was being read: it had ${put.size} bytes, and now ${size}`, { key: put.key, hint: 'run again' }) });
    return { parts, size };
  }

  #reuse(piece: Buffer): void {
    const whole = Buffer.from(piece.buffer, piece.byteOffset, Math.min(piece.buffer.byteLength, this.#partBytes));
    if (whole.length === this.#partBytes) this.#spare.push(whole);
  }

  async #part({ key, signal }: PartsPut, { uploadId, kept }: Upload, part: Part, body: Buffer): Promise<void> {
    const { number, md5 } = part;
    part.tag = md5;
    const there = kept.get(number);
    if (there?.tag === md5 && there.size === body.length) return;
    for (let mismatches = 0; ;) {
      const answer = await this.#bucket.client.send({
        method: 'PUT', key: this.#bucket.prefix + key, query: { partNumber: String(number), uploadId },
        headers: ['content-md5', Buffer.from(md5, 'hex').toString('base64')], body, signal,
      });
      if (answer.status !== 200) throw entryError(this.#bucket, 'write', key, answer);
      const tag = tagOf(answer.headers['etag']);
      if (tag !== undefined && (tag === md5 || !this.#bucket.tags.learn(answer.headers))) {
        part.tag = tag;
        return;
      }
      if (++mismatches >= mostMismatches) throw new SyncError('corrupt', `a part of ${placeOf(this.#bucket, key)} is stored as something else than what was sent`, { key, hint: 'check the service, and what is between here and there' });
    }
  }

  async #complete({ key, condition, signal }: PartsPut, { uploadId }: Upload, parts: readonly Part[], size: number): Promise<PartsResult> {
    const wanted = `${hash('md5', Buffer.concat(parts.map(({ md5 }) => Buffer.from(md5, 'hex'))))}-${parts.length}`;
    const list = parts.map(({ number, tag }) => `<Part><PartNumber>${number}</PartNumber><ETag>${escapeXml(`"${tag}"`)}</ETag></Part>`).join('');
    const body = Buffer.from(`<?xml version="1.0" encoding="UTF-8"?><CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${list}</CompleteMultipartUpload>`);
    const answer = await this.#bucket.client.send({ method: 'POST', key: this.#bucket.prefix + key, query: { uploadId }, headers: ['content-type', 'application/xml', ...condition ?? []], body, signal });
    const xml = answer.body.toString();
    // The service begins to answer before it knows whether it will succeed.
    const stored = answer.status === 200 && codeOf(answer) === '' ? tagOf(textOf(xml, 'ETag')) : undefined;
    if (stored !== undefined) {
      const digest = this.#bucket.tags.learn(answer.headers) ? digestOf(stored) : undefined;
      if (digest && stored !== wanted) throw new SyncError('corrupt', `${placeOf(this.#bucket, key)} is stored as something else than what was sent`, { key, hint: 'check the service, and what is between here and there' });
      return { tag: stored, size, digest };
    }
    if (answer.attempts > 1 || answer.status === 404) {
      // The answer to an earlier attempt may have been lost after it had gone through.
      const found = await lookAt(this.#bucket, key, signal);
      if (found?.version === wanted) return { tag: wanted, size, digest: digestOf(wanted) };
    }
    if (answer.status === 412 || (answer.status === 404 && condition?.[0] === 'if-match' && codeOf(answer) === 'NoSuchKey')) return { refusal: answer, tag: wanted };
    throw entryError(this.#bucket, 'write', key, answer);
  }

  async #abort(key: Key, { uploadId }: Upload): Promise<void> {
    await this.#bucket.client.send({ method: 'DELETE', key: this.#bucket.prefix + key, query: { uploadId } });
  }
}

/** Content in pieces of one size, but for the last; one empty piece where there is nothing. Each piece has a buffer of its own. */
async function* pieces(content: Content & { kind: 'blob' }, spare: () => Buffer, bytes: number): AsyncGenerator<Buffer, undefined> {
  const fresh = (): Buffer => {
    const buffer = spare();
    return buffer.length >= bytes ? buffer : Buffer.allocUnsafeSlow(bytes);
  };
  let piece: Buffer | undefined;
  let held = 0;
  let any = false;
  for await (const chunk of content.bytes()) {
    for (let at = 0; at < chunk.length;) {
      piece ??= fresh();
      const count = Math.min(chunk.length - at, bytes - held);
      piece.set(chunk.subarray(at, at + count), held);
      at += count;
      held += count;
      if (held < bytes) continue;
      yield piece.subarray(0, held);
      [piece, held, any] = [undefined, 0, true];
    }
  }
  if (piece !== undefined || !any) yield (piece ?? Buffer.alloc(0)).subarray(0, held);
}
