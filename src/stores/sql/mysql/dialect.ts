import type { PoolConnection } from 'mysql2';
import type { Micros } from '../../../model/entry.ts';
import { SyncError } from '../../../model/errors.ts';
import type { Collection } from '../../../model/collection.ts';
import type { TimeUnit } from '../../records/instants.ts';
import type { TableLimits } from '../creatable.ts';
import type { Catalog, Change, Changed, Dialect, ScanRowsOptions } from '../dialect.ts';
import { applyLocked } from '../locked.ts';
import type { Swapping } from '../fresh.ts';
import type { Wanted } from '../granting.ts';
import type { LockedRows } from '../locked.ts';
import type { RangeSql } from '../ranges.ts';
import type { Raw, RawRow, Table } from '../table.ts';
import { catalogOf, quoted } from './catalog.ts';
import type { Marks } from '../../records/changes.ts';
import { marksOf } from './changes.ts';
import { isRefusedRow, mysqlError, numberOf } from './failure.ts';
import { mysqlRangeSql } from './range-sql.ts';
import { pagesOf, rowsOf, Sessions } from './sessions.ts';
import type { Reach, TextRow } from './sessions.ts';
import { Statements } from './statements.ts';
import { MysqlSwapping } from './swapping.ts';
import { declarationOf } from './types.ts';

const pageRows = 1_000;
/** Characters of values in one statement; the server takes a multiple of that. */
const statementCharacters = 1_000_000;

export interface MysqlDialectOptions {
  readonly reach: Reach;
  readonly modified: string | undefined;
  readonly unit: TimeUnit | undefined;
}

/** Tables of a database of MySQL or MariaDB. Rows are locked and looked at before they are written, for no statement could tell which of its rows met their expectation. */
export class MysqlDialect implements Dialect {
  readonly keyBytes = 760;
  readonly inFlight = 4;
  readonly limits: TableLimits = { columns: 1_017, tellsCase: false, flawOfName };
  readonly #options: MysqlDialectOptions;
  readonly #sessions: Sessions;

  constructor(options: MysqlDialectOptions) {
    this.#options = options;
    this.#sessions = new Sessions(options.reach);
  }

  async catalog(): Promise<Catalog> {
    return await this.#sessions.use((connection) => catalogOf((text) => rowsOf(connection, text), this.#sessions.isMaria, this.#options.modified));
  }

