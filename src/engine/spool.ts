import { deserialize, serialize } from 'node:v8';
import { limits } from '../lib/limits.ts';
import { TempFile } from '../lib/temp-file.ts';
import type { Extent } from '../lib/temp-file.ts';
import { sizeOfEntry, withoutBlob, withoutContent } from '../model/entry.ts';
import type { Put } from './writer.ts';

/** A put in a {@link Spool}: itself, or where it lies on disk. */
export type Spooled = { readonly put: Put } | Extent;

/** Puts put aside until it is their turn to be sent: the first of them in memory, the others on disk. */
export class Spool implements Disposable {
  readonly #file = new TempFile();
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
    return this.#file.append(serialize(lean));
  }

  get(spooled: Spooled): Put {
    return 'put' in spooled ? spooled.put : (deserialize(this.#file.read(spooled)) as Put);
  }

  [Symbol.dispose](): void {
    this.#file[Symbol.dispose]();
  }
}
