import { CredentialsFailure } from '../../lib/http/credentials.ts';
import type { HttpResponse } from '../../lib/http/client.ts';
import { HttpFailure } from '../../lib/http/http-failure.ts';
import { retryAfterMs } from '../../lib/http/retry-after.ts';
import { printableUrl } from '../../lib/http/url.ts';
import type { FailureCode, SyncErrorDetails } from '../../model/errors.ts';
import { SyncError, toSyncError } from '../../model/errors.ts';
import type { RestContext } from './context.ts';

type About = Pick<RestContext, 'name' | 'redact'>;

/** Whatever a request threw, as the error we show. */
export function toRestError(cause: unknown, store: string): SyncError {
  if (cause instanceof CredentialsFailure) return new SyncError('invalid', cause.message, { store, cause });
  if (!(cause instanceof HttpFailure)) return toSyncError(cause, { store });
  const { code, hint } = byKind(cause);
  // The client has been as patient as it was allowed to be, so nobody else needs to try again.
  return new SyncError(code, cause.message, { store, cause, hint, attempts: 1 });
}

function byKind({ kind, cause }: HttpFailure): { code: FailureCode; hint: string } {
  switch (kind) {
    case 'invalid-url': return { code: 'invalid', hint: 'write https://host/path' };
    case 'unknown-host': return { code: 'unavailable', hint: 'check the address' };
    case 'unreachable': return { code: 'unavailable', hint: 'check the address, the network, and that the server runs' };
    case 'tls': return { code: 'denied', hint: tlsHint(cause) };
    case 'timeout': return { code: 'unavailable', hint: 'try again later, or give it more time' };
    case 'broken': return { code: 'unavailable', hint: 'try again, or allow more attempts' };
    case 'too-large': return { code: 'corrupt', hint: 'ask for smaller pages' };
    case 'undecodable': return { code: 'corrupt', hint: 'check the address, and what answers there' };
    case 'endless': return { code: 'unsupported', hint: 'check the address' };
    default: return kind satisfies never;
  }
}

function tlsHint(cause: unknown): string {
  switch ((cause as NodeJS.ErrnoException | undefined)?.code) {
    case 'EPROTO':
    case 'ERR_SSL_WRONG_VERSION_NUMBER': return 'check the port, or write http:// where that is what it speaks';
    case 'ERR_TLS_CERT_ALTNAME_INVALID': return 'use the name that its certificate is for';
    case 'CERT_HAS_EXPIRED': return 'have its certificate renewed, and check the clock of this machine';
    default: return 'use a certificate that this machine trusts; NODE_EXTRA_CA_CERTS names a file of further authorities';
  }
}

/** An answer whose status is not the one wanted, as an error: what the server said and what to do about it. `action` as in `GET`. */
export function statusFailure(response: HttpResponse, { name, redact }: About, action = 'GET'): SyncError {
  const { status, headers } = response;
  const place = printableUrl(response.url);
  const { code, said, hint } = byStatus(status, headers['location']);
  // Redacted before it is cut, or half of a secret would stay.
  const reason = printed(redact(saidIn(response)));
  const wait = retryAfterMs(headers['retry-after'], Date.now());
  const details: SyncErrorDetails = { store: name, hint, attempts: response.attempts, ...(wait === undefined ? {} : { retryAfterMs: wait }) };
  return new SyncError(code, `${action} ${place} ${said} (${status}${reason === '' ? '' : `, ${reason}`})`, details);
}

function byStatus(status: number, location: string | undefined): { code: FailureCode; said: string; hint: string } {
  switch (status) {
    case 401: return { code: 'denied', said: 'is refused without valid credentials', hint: 'pass --username, set SYNCLINE_TOKEN, or add the host to a netrc file' };
    case 403: return { code: 'denied', said: 'is not allowed', hint: 'check what these credentials may do' };
    case 404:
    case 410: return { code: 'not-found', said: 'finds nothing', hint: 'check the address' };
    case 405:
    case 501: return { code: 'unsupported', said: 'is not offered', hint: 'check the address' };
    case 406:
    case 415: return { code: 'unsupported', said: 'is refused for its format', hint: 'try the other of --json and --yaml' };
    case 409:
    case 412: return { code: 'conflict', said: 'meets another state than expected', hint: 'look at what changed, then run it again' };
    case 408: return { code: 'unavailable', said: 'took too long', hint: 'try again later' };
    case 413: return { code: 'invalid', said: 'is too large for the server', hint: 'send fewer at a time' };
    case 400:
    case 422: return { code: 'invalid', said: 'is refused as invalid', hint: 'correct the resource, then run it again' };
    case 429: return { code: 'throttled', said: 'comes too often for the server', hint: 'try again later, or with fewer requests at once' };
  }
  if (status >= 500) return { code: 'unavailable', said: 'fails on the server', hint: 'try again later' };
  if (status >= 300 && status < 400) {
    return { code: 'unsupported', said: location === undefined ? 'is redirected nowhere' : `is redirected to ${printableUrl(location)}`, hint: 'use the address it is redirected to' };
  }
  return { code: 'invalid', said: 'is refused', hint: 'check the address and the resource' };
}

const mostSaid = 200;

/** The sentence in which a server says what is wrong, where it gives one. */
function saidIn({ headers, body }: HttpResponse): string {
  if (body.length > 64 * 1024 || !/json/i.test(headers['content-type'] ?? '')) return '';
  try {
    const parsed: unknown = JSON.parse(body.toString());
    if (typeof parsed !== 'object' || parsed === null) return '';
    for (const field of ['message', 'detail', 'error', 'title', 'error_description']) {
      const said: unknown = Object.hasOwn(parsed, field) ? (parsed as { [field: string]: unknown })[field] : undefined;
      if (typeof said === 'string' && said !== '') return said;
    }
  } catch {
    // An error page that is no JSON has nothing to add to its status.
  }
  return '';
}

function printed(text: string): string {
  const line = text.replace(/[\u0000-\u001f\u007f-\u009f\s]+/g, ' ').trim();
  return line.length > mostSaid ? `${line.slice(0, mostSaid)}…` : line;
}
