import type { Collection } from '../../model/collection.ts';

/** A collection of which nobody says what its key is made of, as one whose records are known by their `id`. */
export function keyed({ name, fields, key }: Collection): Collection {
  if (key.length > 0) return { name, fields, key };
  const known = fields.some((field) => field.name === 'id');
  return { name, key: ['id'], fields: known ? fields : [{ name: 'id', type: { kind: 'text' }, nullable: false }, ...fields] };
}
