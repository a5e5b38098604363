import type { Document, Value } from '../model/document.ts';
import { isDocument } from '../model/document.ts';
import { joinKey } from '../model/key.ts';
import type { Identity, Link, Schema, Unidentified } from './schema.ts';
import { parentPath, segmentsOf, splitUri } from './uri.ts';

/**
 * HAL (draft-kelly-json-hal-08), and the convention of putting a collection's resources in `items`: a resource's id is
 * its `id` field, its URI the `self` link, its type the URI's last path segment but one, its parents the `parent:` links.
 */
export const hal: Schema = { name: 'hal', identify, embedded, links, comparable };

function identify(document: Document, base?: string): Identity | Unidentified {
  const id = scalarText(own(document, 'id'));
  if (id === undefined) return { problem: 'it has no id' };
  const self = selfHref(document);
  if (self === undefined) return { problem: 'it has no self link' };
  const { origin, path, query } = splitUri(self, base);
  const segments = segmentsOf(path);
  const type = segments?.at(-2);
  if (segments === undefined) return { problem: `its self link ${self} holds a path that climbs or cannot be decoded` };
  if (type === undefined || type === '') return { problem: `its self link ${self} does not name a type` };
  const collection = collectionOf(document, origin, base) ?? parentPath(path);
  return { type, id, key: joinKey([type, id]), address: path + query, ...(collection === undefined ? {} : { collection }), dependsOn: parentsOf(document, origin, base) };
}

/** An id is any scalar but null; what reads the same is the same id. */
export function scalarText(value: Value | undefined): string | undefined {
  if (typeof value === 'string') return value === '' ? undefined : value;
  return typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean' ? String(value) : undefined;
}

function own(document: Document, field: string): Value | undefined {
  return Object.hasOwn(document, field) ? document[field] : undefined;
}

function selfHref(document: Document): string | undefined {
  const all = own(document, '_links');
  if (all === undefined || !isDocument(all)) return undefined;
  return hrefsOf(own(all, 'self'))[0];
}

function hrefsOf(value: Value | undefined): readonly string[] {
  const found: string[] = [];
  for (const link of Array.isArray(value) ? (value as readonly Value[]) : [value]) {
    if (link === undefined || !isDocument(link)) continue;
    const href = own(link, 'href');
    if (typeof href === 'string' && href !== '') found.push(href);
  }
  return found;
}

function collectionOf(document: Document, origin: string, base: string | undefined): string | undefined {
  const href = hrefsOf(own(own(document, '_links') as Document, 'collection'))[0];
  if (href === undefined) return undefined;
  const parts = splitUri(href, base);
  return parts.origin === origin || parts.origin === '' ? parts.path : undefined;
}

function parentsOf(document: Document, origin: string, base: string | undefined): readonly string[] {
  const parents: string[] = [];
  for (const [relation, value] of Object.entries(own(document, '_links') as Document)) {
    if (!relation.startsWith('parent:')) continue;
    for (const href of hrefsOf(value)) {
      const parts = splitUri(href, base);
      // A parent on another host is nobody we write: its address stays a full URL, which matches nothing.
      parents.push(parts.origin === '' || origin === '' || parts.origin === origin ? parts.path + parts.query : href);
    }
  }
  return parents;
}

/**
 * `_embedded`, and `items` where it is a list of resources: always in a document without an id, which is then a
 * collection, else only where at least one item has links, because `items` may as well be a field of the resource.
 */
function embedded(document: Document): readonly Value[] {
  const found: Value[] = [];
  const parts = own(document, '_embedded');
  if (parts !== undefined && isDocument(parts)) {
    for (const value of Object.values(parts)) found.push(...(Array.isArray(value) ? (value as readonly Value[]) : [value]));
  }
  const items = own(document, 'items');
  if (!Array.isArray(items)) return found;
  const list = items as readonly Value[];
  const isResource = scalarText(own(document, 'id')) !== undefined;
  if (!isResource || list.some((item) => isDocument(item) && own(item, '_links') !== undefined)) found.push(...list);
  return found;
}

function links(document: Document, warn: (message: string) => void = (): void => {}): readonly Link[] {
  const all = own(document, '_links');
  if (all === undefined) return [];
  if (!isDocument(all)) {
    warn('_links is not an object');
    return [];
  }
  const found: Link[] = [];
  for (const [relation, value] of Object.entries(all)) {
    if (relation === 'self' || relation === 'curies') continue;
    for (const link of Array.isArray(value) ? (value as readonly Value[]) : [value]) {
      const href = link !== null && link !== undefined && isDocument(link) ? own(link, 'href') : undefined;
      if (typeof href !== 'string' || href === '') warn(`the link ${relation} has no href`);
      else if (own(link as Document, 'templated') !== true && !href.includes('{')) found.push({ relation, href });
    }
  }
  return found;
}

function comparable(document: Document): Document {
  const self = selfHref(document);
  if (self === undefined) return document;
  const { origin } = splitUri(self);
  return origin === '' ? document : withoutOrigin(document, origin);
}

/** The document with every link to `origin` written without it, in `_links` and within `_embedded`. Never mutates. */
function withoutOrigin(document: Document, origin: string): Document {
  const entries = Object.entries(document).map(([field, value]): [string, Value] => {
    if (field === '_links' && isDocument(value)) return [field, mapFields(value, (links) => mapItems(links, (link) => shortened(link, origin)))];
    if (field === '_embedded' && isDocument(value)) return [field, mapFields(value, (parts) => mapItems(parts, (part) => (isDocument(part) ? withoutOrigin(part, origin) : part)))];
    return [field, value];
  });
  return Object.fromEntries(entries);
}

function shortened(link: Value, origin: string): Value {
  if (!isDocument(link)) return link;
  const href = own(link, 'href');
  if (typeof href !== 'string' || !href.startsWith(origin) || !/^[/?#]/.test(href.slice(origin.length))) return link;
  return { ...link, href: href.slice(origin.length) };
}

function mapFields(document: Document, change: (value: Value) => Value): Document {
  return Object.fromEntries(Object.entries(document).map(([field, value]) => [field, change(value)]));
}

function mapItems(value: Value, change: (item: Value) => Value): Value {
  return Array.isArray(value) ? (value as readonly Value[]).map(change) : change(value);
}
