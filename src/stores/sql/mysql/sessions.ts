import type { Connection, Pool, PoolConnection, PoolOptions } from 'mysql2';
import { SyncError } from '../../../model/errors.ts';
import type { Host } from '../../../model/host.ts';
import { Patience } from '../../../lib/patience.ts';
import { connectPatiently } from '../../records/connecting.ts';
import { pausing } from '../../records/pausing.ts';
import { isBusy, passesSoon } from './failure.ts';

/** How to reach a database. */
export interface Reach {
  readonly host: Host;
  /** How long a server is waited for that has no connection left. */
  readonly patienceMs: number;
  readonly config: PoolOptions;
  /** Whether the connection is encrypted; `prefer`: where the server can. `authority`: and its certificate must be of a known one; `verify`: and bear its name. */
  readonly tls: 'disable' | 'prefer' | 'require' | 'authority' | 'verify';
  /** Certificates to believe, in place of those of the platform. */
  readonly authorities?: string;
}

/** A row as it comes: all text. */
export type TextRow = readonly (string | null)[];

const most = 12;

// What is read as text must not depend on how the server or the user is set up, and what does not fit is never cut off.
// A key is at most 3,072 bytes, of which each may be escaped.
const settings = [
  "set names utf8mb4, time_zone = '+00:00', sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION,ERROR_FOR_DIVISION_BY_ZERO,NO_AUTO_VALUE_ON_ZERO', max_sort_length = 9300",
];

/** Connections to one database, made when they are needed. Every value comes as text. */
export class Sessions implements AsyncDisposable {
  readonly #reach: Reach;
  readonly #patience: Patience;
  readonly #set = new WeakSet<PoolConnection>();
  #pool: Promise<Pool> | undefined;
  #isMaria = false;
  #escape: (text: string) => string = () => { throw new SyncError('internal', 'nothing is connected yet'); };

  constructor(reach: Reach) {
    const { host, patienceMs, config } = this.#reach = reach;
    this.#patience = new Patience({ mostMs: patienceMs, atOnce: most, clock: host, onPause: pausing(host, config.host ?? config.socketPath) });
  }

  /** Whether the server is MariaDB. Known once a connection was taken. */
  get isMaria(): boolean {
    return this.#isMaria;
  }

  /** Text as SQL writes it. */
  get escape(): (text: string) => string {
    return this.#escape;
  }

  /** Lends a connection, which is ended where its task failed. */
  async use<T>(task: (connection: PoolConnection) => Promise<T>, signal?: AbortSignal): Promise<T> {
    const connection = await this.take(signal);
    try {
      const result = await task(connection);
      connection.release();
      return result;
    } catch (cause) {
      connection.destroy();
      throw cause;
    }
  }

  /** A connection, to be released or destroyed by whoever takes it. */
  async take(signal?: AbortSignal): Promise<PoolConnection> {
    return await connectPatiently(() => this.#take(), { host: this.#reach.host, passes: passesSoon, isBusy, patience: this.#patience, signal });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const pool = await this.#pool?.catch(() => undefined);
    this.#pool = Promise.reject(new SyncError('invalid', 'the place is closed'));
    this.#pool.catch(() => {});
    if (pool) await new Promise<void>((resolve) => pool.end(() => resolve()));
  }

  async #take(): Promise<PoolConnection> {
    const pool = await (this.#pool ??= this.#connected().catch((cause: unknown) => {
      this.#pool = undefined;
      throw cause;
    }));
    const connection = await new Promise<PoolConnection>((resolve, reject) => pool.getConnection((error, taken) => (error ? reject(error) : resolve(taken))));
    if (this.#set.has(connection)) return connection;
    try {
      for (const setting of settings) await rowsOf(connection, setting);
      this.#isMaria = /MariaDB/i.test((await rowsOf(connection, 'select version()'))[0]?.[0] ?? '');
      this.#set.add(connection);
      return connection;
    } catch (cause) {
      connection.destroy();
      throw cause;
    }
  }

  async #connected(): Promise<Pool> {
    const { default: { createConnection, createPool, escape } } = await import('mysql2');
    this.#escape = escape;
    const { config, tls, authorities } = this.#reach;
    let ssl: PoolOptions['ssl'] = tls === 'disable' ? undefined : { rejectUnauthorized: tls === 'authority' || tls === 'verify', verifyIdentity: tls === 'verify', ...(authorities !== undefined && { ca: authorities }) };
    if (tls === 'prefer') {
      const { connectionLimit: _, ...one } = config;
      const trial = createConnection({ ...one, ...(ssl !== undefined && { ssl }) });
      await new Promise<void>((resolve, reject) => trial.connect((error) => {
        if (!error) trial.end(() => resolve());
        else {
          trial.destroy();
          if ((error as { readonly code?: string }).code !== 'HANDSHAKE_NO_SSL_SUPPORT') return reject(error);
          ssl = undefined;
          resolve();
        }
      }));
    }
    return createPool({ ...config, ...(ssl !== undefined && { ssl }), connectionLimit: most, maxIdle: most, idleTimeout: 10_000 });
  }
}

/** The rows that a statement answers with. */
export async function rowsOf(connection: Connection, sql: string): Promise<readonly TextRow[]> {
  return await new Promise((resolve, reject) => connection.query({ ...asText, sql }, (error, rows) => (error ? reject(error) : resolve(Array.isArray(rows) ? (rows as unknown as readonly TextRow[]) : []))));
}

/** The rows that a statement answers with, some at a time; the server is held back while they are looked at. Who stops early must end the connection. */
export async function* pagesOf(connection: Connection, sql: string, pageRows: number, signal: AbortSignal | undefined): AsyncGenerator<readonly TextRow[]> {
  let rows: TextRow[] = [];
  let state: 'running' | 'ended' | { readonly error: unknown } = 'running';
  let wake = (): void => {};
  const query = connection.query({ ...asText, sql });
  query.on('result', (row: unknown) => {
    if (rows.push(row as TextRow) < pageRows) return;
    connection.pause();
    wake();
  });
  query.on('error', (error: unknown) => { state = { error }; wake(); });
  query.on('end', () => { if (state === 'running') state = 'ended'; wake(); });
  const stop = (): void => { state = { error: signal?.reason }; wake(); };
  signal?.addEventListener('abort', stop, { once: true });
  const done = (): boolean => state !== 'running';
  try {
    while (!done() || rows.length > 0) {
      if (!done() && rows.length < pageRows) await new Promise<void>((resolve) => { wake = resolve; });
      if (typeof state === 'object') throw (state as { readonly error: unknown }).error;
      const page = rows.splice(0, pageRows);
      if (page.length > 0) yield page;
      if (rows.length < pageRows) connection.resume();
    }
  } finally {
    signal?.removeEventListener('abort', stop);
  }
}

const asText = {
  rowsAsArray: true,
  // The driver warns on the console where a column of JSON is asked for in the very encoding that it has.
  typeCast: (field: { readonly type: string; string(encoding?: BufferEncoding): string | null }) => field.string(field.type === 'JSON' ? 'utf-8' : 'utf8'),
} as const;
