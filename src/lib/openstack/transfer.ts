import type { HttpHeaders } from '../http/client.ts';
import { idleMs, listed } from '../http/exchange.ts';
import type { Trust } from '../http/trust.ts';
import type { HttpUrl } from '../http/url.ts';
import { Wire } from '../http/wire.ts';

/** One request whose body may be a stream. Its path is sent as written, and nothing is sent twice. */
export interface TransferRequest {
  readonly method: string;
  readonly url: HttpUrl;
  readonly headers: HttpHeaders;
  readonly body: Uint8Array | AsyncIterable<Uint8Array> | undefined;
  readonly signal: AbortSignal | undefined;
}

/** An answer that has begun. Its body must be read to the end or given up; nothing of it is decompressed. */
export interface Incoming {
  readonly status: number;
  readonly headers: HttpHeaders;
  readonly body: AsyncIterableIterator<Uint8Array>;
}

/** Sends requests and hands out answers as they begin. Disposing it closes its connections. */
export interface Transfer extends AsyncDisposable {
  /** Rejects with an `HttpFailure`, an `AbortError`, or with what the request's own body threw. So does reading the answer. */
  send(request: TransferRequest): Promise<Incoming>;
}

/** Keeps at most `connections` to each origin. Connects to nothing yet. */
export function openTransfer({ connections, timeoutMs, trust }: { readonly connections: number; readonly timeoutMs: number; readonly trust?: Trust | undefined }): Transfer {
  const wire = new Wire({ connections, timeoutMs, idleMs, trust });
  return {
    async send({ method, url: { origin, path }, headers, body, signal }) {
      const { status, headers: received, body: open } = await wire.open({ origin, method, path, headers: listed(headers), body, signal });
      return { status, headers: received, body: open() };
    },
    [Symbol.asyncDispose]: () => wire[Symbol.asyncDispose](),
  };
}

/** The whole body of an answer. Throws a `RangeError` when it is larger than `mostBytes`. */
export async function whole({ body }: Incoming, mostBytes: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > mostBytes) throw new RangeError(`the answer is larger than ${mostBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, size);
}
