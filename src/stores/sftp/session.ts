import { waitMs } from '../../lib/backoff.ts';
import type { SyncErrorDetails } from '../../model/errors.ts';
import { Connection } from './connection.ts';
import type { ConnectionOptions } from './connection.ts';
import { Dropped, sftpError, Unreachable } from './failure.ts';

export interface SessionOptions extends ConnectionOptions {
  /** How often something is tried at most, when connections fail. */
  readonly maxAttempts: number;
}

/** What is done, and to what, for messages. */
export interface About {
  readonly doing: string;
  readonly place: string;
  readonly details?: SyncErrorDetails;
}

/** For so long after it could not be connected to a server is not tried again: of many things to be done not each has to wait in vain. */
const restMs = 2_000;

/** A server that is connected to when it is needed, and again when the connection was lost. */
export class Session {
  readonly #options: SessionOptions;
  #connection: Promise<Connection> | undefined;
  #failed: { readonly cause: unknown; readonly atMs: number } | undefined;
  readonly #closing = new AbortController();

  constructor(options: SessionOptions) {
    this.#options = options;
  }

  /**
   * Does something that may be done again from the start when the connection is lost on the way. `attempt` counts from
   * 1; from the second on, what was asked for before may have been done. Rejects with a `SyncError`.
   */
  async run<T>({ doing, place, details }: About, task: (connection: Connection, attempt: number) => Promise<T>, signal?: AbortSignal): Promise<T> {
    const { maxAttempts } = this.#options;
    for (let attempt = 1; ; attempt++) {
      signal?.throwIfAborted();
      try {
        return await task(await this.#connected(), attempt);
      } catch (cause) {
        signal?.throwIfAborted();
        if (!(cause instanceof Dropped)) throw sftpError(cause, doing, place, details);
        if (cause instanceof Unreachable || attempt >= maxAttempts || this.#closing.signal.aborted) throw sftpError(cause, doing, place, { attempts: cause instanceof Unreachable ? cause.attempts : attempt, ...details });
        this.#options.host.log('debug', `${place}: ${cause.message}; trying again`);
      }
    }
  }

  async close(): Promise<void> {
    this.#closing.abort();
    const connection = await this.#connection?.catch(() => undefined);
    await connection?.close();
  }

  async #connected(): Promise<Connection> {
    for (;;) {
      if (this.#closing.signal.aborted) throw new Dropped('the store was closed');
      const opening = (this.#connection ??= this.#connect());
      try {
        const connection = await opening;
        if (connection.isOpen) return connection;
        if (this.#connection === opening) this.#connection = undefined;
      } catch (cause) {
        if (this.#connection === opening) this.#connection = undefined;
        throw cause;
      }
    }
  }

  async #connect(): Promise<Connection> {
    const { host } = this.#options;
    if (this.#failed && host.now() - this.#failed.atMs < restMs) throw this.#failed.cause;
    try {
      return await this.#tryToConnect();
    } catch (cause) {
      this.#failed = { cause, atMs: host.now() };
      throw cause;
    }
  }

  async #tryToConnect(): Promise<Connection> {
    const { host, maxAttempts } = this.#options;
    for (let attempt = 1; ; attempt++) {
      try {
        return await Connection.open(this.#options);
      } catch (cause) {
        if (!(cause instanceof Dropped)) throw cause;
        if (attempt >= maxAttempts || this.#closing.signal.aborted) throw new Unreachable(cause.message, attempt);
        const inMs = waitMs(attempt, { attempts: maxAttempts, firstMs: 500, mostMs: 10_000 }, host.random());
        host.log('debug', `${cause.message}; trying again in ${Math.round(inMs)} ms`);
        await host.sleep(inMs, this.#closing.signal).catch(() => {});
      }
    }
  }
}
