import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { deserialize, serialize } from 'node:v8';
import { TempFolder } from '../lib/temp-folder.ts';
import type { Document } from '../model/document.ts';

/** Where a document lies in a {@link Spool}. */
export interface Spooled {
  readonly at: number;
  readonly length: number;
}

/** Documents put aside on disk until it is their turn to be written, from sources that would have to be asked again. */
export class Spool implements Disposable {
  readonly #folder = new TempFolder();
  #file: number | undefined;
  #end = 0;

  put(document: Document): Spooled {
    this.#file ??= openSync(this.#folder.file(), 'wx+', 0o600);
    const bytes = serialize(document);
    for (let written = 0; written < bytes.length;) written += writeSync(this.#file, bytes, written, bytes.length - written, this.#end + written);
    const spooled = { at: this.#end, length: bytes.length };
    this.#end += bytes.length;
    return spooled;
  }

  get({ at, length }: Spooled): Document {
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
