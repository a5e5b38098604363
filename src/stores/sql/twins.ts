import type { Entry } from '../../model/entry.ts';
import { SyncError } from '../../model/errors.ts';
import type { Key } from '../../model/key.ts';
import type { Problem } from '../../model/store.ts';
import type { CarriedPage, TwinPage, Twins } from '../../model/twins.ts';
import type { CompareRowsOptions, RowTwins } from './dialect.ts';
import type { RawRow, Table } from './table.ts';

/** One of the two stores, as the rows of it are read. */
export interface TwinStore {
  readonly name: string;
  entryOf(table: Table, row: RawRow): Entry;
  find(table: Table, keys: readonly Key[], signal: AbortSignal | undefined): Promise<ReadonlyMap<Key, Entry>>;
}

/** Both of them. */
export interface TwinStores {
  readonly source: TwinStore;
  readonly target: TwinStore;
  failure(cause: unknown): SyncError;
}

/** Tables of the same columns as collections: entries are made only of the rows that differ. */
export function twinsOf(rows: RowTwins, stores: TwinStores): Twins {
  const byName = new Map(rows.tables.map((pair) => [pair[0].name, pair]));
  return {
    collections: [...byName.keys()],
    empty: rows.empty,
    async *compare(collections, { fill = false, signal } = {}) {
      for (const name of collections) yield* explained(compared(rows, stores, byName.get(name)!, { fill, signal }), stores, signal);
    },
    async *carry(collection, { signal } = {}) {
      yield* explained(carried(rows, stores, byName.get(collection)![0], signal), stores, signal);
    },
  };
}

async function* explained<T>(pages: AsyncIterable<T>, stores: TwinStores, signal: AbortSignal | undefined): AsyncGenerator<T> {
  try {
    yield* pages;
  } catch (cause) {
    signal?.throwIfAborted();
    throw stores.failure(cause);
  }
}

async function* carried(rows: RowTwins, { source }: TwinStores, from: Table, signal: AbortSignal | undefined): AsyncGenerator<CarriedPage> {
  for await (const { written, left } of rows.carry(from, signal)) {
    const { entries, problems } = entriesOf(source, from, left);
    yield { collection: from.name, written, left: entries, ...(problems.length > 0 && { problems }) };
  }
}

async function* compared(rows: RowTwins, { source, target }: TwinStores, [from, to]: readonly [Table, Table], { fill, signal }: CompareRowsOptions): AsyncGenerator<TwinPage> {
  for await (const { left, right, equal, written, changed, found } of rows.compare(from, { fill, signal })) {
    const ofLeft = entriesOf(source, from, changed);
    const ofRight = entriesOf(target, to, found);
    const lefts = new Map(ofLeft.entries.map((entry) => [entry.key, entry]));
    // What came out of the comparison has no version, by which a write could say what it replaces.
    const rights = ofRight.entries.length === 0 ? new Map<Key, Entry>() : await target.find(to, ofRight.entries.map(({ key }) => key), signal);
    // What the source does not seem to hold may be about to be deleted, so that it is asked for once more.
    const alone = [...rights.keys()].filter((key) => !lefts.has(key));
    const again = alone.length === 0 ? new Map<Key, Entry>() : await source.find(from, alone, signal);
    for (const [key, entry] of again) lefts.set(key, entry);
    const problems = [...ofLeft.problems, ...ofRight.problems];
    yield {
      collection: from.name, left: left - ofLeft.problems.length + again.size, right: right - ofRight.problems.length, equal, written,
      pairs: [...new Set([...lefts.keys(), ...rights.keys()])].map((key) => ({ key, left: lefts.get(key), right: rights.get(key) })),
      ...(problems.length > 0 && { problems }),
    };
  }
}

function entriesOf({ name, entryOf }: TwinStore, table: Table, rows: readonly RawRow[]): { readonly entries: readonly Entry[]; readonly problems: readonly Problem[] } {
  const entries: Entry[] = [];
  const problems: Problem[] = [];
  for (const row of rows) {
    try {
      entries.push(entryOf(table, row));
    } catch (cause) {
      if (!(cause instanceof SyncError)) throw cause;
      problems.push({ place: `${name}, ${table.name}`, error: cause });
    }
  }
  return { entries, problems };
}
