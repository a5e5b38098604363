// A real PostgreSQL server.
import { execFile } from 'node:child_process';
import { chownSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { freePort } from './free-port.ts';
import { asUser, programPath, serverUser } from './packages.ts';
import { startRestartable } from './start-server.ts';

const run = promisify(execFile);

/** Where Debian keeps the programs of PostgreSQL. */
export const postgresFolders = '/usr/lib/postgresql/*/bin';

/** A server that answers. */
export interface Postgres {
  readonly port: number;
  /** The process that all others of the server come from. */
  readonly pid: number;
  /** Makes a database that nothing uses yet, and answers with its endpoint. */
  newDatabase(): Promise<string>;
  /** Runs statements in a database, by its endpoint, and answers with the rows of the last one. */
  query(endpoint: string, text: string): Promise<readonly { readonly [column: string]: unknown }[]>;
  /** Ends the server as a crash would, and starts it again. Only what was committed with `synchronous_commit` is sure to be there then. */
  restart(): Promise<void>;
  /** Ends it, and sends away whoever is still connected. */
  stop(): Promise<void>;
}

/** Starts a server in a folder of its own. */
export async function startPostgres(): Promise<Postgres> {
  const root = mkdtempSync(join(tmpdir(), 'syncline-postgres-'));
  const user = serverUser('postgres');
  if (process.getuid?.() === 0) chownSync(root, user.uid, user.gid);
  const data = join(root, 'data');
  // A locale whose order of text is not that of its bytes.
  const [initdb, parameters] = asUser(user, 'KILL', programPath('initdb', postgresFolders)!, ['-D', data, '-U', 'tester', '--auth=trust', '-E', 'UTF8', '--locale=C.UTF-8', '--locale-provider=icu', '--icu-locale=en-US', '--no-sync']);
  await run(initdb, parameters, { cwd: root });
  const port = await freePort();
  const query = async (endpoint: string, text: string): Promise<readonly { readonly [column: string]: unknown }[]> => {
    const client = new pg.Client({ connectionString: endpoint });
    await client.connect();
    try {
      const results: unknown = await client.query(text);
      return ((Array.isArray(results) ? results.at(-1) : results) as pg.QueryResult<{ [column: string]: unknown }>).rows;
    } finally {
      await client.end();
    }
  };
  const endpointOf = (database: string): string => `postgres://tester@127.0.0.1:${port}/${database}`;
  const [path, options] = asUser(user, 'QUIT', programPath('postgres', postgresFolders)!, ['-D', data, '-p', String(port), '-h', '127.0.0.1', '-k', root, ...['fsync=off', 'full_page_writes=off', 'synchronous_commit=off', 'max_connections=200', 'autovacuum=off'].flatMap((setting) => ['-c', setting])]);
  const server = await startRestartable(path, options, { name: 'PostgreSQL', root, crash: 'SIGQUIT', answers: () => query(endpointOf('postgres'), 'select 1') });
  let databases = 0;
  const newDatabase = async (): Promise<string> => {
    const name = `test_${++databases}`;
    await query(endpointOf('postgres'), `create database ${name}`);
    return endpointOf(name);
  };
  // Fast: whoever is still connected is sent away.
  return { port, get pid() { return server.pid; }, newDatabase, query, restart: () => server.restart(), stop: () => server.stop('SIGINT') };
}
