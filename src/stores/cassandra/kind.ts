import { usualPatienceMs } from '../../lib/patience.ts';
import { SyncError } from '../../model/errors.ts';
import type { Host } from '../../model/host.ts';
import type { OptionSpec, StoreKind } from '../../model/kind.ts';
import { certificatesIn } from '../records/certificates.ts';
import { chooser, namesIn } from '../records/chooser.ts';
import { patienceOption, recordOptions } from '../records/record-options.ts';
import type { RecordOptions } from '../records/record-options.ts';
import { cassandraCapabilities, CassandraStore } from './cassandra-store.ts';
import { Session } from './session.ts';
import type { Consistency } from './session.ts';

export interface CassandraOptions extends RecordOptions {
  readonly user?: string;
  readonly localDataCenter?: string;
  readonly tls?: boolean;
  readonly tlsCa?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly consistency?: Consistency;
  readonly conditions?: 'lwt' | 'timestamp';
  readonly versions?: 'detect' | 'records' | 'rows';
  readonly json?: string;
  readonly missing?: 'refuse' | 'empty';
  readonly concurrency?: number;
  readonly timeoutMs?: number;
  readonly patienceMs?: number;
}

const consistencies: readonly Consistency[] = ['one', 'localOne', 'quorum', 'localQuorum', 'eachQuorum', 'all'];

const options: readonly OptionSpec[] = [
  ...recordOptions,
  { name: 'user', summary: 'who to log in as; the password comes from CASSANDRA_PASSWORD', value: 'text' },
  { name: 'localDataCenter', summary: 'the data centre whose nodes are asked (default: that of the first node that answers)', value: 'text' },
  { name: 'tls', summary: 'whether to connect by TLS', value: 'flag', default: false },
  { name: 'tlsCa', summary: 'a file of the certificates by which those of the nodes are checked (default: those the platform trusts); implies TLS', value: 'text' },
  { name: 'tlsCert', summary: 'a file of the certificate to show to the nodes', value: 'text' },
  { name: 'tlsKey', summary: 'the file of its key', value: 'text' },
  { name: 'consistency', summary: 'how many replicas have to agree', value: 'choice', choices: consistencies, default: 'localQuorum' },
  { name: 'conditions', summary: 'how writes are kept from overwriting what is newer: by lightweight transactions, or by the timestamps of the writes, which is cheaper and guards less', value: 'choice', choices: ['lwt', 'timestamp'], default: 'lwt' },
  { name: 'versions', summary: 'what rows are: records, or versions of records, of which the newest counts (default: versions where the field modified is the last clustering column and a timeuuid)', value: 'choice', choices: ['detect', 'records', 'rows'], default: 'detect' },
  { name: 'json', summary: 'columns of text that hold JSON: names as column or table.column, separated by commas (default: those of tables that were made here)', value: 'text' },
  { name: 'missing', summary: 'whether a table that is named in collections and does not exist is refused or empty', value: 'choice', choices: ['refuse', 'empty'], default: 'refuse' },
  { name: 'concurrency', summary: 'statements under way at once', value: 'number', default: 64 },
  { name: 'timeoutMs', summary: 'milliseconds to wait for a connection, and for an answer', value: 'number', default: 30_000 },
  patienceOption,
];

/** Keyspaces of Cassandra. */
export const kind: StoreKind<CassandraOptions> = {
  name: 'cassandra',
  summary: 'the tables of a Cassandra keyspace: a document for each row, or for each record of which every version is a row',
  endpoint: 'cassandra://host1,host2:port/keyspace',
  options,
  capabilities: cassandraCapabilities,
  open,
};

