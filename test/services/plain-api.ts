// A REST API whose resources are plain records: they carry no links, and are listed in one piece or in pages that the header `Link` tells of.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A running server. */
export interface PlainApi extends AsyncDisposable {
  /** Scheme, host and port. Its collections are under `/v1`. */
  readonly url: string;
  /** What it holds, by path, to the letter as it was given; to be changed behind everyone's back as well. */
  readonly held: Map<string, string>;
  /** The writes it was asked for, as in `PUT /v1/orders/1`. */
  readonly writes: string[];
  /** Resources in one page; without it, a list is whole. */
  pageSize?: number;
}

type Answer = readonly [status: number, body?: string | undefined, link?: string | undefined];

/** Starts one that has these collections, empty. */
export async function startPlainApi(...collections: readonly string[]): Promise<PlainApi> {
  const held = new Map<string, string>();
  const writes: string[] = [];
  /** A page of a list, and what names the next one. */
  const page = (under: string, from: number): Answer => {
    const all = [...held].flatMap(([at, document]) => (at.startsWith(under) ? [document] : []));
    const until = from + (api.pageSize ?? all.length);
    return [200, `[${all.slice(from, until).join(',')}]`, until < all.length ? `<?from=${until}>; rel="next"` : undefined];
  };
  const answer = (method: string, path: string, from: number, body: string): Answer => {
    const collection = collections.find((name) => path === `/v1/${name}` || path.startsWith(`/v1/${name}/`));
    if (collection === undefined) return [404, '{"detail":"there is nothing here"}'];
    const under = `/v1/${collection}/`;
    if (path === `/v1/${collection}`) return method === 'GET' ? page(under, from) : [405];
    if (method === 'GET') return held.has(path) ? [200, held.get(path)] : [404, '{"detail":"there is no such thing"}'];
    if (method !== 'PUT' && method !== 'DELETE') return [405];
    writes.push(`${method} ${path}`);
    if (method === 'DELETE') return [held.delete(path) ? 204 : 404];
    held.set(path, body);
    return [200, body];
  };
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (text: string) => (body += text)).on('end', () => {
      const { pathname, searchParams } = new URL(request.url ?? '', 'http://here');
      const [status, text, link] = answer(request.method ?? '', pathname, Number(searchParams.get('from') ?? 0), body);
      response.writeHead(status, { 'content-type': 'application/json', ...(link !== undefined && { link }) });
      response.end(text);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const api: PlainApi = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, held, writes,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return api;
}
