import { limits } from './limits.ts';

/**
 * The one text of a value: fields sorted, no spaces, numbers in their shortest form, integers of any size in full,
 * bytes tagged as no other value is written. Equal values have equal texts, different ones different; `5` equals `5n`.
 * Throws a `RangeError` beyond {@link limits.documentDepth} levels, a `TypeError` on what is no value.
 */
export function canonicalJson(value: unknown): string {
  // Most documents hold their fields in order already, and then the platform's own writer gives the same text faster.
  return isPlain(value, 0) ? JSON.stringify(value) : write(value, 0);
}

/** Whether `JSON.stringify` writes the canonical text. */
function isPlain(value: unknown, depth: number): boolean {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return true;
    case 'number':
      return Number.isSafeInteger(value) || (Number.isFinite(value) && !Number.isInteger(value));
    case 'object':
      break;
    default:
      return false;
  }
  if (value === null) return true;
  if (depth >= limits.documentDepth) return false;
  if (Array.isArray(value)) {
    for (const item of value) if (!isPlain(item, depth + 1)) return false;
    return true;
  }
  if (value instanceof Uint8Array) return false;
  let before = '';
  for (const name of Object.keys(value)) {
    if (name < before || !isPlain((value as Fields)[name], depth + 1)) return false;
    before = name;
  }
  return true;
}

type Fields = { readonly [field: string]: unknown };

function write(value: unknown, depth: number): string {
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value);
    case 'number':
      return numberText(value);
    case 'bigint':
      return String(value);
    case 'boolean':
      return value ? 'true' : 'false';
    case 'object':
      break;
    default:
      throw new TypeError(`no document: it holds something of the type ${typeof value}`);
  }
  if (value === null) return 'null';
  if (value instanceof Uint8Array) return `!"${Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64')}"`;
  if (depth >= limits.documentDepth) throw new RangeError(`nested more than ${limits.documentDepth} levels deep`);
  let text = '';
  if (Array.isArray(value)) {
    for (const item of value) text += `${text === '' ? '[' : ','}${write(item, depth + 1)}`;
    return text === '' ? '[]' : `${text}]`;
  }
  for (const name of inOrder(Object.keys(value))) {
    text += text === '' ? '{' : ',';
    text += JSON.stringify(name);
    text += ':';
    text += write((value as Fields)[name], depth + 1);
  }
  return text === '' ? '{}' : `${text}}`;
}

function inOrder(names: string[]): readonly string[] {
  for (let i = 1; i < names.length; i++) if (names[i]! < names[i - 1]!) return names.sort();
  return names;
}

/** A double that is an integer is written as that integer, so that it equals a `bigint` of the same size. */
function numberText(value: number): string {
  if (Number.isSafeInteger(value)) return value === 0 ? '0' : String(value);
  if (!Number.isFinite(value)) return `!${value}`;
  return Number.isInteger(value) ? String(BigInt(value)) : String(value);
}
