import { isDocument, type Document, type Value } from '../model/document.ts';
import { limits } from '../lib/limits.ts';
import { originOf, withoutOrigin } from './address.ts';
import { mapItems } from './hal.ts';
import { fieldOf, identityOf } from './identity.ts';
import type { Identity, Link, Schema, Unidentified } from './schema.ts';

/**
 * Documents that name themselves in plain fields: `id`, `type`, `uri`, and perhaps `parents`, `embedded` and `links`.
 * A link is a URI, or an object with `uri` or `href` and perhaps `relation` or `rel`.
 */
export const simple: Schema = { name: 'simple', identify, embedded, links, comparable };

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
    else if (!/\{[^{}]*\}/.test(href)) found.push({ relation: typeof relation === 'string' ? relation : 'related', href });
  }
  return found;
}

function comparable(document: Document): Document {
  const uri = fieldOf(document, 'uri');
  const origin = typeof uri === 'string' ? originOf(uri) : '';
  return origin === '' ? document : localDocument(document, origin, 0);
}

function localDocument(document: Document, origin: string, depth: number): Document {
  if (depth >= limits.documentDepth) return document;
  const changed: [string, Value][] = [];
  for (const name of ['uri', 'href']) change(name, (value) => (typeof value === 'string' ? withoutOrigin(value, origin) : value));
  for (const name of ['parents', 'links', 'embedded']) {
    change(name, (value) => {
      if (name === 'embedded' && isDocument(value)) return localDocument(value, origin, depth + 1);
      return Array.isArray(value) ? mapItems(value as readonly Value[], carry) : value;
    });
  }
  return changed.length === 0 ? document : { ...document, ...Object.fromEntries(changed) };

  function change(name: string, local: (value: Value) => Value): void {
    const before = fieldOf(document, name);
    const after = before === undefined ? undefined : local(before);
    if (after !== undefined && after !== before) changed.push([name, after]);
  }
  function carry(value: Value): Value {
    if (typeof value === 'string') return withoutOrigin(value, origin);
    return isDocument(value) ? localDocument(value, origin, depth + 1) : value;
  }
}
