import { waitMs } from '../../lib/backoff.ts';
import type { Http, HttpResponse } from '../../lib/http/client.ts';
import { HttpFailure } from '../../lib/http/http-failure.ts';
import { retryAfterMs } from '../../lib/http/retry-after.ts';
import { Patience } from '../../lib/patience.ts';
import { readJson } from '../../formats/json.ts';
import type { Document } from '../../model/document.ts';
import { isDocument } from '../../model/document.ts';
import { SyncError } from '../../model/errors.ts';
import type { Host } from '../../model/host.ts';
import { pausing } from '../records/pausing.ts';
import { Busy, statusFailure, toElasticError } from './failure.ts';
import type { About } from './failure.ts';

/** One request to a cluster. */
export interface ElasticRequest {
  /** Default: POST where there is a body, else GET. */
  readonly method?: string;
  /** Path and query, encoded. */
  readonly path: string;
  /** JSON, or with `lines` one JSON a line. */
  readonly body?: string;
  readonly lines?: true;
  /** Set where less can be sent at once: then {@link Busy} is thrown at once, and the next request waits. */
  readonly divisible?: true;
  /** Set where it is not worth waiting for a server that has too much to do. */
  readonly hurried?: true;
  /** The statuses beside 200 and 201 that are answers; all others throw. */
  readonly wanted?: readonly number[];
  readonly about: About;
  readonly signal: AbortSignal | undefined;
}

/** An answer that is JSON. */
export interface ElasticAnswer extends RawAnswer {
  readonly body: Document;
}

/** An answer as it came. */
export interface RawAnswer {
  readonly status: number;
  readonly raw: Buffer;
  /** How often the request was sent. */
  readonly attempts: number;
}

export interface ElasticClientOptions {
  /** That tries once. */
  readonly http: Http;
  readonly origins: readonly string[];
  readonly authorization: string | undefined;
  readonly host: Host;
  readonly maxAttempts: number;
  /** How long a server is waited for that has too much to do, while it does nothing. */
  readonly patienceMs: number;
  /** Requests under way at once where all is well. */
  readonly atOnce: { readonly reads: number; readonly writes: number };
  /** Whether answers come compressed. */
  readonly compress: boolean;
}

const backoff = { attempts: 0, firstMs: 200, mostMs: 30_000 };
const mostRetryAfterMs = 5 * 60_000;
const passing = new Set([429, 502, 503, 504]);

/**
 * Sends requests to the hosts of one cluster: to the one that answered last, and to the next, patiently, when
 * connections or servers fail. Every request it is given must be safe to send twice. A server that has too much to do is waited for longer.
 */
export class ElasticClient implements AsyncDisposable {
  /** What is divisible, and everything else: a server may have room for the one and not for the other. */
  readonly writes: Patience;
  readonly reads: Patience;
  readonly #options: ElasticClientOptions;
  /** The host that is asked: one for all requests, so that whoever finds it down finds another for all. */
  #current = 0;

  constructor(options: ElasticClientOptions) {
    const { host, patienceMs, atOnce } = this.#options = options;
    const common = { mostMs: patienceMs, clock: host, onPause: pausing(host) };
    this.writes = new Patience({ ...common, atOnce: atOnce.writes });
    this.reads = new Patience({ ...common, atOnce: atOnce.reads });
  }

  get host(): Host {
    return this.#options.host;
  }

  /** How often something is tried. */
  get maxAttempts(): number {
    return this.#options.maxAttempts;
  }

  /** Sends a request and waits for its answer. Throws a {@link SyncError} or an `AbortError`. */
  async request(request: ElasticRequest): Promise<ElasticAnswer> {
    const answer = await this.raw(request);
    // What refuses may be something else that stands before the server, and speaks as it likes.
    const foreign = answer.status >= 400 && answer.raw[0] !== 0x7b;
    return { ...answer, body: foreign ? {} : bodyOf(answer.raw, request.about) };
  }

