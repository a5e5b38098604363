import { openHttp } from '../../lib/http/client.ts';
import { limits } from '../../lib/limits.ts';
import { usualPatienceMs } from '../../lib/patience.ts';
import { SyncError } from '../../model/errors.ts';
import type { Host } from '../../model/host.ts';
import type { OptionSpec, StoreKind } from '../../model/kind.ts';
import type { Store } from '../../model/store.ts';
import { certificatesIn } from '../records/certificates.ts';
import { chooser } from '../records/chooser.ts';
import { patienceOption, recordOptions } from '../records/record-options.ts';
import type { RecordOptions } from '../records/record-options.ts';
import type { Layout } from './catalogue.ts';
import { ElasticClient } from './client.ts';
import { elasticCapabilities, ElasticStore } from './elastic-store.ts';
import { authorizationFor, parseEndpoint } from './endpoint.ts';
import type { Family } from './endpoint.ts';
import { Place } from './place.ts';

export interface ElasticOptions extends RecordOptions {
  readonly layout?: Layout | 'field';
  /** The field that says of which collection a document is. */
  readonly typeField?: string;
  readonly tls?: boolean;
  readonly tlsCa?: string;
  readonly missing?: 'refuse' | 'empty';
  readonly compress?: boolean;
  readonly concurrency?: number;
  readonly maxAttempts?: number;
  readonly patienceMs?: number;
  readonly timeoutMs?: number;
}

const options: readonly OptionSpec[] = [
  ...recordOptions,
  { name: 'layout', summary: 'which index is which collection: index, each by its own name; suffix, of the path app the index app-users is users; auto, index where app is there, else suffix; field, all of them in the index app, where a field tells them apart', value: 'choice', choices: ['auto', 'index', 'suffix', 'field'], default: 'auto' },
  { name: 'typeField', summary: 'the field that says of which collection a document is, with layout=field (default: type)', value: 'text' },
  { name: 'tls', summary: 'whether to speak TLS, as with +https behind the scheme', value: 'flag', default: false },
  { name: 'tlsCa', summary: 'a file of the certificates by which that of the server is checked (default: those the platform trusts); implies TLS', value: 'text' },
  { name: 'missing', summary: 'whether a place without any index is refused or empty', value: 'choice', choices: ['refuse', 'empty'], default: 'refuse' },
  { name: 'compress', summary: 'whether answers come compressed, which pays on slow lines and costs both ends time on fast ones', value: 'flag', default: false },
  { name: 'concurrency', summary: 'slices of an index that are read at once', value: 'number', default: 4 },
  { name: 'maxAttempts', summary: 'how often a request is sent at most, when connections or servers fail', value: 'number', default: 5 },
  patienceOption,
  { name: 'timeoutMs', summary: 'milliseconds to wait for a connection, an answer, and each piece of it', value: 'number', default: 60_000 },
];

/** Indices of Elasticsearch. */
export const elasticsearch: StoreKind<ElasticOptions> = {
  name: 'elasticsearch',
  summary: 'indices of Elasticsearch; who asks comes from ELASTIC_API_KEY, or ELASTIC_USERNAME and ELASTIC_PASSWORD',
  endpoint: 'elasticsearch://host:port,host:port/index',
  options, capabilities: elasticCapabilities,
  open: (endpoint, given, host) => open('elasticsearch', endpoint, given, host),
};

/** Indices of OpenSearch. */
export const opensearch: StoreKind<ElasticOptions> = {
  name: 'opensearch',
  summary: 'indices of OpenSearch; who asks comes from OPENSEARCH_USERNAME and OPENSEARCH_PASSWORD',
  endpoint: 'opensearch://host:port,host:port/index',
  options, capabilities: elasticCapabilities,
  open: (endpoint, given, host) => open('opensearch', endpoint, given, host),
};

async function open(family: Family, endpoint: string, given: ElasticOptions, host: Host): Promise<Store> {
  const { concurrency = 4, maxAttempts = 5, patienceMs = usualPatienceMs, timeoutMs = 60_000, layout = 'auto', compress = false, tlsCa, missing = 'refuse', create = true, modified, modifiedUnit, collections } = given;
  for (const [name, value] of Object.entries({ concurrency, maxAttempts, timeoutMs })) {
    if (!Number.isSafeInteger(value) || value < 1) throw new SyncError('invalid', `${name} is ${value}, and not a whole number from 1 up`, { hint: `give ${name} another value` });
  }
  const { origins, path, user, name, identity } = parseEndpoint(endpoint, family, given.tls === true || tlsCa !== undefined);
  if ((layout === 'suffix' || layout === 'field') && (path === '' || /[*,]/.test(path))) throw new SyncError('invalid', `${name} has no name that could be ${layout === 'suffix' ? 'the beginning of others' : 'that of one index'}`, { hint: `write ${family}://host:port/app, for ${layout === 'suffix' ? 'indices that begin with app-' : 'the index app'}` });
  checkTypeField(given);
  const authorization = authorizationFor(family, user, host.environment);
  if (authorization !== undefined && origins.some((origin) => origin.startsWith('http:') && !/^http:\/\/(?:localhost|127\.|\[::1\])/.test(origin))) {
    host.log('warn', `${name} is asked without TLS, and whoever listens can read the password: write +https behind the scheme`);
  }
  const http = openHttp({
    // What is tried again, and where, is for the client to say, which knows several hosts.
    timeoutMs, connections: concurrency + elasticCapabilities.limits.inFlight, maxAttempts: 1, maxBodyBytes: limits.documentBytes, userAgent: 'syncline',
    ...(tlsCa !== undefined && { trust: { verify: true, authorities: certificatesIn(tlsCa) } }),
    now: () => host.now(), random: () => host.random(), sleep: (ms, signal) => host.sleep(ms, signal),
  });
  const client = new ElasticClient({ http, origins, authorization, host, maxAttempts, patienceMs, atOnce: { reads: concurrency, writes: elasticCapabilities.limits.inFlight }, compress });
  const common = { client, name, identity, family, path, modified, modifiedUnit, concurrency, create, missingIsEmpty: missing === 'empty' };
  if (layout !== 'field') return new ElasticStore({ ...common, layout, chosen: collections });
  const { SharedStore } = await import('./shared-store.ts');
  const whole = { ...common, layout: 'index', chosen: undefined } as const;
  return new SharedStore({ whole: new ElasticStore(whole), place: new Place(whole), path, field: given.typeField ?? 'type', isChosen: collections === undefined ? undefined : chooser(collections), create });
}

function checkTypeField({ layout, typeField }: ElasticOptions): void {
  if (typeField === undefined) return;
  if (layout !== 'field') throw new SyncError('invalid', 'typeField is about an index that holds several collections', { hint: 'add layout=field, or leave it out' });
  if (!/^[^\s._*][^.*]*$/.test(typeField)) throw new SyncError('invalid', `typeField is ${JSON.stringify(typeField)}, which is no field of a document by itself`, { hint: 'name one without dots and stars that does not begin with _' });
}
