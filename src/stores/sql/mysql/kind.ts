import { existsSync, readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { parseIni } from '../../../lib/aws/ini.ts';
import { usualPatienceMs } from '../../../lib/patience.ts';
import { SyncError } from '../../../model/errors.ts';
import type { Host } from '../../../model/host.ts';
import type { OptionSpec, StoreKind } from '../../../model/kind.ts';
import { certificatesIn } from '../../records/certificates.ts';
import { patienceOption, recordOptions } from '../../records/record-options.ts';
import type { RecordOptions } from '../../records/record-options.ts';
import { serverOf, silentMs } from '../server.ts';
import { sqlCapabilities, SqlStore } from '../sql-store.ts';
import { MysqlDialect } from './dialect.ts';
import type { Reach } from './sessions.ts';

export interface MysqlOptions extends RecordOptions {
  readonly tls?: Reach['tls'];
  readonly tlsCa?: string;
  readonly missing?: 'refuse' | 'empty';
  readonly timeoutMs?: number;
  readonly patienceMs?: number;
}

const options: readonly OptionSpec[] = [
  ...recordOptions,
  { name: 'tls', summary: 'whether the connection is encrypted; prefer: where the server can; authority: and its certificate must be of one that is known; verify: and bear the name of the host (default: verify with tlsCa, else what ssl-mode of ~/.my.cnf says, else authority with its ssl-ca, else prefer)', value: 'choice', choices: ['disable', 'prefer', 'require', 'authority', 'verify'] },
  { name: 'tlsCa', summary: 'a file of the certificates by which that of the server is checked (default: ssl-ca of ~/.my.cnf, else those the platform trusts)', value: 'text' },
  { name: 'missing', summary: 'whether a table that is named in collections and does not exist is refused or empty', value: 'choice', choices: ['refuse', 'empty'], default: 'refuse' },
  { name: 'timeoutMs', summary: 'milliseconds to wait for a connection', value: 'number', default: 30_000 },
  patienceOption,
];

/** Tables in MySQL and MariaDB. */
export const kind: StoreKind<MysqlOptions> = {
  name: 'mysql',
  summary: 'the tables of a MySQL or MariaDB database: every row is a document',
  endpoint: 'mysql://user@host:port/database',
  options,
  capabilities: { ...sqlCapabilities, limits: { ...sqlCapabilities.limits, keyBytes: 760 } },
  open,
};

async function open(endpoint: string, { tls, tlsCa, missing = 'refuse', timeoutMs = 30_000, patienceMs = usualPatienceMs, ...records }: MysqlOptions, lent: Host): Promise<SqlStore> {
  const { environment, log } = lent;
  const named = serverOf(endpoint, 'MYSQL_PWD, or ~/.my.cnf');
  const file = ownSettings(environment['HOME']);
  const host = named.host ?? environment['MYSQL_HOST'] ?? file.get('host') ?? 'localhost';
  const port = named.port ?? Number(environment['MYSQL_TCP_PORT'] ?? file.get('port') ?? 3306);
  const user = named.user ?? file.get('user') ?? environment['USER'] ?? environment['LOGNAME'];
  const database = named.path ?? file.get('database');
  if (user === undefined || database === undefined) throw new SyncError('invalid', `${endpoint} ${user === undefined ? 'does not say who connects' : 'names no database'}`, { hint: user === undefined ? 'write the user and an @ before the host' : 'write it behind the host and a slash' });
  const certificates = tlsCa ?? file.get('ssl-ca');
  // A connection within the machine has nothing to hide on its way.
  const mode = host.startsWith('/') ? 'disable' : tls ?? (tlsCa === undefined ? modeIn(file) : 'verify');
  // The driver compares the certificate with another name then, and takes whoever has that for the server.
  if (mode === 'verify' && isIP(host) !== 0) throw new SyncError('invalid', `${host} is an address, and the certificate of the server is to be checked by its name`, { hint: 'write the name of the server, or tls=authority, which asks for no name' });
  const password = environment['MYSQL_PWD'] ?? file.get('password');
  const name = `mysql://${host.startsWith('/') ? encodeURIComponent(host) : host.includes(':') ? `[${host}]` : host}${port === 3306 ? '' : `:${port}`}/${database}`;
  return new SqlStore({
    name,
    identity: name,
    log,
    dialect: new MysqlDialect({
      modified: records.modified, unit: records.modifiedUnit,
      reach: {
        host: lent, patienceMs,
        tls: mode,
        ...(certificates !== undefined && { authorities: certificatesIn(certificates) }),
        config: { ...(host.startsWith('/') ? { socketPath: host } : { host, port }), user, database, connectTimeout: timeoutMs, charset: 'utf8mb4', enableKeepAlive: true, keepAliveInitialDelay: silentMs, ...(password !== undefined && { password }) },
      },
    }),
    records, missingIsEmpty: missing === 'empty',
  });
}

/** What the client's own file says. Its names may be written with lines below in place of hyphens. */
function ownSettings(home: string | undefined): ReadonlyMap<string, string> {
  const path = home === undefined ? undefined : join(home, '.my.cnf');
  const said = path !== undefined && existsSync(path) ? parseIni(readFileSync(path, 'utf8')).get('client') : undefined;
  return new Map([...said ?? []].map(([name, value]) => [name.replaceAll('_', '-'), value.replace(/^(["'])(.*)\1$/, '$2')]));
}

const modes: { readonly [mode: string]: Reach['tls'] } = { DISABLED: 'disable', PREFERRED: 'prefer', REQUIRED: 'require', VERIFY_CA: 'authority', VERIFY_IDENTITY: 'verify' };

function modeIn(file: ReadonlyMap<string, string>): Reach['tls'] {
  const said = file.get('ssl-mode')?.toUpperCase();
  if (said === undefined) return file.has('ssl-ca') ? 'authority' : 'prefer';
  const mode = modes[said];
  if (mode === undefined) throw new SyncError('invalid', `ssl-mode in ~/.my.cnf is ${said}, which is nothing that is known`, { hint: `use one of ${Object.keys(modes).join(', ')}` });
  return mode;
}
