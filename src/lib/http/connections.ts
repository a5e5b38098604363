import { isIP } from 'node:net';
import type { connect as connectSecurely } from 'node:tls';
import { Connection } from './connection.ts';
import type { Outgoing, Taker, Target } from './connection.ts';
import { aborted } from './failure.ts';
import { connectingWith } from './trust.ts';
import type { Trust } from './trust.ts';

export interface ConnectionsOptions {
  /** At most so many to one origin. */
  readonly connections: number;
  /** To connect, to the first byte of an answer, and between two pieces of one. */
  readonly timeoutMs: number;
  /** How long one is kept that nobody uses, where the server does not say. */
  readonly idleMs: number;
  readonly trust?: Trust | undefined;
}

/** A request to an origin, and what becomes of its answer. */
export interface Errand {
  readonly origin: string;
  readonly request: Outgoing;
  readonly taker: Taker;
  readonly signal: AbortSignal | undefined;
}

/** The connections to any number of origins: opened as they are needed, kept, and used for one request at a time. */
export class Connections implements AsyncDisposable {
  readonly #options: ConnectionsOptions;
  readonly #origins = new Map<string, Origin>();
  #closed = false;

  constructor(options: ConnectionsOptions) {
    this.#options = options;
  }

  /** Sends a request as soon as there is a connection for it. After disposal nothing is sent. */
  send({ origin, request, taker, signal }: Errand): Under {
    const under = new Under(taker, signal);
    if (signal?.aborted === true || this.#closed) under.stop(aborted());
    else this.#at(origin).add(request, under);
    return under;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    for (const origin of this.#origins.values()) origin.close();
    this.#origins.clear();
  }

  #at(origin: string): Origin {
    let found = this.#origins.get(origin);
    if (!found) this.#origins.set(origin, (found = new Origin(origin, this.#options)));
    return found;
  }
}

/** A request that was sent or waits to be; sees to it that it ends once. */
export class Under implements Taker {
  readonly #taker: Taker;
  readonly #signal: AbortSignal | undefined;
  readonly #onAbort: (() => void) | undefined;
  #connection: Connection | undefined;
  #over = false;

  constructor(taker: Taker, signal: AbortSignal | undefined) {
    this.#taker = taker;
    this.#signal = signal;
    if (!signal) return;
    this.#onAbort = () => this.stop(aborted());
    signal.addEventListener('abort', this.#onAbort, { once: true });
  }

  get over(): boolean {
    return this.#over;
  }

  start(connection: Connection): void {
    this.#connection = connection;
  }

  /** Gives the request up. */
  stop(reason: unknown): void {
    const connection = this.#connection;
    this.fail(reason);
    connection?.destroy(reason);
  }

  /** Takes more of an answer that was held back. */
  resume(): void {
    this.#connection?.resume();
  }

  head(status: number, headers: Parameters<Taker['head']>[1]): void {
    if (!this.#over) this.#taker.head(status, headers);
  }

  data(bytes: Buffer, alone: boolean): boolean {
    return this.#over || this.#taker.data(bytes, alone);
  }

  end(): void {
    if (this.#finish()) this.#taker.end();
  }

  fail(error: unknown): void {
    if (this.#finish()) this.#taker.fail(error);
  }

  #finish(): boolean {
    if (this.#over) return false;
    this.#over = true;
    this.#connection = undefined;
    if (this.#onAbort) this.#signal?.removeEventListener('abort', this.#onAbort);
    return true;
  }
}

class Origin {
  readonly #origin: string;
  readonly #options: ConnectionsOptions;
  readonly #all = new Set<Connection>();
  readonly #free: Connection[] = [];
  readonly #waiting: { readonly request: Outgoing; readonly under: Under }[] = [];
  #next = 0;
  #opening = 0;
  #securely: typeof connectSecurely | undefined;

  constructor(origin: string, options: ConnectionsOptions) {
    this.#origin = origin;
    this.#options = options;
  }

  add(request: Outgoing, under: Under): void {
    const free = this.#free.pop();
    if (free) return this.#give(free, request, under);
    this.#waiting.push({ request, under });
    if (this.#all.size + this.#opening < this.#options.connections) this.#open();
  }

  close(): void {
    for (const { under } of this.#waiting.splice(0).slice(this.#next)) under.fail(aborted());
    this.#next = 0;
    for (const connection of this.#all) connection.destroy();
  }

  #give(connection: Connection, request: Outgoing, under: Under): void {
    under.start(connection);
    try {
      connection.send(request, under);
    } catch (error) {
      under.fail(error);
      connection.destroy();
    }
  }

  #take(): { readonly request: Outgoing; readonly under: Under } | undefined {
    while (this.#next < this.#waiting.length) {
      const first = this.#waiting[this.#next]!;
      this.#next++;
      if (this.#next > 1_000 && this.#next * 2 > this.#waiting.length) {
        this.#waiting.splice(0, this.#next);
        this.#next = 0;
      }
      if (!first.under.over) return first;
    }
    return undefined;
  }

  #open(): void {
    const { protocol, hostname, port, host: authority } = new URL(this.#origin);
    const target = { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port) || (protocol === 'https:' ? 443 : 80), authority, timeoutMs: this.#options.timeoutMs };
    if (protocol !== 'https:') return this.#start(target);
    if (this.#securely) return this.#start(this.#secured(target, this.#securely));
    this.#opening++;
    void import('node:tls').then(({ connect }) => {
      this.#opening--;
      this.#securely = connect;
      this.#start(this.#secured(target, connect));
    });
  }

  #secured(target: Target, connect: typeof connectSecurely): Target {
    const isName = isIP(target.host) === 0;
    const options = { ...(isName && { servername: target.host }), ALPNProtocols: ['http/1.1'], ...connectingWith(this.#options.trust).connect };
    return { ...target, secured: () => connect({ ...options, host: target.host, port: target.port }) };
  }

  #start(target: Target): void {
    const first = this.#take();
    if (!first) return;
    const connection = new Connection(target, (free) => this.#freed(free), (closed) => this.#closed(closed));
    this.#all.add(connection);
    this.#give(connection, first.request, first.under);
  }

  #freed(connection: Connection): void {
    const next = this.#take();
    if (next) return this.#give(connection, next.request, next.under);
    if (connection.idle(this.#options.idleMs)) this.#free.push(connection);
  }

  #closed(connection: Connection): void {
    this.#all.delete(connection);
    const at = this.#free.indexOf(connection);
    if (at >= 0) this.#free.splice(at, 1);
    if (this.#next < this.#waiting.length && this.#all.size + this.#opening < this.#options.connections) this.#open();
  }
}
