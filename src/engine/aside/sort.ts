import { deserialize, serialize } from 'node:v8';
import { limits } from '../../lib/limits.ts';
import { TempFile } from '../../lib/temp-file.ts';
import type { Extent } from '../../lib/temp-file.ts';
import { sizeOfEntry, withoutBlob, withoutContent } from '../../model/entry.ts';
import type { Entry } from '../../model/entry.ts';
import { compareKeys } from '../../model/key.ts';
import { putAside } from './put-aside.ts';

export interface SortOptions {
  /** Bytes of entries held in memory before a run of them is written to disk. */
  readonly bytes?: number;
  /** Whether documents, too, can be read again for next to nothing, and need not go through the disk. Default: false. */
  readonly rereads?: boolean;
}

/** The most sorted runs merged at once: bounds open files and buffers. */
const fanIn = 64;

/** Entries of one page on disk. */
const pageEntries = 256;

/**
 * Pages of entries in key order, however many there are: beyond `bytes` they are sorted in runs on disk and merged.
 * Stable, so of two entries with one key the one that came first stays first. On disk blobs lose their content, and
 * with `rereads` documents too, which {@link Source.read} gives again. Nothing is yielded before `pages` has ended.
 */
export async function* sortEntries(pages: AsyncIterable<readonly Entry[]>, { bytes = limits.sortBytes, rereads = false }: SortOptions = {}): AsyncGenerator<readonly Entry[]> {
  let runs: Run[] = [];
  try {
    let held: Entry[] = [];
    let heldBytes = 0;
    for await (const page of pages) {
      for (const whole of page) {
        // What is held now goes to disk in the end, like what went before.
        const entry = rereads && runs.length > 0 ? withoutContent(whole) : whole;
        held.push(entry);
        heldBytes += sizeOfEntry(entry);
      }
      if (heldBytes <= bytes) continue;
      runs.push(Run.write(slices(sortInMemory(rereads ? held.map(withoutContent) : held))));
      [held, heldBytes] = [[], 0];
      if (runs.length === fanIn) runs = [Run.write(mergeRuns(runs))];
    }
    sortInMemory(held);
    if (runs.length === 0) yield* slices(held);
    else yield* mergeRuns([...runs, slices(held)]);
  } finally {
    for (const run of runs) run.close();
  }
}

function sortInMemory(entries: Entry[]): Entry[] {
  for (let i = 1; i < entries.length; i++) {
    if (compareKeys(entries[i - 1]!.key, entries[i]!.key) > 0) return entries.sort((a, b) => compareKeys(a.key, b.key));
  }
  return entries;
}

function* slices(entries: readonly Entry[]): Generator<readonly Entry[]> {
  for (let at = 0; at < entries.length; at += pageEntries) yield entries.slice(at, at + pageEntries);
}

/** A sorted run on disk, in pages. Read once, front to back. */
class Run implements Iterable<readonly Entry[]> {
  readonly #file = new TempFile();
  readonly #pages: Extent[] = [];

  static write(pages: Iterable<readonly Entry[]>): Run {
    const run = new Run();
    for (const page of pages) run.#pages.push(putAside(run.#file, serialize(page.map(withoutBlob))));
    return run;
  }

  *[Symbol.iterator](): Generator<readonly Entry[]> {
    for (const page of this.#pages) yield deserialize(this.#file.read(page)) as readonly Entry[];
    this.close();
  }

  close(): void {
    this.#file[Symbol.dispose]();
  }
}

interface Front {
  readonly pages: Iterator<readonly Entry[]>;
  /** Which run: an earlier one holds what arrived earlier. */
  readonly rank: number;
  page: readonly Entry[];
  index: number;
}

/** Merges sorted runs by a binary heap of their first entries. */
function* mergeRuns(runs: readonly Iterable<readonly Entry[]>[]): Generator<readonly Entry[]> {
  const heap: Front[] = [];
  runs.forEach((run, rank) => {
    const pages = run[Symbol.iterator]();
    const first = pages.next();
    if (!first.done && first.value.length > 0) heap.push({ pages, rank, page: first.value, index: 0 });
  });
  for (let i = (heap.length >> 1) - 1; i >= 0; i--) sink(heap, i);

  let out: Entry[] = [];
  while (heap.length > 0) {
    const top = heap[0]!;
    out.push(top.page[top.index++]!);
    if (top.index === top.page.length) {
      const next = top.pages.next();
      if (next.done) {
        const last = heap.pop()!;
        if (heap.length > 0) heap[0] = last;
      } else [top.page, top.index] = [next.value, 0];
    }
    if (heap.length > 0) sink(heap, 0);
    if (out.length === pageEntries) {
      yield out;
      out = [];
    }
  }
  if (out.length > 0) yield out;
}

function sink(heap: Front[], from: number): void {
  for (let i = from; ;) {
    const left = 2 * i + 1;
    if (left >= heap.length) return;
    const right = left + 1;
    const least = right < heap.length && before(heap[right]!, heap[left]!) ? right : left;
    if (!before(heap[least]!, heap[i]!)) return;
    [heap[i], heap[least]] = [heap[least]!, heap[i]!];
    i = least;
  }
}

function before(a: Front, b: Front): boolean {
  const order = compareKeys(a.page[a.index]!.key, b.page[b.index]!.key);
  return order < 0 || (order === 0 && a.rank < b.rank);
}
