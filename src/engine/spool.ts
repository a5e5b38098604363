import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { deserialize, serialize } from 'node:v8';
import { limits } from '../lib/limits.ts';
import { TempFolder } from '../lib/temp-folder.ts';
import { sizeOfEntry, withoutBlob, withoutContent } from '../model/entry.ts';
import type { Put } from './writer.ts';

/** A put in a {@link Spool}: itself, or where it lies on disk. */
export type Spooled = { readonly put: Put } | { readonly at: number; readonly length: number };

/** Puts put aside until it is their turn to be sent: the first of them in memory, the others on disk. */
export class Spool implements Disposable {
  readonly #folder = new TempFolder();
  #file: number | undefined;
  #end = 0;
  #room: number;

  /** `bytes`: how much is held in memory. */
  constructor(bytes: number = limits.spoolBytes) {
    this.#room = bytes;
  }

  add(put: Put): Spooled {
    const lean: Put = { ...put, entry: withoutBlob(put.entry), over: put.over && withoutContent(put.over) };
    if (this.#room > 0) {
      this.#room -= sizeOfEntry(lean.entry) + (lean.over ? sizeOfEntry(lean.over) : 0);
      return { put: lean };
    }
    this.#file ??= openSync(this.#folder.file(), 'wx+', 0o600);
    const bytes = serialize(lean);
    for (let written = 0; written < bytes.length;) written += writeSync(this.#file, bytes, written, bytes.length - written, this.#end + written);
    const spooled = { at: this.#end, length: bytes.length };
    this.#end += bytes.length;
    return spooled;
  }

  get(spooled: Spooled): Put {
    if ('put' in spooled) return spooled.put;
    const { at, length } = spooled;
    if (this.#file === undefined) throw new RangeError('nothing was spooled');
    const bytes = Buffer.allocUnsafe(length);
    for (let read = 0; read < length;) read += readSync(this.#file, bytes, read, length - read, at + read);
    return deserialize(bytes) as Put;
  }

  [Symbol.dispose](): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
    this.#folder[Symbol.dispose]();
  }
}
