import type { Dispatcher } from 'undici';
import Pool from 'undici/lib/dispatcher/pool.js';
import { aborted, failureOf } from '../http/exchange.ts';
import type { HttpHeaders } from '../http/client.ts';
import { HttpFailure } from '../http/http-failure.ts';

/** One request, signed, as it goes out. */
export interface WireRequest {
  readonly origin: string;
  readonly method: string;
  /** Path and query, sent as they are. */
  readonly path: string;
  /** Names and values in turn. */
  readonly headers: readonly string[];
  readonly body?: Uint8Array | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** An answer, whole. */
export interface WireAnswer {
  readonly status: number;
  readonly headers: HttpHeaders;
  readonly body: Buffer;
}

/** An answer whose body comes bit by bit. Stopping early closes the connection. */
export interface WireStream {
  readonly status: number;
  readonly headers: HttpHeaders;
  body(): AsyncGenerator<Uint8Array>;
}

export interface WireOptions {
  readonly connections: number;
  readonly timeoutMs: number;
}

/** Bytes of an answer that is read whole. */
const mostBytes = 64 * 1024 * 1024;
/** Bytes of a body that wait for whoever reads it. */
const waitingBytes = 1024 * 1024;
/** A body that goes out more slowly than this is taken to be stuck. */
const slowestBytesPerSecond = 16 * 1024;
/** Servers that close idle connections sooner than this would cut off the next request just as it is sent. */
const idleMs = 4_000;

/**
 * Requests without the ways of the web: the path goes out as it is written, nothing is followed, decoded or sent
 * twice. Opens connections as they are needed, at most so many to one origin, and keeps them.
 */
export class Wire implements AsyncDisposable {
  readonly #options: WireOptions;
  readonly #pools = new Map<string, Pool>();

  constructor(options: WireOptions) {
    this.#options = options;
  }

  /** Sends a request and waits for the whole answer. Rejects with an {@link HttpFailure} or an `AbortError`. */
  send(request: WireRequest): Promise<WireAnswer> {
    return new Promise((resolve, reject) => this.#dispatch(request, new Receiver(request, new Whole(resolve, reject))));
  }

  /** Sends a request and waits for the head of its answer. */
  open(request: WireRequest): Promise<WireStream> {
    return new Promise((resolve, reject) => this.#dispatch(request, new Receiver(request, new Stream(resolve, reject))));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const open = [...this.#pools.values()];
    this.#pools.clear();
    await Promise.all(open.map((pool) => pool.destroy()));
  }

  #dispatch({ origin, method, path, headers, body, signal }: WireRequest, handler: Receiver): void {
    if (signal?.aborted === true) return handler.fail(aborted());
    signal?.addEventListener('abort', handler.onAbort, { once: true });
    let pool = this.#pools.get(origin);
    if (!pool) {
      const { connections, timeoutMs } = this.#options;
      pool = new Pool(origin, { connections, allowH2: false, connectTimeout: timeoutMs, headersTimeout: timeoutMs, bodyTimeout: timeoutMs, keepAliveTimeout: idleMs, pipelining: 1 });
      this.#pools.set(origin, pool);
    }
    const headersTimeout = this.#options.timeoutMs + ((body?.length ?? 0) / slowestBytesPerSecond) * 1000;
    // Without `reset` a connection would be given up after every HEAD.
    pool.dispatch({ method, path, headers: headers as string[], body: body ?? null, reset: false, headersTimeout }, handler);
  }
}

/** What becomes of an answer. */
interface Taker {
  start(status: number, headers: HttpHeaders, stop: (reason: Error) => void, controller: Dispatcher.DispatchController): void;
  data(chunk: Buffer): void;
  end(): void;
  fail(error: Error): void;
}

/** Sees to it that an answer ends once, whatever ends it. */
class Receiver implements Dispatcher.DispatchHandler {
  readonly #request: WireRequest;
  readonly #taker: Taker;
  #controller: Dispatcher.DispatchController | undefined;
  #answered = false;
  #over = false;

