import type { Collection } from '../model/collection.ts';
import type { Schema } from './schema.ts';

/** A collection of which no record says what it is, by what is described of it, and the field that it lacks for that. */
export interface Unnamed {
  readonly collection: string;
  readonly missing: string;
}

/** The first of these collections of which no record can say what it is. One that nobody describes may be anything. */
export function firstUnnamed(collections: readonly Collection[], { named }: Schema): Unnamed | undefined {
  for (const { name, fields } of collections) {
    const missing = fields.length === 0 ? undefined : named.find((needed) => !fields.some((field) => field.name === needed));
    if (missing !== undefined) return { collection: name, missing };
  }
  return undefined;
}
