import type { Collection } from '../../model/collection.ts';
import type { Micros } from '../../model/entry.ts';
import type { SyncError } from '../../model/errors.ts';
import type { Key } from '../../model/key.ts';
import type { Window } from '../../model/store.ts';
import type { Marks } from '../records/changes.ts';
import type { Swapping } from './fresh.ts';
import type { Wanted } from './granting.ts';
import type { RangeSql } from './ranges.ts';
import type { TableLimits } from './creatable.ts';
import type { Raw, RawRow, Table } from './table.ts';

/** What a row must be for a change of it to happen. */
export type RowExpectation =
  | { readonly kind: 'absent' }
  | { readonly kind: 'version'; readonly version: string }
  /** In microseconds. `own`: it is just the time that the row brings itself. */
  | { readonly kind: 'older'; readonly than: number; readonly own: boolean };

/** One thing to be done to one row. */
export interface Change {
  readonly kind: 'put' | 'delete';
  readonly id: Key;
  /** The values of its key, as the driver takes them. */
  readonly key: readonly Raw[];
  /** Where rows of several keys go by this one, those keys. Only for `applyLocked`. */
  readonly spellings?: readonly (readonly Raw[])[];
  /** What to put, in the order of the columns: `null` is NULL; `undefined` is left to the database, and only where that fills the column of a new row. */
  readonly values: readonly (Raw | null | undefined)[];
  readonly expect?: RowExpectation;
}

/** What became of a change. */
export type Changed =
  /** `row`: what the table holds now, where that need not be what was sent. */
  | { readonly kind: 'done'; readonly version?: string; readonly row?: RawRow }
  | { readonly kind: 'stale' }
  | { readonly kind: 'failed'; readonly error: SyncError };

export interface ScanRowsOptions {
  /** Rows outside of it need not come. */
  readonly window?: Window | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface CompareRowsOptions {
  /** Whether rows that the target lacks are written at once, many as one. */
  readonly fill: boolean;
  readonly signal: AbortSignal | undefined;
}

/** Some rows of two tables. */
export interface ComparedRows {
  readonly left: number;
  readonly right: number;
  readonly equal: number;
  /** Rows of the left table that were written, and are in none of the other counts. */
  readonly written: number;
  /** Of the others those that differ: the left ones as they are, and the right ones by their keys. */
  readonly changed: readonly RawRow[];
  readonly found: readonly RawRow[];
}

/** Rows of two tables of the same columns. */
export interface RowTwins {
  /** The tables, as the source has them and as the target has them. */
  readonly tables: readonly (readonly [from: Table, to: Table])[];
  /** The names of those whose target is empty and takes rows as they are. */
  readonly empty: readonly string[];
  /** Rows side by side, in an order of the database's own. */
  compare(table: Table, options: CompareRowsOptions): AsyncIterable<ComparedRows>;
  /** Rows that were written, and those that were not. */
  carry(table: Table, signal: AbortSignal | undefined): AsyncIterable<{ readonly written: number; readonly left: readonly RawRow[] }>;
}

/** What is different from one database to another. Connects when first asked for anything. */
export interface Dialect extends AsyncDisposable {
  /** The longest key, in UTF-8 bytes. */
  readonly keyBytes: number;
  /** The most batches under way at once. */
  readonly inFlight: number;
  /** What can be made a table. */
  readonly limits: TableLimits;
  /** The tables there are, and those whose rows cannot be told apart, by name, with the reason. */
  catalog(signal?: AbortSignal): Promise<Catalog>;
  /** The rows of a number of tables, one table after the other, each in the byte order of its keys, as of one moment where the database can. */
  scan(tables: readonly Table[], options: ScanRowsOptions): AsyncIterable<{ readonly table: Table; readonly rows: readonly RawRow[] }>;
  /** The rows with these keys that there are, in any order. */
  find(table: Table, keys: readonly (readonly Raw[])[], signal?: AbortSignal): Promise<readonly RawRow[]>;
  /** Whether {@link apply} itself finds out whether a row is older than a change expects it to be. */
  comparesTimes(table: Table, change: Change): boolean;
  /** Makes changes, each atomically with its expectation. No two of them are of one key. */
  apply(table: Table, changes: readonly Change[], signal?: AbortSignal): Promise<readonly Changed[]>;
  /** Throws what {@link apply} would for changes that the user may not make, and makes none. One of each kind and expectation is enough. Absent: that is known when it is tried. */
  checkApply?(table: Table, changes: readonly Change[]): Promise<void>;
  /** Throws what {@link create} would, and makes nothing. Absent: that is known when it is tried. */
  checkCreate?(collections: readonly Collection[]): Promise<void>;
  /** Makes tables, all of them or none where the database can. Throws `unsupported` for what cannot be a table. */
  create(collections: readonly Collection[], signal?: AbortSignal): Promise<void>;
  /** A transaction in which ranges of tables are digested. Absent, or `undefined`: the database cannot do that. */
  ranges?(signal?: AbortSignal): Promise<RangeSql | undefined>;
  /** By what each table was last changed, where that can be had for next to nothing. */
  changes?(signal?: AbortSignal): Promise<Marks>;
  /** What the driver threw, as a sentence that begins with what was being done. `wanted` (default: `read`): what it takes a right for. */
  failure(cause: unknown, doing: string, wanted?: Wanted): SyncError;
  /** Of pairs of tables those that can be compared and carried as the rows stand. Absent: none. */
  twins?(source: Dialect, pairs: readonly (readonly [from: Table, to: Table])[]): Promise<RowTwins>;
  /** Whether a table has any rows. Needed where there are {@link twins}. */
  isEmpty?(table: Table): Promise<boolean>;
  /** What tells this database from another at the same address. */
  fingerprint?(signal?: AbortSignal): Promise<string | undefined>;
  /** What time it is at the server, where there is one. */
  clock?(): Promise<Micros>;
  /** Roughly how many rows each of these tables has, as far as that can be had for next to nothing. */
  estimates?(tables: readonly Table[]): Promise<ReadonlyMap<string, number>>;
  /** How fresh tables take the place of others, where they can. */
  readonly swapping?: Swapping;
}

/** What a database says of its tables. */
export interface Catalog {
  readonly tables: readonly Table[];
  readonly keyless: readonly { readonly name: string; readonly why: string }[];
  /** The tables that foreign keys of a table name. */
  readonly references: ReadonlyMap<string, readonly string[]>;
}
