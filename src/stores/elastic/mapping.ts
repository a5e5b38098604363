import type { Collection, Field, FieldType } from '../../model/collection.ts';
import { isDocument } from '../../model/document.ts';
import type { Document, Value } from '../../model/document.ts';
import { SyncError } from '../../model/errors.ts';
import { timeProperties } from './time-field.ts';
import type { TimeField } from './time-field.ts';

/** The longest keyword that the index takes whatever letters it is of: what is longer is kept, and not found by its whole text. */
const keywordLetters = 8191;
const keyword: Document = { type: 'keyword', ignore_above: keywordLetters };
const text: Document = { type: 'text', fields: { keyword } };
/** Kept as it is, and not looked into. */
const opaque: Document = { type: 'object', enabled: false };
// A value that the index has no place for, as an infinity or the year 20000, is kept all the same, and only not found.
const lenient = { ignore_malformed: true };

/**
 * How fields are indexed that nobody described: as the server sees fit, but that no text is taken for a date, and that a number
 * under a name does not forbid a text under the same name, or a number beyond 64 bits.
 */
export const loose: Document = {
  dynamic: true, date_detection: false, numeric_detection: false,
  dynamic_templates: [
    { whole: { match_mapping_type: 'long', mapping: { type: 'long', ...lenient } } },
    { fraction: { match_mapping_type: 'double', mapping: { type: 'double', ...lenient } } },
  ],
};

/**
 * The mapping for an index of a collection. Nothing in it makes the index refuse or change a value of the type described: decimals are
 * kept as text, JSON is not looked into, and fields that are not described are kept and not indexed. The description
 * is kept in it, too, because a mapping knows fewer types. `time`: by what records are asked for, where nobody describes it or it is text.
 */
export function mappingOf(collection: Collection, time: TimeField | undefined): Document {
  const { fields, key } = collection;
  if (fields.length === 0) return time && !reserved.has(time.field) ? { ...loose, properties: timeProperties(time) } : loose;
  return { dynamic: false, _meta: { syncline: { fields: fields as unknown as Value, key } }, properties: { ...propertiesOf(collection.name, fields), ...timeAsText(fields, time) } };
}

/** Times that are text are found as times; nobody looks for a word in them. */
function timeAsText(fields: readonly Field[], time: TimeField | undefined): Document {
  return time && fields.some(({ name, type }) => name === time.field && type.kind === 'text') ? timeProperties({ ...time, unit: undefined }) : {};
}

function propertiesOf(place: string, fields: readonly Field[]): Document {
  const properties: [string, Value][] = [];
  for (const { name, type } of fields) {
    if (name.trim() === '' || name.split('.').some((part) => part.trim() === '') || reserved.has(name)) {
      throw new SyncError('unsupported', `${place} has a field ${JSON.stringify(name)}, and no index can have one`, { hint: 'rename the field' });
    }
    properties.push([name, propertyOf(place, type)]);
  }
  return Object.fromEntries(properties);
}

/** Names that the server keeps for itself. */
const reserved = new Set(['_id', '_index', '_source', '_routing', '_field_names', '_ignored', '_version', '_seq_no', '_primary_term', '_type', '_size', '_doc_count', '_tier', '_nested_path', '_data_stream_timestamp', '_feature', '_tsid']);

function propertyOf(place: string, type: FieldType): Document {
  switch (type.kind) {
    case 'boolean': return { type: 'boolean' };
    case 'integer': return type.bits === undefined ? keyword : { type: integerType(type.bits, type.unsigned === true) };
    case 'float': return { type: type.bits === 32 ? 'float' : 'double', ...lenient };
    case 'instant':
    case 'local': return { type: 'date', format: 'strict_date_optional_time_nanos', ...lenient };
    case 'date': return { type: 'date', format: 'strict_date', ...lenient };
    case 'text': return text;
    case 'bytes': return { type: 'binary' };
    case 'list':
    case 'set': return propertyOf(place, type.of);
    case 'record': return { dynamic: false, properties: propertiesOf(place, type.fields) };
    case 'json':
    case 'map': return opaque;
    case 'uuid':
    case 'time-uuid':
    case 'decimal':
    case 'time':
    case 'duration':
    case 'other': return keyword;
    default: return type satisfies never;
  }
}

