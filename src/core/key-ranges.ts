import type { Key } from '../model/key.ts';
import { compareKeys } from '../model/key.ts';
import type { KeyRange, Piece } from '../model/ranges.ts';

/** How finely ranges are cut. */
export interface Fineness {
  /** What holds no more than that is read, and not cut further. */
  readonly pageEntries: number;
  /** The most ranges that are asked about at once. */
  readonly mostRanges: number;
}

/**
 * How many entries the next pieces of these ranges are to hold; `undefined` where it is better to read them: each look costs
 * the servers a pass over all they have, so that it has to narrow things down a lot.
 */
export function nextCut(ranges: readonly Piece[], { pageEntries, mostRanges }: Fineness): number | undefined {
  const large = ranges.filter(({ entries }) => entries > pageEntries);
  if (large.length === 0) return undefined;
  const entries = large.reduce((sum, range) => sum + range.entries, 0);
  const size = Math.max(pageEntries, Math.ceil(entries / Math.max(1, mostRanges - large.length)));
  return size * 4 <= entries / large.length ? size : undefined;
}

/** Ranges where those that meet are one, in order. */
export function joined(ranges: readonly KeyRange[]): readonly KeyRange[] {
  const whole: { from?: Key; to?: Key }[] = [];
  for (const { from, to } of ranges.toSorted((a, b) => compareBeginnings(a.from, b.from))) {
    const last = whole.at(-1);
    if (last?.to !== undefined && last.to === from) {
      if (to === undefined) delete last.to;
      else last.to = to;
    } else whole.push({ ...(from !== undefined && { from }), ...(to !== undefined && { to }) });
  }
  return whole;
}

/** Whether a key is in one of a number of ranges, which are in order and do not overlap. */
export function isAmong(ranges: readonly KeyRange[], key: Key): boolean {
  let [low, high] = [0, ranges.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (compareBeginnings(ranges[middle]!.from, key) <= 0) low = middle + 1;
    else high = middle;
  }
  const range = ranges[low - 1];
  return range !== undefined && (range.to === undefined || compareKeys(key, range.to) < 0);
}

function compareBeginnings(a: Key | undefined, b: Key | undefined): number {
  if (a === undefined || b === undefined) return (a === undefined ? 0 : 1) - (b === undefined ? 0 : 1);
  return compareKeys(a, b);
}
