import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { deserialize, serialize } from 'node:v8';
import { limits } from '../lib/limits.ts';
import { TempFolder } from '../lib/temp-folder.ts';
import { sizeOfValue } from '../model/document.ts';
import type { Document } from '../model/document.ts';

/** A document in a {@link Spool}: itself, or where it lies on disk. */
export type Spooled = { readonly document: Document } | { readonly at: number; readonly length: number };

/** Documents put aside until it is their turn to be written: the first of them in memory, the others on disk. */
export class Spool implements Disposable {
  readonly #folder = new TempFolder();
  #file: number | undefined;
  #end = 0;
  #room: number;

  /** `bytes`: how much is held in memory. */
  constructor(bytes: number = limits.spoolBytes) {
    this.#room = bytes;
  }

  put(document: Document): Spooled {
    if (this.#room > 0) {
      this.#room -= sizeOfValue(document);
      return { document };
    }
    this.#file ??= openSync(this.#folder.file(), 'wx+', 0o600);
    const bytes = serialize(document);
    for (let written = 0; written < bytes.length;) written += writeSync(this.#file, bytes, written, bytes.length - written, this.#end + written);
    const spooled = { at: this.#end, length: bytes.length };
    this.#end += bytes.length;
    return spooled;
  }

  get(spooled: Spooled): Document {
    if ('document' in spooled) return spooled.document;
    const { at, length } = spooled;
    if (this.#file === undefined) throw new RangeError('nothing was spooled');
    const bytes = Buffer.allocUnsafe(length);
    for (let read = 0; read < length;) read += readSync(this.#file, bytes, read, length - read, at + read);
    return deserialize(bytes) as Document;
  }

  [Symbol.dispose](): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
    this.#folder[Symbol.dispose]();
  }
}
