import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';

/** Rows in one statement: each statement costs as much as several rows. */
const atOnce = 50;

/** Puts rows into one table, many with each statement. */
export class Rows {
  readonly #database: DatabaseSync;
  readonly #table: string;
  readonly #columns: number;
  #many: StatementSync | undefined;
  #one: StatementSync | undefined;

  constructor(database: DatabaseSync, table: string, columns: number) {
    this.#database = database;
    this.#table = table;
    this.#columns = columns;
  }

  /** Puts rows in, each in the place of one that has its key. */
  put(rows: readonly (readonly SQLInputValue[])[]): void {
    let at = 0;
    for (; at + atOnce <= rows.length; at += atOnce) (this.#many ??= this.#prepare(atOnce)).run(...rows.slice(at, at + atOnce).flat());
    for (; at < rows.length; at++) (this.#one ??= this.#prepare(1)).run(...rows[at]!);
  }

  #prepare(rows: number): StatementSync {
    const row = `(${Array.from({ length: this.#columns }, () => '?').join(', ')})`;
    return this.#database.prepare(`insert or replace into ${this.#table} values ${Array.from({ length: rows }, () => row).join(', ')}`);
  }
}

/** All of `body` or nothing of it. */
export function inTransaction(database: DatabaseSync, body: () => void): void {
  database.exec('begin immediate');
  try {
    body();
    database.exec('commit');
  } catch (error) {
    database.exec('rollback');
    throw error;
  }
}
