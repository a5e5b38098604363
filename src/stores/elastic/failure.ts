import type { HttpResponse } from '../../lib/http/client.ts';
import { HttpFailure } from '../../lib/http/http-failure.ts';
import type { FailureCode, SyncErrorDetails } from '../../model/errors.ts';
import { SyncError, toSyncError } from '../../model/errors.ts';

/** What a request was about, for sentences: `cannot <doing> <place>`. */
export interface About {
  readonly doing: string;
  readonly place: string;
  readonly details: SyncErrorDetails;
}

/** What the server says of something that it did not do. */
export interface Cause {
  readonly type?: string;
  readonly reason?: string | null;
  readonly caused_by?: Cause;
  readonly root_cause?: readonly Cause[];
  /** What is wrong with a key, as that it has expired. */
  readonly additional_unsuccessful_credentials?: string | readonly string[];
}

/** That a server has too much to do now, and did nothing of what it was asked. */
export class Busy extends SyncError {}

const busy: ReadonlySet<string | undefined> = new Set(['circuit_breaking_exception', 'es_rejected_execution_exception', 'rejected_execution_exception']);

/** Whether a server says that it has too much to do. */
export function isBusy(status: number, cause: Cause): boolean {
  // Some say of a disk that is full, too, that there are too many requests.
  if (cause.type === 'cluster_block_exception') return false;
  return status === 429 || (status >= 500 && [cause, ...cause.root_cause ?? []].some(({ type, caused_by: behind }) => busy.has(type) || busy.has(behind?.type)));
}

/** Whatever a request threw, as the error we show. */
export function toElasticError(cause: unknown, { doing, place, details }: About, attempts = 1): SyncError {
  if (!(cause instanceof HttpFailure)) return toSyncError(cause, details);
  const { code, hint } = byKind(cause);
  return new SyncError(code, `cannot ${doing} ${place}: ${cause.message}`, { ...details, cause, hint, attempts });
}

function byKind({ kind }: HttpFailure): { readonly code: FailureCode; readonly hint: string } {
  switch (kind) {
    case 'invalid-url': return { code: 'invalid', hint: 'check the address' };
    case 'unknown-host': return { code: 'unavailable', hint: 'check the name of the host' };
    case 'unreachable': return { code: 'unavailable', hint: 'check the address, the network, and that the server runs' };
    case 'tls': return { code: 'denied', hint: 'check that the server is the right one, and name the file of its authority by the option tlsCa, or in NODE_EXTRA_CA_CERTS for everything' };
    case 'timeout': return { code: 'unavailable', hint: 'try again later, or give it more time' };
    case 'broken': return { code: 'unavailable', hint: 'try again; if it is always so, the server may want TLS: write +https behind the scheme' };
    case 'too-large': return { code: 'invalid', hint: 'a single document is larger than can be read' };
    case 'undecodable':
    case 'endless': return { code: 'unavailable', hint: 'check the address, and what answers there' };
    default: return kind satisfies never;
  }
}

/** An answer whose status is none of those wanted, as an error: what the server said and what to do about it. */
export function statusFailure({ status, body, attempts }: Pick<HttpResponse, 'status' | 'body' | 'attempts'>, { doing, place, details }: About, retryAfterMs?: number): SyncError {
  const cause = causeIn(body);
  const { code, why, hint } = explained(status, cause);
  // Who is not available, and says when to come again, is alive.
  const Failure = isBusy(status, cause) || (status === 503 && retryAfterMs !== undefined) ? Busy : SyncError;
  return new Failure(code, `cannot ${doing} ${place}: ${why}`, { ...details, hint, attempts, ...(retryAfterMs !== undefined && { retryAfterMs }) });
}

function causeIn(body: Buffer): Cause {
  if (body.length > 1024 * 1024) return {};
  try {
    return causeOf(JSON.parse(body.toString('utf8')) as object);
  } catch {
    return {};
  }
}

/** What an answer says of why. */
export function causeOf(body: object): Cause {
  const { error } = body as { readonly error?: Cause | string };
  return typeof error === 'string' ? { reason: error } : error ?? {};
}

/** Why something was not done, by its status and what the server says of it. */
export function explained(status: number, cause: Cause): { readonly code: FailureCode; readonly why: string; readonly hint: string } {
  const said = saidOf(cause);
  const quoted = said === '' ? ` (${status})` : `: ${said}`;
  if (cause.type === 'cluster_block_exception') return { code: 'unavailable', why: `the server does not write there now${quoted}`, hint: 'see whether its disk is full or the index was set to read only' };
  if (isBusy(status, cause)) return { code: 'throttled', why: `the server has too much to do${quoted}`, hint: 'try again later, with a smaller concurrency, or have it waited for longer by the option patienceMs' };
  switch (status) {
    case 400:
    case 413: return { code: 'invalid', why: `the server does not take it${quoted}`, hint: status === 413 ? 'raise http.max_content_length of the server, or the limit of what stands before it' : 'change the value, or the mapping of the index' };
    case 401: return { code: 'denied', why: `the server does not know who asks${flawOf(cause)}`, hint: 'set ELASTIC_API_KEY, or ELASTIC_USERNAME and ELASTIC_PASSWORD (for OpenSearch: OPENSEARCH_USERNAME and OPENSEARCH_PASSWORD)' };
    case 403: return { code: 'denied', why: `this is not allowed${quoted}`, hint: 'check what this user may do with the index' };
    case 404: return { code: 'not-found', why: `it is not there${quoted}`, hint: 'check its name' };
    case 409: return { code: 'conflict', why: `somebody else was faster${quoted}`, hint: 'run again' };
  }
  if (status >= 500) return { code: 'unavailable', why: `the server failed${quoted}`, hint: 'try again later' };
  return { code: 'unavailable', why: `it answered with the status ${status}`, hint: 'check the address, and what answers there' };
}

function flawOf({ additional_unsuccessful_credentials: flaws }: Cause): string {
  return flaws === undefined ? '' : ` (${inOneLine(String(flaws))})`;
}

/** The sentence of the server and of what lies behind it. */
function saidOf(cause: Cause): string {
  const reasons: string[] = [];
  for (let at: Cause | undefined = cause; at !== undefined && reasons.length < 3; at = at.caused_by) {
    if (at.reason && !reasons.includes(at.reason)) reasons.push(at.reason);
  }
  return inOneLine(reasons.join(': '));
}

function inOneLine(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f\s]+/g, ' ').trim().slice(0, 400);
}