  /** The same, with the answer as it came: {@link bodyOf} reads it. */
  async raw(request: ElasticRequest): Promise<RawAnswer> {
    const { maxAttempts, host, origins } = this.#options;
    const { about, signal, wanted = [], divisible = false, hurried = false } = request;
    const patience = divisible ? this.writes : this.reads;
    // Each host is asked at least once.
    const most = Math.max(maxAttempts, origins.length);
    let busyMs: number | undefined;
    for (let sent = 1, attempt = 1; ; sent++) {
      const at = this.#current;
      let failure: SyncError;
      try {
        const send = (): Promise<HttpResponse> => this.#send(request, origins[at]!);
        const answer = { ...await (hurried ? send() : patience.admit(send, signal)), attempts: sent };
        if (answer.status === 200 || answer.status === 201 || wanted.includes(answer.status)) {
          // What is divisible may be done in part: its sender knows.
          if (!divisible) patience.progressed();
          return { status: answer.status, raw: answer.body, attempts: sent };
        }
        failure = statusFailure(answer, about, askedMs(answer, host.now()));
        if (!passing.has(answer.status) && !(failure instanceof Busy)) throw failure;
      } catch (error) {
        signal?.throwIfAborted();
        failure = toElasticError(error, about, sent);
        if (!isPassing(error, origins.length > 1)) throw failure;
      }
      if (this.#current === at) this.#current = (at + 1) % origins.length;
      const { message, details: { retryAfterMs: afterMs = 0 } } = failure;
      if (failure instanceof Busy) {
        if (hurried) throw failure;
        patience.refused(failure, message, afterMs);
        if (divisible || patience.isOver(busyMs ??= host.now())) throw failure;
        continue;
      }
      if (attempt >= most) throw failure;
      // The next host is asked at once; only when all have been is there something to wait for.
      const inMs = attempt < origins.length && afterMs === 0 ? 0 : waitMs(attempt, backoff, host.random(), afterMs);
      attempt++;
      host.log('info', `${message}; attempt ${attempt} in ${Math.ceil(inMs)} ms`);
      await host.sleep(inMs, signal);
    }
  }

  /** Waits as long as after so many failed attempts. */
  async pause(failed: number, signal: AbortSignal | undefined): Promise<void> {
    const { host } = this.#options;
    await host.sleep(waitMs(failed, backoff, host.random()), signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#options.http[Symbol.asyncDispose]();
  }

  #send({ method, path, body, lines, signal }: ElasticRequest, origin: string): Promise<HttpResponse> {
    const { http, authorization, compress } = this.#options;
    return http.request({
      method: method ?? (body === undefined ? 'GET' : 'POST'), url: origin + path, ...(signal && { signal }),
      headers: { authorization, accept: 'application/json', 'accept-encoding': compress ? undefined : 'identity', 'content-type': body === undefined ? undefined : lines ? 'application/x-ndjson' : 'application/json' },
      ...(body !== undefined && { body }),
    });
  }
}

function askedMs({ headers }: HttpResponse, nowMs: number): number | undefined {
  const asked = retryAfterMs(headers['retry-after'], nowMs);
  return asked === undefined ? undefined : Math.min(mostRetryAfterMs, asked);
}

function isPassing(error: unknown, others: boolean): boolean {
  if (!(error instanceof HttpFailure)) return false;
  return error.kind === 'unreachable' || error.kind === 'broken' || error.kind === 'timeout' || (others && error.kind === 'unknown-host');
}

/** What an answer, or a part of one, holds. */
export function bodyOf(raw: Buffer | string, about: About): Document {
  if (raw.length === 0) return {};
  const value = readJson(raw.toString(), about.place);
  if (!isDocument(value)) throw new SyncError('unavailable', `cannot ${about.doing} ${about.place}: what answers there is no search server`, { ...about.details, hint: 'check the address' });
  return value;
}
