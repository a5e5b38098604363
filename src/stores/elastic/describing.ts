import type { Collection, Field, FieldType } from '../../model/collection.ts';
import { isDocument } from '../../model/document.ts';
import type { Document, Value } from '../../model/document.ts';
import { describeIndex, isDescribed } from './mapping.ts';
import { documentsIn } from './place.ts';
import type { OpenIndex, Place } from './place.ts';

/** So many documents are looked at to tell what the fields of an index hold. */
const sample = 200;

/**
 * The collections that indices hold. A mapping alone tells little of what was written: any field may hold a list, numbers may be text,
 * and dates are in many spellings. What was not made here is therefore looked into.
 */
export async function describeIndices(place: Place, indices: Iterable<OpenIndex>, signal: AbortSignal | undefined): Promise<readonly Collection[]> {
  const found: Collection[] = [];
  for (const index of indices) {
    const collection = describeIndex(index.collection, index.mapping);
    if (isDescribed(index.mapping) || !index.open || index.flaw !== undefined) found.push(collection);
    else found.push(describeSeen(collection, (await samplesOf(place, index, { signal })).map(({ source }) => source)));
  }
  return found;
}

/** A document to look at. */
interface Sample {
  readonly id: string;
  readonly source: Document;
}

/** Some of the documents of an index, or of those that a query finds there. */
export async function samplesOf(place: Place, { target, collection }: OpenIndex, { query, signal }: { readonly query?: Document; readonly signal: AbortSignal | undefined }): Promise<readonly Sample[]> {
  const { body } = await place.client.request({ path: `/${encodeURIComponent(target)}/_search`, body: JSON.stringify({ size: sample, ...(query && { query }) }), about: place.about('look at', collection), signal });
  const hits = isDocument(body['hits']) ? documentsIn(body['hits']['hits']) : [];
  return hits.flatMap(({ _id: id, _source: source }) => (isDocument(source) ? [{ id: String(id), source }] : []));
}

/** A collection with the types that hold what some of its documents have. */
export function describeSeen({ name, fields, key }: Collection, documents: readonly Document[]): Collection {
  return { name, key, fields: fields.map((field): Field => ({ ...field, type: typeOf(field.type, documents.flatMap((document) => (Object.hasOwn(document, field.name) ? [document[field.name]!] : []))) })) };
}

/** The type that holds some values; JSON where the type that the mapping tells does not. */
function typeOf(type: FieldType, values: readonly Value[]): FieldType {
  const given = values.filter((value) => value !== null);
  if (given.every((value) => fits(value, type))) return type;
  if (type.kind === 'instant' && given.every((value) => typeof value === 'string' && /^\d{4}-\d\d-\d\d$/.test(value))) return { kind: 'date' };
  if (type.kind === 'instant' && given.every((value) => typeof value === 'string')) return { kind: 'text' };
  if (type.kind === 'instant' && given.every((value) => fits(value, { kind: 'integer', bits: 64 }))) return { kind: 'integer', bits: 64 };
  return { kind: 'json' };
}

function fits(value: Value, type: FieldType): boolean {
  switch (type.kind) {
    case 'boolean': return typeof value === 'boolean';
    case 'integer': return typeof value === 'bigint' || Number.isSafeInteger(value);
    case 'float': return typeof value === 'number';
    case 'instant': return typeof value === 'string' && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:Z|[+-]\d\d:\d\d)$/.test(value);
    case 'text':
    case 'bytes':
    case 'other': return typeof value === 'string' || value instanceof Uint8Array;
    case 'record': return isDocument(value);
    default: return true;
  }
}
