import type { HttpHeaders } from './client.ts';
import { Connections } from './connections.ts';
import type { ConnectionsOptions, Under } from './connections.ts';
import type { Taker } from './connection.ts';
import { aborted } from './failure.ts';
import { HttpFailure } from './http-failure.ts';
import { printableUrl } from './url.ts';

/** One request as it goes out. */
export interface WireRequest {
  readonly origin: string;
  readonly method: string;
  /** Path and query, sent as they are. */
  readonly path: string;
  /** Names and values in turn. */
  readonly headers: readonly string[];
  /** A body that comes bit by bit is sent in chunks, unless a header field says how long it is. */
  readonly body?: Uint8Array | AsyncIterable<Uint8Array> | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Whether each piece of the answer's body is done with before the next is asked for, so that its memory can be used again. */
  readonly lent?: boolean | undefined;
  /** Bytes of an answer that is read whole. */
  readonly mostBytes?: number | undefined;
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

/** Bytes of an answer that is read whole. */
const mostBytes = 64 * 1024 * 1024;
/** Bytes of a body that wait for whoever reads it. */
const waitingBytes = 1024 * 1024;
/** Pieces that are lent at once: one is looked at while the next one is read. */
const mostLent = 2;

/**
 * Requests without the ways of the web: the path goes out as it is written, nothing is followed, decoded or sent
 * twice. Opens connections as they are needed, at most so many to one origin, and keeps them.
 */
export class Wire implements AsyncDisposable {
  readonly #connections: Connections;

  constructor(options: ConnectionsOptions) {
    this.#connections = new Connections(options);
  }

  /** Sends a request and waits for the whole answer. Rejects with an {@link HttpFailure}, an `AbortError`, or what the request's own body threw. */
  send(request: WireRequest): Promise<WireAnswer> {
    return new Promise((resolve, reject) => {
      const whole = new Whole(request, resolve, reject);
      whole.under = this.#start(request, whole);
    });
  }

  /** Sends a request and waits for the head of its answer. */
  open(request: WireRequest): Promise<WireStream> {
    return new Promise((resolve, reject) => {
      const stream = new Stream(resolve, reject);
      stream.under = this.#start(request, stream);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#connections[Symbol.asyncDispose]();
  }

  #start({ origin, method, path, headers, body, signal, lent = false }: WireRequest, taker: Taker): Under {
    return this.#connections.send({ origin, request: { method, path, headers, body, lent, place: placeOf(origin, path) }, taker, signal });
  }
}

/** Where a request goes, fit to print. */
function placeOf(origin: string, path: string): string {
  return printableUrl(origin + path);
}

class Whole implements Taker {
  readonly #resolve: (answer: WireAnswer) => void;
  readonly fail: (error: unknown) => void;
  readonly #request: WireRequest;
  readonly #most: number;
  readonly #chunks: Buffer[] = [];
  #size = 0;
  #status = 0;
  #headers: HttpHeaders = {};
  under: Under | undefined;

  constructor(request: WireRequest, resolve: (answer: WireAnswer) => void, reject: (error: unknown) => void) {
    this.#request = request;
    this.#most = request.mostBytes ?? mostBytes;
    this.#resolve = resolve;
    this.fail = reject;
  }

  head(status: number, headers: HttpHeaders): void {
    [this.#status, this.#headers] = [status, headers];
    if (this.#request.method !== 'HEAD' && Number(headers['content-length'] ?? 0) > this.#most) this.#refuse();
  }

  data(bytes: Buffer): boolean {
    this.#size += bytes.length;
    if (this.#size > this.#most) this.#refuse();
    else this.#chunks.push(Buffer.from(bytes));
    return true;
  }

  end(): void {
    const body = this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks, this.#size);
    this.#resolve({ status: this.#status, headers: this.#headers, body });
  }

  #refuse(): void {
    const place = placeOf(this.#request.origin, this.#request.path);
    this.under?.stop(new HttpFailure('too-large', place, `the answer of ${place} is larger than ${this.#most} bytes`));
  }
}

class Stream implements Taker {
  readonly #resolve: (answer: WireStream) => void;
  readonly #reject: (error: unknown) => void;
  #chunks: { readonly bytes: Buffer; readonly lent: boolean }[] = [];
  #waiting = 0;
  /** Pieces that are lent and not given back. */
  #lent = 0;
  #ended = false;
  #failed: { readonly error: unknown } | undefined;
  #wake: (() => void) | undefined;
  under: Under | undefined;

  constructor(resolve: (answer: WireStream) => void, reject: (error: unknown) => void) {
    this.#resolve = resolve;
    this.#reject = reject;
  }

  head(status: number, headers: HttpHeaders): void {
    this.#resolve({ status, headers, body: () => this.#read() });
  }

  data(bytes: Buffer, lent: boolean): boolean {
    this.#chunks.push({ bytes: lent ? bytes : Buffer.from(bytes), lent });
    this.#waiting += bytes.length;
    if (lent) this.#lent++;
    this.#wake?.();
    return this.#lent < mostLent && this.#waiting <= waitingBytes;
  }

  end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  fail(error: unknown): void {
    this.#failed = { error };
    this.#reject(error);
    this.#wake?.();
  }

  async *#read(): AsyncGenerator<Uint8Array> {
    try {
      for (;;) {
        const chunks = this.#chunks;
        [this.#chunks, this.#waiting] = [[], 0];
        if (this.#lent < mostLent) this.under?.resume();
        for (const { bytes, lent } of chunks) {
          yield bytes;
          if (!lent) continue;
          // In its turn this is the next to be read into.
          this.#lent--;
          this.under?.resume();
        }
        if (this.#chunks.length > 0) continue;
        if (this.#failed) throw this.#failed.error;
        if (this.#ended) return;
        await new Promise<void>((resolve) => { this.#wake = resolve; });
        this.#wake = undefined;
      }
    } finally {
      if (!this.#ended) this.under?.stop(aborted());
    }
  }
}
