import { TempFile } from '../../lib/temp-file.ts';
import type { Extent } from '../../lib/temp-file.ts';
import { putAside } from './put-aside.ts';

/** Characters of values that are written, and read, at once. */
const pageCharacters = 64 * 1024;

/**
 * Values that JSON can hold, put aside to be had again in the same order, as often as asked. What is held in memory does
 * not grow with them: a page at a time goes to disk.
 */
export class Spill<T> implements Iterable<T>, Disposable {
  readonly #file = new TempFile();
  readonly #pages: Extent[] = [];
  #open: string[] = [];
  #openCharacters = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  add(value: T): void {
    // As text at once, and not when there are many: a key that was cut out of a listing keeps all of the listing in
    // memory, and of each listing only a value or two may come here. JSON, because serializing values one by one
    // leaves more behind outside of the heap than there is in them.
    const text = JSON.stringify(value);
    this.#open.push(text);
    this.#openCharacters += text.length;
    this.#length++;
    if (this.#openCharacters < pageCharacters) return;
    this.#pages.push(putAside(this.#file, Buffer.from(this.#open.join())));
    [this.#open, this.#openCharacters] = [[], 0];
  }

  *[Symbol.iterator](): Generator<T> {
    for (const page of this.pages()) yield* page;
  }

  /** The values as they lie on disk, some at a time. */
  *pages(): Generator<readonly T[]> {
    for (const page of this.#pages) yield valuesIn<T>(this.#file.read(page).toString());
    if (this.#open.length > 0) yield valuesIn<T>(this.#open.join());
  }

  [Symbol.dispose](): void {
    this.#file[Symbol.dispose]();
  }
}

function valuesIn<T>(text: string): readonly T[] {
  return JSON.parse(`[${text}]`) as readonly T[];
}

/** A copy of what JSON can hold, which shares no text with it. */
export function copied<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T;
}
