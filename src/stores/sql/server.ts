import { SyncError } from '../../model/errors.ts';

/** What an endpoint says of a server. */
export interface Server {
  /** A name, an address, or the path of a socket's directory. */
  readonly host?: string;
  readonly port?: number;
  readonly user?: string;
  /** What stands behind the first slash. */
  readonly path?: string;
}

/** After so long without a word the platform sees whether the server is still there. One that sorts takes longer, but answers that; one that is gone would be waited for without end. */
export const silentMs: number = 30_000;

/** Reads an endpoint such as `scheme://user@host:port/database`. Throws `invalid` where it holds a password, and says where that belongs. */
export function serverOf(endpoint: string, passwords: string): Server {
  const [, scheme = '', authority = '', rest = ''] = /^([a-z]+):\/\/([^/]*)\/?(.*)$/is.exec(endpoint) ?? [];
  const at = authority.lastIndexOf('@');
  const shown = `${scheme}://${authority.slice(at + 1)}/${rest}`;
  const given = at < 0 ? '' : authority.slice(0, at);
  if (given.includes(':')) throw new SyncError('invalid', `${shown} is given with a password, which others could read`, { hint: `leave it out, and set ${passwords}` });
  const [matched, bracketed, plain, digits] = /^(?:\[([^\]]+)\]|([^:[\]]*))(?::(\d+))?$/.exec(authority.slice(at + 1)) ?? [];
  const port = digits === undefined ? undefined : Number(digits);
  if (matched === undefined || (port !== undefined && (port < 1 || port > 65_535)) || rest.includes('/')) throw new SyncError('invalid', `${shown} does not name a database`, { hint: `write ${scheme}://user@host:port/database` });
  const [host, user, path] = [decoded(bracketed ?? plain ?? '', shown), decoded(given, shown), decoded(rest, shown)];
  return { ...(host !== '' && { host: host.startsWith('/') ? host : host.toLowerCase() }), ...(port !== undefined && { port }), ...(user !== '' && { user }), ...(path !== '' && { path }) };
}

function decoded(text: string, shown: string): string {
  try {
    return decodeURIComponent(text);
  } catch (cause) {
    throw new SyncError('invalid', `${shown} holds a per-cent sign that begins no escape`, { cause, hint: 'write it as %25' });
  }
}