  constructor(request: WireRequest, taker: Taker) {
    this.#request = request;
    this.#taker = taker;
  }

  readonly onAbort = (): void => this.#stop(aborted());

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#over) controller.abort(aborted());
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number, headers: { readonly [name: string]: string | string[] | undefined }): void {
    this.#answered = true;
    this.#taker.start(status, single(headers), (reason) => this.#stop(reason), controller);
  }

  onResponseData(_: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#taker.data(chunk);
  }

  onResponseEnd(): void {
    if (this.#end()) this.#taker.end();
  }

  onResponseError(_: Dispatcher.DispatchController, error: Error): void {
    const { origin, path } = this.#request;
    this.fail(error.name === 'AbortError' ? error : failureOf(error, origin + path.split('?', 1)[0], this.#answered));
  }

  fail(error: Error): void {
    if (this.#end()) this.#taker.fail(error);
  }

  #stop(reason: Error): void {
    this.fail(reason);
    this.#controller?.abort(reason);
  }

  #end(): boolean {
    if (this.#over) return false;
    this.#request.signal?.removeEventListener('abort', this.onAbort);
    return (this.#over = true);
  }
}

class Whole implements Taker {
  readonly #resolve: (answer: WireAnswer) => void;
  readonly fail: (error: Error) => void;
  readonly #chunks: Buffer[] = [];
  #size = 0;
  #status = 0;
  #headers: HttpHeaders = {};
  #stop: ((reason: Error) => void) | undefined;

  constructor(resolve: (answer: WireAnswer) => void, reject: (error: Error) => void) {
    this.#resolve = resolve;
    this.fail = reject;
  }

  start(status: number, headers: HttpHeaders, stop: (reason: Error) => void): void {
    [this.#status, this.#headers, this.#stop] = [status, headers, stop];
  }

  data(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
    if (this.#size > mostBytes) this.#stop?.(new HttpFailure('too-large', '', `an answer is larger than ${mostBytes} bytes`));
  }

  end(): void {
    const body = this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks, this.#size);
    this.#resolve({ status: this.#status, headers: this.#headers, body });
  }
}

class Stream implements Taker {
  readonly #resolve: (answer: WireStream) => void;
  readonly #reject: (error: Error) => void;
  #controller: Dispatcher.DispatchController | undefined;
  #stop: ((reason: Error) => void) | undefined;
  #chunks: Buffer[] = [];
  #waiting = 0;
  #ended = false;
  #error: Error | undefined;
  #wake: (() => void) | undefined;

  constructor(resolve: (answer: WireStream) => void, reject: (error: Error) => void) {
    this.#resolve = resolve;
    this.#reject = reject;
  }

  start(status: number, headers: HttpHeaders, stop: (reason: Error) => void, controller: Dispatcher.DispatchController): void {
    [this.#stop, this.#controller] = [stop, controller];
    this.#resolve({ status, headers, body: () => this.#read() });
  }

  data(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#waiting += chunk.length;
    if (this.#waiting > waitingBytes) this.#controller?.pause();
    this.#wake?.();
  }

  end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  fail(error: Error): void {
    this.#error = error;
    this.#reject(error);
    this.#wake?.();
  }

  async *#read(): AsyncGenerator<Uint8Array> {
    try {
      for (;;) {
        const chunks = this.#chunks;
        [this.#chunks, this.#waiting] = [[], 0];
        if (this.#controller?.paused === true) this.#controller.resume();
        yield* chunks;
        if (this.#chunks.length > 0) continue;
        if (this.#error) throw this.#error;
        if (this.#ended) return;
        await new Promise<void>((resolve) => { this.#wake = resolve; });
      }
    } finally {
      this.#stop?.(aborted());
    }
  }
}

/** Header fields, whose names come in lower case; of what came more than once, all values as one. */
function single(headers: { readonly [name: string]: string | string[] | undefined }): HttpHeaders {
  if (!Object.values(headers).some(Array.isArray)) return headers as HttpHeaders;
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : value]));
}
