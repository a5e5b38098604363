import { promisify } from 'node:util';
import { brotliDecompress, gunzip, inflate, inflateRaw } from 'node:zlib';
import type { Dispatcher } from 'undici';
// The whole of the library takes longer to load than a small capture takes.
import Pool from 'undici/lib/dispatcher/pool.js';
import type { HttpHeaders } from './client.ts';
import { HttpFailure } from './http-failure.ts';
import type { HttpUrl } from './url.ts';
import { printableUrl, urlText } from './url.ts';

/** One request and its answer: no redirects, no second attempt. */
export interface Exchange extends AsyncDisposable {
  send(request: SentRequest): Promise<Answer>;
}

/** One request, as it goes out. */
export interface SentRequest {
  readonly method: string;
  readonly url: HttpUrl;
  readonly headers: HttpHeaders;
  readonly body: string | Uint8Array | undefined;
  readonly signal: AbortSignal | undefined;
}

/** One response, whole. */
export interface Answer {
  readonly status: number;
  readonly headers: HttpHeaders;
  readonly body: Buffer;
}

export interface ExchangeOptions {
  readonly timeoutMs: number;
  readonly connections: number;
  readonly maxBodyBytes: number;
}

/**
 * How long a connection is kept that nobody uses, where the server does not say. Servers that close theirs sooner
 * would cut off the next request just as it is sent.
 */
const idleMs = 1000;

/** Opens connections as they are needed and keeps them, at most `connections` to one origin. */
export function openExchange({ timeoutMs, connections, maxBodyBytes }: ExchangeOptions): Exchange {
  const pools = new Map<string, Pool>();
  const poolOf = (origin: string): Pool => {
    let pool = pools.get(origin);
    if (pool === undefined) {
      // HTTP/2 would put all requests on one connection, where one lost packet holds up all of them.
      pool = new Pool(origin, { connections, allowH2: false, connectTimeout: timeoutMs, headersTimeout: timeoutMs, bodyTimeout: timeoutMs, keepAliveTimeout: idleMs, pipelining: 1 });
      pools.set(origin, pool);
    }
    return pool;
  };
  return {
    async send(request) {
      const raw = await dispatch(poolOf(request.url.origin), request, maxBodyBytes);
      return { ...raw, body: await decompress(raw, printableUrl(urlText(request.url)), maxBodyBytes) };
    },
    async [Symbol.asyncDispose]() {
      const open = [...pools.values()];
      pools.clear();
      await Promise.all(open.map((pool) => pool.destroy()));
    },
  };
}

function dispatch(pool: Pool, { method, url, headers, body, signal }: SentRequest, maxBodyBytes: number): Promise<Answer> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) return reject(aborted());
    let controller: Dispatcher.DispatchController | undefined;
    let status = 0;
    let answerHeaders: HttpHeaders = {};
    const chunks: Buffer[] = [];
    let size = 0;
    let settled = false;
    const settle = (finish: () => void): void => {
      if (settled) return;
      settled = true;
      signal?.removeEventListener('abort', onAbort);
      finish();
    };
    const place = printableUrl(urlText(url));
    const fail = (error: Error): void => settle(() => reject(error));
    const onAbort = (): void => {
      fail(aborted());
      controller?.abort(aborted());
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    const refuse = (): void => {
      const failure = new HttpFailure('too-large', place, `the answer of ${place} is larger than ${maxBodyBytes} bytes`);
      fail(failure);
      controller?.abort(failure);
    };
    pool.dispatch({ method, path: url.path, headers: { ...headers }, body: body ?? null }, {
      onRequestStart(started) {
        controller = started;
        if (settled) started.abort(aborted());
      },
      onResponseStart(_, statusCode, received) {
        status = statusCode;
        answerHeaders = joined(received);
        if (method !== 'HEAD' && Number(answerHeaders['content-length'] ?? 0) > maxBodyBytes) refuse();
      },
      onResponseData(_, chunk) {
        size += chunk.length;
        if (size > maxBodyBytes) refuse();
        else chunks.push(chunk);
      },
      onResponseEnd() {
        settle(() => resolve({ status, headers: answerHeaders, body: chunks.length === 1 ? chunks[0] as Buffer : Buffer.concat(chunks, size) }));
      },
      onResponseError(_, error) {
        fail(failureOf(error, place, status !== 0));
      },
    });
  });
}

/** An abort as everything that can be aborted reports it. */
export function aborted(): DOMException {
  return new DOMException('the request was given up', 'AbortError');
}

/** Header fields by lower-case name, those that came more than once as one. */
export function joined(headers: { readonly [name: string]: string | string[] | undefined }): HttpHeaders {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), Array.isArray(value) ? value.join(', ') : value]));
}