function integerType(bits: 8 | 16 | 32 | 64, unsigned: boolean): string {
  switch (bits) {
    case 8: return unsigned ? 'short' : 'byte';
    case 16: return unsigned ? 'integer' : 'short';
    case 32: return unsigned ? 'long' : 'integer';
    case 64: return unsigned ? 'unsigned_long' : 'long';
    default: return bits satisfies never;
  }
}

/** Whether the index says itself of what types its fields are. */
export function isDescribed(mapping: Document): boolean {
  return isDocument(mapping['_meta']) && isDocument(mapping['_meta']['syncline']);
}

/** The collection that an index holds, by its mapping. What was described when the index was made is given back so. */
export function describeIndex(name: string, mapping: Document): Collection {
  const meta = isDocument(mapping['_meta']) && isDocument(mapping['_meta']['syncline']) ? mapping['_meta']['syncline'] : {};
  const kept = new Map((Array.isArray(meta['fields']) ? meta['fields'] as unknown as readonly Field[] : []).map((field) => [field.name, field]));
  const fields = Object.entries(propertiesIn(mapping)).map(([field, property]): Field => kept.get(field) ?? { name: field, type: typeIn(property), nullable: true });
  const key = Array.isArray(meta['key']) ? meta['key'] as readonly string[] : [];
  return { name, fields, key };
}

function propertiesIn(mapping: Document): Document {
  return isDocument(mapping['properties']) ? mapping['properties'] : {};
}

function typeIn(property: Value): FieldType {
  if (!isDocument(property)) return { kind: 'json' };
  const type = String(property['type'] ?? 'object');
  switch (type) {
    case 'boolean': return { kind: 'boolean' };
    case 'byte': return { kind: 'integer', bits: 8 };
    case 'short': return { kind: 'integer', bits: 16 };
    case 'integer': return { kind: 'integer', bits: 32 };
    case 'long': return { kind: 'integer', bits: 64 };
    case 'unsigned_long': return { kind: 'integer', bits: 64, unsigned: true };
    // What is kept is the number as it was written, however coarsely it is indexed.
    case 'half_float':
    case 'float':
    case 'double':
    case 'scaled_float': return { kind: 'float', bits: 64 };
    // What is kept is the text, whatever the index makes of it.
    case 'date':
    case 'date_nanos': return { kind: 'instant', precision: 1 };
    case 'keyword':
    case 'constant_keyword':
    case 'wildcard':
    case 'text':
    case 'match_only_text': return { kind: 'text' };
    case 'binary': return { kind: 'bytes' };
    case 'object': {
      const fields = Object.entries(propertiesIn(property)).map(([name, inner]): Field => ({ name, type: typeIn(inner), nullable: true }));
      return fields.length === 0 || property['enabled'] === false ? { kind: 'json' } : { kind: 'record', fields };
    }
    case 'nested':
    case 'flattened':
    case 'flat_object': return { kind: 'json' };
    default: return { kind: 'other', name: type };
  }
}

/** A tree of the fields that hold bytes, which are text in JSON; `undefined` where there are none. */
export interface ByteFields {
  readonly [field: string]: true | ByteFields;
}

/** The fields of an index that hold bytes. */
export function byteFieldsOf(mapping: Document): ByteFields | undefined {
  const found: [string, true | ByteFields][] = [];
  for (const [name, property] of Object.entries(propertiesIn(mapping))) {
    if (!isDocument(property)) continue;
    const inner = property['type'] === 'binary' ? true : byteFieldsOf(property);
    if (inner !== undefined) found.push([name, inner]);
  }
  return found.length === 0 ? undefined : Object.fromEntries(found);
}

/** The property that a field is mapped by, the field named by a path with dots; `undefined` where it is not mapped. */
export function propertyAt(mapping: Document, path: string): Document | undefined {
  let at: Document | undefined = mapping;
  for (const name of path.split('.')) {
    const next: Value | undefined = at && Object.hasOwn(propertiesIn(at), name) ? propertiesIn(at)[name] : undefined;
    at = isDocument(next) ? next : undefined;
  }
  return at;
}
