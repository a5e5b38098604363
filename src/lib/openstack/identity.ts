import type { Http, HttpHeaders, HttpResponse } from '../http/client.ts';
import { HttpFailure } from '../http/http-failure.ts';
import { printableUrl } from '../http/url.ts';
import { OpenstackFailure } from './openstack-failure.ts';
import type { Interface, Login, Named, Settings } from './settings.ts';

/** A way in, for as long as it lasts. */
export interface Access {
  readonly token: string;
  readonly storageUrl: string;
  /** Milliseconds since the epoch; absent where nobody said. */
  readonly expiresAt?: number;
}

/** What to do where a certificate is not accepted. */
export const untrusted = 'name the file of its authority as cacert in clouds.yaml or in OS_CACERT, or in NODE_EXTRA_CA_CERTS for everything';

type Json = { readonly [name: string]: unknown };

/** Logs in and finds the object store. Throws an {@link OpenstackFailure}, an `AbortError`, or what the client throws. */
export async function logIn({ login, region, interface: side, storageUrl }: Settings, http: Http, now: () => number, signal?: AbortSignal): Promise<Access> {
  if (login.kind === 'token') {
    if (storageUrl === undefined) throw new OpenstackFailure('invalid', 'a token alone does not say where the object store is', 'set OS_STORAGE_URL as well');
    return { token: login.token, storageUrl };
  }
  const response = await ask(login, http, signal);
  if (login.kind === 'v1') return firstAccess(login.url, response, now(), storageUrl);
  const body = bodyOf(response, login.url);
  const found = login.kind === 'v2' ? secondAccess(body, side) : thirdAccess(body, response.headers, side);
  if (found.token === undefined) throw unexpected(login.url, 'gave no token');
  const expiresAt = Date.parse(found.expires ?? '');
  return { token: found.token, storageUrl: storageUrl ?? endpointIn(found.endpoints, { region, side, url: login.url }), ...(!Number.isNaN(expiresAt) && { expiresAt }) };
}

async function ask(login: Exclude<Login, { kind: 'token' }>, http: Http, signal: AbortSignal | undefined): Promise<HttpResponse> {
  const url = login.kind === 'v1' ? login.url : login.kind === 'v2' ? `${login.url.replace(/\/v2(?:\.\d+)?$/, '')}/v2.0/tokens` : `${login.url}/auth/tokens`;
  const place = printableUrl(url);
  const request = login.kind === 'v1'
    ? { url, headers: { 'x-auth-user': login.user, 'x-auth-key': login.key } }
    : { url, method: 'POST', idempotent: true, headers: { 'content-type': 'application/json', accept: 'application/json' }, body: JSON.stringify(login.kind === 'v2' ? secondBody(login) : thirdBody(login)) };
  let response: HttpResponse;
  try {
    response = await http.request({ ...request, ...(signal && { signal }) });
  } catch (error) {
    if (error instanceof HttpFailure && error.kind === 'tls') throw new OpenstackFailure('denied', error.message, untrusted, error);
    if (error instanceof HttpFailure) throw new OpenstackFailure('unavailable', error.message, 'check the address of the identity service and the network', error);
    throw error;
  }
  const { status } = response;
  if (status >= 200 && status < 300) return response;
  if (status === 401 || status === 403) throw new OpenstackFailure('denied', `${place} does not accept these credentials (${status})`, 'check user, password, project and domain, and that they have not expired');
  if (status === 404) throw new OpenstackFailure('invalid', `${place} is not an identity service of this version (404)`, 'check the address, and its version with OS_IDENTITY_API_VERSION');
  if (status === 400) throw new OpenstackFailure('invalid', `${place} does not understand these credentials (400)`, 'check that user and project each have an id, or a name and a domain');
  throw new OpenstackFailure('unavailable', `${place} answered ${status} instead of a token`, 'try again later');
}

function firstAccess(url: string, { headers }: HttpResponse, now: number, storageUrl: string | undefined): Access {
  const token = headers['x-auth-token'] ?? headers['x-storage-token'];
  const found = storageUrl ?? headers['x-storage-url'];
  if (token === undefined || found === undefined) throw unexpected(url, 'gave no token, or no address of an object store');
  const seconds = Number(headers['x-auth-token-expires']);
  return { token, storageUrl: found, ...(seconds > 0 && { expiresAt: now + seconds * 1000 }) };
}

function secondBody({ user, secret, secretIs, tenant }: Login & { kind: 'v2' }): Json {
  const credentials = secretIs === 'api-key'
    ? { 'RAX-KSKEY:apiKeyCredentials': { username: user, apiKey: secret } }
    : { passwordCredentials: { username: user, password: secret } };
  return { auth: { ...credentials, ...(tenant.id !== undefined ? { tenantId: tenant.id } : tenant.name !== undefined && { tenantName: tenant.name }) } };
}

