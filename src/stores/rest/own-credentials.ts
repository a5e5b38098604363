import { readFileSync, statSync } from 'node:fs';
import { join, sep } from 'node:path';
import type { Credentials } from '../../lib/http/credentials.ts';
import { bindCredentials } from '../../lib/http/credentials.ts';
import type { NetrcEntry } from '../../lib/http/netrc.ts';
import { netrcEntryFor, parseNetrc } from '../../lib/http/netrc.ts';
import type { UserInfo } from '../../lib/http/url.ts';
import { SyncError } from '../../model/errors.ts';
import type { Host } from '../../model/host.ts';

export interface CredentialOptions {
  /** The endpoint's scheme, host and port. */
  readonly origin: string;
  /** What the endpoint itself names. */
  readonly userInfo: UserInfo | undefined;
  readonly username: string | undefined;
  readonly netrcFile: string | undefined;
  readonly host: Host;
}

/**
 * The credentials for an endpoint: the user it or an option names, else a token or headers from the environment, else
 * a netrc file. Asks for a password that is nowhere to be found; throws `denied` where nobody can be asked.
 */
export async function ownCredentials({ origin, userInfo, username, netrcFile, host }: CredentialOptions): Promise<Credentials> {
  const { environment } = host;
  const netrc = readNetrc(netrcFile, host);
  const name = username ?? userInfo?.username;
  const given = username === undefined || username === userInfo?.username ? userInfo?.password : undefined;
  const user = name === undefined ? undefined : { username: name, password: given ?? await passwordOf(name, origin, netrc, host) };
  return bindCredentials({ origin, environment, netrc, ...(user && { user }) });
}

async function passwordOf(login: string, origin: string, netrc: readonly NetrcEntry[], host: Host): Promise<string> {
  const known = host.environment['SYNCLINE_PASSWORD'] ?? netrcEntryFor(netrc, new URL(origin).hostname, { login, orDefault: true })?.password;
  if (known !== undefined) return known;
  if (host.askSecret === undefined) {
    throw new SyncError('denied', `no password is known for ${login} at ${origin}`, { hint: 'set SYNCLINE_PASSWORD, or add the host to a netrc file' });
  }
  return host.askSecret(`Password for ${login} at ${origin}: `);
}

/** The entries of the netrc file that was named, or of the one in the home folder if there is one. */
function readNetrc(named: string | undefined, { environment, log }: Host): readonly NetrcEntry[] {
  const home = environment['HOME'] ?? environment['USERPROFILE'];
  const chosen = named ?? environment['SYNCLINE_NETRC'];
  const file = chosen ?? (home === undefined ? undefined : join(home, '.netrc'));
  if (file === undefined) return [];
  try {
    const text = readFileSync(file, 'utf8');
    if (sep === '/' && (statSync(file).mode & 0o077) !== 0) log('warn', `${file} holds passwords and can be read by others: chmod 600 it`);
    return parseNetrc(text);
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    if (chosen === undefined) {
      if (code !== 'ENOENT' && code !== 'ENOTDIR') log('warn', `${file} cannot be read (${code}), so it is left out`);
      return [];
    }
    throw new SyncError('invalid', `${file} cannot be read (${code})`, { cause, hint: 'name a netrc file that can be' });
  }
}
