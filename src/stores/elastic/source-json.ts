import { limits } from '../../lib/limits.ts';
import { isDocument } from '../../model/document.ts';
import type { Document, Value } from '../../model/document.ts';
import { SyncError } from '../../model/errors.ts';
import type { ByteFields } from './mapping.ts';

/**
 * One line of JSON for a document, its fields in their order: integers of any size in full, and the bytes of fields
 * that are known to hold them as base64. Refuses, as `invalid` and by the name of the field, what JSON has no words for.
 */
export function sourceText(document: Document, bytes: ByteFields | undefined): string {
  return isPlain(document, 0) ? JSON.stringify(document) : written(document, bytes ?? {}, '', 0);
}

/** Whether the platform writes it without a loss. */
function isPlain(value: Value, depth: number): boolean {
  switch (typeof value) {
    case 'string': return value.isWellFormed();
    case 'boolean': return true;
    case 'number': return Number.isSafeInteger(value) ? !Object.is(value, -0) : Number.isFinite(value) && !Number.isInteger(value);
    case 'object': break;
    default: return false;
  }
  if (value === null) return true;
  if (depth >= limits.documentDepth || value instanceof Uint8Array) return false;
  if (Array.isArray(value)) {
    for (const item of value as readonly Value[]) if (!isPlain(item, depth + 1)) return false;
    return true;
  }
  for (const name of Object.keys(value)) if (!name.isWellFormed() || !isPlain((value as Document)[name]!, depth + 1)) return false;
  return true;
}

function written(value: Value, bytes: ByteFields | true, path: string, depth: number): string {
  if (typeof value === 'string') {
    if (!value.isWellFormed()) throw unwritable(path, 'text that is not well-formed Unicode');
    return JSON.stringify(value);
  }
  if (typeof value === 'number') return numberText(value, path);
  if (typeof value !== 'object' || value === null) return String(value);
  if (value instanceof Uint8Array) {
    if (bytes !== true) throw unwritable(path, 'bytes, and the index has no field of the type binary there');
    return `"${Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64')}"`;
  }
  if (depth >= limits.documentDepth) throw unwritable(path, `more than ${limits.documentDepth} levels`);
  if (Array.isArray(value)) return `[${(value as readonly Value[]).map((item) => written(item, bytes, path, depth + 1)).join(',')}]`;
  let text = '';
  for (const name of Object.keys(value)) {
    if (!name.isWellFormed()) throw unwritable(path, 'a field whose name is not well-formed Unicode');
    const within = bytes !== true && Object.hasOwn(bytes, name) ? bytes[name]! : noBytes;
    text += text === '' ? '{' : ',';
    text += JSON.stringify(name);
    text += ':';
    text += written((value as Document)[name]!, within, path === '' ? name : `${path}.${name}`, depth + 1);
  }
  return text === '' ? '{}' : `${text}}`;
}

const noBytes: ByteFields = {};

function numberText(value: number, path: string): string {
  if (!Number.isFinite(value)) throw unwritable(path, `the number ${value}`);
  if (Object.is(value, -0)) return '-0.0';
  // In full, a double beyond 2^53 would end in digits it does not have, and be read back as another integer.
  return Number.isInteger(value) && !Number.isSafeInteger(value) ? value.toExponential() : String(value);
}

function unwritable(path: string, what: string): SyncError {
  return new SyncError('invalid', `${path === '' ? 'the document' : `the field ${JSON.stringify(path)}`} holds ${what}`, { hint: 'change the value, or leave the field out' });
}

/** A document as it was read, with bytes in the fields that hold them. Text there that is no base64 stays text. */
export function withBytes(document: Document, bytes: ByteFields | undefined): Document {
  return bytes === undefined ? document : decoded(document, bytes) as Document;
}

function decoded(value: Value, bytes: ByteFields | true): Value {
  if (Array.isArray(value)) return (value as readonly Value[]).map((item) => decoded(item, bytes));
  if (bytes === true) return typeof value === 'string' ? bytesOf(value) ?? value : value;
  if (!isDocument(value)) return value;
  const changed = Object.entries(value).map(([name, field]) => [name, Object.hasOwn(bytes, name) ? decoded(field, bytes[name]!) : field] as const);
  return Object.fromEntries(changed);
}

function bytesOf(text: string): Uint8Array | undefined {
  const bare = text.replace(/[\r\n]+/g, '').replace(/=+$/, '');
  const found = Buffer.from(bare, 'base64');
  // The platform skips what it does not understand; whatever does not come back was no base64.
  return found.toString('base64').replace(/=+$/, '') === bare ? new Uint8Array(found) : undefined;
}
