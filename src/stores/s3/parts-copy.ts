import { hash } from 'node:crypto';
import { escapePath } from '../../lib/aws/uri.ts';
import { escapeXml, textOf } from '../../lib/aws/xml.ts';
import type { Key } from '../../model/key.ts';
import { lookAt, tagOf } from './bucket.ts';
import type { Bucket } from './bucket.ts';
import { partsIn } from './body-digest.ts';
import type { S3Answer } from './client.ts';
import { codeOf } from './failure.ts';
import { metadataIn, ordered } from './fields.ts';
import type { Field } from './fields.ts';
import { Unfinished } from './unfinished.ts';

/** Where an object lies that is copied. */
export interface CopySource {
  readonly bucket: string;
  readonly name: string;
  readonly tag: string;
}

/** One object to be copied in parts. */
export interface PartsWanted {
  readonly key: Key;
  readonly size: number;
  readonly source: CopySource;
  readonly condition: Field | undefined;
  /** Metadata that are not those of the source. */
  readonly overrides: readonly Field[];
  readonly storage: readonly Field[];
  readonly signal: AbortSignal | undefined;
}

const mebibyte = 1024 * 1024;
/** Sizes of parts that programs are known to upload in. */
const usualParts = [8 * mebibyte, 5 * mebibyte, 16 * mebibyte];
/** Parts that are copied at once, of one object. */
const lanes = 8;

/** Copies objects in the parts that they were uploaded in, and puts them together only when these are shown to be the same. */
export class PartsCopy {
  readonly #bucket: Bucket;
  readonly #usualBytes: number;
  /** What copies of runs that were killed have left. */
  readonly #unfinished: Unfinished;

  /** `usualBytes`: the size of parts to try where the service does not tell that of an object. */
  constructor(bucket: Bucket, usualBytes: number) {
    this.#bucket = bucket;
    this.#usualBytes = usualBytes;
    this.#unfinished = new Unfinished(bucket);
  }

  /** The ETag that the copy has, or the refusal to put it together; `undefined` where it cannot be made. */
  async copy(wanted: PartsWanted): Promise<{ readonly tag: string } | { readonly refusal: S3Answer } | undefined> {
    const { client, prefix } = this.#bucket;
    const { key, source, overrides, storage, signal } = wanted;
    // The head of the first part is the head of the whole, but for the size.
    const head = await client.send({ method: 'HEAD', bucket: source.bucket, key: source.name, query: { partNumber: '1' }, headers: ['if-match', `"${source.tag}"`], signal });
    const partBytes = this.#partBytes(head, wanted);
    if (partBytes === undefined) return undefined;
    const name = prefix + key;
    const leftover = await this.#unfinished.take(key, signal);
    if (leftover) await this.#abort(name, leftover.uploadId);
    const begun = await client.send({ method: 'POST', key: name, query: { uploads: '' }, headers: ordered([...metadataIn(head.headers), ...overrides, ...storage]), signal });
    const uploadId = begun.status === 200 ? textOf(begun.body.toString(), 'UploadId') : undefined;
    if (!uploadId) return undefined;
    let result: { readonly tag: string } | { readonly refusal: S3Answer } | undefined;
    try {
      const tags = await this.#copyParts(wanted, uploadId, partBytes);
      if (tags && wholeTag(tags) === source.tag) result = await this.#complete(wanted, uploadId, tags);
      return result;
    } finally {
      if (!result || 'refusal' in result) await this.#abort(name, uploadId);
    }
  }

  async #abort(key: string, uploadId: string): Promise<void> {
    await this.#bucket.client.send({ method: 'DELETE', key, query: { uploadId } });
  }

  /** The size of every part but the last: what the service says of the first, or else one that makes as many. */
  #partBytes({ status, headers }: S3Answer, { size, source }: PartsWanted): number | undefined {
    const count = partsIn(source.tag)!;
    const fits = (bytes: number): boolean => bytes > 0 && Math.ceil(size / bytes) === count;
    if (status === 206) return [Number(headers['content-length'])].find(fits);
    return status === 200 ? [...(count === 1 ? [size] : []), this.#usualBytes, ...usualParts].find(fits) : undefined;
  }

  async #copyParts({ key, size, source, signal }: PartsWanted, uploadId: string, partBytes: number): Promise<readonly string[] | undefined> {
    const { client, prefix } = this.#bucket;
    const tags = Array.from<string>({ length: Math.ceil(size / partBytes) });
    let next = 0;
    let failed = false;
    const lane = async (): Promise<void> => {
      for (let i = next++; i < tags.length && !failed; i = next++) {
        const range: Field = ['x-amz-copy-source-range', `bytes=${i * partBytes}-${Math.min(size, (i + 1) * partBytes) - 1}`];
        const answer = await client.send({ method: 'PUT', key: prefix + key, query: { partNumber: String(i + 1), uploadId }, headers: ordered([...copyFields(source), range]), signal });
        const tag = answer.status === 200 && codeOf(answer) === '' ? tagOf(textOf(answer.body.toString(), 'ETag')) : undefined;
        if (tag === undefined) failed = true;
        else tags[i] = tag;
      }
    };
    const ended = await Promise.allSettled(Array.from({ length: Math.min(lanes, tags.length) }, lane));
    return failed || ended.some(({ status }) => status === 'rejected') ? undefined : tags;
  }

  async #complete({ key, source, condition, signal }: PartsWanted, uploadId: string, tags: readonly string[]): Promise<{ readonly tag: string } | { readonly refusal: S3Answer } | undefined> {
    const list = tags.map((tag, i) => `<Part><PartNumber>${i + 1}</PartNumber><ETag>${escapeXml(`"${tag}"`)}</ETag></Part>`).join('');
    const body = Buffer.from(`<?xml version="1.0" encoding="UTF-8"?><CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${list}</CompleteMultipartUpload>`);
    const headers = ordered([['content-type', 'application/xml'], ...(condition ? [condition] : [])]);
    const answer = await this.#bucket.client.send({ method: 'POST', key: this.#bucket.prefix + key, query: { uploadId }, headers, body, signal });
    const tag = answer.status === 200 && codeOf(answer) === '' ? tagOf(textOf(answer.body.toString(), 'ETag')) : undefined;
    if (tag !== undefined) return { tag };
    if (answer.status === 412) return { refusal: answer };
    // The answer to an earlier attempt may have been lost after it had gone through.
    const found = await lookAt(this.#bucket, key, signal);
    return found?.version === source.tag ? { tag: source.tag } : undefined;
  }
}

/** The header fields that name the source of a copy, in exactly one version. */
export function copyFields({ bucket, name, tag }: CopySource): Field[] {
  return [['x-amz-copy-source', `/${bucket}/${escapePath(name)}`], ['x-amz-copy-source-if-match', `"${tag}"`]];
}

/** The ETag that these parts make. */
function wholeTag(tags: readonly string[]): string {
  return `${hash('md5', Buffer.concat(tags.map((tag) => Buffer.from(tag, 'hex'))))}-${tags.length}`;
}
