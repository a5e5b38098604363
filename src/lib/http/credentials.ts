import { hash } from 'node:crypto';
import type { NetrcEntry } from './netrc.ts';
import { netrcEntryFor } from './netrc.ts';
import type { UserInfo } from './url.ts';

/** Who we are to whom. */
export interface Credentials {
  /** Header fields that belong to this origin (scheme, host and port) and to no other. */
  headersFor(origin: string): { readonly [name: string]: string } | undefined;
  /** Tells one set of credentials from another, without saying what they are. */
  readonly fingerprint: string;
  /** `text` without anything secret: servers like to repeat what they refuse. */
  redact(text: string): string;
}

/** Where credentials come from, the nearest first. */
export interface CredentialSources {
  /** The one origin that everything but netrc entries belongs to. */
  readonly origin: string;
  /** Sent as Basic. Comes before all others. */
  readonly user?: UserInfo;
  /** Environment variables: `SYNCLINE_TOKEN`, and `SYNCLINE_HEADER_X_API_KEY` for a header `x-api-key`. */
  readonly environment: { readonly [name: string]: string | undefined };
  readonly netrc?: readonly NetrcEntry[];
}

/** A credential that cannot be sent as it is. Its message names where it came from, never what it is. */
export class CredentialsFailure extends Error {
  override readonly name = 'CredentialsFailure';
}

const headerPrefix = 'SYNCLINE_HEADER_';

/**
 * Binds credentials to the origin they were given for. Entries of a netrc file go to the hosts they name, over https;
 * over plain http only to that origin, and so does its default entry.
 */
export function bindCredentials({ origin, user, environment, netrc = [] }: CredentialSources): Credentials {
  const own = environmentHeaders(environment);
  const token = environment['SYNCLINE_TOKEN'];
  if (user !== undefined) own['authorization'] = basic(user.username, user.password ?? '');
  else if (token !== undefined && token !== '') own['authorization'] ??= `Bearer ${sendable(token.trim(), 'SYNCLINE_TOKEN')}`;
  const secrets = [user?.password, ...netrc.map(({ password }) => password), ...Object.values(own).flatMap((value) => [value, value.slice(value.indexOf(' ') + 1)])];
  const known = new Map<string, { readonly [name: string]: string } | undefined>();
  const find = (at: string): { readonly [name: string]: string } | undefined => {
    const named = at === origin && own['authorization'] !== undefined ? undefined : netrcHeaders(netrc, at, origin);
    return at === origin ? { ...named, ...own } : named;
  };
  return {
    headersFor(at) {
      if (!known.has(at)) known.set(at, find(at));
      return known.get(at);
    },
    // A password may be guessed from its digest, so the user stands for it; of other secrets only a few bits are kept.
    fingerprint: user === undefined ? hash('sha256', JSON.stringify(find(origin) ?? {})).slice(0, 6) : hash('sha256', user.username).slice(0, 12),
    redact(text) {
      let redacted = text;
      for (const secret of secrets) if (secret !== undefined && secret !== '') redacted = redacted.replaceAll(secret, '***');
      return redacted;
    },
  };
}

function environmentHeaders(environment: { readonly [name: string]: string | undefined }): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [variable, value] of Object.entries(environment)) {
    if (!variable.startsWith(headerPrefix) || value === undefined || value === '') continue;
    const name = variable.slice(headerPrefix.length).toLowerCase().replaceAll('_', '-');
    if (!/^[a-z0-9-]+$/.test(name)) throw new CredentialsFailure(`${variable} does not name a header field`);
    headers[name] = sendable(value, variable);
  }
  return headers;
}

function netrcHeaders(netrc: readonly NetrcEntry[], at: string, origin: string): { readonly [name: string]: string } | undefined {
  if (at !== origin && !at.startsWith('https:')) return undefined;
  const entry = netrcEntryFor(netrc, new URL(at).hostname, { orDefault: at === origin });
  return entry?.password === undefined ? undefined : { authorization: basic(entry.login ?? '', entry.password) };
}

function basic(username: string, password: string): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}

function sendable(value: string, from: string): string {
  if (/[^\t\x20-\x7e\x80-\xff]/.test(value)) throw new CredentialsFailure(`${from} holds a character that a header field cannot carry`);
  return value;
}
