import { readFileSync } from 'node:fs';
import type { Trust } from '../http/trust.ts';
import type { Cloud } from './clouds.ts';
import { findCloud } from './clouds.ts';
import { OpenstackFailure } from './openstack-failure.ts';

/** A project or a user, by id or by a name within a domain. */
export interface Named {
  readonly id?: string;
  readonly name?: string;
  readonly domainId?: string;
  readonly domainName?: string;
}

/** How to prove who we are. */
export type Login =
  | { readonly kind: 'v1'; readonly url: string; readonly user: string; readonly key: string }
  | { readonly kind: 'v2'; readonly url: string; readonly user: string; readonly secret: string; readonly secretIs: 'password' | 'api-key'; readonly tenant: Named }
  | { readonly kind: 'v3-password'; readonly url: string; readonly user: Named; readonly password: string; readonly project: Named }
  | { readonly kind: 'v3-application-credential'; readonly url: string; readonly credential: Named; readonly user: Named; readonly secret: string }
  | { readonly kind: 'v3-token'; readonly url: string; readonly token: string; readonly project: Named }
  /** A token that somebody else has got; it cannot be renewed. */
  | { readonly kind: 'token'; readonly token: string };

/** Which part of the service catalogue to use. */
export type Interface = 'public' | 'internal' | 'admin';

/** Everything needed to find an object store and be let in. */
export interface Settings {
  readonly login: Login;
  readonly region?: string;
  readonly interface: Interface;
  /** Where the object store is, whatever the catalogue says. */
  readonly storageUrl?: string;
  /** Absent: whoever this machine trusts. */
  readonly trust?: Trust;
}

/** What was said outside the environment and the files. */
export interface Wishes {
  readonly cloud?: string;
  readonly region?: string;
  readonly interface?: Interface;
  readonly storageUrl?: string;
}

type Environment = { readonly [name: string]: string | undefined };

const nothingGiven = 'set OS_CLOUD to a cloud of clouds.yaml, or OS_AUTH_URL and the OS_ variables that go with it, or ST_AUTH, ST_USER and ST_KEY';

/**
 * Who we are and where to, from `wishes`, the `OS_*` and `ST_*` variables and `clouds.yaml`. A cloud that is named
 * decides alone, but for region, interface and a password it leaves out. Throws an {@link OpenstackFailure} of kind
 * `invalid` that says what is missing.
 */
export async function settingsFor(environment: Environment, wishes: Wishes = {}): Promise<Settings> {
  const name = wishes.cloud ?? filled(environment['OS_CLOUD']);
  const direct = name === undefined && ['OS_AUTH_URL', 'ST_AUTH', 'OS_STORAGE_URL'].some((variable) => filled(environment[variable]) !== undefined);
  const cloud = direct ? undefined : await findCloud(environment, name);
  if (!direct && !cloud) throw new OpenstackFailure('invalid', 'nothing says which OpenStack cloud to use', nothingGiven);
  const given = cloud ? fromCloud(cloud, environment) : fromEnvironment(environment);
  const side = wishes.interface ?? filled(environment['OS_INTERFACE']) ?? filled(environment['OS_ENDPOINT_TYPE']) ?? given.interface ?? 'public';
  const region = wishes.region ?? filled(environment['OS_REGION_NAME']) ?? given.region;
  const storageUrl = wishes.storageUrl ?? given.storageUrl;
  return {
    login: loginFrom(given, storageUrl),
    interface: interfaceFrom(side),
    ...(region !== undefined && { region }),
    ...(storageUrl !== undefined && { storageUrl }),
    ...trustFrom(given, environment),
  };
}

/** As in other programs, a cloud that is not verified needs no authorities. */
function trustFrom({ verify, authorities }: Given, { HOME: home }: Environment): { readonly trust?: Trust } {
  if (verify !== undefined && !/^(?:true|yes|1)$/i.test(verify)) return { trust: { verify: false } };
  if (authorities === undefined) return {};
  const path = home === undefined ? authorities : authorities.replace(/^~(?=\/)/, home);
  try {
    return { trust: { verify: true, authorities: readFileSync(path, 'utf8') } };
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new OpenstackFailure('invalid', `cannot read the certificates of ${path}${code === undefined ? '' : ` (${code})`}`, 'correct cacert in clouds.yaml, or OS_CACERT', cause);
  }
}

