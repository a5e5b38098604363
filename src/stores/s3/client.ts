import { AdaptiveLimit } from '../../lib/aws/adaptive-limit.ts';
import type { Strain } from '../../lib/aws/adaptive-limit.ts';
import type { CredentialSource } from '../../lib/aws/credentials.ts';
import { addressOf } from '../../lib/aws/endpoint.ts';
import type { BucketAddress } from '../../lib/aws/endpoint.ts';
import { Signer } from '../../lib/aws/sign.ts';
import type { AwsCredentials } from '../../lib/aws/sign.ts';
import { escapePath, queryText } from '../../lib/aws/uri.ts';
import { Wire } from '../../lib/http/wire.ts';
import type { WireAnswer, WireRequest, WireStream } from '../../lib/http/wire.ts';
import { textOf } from '../../lib/aws/xml.ts';
import { defaultBackoff, waitMs } from '../../lib/backoff.ts';
import type { HttpHeaders } from '../../lib/http/client.ts';
import { HttpFailure } from '../../lib/http/http-failure.ts';
import { retryAfterMs } from '../../lib/http/retry-after.ts';
import { SyncError } from '../../model/errors.ts';
import type { Host } from '../../model/host.ts';
import { codeOf } from './failure.ts';

/** One request to the bucket or to an object in it. */
export interface S3Request {
  readonly method: string;
  /** Another bucket at the same service. Absent: the client's own. */
  readonly bucket?: string;
  /** The whole name of the object; absent for requests to the bucket itself. */
  readonly key?: string;
  readonly query?: { readonly [name: string]: string | undefined };
  /** Names in lower case, in order, and values, in turn. */
  readonly headers?: readonly string[];
  readonly body?: Uint8Array;
  readonly signal?: AbortSignal | undefined;
  /** Whether each piece of an answer's body is done with before the next is asked for. */
  readonly lent?: boolean;
  /** The answer is wanted as it is, whatever it says. */
  readonly once?: boolean;
}

/** An answer, and how often the request was sent for it. */
export interface S3Answer extends WireAnswer {
  readonly attempts: number;
}

export interface S3ClientOptions {
  readonly bucket: string;
  readonly endpoint: string | undefined;
  readonly region: string;
  readonly style: 'path' | 'virtual' | undefined;
  /** Absent: requests are not signed. */
  readonly credentials: CredentialSource | undefined;
  readonly concurrency: number;
  readonly maxAttempts: number;
  readonly timeoutMs: number;
  readonly host: Host;
}

const repeatable = new Set([408, 429, 500, 502, 503, 504]);
/** Codes under which the same request may well succeed a moment later. */
const passing = new Set(['RequestTimeout', 'SlowDown', 'ConditionalRequestConflict', 'OperationAborted', 'InternalError', 'ServiceUnavailable', 'BadDigest', 'XAmzContentChecksumMismatch', 'XAmzContentSHA256Mismatch']);
/** Servers that close idle connections sooner than this would cut off the next request just as it is sent. */
const idleMs = 4_000;
const mostRetryAfterMs = 5 * 60_000;
/** The latency of larger bodies says more of them than of the service. */
const tellingBytes = 128 * 1024;

/** Sends requests to one bucket: signed, a limited number at once, repeated while that may help. */
export class S3Client implements AsyncDisposable {
  readonly limit: AdaptiveLimit;
  readonly #options: S3ClientOptions;
  readonly #wire: Wire;
  #address: BucketAddress;
  #region: string;
  #signer: Signer | undefined;
  #clockOffsetMs = 0;
  #server: string | undefined;

  constructor(options: S3ClientOptions) {
    this.#options = options;
    this.#region = options.region;
    this.#address = this.#locate();
    this.limit = new AdaptiveLimit(options.concurrency);
    this.#wire = new Wire({ connections: options.concurrency, timeoutMs: options.timeoutMs, idleMs });
  }

  /** The region of the bucket, as far as it is known. */
  get region(): string {
    return this.#region;
  }

  /** What the service calls itself in its latest answer, empty where it does not say; `undefined` before there was one. */
  get server(): string | undefined {
    return this.#server;
  }

  /** Milliseconds since the Unix epoch by the clock of the service, as far as it is known to differ. */
  now(): number {
    return this.#options.host.now() + this.#clockOffsetMs;
  }

  /** Sends a request and waits for its whole answer, whatever its status. Rejects where there is none. */
  async send(request: S3Request): Promise<S3Answer> {
    return this.#repeat(request, (wire) => this.#wire.send(wire));
  }

