import { hash } from 'node:crypto';
import { crcText, joinedCrc } from '../../lib/aws/crc32.ts';
import { textOf } from '../../lib/aws/xml.ts';
import type { Content, Digest } from '../../model/entry.ts';
import { SyncError } from '../../model/errors.ts';
import type { Key } from '../../model/key.ts';
import { digestOf, entryError, lookAt, placeOf, tagOf } from './bucket.ts';
import type { Bucket } from './bucket.ts';
import type { ByteBudget } from '../../lib/byte-budget.ts';
import { completionBody, crcUpload } from './checksums.ts';
import type { S3Answer } from './client.ts';
import { codeOf } from './failure.ts';
import { ordered } from './fields.ts';
import type { Field } from './fields.ts';
import { pieces } from './pieces.ts';
import type { Piece } from './pieces.ts';
import type { Probe } from './probe.ts';
import { Unfinished } from './unfinished.ts';
import type { UploadedPart } from './unfinished.ts';

/** One object that is uploaded in parts. */
export interface PartsPut {
  readonly key: Key;
  readonly size: number | undefined;
  readonly content: Content & { readonly kind: 'blob' };
  readonly fields: readonly Field[];
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
  /** What the service is told of the content, so that it refuses anything else. */
  readonly checked: 'crc32' | 'md5';
}

interface Part extends Piece {
  readonly number: number;
}

/** A part that is stored. */
interface Stored {
  readonly number: number;
  readonly tag: string;
  readonly crc: number | undefined;
}

/** What all parts come to. */
interface Sent {
  readonly stored: readonly Stored[];
  readonly size: number;
  readonly crc: number;
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
  readonly #probe: Probe;
  readonly #budget: ByteBudget;
  readonly #partBytes: number;
  readonly #unfinished: Unfinished;
  /** Buffers of parts that were sent: new ones would pile up faster than they are collected. */
  readonly #spare: Buffer[] = [];

  constructor(bucket: Bucket, probe: Probe, budget: ByteBudget, partBytes: number) {
    this.#bucket = bucket;
    this.#probe = probe;
    this.#budget = budget;
    this.#partBytes = partBytes;
    this.#unfinished = new Unfinished(bucket);
  }

  /** Finds out what will have to be known, while there is other work to do. */
  prepare(): void {
    // Whoever needs it hears of the failure.
    this.#probe.checksums().catch(() => {});
  }

  async put(put: PartsPut): Promise<PartsResult> {
    const upload = await this.#begin(put);
    try {
      const result = await this.#complete(put, upload, await this.#send(put, upload));
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

  async #begin({ key, size = 0, fields, signal }: PartsPut): Promise<Upload> {
    const partBytes = Math.max(this.#partBytes, Math.ceil(size / mostParts / partUnit) * partUnit);
    const unfinished = await this.#unfinished.take(key, signal);
    if (unfinished) return { ...unfinished, partBytes };
    const checked = await this.#probe.checksums() ? 'crc32' : 'md5';
    const headers = ordered(checked === 'crc32' ? [...fields, ...crcUpload] : fields);
    const answer = await this.#bucket.client.send({ method: 'POST', key: this.#bucket.prefix + key, query: { uploads: '' }, headers, signal });
    const uploadId = answer.status === 200 ? textOf(answer.body.toString(), 'UploadId') : undefined;
    if (!uploadId) throw entryError(this.#bucket, 'write', key, answer);
    this.#bucket.tags.learn(answer.headers);
    return { uploadId, kept: new Map(), partBytes, checked };
  }

  /** Sends what is not there yet. Reading is held back by the budget; the first failure ends it. */
  async #send(put: PartsPut, upload: Upload): Promise<Sent> {
    const stored: Stored[] = [];
    const running = new Set<Promise<void>>();
    let failure: { readonly cause: unknown } | undefined;
    let [number, size, crc] = [0, 0, 0];
    const source = pieces(put.content, () => this.#lend(upload.partBytes), upload.partBytes);
    try {
      for (;;) {
        const room = this.#budget.take(upload.partBytes);
        if (room) await room;
        let piece: Piece | undefined;
        try {
          if (!failure && number < mostParts) piece = (await source.next()).value;
        } catch (cause) {
          failure ??= { cause: new SourceFailure('', { cause }) };
        }
        if (!piece) {
          this.#budget.give(upload.partBytes);
          break;
        }
        const part: Part = { ...piece, number: ++number };
        size += part.bytes.length;
        crc = joinedCrc(crc, part.crc, part.bytes.length);
        const sending: Promise<void> = this.#part(put, upload, part)
          .then((tag) => {
            stored[part.number - 1] = { number: part.number, tag, crc: upload.checked === 'crc32' ? part.crc : undefined };
            // What failed may still be on its way out.
            this.#reuse(part.bytes);
          })
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
    return { stored, size, crc };
  }

  #lend(bytes: number): Buffer {
    return bytes === this.#partBytes && this.#spare.pop() || Buffer.allocUnsafeSlow(bytes);
  }

  #reuse({ buffer }: Buffer): void {
    if (buffer.byteLength === this.#partBytes) this.#spare.push(Buffer.from(buffer));
  }

  /** Sends one part, if it is not there already. Answers its ETag. */
  async #part({ key, signal }: PartsPut, { uploadId, kept, checked }: Upload, { number, bytes, crc }: Part): Promise<string> {
    const there = kept.get(number);
    let md5 = checked === 'md5' || there?.size === bytes.length ? hash('md5', bytes) : undefined;
    if (there && there.tag === md5 && there.size === bytes.length) return md5;
    const proof = checked === 'crc32' ? ['x-amz-checksum-crc32', crcText(crc)] as const : ['content-md5', Buffer.from(md5!, 'hex').toString('base64')] as const;
    for (let mismatches = 0; ;) {
      const answer = await this.#bucket.client.send({ method: 'PUT', key: this.#bucket.prefix + key, query: { partNumber: String(number), uploadId }, headers: proof, body: bytes, signal });
      if (answer.status !== 200) throw entryError(this.#bucket, 'write', key, answer);
      const tag = tagOf(answer.headers['etag']);
      const tells = this.#bucket.tags.learn(answer.headers);
      // A service that repeats the CRC has compared it. One that does not may have stored anything, and its ETag has to show.
      if (tag !== undefined && (!tells || (checked === 'crc32' && answer.headers[proof[0]] === proof[1]) || tag === (md5 ??= hash('md5', bytes)))) return tag;
      if (++mismatches >= mostMismatches) throw new SyncError('corrupt', `a part of ${placeOf(this.#bucket, key)} is stored as something else than what was sent`, { key, hint: 'check the service, and what is between here and there' });
    }
  }

  async #complete({ key, condition, signal }: PartsPut, { uploadId, checked }: Upload, { stored: parts, size, crc }: Sent): Promise<PartsResult> {
    const wanted = `${hash('md5', Buffer.concat(parts.map(({ tag }) => Buffer.from(tag, 'hex'))))}-${parts.length}`;
    const proof: Field[] = checked === 'crc32' ? [['x-amz-checksum-crc32', crcText(crc)], ['x-amz-checksum-type', 'FULL_OBJECT']] : [];
    const headers = ordered([['content-type', 'application/xml'], ...(condition ? [condition] : []), ...proof]);
    const answer = await this.#bucket.client.send({ method: 'POST', key: this.#bucket.prefix + key, query: { uploadId }, headers, body: completionBody(parts), signal });
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
