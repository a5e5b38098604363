import type { Column, Table } from './tables.ts';

/** The texts of the statements on one table. Values go where the question marks are, in the order that is said. */
export interface Statements {
  /** A row by its key; where every version is a row, the newest. Values: the key. */
  readonly read: string;
  /** Values: the key, the version where there is one, the rest. */
  readonly insert: string;
  /** The same, where there is no such row. */
  readonly insertAbsent: string;
  /** The same, with a write timestamp in microseconds as the last value. */
  readonly insertAt: string;
  /** Values: the rest, the key. */
  readonly updateExisting: string;
  /** All that is not the key, where all of it is as it was. Values: the rest, the key, the rest as it was. */
  readonly updateSame: string;
  /** The same where the time is less. Values: the rest, the key, the bound. */
  readonly updateBefore: string;
  /** The same where the time is what it was. Values: the rest, the key, the time. */
  readonly updateSameTime: string;
  /** Values: the key. */
  readonly deleteExisting: string;
  /** All versions up to one, where each is a row. Values: the key, the version. */
  readonly deleteUpTo: string;
  /** Values: the key, the rest as it was. */
  readonly deleteSame: string;
  /** Values: the key, the bound. */
  readonly deleteBefore: string;
  /** Values: the key, the time. */
  readonly deleteSameTime: string;
  /** Values: a write timestamp in microseconds, the key. */
  readonly deleteAt: string;
}

/** How an update of a row that is left with nothing but its key has to be written: else the row would vanish. Values: those of the update, behind the key. */
export function keepingRow(table: Table, update: string): string {
  return `BEGIN BATCH INSERT INTO ${table.cql} (${list(table.key)}) VALUES (${marks(table.key)}); ${update}; APPLY BATCH`;
}

/** The statements on a table. */
export function statementsOf(table: Table): Statements {
  const { cql, key, rest, modified, versioned } = table;
  const all = [...key, ...(versioned ? [modified!] : []), ...rest];
  const where = key.map((column) => `${column.cql} = ?`).join(' AND ');
  const insert = `INSERT INTO ${cql} (${list(all)}) VALUES (${marks(all)})`;
  const update = `UPDATE ${cql} SET ${rest.map((column) => `${column.cql} = ?`).join(', ')} WHERE ${where}`;
  const remove = `DELETE FROM ${cql} WHERE ${where}`;
  const same = rest.map((column) => `${column.cql} = ?`).join(' AND ');
  const time = modified?.cql ?? '';
  return {
    read: `SELECT ${list(table.columns)} FROM ${cql} WHERE ${where}${versioned ? ` ORDER BY ${time} DESC LIMIT 1` : ''}`,
    insert,
    insertAbsent: `${insert} IF NOT EXISTS`,
    insertAt: `${insert} USING TIMESTAMP ?`,
    updateExisting: `${update} IF EXISTS`,
    updateSame: `${update} IF ${same}`,
    updateBefore: `${update} IF ${time} < ?`,
    updateSameTime: `${update} IF ${time} = ?`,
    deleteExisting: `${remove} IF EXISTS`,
    deleteUpTo: `${remove} AND ${time} <= ?`,
    deleteSame: `${remove} IF ${same}`,
    deleteBefore: `${remove} IF ${time} < ?`,
    deleteSameTime: `${remove} IF ${time} = ?`,
    deleteAt: `DELETE FROM ${cql} USING TIMESTAMP ? WHERE ${where}`,
  };
}

/** A reading of part of the ring, narrowed further by conditions. Values: the tokens after which and up to which, those of the conditions. */
export function rangeQuery(table: Table, { tokens, conditions, filtering }: { readonly tokens: boolean; readonly conditions: readonly string[]; readonly filtering: boolean }): string {
  const token = `token(${list(table.partition)})`;
  const where = [...(tokens ? [`${token} > ?`, `${token} <= ?`] : []), ...conditions];
  // Of each partition only the first row is wanted where that is the newest of its only record.
  const firstOnly = table.versioned && table.clustering.length === 1 && table.modified!.order === 'desc';
  return `SELECT ${list(table.columns)} FROM ${table.cql}${where.length === 0 ? '' : ` WHERE ${where.join(' AND ')}`}${firstOnly ? ' PER PARTITION LIMIT 1' : ''}${filtering ? ' ALLOW FILTERING' : ''}`;
}

function list(columns: readonly Column[]): string {
  return columns.map(({ cql }) => cql).join(', ');
}

function marks(columns: readonly Column[]): string {
  return columns.map(() => '?').join(', ');
}
