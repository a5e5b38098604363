import type { Http, HttpHeaders, HttpResponse } from '../../lib/http/client.ts';
import { linkTargets } from '../../lib/http/link-header.ts';
import { parseUrl } from '../../lib/http/url.ts';
import type { ResponseCache } from '../../lib/response-cache.ts';
import { accepted } from './read-value.ts';

/** How documents are fetched. */
export interface Fetching {
  readonly http: Http;
  /** Resources in one page. */
  readonly limit: number;
  readonly responses: ResponseCache | undefined;
  /** The origin that answers remembered under `identity` come from. */
  readonly origin: string;
  /** Tells apart those who ask. */
  readonly identity: string;
}

/**
 * GETs a document. Where an earlier answer is remembered the server is asked only whether it still holds, and if so
 * that answer is given again. Any status comes back; failures to get one throw.
 */
export async function get(url: string, { http, limit, responses, origin, identity }: Fetching, signal?: AbortSignal): Promise<HttpResponse> {
  const key = `${limit} ${parseUrl(url)?.origin === origin ? identity : ''} ${url}`;
  const remembered = responses?.get(key);
  const cached = remembered && isList(remembered.body) ? undefined : remembered;
  const response = await http.request({
    url,
    headers: { 'accept': accepted, 'x-request-limit': String(limit), 'if-none-match': cached?.etag, 'if-modified-since': cached?.etag === undefined ? cached?.lastModified : undefined },
    ...(signal && { signal }),
  });
  if (response.status === 304 && cached !== undefined) {
    const { etag, lastModified, contentType, body } = cached;
    return { ...response, status: 200, body: Buffer.from(body.buffer, body.byteOffset, body.byteLength), headers: { ...response.headers, 'etag': etag, 'last-modified': lastModified, 'content-type': contentType } };
  }
  if (responses !== undefined && isKeepable(response, url)) {
    const { etag, 'last-modified': lastModified, 'content-type': contentType } = response.headers;
    responses.set(key, { body: response.body, ...(etag !== undefined && { etag }), ...(lastModified !== undefined && { lastModified }), ...(contentType !== undefined && { contentType }) });
  }
  return response;
}

/**
 * Whether an answer may be remembered: whole, of this very URL, and with something to ask about again. That nothing has changed says nothing of the
 * header by which a list goes on elsewhere, and of what is in no list itself.
 */
function isKeepable({ status, headers, body, url: answered }: HttpResponse, url: string): boolean {
  return status === 200 && answered === url && (headers['etag'] !== undefined || isSettled(headers))
    && !isList(body) && !isPaged(headers) && !/\bno-store\b/i.test(headers['cache-control'] ?? '') && headers['vary']?.trim() !== '*';
}

function isPaged({ link = '' }: HttpHeaders): boolean {
  return link !== '' && ['next', 'prev', 'first', 'last'].some((relation) => linkTargets(link, relation).length > 0);
}

/** Whether a body is a list, which has no room for a link to its next page. */
function isList(body: Uint8Array): boolean {
  const first = body.find((byte) => byte !== 0x20 && byte !== 0x09 && byte !== 0x0a && byte !== 0x0d);
  return first === 0x5b;
}

/** Times are in whole seconds: what changed within the last minute may yet change again and keep its time (RFC 9110, section 8.8.2.2). */
function isSettled({ 'last-modified': lastModified = '', date = '' }: HttpHeaders): boolean {
  return Date.parse(date) - Date.parse(lastModified) >= 60_000;
}
