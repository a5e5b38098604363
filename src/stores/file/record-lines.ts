import { basename } from 'node:path';
import type { Document } from '../../model/document.ts';
import { SyncError } from '../../model/errors.ts';
import { joinKey } from '../../model/key.ts';
import type { Key } from '../../model/key.ts';
import { fieldOf, nameOf } from '../../schema/identity.ts';

/** The field of a line that says which record it is, where nothing else does. It is no part of the record. */
const keyField = '_key';

/** A record, and what it is called. */
export interface NamedRecord {
  readonly key: Key;
  readonly document: Document;
}

/**
 * The record that a line without links holds: under the key that it states, or by its `id` in the collection that the file is named
 * after, as in `orders.ndjson`. `undefined` where it says neither.
 */
export function recordIn(line: Document, path: string): NamedRecord | undefined {
  const { [keyField]: stated, ...document } = line;
  if (typeof stated === 'string' && stated !== '' && stated.isWellFormed()) return { key: stated, document };
  const id = stated === undefined ? nameOf(fieldOf(line, 'id')) : undefined;
  return id === undefined || !id.isWellFormed() ? undefined : { key: joinKey([collectionOf(path), id]), document: line };
}

/** The line that holds a record without links, which {@link recordIn} finds under this key. */
export function lineOf({ key, document }: NamedRecord, path: string): Document {
  if (Object.hasOwn(document, keyField)) throw new SyncError('invalid', `${key} has a field ${keyField}, which in ${path} says how a record is called`, { store: path, key, hint: `use a directory, or leave the field out by --drop '*.${keyField}'` });
  return recordIn(document, path)?.key === key ? document : { [keyField]: key, ...document };
}

function collectionOf(path: string): string {
  return basename(path).replace(/\.[^.]*$/, '');
}
