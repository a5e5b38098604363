import { limits } from '../lib/limits.ts';
import { isDocument, type Document, type Value } from '../model/document.ts';
import { isRelative, originOf, rooting, withoutOrigin } from './address.ts';
import { fieldOf, identityOf } from './identity.ts';
import type { Identity, Link, Schema, Unidentified } from './schema.ts';

/**
 * HAL (draft-kelly-json-hal-08), and the older convention of collections that carry their resources as `items`. The
 * type of a resource is the last but one segment of the path of its self link.
 */
export const hal: Schema = { name: 'hal', named: ['id', '_links'], identify, embedded, links, rooted, comparable };

function identify(document: Document, base?: string): Identity | Unidentified {
  const relations = fieldOf(document, '_links');
  const named = isDocument(relations) ? relations : {};
  return identityOf(
    { id: fieldOf(document, 'id'), type: undefined, self: hrefOf(fieldOf(named, 'self')), selfName: 'self link', parents: parentsIn(named), collection: hrefOf(fieldOf(named, 'collection')) },
    base,
  );
}

function embedded(document: Document): readonly Value[] {
  const found: Value[] = [];
  const byRelation = fieldOf(document, '_embedded');
  if (isDocument(byRelation)) {
    for (const carried of Object.values(byRelation)) {
      if (Array.isArray(carried)) for (const item of carried) found.push(item);
      else if (isDocument(carried)) found.push(carried);
    }
  }
  const items = fieldOf(document, 'items');
  if (Array.isArray(items) && (isCollection(document) || (items.every(isDocument) && items.some(hasLinks)))) for (const item of items) found.push(item);
  return found;
}

/** A resource may have an attribute that happens to be called `items`; what has no identity of its own is there for its items only. */
function isCollection(document: Document): boolean {
  const relations = fieldOf(document, '_links');
  return (fieldOf(document, 'id') ?? '') === '' || !isDocument(relations) || hrefOf(fieldOf(relations, 'self')) === undefined;
}

function hasLinks(value: Value): boolean {
  return isDocument(value) && isDocument(fieldOf(value, '_links'));
}

function links(document: Document, warn?: (message: string) => void): readonly Link[] {
  const relations = fieldOf(document, '_links');
  if (relations === undefined || relations === null) return [];
  if (!isDocument(relations)) {
    warn?.('_links is not an object: ignored');
    return [];
  }
  const found: Link[] = [];
  for (const relation of Object.keys(relations)) {
    if (relation === 'self' || relation === 'curies') continue;
    const value = relations[relation] as Value;
    for (const link of Array.isArray(value) ? (value as readonly Value[]) : [value]) {
      const href = isDocument(link) ? fieldOf(link, 'href') : undefined;
      if (typeof href !== 'string' || href === '') warn?.(`link ${JSON.stringify(relation)} ${malformed(link)}: ignored`);
      else if (!isTemplate(link as Document, href)) found.push({ relation, href });
    }
  }
  return found;
}

function malformed(link: Value): string {
  if (link === null) return 'is null';
  return isDocument(link) ? 'has no href' : 'is not an object';
}

/** Braces cannot stand in a URL, so that a link which forgot to say it is a template still is one (RFC 6570). */
function isTemplate(link: Document, href: string): boolean {
  return fieldOf(link, 'templated') === true || (href.includes('{') && /\{[^{}]*\}/.test(href));
}

function parentsIn(relations: Document): readonly string[] {
  let found: string[] | undefined;
  for (const relation of Object.keys(relations)) {
    if (!relation.startsWith('parent:')) continue;
    const value = relations[relation] as Value;
    for (const link of Array.isArray(value) ? (value as readonly Value[]) : [value]) {
      const href = hrefOf(link);
      if (href !== undefined) (found ??= []).push(href);
    }
  }
  return found ?? [];
}

/** The first usable href of a link or a list of links. */
function hrefOf(value: Value | undefined): string | undefined {
  if (Array.isArray(value)) {
    for (const link of value as readonly Value[]) {
      const href = Array.isArray(link) ? undefined : hrefOf(link);
      if (href !== undefined) return href;
    }
    return undefined;
  }
  if (!isDocument(value)) return undefined;
  const href = fieldOf(value, 'href');
  return typeof href === 'string' && href !== '' && !isTemplate(value, href) ? href : undefined;
}

function rooted(document: Document, base: string): Document {
  const fromRoot = rooting(base);
  return fromRoot === undefined ? document : relinked(document, (href, link) => (isRelative(href) && !isTemplate(link, href) ? fromRoot(href) : href), 0);
}

function comparable(document: Document): Document {
  const relations = fieldOf(document, '_links');
  const origin = isDocument(relations) ? originOf(hrefOf(fieldOf(relations, 'self')) ?? '') : '';
  return origin === '' ? document : relinked(document, (href) => withoutOrigin(href, origin), 0);
}

type ChangeHref = (href: string, link: Document) => string;

/** `document` with the hrefs of its links, and of those of what it carries, changed: itself where none is. */
function relinked(document: Document, change: ChangeHref, depth: number): Document {
  if (depth >= limits.documentDepth) return document;
  const relations = fieldOf(document, '_links');
  const byRelation = fieldOf(document, '_embedded');
  const items = fieldOf(document, 'items');
  const newLinks = isDocument(relations) ? mapFields(relations, (value) => relinkedLink(value, change)) : relations;
  const carry = (value: Value): Value => (hasLinks(value) || (isDocument(value) && isDocument(fieldOf(value, '_embedded'))) ? relinked(value as Document, change, depth + 1) : value);
  const newEmbedded = isDocument(byRelation) ? mapFields(byRelation, (value) => (Array.isArray(value) ? mapItems(value, carry) : carry(value))) : byRelation;
  const newItems = Array.isArray(items) ? mapItems(items as readonly Value[], carry) : items;
  if (newLinks === relations && newEmbedded === byRelation && newItems === items) return document;
  return {
    ...document,
    ...(newLinks === undefined ? {} : { _links: newLinks }),
    ...(newEmbedded === undefined ? {} : { _embedded: newEmbedded }),
    ...(newItems === undefined ? {} : { items: newItems }),
  };
}

function relinkedLink(value: Value, change: ChangeHref): Value {
  if (Array.isArray(value)) return mapItems(value as readonly Value[], (link) => (Array.isArray(link) ? link : relinkedLink(link, change)));
  if (!isDocument(value)) return value;
  const href = fieldOf(value, 'href');
  if (typeof href !== 'string') return value;
  const changed = change(href, value);
  return changed === href ? value : { ...value, href: changed };
}

/** Applies `change` to every field; the same object where nothing changed. */
export function mapFields(document: Document, change: (value: Value) => Value): Document {
  let changed: [string, Value][] | undefined;
  const names = Object.keys(document);
  for (let i = 0; i < names.length; i++) {
    const name = names[i] as string;
    const before = document[name] as Value;
    const after = change(before);
    if (after !== before) changed ??= names.slice(0, i).map((earlier) => [earlier, document[earlier] as Value]);
    changed?.push([name, after]);
  }
  return changed === undefined ? document : Object.fromEntries(changed);
}

/** Applies `change` to every item; the same list where nothing changed. */
export function mapItems(items: readonly Value[], change: (value: Value) => Value): readonly Value[] {
  let changed: Value[] | undefined;
  for (let i = 0; i < items.length; i++) {
    const before = items[i] as Value;
    const after = change(before);
    if (after !== before) changed ??= items.slice(0, i);
    changed?.push(after);
  }
  return changed ?? items;
}
