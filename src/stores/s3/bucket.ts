import type { HttpHeaders } from '../../lib/http/client.ts';
import type { Digest, Entry, Stat } from '../../model/entry.ts';
import type { SyncError } from '../../model/errors.ts';
import type { Host } from '../../model/host.ts';
import type { Key } from '../../model/key.ts';
import type { S3Client } from './client.ts';
import { refusalError } from './failure.ts';
import type { S3Answer } from './client.ts';

/** One bucket, or what is below a prefix in it: what all parts of the store need to know. */
export interface Bucket {
  /** As in `s3://bucket/prefix`. */
  readonly name: string;
  readonly bucket: string;
  /** Empty, or ending with a slash. */
  readonly prefix: string;
  readonly client: S3Client;
  readonly host: Host;
  readonly tags: Tags;
}

/** What is known of the ETags of a bucket. */
export class Tags {
  #tellMd5: boolean;
  /** Whether that is still to be found out. */
  doubtful: boolean;

  constructor(tellMd5: boolean, doubtful: boolean) {
    this.#tellMd5 = tellMd5;
    this.doubtful = doubtful;
  }

  /** Whether an ETag of 32 digits is the MD5 of what is stored; it is not where the service encrypts with keys of its own. */
  get tellMd5(): boolean {
    return this.#tellMd5;
  }

  /** Looks at the header fields of an answer about one object. Whether its ETag is the MD5 of its content, or of its parts. */
  learn(headers: HttpHeaders): boolean {
    const opaque = headers['x-amz-server-side-encryption']?.startsWith('aws:kms') === true || headers['x-amz-server-side-encryption-customer-algorithm'] !== undefined;
    if (opaque) this.#tellMd5 = false;
    return this.#tellMd5;
  }
}

/** An entry's place, fit to print. */
export function placeOf({ bucket, prefix }: Bucket, key: Key): string {
  return `s3://${bucket}/${prefix}${key}`;
}

/** A refusal about one entry, with a sentence. */
export function entryError(bucket: Bucket, verb: string, key: Key, answer: S3Answer): SyncError {
  return refusalError(answer, { verb, place: placeOf(bucket, key), bucket: bucket.bucket, details: { store: bucket.name, key } }, answer.attempts);
}

/** An ETag without its quotes. */
export function tagOf(field: string | undefined): string | undefined {
  const tag = field?.replace(/^W\//, '').replace(/^"|"$/g, '');
  return tag === '' ? undefined : tag;
}

/** What an ETag says of the content, where it says something. */
export function digestOf(tag: string): Digest | undefined {
  if (/^[0-9a-f]{32}$/.test(tag)) return { algorithm: 'md5', value: tag };
  return /^[0-9a-f]{32}-[1-9]\d*$/.test(tag) ? { algorithm: 'md5-parts', value: tag } : undefined;
}

/** A stat from an ETag, a size, and a time in any form that `Date` reads. */
export function statFrom({ tags }: Pick<Bucket, 'tags'>, tag: string | undefined, size: number | undefined, time: string | undefined): Stat {
  const digest = tag === undefined || !tags.tellMd5 ? undefined : digestOf(tag);
  // Listings tell milliseconds where single answers tell seconds.
  const seconds = time === undefined ? NaN : Math.floor(Date.parse(time) / 1000);
  return {
    ...(tag !== undefined && { version: tag }), ...(digest && { digest }), ...(size !== undefined && { size }),
    ...(!Number.isNaN(seconds) && { modifiedAt: seconds * 1_000_000 }),
  };
}

/** What is at `key` now, without its content; `undefined` where there is nothing. */
export async function lookAt(bucket: Bucket, key: Key, signal: AbortSignal | undefined): Promise<Entry | undefined> {
  const answer = await bucket.client.send({ method: 'HEAD', key: bucket.prefix + key, signal });
  if (answer.status === 404) return undefined;
  if (answer.status >= 300) throw entryError(bucket, 'look at', key, answer);
  bucket.tags.learn(answer.headers);
  return { key, place: placeOf(bucket, key), ...statFrom(bucket, tagOf(answer.headers['etag']), Number(answer.headers['content-length'] ?? 0), answer.headers['last-modified']) };
}
