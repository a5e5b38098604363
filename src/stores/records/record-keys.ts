import type { FieldType } from '../../model/collection.ts';
import type { Value } from '../../model/document.ts';
import { joinKey, splitKey, typeOf } from '../../model/key.ts';
import type { Key } from '../../model/key.ts';

/** The key of a record: its collection, then the values of the fields that make up its key. `undefined` where one of them cannot be part of a key. */
export function recordKey(collection: string, values: readonly (Value | undefined)[]): Key | undefined {
  const parts = values.map(partOf);
  return parts.every((part) => part !== undefined) ? joinKey([collection, ...parts]) : undefined;
}

/** Collection and key parts that a key is made of. */
export function partsOfKey(key: Key): { readonly collection: string; readonly parts: readonly string[] } {
  const [collection = '', ...parts] = splitKey(key);
  return { collection, parts };
}

/** The collection that a key is in. */
export function collectionOf(key: Key): string {
  return key.includes('/') ? typeOf(key) : splitKey(key)[0]!;
}

/** The value of a field of a key by the part that stands for it; `undefined` where the part stands for no such value. */
export function valueOfPart(part: string, type: FieldType): Value | undefined {
  switch (type.kind) {
    case 'integer': {
      if (!/^-?(?:0|[1-9]\d*)$/.test(part) || part === '-0') return undefined;
      const value = Number(part);
      return Number.isSafeInteger(value) ? value : BigInt(part);
    }
    case 'float': return part !== '' && String(Number(part)) === part ? Number(part) : undefined;
    case 'boolean': return part === 'true' ? true : part === 'false' ? false : undefined;
    case 'bytes': return /^(?:[0-9a-f]{2})*$/.test(part) ? new Uint8Array(Buffer.from(part, 'hex')) : undefined;
    default: return part;
  }
}

/** The values of any type that a part of a key may stand for. */
export function valuesOfPart(part: string): readonly Value[] {
  const number = valueOfPart(part, { kind: 'integer' }) ?? valueOfPart(part, { kind: 'float', bits: 64 });
  return [part, number, valueOfPart(part, { kind: 'bytes' })].filter((value) => value !== undefined);
}

/** The part of a key that stands for a value; `undefined` where it cannot be part of one. */
export function partOf(value: Value | undefined): string | undefined {
  if (typeof value === 'string') return value;
  if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.length).toString('hex');
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean') return String(value);
  return undefined;
}
