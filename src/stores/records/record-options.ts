import { usualPatienceMs } from '../../lib/patience.ts';
import type { OptionSpec } from '../../model/kind.ts';
import type { TimeUnit } from './instants.ts';

/** What every store of records can be told. */
export interface RecordOptions {
  /** The field that says when a record was modified. */
  readonly modified?: string;
  /** What a number in that field counts. */
  readonly modifiedUnit?: TimeUnit;
  /** The field that says that a record is deleted, by when that was or by being true. See `softly`. */
  readonly deleted?: string;
  /** The collection that says which records were deleted, and when. See `telling`. */
  readonly tombstones?: string;
  /** Names of collections, and globs of them, separated by commas. Default: all. */
  readonly collections?: string;
  /** Whether collections that are missing are made. */
  readonly create?: boolean;
}

/** The options of {@link RecordOptions}. */
export const recordOptions: readonly OptionSpec[] = [
  { name: 'modified', summary: 'the field that says when a record was last modified', value: 'text' },
  { name: 'modifiedUnit', summary: 'what a number in that field counts, from the beginning of 1970', value: 'choice', choices: ['seconds', 'milliseconds', 'microseconds'] },
  { name: 'deleted', summary: 'the field that says that a record is deleted: when it was, or true', value: 'text' },
  { name: 'tombstones', summary: 'the table or index that says which records were deleted: collection, key, deleted_at', value: 'text' },
  { name: 'collections', summary: 'the tables or indices to look at: names and globs, separated by commas (default: all)', value: 'text' },
  { name: 'create', summary: 'whether collections that are missing are made', value: 'flag', default: true },
];

/** The option of stores whose servers say when they have too much to do. */
export const patienceOption: OptionSpec = { name: 'patienceMs', summary: 'milliseconds to wait for a server that says it has too much to do, while it does nothing', value: 'number', default: usualPatienceMs };
