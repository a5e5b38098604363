import { randomBytes } from 'node:crypto';
import type { Collection } from '../../model/collection.ts';
import { SyncError } from '../../model/errors.ts';
import type { CallOptions, Fresh, Store } from '../../model/store.ts';
import type { Catalog, Dialect } from './dialect.ts';
import type { Table } from './table.ts';

/** A table that is to be replaced, or made. */
export interface Replaced {
  readonly name: string;
  /** What the fresh table is called until it takes that name. */
  readonly fresh: string;
  /** What the old one is called from then on, until it is dropped. */
  readonly old: string;
  /** What tells whether the old one was written to; absent where there is none. */
  readonly mark: string | undefined;
}

/** How a database puts fresh tables in the place of others. */
export interface Swapping {
  /** What could not be carried over to a table that takes the place of this one, each in words. */
  obstacles(name: string): Promise<readonly string[]>;
  /** Makes an empty table like another one. */
  makeLike(name: string, fresh: string): Promise<void>;
  /** Something that is another when a table was written to. */
  mark(name: string): Promise<string>;
  /** Renames all of them at once. Answers with the name of a table that was written to since it was marked, and then has done nothing. */
  swap(tables: readonly Replaced[]): Promise<string | undefined>;
  /** Drops tables, where they are there. */
  drop(names: readonly string[]): Promise<void>;
}

const pattern = /__syncline_(?:new|old)(?:_[0-9a-f]{6})?$/;

/** What is put behind the name of a table at most, in characters and in bytes. */
export const swapSuffix: number = '__syncline_new_123456'.length;

/** Whether a table is one that a swap made and nobody else is to see. */
export function isOfSwap(name: string): boolean {
  return pattern.test(name);
}

export interface FreshTablesOptions {
  /** The name of the place. */
  readonly place: string;
  readonly dialect: Dialect;
  readonly swapping: Swapping;
  /** Names of tables that are there. */
  readonly existing: readonly string[];
  /** Those that are not. */
  readonly missing: readonly Collection[];
  /** A store of the tables of a dialect, in the manner of the place. */
  open(dialect: Dialect): Store;
}

/** Tables that are filled beside those they are to replace, under names that no other run has: `__syncline_new_` and six digits. */
export class FreshTables implements Fresh {
  readonly #options: FreshTablesOptions;
  readonly #tag = randomBytes(3).toString('hex');
  #marks: ReadonlyMap<string, string> = new Map();
  #tables: readonly Replaced[] = [];

  private constructor(options: FreshTablesOptions) {
    this.#options = options;
  }

  /** Takes notice of what there is, so that what is written to it from here on is found out. */
  static async of(options: FreshTablesOptions): Promise<FreshTables> {
    const tables = new FreshTables(options);
    await tables.#doing('look at tables', async () => {
      const marks = new Map<string, string>();
      for (const name of options.existing) marks.set(name, await options.swapping.mark(name));
      tables.#marks = marks;
    });
    return tables;
  }

  async fill(names: readonly string[], { signal }: CallOptions = {}): Promise<Store> {
    const { dialect, swapping, existing, missing, open } = this.#options;
    const all = [...existing, ...missing.map(({ name }) => name)];
    const tables = names.map((name): Replaced => ({ name, fresh: `${name}__syncline_new_${this.#tag}`, old: `${name}__syncline_old_${this.#tag}`, mark: this.#marks.get(name) }));
    await this.#doing('make fresh tables', async () => {
      // What was swapped in had been compared before, so that of an old one nobody needs to know any more.
      const { tables: there, keyless } = await dialect.catalog(signal);
      await swapping.drop([...there, ...keyless].map(({ name }) => name).filter((name) => isOfSwap(name) && all.includes(name.replace(pattern, ''))));
      this.#tables = tables;
      for (const { name, fresh, mark } of tables) {
        signal?.throwIfAborted();
        if (mark !== undefined) await swapping.makeLike(name, fresh);
      }
      const created = tables.flatMap(({ name, fresh }) => missing.filter((collection) => collection.name === name).map((collection) => ({ ...collection, name: fresh })));
      if (created.length > 0) await dialect.create(created, signal);
    });
    return open(seenFresh(dialect, tables));
  }

  async swap(): Promise<void> {
    const { place, swapping } = this.#options;
    const changed = await this.#doing('put fresh tables in place', () => swapping.swap(this.#tables));
    if (changed !== undefined) throw new SyncError('conflict', `${place}: somebody wrote to ${changed} while it was filled anew, and nothing was put in its place`, { store: place, hint: 'run again when nobody writes to it, or without --swap' });
    const replaced = this.#tables;
    this.#tables = [];
    await this.#doing('drop old tables', () => swapping.drop(replaced.map(({ old }) => old)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const unused = this.#tables;
    this.#tables = [];
    if (unused.length > 0) await this.#doing('drop fresh tables', () => this.#options.swapping.drop(unused.map(({ fresh }) => fresh)));
  }

  async #doing<T>(what: string, body: () => Promise<T>): Promise<T> {
    try {
      return await body();
    } catch (cause) {
      throw this.#options.dialect.failure(cause, `${this.#options.place}: cannot ${what}`, 'swap');
    }
  }
}

/** A dialect that has the fresh tables, and nothing else, under the names of those they are for. */
function seenFresh(dialect: Dialect, replaced: readonly Replaced[]): Dialect {
  const inner = new Map<Table, Table>();
  const outer = new Map<Table, Table>();
  const innerOf = (table: Table): Table => inner.get(table) ?? { ...table, name: replaced.find(({ name }) => name === table.name)?.fresh ?? table.name };
  return {
    keyBytes: dialect.keyBytes, limits: dialect.limits,
    inFlight: dialect.inFlight,
    async catalog(signal): Promise<Catalog> {
      const { tables } = await dialect.catalog(signal);
      const seen = tables.flatMap((table) => {
        const name = replaced.find(({ fresh }) => fresh === table.name)?.name;
        if (name === undefined) return [];
        const shown = { ...table, name };
        inner.set(shown, table);
        outer.set(table, shown);
        return [shown];
      });
      return { tables: seen, keyless: [], references: new Map() };
    },
    async *scan(tables, options) {
      for await (const { table, rows } of dialect.scan(tables.map(innerOf), options)) yield { table: outer.get(table) ?? table, rows };
    },
    find: (table, keys, signal) => dialect.find(innerOf(table), keys, signal),
    comparesTimes: (table, change) => dialect.comparesTimes(innerOf(table), change),
    apply: (table, changes, signal) => dialect.apply(innerOf(table), changes, signal),
    ...(dialect.twins && {
      async twins(source, pairs) {
        const rows = await dialect.twins!(source, pairs.map(([from, to]) => [from, innerOf(to)] as const));
        return { ...rows, tables: rows.tables.map(([from, to]) => [from, outer.get(to) ?? to] as const) };
      },
    }),
    create: () => Promise.reject(new SyncError('internal', 'a fresh table is made when it is asked for')),
    failure: (cause, doing, wanted) => dialect.failure(cause, doing, wanted),
    ...(dialect.fingerprint && { fingerprint: (signal?: AbortSignal) => dialect.fingerprint?.(signal) ?? Promise.resolve(undefined) }),
    async [Symbol.asyncDispose]() {},
  };
}