function thirdBody(login: Extract<Login, { kind: `v3-${string}` }>): Json {
  switch (login.kind) {
    case 'v3-password':
      return { auth: { identity: { methods: ['password'], password: { user: { ...inDomain(login.user), password: login.password } } }, scope: { project: inDomain(login.project) } } };
    case 'v3-token':
      return { auth: { identity: { methods: ['token'], token: { id: login.token } }, scope: { project: inDomain(login.project) } } };
    case 'v3-application-credential': {
      const { credential: { id, name }, user, secret } = login;
      const credential = id !== undefined ? { id, secret } : { name, secret, user: inDomain(user) };
      return { auth: { identity: { methods: ['application_credential'], application_credential: credential } } };
    }
    default: return login satisfies never;
  }
}

/** An id stands alone; a name needs a domain, which is `default` unless said otherwise. */
function inDomain({ id, name, domainId, domainName }: Named): Json {
  if (id !== undefined) return { id };
  return { name, domain: domainId !== undefined ? { id: domainId } : domainName !== undefined ? { name: domainName } : { id: 'default' } };
}

interface Endpoint {
  readonly type: string;
  readonly region: string | undefined;
  /** Where the service is on the wanted side, if it is there at all. */
  readonly url: string | undefined;
}

interface Found {
  readonly token: string | undefined;
  readonly expires: string | undefined;
  readonly endpoints: readonly Endpoint[];
}

function secondAccess(body: Json, side: Interface): Found {
  const access = child(body, 'access');
  const token = child(access, 'token');
  const endpoints = children(access, 'serviceCatalog').flatMap((service) => children(service, 'endpoints').map((endpoint): Endpoint => ({
    type: text(service, 'type') ?? '', region: text(endpoint, 'region'), url: text(endpoint, `${side}URL`),
  })));
  return { token: text(token, 'id'), expires: text(token, 'expires'), endpoints };
}

function thirdAccess(body: Json, headers: HttpHeaders, side: Interface): Found {
  const token = child(body, 'token');
  const endpoints = children(token, 'catalog').flatMap((service) => children(service, 'endpoints').map((endpoint): Endpoint => ({
    type: text(service, 'type') ?? '', region: text(endpoint, 'region_id') ?? text(endpoint, 'region'), url: text(endpoint, 'interface') === side ? text(endpoint, 'url') : undefined,
  })));
  return { token: headers['x-subject-token'], expires: text(token, 'expires_at'), endpoints };
}

function endpointIn(endpoints: readonly Endpoint[], { region, side, url }: { readonly region: string | undefined; readonly side: Interface; readonly url: string }): string {
  const stores = endpoints.filter(({ type, url: at }) => type === 'object-store' && at !== undefined);
  const fitting = stores.filter((endpoint) => region === undefined || endpoint.region?.toLowerCase() === region.toLowerCase());
  if (fitting[0]?.url !== undefined) {
    const regions = new Set(fitting.map((endpoint) => endpoint.region));
    if (regions.size === 1) return fitting[0].url;
    throw new OpenstackFailure('invalid', `${printableUrl(url)} offers object stores in the regions ${[...regions].join(', ')}`, 'choose one of them with OS_REGION_NAME');
  }
  if (stores.length > 0) throw new OpenstackFailure('invalid', `there is no object store in the region ${JSON.stringify(region)}`, `use one of ${[...new Set(stores.map((endpoint) => endpoint.region))].join(', ')}`);
  const elsewhere = endpoints.some(({ type }) => type === 'object-store');
  throw new OpenstackFailure('invalid', `${printableUrl(url)} names no object store${elsewhere ? ` on its ${side} side` : ''}`, elsewhere ? 'choose another interface with OS_INTERFACE' : 'check the project, or set OS_STORAGE_URL');
}

function bodyOf({ body }: HttpResponse, url: string): Json {
  try {
    const value: unknown = JSON.parse(body.toString());
    if (typeof value === 'object' && value !== null) return value as Json;
  } catch {
    // What follows says so.
  }
  throw unexpected(url, 'did not answer with JSON');
}

function unexpected(url: string, what: string): OpenstackFailure {
  return new OpenstackFailure('unavailable', `${printableUrl(url)} ${what}`, 'check that it is the address of an identity service');
}

function child(value: Json, name: string): Json {
  const found = value[name];
  return typeof found === 'object' && found !== null ? (found as Json) : {};
}

function children(value: Json, name: string): readonly Json[] {
  const found = value[name];
  return Array.isArray(found) ? found.filter((one): one is Json => typeof one === 'object' && one !== null) : [];
}

function text(value: Json, name: string): string | undefined {
  const found = value[name];
  return typeof found === 'string' ? found : undefined;
}
