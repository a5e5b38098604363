import { Socket } from 'node:net';
import type { Client, ClientConfig, PoolClient } from 'pg';
import type pg from 'pg';
import { SyncError } from '../../../model/errors.ts';
import type { Host } from '../../../model/host.ts';
import { Patience } from '../../../lib/patience.ts';
import { connectPatiently } from '../../records/connecting.ts';
import { pausing } from '../../records/pausing.ts';
import { isAnswer, isBusy, passesSoon } from './failure.ts';

/** How to reach a database. */
export interface Reach {
  readonly host: Host;
  /** How long a server is waited for that has no connection left. */
  readonly patienceMs: number;
  readonly config: ClientConfig;
  /** Whether the connection is encrypted; `prefer`: where the server can. `verify`: and the server must prove who it is. */
  readonly tls: 'disable' | 'prefer' | 'require' | 'verify';
  /** Certificates to believe, in place of those of the platform. */
  readonly authorities?: string;
}

const most = 12;

// What is read as text must not depend on how the server or the user is set up.
const settings = `set timezone = 'UTC'; set datestyle = 'ISO, YMD'; set intervalstyle = 'iso_8601'; set bytea_output = 'hex'; set extra_float_digits = 1; set standard_conforming_strings = on`;

/** Connections to one database, made when they are needed. Every value comes as text. */
export class Sessions implements AsyncDisposable {
  readonly #reach: Reach;
  readonly #patience: Patience;
  readonly #set = new WeakSet<Client>();
  readonly #sockets = new Set<Socket>();
  #pool: Promise<pg.Pool> | undefined;

  constructor(reach: Reach) {
    const { host, patienceMs, config } = this.#reach = reach;
    this.#patience = new Patience({ mostMs: patienceMs, atOnce: most, clock: host, onPause: pausing(host, config.host) });
  }

  /** Lends a connection. One whose task failed on it, or was given up, is not used again where `clean` says so. */
  async use<T>(task: (client: PoolClient) => Promise<T>, signal?: AbortSignal): Promise<T> {
    const client = await this.take(signal);
    let broken = true;
    try {
      const result = await task(client);
      broken = false;
      return result;
    } catch (cause) {
      // An error that the server answered with leaves the connection in order.
      broken = !isAnswer(cause);
      throw cause;
    } finally {
      client.release(broken);
    }
  }

  /** A connection, to be released by whoever takes it. */
  async take(signal?: AbortSignal): Promise<PoolClient> {
    return await connectPatiently(() => this.#take(), { host: this.#reach.host, passes: passesSoon, isBusy, patience: this.#patience, signal });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const pool = await this.#pool?.catch(() => undefined);
    this.#pool = Promise.reject(new SyncError('invalid', 'the place is closed'));
    this.#pool.catch(() => {});
    if (pool && !pool.ended) await pool.end();
    // A client that cannot answer what the server asks of it leaves its connection open.
    for (const socket of this.#sockets) socket.destroy();
  }

  async #take(): Promise<PoolClient> {
    const pool = await (this.#pool ??= this.#connected().catch((cause: unknown) => {
      this.#pool = undefined;
      throw cause;
    }));
    const client = await pool.connect();
    if (this.#set.has(client)) return client;
    try {
      await client.query(settings);
      this.#set.add(client);
      return client;
    } catch (cause) {
      client.release(true);
      throw cause;
    }
  }

  #socket(): Socket {
    const socket = new Socket();
    this.#sockets.add(socket);
    socket.once('close', () => void this.#sockets.delete(socket));
    return socket;
  }

  async #connected(): Promise<pg.Pool> {
    const { default: { Client: Connection, Pool } } = await import('pg');
    const { tls, authorities } = this.#reach;
    const config: ClientConfig = { ...this.#reach.config, stream: () => this.#socket() };
    const secure = { rejectUnauthorized: tls === 'verify', ...(authorities !== undefined && { ca: authorities }) };
    let ssl: ClientConfig['ssl'] = tls === 'disable' ? false : secure;
    if (tls === 'prefer') {
      const trial = new Connection({ ...config, ssl });
      trial.on('error', () => {});
      await trial.connect().then(() => trial.end(), (cause: unknown) => {
        if (!(cause instanceof Error && cause.message.includes('does not support SSL'))) throw cause;
        ssl = false;
      });
    }
    const pool = new Pool({ ...config, ssl, max: most, idleTimeoutMillis: 10_000, allowExitOnIdle: true, types: { getTypeParser: () => (text: unknown) => text } });
    // A connection that is lost while nobody uses it is replaced by the next that is asked for. One that is lent, and lost
    // between two statements, has nobody to tell but its next statement, which fails.
    pool.on('error', () => {});
    pool.on('connect', (client) => client.on('error', () => {}));
    return pool;
  }
}
