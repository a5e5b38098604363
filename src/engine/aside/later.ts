import { deserialize, serialize } from 'node:v8';
import { TempFile } from '../../lib/temp-file.ts';
import type { Extent } from '../../lib/temp-file.ts';
import type { Delete, Put, PutOff } from '../write/writer.ts';
import { putAside } from './put-aside.ts';
import { leanOf, weightOf } from './spool.ts';

const pageEntries = 1_000;
const pageBytes = 4 * 1024 * 1024;

/** Writes put aside until those before them are done, to be had again in the same order: a page of them in memory, the others on disk. */
export class Later<A extends Put | Delete> implements Disposable {
  readonly #file = new TempFile();
  readonly #pages: Extent[] = [];
  #open: A[] = [];
  #openBytes = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  add(action: A): void {
    this.#open.push(leanOf(action));
    this.#openBytes += weightOf(action);
    this.#length++;
    if (this.#open.length < pageEntries && this.#openBytes < pageBytes) return;
    this.#pages.push(putAside(this.#file, serialize(this.#open)));
    [this.#open, this.#openBytes] = [[], 0];
  }

  *[Symbol.iterator](): Generator<A> {
    for (const page of this.#pages) yield* this.#read(page);
    yield* this.#open;
  }

  /** From the last to the first. */
  *backwards(): Generator<A> {
    yield* this.#open.toReversed();
    for (const page of this.#pages.toReversed()) yield* this.#read(page).toReversed();
  }

  #read(page: Extent): readonly A[] {
    return deserialize(this.#file.read(page)) as readonly A[];
  }

  [Symbol.dispose](): void {
    this.#file[Symbol.dispose]();
  }
}

/**
 * Sends writes that came too early again and again, as long as that brings some forward, and then once more, to be told why.
 * Each time the other way round: rows that refer to their neighbors are most often in order one way or the other.
 */
export async function tryAgain<A extends Put | Delete>(early: Later<A>, send: (actions: Iterable<A>, putOff: PutOff<A> | undefined) => Promise<void>): Promise<void> {
  let [open, before] = [early, Infinity];
  while (open.length > 0) {
    using again = open;
    const next = new Later<A>();
    open = next;
    const helps = again.length < before;
    before = again.length;
    await send(again.backwards(), helps ? (action) => next.add(action) : undefined);
  }
  open[Symbol.dispose]();
}
