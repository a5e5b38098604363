import type { Key } from './key.ts';
import type { CallOptions, Page } from './store.ts';

/** Keys from the one on, up to just before the other, in the order of keys. Absent: from the first, up to the last. */
export interface KeyRange {
  readonly from?: Key;
  readonly to?: Key;
}

/** A range, and how many entries are in it. */
export interface Piece extends KeyRange {
  readonly entries: number;
}

/**
 * All that a place held at one moment, digested range by range where it is kept, so that what is equal need not travel. What
 * it answers stays the same for as long as it is open. Ranges are given in order and without overlap.
 */
export interface Snapshot extends AsyncDisposable {
  /**
   * The collections there are, those included whose entries cannot be told apart, in the order of the keys of their entries.
   * `scheme` says how digests are made: ranges of two snapshots that have one scheme, one number of entries and one digest
   * hold equal entries, but for chance beyond all reckoning. Absent: there are no digests.
   */
  readonly collections: readonly { readonly name: string; readonly scheme?: string }[];
  /** Cuts ranges of a collection into pieces of so many entries; the last one of each range may hold fewer. */
  cut(collection: string, ranges: readonly KeyRange[], entries: number, options?: CallOptions): Promise<readonly Piece[]>;
  /** How many entries there are in each range. */
  counts(collection: string, ranges: readonly KeyRange[], options?: CallOptions): Promise<readonly number[]>;
  /** The digest of each range, `undefined` where none could be made. Not for ranges of millions of entries. */
  digests(collection: string, ranges: readonly KeyRange[], options?: CallOptions): Promise<readonly (string | undefined)[]>;
  /** The entries in some ranges, content included, in key order. */
  scan(collection: string, ranges: readonly KeyRange[], options?: CallOptions): AsyncIterable<Page>;
}

/** A range in pieces that begin at these keys of it, besides the first, which begins where the range does. */
export function cutAt({ from, to }: KeyRange, borders: readonly Key[]): readonly KeyRange[] {
  const begins = [from, ...borders];
  return begins.map((begin, i) => {
    const end = i + 1 < begins.length ? begins[i + 1] : to;
    return { ...(begin !== undefined && { from: begin }), ...(end !== undefined && { to: end }) };
  });
}
