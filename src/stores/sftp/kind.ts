import { SyncError } from '../../model/errors.ts';
import type { Host } from '../../model/host.ts';
import type { OptionSpec, StoreKind } from '../../model/kind.ts';
import { Place } from './place.ts';
import type { Links } from './place.ts';
import { Session } from './session.ts';
import { sftpCapabilities, SftpStore } from './sftp-store.ts';

export interface SftpOptions {
  readonly user?: string;
  readonly key?: string;
  readonly knownHosts?: string;
  readonly hostKey?: string;
  readonly hidden?: 'include' | 'skip';
  readonly missing?: 'refuse' | 'empty';
  readonly links?: Links;
  readonly durable?: boolean;
  readonly concurrency?: number;
  readonly maxAttempts?: number;
  readonly timeoutMs?: number;
  readonly keepaliveMs?: number;
}

const options: readonly OptionSpec[] = [
  { name: 'user', summary: 'who to log in as (default: who the endpoint names, else whoever runs this)', value: 'text' },
  { name: 'key', summary: 'the file of the private key to show (default: the keys of the agent, then those in ~/.ssh)', value: 'text' },
  { name: 'knownHosts', summary: 'the file that holds the keys of known servers (default: ~/.ssh/known_hosts and those of the system)', value: 'text' },
  { name: 'hostKey', summary: 'the fingerprint of the only server key that is taken, as SHA256:…; no file is then asked', value: 'text' },
  { name: 'hidden', summary: 'whether files and directories that begin with a dot take part', value: 'choice', choices: ['include', 'skip'], default: 'include' },
  { name: 'missing', summary: 'whether a directory that does not exist is refused or empty', value: 'choice', choices: ['refuse', 'empty'], default: 'refuse' },
  { name: 'links', summary: 'whether symbolic links are passed over, read as what they lead to (files: unless that is a directory), or kept as links', value: 'choice', choices: ['skip', 'follow', 'files', 'keep'], default: 'skip' },
  { name: 'durable', summary: 'whether files are forced to the disk of the server, where it can, before they count as written', value: 'flag', default: true },
  { name: 'concurrency', summary: 'files under way at once', value: 'number', default: 16 },
  { name: 'maxAttempts', summary: 'how often something is tried at most, when connections fail', value: 'number', default: 5 },
  { name: 'timeoutMs', summary: 'milliseconds to wait for a connection, and for the next answer', value: 'number', default: 60_000 },
  { name: 'keepaliveMs', summary: 'milliseconds of silence after which the server is asked whether it is still there; 0: never', value: 'number', default: 15_000 },
];

/** Directories on servers that speak SFTP. */
export const kind: StoreKind<SftpOptions> = {
  name: 'sftp',
  summary: 'a directory on a server, over SSH: files as they are, or one YAML or JSON file per resource',
  endpoint: 'sftp://user@host:port/path',
  options,
  capabilities: sftpCapabilities,
  open,
};

async function open(endpoint: string, given: SftpOptions, host: Host): Promise<SftpStore> {
  const { address, port, path, user: named } = parseEndpoint(endpoint);
  const { environment } = host;
  const user = given.user ?? named ?? environment['USER'] ?? environment['LOGNAME'] ?? environment['USERNAME'];
  if (!user) throw new SyncError('invalid', `${shownOf(address, port, path)} does not say who to log in as`, { hint: 'write the user and an @ before the host' });
  const { concurrency = 16, maxAttempts = 5, timeoutMs = 60_000, keepaliveMs = 15_000 } = given;
  for (const [name, value] of Object.entries({ concurrency, maxAttempts, timeoutMs })) {
    if (!Number.isSafeInteger(value) || value < 1) throw new SyncError('invalid', `${name} is ${value}, and not a whole number from 1 up`, { hint: `give ${name} another value` });
  }
  const { key, knownHosts, hostKey, links = 'skip', hidden = 'include', durable = true, missing = 'refuse' } = given;
  const session = new Session({ host, address, port, user, key, knownHosts, hostKey, maxAttempts, timeoutMs, keepaliveMs });
  const name = shownOf(address, port, path);
  const place = new Place({ session, host, name, root: path, links, hidden });
  // Where the folder of whoever logs in is depends on who that is.
  const identity = path.startsWith('~') ? `sftp://${encodeURIComponent(user)}@${hostOf(address, port)}/${path}` : `sftp://${hostOf(address, port)}${path}`;
  // Most servers take paths of 4,095 bytes, and a file being written needs its room, too.
  const keyBytes = Math.max(255, (path.startsWith('~') ? 3_700 : 4_000) - Buffer.byteLength(path));
  return new SftpStore({ identity, place, concurrency, durable, missingIsEmpty: missing === 'empty', keyBytes });
}

interface Endpoint {
  readonly address: string;
  readonly port: number;
  readonly user?: string;
  /** Absolute and without a slash at its end, or one that begins with `~`. */
  readonly path: string;
}

function parseEndpoint(endpoint: string): Endpoint {
  const [, authority = '', rest = ''] = /^sftp:\/\/([^/]*)(.*)$/is.exec(endpoint) ?? [];
  const at = authority.lastIndexOf('@');
  const userInfo = at < 0 ? undefined : authority.slice(0, at);
  const shown = `sftp://${authority.slice(at + 1)}${rest}`;
  if (userInfo?.includes(':')) throw new SyncError('invalid', `${shown} is given with a password, which others could read`, { hint: 'leave it out, and set SYNCLINE_SFTP_PASSWORD' });
  const [, bracketed, plain, digits] = /^(?:\[([^\]]+)\]|([^:[\]]+))(?::(\d+))?$/.exec(authority.slice(at + 1)) ?? [];
  const address = bracketed ?? plain;
  const port = digits === undefined ? 22 : Number(digits);
  if (address === undefined || /[\s\0]/.test(address) || port < 1 || port > 65_535) throw new SyncError('invalid', `${shown} does not name a server`, { hint: 'write sftp://user@host:port/path' });
  const user = userInfo === undefined || userInfo === '' ? undefined : decoded(userInfo);
  return { address: address.toLowerCase(), port, ...(user !== undefined && { user }), path: pathIn(decoded(rest), shown) };
}

function pathIn(text: string, shown: string): string {
  const parts = text.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..') || text.includes('\0') || !text.isWellFormed()) throw new SyncError('invalid', `${shown} does not name a directory`, { hint: 'write an absolute path, or one that begins with /~/' });
  return parts[0] === '~' ? parts.join('/') : parts.map((part) => `/${part}`).join('');
}

function hostOf(address: string, port: number): string {
  const host = address.includes(':') ? `[${address}]` : address;
  return port === 22 ? host : `${host}:${port}`;
}

function shownOf(address: string, port: number, path: string): string {
  return `sftp://${hostOf(address, port)}${path.startsWith('~') ? '/' : ''}${path}`;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
