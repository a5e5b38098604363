import type { Document, Value } from '../model/document.ts';
import { isDocument } from '../model/document.ts';
import { joinKey } from '../model/key.ts';
import { scalarText } from './hal.ts';
import type { Identity, Link, Schema, Unidentified } from './schema.ts';
import { parentPath, splitUri } from './uri.ts';

/** Documents that say all of it in plain fields: `id`, `type`, `uri`, `parents` (URIs), `embedded` (documents), `links`. */
export const simple: Schema = { name: 'simple', identify, embedded, links, comparable: (document) => document };

function own(document: Document, field: string): Value | undefined {
  return Object.hasOwn(document, field) ? document[field] : undefined;
}

function identify(document: Document, base?: string): Identity | Unidentified {
  const id = scalarText(own(document, 'id'));
  const type = scalarText(own(document, 'type'));
  const uri = own(document, 'uri');
  if (id === undefined) return { problem: 'it has no id' };
  if (type === undefined) return { problem: 'it has no type' };
  if (typeof uri !== 'string' || uri === '') return { problem: 'it has no uri' };
  const { path, query } = splitUri(uri, base);
  const parents = own(document, 'parents');
  const dependsOn = Array.isArray(parents) ? (parents as readonly Value[]).filter((parent) => typeof parent === 'string').map((parent) => {
    const parts = splitUri(parent, base);
    return parts.path + parts.query;
  }) : [];
  const collection = parentPath(path);
  return { type, id, key: joinKey([type, id]), address: path + query, ...(collection === undefined ? {} : { collection }), dependsOn };
}

function embedded(document: Document): readonly Value[] {
  const parts = own(document, 'embedded');
  return Array.isArray(parts) ? (parts as readonly Value[]) : [];
}

/** `links` holds URIs, or objects with an `href` or `uri` and perhaps a `relation`. */
function links(document: Document, warn: (message: string) => void = (): void => {}): readonly Link[] {
  const all = own(document, 'links');
  if (!Array.isArray(all)) return [];
  const found: Link[] = [];
  for (const link of all as readonly Value[]) {
    const href = typeof link === 'string' ? link : isDocument(link) ? (own(link, 'href') ?? own(link, 'uri')) : undefined;
    const relation = isDocument(link) ? (own(link, 'relation') ?? own(link, 'rel')) : undefined;
    if (typeof href === 'string' && href !== '') found.push({ relation: typeof relation === 'string' ? relation : 'links', href });
    else warn('a link has no href');
  }
  return found;
}