const timeouts = new Set(['UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT', 'ETIMEDOUT']);
const unreachable = new Set(['ECONNREFUSED', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'EADDRNOTAVAIL', 'EADDRINUSE', 'UND_ERR_CONNECT_TIMEOUT', 'EACCES']);
const certificate = /^(?:ERR_TLS|ERR_SSL|CERT_|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO|HOSTNAME_MISMATCH|EPROTO|INVALID_CA|INVALID_PURPOSE)/;

/** What undici or the socket said, as a kind of failure and a sentence. */
export function failureOf(error: Error, url: string, answered: boolean): HttpFailure {
  if (error instanceof HttpFailure) return error;
  // Where a host has several addresses and none answers, the reasons come together.
  const cause = error instanceof AggregateError ? (error.errors[0] as Error) : error;
  const code = String((cause as NodeJS.ErrnoException).code ?? '');
  if (code === 'UND_ERR_CONNECT_TIMEOUT') return new HttpFailure('unreachable', url, `cannot connect to ${hostOf(url)}: no answer in time`, error);
  if (code === 'ENOTFOUND') return new HttpFailure('unknown-host', url, `cannot connect to ${hostOf(url)}: there is no such host`, error);
  if (unreachable.has(code) && !answered) return new HttpFailure('unreachable', url, `cannot connect to ${hostOf(url)}: ${reasonOf(code)}`, error);
  if (certificate.test(code)) return new HttpFailure('tls', url, `no secure connection to ${hostOf(url)}: ${tlsReasonOf(code, cause)}`, error);
  if (timeouts.has(code)) return new HttpFailure('timeout', url, `no answer in time from ${url}`, error);
  if (cause.name === 'HTTPParserError' && code !== 'HPE_INVALID_EOF_STATE' && !answered) return new HttpFailure('undecodable', url, `what answers at ${hostOf(url)} does not speak HTTP`, error);
  return new HttpFailure('broken', url, answered ? `the connection broke in the middle of the answer of ${url}` : `the connection broke before ${url} answered`, error);
}

function reasonOf(code: string): string {
  switch (code) {
    case 'ECONNREFUSED': return 'nothing listens there';
    case 'EAI_AGAIN': return 'the host name cannot be looked up now';
    default: return `it cannot be reached (${code})`;
  }
}

function tlsReasonOf(code: string, cause: Error): string {
  switch (code) {
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
    case 'SELF_SIGNED_CERT_IN_CHAIN': return 'its certificate is signed by itself';
    case 'CERT_HAS_EXPIRED': return 'its certificate has expired';
    case 'ERR_TLS_CERT_ALTNAME_INVALID': return 'its certificate is for another host';
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
    case 'UNABLE_TO_GET_ISSUER_CERT': return 'its certificate comes from an unknown authority';
    case 'EPROTO':
    case 'ERR_SSL_WRONG_VERSION_NUMBER': return 'it does not speak TLS there';
    default: return cause.message.split('\n', 1)[0] ?? code;
  }
}

function hostOf(url: string): string {
  return url.slice(url.indexOf('//') + 2).split('/', 1)[0] ?? url;
}

const unpackers: { readonly [encoding: string]: (body: Buffer, options: { maxOutputLength: number }) => Promise<Buffer> } = {
  'gzip': promisify(gunzip),
  'x-gzip': promisify(gunzip),
  'br': promisify(brotliDecompress),
  // Some servers mean the zlib format by `deflate`, as the standard does, and some the bare stream.
  'deflate': (body, options) => promisify(((body[0] ?? 0) & 0x0f) === 8 ? inflate : inflateRaw)(body, options),
};

async function decompress({ headers, body }: Answer, url: string, maxBodyBytes: number): Promise<Buffer> {
  const encodings = (headers['content-encoding'] ?? '').split(',').map((name) => name.trim().toLowerCase()).filter((name) => name !== '' && name !== 'identity');
  let plain = body;
  if (plain.length === 0) return plain;
  for (const encoding of encodings.reverse()) {
    const unpack = Object.hasOwn(unpackers, encoding) ? unpackers[encoding] : undefined;
    if (unpack === undefined) throw new HttpFailure('undecodable', url, `${url} answers in the unknown encoding ${JSON.stringify(encoding)}`);
    try {
      plain = await unpack(plain, { maxOutputLength: maxBodyBytes });
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') throw new HttpFailure('too-large', url, `the answer of ${url} is larger than ${maxBodyBytes} bytes`, cause);
      throw new HttpFailure('broken', url, `the answer of ${url} is not whole: its ${encoding} encoding ends early or is damaged`, cause);
    }
  }
  return plain;
}
