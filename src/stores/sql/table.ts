import type { Collection, Field, FieldType } from '../../model/collection.ts';
import type { Value } from '../../model/document.ts';

/** A value as a driver gives it and takes it. */
export type Raw = string | number | bigint | Uint8Array;

/** How the values of a column become values of documents, and back. */
export interface Codec {
  readonly type: FieldType;
  /** Whether `null` is a value of its own, beside that there is none. */
  readonly holdsNull?: true;
  /** Whether the database may write the same value in another way than it was sent. */
  readonly loose?: true;
  /** Whether what was written is surely read back as it was, so that nobody need look. */
  readonly exact?: true;
  /** Whether the column may hold values of other types as well, as those of SQLite do. */
  readonly mixed?: true;
  /** Throws a {@link Misfit} for what no document can hold. */
  read(raw: Raw): Value;
  /** What to send so that the same value is read back. Throws a {@link Misfit} where there is no such thing. */
  write(value: Value): Raw;
}

/** A column of a table. */
export interface Column extends Field {
  /** What the database calls its type, in full. */
  readonly native: string;
  /** That with the sizes it was given, where the database tells. */
  readonly declared?: string;
  readonly codec: Codec;
  /** The database computes it: it is read and never written. */
  readonly computed: boolean;
  /** The database has a value for it where a new row brings none. */
  readonly filled: boolean;
}

/** A table whose rows can be told apart. */
export interface Table extends Collection {
  readonly columns: readonly Column[];
  /** Where the columns of the key are among {@link columns}, in the order of the key. */
  readonly keyAt: readonly number[];
  /** Where the column that says when a row was modified is among {@link columns}; -1 where there is none. */
  readonly modifiedAt: number;
  /** The statement that makes an index on that column, where a range of times is looked for without one. */
  readonly toIndex?: string;
  /** Whether its rows are kept in tables of their own, which are known by this one alone. */
  readonly partitioned: boolean;
  /** Whether a row is, once written, just what was sent. */
  readonly faithful: boolean;
  /** Where each column is, by its name. */
  readonly places: ReadonlyMap<string, number>;
  /** The columns by name, so that documents come with their fields in order, as they are digested fastest. */
  readonly sorted: readonly number[];
}

/** A row as a driver gives it: values in the order of the columns, `null` for NULL. */
export interface RawRow {
  readonly values: readonly (Raw | null)[];
  /** Changes with each write of the row, where the database counts something that does. */
  readonly version?: string;
}

/** Why a value does not fit, as the end of a sentence that begins with the column. */
export class Misfit extends Error {}

/** A table of these columns. */
export function tableOf({ name, columns, key, modified, toIndex, partitioned = false, triggers = false }: {
  readonly name: string;
  readonly columns: readonly Column[];
  readonly key: readonly string[];
  readonly modified: string | undefined;
  readonly toIndex?: string | undefined;
  readonly partitioned?: boolean;
  /** Whether the database may change what is written. */
  readonly triggers?: boolean;
}): Table {
  const at = (wanted: string): number => columns.findIndex((column) => column.name === wanted);
  const fields = columns.map(({ name: field, type, nullable }) => ({ name: field, type, nullable }));
  const sorted = columns.map((_, i) => i).sort((a, b) => (columns[a]!.name < columns[b]!.name ? -1 : 1));
  const places = new Map(columns.map((column, i) => [column.name, i]));
  return { name, fields, key, columns, places, sorted, keyAt: key.map(at), modifiedAt: modified === undefined ? -1 : at(modified), ...(toIndex !== undefined && { toIndex }), partitioned, faithful: !triggers && columns.every(({ computed, codec }) => !computed && !codec.loose) };
}

/** A column that is read and written by a codec. */
export function columnOf({ name, native, declared, nullable, codec, computed = false, filled = false }: Omit<Column, 'type' | 'computed' | 'filled'> & Partial<Pick<Column, 'computed' | 'filled'>>): Column {
  return { name, native, ...(declared !== undefined && { declared }), nullable, codec, type: codec.type, computed, filled };
}

/** Why the rows of a table cannot be told apart. */
export const withoutKey = 'has neither a primary key nor a unique index of columns that are never NULL';

/** Why the server cannot put keys of these columns in order as they are written in keys; `undefined` where it can. */
export function disorderOf(columns: readonly Column[], key: readonly string[]): string | undefined {
  const odd = columns.find(({ name, type: { kind } }) => key.includes(name) && (kind === 'float' || kind === 'json' || kind === 'list' || kind === 'set' || kind === 'record'));
  return odd && `has ${odd.name} in its key, and values of the type ${odd.native} cannot be put in order there`;
}

/** That rows of one table refer to rows of another. */
export interface Reference {
  readonly from: string;
  readonly to: string;
}

/** The tables that each table refers to, itself left out. */
export function referencesAmong(references: readonly Reference[]): ReadonlyMap<string, readonly string[]> {
  const others = references.filter(({ from, to }) => from !== to);
  return new Map([...Map.groupBy(others, ({ from }) => from)].map(([from, all]) => [from, [...new Set(all.map(({ to }) => to))]]));
}