/** What was given, before it is known what it amounts to. */
interface Given {
  /** Where from, fit to print. */
  readonly from: string;
  /** How a setting is called there. */
  readonly called: (setting: string) => string;
  readonly url?: string | undefined;
  readonly version?: string | undefined;
  readonly type?: string | undefined;
  readonly user: Named;
  readonly project: Named;
  readonly credential: Named;
  readonly secret?: string | undefined;
  readonly password?: string | undefined;
  readonly apiKey?: string | undefined;
  readonly token?: string | undefined;
  readonly region?: string | undefined;
  readonly interface?: string | undefined;
  readonly storageUrl?: string | undefined;
  /** The file of the certificates of authorities. */
  readonly authorities?: string | undefined;
  readonly verify?: string | undefined;
}

function fromEnvironment(environment: Environment): Given {
  const get = (...names: readonly string[]): string | undefined => names.map((name) => filled(environment[name])).find((value) => value !== undefined);
  const first = get('OS_AUTH_URL') === undefined && get('ST_AUTH') !== undefined;
  return {
    from: 'the environment',
    called: (setting) => (first ? { username: 'ST_USER', password: 'ST_KEY' }[setting] ?? `OS_${setting.toUpperCase()}` : `OS_${setting.toUpperCase()}`),
    url: first ? get('ST_AUTH') : get('OS_AUTH_URL'),
    version: get('ST_AUTH_VERSION', 'OS_AUTH_VERSION', 'OS_IDENTITY_API_VERSION') ?? (first ? '1' : undefined),
    type: get('OS_AUTH_TYPE', 'OS_AUTH_PLUGIN', 'OS_AUTH_SYSTEM'),
    user: named(first ? get('ST_USER') : get('OS_USERNAME'), get('OS_USER_ID'), get('OS_USER_DOMAIN_NAME'), get('OS_USER_DOMAIN_ID'), get('OS_DEFAULT_DOMAIN')),
    project: named(get('OS_PROJECT_NAME', 'OS_TENANT_NAME'), get('OS_PROJECT_ID', 'OS_TENANT_ID'), get('OS_PROJECT_DOMAIN_NAME'), get('OS_PROJECT_DOMAIN_ID'), get('OS_DEFAULT_DOMAIN')),
    credential: named(get('OS_APPLICATION_CREDENTIAL_NAME'), get('OS_APPLICATION_CREDENTIAL_ID')),
    secret: get('OS_APPLICATION_CREDENTIAL_SECRET'),
    password: first ? get('ST_KEY') : get('OS_PASSWORD'),
    apiKey: get('OS_API_KEY'),
    token: get('OS_AUTH_TOKEN', 'OS_TOKEN'),
    storageUrl: get('OS_STORAGE_URL'),
    authorities: get('OS_CACERT'),
  };
}

function fromCloud({ name, file, settings: at }: Cloud, environment: Environment): Given {
  const get = (...paths: readonly string[]): string | undefined => paths.map((path) => filled(at(path))).find((value) => value !== undefined);
  return {
    from: `the cloud ${JSON.stringify(name)} of ${file}`,
    called: (setting) => setting,
    url: get('auth.auth_url'),
    version: get('identity_api_version', 'auth_version'),
    type: get('auth_type', 'auth_plugin'),
    user: named(get('auth.username', 'auth.user_name'), get('auth.user_id'), get('auth.user_domain_name', 'user_domain_name'), get('auth.user_domain_id', 'user_domain_id'), get('auth.default_domain', 'auth.default_domain_name')),
    project: named(get('auth.project_name', 'auth.tenant_name'), get('auth.project_id', 'auth.tenant_id'), get('auth.project_domain_name', 'project_domain_name'), get('auth.project_domain_id', 'project_domain_id'), get('auth.default_domain', 'auth.default_domain_name')),
    credential: named(get('auth.application_credential_name'), get('auth.application_credential_id')),
    secret: get('auth.application_credential_secret'),
    password: get('auth.password', 'auth.key') ?? filled(environment['OS_PASSWORD']),
    apiKey: get('auth.api_key'),
    token: get('auth.token'),
    region: get('region_name', 'regions.0.name', 'regions.0'),
    interface: get('object_store_interface', 'interface', 'endpoint_type'),
    storageUrl: get('object_store_endpoint_override', 'object_store_endpoint'),
    authorities: get('cacert') ?? filled(environment['OS_CACERT']),
    verify: get('verify'),
  };
}

