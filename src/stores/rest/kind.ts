import { openHttp } from '../../lib/http/client.ts';
import type { Credentials } from '../../lib/http/credentials.ts';
import type { HttpRetry } from '../../lib/http/client.ts';
import type { HttpUrl } from '../../lib/http/url.ts';
import { parseUrl, printableUrl, userInfoOf } from '../../lib/http/url.ts';
import { limits } from '../../lib/limits.ts';
import type { ResponseCache } from '../../lib/response-cache.ts';
import { SyncError } from '../../model/errors.ts';
import type { Host } from '../../model/host.ts';
import type { OptionSpec, StoreKind } from '../../model/kind.ts';
import type { Capabilities } from '../../model/store.ts';
import { hal } from '../../schema/hal.ts';
import { readPattern, withPattern } from '../../schema/pattern.ts';
import { simple } from '../../schema/simple.ts';
import type { Follow } from './context.ts';
import { toRestError } from './failure.ts';
import { ownCredentials } from './own-credentials.ts';
import { RestStore } from './rest-store.ts';

export interface RestOptions {
  readonly schema?: 'hal' | 'simple';
  readonly address?: string;
  readonly follow?: Follow;
  readonly limit?: number;
  readonly format?: 'json' | 'yaml';
  readonly batchSize?: number;
  readonly maxAttempts?: number;
  readonly timeoutMs?: number;
  readonly concurrency?: number;
  readonly username?: string;
  readonly netrcFile?: string;
  /** Where answers are remembered between runs. */
  readonly responses?: ResponseCache;
  readonly onRetry?: (retry: HttpRetry) => void;
}

const defaults = { limit: 100, batchSize: 1, maxAttempts: 5, timeoutMs: 30_000, concurrency: 16 } as const;

const options: readonly OptionSpec[] = [
  { name: 'schema', summary: 'How documents name themselves and their parents', value: 'choice', choices: ['hal', 'simple'], default: 'hal' },
  { name: 'address', summary: 'Where resources are that do not say so themselves, as in /api/{collection}/{id}', value: 'text' },
  { name: 'follow', summary: 'Which links to follow when reading; page: to the next and previous pages, and to the next one by the header Link where a list does not name it', value: 'choice', choices: ['all', 'child', 'page', 'none'], default: 'page' },
  { name: 'limit', summary: 'Resources in one page, asked for in the header X-Request-Limit', value: 'number', default: defaults.limit },
  { name: 'format', summary: 'The form in which documents are sent', value: 'choice', choices: ['json', 'yaml'], default: 'json' },
  { name: 'batchSize', summary: 'The most resources sent in one request, where the server takes several', value: 'number', default: defaults.batchSize },
  { name: 'maxAttempts', summary: 'How often a request is sent at most, when connections or servers fail', value: 'number', default: defaults.maxAttempts },
  { name: 'timeoutMs', summary: 'Milliseconds to wait for a connection, an answer, and each piece of it', value: 'number', default: defaults.timeoutMs },
  { name: 'concurrency', summary: 'Requests under way at once to one host', value: 'number', default: defaults.concurrency },
  { name: 'username', summary: 'The user to log in as; the password comes from SYNCLINE_PASSWORD, a netrc file or a prompt', value: 'text' },
  { name: 'netrcFile', summary: 'A netrc file to take passwords from (default: SYNCLINE_NETRC, else ~/.netrc)', value: 'text' },
];

const capabilities: Capabilities = {
  holds: 'documents',
  order: 'none',
  enumerates: 'collections',
  reads: 'dear',
  modifiedAt: 'none',
  modifiedAtPrecision: 1,
  digests: ['document'],
  expects: [],
  deletes: true,
  dependencies: 'required',
  visibility: 'immediate',
  // A few PUTs at a time, so that what is sent is not read from the other side one by one.
  limits: { batchEntries: 4, inFlight: defaults.concurrency, keyBytes: 2048 },
};

/** REST APIs whose resources are documents with links: HAL, or the simple schema. */
export const kind: StoreKind<RestOptions> = {
  name: 'rest',
  summary: 'Resources of a REST API, as HAL or simple JSON or YAML, found by following links',
  endpoint: 'http(s)://host/path',
  options,
  capabilities,
  open,
};

async function open(endpoint: string, given: RestOptions, host: Host): Promise<RestStore> {
  const { schema = 'hal', address, follow = 'page', format = 'json', username, netrcFile, responses } = given;
  const named = schema === 'simple' ? simple : hal;
  const numbers = { limit: given.limit ?? defaults.limit, batchSize: given.batchSize ?? defaults.batchSize, maxAttempts: given.maxAttempts ?? defaults.maxAttempts, timeoutMs: given.timeoutMs ?? defaults.timeoutMs, concurrency: given.concurrency ?? defaults.concurrency };
  for (const [name, value] of Object.entries(numbers)) {
    if (!Number.isSafeInteger(value) || value < 1) throw new SyncError('invalid', `${name} is ${value}, and not a whole number from 1 up`, { hint: `give ${name} another value` });
  }
  const base = parseUrl(endpoint);
  if (base === undefined) throw new SyncError('invalid', `${printableUrl(endpoint)} is not an http or https address`, { hint: 'write https://host/path' });
  const { limit, batchSize, maxAttempts, timeoutMs, concurrency } = numbers;
  const credentials = await credentialsFor(base, { endpoint, username, netrcFile, host });
  const { onRetry = ({ url, failed, inMs, reason }) => host.log('info', `${url}: ${reason}; attempt ${failed + 1} in ${Math.ceil(inMs)} ms`) } = given;
  const http = openHttp({
    timeoutMs, connections: concurrency, maxAttempts, maxBodyBytes: limits.documentBytes, userAgent: 'syncline', credentials, onRetry,
    now: () => host.now(), random: () => host.random(), sleep: (ms, signal) => host.sleep(ms, signal),
  });
  return new RestStore({
    base, http, credentials, responses, host,
    schema: address === undefined ? named : withPattern(named, readPattern(address)),
    settings: { follow, limit, format, batchSize, concurrency },
    capabilities: {
      ...capabilities,
      limits: { ...capabilities.limits, ...(batchSize > 1 && { batchEntries: batchSize }), inFlight: concurrency },
    },
  });
}

async function credentialsFor({ origin }: HttpUrl, { endpoint, username, netrcFile, host }: {
  readonly endpoint: string;
  readonly username: string | undefined;
  readonly netrcFile: string | undefined;
  readonly host: Host;
}): Promise<Credentials> {
  try {
    return await ownCredentials({ origin, userInfo: userInfoOf(endpoint), username, netrcFile, host });
  } catch (error) {
    throw toRestError(error, printableUrl(endpoint));
  }
}
