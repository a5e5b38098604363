import { openHttp } from '../../lib/http/client.ts';
import { parseUrl } from '../../lib/http/url.ts';
import { LoginSession } from '../../lib/openstack/login-session.ts';
import type { Interface, Named, Settings } from '../../lib/openstack/settings.ts';
import { settingsFor } from '../../lib/openstack/settings.ts';
import { openTransfer } from '../../lib/openstack/transfer.ts';
import { SyncError } from '../../model/errors.ts';
import type { Host } from '../../model/host.ts';
import type { Keeping, KeepingRules } from '../../model/keeping.ts';
import type { OptionSpec, StoreKind } from '../../model/kind.ts';
import { SwiftClient } from './client.ts';
import { nameBytes, SwiftContext } from './context.ts';
import { toSwiftError } from './failure.ts';
import { swiftCapabilities, SwiftStore } from './swift-store.ts';

export interface SwiftOptions {
  readonly cloud?: string;
  readonly region?: string;
  readonly interface?: Interface;
  readonly storageUrl?: string;
  readonly create?: boolean;
  readonly missing?: 'refuse' | 'empty';
  readonly segmentSize?: number;
  readonly segmentContainer?: string;
  readonly concurrency?: number;
  readonly memory?: number;
  readonly maxAttempts?: number;
  readonly timeoutMs?: number;
  /** How objects are kept, by their keys: of what content type, and cached for how long. */
  readonly keeping?: KeepingRules | undefined;
}

const mebibyte = 1024 * 1024;

const options: readonly OptionSpec[] = [
  { name: 'cloud', summary: 'a cloud of clouds.yaml (default: OS_CLOUD)', value: 'text' },
  { name: 'region', summary: 'the region of the object store (default: OS_REGION_NAME)', value: 'text' },
  { name: 'interface', summary: 'which of its addresses to use (default: OS_INTERFACE, else public)', value: 'choice', choices: ['public', 'internal', 'admin'] },
  { name: 'storageUrl', summary: 'where the account is, whatever the service catalogue says (default: OS_STORAGE_URL)', value: 'text' },
  { name: 'create', summary: 'make the container when something is written and it does not exist', value: 'flag', default: false },
  { name: 'missing', summary: 'whether a container that does not exist, but would be made, is refused or empty', value: 'choice', choices: ['refuse', 'empty'], default: 'refuse' },
  { name: 'segmentSize', summary: 'bytes of the largest object that is kept as one; what is larger is kept in segments, of up to 8 MiB unless there would be too many', value: 'number', default: 512 * mebibyte },
  { name: 'segmentContainer', summary: 'the container that segments are kept in (default: the name of the container and _segments)', value: 'text' },
  { name: 'concurrency', summary: 'requests under way at once', value: 'number', default: 16 },
  { name: 'memory', summary: 'bytes of uploads held in memory at once', value: 'number', default: 32 * mebibyte },
  { name: 'maxAttempts', summary: 'how often a request is sent at most, when connections or servers fail', value: 'number', default: 5 },
  { name: 'timeoutMs', summary: 'milliseconds to wait for a connection, an answer, and each piece of it', value: 'number', default: 60_000 },
];

/** Containers of OpenStack Swift, and of what speaks its protocol. */
export const kind: StoreKind<SwiftOptions> = {
  name: 'swift',
  summary: 'a container of OpenStack Swift, or what is below a prefix in it; who and where come from OS_ and ST_ variables or clouds.yaml',
  endpoint: 'swift://container/prefix',
  options,
  capabilities: swiftCapabilities,
  open,
};