/** `v1` and the like, from what was said and from how the address ends. */
function versionOf({ url = '', version, type = '', credential, secret }: Given): 1 | 2 | 3 {
  if (secret !== undefined && (credential.id !== undefined || credential.name !== undefined)) return 3;
  const said = /^(?:v)?([123])/.exec(version ?? '')?.[1] ?? /^v([123])/.exec(type)?.[1] ?? /\/v([123])(?:\.\d+)?\/?$/.exec(url)?.[1];
  return said === '1' ? 1 : said === '2' || type.startsWith('rackspace') ? 2 : 3;
}

function loginFrom(given: Given, storageUrl: string | undefined): Login {
  const { user, project, credential, token, from, called } = given;
  const need = (value: string | undefined, setting: string): string => {
    if (value !== undefined) return value;
    throw new OpenstackFailure('invalid', `cannot log in with what ${from} says: ${called(setting)} is missing`, nothingGiven);
  };
  if (token !== undefined && storageUrl !== undefined) return { kind: 'token', token };
  const url = need(given.url, 'auth_url').replace(/\/+$/, '');
  const version = versionOf(given);
  if (version === 1) return { kind: 'v1', url, user: need(user.name, 'username'), key: need(given.password, 'password') };
  if (version === 2) {
    const rackspace = given.type?.startsWith('rackspace') === true || /^https:\/\/[^/]*\.rackspacecloud\.com(?:[:/]|$)/i.test(url);
    const secretIs = given.apiKey !== undefined || (rackspace && given.type !== 'v2password') ? 'api-key' : 'password';
    return { kind: 'v2', url, user: need(user.name, 'username'), secret: need(given.apiKey ?? given.password, 'password'), secretIs, tenant: project };
  }
  const at = url.endsWith('/v3') ? url : `${url.replace(/\/v2(?:\.\d+)?$/, '')}/v3`;
  if (given.secret !== undefined || credential.id !== undefined || /application_?credential/.test(given.type ?? '')) {
    if (credential.id === undefined && (credential.name === undefined || (user.id ?? user.name) === undefined)) need(undefined, 'application_credential_id');
    return { kind: 'v3-application-credential', url: at, credential, user, secret: need(given.secret, 'application_credential_secret') };
  }
  if ((project.id ?? project.name) === undefined) need(undefined, 'project_name');
  if (token !== undefined) return { kind: 'v3-token', url: at, token, project };
  if ((user.id ?? user.name) === undefined) need(undefined, 'username');
  return { kind: 'v3-password', url: at, user, password: need(given.password, 'password'), project };
}

function interfaceFrom(text: string): Interface {
  const side = text.toLowerCase().replace(/url$/, '');
  if (side === 'public' || side === 'internal' || side === 'admin') return side;
  throw new OpenstackFailure('invalid', `${JSON.stringify(text)} is not an interface of a service`, 'use public, internal or admin');
}

function named(name: string | undefined, id?: string, domainName?: string, domainId?: string, anyDomain?: string): Named {
  return {
    ...(id !== undefined && { id }),
    ...(name !== undefined && { name }),
    ...(domainId !== undefined && { domainId }),
    ...(domainName !== undefined && { domainName }),
    ...(anyDomain !== undefined && domainId === undefined && domainName === undefined && { domainId: anyDomain }),
  };
}

function filled(text: string | undefined): string | undefined {
  return text === '' ? undefined : text;
}
