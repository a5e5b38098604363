import type { Document, Value } from '../../model/document.ts';
import { isDocument } from '../../model/document.ts';
import type { Digest, Entry, Micros } from '../../model/entry.ts';
import { SyncError } from '../../model/errors.ts';
import type { Key } from '../../model/key.ts';
import { digestDocument } from '../../schema/digest.ts';
import { modifiedOf, unitMicros, whyNoInstant } from '../records/instants.ts';
import type { TimeUnit } from '../records/instants.ts';
import { partOf, partsOfKey, recordKey, valueOfPart, valuesOfPart } from '../records/record-keys.ts';
import { valueOfInstant } from './clock-codecs.ts';
import { shown } from './codecs.ts';
import { Misfit } from './table.ts';
import type { Column, Raw, RawRow, Table } from './table.ts';

/** A document as a row holds it. */
export interface Fitted {
  readonly key: readonly Raw[];
  readonly values: readonly (Raw | null | undefined)[];
  /** What is read back. */
  readonly document: Document;
  readonly modifiedAt: Micros | undefined;
}

/** Digests of documents that came out of one table and may go into another as they are. A document never changes. */
const digests = new WeakMap<Document, Digest>();

/** The digest of a document of a row, which is taken once. */
export function digestOf(document: Document): Digest {
  const known = digests.get(document);
  if (known) return known;
  const digest = digestDocument(document);
  digests.set(document, digest);
  return digest;
}

/** The entry that a row is. Throws `invalid` where no document can hold it, or it has no key. */
export function entryOf(table: Table, { values, version }: RawRow, unit: TimeUnit | undefined): Entry {
  const read = table.columns.map((column, i): Value | undefined => {
    const raw = values[i];
    return raw === null || raw === undefined ? undefined : readColumn(table, column, raw);
  });
  const key = recordKey(table.name, table.keyAt.map((at) => read[at]));
  if (key === undefined) throw new SyncError('invalid', `a row of ${table.name} has no value in its key (${table.key.join(', ')})`, { hint: 'give it one' });
  const document = documentOf(table, read);
  const modifiedAt = table.modifiedAt < 0 ? undefined : modifiedOf(read[table.modifiedAt], unit);
  const untimed = modifiedAt === undefined && table.modifiedAt >= 0 ? whyNoInstant(read[table.modifiedAt], table.columns[table.modifiedAt]!.name, unit) : undefined;
  const digest = digestOf(document);
  return { key, version: version ?? digest.value, digest, ...(modifiedAt !== undefined && { modifiedAt }), ...(untimed && { untimed }), content: { kind: 'document', document } };
}

/** The key of a row whose other columns may hold anything; `undefined` where it has none that can be read. */
export function keyOfRow(table: Table, { values }: RawRow): Key | undefined {
  try {
    return recordKey(table.name, table.keyAt.map((at) => {
      const raw = values[at];
      return raw === null || raw === undefined ? undefined : readColumn(table, table.columns[at]!, raw);
    }));
  } catch {
    return undefined;
  }
}

function documentOf({ columns, sorted }: Table, values: readonly (Value | undefined)[]): Document {
  const document: { [field: string]: Value } = {};
  for (const i of sorted) {
    const value = values[i];
    if (value === undefined) continue;
    const { name } = columns[i]!;
    if (name === '__proto__') Object.defineProperty(document, name, { value, enumerable: true, configurable: true, writable: true });
    else document[name] = value;
  }
  return document;
}

function readColumn(table: Table, { name, codec }: Column, raw: Raw): Value {
  try {
    return codec.read(raw);
  } catch (cause) {
    if (!(cause instanceof Misfit)) throw cause;
    throw new SyncError('invalid', `${table.name}.${name} ${cause.message}`, { cause, hint: 'change it there' });
  }
}

