import { readJson } from '../../formats/json.ts';
import type { Document, Value } from '../../model/document.ts';
import type { Content, Entry, Micros, Stat } from '../../model/entry.ts';
import { SyncError } from '../../model/errors.ts';
import { joinKey } from '../../model/key.ts';
import type { Key } from '../../model/key.ts';
import { LateDocument } from '../../model/late-document.ts';
import type { LateReading } from '../../model/late-document.ts';
import { digestDocument, digestText } from '../../schema/digest.ts';
import { modifiedOf, whyNoInstant } from '../records/instants.ts';
import { partsOfKey, recordKey, valueOfPart } from '../records/record-keys.ts';
import { Unfit } from './codec.ts';
import { fieldTypeOf } from './cql-type.ts';
import type { RowTexts } from './row-text.ts';
import type { Row } from './session.ts';
import type { Column, Table } from './tables.ts';
import { timeValue } from './times.ts';

/** An entry that holds a document. */
export type RecordEntry = Entry & { readonly content: Content & { readonly kind: 'document' } };

/** A document as a row takes it. */
export interface Record {
  readonly key: Key;
  /** The values of the columns of the key, in order. */
  readonly keyBytes: readonly Buffer[];
  /** The value of the column that tells versions apart, where each is a row. */
  readonly versionBytes: Buffer | undefined;
  /** The values of the other columns, in order. */
  readonly restBytes: readonly (Buffer | null)[];
  /** What will be read back. */
  readonly entry: RecordEntry;
}

/** The entry of a row; `undefined` where what is left of a partition is its static columns. Throws where a value has no counterpart. */
export function entryOfRow(table: Table, row: Row): RecordEntry | undefined {
  const document: { [field: string]: Value } = {};
  for (const { name, codec } of table.columns) {
    const raw = row[name];
    if (raw === null || raw === undefined) continue;
    try {
      const value = codec.decode(raw);
      // Of all names, this one is no ordinary field unless it is said to be.
      if (name === '__proto__') Object.defineProperty(document, name, { value, enumerable: true, configurable: true, writable: true });
      else document[name] = value;
    } catch (cause) {
      throw new SyncError('unsupported', `${placeOf(table, row)}: ${name} ${cause instanceof Unfit ? cause.message : 'cannot be read'}`, { cause, hint: 'change the value, or leave the table out' });
    }
  }
  return entryOf(table, document);
}

/** The entry of a row whose document is written already, of a table that tells no times. */
export function entryOfText({ name }: Table, { text, parts }: RowTexts, reading: LateReading): RecordEntry {
  const content = new LateDocument(text, reading, { canonical: true, made: true });
  const digest = digestText(text);
  return { key: joinKey([name, ...parts]), version: digest.value, digest, content };
}

/** How documents are read back from such text. */
export function readingOf(place: string): LateReading {
  return { read: (text) => readJson(text, place) as Document, digest: digestDocument, digestText };
}

function entryOf(table: Table, document: Document): RecordEntry | undefined {
  const key = recordKey(table.name, table.key.map(({ name }) => own(document, name)));
  if (key === undefined || (table.versioned && own(document, table.modified!.name) === undefined)) return undefined;
  const digest = digestDocument(document);
  const modifiedAt = table.modified && modifiedOf(own(document, table.modified.name), table.modifiedUnit);
  const untimed = table.modified && modifiedAt === undefined ? whyNoInstant(own(document, table.modified.name), table.modified.name, table.modifiedUnit) : undefined;
  return { key, version: digest.value, digest, ...(modifiedAt !== undefined && { modifiedAt }), ...(untimed && { untimed }), content: { kind: 'document', document } };
}

/** What is known of a record without its content. */
export function statOfRecord({ version, digest, modifiedAt }: RecordEntry): Stat {
  return { ...(version !== undefined && { version }), ...(digest && { digest }), ...(modifiedAt !== undefined && { modifiedAt }) };
}

/** The row as it may be named, by what its key columns hold. */
export function placeOf(table: Table, row: Row): string {
  return [table.name, ...table.key.map(({ name }) => String(row[name]))].join('/');
}

/** The key of a row whose other columns may hold anything; `undefined` where it cannot be read. */
export function keyOfRow(table: Table, row: Row): Key | undefined {
  try {
    return recordKey(table.name, table.key.map(({ name, codec }) => codec.decode(row[name] as Buffer)));
  } catch {
    return undefined;
  }
}

/** The values of the columns of a key; `undefined` where no row of the table can have that key. */
export function keyBytesOf(table: Table, key: Key): readonly Buffer[] | undefined {
  const values = keyValues(table, key);
  try {
    return values && keyOfValues(table, values) === key ? encodedKey(table, values) : undefined;
  } catch (cause) {
    if (cause instanceof Unfit) return undefined;
    throw cause;
  }
}

function keyValues(table: Table, key: Key): readonly Value[] | undefined {
  const { parts } = partsOfKey(key);
  const values = parts.length === table.key.length ? parts.map((part, i) => valueOfPart(part, fieldTypeOf(table.key[i]!.type))) : [undefined];
  return values.every((value) => value !== undefined) ? values : undefined;
}