  /** The answer to a request, its body still to come where the status is one of success. */
  async open(request: S3Request): Promise<{ readonly stream: WireStream } | { readonly refusal: S3Answer }> {
    let stream: WireStream | undefined;
    const refusal = await this.#repeat(request, async (wire) => {
      const opened = await this.#wire.open(wire);
      if (opened.status < 300) stream = opened;
      return { status: opened.status, headers: opened.headers, body: stream ? Buffer.alloc(0) : Buffer.concat(await Array.fromAsync(opened.body())) };
    });
    return stream ? { stream } : { refusal };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#wire[Symbol.asyncDispose]();
  }

  async #repeat(request: S3Request, exchange: (wire: WireRequest) => Promise<WireAnswer>): Promise<S3Answer> {
    const { host, maxAttempts } = this.#options;
    const mended = new Set<string>();
    for (let attempt = 1; ; attempt++) {
      const result = await this.#once(request, exchange);
      if (!(result instanceof Error)) {
        // Above, something in between may have answered.
        if (result.status < 500) this.#server = result.headers['server'] ?? '';
        if (result.status < 300) return { ...result, attempts: attempt };
        const remedy = await this.#mend(result, mended, request);
        if (remedy) {
          mended.add(remedy);
          continue;
        }
        if (!isPassing(result)) return { ...result, attempts: attempt };
      } else if (!isPassingFailure(result)) throw result;
      if (attempt >= maxAttempts || request.once === true) {
        if (result instanceof Error) throw result;
        return { ...result, attempts: attempt };
      }
      const askedMs = result instanceof Error ? 0 : Math.min(mostRetryAfterMs, retryAfterMs(result.headers['retry-after'], host.now()) ?? 0);
      const inMs = waitMs(attempt, defaultBackoff, host.random(), askedMs);
      host.log('debug', `${request.method} ${request.key ?? this.#options.bucket}: ${result instanceof Error ? result.message : `status ${result.status}`}; again in ${Math.round(inMs)} ms`);
      await host.sleep(inMs, request.signal);
    }
  }

  async #once(request: S3Request, exchange: (wire: WireRequest) => Promise<WireAnswer>): Promise<WireAnswer | HttpFailure> {
    const room = this.limit.enter();
    if (room) await room;
    const { host, credentials } = this.#options;
    const startedAt = host.now();
    let strain: Strain = 'unknown';
    let latencyMs: number | undefined;
    try {
      const held = credentials?.held;
      const answer = await exchange(this.#wireRequest(request, held ?? await credentials?.get()));
      strain = answer.status === 503 || answer.status === 429 ? 'overload' : 'none';
      if ((request.body?.length ?? 0) + answer.body.length <= tellingBytes) latencyMs = host.now() - startedAt;
      return answer;
    } catch (error) {
      if (!(error instanceof HttpFailure)) throw error;
      if (error.kind === 'broken' || error.kind === 'timeout') strain = 'overload';
      return error;
    } finally {
      this.limit.leave(strain, latencyMs);
    }
  }

  #wireRequest({ method, bucket, key, query, headers = [], body, lent, signal }: S3Request, credentials: AwsCredentials | undefined): WireRequest {
    const { origin, host: name, base } = bucket === undefined || bucket === this.#options.bucket ? this.#address : this.#locate(bucket);
    const path = key === undefined ? bucketPath(base) : base + escapePath(key);
    const asked = query === undefined ? '' : queryText(query);
    const whole = asked === '' ? path : `${path}?${asked}`;
    if (!credentials) return { origin, method, path: whole, headers, body, lent, signal };
    if (this.#signer?.credentials !== credentials || this.#signer.region !== this.#region) this.#signer = new Signer(credentials, this.#region);
    return { origin, method, path: whole, body, lent, signal, headers: this.#signer.sign({ method, host: name, path, query: asked, headers, body: method === 'POST' ? body : undefined }, this.now()) };
  }

  /** Puts right what an answer says is wrong with how we ask, each thing once. Answers what was put right. */
  async #mend(answer: WireAnswer, mended: ReadonlySet<string>, asked: S3Request): Promise<string | undefined> {
    const { credentials, host, bucket } = this.#options;
    const code = codeOf(answer);
    if ((code === 'ExpiredToken' || code === 'TokenRefreshRequired') && credentials && !mended.has('credentials')) {
      await credentials.get({ renew: true });
      return 'credentials';
    }
    if (code === 'RequestTimeTooSkewed' && !mended.has('clock')) {
      const theirs = Date.parse(answer.headers['date'] ?? '');
      if (Number.isNaN(theirs)) return undefined;
      this.#clockOffsetMs = theirs - host.now();
      host.log('warn', `the clock of this machine is off by ${Math.round(-this.#clockOffsetMs / 1000)} s; going by the clock of ${this.#address.host}`);
      return 'clock';
    }
    const region = regionOf(answer, code);
    if (region === undefined || region === this.#region || mended.has('region') || (asked.bucket !== undefined && asked.bucket !== bucket)) return undefined;
    host.log('warn', `${bucket} is in the region ${region}, not ${this.#region}; set region=${region} to save a request`);
    this.#region = region;
    this.#address = this.#locate();
    return 'region';
  }

  #locate(bucket: string = this.#options.bucket): BucketAddress {
    const { endpoint, style } = this.#options;
    const address = addressOf({ endpoint, region: this.#region, bucket, style });
    if (!address) throw new SyncError('invalid', `the endpoint of ${bucket} is not an http or https address`, { hint: 'write it as https://host' });
    return address;
  }
}

function bucketPath(base: string): string {
  return base === '/' ? base : base.slice(0, -1);
}

function isPassing(answer: WireAnswer): boolean {
  return repeatable.has(answer.status) || (answer.status < 500 && answer.body.length > 0 && passing.has(codeOf(answer)));
}

function isPassingFailure({ kind }: HttpFailure): boolean {
  return kind === 'unreachable' || kind === 'broken' || kind === 'timeout';
}

/** The region an answer says the bucket is in. */
function regionOf({ status, headers, body }: { readonly status: number; readonly headers: HttpHeaders; readonly body: Buffer }, code: string): string | undefined {
  if (status !== 301 && status !== 307 && status !== 400 && status !== 403) return undefined;
  const named = headers['x-amz-bucket-region'] ?? (code === '' ? undefined : textOf(body.toString(), 'Region'));
  return named !== undefined && /^[a-z0-9-]+$/.test(named) ? named : undefined;
}
