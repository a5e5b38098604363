import { existsSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import type { StatementSync } from 'node:sqlite';
import { SyncError, toSyncError } from '../../../model/errors.ts';
import type { Collection } from '../../../model/collection.ts';
import type { TimeUnit } from '../../records/instants.ts';
import type { Marks } from '../../records/changes.ts';
import { recordKey } from '../../records/record-keys.ts';
import type { TableLimits } from '../creatable.ts';
import type { Catalog, Change, Changed, Dialect, ScanRowsOptions } from '../dialect.ts';
import { applyLocked } from '../locked.ts';
import type { Swapping } from '../fresh.ts';
import type { LockedRows } from '../locked.ts';
import type { Raw, RawRow, Table } from '../table.ts';
import { catalogOf, quoted } from './catalog.ts';
import { declarationOf } from './columns.ts';
import { countsOf } from './counts.ts';
import { SqliteSwapping } from './swapping.ts';

const pageRows = 1_000;

export interface SqliteDialectOptions {
  readonly path: string;
  readonly missingIsEmpty: boolean;
  readonly modified: string | undefined;
  readonly unit: TimeUnit | undefined;
  /** How long to wait for others that write. */
  readonly timeoutMs: number;
}

/**
 * Tables in a file of SQLite. Rows are read through one connection and written through another, and no reading stays open
 * between pages, so that nobody is kept from writing by a scan; what a scan finds are the keys of one moment.
 */
export class SqliteDialect implements Dialect {
  readonly keyBytes = 4_096;
  readonly inFlight = 1;
  readonly limits: TableLimits = { columns: 2_000, tellsCase: false, flawOfName: (name) => /^sqlite_/i.test(name) ? 'begins with sqlite_, which the database keeps for itself' : undefined };
  readonly #options: SqliteDialectOptions;
  #reading: DatabaseSync | undefined;
  #writing: DatabaseSync | undefined;
  #last: Promise<unknown> = Promise.resolve();
  #scans = 0;
  readonly #keyed: Table[] = [];

  constructor(options: SqliteDialectOptions) {
    this.#options = options;
  }

  async catalog(): Promise<Catalog> {
    const database = this.#reader();
    return database ? catalogOf(database, this.#options.modified) : { tables: [], keyless: [], references: new Map() };
  }

  async *scan(tables: readonly Table[], { signal }: ScanRowsOptions): AsyncGenerator<{ readonly table: Table; readonly rows: readonly RawRow[] }> {
    const database = this.#reader();
    if (!database) return;
    const lists = tables.map((table) => ({ table, list: `temp.keys_${++this.#scans}` }));
    try {
      database.exec('begin');
      for (const { table, list } of lists) {
        signal?.throwIfAborted();
        database.exec(`create temp table ${list.slice(5)} as select record_key(${this.#placeOf(table)}, ${table.key.map(quoted).join(', ')}) as joined, ${table.key.map((name, i) => `${quoted(name)} as k${i}`).join(', ')} from main.${quoted(table.name)} order by 1`);
      }
      database.exec('commit');
      for (const { table, list } of lists) {
        const columns = table.columns.map(({ name }) => `t.${quoted(name)}`).join(', ');
        const select = selecting(database, `select ${columns} from ${list} k cross join main.${quoted(table.name)} t on ${table.key.map((name, i) => `t.${quoted(name)} = k.k${i}`).join(' and ')} where k.rowid > ? and k.rowid <= ? order by k.rowid`);
        const { most, unnamed } = database.prepare(`select count(*) as most, coalesce(sum(${table.key.map((_, i) => `k${i} is null`).join(' or ')}), 0) as unnamed from ${list}`).get() as { readonly most: number; readonly unnamed: number };
        // A primary key of SQLite may hold NULL, in any number of rows, which equals none.
        const rest = selecting(database, `select ${columns} from main.${quoted(table.name)} t where ${table.key.map((name) => `t.${quoted(name)} is null`).join(' or ')} limit ? offset ?`);
        for (let at = 0; at < unnamed; at += pageRows) {
          signal?.throwIfAborted();
          yield { table, rows: rowsOf(rest.all(pageRows, at)) };
        }
        for (let at = 0; at < most; at += pageRows) {
          signal?.throwIfAborted();
          yield { table, rows: rowsOf(select.all(at, at + pageRows)) };
        }
        database.exec(`drop table ${list}`);
      }
    } finally {
      if (database.isOpen) {
        if (database.isTransaction) database.exec('rollback');
        for (const { list } of lists) database.exec(`drop table if exists ${list}`);
      }
    }
  }

  async find(table: Table, keys: readonly (readonly Raw[])[]): Promise<readonly RawRow[]> {
    const database = this.#reader();
    return database ? findRows(database, table, keys) : [];
  }

  comparesTimes(): boolean {
    return true;
  }

  async apply(table: Table, changes: readonly Change[]): Promise<readonly Changed[]> {
    return await this.#alone(() => applyLocked({
      table, changes, unit: this.#options.unit,
      severity: (cause) => (cause instanceof SyncError || (resultOf(cause) ?? 0) % 256 === 19 || resultOf(cause) === 20 ? 'row' : 'all'),
      failure: (cause, doing) => this.failure(cause, doing),
      transaction: async (body) => {
        const database = this.#writer();
        database.exec('begin immediate');
        // Rows of one batch may refer to each other.
        database.exec('pragma defer_foreign_keys = on');
        try {
          const answers = await body(lockedRows(database, table));
          database.exec('commit');
          return answers;
        } catch (cause) {
          if (database.isTransaction) database.exec('rollback');
          throw cause;
        }
      },
    }));
  }

  async create(collections: readonly Collection[]): Promise<void> {
    await this.#alone(async () => {
      const database = this.#writer();
      database.exec('begin immediate');
      try {
        for (const { name, fields, key } of collections) {
          const columns = fields.map((field) => `${quoted(field.name)} ${declarationOf(field.type)}${field.nullable && !key.includes(field.name) ? '' : ' not null'}`);
          database.exec(`create table if not exists ${quoted(name)} (${[...columns, `primary key (${key.map(quoted).join(', ')})`].join(', ')}) without rowid`);
        }
        database.exec('commit');
      } catch (cause) {
        if (database.isTransaction) database.exec('rollback');
        throw cause;
      }
    });
  }

  /** How fresh tables take the place of others. */
  get swapping(): Swapping {
    return new SqliteSwapping((task) => this.#alone(async () => task(this.#writer())));
  }

  /** Only that some other connection has written, which the one that writes for us is as well. */
  async changes(): Promise<Marks> {
    const version = this.#reader()?.prepare('pragma data_version').get()?.['data_version'];
    return new Map([['', String(version)]]);
  }

  async estimates(tables: readonly Table[]): Promise<ReadonlyMap<string, number>> {
    const database = this.#reader();
    return database ? countsOf(database, tables.map(({ name }) => name)) : new Map();
  }

  failure(cause: unknown, doing: string): SyncError {
    const code = resultOf(cause);
    if (code === undefined || cause instanceof SyncError) return toSyncError(cause);
    const said = `${doing}: ${(cause as Error).message}`;
    switch (code % 256) {
      case 3: case 8: return new SyncError('denied', said, { cause, hint: 'check the rights of the file and of its directory' });
      case 5: case 6: return new SyncError('unavailable', said, { cause, hint: 'let the other program that writes to it end, and run again' });
      case 10: case 13: return new SyncError('unavailable', said, { cause, hint: 'see whether the disk is full' });
      case 11: case 26: return new SyncError('corrupt', said, { cause, hint: 'name a file of SQLite' });
      case 14: return new SyncError('not-found', said, { cause, hint: 'check the path' });
      default: return new SyncError('invalid', said, { cause, ...(code === foreignKeyRefused && { unmet: true }), ...(code === valueTaken && { taken: true }) });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#last.catch(() => {});
    if (this.#reading?.isOpen) this.#reading.close();
    if (this.#writing?.isOpen) this.#writing.close();
  }

  /** By which number a table is known to the function that makes its keys. */
  #placeOf(table: Table): number {
    const known = this.#keyed.findIndex(({ name }) => name === table.name);
    if (known < 0) return this.#keyed.push(table) - 1;
    this.#keyed[known] = table;
    return known;
  }

  /** One after the other: the connection has one transaction. */
  async #alone<T>(task: () => Promise<T>): Promise<T> {
    const mine = this.#last.then(task, task);
    this.#last = mine;
    return await mine;
  }

  #reader(): DatabaseSync | undefined {
    if (this.#reading) return this.#reading;
    const { path, missingIsEmpty, timeoutMs } = this.#options;
    if (!existsSync(path)) {
      if (missingIsEmpty) return undefined;
      throw new SyncError('not-found', `${path} does not exist`, { hint: 'check the path' });
    }
    const database = new DatabaseSync(path, { timeout: timeoutMs });
    database.function('record_key', { varargs: true, useBigIntArguments: true, directOnly: true, deterministic: true }, (at, ...values) => {
      const { name, columns, keyAt } = this.#keyed[Number(at)]!;
      return recordKey(name, (values as readonly (Raw | null)[]).map((raw, i) => (raw === null ? undefined : columns[keyAt[i]!]!.codec.read(raw)))) ?? null;
    });
    return (this.#reading = database);
  }

  #writer(): DatabaseSync {
    return (this.#writing ??= new DatabaseSync(this.#options.path, { timeout: this.#options.timeoutMs }));
  }
}

/** Rows within the transaction of a connection. */
function lockedRows(database: DatabaseSync, table: Table): LockedRows {
  const name = `main.${quoted(table.name)}`;
  const where = table.key.map((column) => `${quoted(column)} = ?`).join(' and ');
  const written = (changes: readonly Change[]): readonly number[] => table.columns.flatMap(({ computed }, i) => (computed || changes[0]!.values[i] === undefined ? [] : [i]));
  return {
    find: async (keys) => findRows(database, table, keys),
    insert: async (changes) => {
      const at = written(changes);
      const insert = database.prepare(`insert into ${name} (${at.map((i) => quoted(table.columns[i]!.name)).join(', ')}) values (${at.map(() => '?').join(', ')})`);
      for (const { values } of changes) insert.run(...at.map((i) => values[i]!));
    },
    update: async (changes) => {
      const at = written(changes).filter((i) => !table.keyAt.includes(i));
      if (at.length === 0) return;
      const update = database.prepare(`update ${name} set ${at.map((i) => `${quoted(table.columns[i]!.name)} = ?`).join(', ')} where ${where}`);
      for (const { values, key } of changes) update.run(...at.map((i) => values[i]!), ...key);
    },
    remove: async (keys) => {
      const remove = database.prepare(`delete from ${name} where ${where}`);
      for (const key of keys) remove.run(...key);
    },
  };
}

function findRows(database: DatabaseSync, table: Table, keys: readonly (readonly Raw[])[]): readonly RawRow[] {
  const select = selecting(database, `select ${table.columns.map(({ name }) => quoted(name)).join(', ')} from main.${quoted(table.name)} where ${table.key.map((column) => `${quoted(column)} = ?`).join(' and ')}`);
  return keys.flatMap((key) => rowsOf(select.all(...key)));
}

/** A statement whose rows are lists of exact values. */
function selecting(database: DatabaseSync, sql: string): StatementSync {
  const statement = database.prepare(sql);
  statement.setReadBigInts(true);
  statement.setReturnArrays(true);
  return statement;
}

function rowsOf(rows: unknown): readonly RawRow[] {
  return (rows as readonly (readonly (Raw | null)[])[]).map((values) => ({ values }));
}

/** SQLITE_CONSTRAINT_FOREIGNKEY. */
const foreignKeyRefused = 787;
/** SQLITE_CONSTRAINT_UNIQUE. */
const valueTaken = 2067;

/** The result code of SQLite in what its driver throws. */
function resultOf(cause: unknown): number | undefined {
  return cause instanceof Error && 'errcode' in cause && typeof cause.errcode === 'number' ? cause.errcode : undefined;
}
