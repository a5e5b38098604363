import { deserialize, serialize } from 'node:v8';
import { limits } from '../../lib/limits.ts';
import { TempFile } from '../../lib/temp-file.ts';
import type { Extent } from '../../lib/temp-file.ts';
import { sizeOfEntry, withoutBlob, withoutContent } from '../../model/entry.ts';
import type { Delete, Put } from '../write/writer.ts';
import { putAside } from './put-aside.ts';

/** A write in a {@link Spool}: itself, or where it lies on disk. */
export type Spooled<A extends Put | Delete = Put> = { readonly action: A } | Extent;

/** A write as it can be put aside: without the content of files, and of what it is about to replace. */
export function leanOf<A extends Put | Delete>(action: A): A {
  const over = action.over && withoutContent(action.over);
  return action.kind === 'put' ? { ...action, entry: withoutBlob(action.entry), over } : { ...action, over };
}

/** How many bytes a write takes up in memory, roughly. */
export function weightOf(action: Put | Delete): number {
  return (action.kind === 'put' ? sizeOfEntry(action.entry) : 0) + (action.over ? sizeOfEntry(withoutContent(action.over)) : 0);
}

/** Writes put aside until it is their turn to be sent, whichever it is: the first of them in memory, the others on disk. */
export class Spool<A extends Put | Delete = Put> implements Disposable {
  readonly #file = new TempFile();
  #room: number;

  /** `bytes`: how much is held in memory. */
  constructor(bytes: number = limits.spoolBytes) {
    this.#room = bytes;
  }

  add(action: A): Spooled<A> {
    const lean = leanOf(action);
    if (this.#room > 0) {
      this.#room -= weightOf(lean);
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
