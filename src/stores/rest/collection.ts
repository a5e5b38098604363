import type { HttpUrl } from '../../lib/http/url.ts';
import { resolveUrl } from '../../lib/http/url.ts';
import type { Document, Value } from '../../model/document.ts';
import { isDocument } from '../../model/document.ts';
import type { Schema } from '../../schema/schema.ts';

/** Whether a value looks like a list of resources rather than one. An empty list may carry nothing but a count of zero. */
export function isCollection(value: Value, schema: Schema): boolean {
  if (!isDocument(value)) return Array.isArray(value);
  if (schema.embedded(value).length > 0) return true;
  if (field(value, 'id') !== undefined) return false;
  return ['items', '_embedded', 'embedded', 'count', 'total'].some((name) => Object.hasOwn(value, name));
}

/**
 * The other ways to write the URL a document came from, as the document itself tells: its self link, and the offset
 * and limit it says it has. The link back from the second page is rarely spelled as the first page was asked for.
 */
export function spellings(value: Value, url: HttpUrl): readonly HttpUrl[] {
  if (!isDocument(value)) return [url];
  const all = [url];
  const self = selfOf(value);
  const own = self === undefined ? undefined : resolveUrl(self, url);
  // A server may be careless about its self links, but hardly about the path in them.
  if (own !== undefined && pathOf(own) === pathOf(url)) all.push({ origin: url.origin, path: own.path });
  const [offset, limit] = [field(value, 'offset'), field(value, 'limit')];
  if (typeof offset === 'number' && typeof limit === 'number') {
    const others = (url.path.split('?', 2)[1] ?? '').split('&').filter((parameter) => parameter !== '' && !/^(?:offset|limit)=/.test(parameter));
    all.push({ origin: url.origin, path: `${pathOf(url)}?${[`offset=${offset}`, `limit=${limit}`, ...others].join('&')}` });
  }
  return all;
}

/** A field of a document; `null` counts as none. */
export function field(document: Document, name: string): Value | undefined {
  return Object.hasOwn(document, name) ? (document[name] ?? undefined) : undefined;
}

function selfOf(document: Document): string | undefined {
  const links = field(document, '_links');
  const self = isDocument(links) ? field(links, 'self') : undefined;
  const href = isDocument(self) ? field(self, 'href') : undefined;
  return typeof href === 'string' ? href : undefined;
}

function pathOf({ path }: HttpUrl): string {
  return path.split('?', 1)[0] as string;
}
