import type * as cassandra from 'cassandra-driver';
import type { Client, ClientOptions, types } from 'cassandra-driver';
import { waitMs } from '../../lib/backoff.ts';
import { Gate } from '../../lib/gate.ts';
import { Patience } from '../../lib/patience.ts';
import { SyncError } from '../../model/errors.ts';
import type { Host } from '../../model/host.ts';
import { connectPatiently } from '../records/connecting.ts';
import { pausing } from '../records/pausing.ts';
import { cassandraError, isBusy, isSlow, passesSoon } from './failure.ts';
import { probe } from './probe.ts';
import { keepRawRows, rawRowsOf } from './raw-rows.ts';

/** How many replicas must agree, by the names the driver has for it. */
export type Consistency = 'one' | 'localOne' | 'quorum' | 'localQuorum' | 'eachQuorum' | 'all';

export interface SessionOptions {
  readonly host: Host;
  /** Fit to print. */
  readonly name: string;
  readonly contactPoints: readonly string[];
  readonly localDataCenter?: string;
  /** Certificates and the key as their files hold them. */
  readonly tls?: { readonly ca?: string; readonly cert?: string; readonly key?: string };
  readonly user?: string;
  readonly consistency: Consistency;
  readonly timeoutMs: number;
  /** How long servers are waited for that have too much to do, while they do nothing. */
  readonly patienceMs: number;
  /** Statements under way at once. */
  readonly concurrency: number;
}

/** How one statement is to be run. */
export interface Statement {
  readonly cql: string;
  readonly values?: readonly unknown[];
  /** What it does, for errors: `write orders/42`. */
  readonly what: string;
  /** Whether to read what a conditional write under way may be about to change, too, or to have such a one decided. */
  readonly serial?: boolean;
  /** Whether running it twice is as good as once. Default: true. */
  readonly idempotent?: boolean;
  readonly pageState?: string;
  readonly fetchSize?: number;
  /** Leaves many rows as {@link RawRows}. Default: false. */
  readonly raw?: boolean;
  readonly signal?: AbortSignal | undefined;
}

type Driver = typeof cassandra;

/** A node that was restarted is back within a few seconds, or for longer than is worth waiting for here. */
const backoff = { attempts: 7, firstMs: 200, mostMs: 4_000 };

/** What a statement is answered with. */
export type Rows = types.ResultSet;

/** One row of an answer: values by the names of columns. */
export interface Row {
  readonly [column: string]: unknown;
}

/** One connection to a cluster, made when first needed. The driver is loaded then. */
export class Session {
  readonly #options: SessionOptions;
  readonly #patience: Patience;
  readonly gate: Gate;
  #connected: Promise<{ readonly client: Client; readonly driver: Driver }> | undefined;

  constructor(options: SessionOptions) {
    const { host, patienceMs, concurrency } = this.#options = options;
    this.#patience = new Patience({ mostMs: patienceMs, atOnce: concurrency, clock: host, onPause: pausing(host) });
    this.gate = new Gate(concurrency);
  }

  get host(): Host {
    return this.#options.host;
  }

  get name(): string {
    return this.#options.name;
  }

  /**
   * Runs a statement, prepared. What servers with too much to do refuse is run again for as long as it is worth it. What fails is thrown as
   * the driver has it: whether it may have been done has to be told from that.
   */
  async attempt(statement: Statement): Promise<Rows> {
    let busyMs: number | undefined;
    for (;;) {
      try {
        const rows = await this.#patience.admit(() => this.#execute(statement), statement.signal);
        this.#patience.progressed();
        return rows;
      } catch (cause) {
        if (!isBusy(cause) || !this.isWorthWaiting(cause, busyMs ??= this.host.now(), statement.what)) throw cause;
      }
    }
  }

  /** Whether what went wrong at `firstMs` for the first time is that the servers have too much to do, and worth another try: which then waits. */
  isWorthWaiting(cause: unknown, firstMs: number, what: string): boolean {
    if (!isSlow(cause)) return false;
    this.#patience.refused(cause, cassandraError(cause, what, { store: this.name }).message);
    return !this.#patience.isOver(firstMs);
  }