async function open(endpoint: string, given: SwiftOptions, host: Host): Promise<SwiftStore> {
  const { container, prefix } = parseEndpoint(endpoint);
  const numbers = { segmentSize: given.segmentSize ?? 512 * mebibyte, memory: given.memory ?? 32 * mebibyte, concurrency: given.concurrency ?? 16, maxAttempts: given.maxAttempts ?? 5, timeoutMs: given.timeoutMs ?? 60_000 };
  for (const [name, value] of Object.entries(numbers)) {
    if (!Number.isSafeInteger(value) || value < 1) throw new SyncError('invalid', `${name} is ${value}, and not a whole number from 1 up`, { hint: `give ${name} another value` });
  }
  const { segmentSize, memory, concurrency, maxAttempts, timeoutMs } = numbers;
  const { create = false, missing = 'refuse', segmentContainer = `${container}_segments` } = given;
  checkContainer(segmentContainer);
  if (segmentContainer === container) throw new SyncError('invalid', `segments cannot be kept in ${container} itself, where they would be taken for files`, { hint: 'name another container' });
  checkKeeping(given.keeping);
  const settings = (): Promise<Settings> => settingsFor(host.environment, given);
  const first = await settings().catch((cause: unknown) => { throw toSwiftError(cause, { doing: 'open', place: `swift://${container}`, details: { store: `swift://${container}` } }); });

  const { trust } = first;
  if (trust?.verify === false) host.log('warn', `swift://${container} may be answered by anybody: clouds.yaml says that certificates are not to be verified`);
  const transfer = openTransfer({ connections: concurrency, timeoutMs, trust });
  const http = openHttp({
    ...(trust && { trust }),
    timeoutMs, connections: 1, maxAttempts, maxBodyBytes: 16 * mebibyte, userAgent: 'syncline',
    now: () => host.now(), random: () => host.random(), sleep: (ms, signal) => host.sleep(ms, signal),
  });
  const session = new LoginSession(settings, { http, now: () => host.now() });
  const client = new SwiftClient({ transfer, session, host, maxAttempts });
  const context = new SwiftContext({ client, host, container, prefix: prefix === '' ? '' : `${prefix}/`, segmentContainer, segmentBytes: segmentSize, service: ['swift:', ...placeOf(first)].join('/'), keeping: given.keeping, memoryBytes: memory, create });
  return new SwiftStore({
    context, concurrency,
    identity: ['swift:', ...placeOf(first), container, ...(prefix === '' ? [] : prefix.split('/'))].join('/'),
    missingIsEmpty: create && missing === 'empty',
    close: async () => { await Promise.all([transfer[Symbol.asyncDispose](), http[Symbol.asyncDispose]()]); },
  });
}

/** Refuses rules about what objects do not have here. */
function checkKeeping(rules: KeepingRules | undefined): void {
  const foreign = ['storageClass', 'encryption', 'encryptionKey', 'acl'] as const satisfies readonly (keyof Keeping)[];
  if (rules?.all.some((keeping) => foreign.some((name) => keeping[name]))) throw new SyncError('invalid', 'containers of Swift keep their objects in one class, under the access list of the container, and encrypt all of them or none', { hint: 'write rules about content-type and cache-control alone' });
}

/** Container and prefix. What a URL gives another meaning, as `?`, may be written with a per cent sign. */
function parseEndpoint(endpoint: string): { readonly container: string; readonly prefix: string } {
  const [, container, prefix = ''] = /^swift:\/\/([^/]*)(?:\/(.*))?$/is.exec(endpoint) ?? [];
  if (container === undefined || container === '') throw new SyncError('invalid', `${endpoint} does not name a container`, { hint: 'write swift://container/prefix' });
  const parsed = { container: decoded(container), prefix: decoded(prefix).replace(/\/+$/, '') };
  checkContainer(parsed.container);
  if (!parsed.prefix.isWellFormed() || parsed.prefix.includes('\0') || Buffer.byteLength(parsed.prefix) > nameBytes - 2) throw new SyncError('invalid', `${endpoint} has a prefix that no object can have`, { hint: 'choose another one' });
  return parsed;
}

function checkContainer(name: string): void {
  if (name === '' || name.includes('/') || name.includes('\0') || !name.isWellFormed() || Buffer.byteLength(name) > 256) {
    throw new SyncError('invalid', `${JSON.stringify(name)} cannot be the name of a container`, { hint: 'use up to 256 bytes without a slash' });
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Which account of which cloud, as far as it is known without asking, for the identity. */
function placeOf({ login, region, storageUrl }: Settings): readonly string[] {
  if (storageUrl !== undefined) return [hostOf(storageUrl), ...(parseUrl(storageUrl)?.path ?? '').split('/').filter((part) => part !== '')];
  const account = ((): string => {
    switch (login.kind) {
      // Written as account:user, where a user is not an account by itself.
      case 'v1': return login.user.split(':', 1)[0] ?? '';
      case 'v2': return nameOf(login.tenant) ?? login.user;
      case 'v3-password':
      case 'v3-token': return nameOf(login.project) ?? '';
      case 'v3-application-credential': return nameOf({ ...login.user, ...login.credential }) ?? '';
      case 'token': return '';
      default: return login satisfies never;
    }
  })();
  return [login.kind === 'token' ? '' : hostOf(login.url), ...(region === undefined ? [] : [encodeURIComponent(region)]), encodeURIComponent(account)];
}

function nameOf({ id, name, domainId, domainName }: Named): string | undefined {
  return id ?? (name === undefined ? undefined : `${domainId ?? domainName ?? 'default'}:${name}`);
}

function hostOf(url: string): string {
  return (parseUrl(url)?.origin ?? '').replace(/^https?:\/\//, '');
}
