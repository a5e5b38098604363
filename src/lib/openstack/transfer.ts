import type { Dispatcher } from 'undici';
import Pool from 'undici/lib/dispatcher/pool.js';
import { aborted, failureOf, joined } from '../http/exchange.ts';
import type { HttpHeaders } from '../http/client.ts';
import type { HttpUrl } from '../http/url.ts';
import { printableUrl, urlText } from '../http/url.ts';

/** One request whose body may be a stream. Its path is sent as written, and nothing is sent twice. */
export interface TransferRequest {
  readonly method: string;
  readonly url: HttpUrl;
  readonly headers: HttpHeaders;
  readonly body: Uint8Array | AsyncIterable<Uint8Array> | undefined;
  readonly signal: AbortSignal | undefined;
}

/** An answer that has begun. Its body must be read to the end or given up; nothing of it is decompressed. */
export interface Incoming {
  readonly status: number;
  readonly headers: HttpHeaders;
  readonly body: AsyncIterableIterator<Uint8Array>;
}

/** Sends requests and hands out answers as they begin. Disposing it closes its connections. */
export interface Transfer extends AsyncDisposable {
  /** Rejects with an `HttpFailure`, an `AbortError`, or with what the request's own body threw. So does reading the answer. */
  send(request: TransferRequest): Promise<Incoming>;
}

/** Bytes of an answer that may wait to be read before the sender is held back. */
const waitingBytes = 256 * 1024;

/** How long an idle connection is kept where the server does not say. */
const idleMs = 1000;

/** Keeps at most `connections` to each origin. Connects to nothing yet. */
export function openTransfer({ connections, timeoutMs }: { readonly connections: number; readonly timeoutMs: number }): Transfer {
  const pools = new Map<string, Pool>();
  const poolOf = (origin: string): Pool => {
    let pool = pools.get(origin);
    if (pool === undefined) {
      pool = new Pool(origin, { connections, allowH2: false, connectTimeout: timeoutMs, headersTimeout: timeoutMs, bodyTimeout: timeoutMs, keepAliveTimeout: idleMs, pipelining: 1 });
      pools.set(origin, pool);
    }
    return pool;
  };
  return {
    send: (request) => new Exchange(request).start(poolOf(request.url.origin)),
    async [Symbol.asyncDispose]() {
      const open = [...pools.values()];
      pools.clear();
      await Promise.all(open.map((pool) => pool.destroy()));
    },
  };
}

/** One request under way. */
class Exchange implements AsyncIterableIterator<Uint8Array> {
  readonly #request: TransferRequest;
  readonly #place: string;
  readonly #chunks: Buffer[] = [];
  #waiting = 0;
  #controller: Dispatcher.DispatchController | undefined;
  #ended = false;
  #failed: { readonly error: unknown } | undefined;
  /** What the request's own body threw, which matters more than the broken connection it leads to. */
  #thrown: { readonly error: unknown } | undefined;
  #wake: (() => void) | undefined;
  readonly #onAbort = (): void => this.#give(aborted());

  constructor(request: TransferRequest) {
    this.#request = request;
    this.#place = printableUrl(urlText(request.url));
  }

  start(pool: Pool): Promise<Incoming> {
    const { method, url: { path }, headers, body, signal } = this.#request;
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) return reject(aborted());
      signal?.addEventListener('abort', this.#onAbort, { once: true });
      let answered = false;
      // Any async iterable will do, though only some are declared.
      const sent = body === undefined || body instanceof Uint8Array ? (body ?? null) : (this.#watched(body) as unknown as Uint8Array);
      this.#wake = () => { if (this.#failed && !answered) reject(this.#failed.error); };
      // Without `reset` a connection would be given up after every HEAD.
      pool.dispatch({ method, path, headers: { ...headers }, body: sent, reset: false }, {
        onRequestStart: (controller) => {
          this.#controller = controller;
          if (this.#failed) controller.abort(aborted());
        },
        onResponseStart: (_, status, received) => {
          if (status < 200 || this.#failed) return;
          answered = true;
          resolve({ status, headers: joined(received), body: this });
        },
        onResponseData: (controller, chunk) => {
          this.#chunks.push(chunk);
          this.#waiting += chunk.length;
          if (this.#waiting > waitingBytes) controller.pause();
          this.#wake?.();
        },
        onResponseEnd: () => {
          this.#close();
          this.#wake?.();
        },
        onResponseError: (_, error) => {
          this.#fail(this.#thrown ? this.#thrown.error : failureOf(error, this.#place, answered));
        },
      });
    });
  }

  async next(): Promise<IteratorResult<Uint8Array>> {
    for (;;) {
      const chunk = this.#chunks.shift();
      if (chunk !== undefined) {
        const before = this.#waiting;
        this.#waiting -= chunk.length;
        if (before > waitingBytes && this.#waiting <= waitingBytes) this.#controller?.resume();
        return { done: false, value: chunk };
      }
      if (this.#failed) throw this.#failed.error;
      if (this.#ended) return { done: true, value: undefined };
      await new Promise<void>((resolve) => { this.#wake = resolve; });
      this.#wake = undefined;
    }
  }

  async return(): Promise<IteratorResult<Uint8Array>> {
    if (!this.#ended) this.#give(aborted());
    this.#chunks.length = 0;
    this.#ended = true;
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #give(error: Error): void {
    this.#fail(error);
    this.#controller?.abort(error);
  }

  #fail(error: unknown): void {
    if (this.#ended || this.#failed) return;
    this.#failed = { error };
    this.#request.signal?.removeEventListener('abort', this.#onAbort);
    this.#wake?.();
  }

  #close(): void {
    this.#ended = true;
    this.#request.signal?.removeEventListener('abort', this.#onAbort);
  }

  async *#watched(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    try {
      yield* body;
    } catch (error) {
      this.#thrown = { error };
      throw error;
    }
  }
}

/** The whole body of an answer. Throws a `RangeError` when it is larger than `mostBytes`. */
export async function whole({ body }: Incoming, mostBytes: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > mostBytes) throw new RangeError(`the answer is larger than ${mostBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, size);
}
