import { isDocument, type Document, type Value } from '../model/document.ts';
import { limits } from '../lib/limits.ts';
import { isRelative, originOf, rooting, withoutOrigin } from './address.ts';
import { mapItems } from './hal.ts';
import { fieldOf, identityOf } from './identity.ts';
import type { Identity, Link, Schema, Unidentified } from './schema.ts';

/**
 * Documents that name themselves in plain fields: `id`, `type`, `uri`, and perhaps `parents`, `embedded` and `links`.
 * A link is a URI, or an object with `uri` or `href` and perhaps `relation` or `rel`.
 */
export const simple: Schema = { name: 'simple', named: ['id', 'type', 'uri'], identify, embedded, links, rooted, comparable };

function identify(document: Document, base?: string): Identity | Unidentified {
  const uri = fieldOf(document, 'uri');
  const parents = fieldOf(document, 'parents');
  return identityOf(
    {
      id: fieldOf(document, 'id'),
      type: fieldOf(document, 'type') ?? null,
      self: typeof uri === 'string' && uri !== '' ? uri : undefined,
      selfName: 'uri',
      parents: Array.isArray(parents) ? parents.filter((parent) => typeof parent === 'string' && parent !== '') : [],
      collection: undefined,
    },
    base,
  );
}

function embedded(document: Document): readonly Value[] {
  const carried = fieldOf(document, 'embedded');
  if (Array.isArray(carried)) return carried as readonly Value[];
  return isDocument(carried) ? [carried] : [];
}

function links(document: Document, warn?: (message: string) => void): readonly Link[] {
  const listed = fieldOf(document, 'links');
  if (listed === undefined || listed === null) return [];
  if (!Array.isArray(listed)) {
    warn?.('links is not a list: ignored');
    return [];
  }
  const found: Link[] = [];
  for (const link of listed as readonly Value[]) {
    const href = typeof link === 'string' ? link : isDocument(link) ? (fieldOf(link, 'href') ?? fieldOf(link, 'uri')) : undefined;
    const relation = isDocument(link) ? (fieldOf(link, 'relation') ?? fieldOf(link, 'rel')) : undefined;
    if (relation === 'self') continue;
    if (typeof href !== 'string' || href === '') warn?.('a link has no URI: ignored');
    else if (!isTemplate(href)) found.push({ relation: typeof relation === 'string' ? relation : 'related', href });
  }
  return found;
}

function isTemplate(uri: string): boolean {
  return /\{[^{}]*\}/.test(uri);
}

function rooted(document: Document, base: string): Document {
  const fromRoot = rooting(base);
  return fromRoot === undefined ? document : relinked(document, (uri) => (isRelative(uri) && !isTemplate(uri) ? fromRoot(uri) : uri), 0);
}

function comparable(document: Document): Document {
  const uri = fieldOf(document, 'uri');
  const origin = typeof uri === 'string' ? originOf(uri) : '';
  return origin === '' ? document : relinked(document, (uri) => withoutOrigin(uri, origin), 0);
}

/** `document` with its URIs, and those of what it carries, changed: itself where none is. */
function relinked(document: Document, change: (uri: string) => string, depth: number): Document {
  if (depth >= limits.documentDepth) return document;
  const uri = (value: Value): Value => (typeof value === 'string' ? change(value) : value);
  const link = (value: Value): Value => (isDocument(value) ? changed(value, { uri, href: uri }) : uri(value));
  const carried = (value: Value): Value => (isDocument(value) ? relinked(value, change, depth + 1) : value);
  return changed(document, { uri, parents: each(uri), links: each(link), embedded: (value) => (Array.isArray(value) ? each(carried)(value) : carried(value)) });
}

function each(change: (value: Value) => Value): (value: Value) => Value {
  return (value) => (Array.isArray(value) ? mapItems(value as readonly Value[], change) : value);
}

/** `document` with some fields changed; the same object where nothing did. */
function changed(document: Document, changes: { readonly [field: string]: (value: Value) => Value }): Document {
  const found: [string, Value][] = [];
  for (const [name, change] of Object.entries(changes)) {
    const before = fieldOf(document, name);
    const after = before === undefined ? undefined : change(before);
    if (after !== undefined && after !== before) found.push([name, after]);
  }
  return found.length === 0 ? document : { ...document, ...Object.fromEntries(found) };
}
