/**
 * A place on the web whose path is kept as it was written: `URL` would resolve `..`, and a resource whose id is `..`
 * would become another one.
 */
export interface HttpUrl {
  /** Scheme, host and port, normalised: what credentials belong to. */
  readonly origin: string;
  /** Path and query, beginning with `/`. Only what HTTP cannot carry is escaped. */
  readonly path: string;
}

/** A user name and password found in a URL. */
export interface UserInfo {
  readonly username: string;
  readonly password: string | undefined;
}

const absolute = /^(https?):\/\/([^/?#\\]*)([^#]*)/is;
const schemed = /^[a-z][a-z0-9+.-]*:/i;

/** The parts of an absolute `http` or `https` URL; `undefined` where `text` is not one. A fragment and a user are left out. */
export function parseUrl(text: string): HttpUrl | undefined {
  const match = absolute.exec(text);
  if (match === null) return undefined;
  const [, scheme = '', authority = '', rest = ''] = match;
  const origin = originOf(scheme, authority.slice(authority.lastIndexOf('@') + 1));
  if (origin === undefined) return undefined;
  return { origin, path: escapePath(rest.startsWith('/') ? rest : `/${rest}`) };
}

/** The user a URL names before its host, percent-decoded. */
export function userInfoOf(text: string): UserInfo | undefined {
  const authority = absolute.exec(text)?.[2] ?? '';
  const at = authority.lastIndexOf('@');
  if (at < 0) return undefined;
  const [username = '', ...rest] = authority.slice(0, at).split(':');
  return { username: decode(username), password: rest.length === 0 ? undefined : decode(rest.join(':')) };
}

/** The place at an origin that a path and query name, whatever they look like: `//other` is a path here and no host. */
export function atOrigin(origin: string, path: string): HttpUrl {
  return { origin, path: escapePath(path.startsWith('/') ? path : `/${path}`) };
}

/** A URL as one text. */
export function urlText({ origin, path }: HttpUrl): string {
  return origin + path;
}

/**
 * Where `href` leads from `base`; `undefined` for other schemes than `http` and `https`. Dots are resolved only where
 * the reference is relative and begins with them.
 */
export function resolveUrl(href: string, base: HttpUrl): HttpUrl | undefined {
  const text = href.trim();
  if (schemed.test(text)) return parseUrl(text);
  const fragment = text.indexOf('#');
  const reference = fragment < 0 ? text : text.slice(0, fragment);
  if (reference.startsWith('//')) return parseUrl(base.origin.slice(0, base.origin.indexOf(':') + 1) + reference);
  if (reference.startsWith('/')) return { origin: base.origin, path: escapePath(reference) };
  const query = base.path.indexOf('?');
  const basePath = query < 0 ? base.path : base.path.slice(0, query);
  if (reference === '') return { origin: base.origin, path: base.path };
  if (reference.startsWith('?')) return { origin: base.origin, path: escapePath(basePath + reference) };
  return { origin: base.origin, path: escapePath(mergePaths(basePath, reference)) };
}

/**
 * One text for all the spellings of a URL that are bound to give the same answer: parameters sorted, and an offset
 * of zero left out.
 */
export function canonicalUrl({ origin, path }: HttpUrl): string {
  const query = path.indexOf('?');
  if (query < 0) return origin + path;
  const parameters = path.slice(query + 1).split('&').filter((parameter) => parameter !== '' && parameter !== 'offset=0').sort();
  return `${origin}${path.slice(0, query)}${parameters.length === 0 ? '' : '?'}${parameters.join('&')}`;
}

const secretParameter = /([?&](?:[^=&#]*(?:token|secret|password|passwd|signature|api[-_]?key)|key|sig|auth)=)[^&#]*/gi;

/** A URL as it may be printed: no user before the host, and no value of a parameter whose name says it is a secret. */
export function printableUrl(text: string): string {
  if (!text.includes('@') && !text.includes('?')) return text;
  return text.replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/?#\\]*@/i, '$1').replace(secretParameter, '$1***');
}

function mergePaths(basePath: string, reference: string): string {
  const folders = basePath.split('/').slice(0, -1);
  let rest = reference;
  for (;;) {
    if (rest === '.' || rest === '..') rest += '/';
    if (rest.startsWith('./')) rest = rest.slice(2);
    else if (rest.startsWith('../')) {
      rest = rest.slice(3);
      folders.pop();
    } else return `${folders.join('/')}/${rest}`;
  }
}

function originOf(scheme: string, host: string): string | undefined {
  if (host === '') return undefined;
  try {
    return new URL(`${scheme}://${host}/`).origin;
  } catch {
    return undefined;
  }
}

const unsendable = /[^\x21-\x7e]|["<>\\]/;

function escapePath(path: string): string {
  return unsendable.test(path) ? path.toWellFormed().replace(/(?:[^\x21-\x7e]|["<>\\])+/g, encodeURIComponent) : path;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
