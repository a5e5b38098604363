import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SyncError } from '../../model/errors.ts';
import type { Host } from '../../model/host.ts';

/** One line that concerns a host. */
interface KnownKey {
  readonly type: string;
  readonly key: Buffer;
  readonly revoked: boolean;
  readonly place: string;
}

export interface HostKeyOptions {
  readonly host: string;
  readonly port: number;
  /** The file to look into. Default: those that OpenSSH looks into. */
  readonly knownHosts?: string | undefined;
  /** The only key that is taken, as `SHA256:…`. Files are then not asked. */
  readonly hostKey?: string | undefined;
}

/** What keys a server may show. */
export interface HostKeys {
  /** The kinds of keys that are known of the server, the most wanted first; empty where any will do. */
  readonly types: readonly string[];
  /** Why a key is not taken; `undefined` where it is. */
  refusal(key: Buffer): SyncError | undefined;
}

/** Reads what is known of the keys of a server. Throws `invalid` where what was named cannot be read. */
export function hostKeysOf({ host, port, knownHosts, hostKey }: HostKeyOptions, environment: Host['environment']): HostKeys {
  const place = port === 22 ? host : `${host} at port ${port}`;
  if (hostKey !== undefined) {
    const wanted = fingerprintGiven(hostKey);
    return {
      types: [],
      refusal: (key) => (fingerprintOf(key) === wanted ? undefined : new SyncError('denied', `${place} shows the host key ${fingerprintOf(key)}, and not ${wanted}, which it is to have`, { hint: 'ask whoever runs the server: if its key was changed, name the new one' })),
    };
  }
  const keys = filesToAsk(knownHosts, environment).flatMap((file) => keysIn(file, namesOf(host, port), knownHosts !== undefined));
  const good = keys.filter(({ revoked }) => !revoked);
  return {
    types: [...new Set(good.map(({ type }) => type))],
    refusal(shown) {
      const revoked = keys.find((known) => known.revoked && known.key.equals(shown));
      if (revoked) return new SyncError('denied', `the host key of ${place} was revoked (${revoked.place})`, { hint: 'do not connect; ask whoever runs the server' });
      if (good.some(({ key }) => key.equals(shown))) return undefined;
      const other = good.find(({ type }) => type === typeOf(shown)) ?? good[0];
      if (other) return new SyncError('denied', `the host key of ${place} is not the one that is known (${other.place}): it may be another server, or somebody in between. It shows ${fingerprintOf(shown)}`, { hint: `ask whoever runs the server; if its key was changed, remove the old one (ssh-keygen -R ${sshName(host, port)}) and add the new one` });
      return new SyncError('denied', `the host key of ${place} is not known: it shows ${fingerprintOf(shown)}`, { hint: `compare it with what whoever runs the server says, then add it to ~/.ssh/known_hosts (ssh-keyscan${port === 22 ? '' : ` -p ${port}`} ${host}), or name it as host-key` });
    },
  };
}

/** The fingerprint of a key, as OpenSSH writes it. */
function fingerprintOf(key: Buffer): string {
  return `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`;
}

/** In a query string a plus sign stands for a space, and a fingerprint holds no spaces. */
function fingerprintGiven(text: string): string {
  const given = text.replaceAll(' ', '+').replace(/=+$/, '');
  if (!/^SHA256:[A-Za-z0-9+/]{43}$/.test(given)) throw new SyncError('invalid', `${JSON.stringify(text)} is not the fingerprint of a host key`, { hint: 'write SHA256: and 43 characters, as ssh-keygen -l shows it' });
  return given;
}

function filesToAsk(named: string | undefined, environment: Host['environment']): readonly string[] {
  if (named !== undefined) return [named];
  const home = environment['HOME'] ?? environment['USERPROFILE'];
  const system = ['/etc/ssh/ssh_known_hosts', '/etc/ssh/ssh_known_hosts2'];
  return [...(home ? ['known_hosts', 'known_hosts2'].map((name) => join(home, '.ssh', name)) : []), ...system];
}

function sshName(host: string, port: number): string {
  return port === 22 ? host : `'[${host}]:${port}'`;
}

/** What a line may call the server. */
function namesOf(host: string, port: number): readonly string[] {
  const name = host.toLowerCase();
  return port === 22 ? [name] : [`[${name}]:${port}`];
}

function keysIn(file: string, names: readonly string[], isRequired: boolean): readonly KnownKey[] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    if (!isRequired) return [];
    throw new SyncError('invalid', `the known hosts cannot be read from ${file} (${(cause as NodeJS.ErrnoException).code})`, { cause, hint: 'name a file that can be read' });
  }
  return text.split('\n').flatMap((line, i) => {
    const fields = line.trim().split(/\s+/);
    const marker = fields[0]?.startsWith('@') ? fields.shift() : undefined;
    const [hosts = '', type = '', base64 = ''] = fields;
    // A certificate authority vouches for certificates, which are not asked for.
    if (hosts === '' || hosts.startsWith('#') || base64 === '' || (marker !== undefined && marker !== '@revoked')) return [];
    if (!names.some((name) => isNamed(hosts, name))) return [];
    return [{ type, key: Buffer.from(base64, 'base64'), revoked: marker === '@revoked', place: `${file}, line ${i + 1}` }];
  });
}

function isNamed(hosts: string, name: string): boolean {
  if (hosts.startsWith('|')) return isHashed(hosts, name);
  let named = false;
  for (const pattern of hosts.toLowerCase().split(',')) {
    if (pattern.startsWith('!')) {
      if (isLike(pattern.slice(1), name)) return false;
    } else if (isLike(pattern, name)) named = true;
  }
  return named;
}

/** `|1|salt|HMAC-SHA1 of the name`. */
function isHashed(text: string, name: string): boolean {
  const [, version, salt = '', digest = ''] = text.split('|');
  if (version !== '1') return false;
  const found = createHmac('sha1', Buffer.from(salt, 'base64')).update(name).digest();
  const wanted = Buffer.from(digest, 'base64');
  return found.length === wanted.length && timingSafeEqual(found, wanted);
}

/** `*` stands for any characters and `?` for one. Never takes longer than the two lengths multiplied. */
function isLike(pattern: string, name: string): boolean {
  let [at, from, star, tried] = [0, 0, -1, 0];
  while (from < name.length) {
    if (at < pattern.length && pattern[at] !== '*' && (pattern[at] === '?' || pattern[at] === name[from])) {
      at++;
      from++;
    } else if (pattern[at] === '*') {
      star = at++;
      tried = from;
    } else if (star >= 0) {
      at = star + 1;
      from = ++tried;
    } else return false;
  }
  while (pattern[at] === '*') at++;
  return at === pattern.length;
}

/** The type that a key names itself. */
function typeOf(key: Buffer): string {
  return key.length < 4 ? '' : key.subarray(4, 4 + key.readUInt32BE(0)).toString('latin1');
}
