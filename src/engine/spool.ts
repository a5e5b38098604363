import { deserialize, serialize } from 'node:v8';
import { limits } from '../lib/limits.ts';
import { TempFile } from '../lib/temp-file.ts';
import type { Extent } from '../lib/temp-file.ts';
import { sizeOfEntry, withoutBlob, withoutContent } from '../model/entry.ts';
import { putAside } from './put-aside.ts';
import type { Delete, Put } from './writer.ts';

/** A write in a {@link Spool}: itself, or where it lies on disk. */
export type Spooled<A extends Put | Delete = Put> = { readonly action: A } | Extent;

/** Writes put aside until it is their turn to be sent, whichever it is: the first of them in memory, the others on disk. */
export class Spool<A extends Put | Delete = Put> implements Disposable {
  readonly #file = new TempFile();
  #room: number;

  /** `bytes`: how much is held in memory. */
  constructor(bytes: number = limits.spoolBytes) {
    this.#room = bytes;
  }

  add(action: A): Spooled<A> {
    const over = action.over && withoutContent(action.over);
    const lean = action.kind === 'put' ? { ...action, entry: withoutBlob(action.entry), over } : { ...action, over };
    if (this.#room > 0) {
      this.#room -= (action.kind === 'put' ? sizeOfEntry(action.entry) : 0) + (over ? sizeOfEntry(over) : 0);
      return { action: lean };
    }
    return putAside(this.#file, serialize(lean));
  }

  get(spooled: Spooled<A>): A {
    return 'action' in spooled ? spooled.action : (deserialize(this.#file.read(spooled)) as A);
  }

  [Symbol.dispose](): void {
    this.#file[Symbol.dispose]();
  }
}
