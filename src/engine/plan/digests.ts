import { createHash } from 'node:crypto';
import type { Hash } from 'node:crypto';
import { canonicalJson } from '../../lib/canonical-json.ts';
import type { Content, Digest } from '../../model/entry.ts';
import { SyncError } from '../../model/errors.ts';

const mebibyte = 1024 * 1024;

/** Sizes of parts, in MiB, that programs are known to upload in when nobody tells them otherwise, and their neighbours. */
const usualParts = [8, 5, 16, 10, 15, 64, 32, 50, 100, 128, 6, 20, 25, 256, 512, 1024];

/** The digest of content by one algorithm; of `md5-parts` the one for `like`, where any usual size of a part gives it. */
export async function digestContent(content: Content, like: Pick<Digest, 'algorithm'> & Partial<Digest> = { algorithm: 'sha256' }, size?: number): Promise<Digest> {
  if (content.kind === 'document') return { algorithm: 'document', value: createHash('sha256').update(canonicalJson(content.document)).digest('hex') };
  if (like.algorithm === 'md5-parts') return digestParts(content, like.value ?? '', size);
  const algorithm = like.algorithm === 'md5' ? 'md5' : 'sha256';
  const hash = createHash(algorithm);
  for await (const chunk of content.bytes()) hash.update(chunk);
  return { algorithm, value: hash.digest('hex') };
}

async function digestParts(content: Content & { readonly kind: 'blob' }, wanted: string, size: number | undefined): Promise<Digest> {
  const count = Number(wanted.split('-')[1] ?? 1);
  const sizes = size === undefined ? [8 * mebibyte] : partSizes(size, count);
  const candidates = sizes.map((bytes) => new PartsHash(bytes));
  for await (const chunk of content.bytes()) for (const candidate of candidates) candidate.update(chunk);
  const values = candidates.map((candidate) => candidate.digest());
  return { algorithm: 'md5-parts', value: values.find((value) => value === wanted) ?? values[0] ?? '' };
}

/** The sizes of parts that make `count` of `size` bytes, the likeliest first. */
function partSizes(size: number, count: number): readonly number[] {
  const even = Math.ceil(size / count / mebibyte) * mebibyte;
  const sizes = new Set([...usualParts.map((mebibytes) => mebibytes * mebibyte), even, Math.ceil(size / count)]);
  return [...sizes].filter((bytes) => bytes > 0 && Math.ceil(size / bytes) === count);
}

class PartsHash {
  readonly #partBytes: number;
  readonly #digests: Buffer[] = [];
  #part: Hash = createHash('md5');
  #filled = 0;

  constructor(partBytes: number) {
    this.#partBytes = partBytes;
  }

  update(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length;) {
      const taken = Math.min(chunk.length - at, this.#partBytes - this.#filled);
      this.#part.update(chunk.subarray(at, at + taken));
      this.#filled += taken;
      at += taken;
      if (this.#filled === this.#partBytes) this.#close();
    }
  }

  digest(): string {
    if (this.#filled > 0) this.#close();
    return `${createHash('md5').update(Buffer.concat(this.#digests)).digest('hex')}-${this.#digests.length}`;
  }

  #close(): void {
    this.#digests.push(this.#part.digest());
    this.#part = createHash('md5');
    this.#filled = 0;
  }
}

/** Whether a digest can be checked while content passes by, without knowing more. */
export function isProof({ algorithm }: Digest): boolean {
  return algorithm === 'md5' || algorithm === 'sha256';
}

/** Whether reading content to its end proves a digest without more ado. */
export function isProvenBy(content: Content | undefined, { algorithm, value }: Digest): boolean {
  return content?.kind === 'blob' && content.proves?.algorithm === algorithm && content.proves.value === value;
}

/** Content that fails at its end when it was not what its digest says, so that nobody keeps it. */
export function proven(content: Content, digest: Digest | undefined, place: string): Content {
  if (content.kind !== 'blob' || !digest || !isProof(digest) || isProvenBy(content, digest)) return content;
  return {
    ...content,
    async *bytes(room) {
      const hash = createHash(digest.algorithm);
      for await (const chunk of content.bytes(room)) {
        hash.update(chunk);
        yield chunk;
      }
      if (hash.digest('hex') !== digest.value) throw new SyncError('conflict', `${place} arrived with another content than it was listed with`, { hint: 'run again' });
    },
  };
}
