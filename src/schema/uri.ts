/** The parts of a URI that schemas read, as written: nothing is rewritten, so `..` and escapes stay visible. */
export interface UriParts {
  /** Scheme, host and port, as in `https://h:8080`; empty for a reference without them. */
  readonly origin: string;
  readonly path: string;
  /** With its question mark, or empty. */
  readonly query: string;
}

const shape = /^([a-z][a-z0-9+.-]*:\/\/[^/?#]*)?([^?#]*)(\?[^#]*)?/i;

/** Splits a URI, resolving a relative reference against `base` where there is one (RFC 3986, section 5). */
export function splitUri(uri: string, base?: string): UriParts {
  const [, origin = '', path = '', query = ''] = shape.exec(uri) ?? [];
  if (origin !== '' || base === undefined || !URL.canParse(base)) return { origin, path, query };
  if (path.startsWith('/') && !path.startsWith('//')) return { origin: new URL(base).origin, path, query };
  const resolved = URL.parse(uri, base);
  return resolved ? { origin: resolved.origin, path: resolved.pathname, query: resolved.search } : { origin, path, query };
}

/** The path's segments, decoded, without empty ones at the end; `undefined` where the path climbs (`..`) or cannot be decoded. */
export function segmentsOf(path: string): readonly string[] | undefined {
  const segments = path.replace(/\/+$/, '').split('/');
  try {
    const decoded = segments.map((segment) => (segment.includes('%') ? decodeURIComponent(segment) : segment));
    return decoded.some((segment) => segment === '..' || segment === '.') ? undefined : decoded;
  } catch {
    return undefined;
  }
}

/** The path of the collection that a resource's path lies in: all but its last segment. */
export function parentPath(path: string): string | undefined {
  const trimmed = path.replace(/\/+$/, '');
  const slash = trimmed.lastIndexOf('/');
  return slash > 0 ? trimmed.slice(0, slash) : undefined;
}
