import type { KeyRange, Piece, Snapshot } from '../../model/ranges.ts';
import type { SyncError } from '../../model/errors.ts';
import type { CallOptions, Page } from '../../model/store.ts';
import { schemeOf, TableRanges } from './ranges.ts';
import type { RangeSql } from './ranges.ts';
import type { RawRow, Table } from './table.ts';

export interface SqlSnapshotOptions {
  readonly sql: RangeSql;
  /** In the order of the keys of their rows; by their names alone where rows cannot be told apart. */
  readonly tables: readonly (Table | { readonly name: string })[];
  readonly page: (table: Table, rows: readonly RawRow[]) => Page;
  readonly failure: (cause: unknown) => SyncError;
}

/** What the tables of a database held at one moment. */
export class SqlSnapshot implements Snapshot {
  readonly collections: Snapshot['collections'];
  readonly #options: SqlSnapshotOptions;

  constructor(options: SqlSnapshotOptions) {
    this.#options = options;
    this.collections = options.tables.map((table) => ({ name: table.name, ...('columns' in table && { scheme: schemeOf(options.sql, table) }) }));
  }

  async cut(collection: string, ranges: readonly KeyRange[], entries: number, options?: CallOptions): Promise<readonly Piece[]> {
    return await this.#ask(collection, (table) => table.cut(ranges, entries), options);
  }

  async counts(collection: string, ranges: readonly KeyRange[], options?: CallOptions): Promise<readonly number[]> {
    return await this.#ask(collection, (table) => table.counts(ranges), options);
  }

  async digests(collection: string, ranges: readonly KeyRange[], options?: CallOptions): Promise<readonly (string | undefined)[]> {
    return ranges.length === 0 ? [] : await this.#ask(collection, (table) => table.digests(ranges), options);
  }

  async *scan(collection: string, ranges: readonly KeyRange[], { signal }: CallOptions = {}): AsyncGenerator<Page> {
    const { sql, page, failure } = this.#options;
    const table = this.#table(collection);
    try {
      for await (const rows of new TableRanges(sql, table).scan(ranges, signal)) {
        signal?.throwIfAborted();
        yield page(table, rows);
      }
    } catch (cause) {
      signal?.throwIfAborted();
      throw failure(cause);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#options.sql[Symbol.asyncDispose]();
  }

  async #ask<T>(collection: string, task: (table: TableRanges) => Promise<T>, { signal }: CallOptions = {}): Promise<T> {
    const { sql, failure } = this.#options;
    const table = new TableRanges(sql, this.#table(collection));
    signal?.throwIfAborted();
    // A pass over all a server has takes long, and a driver whose connection is ended need not say so.
    const given = Promise.withResolvers<never>();
    const stop = (): void => {
      given.reject(signal?.reason);
      void sql[Symbol.asyncDispose]();
    };
    signal?.addEventListener('abort', stop, { once: true });
    try {
      return await Promise.race([task(table), given.promise]);
    } catch (cause) {
      signal?.throwIfAborted();
      throw failure(cause);
    } finally {
      signal?.removeEventListener('abort', stop);
    }
  }

  #table(collection: string): Table {
    return this.#options.tables.find((table): table is Table => table.name === collection && 'columns' in table)!;
  }
}