/** The key under which a row with these values will be found. */
function keyOfValues(table: Table, values: readonly Value[]): Key | undefined {
  return recordKey(table.name, values.map((value, i) => table.key[i]!.codec.held(value)));
}

const longestPart = 65_535;

function encodedKey(table: Table, values: readonly Value[]): readonly Buffer[] {
  return values.map((value, i) => {
    const bytes = table.key[i]!.codec.encode(value);
    if (bytes.length > longestPart) throw new Unfit(`is longer than the ${longestPart} bytes that a part of a key can have`);
    if (bytes.length === 0 && table.partition.length === 1 && table.key[i]!.kind === 'partition_key') throw new Unfit('is empty, which the key of a partition cannot be');
    return bytes;
  });
}

/** An entry as a row takes it. Throws `invalid`, with the column and the value named, where the table cannot hold it. */
export function recordOf(table: Table, entry: Entry, store: string): Record {
  const { key, content, modifiedAt } = entry;
  const invalid = (message: string, hint: string, cause?: unknown): SyncError => new SyncError('invalid', `${key} ${message}`, { key, store, hint, cause });
  if (content?.kind !== 'document') throw invalid(`is not a document, and ${store} holds nothing else`, 'give it fields');
  if (table.counts) throw new SyncError('unsupported', `${key} cannot be written: ${table.name} holds counters, which take no values`, { key, store, hint: 'leave the table out' });
  const values = keyValues(table, key);
  const fail = (column: Column, value: Value | undefined, cause: unknown): SyncError => {
    if (!(cause instanceof Unfit)) throw cause;
    return invalid(`cannot be written: ${column.name} ${shown(value)} ${cause.message}`, `change the value, or the type of the column (${typeText(column)})`, cause);
  };
  if (!values) throw invalid(`is no key of ${table.name}, whose key is ${table.key.map(({ name }) => name).join(', ')}`, 'give it one part for each');
  const document = completed(table, content.document, values, modifiedAt, fail);
  for (const [name, value] of Object.entries(document)) {
    // A column that is not there is as good as one that is null.
    if (value !== null && !table.columns.some((column) => column.name === name)) throw invalid(`cannot be written: ${table.name} has no column ${name}`, 'add the column, or leave the field out');
  }
  const [held, bytes] = [new Map<string, Value>(), new Map<string, Buffer>()];
  for (const column of table.columns) {
    const value = own(document, column.name);
    // JSON has a word for null, which tells it from what is absent.
    if (value === undefined || (value === null && !column.json)) continue;
    try {
      bytes.set(column.name, column.codec.encode(value));
      held.set(column.name, column.codec.held(value));
    } catch (cause) {
      throw fail(column, value, cause);
    }
  }
  const found = entryOf(table, Object.fromEntries(held));
  if (table.versioned && !bytes.has(table.modified!.name)) throw invalid(`cannot be written: it has no time in ${table.modified!.name}`, 'give it one');
  if (found?.key !== key) throw invalid(`is not the key of the document under it, which is ${found?.key ?? 'none'}`, 'give the fields of the key the values that are in it');
  let keyBytes: readonly Buffer[];
  try {
    keyBytes = encodedKey(table, values);
  } catch (cause) {
    throw fail(table.key[0]!, values[0], cause);
  }
  return { key, keyBytes, versionBytes: table.versioned ? bytes.get(table.modified!.name) : undefined, restBytes: table.rest.map(({ name }) => bytes.get(name) ?? null), entry: found };
}

/** The document with what its key and its entry say in place of what it lacks. */
function completed(table: Table, document: Document, key: readonly Value[], modifiedAt: Micros | undefined, fail: (column: Column, value: Value | undefined, cause: unknown) => SyncError): Document {
  const missing = table.key.flatMap(({ name }, i): [string, Value][] => own(document, name) === undefined ? [[name, key[i]!]] : []);
  const { modified, modifiedUnit } = table;
  if (!modified || table.key.includes(modified)) return missing.length === 0 ? document : Object.fromEntries([...Object.entries(document), ...missing]);
  const given = own(document, modified.name);
  try {
    const time = timeValue(modified, modifiedUnit, given, modifiedAt);
    if (time === given && missing.length === 0) return document;
    return Object.fromEntries([...Object.entries(document), ...missing, ...(time === undefined ? [] : [[modified.name, time] as const])]);
  } catch (cause) {
    throw fail(modified, given, cause);
  }
}

function own(document: Document, name: string): Value | undefined {
  return Object.hasOwn(document, name) ? document[name] : undefined;
}

function typeText({ type }: Column): string {
  return type.kind === 'native' || type.kind === 'user' ? type.name : type.kind;
}

/** A value for people: long ones are cut short. */
function shown(value: Value | undefined): string {
  if (value instanceof Uint8Array) return `(${value.length} bytes)`;
  const text = JSON.stringify(value, (_, part: unknown) => typeof part === 'bigint' ? String(part) : part) ?? '';
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}