  async #execute({ cql, values = [], what, serial = false, idempotent = true, pageState, fetchSize = 0, raw = false, signal }: Statement): Promise<Rows> {
    signal?.throwIfAborted();
    const { client, driver: { types: { consistencies } } } = await this.#connection(what);
    const answer = await client.execute(cql, [...values], {
      prepare: true, isIdempotent: idempotent, captureStackTrace: false,
      serialConsistency: consistencies.serial,
      ...(serial && { consistency: consistencies.serial }),
      ...(fetchSize > 0 && { fetchSize }),
      ...(pageState !== undefined && { pageState }),
    });
    const rows = raw ? undefined : rawRowsOf(answer);
    return rows ? Object.assign(answer, { rows: rows.all() }) : answer;
  }

  /** Runs a statement that does no harm twice, prepared. Where the servers are away for a moment it is run again; what fails is thrown as a sentence. */
  async run(statement: Statement): Promise<Rows> {
    const { host, name } = this.#options;
    let slowMs: number | undefined;
    for (let failed = 1; ;) {
      try {
        return await this.attempt(statement);
      } catch (cause) {
        // Who could not be connected to, patiently, is not there at all.
        if (cause instanceof SyncError || (cause instanceof Error && cause.name === 'AbortError')) throw cause;
        const error = cassandraError(cause, statement.what, { store: name });
        // What servers that are alive refused was waited for.
        if (isBusy(cause)) throw error;
        if (isSlow(cause)) {
          if (this.isWorthWaiting(cause, slowMs ??= host.now(), statement.what)) continue;
          throw error;
        }
        if (!error.retryable || failed >= backoff.attempts) throw error;
        const inMs = waitMs(failed, backoff, host.random());
        failed++;
        host.log('debug', `${error.message}; attempt ${failed} in ${Math.ceil(inMs)} ms`);
        await host.sleep(inMs, statement.signal);
      }
    }
  }

  async close(): Promise<void> {
    const connected = this.#connected;
    this.#connected = undefined;
    await connected?.then(({ client }) => client.shutdown(), () => {});
  }

  #connection(what: string): Promise<{ readonly client: Client; readonly driver: Driver }> {
    return (this.#connected ??= this.#connect(what).catch((cause: unknown) => {
      // Whoever tries again may find it up.
      this.#connected = undefined;
      throw cause;
    }));
  }

  async #connect(what: string): Promise<{ readonly client: Client; readonly driver: Driver }> {
    const { contactPoints, timeoutMs, tls } = this.#options;
    const driver = (await import('cassandra-driver')).default as unknown as Driver;
    keepRawRows();
    const all = this.#clientOptions(driver);
    const options = tls ? all : { ...all, contactPoints: [...await this.#patiently(() => probe(contactPoints, timeoutMs, { what, store: this.name }))] };
    const localDataCenter = this.#options.localDataCenter ?? await this.#patiently(() => this.#discover(driver, options, what));
    // By what it knows of keyspaces the driver asks a node that has the row.
    const client = await this.#patiently(() => this.#open(new driver.Client({ ...options, localDataCenter, isMetadataSyncEnabled: true }), what));
    return { client, driver };
  }

  #patiently<T>(connect: () => Promise<T>): Promise<T> {
    return connectPatiently(connect, { host: this.host, passes: passesSoon });
  }

  /** The data centre of the first node that answers. */
  async #discover(driver: Driver, options: ClientOptions, what: string): Promise<string> {
    const { RoundRobinPolicy } = driver.policies.loadBalancing;
    const client = await this.#open(new driver.Client({ ...options, isMetadataSyncEnabled: false, policies: { ...options.policies, loadBalancing: new RoundRobinPolicy() } }), what);
    try {
      const [row] = (await client.execute('SELECT data_center FROM system.local')).rows;
      return String(row?.['data_center']);
    } catch (cause) {
      throw cassandraError(cause, what, { store: this.name });
    } finally {
      await client.shutdown();
    }
  }

  async #open(client: Client, what: string): Promise<Client> {
    try {
      await client.connect();
      return client;
    } catch (cause) {
      await client.shutdown().catch(() => {});
      throw cassandraError(cause, what, { store: this.name });
    }
  }

  #clientOptions(driver: Driver): ClientOptions {
    const { contactPoints, user, tls, timeoutMs, consistency, host } = this.#options;
    const { reconnection, retry } = driver.policies;
    const password = host.environment['CASSANDRA_PASSWORD'];
    if (user !== undefined && password === undefined) throw new SyncError('denied', `there is no password for ${user} at ${this.name}`, { store: this.name, hint: 'set CASSANDRA_PASSWORD' });
    return {
      contactPoints: [...contactPoints],
      ...(user !== undefined && password !== undefined && { authProvider: new driver.auth.PlainTextAuthProvider(user, password) }),
      ...(tls && { sslOptions: { ...tls, rejectUnauthorized: true } }),
      encoding: { map: Map, useBigIntAsLong: true, useBigIntAsVarint: true, copyBuffer: true, ...({ rawRows: true } as object) },
      queryOptions: { consistency: driver.types.consistencies[consistency] },
      socketOptions: { readTimeout: timeoutMs, connectTimeout: Math.min(timeoutMs, 5_000) },
      policies: {
        // What is not idempotent is not sent again by the driver, which cannot know what became of it.
        retry: new retry.IdempotenceAwareRetryPolicy(new retry.RetryPolicy()),
        reconnection: new reconnection.ExponentialReconnectionPolicy(100, 10_000, false),
        // The coordinator's clock is the one by which conditional writes are ordered.
        ...({ timestampGeneration: null } as object),
      },
    };
  }
}
