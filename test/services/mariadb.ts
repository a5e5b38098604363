// A real MariaDB server for the tests of one process.
import { execFile } from 'node:child_process';
import { chownSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { promisify } from 'node:util';
import { createConnection } from 'mysql2/promise';
import { freePort } from './free-port.ts';
import { asUser, missingPrograms, programPath, serverUser } from './packages.ts';
import { failWhereRequired } from './required.ts';
import { startRestartable } from './start-server.ts';

const run = promisify(execFile);

/** A server that answers. */
export interface Mariadb {
  readonly port: number;
  /** Makes a database that nothing uses yet, and answers with its endpoint. */
  newDatabase(): Promise<string>;
  /** Runs a statement in a database, by its endpoint, and answers with its rows. */
  query(endpoint: string, text: string): Promise<readonly { readonly [column: string]: unknown }[]>;
  /** Kills the server, and starts it again. What was committed is there then, if this was asked for once before anything was written. */
  restart(): Promise<void>;
}

/** The key of a server and its certificate, as text. */
interface Keys {
  readonly key: string;
  readonly cert: string;
}

// A server that runs already, which may as well be MySQL: `mysql://root@127.0.0.1:3306`.
const given = process.env['SYNCLINE_MYSQL'];
const missing = given !== undefined ? undefined : await missingPrograms(['mariadbd', 'mariadb-install-db'], ['mariadb-server'], '');

/** Why there is no server on this machine; false where there is one. For the `skip` of a test. */
export const withoutMariadb: { readonly skip: string | false } = { skip: missing ?? false };
if (missing !== undefined) console.error(`MariaDB cannot be run: ${missing}`);
failWhereRequired('MariaDB', missing);

/** Whether the server is MariaDB, and not MySQL. */
export const isMaria: boolean = given === undefined || /MariaDB/i.test(String((await query(`${given}/mysql`, 'select version() as version'))[0]?.['version']));

/** The numbers from one on, as a table `seq` to select from. */
export const series = (count: number): string => `json_table(concat('[0', repeat(',0', ${count - 1}), ']'), '$[*]' columns (seq for ordinality)) as series`;

let running: Promise<Mariadb> | undefined;
let stop = async (): Promise<void> => {};
after(() => stop());

/** The server of this process, started when first asked for, and ended with the tests. With keys it speaks TLS as well. */
export function mariadb(keys?: Keys): Promise<Mariadb> {
  return (running ??= given === undefined ? start(keys) : there(given));
}

async function query(endpoint: string, sql: string): Promise<readonly { readonly [column: string]: unknown }[]> {
  const connection = await createConnection({ uri: endpoint, multipleStatements: true });
  try {
    const [rows] = await connection.query(sql);
    return rows as unknown as readonly { readonly [column: string]: unknown }[];
  } finally {
    await connection.end();
  }
}

let databases = 0;

async function databaseAt(server: string): Promise<string> {
  const name = `test_${process.pid}_${++databases}`;
  await query(`${server}/mysql`, `create database ${name}`);
  return `${server}/${name}`;
}

function there(server: string): Promise<Mariadb> {
  const restart = async (): Promise<void> => { throw new Error(`${server} is not ours to restart`); };
  return Promise.resolve({ port: Number(new URL(server).port), newDatabase: () => databaseAt(server), query, restart });
}

async function start(keys: Keys | undefined): Promise<Mariadb> {
  const root = mkdtempSync(join(tmpdir(), 'syncline-mariadb-'));
  const user = serverUser('mysql');
  const data = join(root, 'data');
  mkdirSync(data);
  if (process.getuid?.() === 0) for (const path of [root, data]) chownSync(path, user.uid, user.gid);
  const secure = Object.entries(keys ?? {}).map(([name, text]) => {
    const path = join(root, `server.${name}`);
    writeFileSync(path, String(text), { mode: 0o600 });
    if (process.getuid?.() === 0) chownSync(path, user.uid, user.gid);
    return `--ssl-${name}=${path}`;
  });
  const [install, parameters] = asUser(user, 'KILL', programPath('mariadb-install-db', '')!, ['--no-defaults', `--datadir=${data}`, '--auth-root-authentication-method=normal', '--skip-test-db']);
  await run(install, parameters, { cwd: root });
  const port = await freePort();
  const address = `mysql://root@127.0.0.1:${port}`;
  const [path, options] = asUser(user, 'KILL', programPath('mariadbd', '')!, ['--no-defaults', `--datadir=${data}`, `--tmpdir=${root}`, `--socket=${join(root, 'socket')}`, `--pid-file=${join(root, 'pid')}`, `--port=${port}`, '--bind-address=127.0.0.1', '--innodb-flush-log-at-trx-commit=0', '--innodb-buffer-pool-size=64M', '--max-connections=200', '--character-set-server=utf8mb4', '--collation-server=utf8mb4_general_ci', ...secure]);
  const server = await startRestartable(path, options, { name: 'MariaDB', root, crash: 'SIGKILL', answers: () => query(`${address}/mysql`, 'select 1') });
  stop = () => server.stop();
  // From now on a commit is handed to the platform before it is answered.
  const restart = (): Promise<void> => server.restart('--innodb-flush-log-at-trx-commit=2');
  return { port, newDatabase: () => databaseAt(address), query, restart };
}
