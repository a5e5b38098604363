import { createHash } from 'node:crypto';
import type { Content, Entry } from '../../model/entry.ts';
import type { ActorFile } from './actor.ts';

/** A file as a target is given it, which remembers what the target was given. */
export class UploadFile implements ActorFile {
  readonly key: string;
  readonly path: string;
  readonly size: number | undefined;
  readonly mtime: number | undefined;
  readonly #content: Content;
  #sent: { readonly md5: string; readonly size: number } | undefined;

  constructor({ key, place, size, modifiedAt, attributes, content }: Entry & { readonly content: Content }) {
    const micros = attributes?.modifiedAt ?? modifiedAt;
    this.key = key;
    this.path = place ?? key;
    this.size = size;
    this.mtime = micros === undefined ? undefined : micros / 1e6;
    this.#content = content;
  }

  /** What the bytes were, where they were read to their end. */
  get sent(): { readonly md5: string; readonly size: number } | undefined {
    return this.#sent;
  }

  async md5(): Promise<string> {
    if (!this.#sent) for await (const _ of this.open());
    return this.#sent?.md5 ?? '';
  }

  async *open(): AsyncGenerator<Uint8Array> {
    if (this.#content.kind !== 'blob') return;
    const hash = createHash('md5');
    let size = 0;
    for await (const chunk of this.#content.bytes()) {
      hash.update(chunk);
      size += chunk.length;
      yield chunk;
    }
    this.#sent = { md5: hash.digest('hex'), size };
  }
}
