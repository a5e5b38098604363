import { usualPatienceMs } from '../../../lib/patience.ts';
import { SyncError } from '../../../model/errors.ts';
import type { Host } from '../../../model/host.ts';
import type { OptionSpec, StoreKind } from '../../../model/kind.ts';
import { certificatesIn } from '../../records/certificates.ts';
import { patienceOption, recordOptions } from '../../records/record-options.ts';
import type { RecordOptions } from '../../records/record-options.ts';
import { serverOf, silentMs } from '../server.ts';
import { sqlCapabilities, SqlStore } from '../sql-store.ts';
import { PostgresDialect } from './dialect.ts';
import type { Reach } from './sessions.ts';

export interface PostgresOptions extends RecordOptions {
  readonly schema?: string;
  readonly tls?: Reach['tls'];
  readonly tlsCa?: string;
  readonly missing?: 'refuse' | 'empty';
  readonly timeoutMs?: number;
  readonly patienceMs?: number;
}

const options: readonly OptionSpec[] = [
  ...recordOptions,
  { name: 'schema', summary: 'the schema whose tables these are (default: the first of the search path)', value: 'text' },
  { name: 'tls', summary: 'whether the connection is encrypted; prefer: where the server can; verify: and it must prove who it is (default: verify with tlsCa, else what PGSSLMODE says, else prefer)', value: 'choice', choices: ['disable', 'prefer', 'require', 'verify'] },
  { name: 'tlsCa', summary: 'a file of the certificates by which that of the server is checked (default: what PGSSLROOTCERT says, else those the platform trusts)', value: 'text' },
  { name: 'missing', summary: 'whether a table that is named in collections and does not exist is refused or empty', value: 'choice', choices: ['refuse', 'empty'], default: 'refuse' },
  { name: 'timeoutMs', summary: 'milliseconds to wait for a connection', value: 'number', default: 30_000 },
  patienceOption,
];

/** Tables in PostgreSQL. */
export const kind: StoreKind<PostgresOptions> = {
  name: 'postgres',
  summary: 'the tables of a PostgreSQL database: every row is a document',
  endpoint: 'postgres://user@host:port/database',
  options,
  capabilities: { ...sqlCapabilities, limits: { ...sqlCapabilities.limits, keyBytes: 2_000 } },
  open,
};

const modes: { readonly [mode: string]: Reach['tls'] } = { 'disable': 'disable', 'allow': 'prefer', 'prefer': 'prefer', 'require': 'require', 'verify-ca': 'verify', 'verify-full': 'verify' };

async function open(endpoint: string, { schema, tls, tlsCa, missing = 'refuse', timeoutMs = 30_000, patienceMs = usualPatienceMs, ...records }: PostgresOptions, lent: Host): Promise<SqlStore> {
  const { environment, log } = lent;
  const named = serverOf(endpoint, 'PGPASSWORD, or ~/.pgpass');
  const host = named.host ?? environment['PGHOST'] ?? 'localhost';
  const port = named.port ?? Number(environment['PGPORT'] ?? 5432);
  const user = named.user ?? environment['PGUSER'] ?? environment['USER'] ?? environment['LOGNAME'];
  const database = named.path ?? environment['PGDATABASE'] ?? user;
  if (user === undefined || database === undefined) throw new SyncError('invalid', `${endpoint} ${user === undefined ? 'does not say who connects' : 'names no database'}`, { hint: user === undefined ? 'write the user and an @ before the host, or set PGUSER' : 'write it behind the host and a slash' });
  const mode = tls ?? (tlsCa === undefined ? modes[environment['PGSSLMODE'] ?? 'prefer'] : 'verify');
  if (mode === undefined) throw new SyncError('invalid', `PGSSLMODE is ${environment['PGSSLMODE']}, which is not a known mode`, { hint: `use one of ${Object.keys(modes).join(', ')}` });
  const certificates = tlsCa ?? environment['PGSSLROOTCERT'];
  const password = environment['PGPASSWORD'];
  const place = `postgres://${host.includes('/') ? encodeURIComponent(host) : host.includes(':') ? `[${host}]` : host}${port === 5432 ? '' : `:${port}`}/${database}`;
  const shown = schema === undefined ? place : `${place}?schema=${encodeURIComponent(schema)}`;
  return new SqlStore({
    name: shown,
    identity: shown,
    log,
    dialect: new PostgresDialect({
      schema, modified: records.modified, unit: records.modifiedUnit,
      reach: {
        host: lent, patienceMs,
        // A connection within the machine has nothing to hide on its way.
        tls: host.startsWith('/') ? 'disable' : mode,
        config: { host, port, user, database, connectionTimeoutMillis: timeoutMs, application_name: 'syncline', keepAlive: true, keepAliveInitialDelayMillis: silentMs, ...(password !== undefined && { password }) },
        ...(certificates !== undefined && certificates !== 'system' && { authorities: certificatesIn(certificates) }),
      },
    }),
    records, missingIsEmpty: missing === 'empty',
  });
}
