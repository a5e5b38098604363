import { SyncError } from '../model/errors.ts';
import type { Key } from '../model/key.ts';
import { compareKeys } from '../model/key.ts';

/** Anything that can be told apart by its key. */
export interface Keyed {
  readonly key: Key;
}

/** One distinct key and what each stream holds under it, in the order of the streams. */
export interface Row<T> {
  readonly key: Key;
  readonly items: readonly (T | undefined)[];
}

/**
 * Walks several key-ordered streams in step, yielding one row per distinct key, in key order.
 * Refuses a stream that steps backwards or repeats a key: a misordered scan would read as mass deletion.
 */
export async function* mergeJoin<T extends Keyed>(...streams: readonly AsyncIterable<readonly T[]>[]): AsyncGenerator<readonly Row<T>[]> {
  const heads = streams.map((stream) => new Head(stream));
  try {
    for (;;) {
      // Rows come in pages because an await per row would cost more than the merging itself.
      const hungryHeads = heads.filter((head) => head.hungry);
      // Side by side, since each may wait for another server or disk; the first error counts when all have settled.
      const filled = await Promise.allSettled(hungryHeads.map((head) => head.fill()));
      for (const outcome of filled) if (outcome.status === 'rejected') throw outcome.reason;
      const rows: Row<T>[] = [];
      let hungry = false;
      for (let key = smallest(heads); key !== undefined; key = hungry ? undefined : smallest(heads)) {
        // Of the right length from the start: an array that grows leaves room for many more, in every row.
        const items = new Array<T | undefined>(heads.length);
        for (let i = 0; i < heads.length; i++) {
          const head = heads[i]!;
          items[i] = head.key === key ? head.take() : undefined;
          if (head.hungry) hungry = true;
        }
        rows.push({ key, items });
      }
      if (rows.length === 0) return;
      yield rows;
    }
  } finally {
    for (const head of heads) await head.close();
  }
}

function smallest<T extends Keyed>(heads: readonly Head<T>[]): Key | undefined {
  let least: Key | undefined;
  for (const { key } of heads) {
    if (key !== undefined && (least === undefined || (key !== least && compareKeys(key, least) < 0))) least = key;
  }
  return least;
}

/** The front of one stream. */
class Head<T extends Keyed> {
  /** The next item's key, or `undefined` when there is none at hand. */
  key: Key | undefined;
  readonly #pages: AsyncIterator<readonly T[]>;
  #page: readonly T[] = [];
  #index = 0;
  #ended = false;
  /** The key of the last item that was taken before the next one was known. */
  #last: Key | undefined;

  constructor(stream: AsyncIterable<readonly T[]>) {
    this.#pages = stream[Symbol.asyncIterator]();
  }

  /** Out of items, but perhaps not out of pages: nothing may be concluded about the next key until {@link fill}. */
  get hungry(): boolean {
    return this.key === undefined && !this.#ended;
  }

  take(): T {
    const item = this.#page[this.#index++] as T;
    const next = this.#page[this.#index]?.key;
    if (next !== undefined) this.#advance(item.key, next);
    else {
      this.key = undefined;
      this.#last = item.key;
    }
    return item;
  }

  #advance(from: Key, to: Key): void {
    if (compareKeys(to, from) <= 0) throw new SyncError('corrupt', `a scan went backwards: ${to} after ${from}`, { key: to });
    this.key = to;
  }

  async fill(): Promise<void> {
    while (this.hungry) {
      const next = await this.#pages.next();
      if (next.done) {
        this.#ended = true;
        return;
      }
      this.#page = next.value;
      this.#index = 0;
      const first = this.#page[0]?.key;
      if (first === undefined) continue;
      if (this.#last === undefined) this.key = first;
      else this.#advance(this.#last, first);
    }
  }

  async close(): Promise<void> {
    await this.#pages.return?.();
  }
}
