import { HttpFailure } from '../../lib/http/http-failure.ts';
import { retryAfterMs } from '../../lib/http/retry-after.ts';
import type { HttpHeaders } from '../../lib/http/client.ts';
import { untrusted } from '../../lib/openstack/identity.ts';
import { OpenstackFailure } from '../../lib/openstack/openstack-failure.ts';
import type { FailureCode, SyncErrorDetails } from '../../model/errors.ts';
import { SyncError, toSyncError } from '../../model/errors.ts';

/** A whole answer. */
export interface SwiftAnswer {
  readonly status: number;
  readonly headers: HttpHeaders;
  readonly body: Buffer;
  /** How often the request was sent. */
  readonly attempts: number;
}

/** What a request was about, for sentences: `cannot <doing> <place>`. */
export interface About {
  readonly doing: string;
  readonly place: string;
  readonly details: SyncErrorDetails;
}

/** Whatever a request threw, as the error we show. */
export function toSwiftError(cause: unknown, { doing, place, details }: About, attempts = 1): SyncError {
  if (cause instanceof OpenstackFailure) return new SyncError(cause.kind, cause.message, { ...details, cause, hint: cause.hint, attempts });
  if (!(cause instanceof HttpFailure)) return toSyncError(cause, details);
  const { code, hint } = byKind(cause);
  return new SyncError(code, `cannot ${doing} ${place}: ${cause.message}`, { ...details, cause, hint, attempts });
}

function byKind({ kind }: HttpFailure): { readonly code: FailureCode; readonly hint: string } {
  switch (kind) {
    case 'invalid-url': return { code: 'invalid', hint: 'check the address of the object store' };
    case 'unknown-host': return { code: 'unavailable', hint: 'check the address, or the region and interface of the service' };
    case 'unreachable': return { code: 'unavailable', hint: 'check the address, the network, and that the server runs' };
    case 'tls': return { code: 'denied', hint: untrusted };
    case 'timeout': return { code: 'unavailable', hint: 'try again later, or give it more time' };
    case 'broken': return { code: 'unavailable', hint: 'try again' };
    case 'too-large':
    case 'undecodable':
    case 'endless': return { code: 'unavailable', hint: 'check the address, and what answers there' };
    default: return kind satisfies never;
  }
}

/** An answer whose status is none of those wanted, as an error: what the server said and what to do about it. */
export function statusFailure({ status, headers, body, attempts }: SwiftAnswer, { doing, place, details }: About, now: number): SyncError {
  const said = body.length > 4096 ? '' : body.toString('utf8').replace(/<[^>]*>/g, ' ').replace(/[\u0000-\u001f\u007f-\u009f\s]+/g, ' ').trim().slice(0, 200);
  const { code, why, hint } = byStatus(status, said);
  const wait = retryAfterMs(headers['retry-after'], now);
  return new SyncError(code, `cannot ${doing} ${place}: ${why} (${status})`, { ...details, hint, attempts, ...(wait !== undefined && { retryAfterMs: wait }) });
}

function byStatus(status: number, said: string): { readonly code: FailureCode; readonly why: string; readonly hint: string } {
  const quoted = said === '' ? '' : `: ${said}`;
  switch (status) {
    case 401: return { code: 'denied', why: 'the token is not accepted', hint: 'check the credentials, and that they are meant for this object store' };
    case 403: return { code: 'denied', why: 'this is not allowed', hint: 'check what this user may do with the container' };
    case 404: return { code: 'not-found', why: 'it is not there', hint: 'check its name' };
    case 409: return { code: 'conflict', why: `the server sees a conflict${quoted}`, hint: 'run again' };
    case 412: return { code: 'invalid', why: `the server does not take the request${quoted}`, hint: 'check the names of the container and of what is in it' };
    case 413: return /quota/i.test(said)
      ? { code: 'unavailable', why: 'the quota is used up', hint: 'delete something or ask for a larger quota, and run again' }
      : { code: 'invalid', why: 'it is larger than the server takes', hint: 'choose smaller segments' };
    case 422: return { code: 'unavailable', why: 'what arrived is not what was sent', hint: 'run again' };
    case 429:
    case 498: return { code: 'throttled', why: 'the server asks for fewer requests', hint: 'run again later, or with a smaller concurrency' };
    case 503: return { code: 'unavailable', why: 'the server is overloaded or has no room', hint: 'try again later' };
    case 507: return { code: 'unavailable', why: 'the server has no room', hint: 'free some space and run again' };
  }
  if (status >= 500) return { code: 'unavailable', why: 'the server failed', hint: 'try again later' };
  if (status >= 300 && status < 400) return { code: 'unsupported', why: 'it is redirected elsewhere', hint: 'check the address of the object store' };
  return { code: 'invalid', why: `the server refuses it${quoted}`, hint: 'check its name and its size' };
}
