import { promisify } from 'node:util';
import type { HttpHeaders } from './client.ts';
import { HttpFailure } from './http-failure.ts';
import type { Trust } from './trust.ts';
import type { HttpUrl } from './url.ts';
import { printableUrl, urlText } from './url.ts';
import { Wire } from './wire.ts';

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
  readonly trust?: Trust | undefined;
}

/**
 * How long a connection is kept that nobody uses, where the server does not say. Servers that close theirs sooner
 * would cut off the next request just as it is sent.
 */
export const idleMs = 1000;

/** Opens connections as they are needed and keeps them, at most `connections` to one origin. */
export function openExchange({ timeoutMs, connections, maxBodyBytes, trust }: ExchangeOptions): Exchange {
  const wire = new Wire({ connections, timeoutMs, idleMs, trust });
  return {
    async send({ method, url, headers, body, signal }) {
      const raw = await wire.send({ origin: url.origin, method, path: url.path, headers: listed(headers), body: typeof body === 'string' ? Buffer.from(body) : body, signal, mostBytes: maxBodyBytes });
      return { ...raw, body: await decompress(raw, printableUrl(urlText(url)), maxBodyBytes) };
    },
    [Symbol.asyncDispose]: () => wire[Symbol.asyncDispose](),
  };
}

/** Header fields as names and values in turn. */
export function listed(headers: HttpHeaders): string[] {
  return Object.entries(headers).flatMap(([name, value]) => (value === undefined ? [] : [name, value]));
}

/** What undoes an encoding; `undefined` where nothing here does. */
async function unpackerOf(encoding: string, body: Buffer): Promise<((body: Buffer, options: { maxOutputLength: number }) => Promise<Buffer>) | undefined> {
  // Many runs never meet an encoded answer, and loading this takes a while.
  const { brotliDecompress, gunzip, inflate, inflateRaw } = await import('node:zlib');
  switch (encoding) {
    case 'gzip':
    case 'x-gzip': return promisify(gunzip);
    case 'br': return promisify(brotliDecompress);
    // Some servers mean the zlib format by `deflate`, as the standard does, and some the bare stream.
    case 'deflate': return promisify(((body[0] ?? 0) & 0x0f) === 8 ? inflate : inflateRaw);
    default: return undefined;
  }
}

async function decompress({ headers, body }: Answer, url: string, maxBodyBytes: number): Promise<Buffer> {
  const encodings = (headers['content-encoding'] ?? '').split(',').map((name) => name.trim().toLowerCase()).filter((name) => name !== '' && name !== 'identity');
  let plain = body;
  if (plain.length === 0) return plain;
  for (const encoding of encodings.reverse()) {
    const unpack = await unpackerOf(encoding, plain);
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
