import type { Collection } from '../../model/collection.ts';
import { isDocument } from '../../model/document.ts';
import type { Document, Value } from '../../model/document.ts';
import { SyncError } from '../../model/errors.ts';
import { describeSeen, samplesOf } from './describing.ts';
import { describeIndex } from './mapping.ts';
import { documentsIn, encodeNames } from './place.ts';
import type { OpenIndex, Place } from './place.ts';
import { refresh } from './refreshing.ts';

/** More values than this are not those of a field that tells collections apart. */
const mostCollections = 10_000;
const pageCollections = 1_000;

/** An index whose documents are of several collections, which one of their fields tells. */
export interface SharedIndex {
  readonly place: Place;
  readonly index: OpenIndex;
  /** The field that tells, and what finds its values exactly; the latter is absent where no document can have the field yet. */
  readonly field: string;
  readonly filter: string | undefined;
}

/** The index with the field by which its documents are told apart. Throws `invalid` where that cannot be by this one. */
export function sharedIndex(place: Place, index: OpenIndex, field: string): SharedIndex {
  return { place, index, field, filter: filterOf(place, index.mapping, field) };
}

/** By what a field is asked for whose text counts as a whole. */
function filterOf(place: Place, mapping: Document, field: string): string | undefined {
  const properties = isDocument(mapping['properties']) ? mapping['properties'] : {};
  const property = Object.hasOwn(properties, field) ? properties[field] : undefined;
  if (!isDocument(property)) return undefined;
  if (isExact(property)) return field;
  const inner = Object.entries(isDocument(property['fields']) ? property['fields'] : {}).find(([, each]) => isDocument(each) && isExact(each));
  if (inner) return `${field}.${inner[0]}`;
  throw new SyncError('invalid', `${place.name}: the field ${field} cannot tell collections apart, because the index does not keep it as a keyword`, { store: place.name, hint: 'name another field with typeField' });
}

function isExact({ type, normalizer }: Document): boolean {
  return (type === 'keyword' || type === 'constant_keyword') && normalizer === undefined;
}

/** What was said of each collection when it was prepared here. */
export function preparedIn(mapping: Document): { readonly [collection: string]: Document } {
  const meta = isDocument(mapping['_meta']) && isDocument(mapping['_meta']['syncline']) ? mapping['_meta']['syncline'] : {};
  return Object.fromEntries(Object.entries(isDocument(meta['collections']) ? meta['collections'] : {}).flatMap(([name, about]) => (isDocument(about) ? [[name, about] as const] : [])));
}

/** The collections that were prepared here, and those that documents say they are of. */
export async function collectionNames({ place, index, filter }: SharedIndex, signal: AbortSignal | undefined): Promise<readonly string[]> {
  const names = new Set(Object.keys(preparedIn(index.mapping)));
  if (filter === undefined || !index.open || index.flaw !== undefined) return [...names].toSorted();
  const target = encodeNames(index.target);
  // What was written just now is not found before a refresh. Who may not ask for one hears it of the scan.
  await refresh(place, index.target, { signal });
  for (let after: Value | undefined; ;) {
    const aggs = { names: { composite: { size: pageCollections, sources: [{ name: { terms: { field: filter } } }], ...(after !== undefined && { after }) } } };
    const { body } = await place.client.request({ path: `/${target}/_search?allow_partial_search_results=false`, body: JSON.stringify({ size: 0, aggs }), about: place.about('look at'), signal });
    const found = isDocument(body['aggregations']) && isDocument(body['aggregations']['names']) ? body['aggregations']['names'] : {};
    for (const { key } of documentsIn(found['buckets'])) if (isDocument(key) && typeof key['name'] === 'string' && key['name'] !== '') names.add(key['name']);
    if (names.size > mostCollections) throw new SyncError('invalid', `${place.name}: the field ${filter} has more than ${mostCollections} values, which are not all collections`, { store: place.name, hint: 'name another field with typeField' });
    after = found['after_key'];
    if (after === undefined) return [...names].toSorted();
  }
}

function queryFor(filter: string, collection: string): Document {
  return { term: { [filter]: collection } };
}

/** A collection as it was prepared here, else as its documents are; `undefined` where none of them is one of it. */
export async function describeShared({ place, index, field, filter }: SharedIndex, name: string, { isOf, signal }: { isOf(id: string): boolean; readonly signal: AbortSignal | undefined }): Promise<Collection | undefined> {
  const about = preparedIn(index.mapping)[name];
  const fields = documentsIn(about?.['fields']);
  const properties = isDocument(index.mapping['properties']) ? index.mapping['properties'] : {};
  if (about && fields.length > 0) {
    const own = new Set(fields.map((each) => each['name']));
    return describeIndex(name, { _meta: { syncline: about }, properties: Object.fromEntries(Object.entries(properties).filter(([property]) => own.has(property))) });
  }
  const hits = filter === undefined ? [] : (await samplesOf(place, index, { query: queryFor(filter, name), signal })).filter(({ id }) => isOf(id));
  if (hits.length === 0) return about && { name, fields: [], key: [] };
  const { [field]: _, ...rest } = properties;
  return describeSeen(describeIndex(name, { properties: rest }), hits.map(({ source }) => source));
}
