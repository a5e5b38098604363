/**
 * What a document is made of: JSON, plus integers of any size and bytes. Instants and decimals are text.
 * A `number` is an IEEE double; an integer beyond 2^53 is a `bigint`.
 */
export type Value = null | boolean | number | string | bigint | Uint8Array | readonly Value[] | Document;

/** Fields by name. Every name is an ordinary field, `__proto__` included: only own properties count. */
export interface Document {
  readonly [field: string]: Value;
}

/** Whether a value is a set of fields, and not a list, bytes or a scalar. */
export function isDocument(value: Value | undefined): value is Document {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array);
}

/** A rough count of the bytes a value takes in memory: only the order of magnitude matters. */
export function sizeOfValue(value: Value): number {
  if (typeof value === 'string') return 24 + value.length;
  if (typeof value !== 'object' || value === null) return 16;
  if (value instanceof Uint8Array) return 64 + value.length;
  let size = 48;
  if (Array.isArray(value)) for (const item of value as readonly Value[]) size += sizeOfValue(item);
  else for (const [name, field] of Object.entries(value as Document)) size += 24 + name.length + sizeOfValue(field);
  return size;
}
