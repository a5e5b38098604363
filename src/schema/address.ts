import { parseUrl, resolveUrl } from '../lib/http/url.ts';

/** Where a link leads. */
export interface Target {
  /** Host and port as written, in lower case; empty where the link names none and nothing is known to be its base. */
  readonly authority: string;
  readonly path: string;
  /** With its `?`; empty where there is none. */
  readonly query: string;
}

const absolute = /^(?:[a-z][a-z0-9+.-]*:)?\/\/(?:[^/?#]*@)?([^/?#]*)([^?#]*)(\??[^#]*)/i;
const local = /^(\/[^?#]*)(\??[^#]*)/;
const schemed = /^[a-z][a-z0-9+.-]*:/i;

/**
 * Where `href` leads, seen from `base` if that is given; `undefined` where it leads to no place, as `mailto:` does. Path
 * and query stay as they are written. A relative reference without a base is taken from the root.
 */
export function targetOf(href: string, base?: string): Target | undefined {
  const rooted = href.startsWith('/') && !href.startsWith('//');
  if (!rooted && !absolute.test(href)) {
    if (schemed.test(href)) return undefined;
    const from = base === undefined ? undefined : parseUrl(base);
    const resolved = from && resolveUrl(href, from);
    return targetOf(resolved ? resolved.origin + resolved.path : `/${href}`);
  }
  const [, authority = '', path = '', query = ''] = rooted ? ['', authorityOf(base), ...(local.exec(href)?.slice(1) ?? [])] : (absolute.exec(href) ?? []);
  return { authority: authority.toLowerCase(), path: path === '' ? '/' : path, query };
}

/** Whether a path has a segment `.` or `..`, which servers and proxies resolve each in their own way. */
export function hasDotSegment(path: string): boolean {
  return path.includes('/.') && /\/\.\.?(?:\/|$)/.test(path);
}

/** What an entry is called by others: path and query. With the authority where that is another one than `home`'s, so that it meets none of ours. */
export function addressOf(target: Target, home: string): string {
  const local = target.path + target.query;
  return target.authority === home || target.authority === '' || home === '' ? local : `//${target.authority}${local}`;
}

/** The path one level up; with a slash at its end if `path` has one. */
export function parentPath(path: string): string {
  const closed = path.endsWith('/') && path.length > 1;
  const slash = path.lastIndexOf('/', closed ? path.length - 2 : path.length);
  return path.slice(0, closed ? slash + 1 : slash) || '/';
}

const originPattern = /^[a-z][a-z0-9+.-]*:\/\/[^/?#{]+/i;

/** Scheme, host and port of an absolute link as they are written; empty where it has none. */
export function originOf(href: string): string {
  return originPattern.exec(href)?.[0] ?? '';
}

/** `href` without `origin`, where it begins with it. */
export function withoutOrigin(href: string, origin: string): string {
  if (!href.startsWith(origin)) return href;
  const next = href[origin.length];
  return next === undefined || next === '/' || next === '?' || next === '#' || next === '{' ? href.slice(origin.length) : href;
}

/** What writes links from the root of the host of `base`, where they are relative to it; `undefined` where that is no URL. */
export function rooting(base: string): ((href: string) => string) | undefined {
  const from = parseUrl(base);
  return from && ((href) => {
    if (!isRelative(href)) return href;
    const fragment = href.indexOf('#');
    return (resolveUrl(href, from)?.path ?? '') + (fragment < 0 ? '' : href.slice(fragment));
  });
}

/** Whether a link says where it leads only to those who know the document it is in. */
export function isRelative(href: string): boolean {
  return href !== '' && href[0] !== '/' && href[0] !== '#' && !schemed.test(href);
}

function authorityOf(base: string | undefined): string {
  return base === undefined ? '' : (absolute.exec(base)?.[1] ?? '');
}