async function open(endpoint: string, given: CassandraOptions, host: Host): Promise<CassandraStore> {
  const { contactPoints, keyspace, user: named } = parseEndpoint(endpoint);
  const { modified, modifiedUnit, collections, create = true, localDataCenter, consistency = 'localQuorum', conditions = 'lwt', versions = 'detect', missing = 'refuse', concurrency = 64, timeoutMs = 30_000, patienceMs = usualPatienceMs } = given;
  for (const [name, value] of Object.entries({ concurrency, timeoutMs })) {
    if (!Number.isSafeInteger(value) || value < 1) throw new SyncError('invalid', `${name} is ${value}, and not a whole number from 1 up`, { hint: `give ${name} another value` });
  }
  if (modified === undefined && conditions === 'timestamp') throw new SyncError('invalid', 'conditions=timestamp takes a time for each write', { hint: 'name the field that has it by the option modified' });
  if (modified === undefined && versions === 'rows') throw new SyncError('invalid', 'versions=rows takes a column that tells the versions apart', { hint: 'name it by the option modified' });
  const name = `cassandra://${contactPoints.join(',')}/${keyspace}`;
  const user = given.user ?? named;
  const tls = tlsOf(given);
  const session = new Session({ host, name, contactPoints, consistency, timeoutMs, patienceMs, concurrency, ...(localDataCenter !== undefined && { localDataCenter }), ...(user !== undefined && { user }), ...(tls && { tls }) });
  const json = new Set((given.json ?? '').split(',').map((column) => column.trim()));
  return new CassandraStore({
    session, conditions, create,
    identity: `cassandra://${contactPoints.toSorted().join(',')}/${keyspace}`,
    rules: { keyspace, modified, modifiedUnit, versions, json },
    chosen: chooser(collections),
    named: namesIn(collections),
    missingIsEmpty: missing === 'empty',
  });
}

function tlsOf({ tls = false, tlsCa, tlsCert, tlsKey }: CassandraOptions): { readonly ca?: string; readonly cert?: string; readonly key?: string } | undefined {
  if (!tls && tlsCa === undefined && tlsCert === undefined) return undefined;
  return { ...(tlsCa !== undefined && { ca: certificatesIn(tlsCa) }), ...(tlsCert !== undefined && { cert: certificatesIn(tlsCert) }), ...(tlsKey !== undefined && { key: certificatesIn(tlsKey) }) };
}

interface Endpoint {
  /** Each with its port. */
  readonly contactPoints: readonly string[];
  readonly keyspace: string;
  readonly user?: string;
}

function parseEndpoint(endpoint: string): Endpoint {
  const [, authority = '', path = ''] = /^cassandra:\/\/([^/]*)\/?(.*)$/is.exec(endpoint) ?? [];
  const at = authority.lastIndexOf('@');
  const userInfo = at < 0 ? undefined : authority.slice(0, at);
  const shown = `cassandra://${authority.slice(at + 1)}/${path}`;
  if (userInfo?.includes(':')) throw new SyncError('invalid', `${shown} is given with a password, which others could read`, { hint: 'leave it out, and set CASSANDRA_PASSWORD' });
  const hosts = authority.slice(at + 1).split(',').map((text) => /^(\[[^\]]+\]|[^:[\]\s]+)(?::(\d{1,5}))?$/.exec(text));
  // A port at the end is that of all that name none.
  const port = hosts.at(-1)?.[2] ?? '9042';
  if (hosts.some((host) => !host || Number(host[2] ?? port) < 1 || Number(host[2] ?? port) > 65_535)) throw new SyncError('invalid', `${shown} does not name servers`, { hint: 'write cassandra://host1,host2:port/keyspace' });
  const keyspace = decoded(path);
  if (!/^\w{1,48}$/.test(keyspace)) throw new SyncError('invalid', `${shown} does not name a keyspace`, { hint: 'write cassandra://host1,host2:port/keyspace' });
  return { contactPoints: hosts.map((host) => `${host![1]!.toLowerCase()}:${host![2] ?? port}`), keyspace, ...(userInfo !== undefined && userInfo !== '' && { user: decoded(userInfo) }) };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
