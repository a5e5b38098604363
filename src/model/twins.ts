import type { Entry } from './entry.ts';
import type { Key } from './key.ts';
import type { CallOptions, Problem } from './store.ts';

/** Some entries of one collection, as two places hold them. */
export interface TwinPage {
  readonly collection: string;
  /** How many of each side were looked at, those among them that are equal included. */
  readonly left: number;
  readonly right: number;
  readonly equal: number;
  /** Entries of the left side that were written to the right, and are in none of the other counts. */
  readonly written: number;
  /** The others. */
  readonly pairs: readonly { readonly key: Key; readonly left: Entry | undefined; readonly right: Entry | undefined }[];
  /** What could not be read, and is in none of the counts. */
  readonly problems?: readonly Problem[];
}

/** Some entries of one collection that were carried across. */
export interface CarriedPage {
  readonly collection: string;
  readonly written: number;
  /** Those that were not, with their content: they are to be put one by one, which says why. */
  readonly left: readonly Entry[];
  /** What could not be read. */
  readonly problems?: readonly Problem[];
}

/**
 * Collections that a source and a sink keep in the very same form, so that what is equal is known, and what is missing
 * carried across, without an entry being made of it. No scope is narrowed: each collection is taken as a whole.
 */
export interface Twins {
  readonly collections: readonly string[];
  /** Those of which the sink holds nothing, and into which entries can be carried. */
  readonly empty: readonly string[];
  /** Both sides of some of them. Ending without throwing is the promise that nothing was left out, as of a scan. */
  compare(collections: readonly string[], options?: CompareOptions): AsyncIterable<TwinPage>;
  /** Writes all entries of a collection of which the sink holds nothing. Whatever is there by then under one of their keys is not replaced. */
  carry(collection: string, options?: CallOptions): AsyncIterable<CarriedPage>;
}

/** How twins are compared. */
export interface CompareOptions extends CallOptions {
  /** Whether entries that the sink lacks are written at once where many can be written as one. Default: false, and then nothing is written. */
  readonly fill?: boolean;
}

/** What is asked of twins. */
export interface TwinsOptions extends CallOptions {
  /** Whether collections that are missing in the sink, and are not empty in the source, are made. */
  readonly prepare?: boolean;
}
