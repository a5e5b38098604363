import { createHash } from 'node:crypto';
import type { Hash } from 'node:crypto';
import { SyncError } from '../../model/errors.ts';
import type { Key } from '../../model/key.ts';
import type { SwiftContext } from './context.ts';
import { manifestOf } from './manifest.ts';
import type { ObjectFacts } from './object-facts.ts';

/** Some bytes of an object, and the MD5 they must have. */
interface Stretch {
  readonly bytes: number;
  readonly md5: string;
}

/** Tells whether the bytes of an object are those that its server keeps checksums of. Without any, all bytes are right. */
class Checksum {
  readonly #stretches: readonly Stretch[];
  #hash: Hash = createHash('md5');
  #at = 0;
  #taken = 0;

  constructor(stretches: readonly Stretch[]) {
    this.#stretches = stretches;
  }

  /** Takes the bytes that come next. False where a checksum that ends among them is not met. */
  take(chunk: Uint8Array): boolean {
    let left = chunk;
    for (let stretch = this.#stretches[this.#at]; stretch && left.length > 0; stretch = this.#stretches[this.#at]) {
      const some = left.subarray(0, stretch.bytes - this.#taken);
      this.#hash.update(some);
      this.#taken += some.length;
      left = left.subarray(some.length);
      if (this.#taken < stretch.bytes) return true;
      if (this.#hash.digest('hex') !== stretch.md5) return false;
      this.#hash = createHash('md5');
      this.#taken = 0;
      this.#at++;
    }
    return true;
  }
}

/** The checksums of an object: its own, or those of its segments. What is put together otherwise has none. */
export async function checksumOf(context: SwiftContext, key: Key, facts: ObjectFacts): Promise<Checksum> {
  const { large, isLink, stat: { size = 0, digest } } = facts;
  if (digest) return new Checksum([{ bytes: size, md5: digest.value }]);
  if (large !== 'static' || isLink) return new Checksum([]);
  const manifest = await manifestOf(context, key, facts, undefined);
  if (!manifest) throw new SyncError('unavailable', `${context.name}/${key} was replaced while it was being read`, { store: context.name, key, hint: 'run again' });
  // What is read next is compared with the same etag, so that these are the segments it is made of.
  return new Checksum(manifest.plain ? manifest.rows.filter(({ bytes }) => bytes > 0).map(({ bytes, etag }) => ({ bytes, md5: etag })) : []);
}
