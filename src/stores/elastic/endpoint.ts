import { SyncError } from '../../model/errors.ts';

/** The two families of servers, which speak nearly the same. */
export type Family = 'elasticsearch' | 'opensearch';

/** An endpoint as read. */
export interface Endpoint {
  /** Scheme, host and port of every host, the first to be asked first. */
  readonly origins: readonly string[];
  /** The names and patterns of indices; one name without a star may also be a prefix. Empty: all. */
  readonly path: string;
  readonly user?: string;
  /** Fit to print. */
  readonly name: string;
  /** Equal for every spelling of the place. */
  readonly identity: string;
}

const mostHosts = 100;

/**
 * Reads `elasticsearch://host:port,host:port/path`. `+https` behind the scheme, or `secure`, is TLS. Throws `invalid`
 * with a sentence, and where a password is given.
 */
export function parseEndpoint(endpoint: string, family: Family, secure: boolean): Endpoint {
  const [, suffix = '', authority = '', rest = ''] = /^[a-z]+(\+[a-z]+)?:\/\/([^/]*)(.*)$/is.exec(endpoint) ?? [];
  const at = authority.lastIndexOf('@');
  const userInfo = at < 0 ? undefined : authority.slice(0, at);
  const tls = secure || suffix.toLowerCase() === '+https';
  const shown = `${family}${tls ? '+https' : ''}://${authority.slice(at + 1)}${rest}`;
  const [usual, variables] = [`write ${family}://host:port/name`, family === 'elasticsearch' ? 'ELASTIC_USERNAME and ELASTIC_PASSWORD' : 'OPENSEARCH_USERNAME and OPENSEARCH_PASSWORD'];
  if (suffix !== '' && !['+http', '+https'].includes(suffix.toLowerCase())) throw new SyncError('invalid', `${shown} has a scheme that is not known`, { hint: `write ${family}:// or ${family}+https://` });
  if (userInfo?.includes(':')) throw new SyncError('invalid', `${shown} is given with a password, which others could read`, { hint: `leave it out, and set ${variables}` });
  const hosts = authority.slice(at + 1).split(',').map((host) => hostOf(host.trim(), tls));
  if (hosts.length > mostHosts || hosts.some((host) => host === undefined)) throw new SyncError('invalid', `${shown} does not name a server`, { hint: usual });
  const path = decoded(rest).replace(/^\/+|\/+$/g, '');
  if (!path.isWellFormed() || /[\s\u0000-\u001f\\/"<>|#]/.test(path) || path.split(',').some((name) => name === '' && path !== '')) throw new SyncError('invalid', `${shown} names no index that there can be`, { hint: usual });
  const known = hosts as readonly string[];
  const user = userInfo === undefined || userInfo === '' ? undefined : decoded(userInfo);
  return {
    origins: known.map((host) => `${tls ? 'https' : 'http'}://${host}`), path, name: shown.replace(/\/+$/, ''),
    // Two families at one address cannot be, and neither can the two ways to speak to it.
    identity: `search://${known.toSorted().join(',')}/${path.split(',').toSorted().join(',')}`,
    ...(user !== undefined && { user }),
  };
}

/** Host and port in one spelling; `undefined` where it is none. */
function hostOf(host: string, tls: boolean): string | undefined {
  if (!/^(?:\[[0-9a-f:.]+\]|[^\s:[\]?#\\]+)(?::\d{1,5})?$/i.test(host)) return undefined;
  const withPort = /:\d+$/.test(host) ? host : `${host}:9200`;
  if (!URL.canParse(`http://${withPort}/`)) return undefined;
  const { hostname, port } = new URL(`http://${withPort}/`);
  // The usual port of the scheme is left out by the platform.
  return `${hostname}:${port === '' ? '80' : port}`.replace(tls ? /:443$/ : /:80$/, '');
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/**
 * The header field that says who we are, by the environment: an API key, else a name and a password. `undefined` where
 * nothing is set.
 */
export function authorizationFor(family: Family, user: string | undefined, environment: { readonly [name: string]: string | undefined }): string | undefined {
  const prefix = family === 'elasticsearch' ? 'ELASTIC' : 'OPENSEARCH';
  const given = (name: string): string | undefined => environment[`${prefix}_${name}`] || undefined;
  const key = user === undefined ? given('API_KEY')?.trim() : undefined;
  if (key !== undefined) {
    if (!/^[\x21-\x7e]+$/.test(key)) throw new SyncError('invalid', `${prefix}_API_KEY holds a character that a header field cannot carry`, { hint: 'set it to the key as it was given out, in one line' });
    // Given out as an id and a secret, the key is their encoding.
    return `ApiKey ${key.includes(':') ? Buffer.from(key).toString('base64') : key}`;
  }
  const password = given('PASSWORD');
  const name = user ?? given('USERNAME') ?? (password === undefined ? undefined : family === 'elasticsearch' ? 'elastic' : 'admin');
  if (name === undefined) return undefined;
  if (password === undefined) throw new SyncError('invalid', `there is no password for ${JSON.stringify(name)}`, { hint: `set ${prefix}_PASSWORD` });
  return `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`;
}
