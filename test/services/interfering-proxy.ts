// A server between a client and a real one, that now and then does what networks and busy servers do.
import { createServer, request } from 'node:http';
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A request that passes by. */
export interface Passing {
  readonly method: string;
  /** Path and query, as sent. */
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
}

/**
 * What is done to a request. `answer`: the server never sees it. `lose`: the server does what it asks for, and nobody
 * hears of it. `cut`: the answer's body ends after so many bytes. `edit`: the answer's body is another one.
 */
export type Interference =
  | { readonly kind: 'answer'; readonly status: number; readonly headers?: { readonly [name: string]: string }; readonly body?: string }
  | { readonly kind: 'lose' }
  | { readonly kind: 'cut'; readonly bytes: number }
  | { readonly kind: 'edit'; readonly edit: (body: Buffer) => Buffer };

/** A proxy in front of one server. */
export interface InterferingProxy extends AsyncDisposable {
  /** Scheme, host and port. */
  readonly origin: string;
  /** Every request that came, in order. */
  readonly seen: readonly Passing[];
}

/** Starts a proxy in front of `target`, a scheme, host and port. `interfere` is asked about every request; what it has nothing to say of passes. */
export async function interferingProxy(target: string, interfere: (passing: Passing) => Interference | undefined): Promise<InterferingProxy> {
  const seen: Passing[] = [];
  const server = createServer((incoming, outgoing) => {
    const passing = { method: incoming.method ?? '', url: incoming.url ?? '', headers: incoming.headers };
    seen.push(passing);
    pass(incoming, outgoing, target, interfere(passing));
  });
  server.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function pass(incoming: IncomingMessage, outgoing: ServerResponse, target: string, what: Interference | undefined): void {
  if (what?.kind === 'answer') {
    incoming.resume().once('end', () => outgoing.writeHead(what.status, what.headers).end(what.body));
    return;
  }
  const { hostname, port } = new URL(target);
  const onward = request({ host: hostname, port, method: incoming.method, path: incoming.url, headers: incoming.headers }, (answer) => {
    const chunks: Buffer[] = [];
    answer.on('data', (chunk: Buffer) => chunks.push(chunk)).on('end', () => finish(outgoing, answer, Buffer.concat(chunks), what));
    answer.on('error', () => outgoing.destroy());
  });
  onward.on('error', () => outgoing.destroy());
  incoming.on('aborted', () => onward.destroy());
  incoming.pipe(onward);
}

function finish(outgoing: ServerResponse, { statusCode = 502, headers }: IncomingMessage, body: Buffer, what: Exclude<Interference, { kind: 'answer' }> | undefined): void {
  if (what?.kind === 'lose') return void outgoing.destroy();
  const { 'transfer-encoding': _, ...kept } = headers;
  if (what?.kind === 'cut') {
    outgoing.writeHead(statusCode, { ...kept, 'content-length': body.length });
    outgoing.write(body.subarray(0, what.bytes), () => outgoing.destroy());
    return;
  }
  const sent = what?.kind === 'edit' ? what.edit(body) : body;
  outgoing.writeHead(statusCode, what?.kind === 'edit' ? { ...kept, 'content-length': sent.length } : kept).end(sent);
}