/** A document as a row of a table. Throws `invalid` where it does not fit, with column and value. */
export function fit(table: Table, { key, content, modifiedAt: time }: Entry, unit: TimeUnit | undefined): Fitted {
  const refuse = (why: string, hint: string, cause?: unknown): SyncError => new SyncError('invalid', `${key}: ${why}`, { key, hint, ...(cause !== undefined && { cause }) });
  if (content?.kind !== 'document' || !isDocument(content.document)) throw new SyncError('unsupported', `${key} is no document, and ${table.name} holds nothing else`, { key });
  const given = content.document;
  const extras = Object.keys(given).filter((name) => !table.places.has(name));
  // A column that is not there is as good as one that is null.
  const extra = extras.find((name) => given[name] !== null);
  if (extra !== undefined) throw refuse(`${table.name} has no column ${JSON.stringify(extra)}`, 'add the column, or leave the field out');
  const made = table.keyAt.find((at) => table.columns[at]!.computed);
  if (made !== undefined) throw refuse(`${table.name}.${table.columns[made]!.name} is part of the key and is computed by the database, so that nobody can say which row is written`, 'give the table a key of columns that are not computed, or leave it out with collections=');
  let fromKey: readonly Value[] | undefined;
  let asGiven = extras.length === 0;
  const held: (Value | undefined)[] = [];
  const values = table.columns.map((column, i): Raw | null | undefined => {
    const keyPart = table.keyAt.indexOf(i);
    const own = Object.hasOwn(given, column.name) ? given[column.name] : undefined;
    const value = own !== undefined ? own : keyPart < 0 ? filling(table, i, time, unit) : (fromKey ??= keyValues(table, key))?.[keyPart];
    held.push(undefined);
    if (own === null || column.computed) asGiven = false;
    if (column.computed) return undefined;
    if (value === undefined || (value === null && !column.codec.holdsNull)) {
      if (column.nullable) return null;
      if (column.filled && value === undefined) return undefined;
      throw refuse(`${table.name}.${column.name} must have a value`, 'give it one');
    }
    try {
      const raw = i === table.modifiedAt ? writeTime(column, value, unit) : column.codec.write(value);
      held[i] = raw === value || column.codec.exact ? value : column.codec.read(raw);
      if (held[i] !== own) asGiven = false;
      return raw;
    } catch (cause) {
      if (cause instanceof Misfit) throw refuse(`${table.name}.${column.name} ${cause.message}, and not ${shown(value)}`, `change the value, or the type of the column (${column.native})`, cause);
      throw cause;
    }
  });
  const own = recordKey(table.name, table.keyAt.map((at) => held[at]));
  if (own !== key) throw refuse(`it holds the key ${own ?? 'of no row'}`, 'give the fields of the key the values that are in it');
  const modifiedAt = table.modifiedAt < 0 ? undefined : modifiedOf(held[table.modifiedAt], unit);
  return { key: table.keyAt.map((at) => values[at]!), values, document: asGiven ? given : documentOf(table, held), modifiedAt };
}

/** The time in the document as its column has it, with or without a zone and as a date instead of a UUID, for all of them are the same instant. */
function writeTime({ codec }: Column, value: Value, unit: TimeUnit | undefined): Raw {
  try {
    return codec.write(value);
  } catch (cause) {
    const micros = cause instanceof Misfit && typeof value === 'string' ? modifiedOf(value, unit) : undefined;
    const other = micros === undefined ? undefined : valueOfInstant(micros, codec.type);
    if (other === undefined || other === value) throw cause;
    return codec.write(other);
  }
}

/** The time of an entry, for a column that the document does not fill. */
function filling(table: Table, at: number, time: Micros | undefined, unit: TimeUnit | undefined): Value | undefined {
  if (at !== table.modifiedAt || time === undefined) return undefined;
  const { type } = table.columns[at]!;
  if (type.kind !== 'integer' && type.kind !== 'float') return valueOfInstant(time, type);
  if (unit === undefined) return undefined;
  const value = time / unitMicros[unit];
  return type.kind === 'integer' ? Math.floor(value) : value;
}

/** The values of the key of a table that a key stands for; `undefined` where it stands for none. */
function keyValues(table: Table, key: Key): readonly Value[] | undefined {
  const { collection, parts } = partsOfKey(key);
  if (collection !== table.name || parts.length !== table.keyAt.length) return undefined;
  const values = parts.map((part, i) => partValue(part, table.columns[table.keyAt[i]!]!));
  return values.every((value) => value !== undefined) ? values : undefined;
}

function partValue(part: string, { type }: Column): Value | undefined {
  // Where any type goes, as in SQLite, a part that cannot be a number is text.
  return valueOfPart(part, type.kind === 'other' && /^-?[1-9]\d{0,17}$|^0$/.test(part) && type.name === 'any' ? { kind: 'integer' } : type);
}

/** The most rows that are looked for under one key. */
const mostSpellings = 16;

/**
 * The keys of a table, as its driver takes them, that a key may stand for: several where a column holds values of any type, which are written
 * in the same way; none where no row can have it.
 */
export function rawKeys(table: Table, key: Key): readonly (readonly Raw[])[] {
  const { collection, parts } = partsOfKey(key);
  if (collection !== table.name || parts.length !== table.keyAt.length) return [];
  let spellings: readonly (readonly Raw[])[] = [[]];
  for (const [i, part] of parts.entries()) {
    const raws = rawParts(part, table.columns[table.keyAt[i]!]!);
    spellings = spellings.flatMap((before) => raws.map((raw) => [...before, raw])).slice(0, mostSpellings);
  }
  return spellings;
}

/** What a column may hold where a key has this part, what is of its type first. */
function rawParts(part: string, column: Column): readonly Raw[] {
  const { codec } = column;
  const typed = partValue(part, column);
  const found = new Map<string, Raw>();
  let numeric = false;
  for (const value of [...(typed === undefined ? [] : [typed]), ...(codec.mixed ? valuesOfPart(part) : [])]) {
    // Where there may be a number, its digits are no bytes: next to nobody keeps both in one column.
    if (numeric && value !== typed && value instanceof Uint8Array) continue;
    try {
      const raw = codec.write(value);
      numeric ||= typeof value === 'number' || typeof value === 'bigint';
      if (!codec.mixed || partOf(codec.read(raw)) === part) found.set(`${typeof raw} ${String(raw)}`, raw);
    } catch (cause) {
      if (!(cause instanceof Misfit)) throw cause;
    }
  }
  return [...found.values()];
}
