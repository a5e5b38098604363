import type { Backoff } from '../backoff.ts';
import { defaultBackoff, waitMs } from '../backoff.ts';
import type { Credentials } from './credentials.ts';
import type { Answer, Exchange } from './exchange.ts';
import { openExchange } from './exchange.ts';
import { HttpFailure } from './http-failure.ts';
import { retryAfterMs } from './retry-after.ts';
import type { Trust } from './trust.ts';
import type { HttpUrl } from './url.ts';
import { parseUrl, printableUrl, resolveUrl, urlText } from './url.ts';

/** Header fields by lower-case name. */
export type HttpHeaders = { readonly [name: string]: string | undefined };

/** One request, as it is asked for. */
export interface HttpRequest {
  /** Default: GET. */
  readonly method?: string;
  /** Absolute. Its path is sent as written. */
  readonly url: string;
  /** Sent to the origin of `url` only; a redirect to another leaves them behind, except `accept` and `content-type`. */
  readonly headers?: HttpHeaders;
  readonly body?: string | Uint8Array;
  readonly signal?: AbortSignal;
  /** Whether sending it twice is the same as sending it once. Default: true for every method but POST and PATCH. */
  readonly idempotent?: boolean;
}

/** A whole answer, whatever its status. */
export interface HttpResponse {
  readonly status: number;
  readonly headers: HttpHeaders;
  /** Decompressed. */
  readonly body: Buffer;
  /** Where the answer came from, after redirects. */
  readonly url: string;
  /** How often the request was sent, 1 when nothing went wrong. After a lost answer the first sending may have had its effect. */
  readonly attempts: number;
}

/** An attempt that failed and will be repeated. */
export interface HttpRetry {
  /** Fit to print. */
  readonly url: string;
  readonly failed: number;
  readonly inMs: number;
  /** What went wrong: a status, or the sentence of the failure. */
  readonly reason: string;
}