  async *scan(tables: readonly Table[], { window, signal }: ScanRowsOptions): AsyncGenerator<{ readonly table: Table; readonly rows: readonly RawRow[] }> {
    const connection = await this.#sessions.take();
    let ended = false;
    try {
      await rowsOf(connection, 'set transaction isolation level repeatable read');
      await rowsOf(connection, 'start transaction with consistent snapshot, read only');
      for (const table of tables) {
        signal?.throwIfAborted();
        for await (const rows of pagesOf(connection, new Statements(table, this.#sessions.escape).scan(window, this.#options.unit), pageRows, signal)) yield { table, rows: rows.map(asRow) };
      }
      await rowsOf(connection, 'commit');
      ended = true;
    } finally {
      // Who stops in the middle leaves rows on the way, and nothing but ending the connection stops those.
      if (ended) connection.release();
      else connection.destroy();
    }
  }

  async find(table: Table, keys: readonly (readonly Raw[])[]): Promise<readonly RawRow[]> {
    return await this.#sessions.use(async (connection) => (await rowsOf(connection, new Statements(table, this.#sessions.escape).find(keys, false))).map(asRow));
  }

  comparesTimes(): boolean {
    return true;
  }

  async apply(table: Table, changes: readonly Change[], signal?: AbortSignal): Promise<readonly Changed[]> {
    const failure = (cause: unknown, doing: string): SyncError => this.failure(cause, doing);
    let lost = 0;
    return await applyLocked({
      table, changes, unit: this.#options.unit, failure,
      severity: (cause) => {
        const number = numberOf(cause);
        // Two transactions waited for each other, or both found nothing and inserted: the next look tells more.
        if (number === 1213 || number === 1205 || (number === 1062 && lost++ < 2)) return 'again';
        return isRefusedRow(cause) ? 'row' : 'all';
      },
      transaction: async (body) => {
        signal?.throwIfAborted();
        return await this.#sessions.use(async (connection) => {
          // What is not there is not locked by looking for it, so that writers who insert do not wait for each other.
          await rowsOf(connection, 'set transaction isolation level read committed');
          await rowsOf(connection, 'start transaction');
          try {
            const answers = await body(lockedRows(connection, new Statements(table, this.#sessions.escape)));
            await rowsOf(connection, 'commit');
            return { answers };
          } catch (cause) {
            if (numberOf(cause) === undefined && !(cause instanceof SyncError)) throw cause;
            await rowsOf(connection, 'rollback');
            return { cause };
          }
        }).then((result) => {
          if ('answers' in result) return result.answers;
          throw result.cause;
        });
      },
    });
  }

  async checkApply(table: Table, changes: readonly Change[]): Promise<void> {
    const statements = new Statements(table, this.#sessions.escape);
    await this.#prepared(changes.map((change) => (change.kind === 'delete' ? statements.remove([change.key]) : statements.insert([change], change.expect?.kind === 'version'))));
  }

  async checkCreate(collections: readonly Collection[]): Promise<void> {
    await this.#prepared(collections.map((collection) => creationOf(collection, this.#sessions.isMaria)));
  }

  async create(collections: readonly Collection[]): Promise<void> {
    await this.#sessions.use(async (connection) => {
      const statements = collections.map((collection) => creationOf(collection, this.#sessions.isMaria));
      const made: string[] = [];
      try {
        for (const [i, statement] of statements.entries()) {
          await rowsOf(connection, statement);
          made.push(quoted(collections[i]!.name));
        }
      } catch (cause) {
        // Each table is made for good at once, and whoever hears that it failed is to find nothing.
        for (const name of made) await rowsOf(connection, `drop table ${name}`);
        throw cause;
      }
    });
  }

  async changes(): Promise<Marks> {
    return await this.#sessions.use(async (connection) => await marksOf((text) => rowsOf(connection, text), this.#sessions.isMaria));
  }

  async ranges(): Promise<RangeSql | undefined> {
    return await mysqlRangeSql(this.#sessions);
  }

  /** How fresh tables take the place of others. */
  get swapping(): Swapping {
    return new MysqlSwapping(this.#sessions);
  }

  failure(cause: unknown, doing: string, wanted?: Wanted): SyncError {
    return mysqlError(cause, doing, { database: this.#options.reach.config.database, wanted });
  }

  async clock(): Promise<Micros> {
    return await this.#sessions.use(async (connection) => Number((await rowsOf(connection, 'select floor(unix_timestamp(sysdate(6)) * 1000000)'))[0]?.[0]));
  }

  async estimates(): Promise<ReadonlyMap<string, number>> {
    const rows = await this.#sessions.use((connection) => rowsOf(connection, 'select table_name, table_rows from information_schema.tables where table_schema = database() and table_rows is not null'));
    return new Map(rows.map(([name, count]) => [String(name), Number(count)]));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#sessions[Symbol.asyncDispose]();
  }

  /** A statement that is only prepared needs the rights that it takes, and does nothing. */
  async #prepared(statements: readonly string[]): Promise<void> {
    await this.#sessions.use(async (connection) => {
      for (const statement of statements) {
        await rowsOf(connection, `prepare syncline from ${this.#sessions.escape(statement)}`);
        await rowsOf(connection, 'deallocate prepare syncline');
      }
    });
  }
}

function creationOf({ name, fields, key }: Collection, isMaria: boolean): string {
  const columns = fields.map((field) => `${quoted(field.name)} ${declarationOf(field.type, isMaria, key.includes(field.name) ? key.length : undefined)} ${field.nullable && !key.includes(field.name) ? 'null' : 'not null'}`);
  return `create table ${quoted(name)} (${[...columns, `primary key (${key.map(quoted).join(', ')})`].join(', ')}) engine = InnoDB default character set utf8mb4`;
}

function lockedRows(connection: PoolConnection, statements: Statements): LockedRows {
  const insert = async (changes: readonly Change[], replacing: boolean): Promise<void> => {
    for (const some of pieces(changes)) await rowsOf(connection, statements.insert(some, replacing));
  };
  return {
    find: async (keys) => (await rowsOf(connection, statements.find(keys, true))).map(asRow),
    insert: async (changes) => insert(changes, false),
    update: async (changes) => insert(changes, true),
    remove: async (keys) => void await rowsOf(connection, statements.remove(keys)),
  };
}

/** Changes in pieces that a server takes in one statement. */
function pieces(changes: readonly Change[]): readonly (readonly Change[])[] {
  const found: Change[][] = [];
  let room = 0;
  for (const change of changes) {
    const size = change.values.reduce<number>((sum, value) => sum + (typeof value === 'string' ? value.length : 8), 0);
    room -= size;
    if (room < 0 || found.length === 0) {
      found.push([]);
      room = statementCharacters - size;
    }
    found.at(-1)!.push(change);
  }
  return found;
}

function asRow(values: TextRow): RawRow {
  return { values };
}

function flawOfName(name: string): string | undefined {
  if ([...name].length > 64) return 'is longer than 64 characters';
  return /[\u{10000}-\u{10FFFF}]/u.test(name) ? 'has a character that no name may have there, such as an emoji' : name.endsWith(' ') ? 'ends in a blank' : undefined;
}
