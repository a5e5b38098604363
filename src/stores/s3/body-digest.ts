import { createHash } from 'node:crypto';
import type { Hash } from 'node:crypto';

/** Works out the ETag of bytes as they come, the way S3 does: over the whole, or over its parts. */
export class BodyDigest {
  readonly #partBytes: number | undefined;
  readonly #parts: Hash = createHash('md5');
  #current: Hash = createHash('md5');
  #held = 0;
  #count = 0;

  /** `partBytes`: the size of every part but the last. Absent: there are no parts. */
  constructor(partBytes: number | undefined) {
    this.#partBytes = partBytes;
  }

  update(chunk: Uint8Array): void {
    if (this.#partBytes === undefined) return void this.#current.update(chunk);
    for (let at = 0; at < chunk.length;) {
      const count = Math.min(chunk.length - at, this.#partBytes - this.#held);
      this.#current.update(chunk.subarray(at, at + count));
      at += count;
      this.#held += count;
      if (this.#held === this.#partBytes) this.#close();
    }
  }

  /** The ETag. Nothing can be added afterwards. */
  end(): string {
    if (this.#partBytes === undefined) return this.#current.digest('hex');
    if (this.#held > 0) this.#close();
    return `${this.#parts.digest('hex')}-${this.#count}`;
  }

  #close(): void {
    this.#parts.update(this.#current.digest());
    this.#current = createHash('md5');
    this.#held = 0;
    this.#count++;
  }
}

/** The number of parts an ETag tells of; `undefined` where it tells of none. */
export function partsIn(tag: string): number | undefined {
  const count = /^[0-9a-f]{32}-([1-9]\d{0,4})$/.exec(tag)?.[1];
  return count === undefined ? undefined : Number(count);
}
