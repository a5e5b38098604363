import { createServer } from 'node:http';
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A request as it arrived. */
export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
}

/** What a path answers with: a document, or whatever the function does. */
export type Route = object | string | ((request: IncomingMessage, response: ServerResponse, server: ReadingServer) => void);

/** A server on a loopback port that answers GETs from a table and remembers what it was asked. */
export interface ReadingServer extends AsyncDisposable {
  readonly origin: string;
  readonly asked: readonly Asked[];
  /** Adds routes; they may name the origin, which is only known by now. */
  add(routes: { readonly [path: string]: Route }): void;
}

export async function readingServer({ host = '127.0.0.1', type = 'application/json' }: { readonly host?: string; readonly type?: string } = {}): Promise<ReadingServer> {
  const routes = new Map<string, Route>();
  const asked: Asked[] = [];
  const server = createServer((request, response) => {
    const path = request.url ?? '';
    asked.push({ method: request.method ?? '', path, headers: request.headers });
    const route = routes.get(path);
    if (typeof route === 'function') return route(request, response, reading);
    if (route === undefined) return send(response, 404, { message: 'no such thing' });
    send(response, 200, route, type);
  });
  server.listen(0, host);
  await new Promise((resolve) => server.once('listening', resolve));
  const reading: ReadingServer = {
    origin: `http://${host}:${(server.address() as AddressInfo).port}`,
    asked,
    add(more) {
      for (const [path, route] of Object.entries(more)) routes.set(path, route);
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return reading;
}

export function send(response: ServerResponse, status: number, body: object | string, type = 'application/json'): void {
  response.writeHead(status, { 'content-type': type });
  response.end(typeof body === 'string' ? body : JSON.stringify(body));
}

/** A resource at its own path, with other links as given. */
export function resource(path: string, { links = {}, ...fields }: { readonly links?: object; readonly [field: string]: unknown } = {}): object {
  return { id: path.split('/').at(-1), ...fields, _links: { self: { href: path }, ...links } };
}

/** A collection of `count` widgets in pages of `limit`, with links as microcosm servers write them. */
export function widgetPages(origin: string, { count, limit, path = '/api/widget' }: { readonly count: number; readonly limit: number; readonly path?: string }): Record<string, Route> {
  const href = (offset: number): string => `${origin}${path}?offset=${offset}&limit=${limit}`;
  const routes: Record<string, Route> = {};
  for (let offset = 0; offset < count; offset += limit) {
    const items = Array.from({ length: Math.min(limit, count - offset) }, (_, i) => resource(`${origin}${path}/${offset + i + 1}`, { name: `number ${offset + i + 1}` }));
    const page = {
      offset, limit, count, items,
      _links: { self: { href: href(offset) }, ...(offset + limit < count && { next: { href: href(offset + limit) } }), ...(offset > 0 && { prev: { href: href(offset - limit) } }) },
    };
    routes[`${path}?offset=${offset}&limit=${limit}`] = page;
    if (offset === 0) routes[path] = page;
  }
  return routes;
}