export interface HttpOptions {
  /** To connect, to the first byte of an answer, and between two pieces of one. */
  readonly timeoutMs: number;
  /** Connections kept to one origin. */
  readonly connections: number;
  /** Attempts in all; 1 is no retry. */
  readonly maxAttempts: number;
  /** Of one answer, after decompression. */
  readonly maxBodyBytes: number;
  /** What the client calls itself. */
  readonly userAgent?: string;
  readonly credentials?: Credentials;
  /** Default: the authorities that this machine trusts. */
  readonly trust?: Trust;
  readonly backoff?: Omit<Backoff, 'attempts'>;
  readonly onRetry?: (retry: HttpRetry) => void;
  now(): number;
  random(): number;
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** A client of any number of servers. Disposing it closes its connections; requests under way are given up. */
export interface Http extends AsyncDisposable {
  /**
   * Sends a request and waits for its whole answer. Connection failures, half answers and the statuses 429, 502, 503 and
   * 504 are repeated, patiently and as the server asks; the last answer is returned whatever its status. GET and HEAD
   * follow every redirect; other methods only 307 and 308, and other redirects come back as they are.
   * Throws an {@link HttpFailure}, or an `AbortError` when the signal fires.
   */
  request(request: HttpRequest): Promise<HttpResponse>;
}

const mostRedirects = 10;
const mostRetryAfterMs = 5 * 60_000;
const repeatable = new Set([429, 502, 503, 504]);
const redirecting = new Set([301, 302, 303, 307, 308]);
/** Header fields that say nothing of whom they were meant for. */
const portable = new Set(['accept', 'content-type']);
/** Statuses that say the request was not acted on, whatever its method. */
const refused = new Set([429, 503]);

/** Opens a client. Connects to nothing yet. */
export function openHttp(options: HttpOptions): Http {
  const { timeoutMs, connections, maxBodyBytes, trust } = options;
  const exchange = openExchange({ timeoutMs, connections, maxBodyBytes, trust });
  return {
    request: (request) => requestWhole(request, exchange, options),
    [Symbol.asyncDispose]: () => exchange[Symbol.asyncDispose](),
  };
}

/** Follows one request through redirects and failures to its whole answer. */
async function requestWhole(request: HttpRequest, exchange: Exchange, options: HttpOptions): Promise<HttpResponse> {
  const { method = 'GET', signal } = request;
  let url = parsed(request.url);
  let redirects = 0;
  for (let attempt = 1; ;) {
    const result = await sendOnce(request, url, exchange, options);
    const again = attempt < options.maxAttempts ? whyAgain(request, result, options) : undefined;
    if (again !== undefined) {
      const inMs = waitMs(attempt, { ...defaultBackoff, ...options.backoff }, options.random(), again.afterMs);
      options.onRetry?.({ url: printableUrl(urlText(url)), failed: attempt, inMs, reason: again.reason });
      await options.sleep(inMs, signal);
      attempt++;
      continue;
    }
    if (result instanceof HttpFailure) throw result;
    const next = redirectOf(result, method, url);
    if (next === undefined) return { ...result, url: urlText(url), attempts: attempt };
    if (++redirects > mostRedirects) throw new HttpFailure('endless', printableUrl(urlText(url)), `${printableUrl(request.url)} redirects more than ${mostRedirects} times`);
    url = next;
  }
}

function parsed(text: string): HttpUrl {
  const url = parseUrl(text);
  if (url === undefined) throw new HttpFailure('invalid-url', printableUrl(text), `${printableUrl(text)} is not an http or https address`);
  return url;
}

async function sendOnce(request: HttpRequest, url: HttpUrl, exchange: Exchange, options: HttpOptions): Promise<Answer | HttpFailure> {
  const { method = 'GET', body, signal } = request;
  try {
    return await exchange.send({ method, url, headers: headersFor(request, url, options), body, signal });
  } catch (error) {
    if (error instanceof HttpFailure) return error;
    throw error;
  }
}

/** A redirect to another origin must not carry what was meant for the first. */
function headersFor({ headers = {}, url }: HttpRequest, at: HttpUrl, { credentials, userAgent }: HttpOptions): HttpHeaders {
  const own = parseUrl(url)?.origin === at.origin;
  const sent: Record<string, string> = { 'accept-encoding': 'gzip, deflate, br', ...(userAgent !== undefined && { 'user-agent': userAgent }) };
  for (const [name, value] of Object.entries(headers)) {
    const lower = name.toLowerCase();
    if (value !== undefined && (own || portable.has(lower))) sent[lower] = value;
  }
  return { ...credentials?.headersFor(at.origin), ...sent };
}

/** Why a result is to be tried again, and how long the server asks us to wait; `undefined` where it is final. */
function whyAgain(request: HttpRequest, result: Answer | HttpFailure, { now }: HttpOptions): { reason: string; afterMs: number } | undefined {
  const { method = 'GET', idempotent = method !== 'POST' && method !== 'PATCH' } = request;
  if (result instanceof HttpFailure) {
    return result.kind === 'unreachable' || (idempotent && (result.kind === 'broken' || result.kind === 'timeout')) ? { reason: result.message, afterMs: 0 } : undefined;
  }
  if (!repeatable.has(result.status) || !(idempotent || refused.has(result.status))) return undefined;
  return { reason: `status ${result.status}`, afterMs: Math.min(mostRetryAfterMs, retryAfterMs(result.headers['retry-after'], now()) ?? 0) };
}

/** Where an answer sends the request on to; `undefined` where it is to be returned as it is. */
function redirectOf({ status, headers }: Answer, method: string, url: HttpUrl): HttpUrl | undefined {
  const { location } = headers;
  if (location === undefined || !redirecting.has(status)) return undefined;
  if (method !== 'GET' && method !== 'HEAD' && status !== 307 && status !== 308) return undefined;
  return resolveUrl(location, url);
}
