import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { dump as writeYaml, load as readYaml } from 'js-yaml';
import type { Fault } from './faults.ts';
import { Faults } from './faults.ts';
import type { LoggedRequest } from './requests.ts';
import { Requests } from './requests.ts';
import type { Behaviour, ExampleResource, Fields } from './resources.ts';
import { idOf, isFields, pathOf, placeOf, Resources, root } from './resources.ts';

export interface ExampleApiOptions {
  /** Default: any that is free. */
  readonly port?: number;
  /** The collections there are, perhaps empty. Default: any that is asked for. */
  readonly types?: readonly string[];
  /** What it holds from the start; parents before children. */
  readonly resources?: readonly ExampleResource[];
  /** Before each answer. */
  readonly latencyMs?: number;
  /** Whether collections take many resources in one `PATCH`. Default: yes. */
  readonly patch?: boolean;
  /** Whether single resources take a `PATCH` of some fields. Default: no. */
  readonly instancePatch?: boolean;
  /** Whether resources have ETags, and writes may be conditional on them. `weak` ones never match. Default: yes. */
  readonly etags?: boolean | 'weak';
  /** What a write is answered with: the resource as it is now, what was sent, or nothing. Default: as it is now. */
  readonly echo?: 'held' | 'sent' | 'nothing';
  /** Whether collections can be listed. Default: yes. */
  readonly listing?: boolean;
  /** Where a collection carries its resources. Default: `items`, as microcosm has it; standard HAL says `_embedded`. */
  readonly embed?: 'items' | '_embedded';
  readonly behaviour?: Behaviour;
  /** Of every answer. Default: `application/json`. Where it names YAML, YAML is what is sent. */
  readonly contentType?: string;
  /** In which answers are encoded, and which they name. Default: UTF-8, and not named. */
  readonly charset?: 'utf-8' | 'latin1' | 'utf-16le';
  /** Who may ask. Default: everyone. */
  readonly user?: { readonly name: string; readonly password: string } | { readonly token: string };
  readonly faults?: readonly Fault[];
  /** Whether requests are remembered. Default: yes. */
  readonly log?: boolean;
}

/** A running server. */
export interface ExampleApi extends AsyncDisposable {
  /** Scheme, host and port, as in `http://127.0.0.1:8080`. */
  readonly url: string;
  readonly requests: Requests;
  /** Every resource it holds, by path, with links that lead nowhere else given as paths. */
  dump(): { readonly [path: string]: Fields };
  /** Changes fields of a resource behind everyone's back. */
  change(path: string, fields: Fields): void;
  /** Removes a resource behind everyone's back. */
  remove(path: string): void;
  /** Makes more go wrong from now on. */
  break(...faults: readonly Fault[]): void;
  close(): Promise<void>;
}

/** What is to be answered. */
interface Answer {
  readonly status: number;
  readonly headers?: { readonly [name: string]: string };
  /** JSON. */
  readonly body?: string;
}

/** A request, as far as it matters to what is answered. */
interface Asked {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

const defaultPage = 20;

/**
 * Starts a small REST API on 127.0.0.1 whose resources are HAL documents (draft-kelly-json-hal): `/api` leads to
 * collections, `/api/stop` lists one in pages, and `/api/stop/pier-1` is one resource, with links to itself and to those
 * it belongs to.
 */
export async function startExampleApi(options: ExampleApiOptions = {}): Promise<ExampleApi> {
  const requests = new Requests(options.log ?? true);
  const faults = new Faults();
  faults.add(...options.faults ?? []);
  const server = createServer((request, response) => {
    const asked = requests.start(request.method ?? '', request.url ?? '', request.headers);
    response.once('close', () => requests.end(asked, 0));
    serve(request, response, asked).catch(() => response.destroy());
  });
  server.keepAliveTimeout = 60_000;
  server.listen(options.port ?? 0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const api = new Api(url, options);

  async function serve(request: IncomingMessage, response: ServerResponse, asked: LoggedRequest): Promise<void> {
    asked.body = await bodyOf(request);
    if (options.latencyMs !== undefined && options.latencyMs > 0) await sleep(options.latencyMs);
    const fault = faults.strike(asked.method, asked.path);
    if (fault?.hang === true) return;
    if (fault?.reset === 'before') return void request.socket.resetAndDestroy();
    const answer = fault?.status === undefined ? api.answer(asked) : { ...problem(fault.status, fault.detail ?? 'out of order'), ...(fault.headers && { headers: fault.headers }) };
    if (fault?.reset === 'after') return void request.socket.resetAndDestroy();
    requests.end(asked, answer.status);
    send(response, answer, asked.method, options, fault?.truncate === true);
  }

  const close = async (): Promise<void> => {
    if (!server.listening) return;
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
  };
  return {
    url, requests, close,
    dump: () => api.resources.dump(),
    change: (path, fields) => api.change(path, fields),
    remove: (path) => api.remove(path),
    break: (...more) => faults.add(...more),
    [Symbol.asyncDispose]: close,
  };
}

/** What the server does, without the network: a request in, an answer out. */
class Api {
  readonly resources: Resources;
  readonly #origin: string;
  readonly #options: ExampleApiOptions;
  readonly #authorization: string | undefined;

  constructor(origin: string, options: ExampleApiOptions) {
    const { types = [], resources = [], behaviour = {}, user } = options;
    this.#origin = behaviour.relative === true ? '' : origin;
    this.#options = options;
    this.#authorization = user && ('token' in user ? `Bearer ${user.token}` : `Basic ${Buffer.from(`${user.name}:${user.password}`).toString('base64')}`);
    this.resources = new Resources(origin, behaviour);
    for (const type of types) this.resources.open(type);
    for (const { type, id, fields, parents = {} } of resources) {
      const links = Object.entries(parents).map(([relation, parent]) => [`parent:${relation}`, { href: pathOf(...parent.split('/') as [string, string]) }]);
      this.resources.put(type, id, { id, ...fields, _links: Object.fromEntries(links) as Fields });
    }
  }

  answer({ method, path: target, headers, body }: LoggedRequest): Answer {
    if (this.#authorization !== undefined && headers.authorization !== this.#authorization) return { ...problem(401, 'say who you are'), headers: { 'www-authenticate': this.#authorization.replace(/ .*/, ' realm="example"') } };
    const [path = '', query] = target.split('?', 2);
    const asked: Asked = { method, path, query: new URLSearchParams(query), headers, body };
    if (path === '/' || path === root || path === `${root}/`) return this.#discovery(asked);
    const place = placeOf(path);
    if (place === undefined) return problem(404, `there is nothing at ${path}`);
    if (this.#options.types?.includes(place.type) === false) return problem(404, `there is no collection ${place.type}`);
    return place.id === undefined ? this.#collection(place.type, asked) : this.#resource(place.type, place.id, asked);
  }

  change(path: string, fields: Fields): void {
    const { type = '', id = '' } = placeOf(path) ?? {};
    const held = this.resources.get(type, id);
    if (held === undefined) throw new Error(`there is no ${path}`);
    this.resources.put(type, id, { ...held.fields, ...fields, _links: held.links });
  }

  remove(path: string): void {
    const { type = '', id = '' } = placeOf(path) ?? {};
    const refusal = this.resources.remove(type, id);
    if (refusal) throw new Error(refusal.detail);
  }

  /** Where everything begins: a link to each collection. */
  #discovery({ method }: Asked): Answer {
    if (method !== 'GET' && method !== 'HEAD') return notAllowed(method, ['GET', 'HEAD', 'OPTIONS']);
    const search = this.resources.types.map((type) => ({ href: this.#href(pathOf(type), 0, defaultPage), type }));
    return ok({ _links: { self: { href: this.#href(root, 0, defaultPage) }, search } });
  }

  #collection(type: string, asked: Asked): Answer {
    const { patch = true, listing = true } = this.#options;
    if (asked.method === 'PATCH' && patch) return this.#putMany(type, asked);
    if ((asked.method !== 'GET' && asked.method !== 'HEAD') || !listing) {
      return notAllowed(asked.method, [...(listing ? ['GET', 'HEAD'] : []), 'OPTIONS', ...(patch ? ['PATCH'] : [])]);
    }
    return this.#page(type, asked);
  }

  /** One page, with links to those before and after it. How long pages are is up to whoever asks. */
  #page(type: string, { query, headers }: Asked): Answer {
    const [offset, limit] = [Number(query.get('offset') ?? 0), Number(query.get('limit') ?? headers['x-request-limit'] ?? defaultPage)];
    if (!Number.isInteger(offset) || !Number.isInteger(limit) || offset < 0 || limit < 1) return problem(422, 'offset and limit are whole numbers');
    const count = this.resources.count(type);
    const link = (at: number): object => ({ href: this.#href(pathOf(type), at, limit) });
    const links = { self: link(offset), ...(offset + limit < count && { next: link(offset + limit) }), ...(offset > 0 && { prev: link(Math.max(0, offset - limit)) }) };
    // The items are JSON already: parsing them only to write them out again would be most of the work.
    const items = `[${this.resources.page(type, offset, limit).join(',')}]`;
    const carried = this.#options.embed === '_embedded' ? `"_embedded":{${JSON.stringify(type)}:${items}}` : `"items":${items}`;
    return { status: 200, headers: { 'x-total-count': String(count) }, body: `{"offset":${offset},"limit":${limit},"count":${count},${carried},"_links":${JSON.stringify(links)}}` };
  }

  #resource(type: string, id: string, asked: Asked): Answer {
    const { instancePatch = false } = this.#options;
    const held = this.resources.get(type, id);
    switch (asked.method) {
      case 'GET':
      case 'HEAD': {
        if (held === undefined) return problem(404, `there is no ${asked.path}`);
        const etag = this.#etag(held.version);
        if (etag !== undefined && asked.headers['if-none-match'] === etag) return { status: 304, headers: { etag } };
        return this.#representation(200, held);
      }
      case 'PUT':
        return this.#failedCondition(held?.version, asked) ?? this.#put(type, id, parse(asked));
      case 'DELETE':
        return this.#failedCondition(held?.version, asked) ?? this.#remove(type, id);
      case 'PATCH':
        if (!instancePatch) break;
        if (held === undefined) return problem(404, `there is no ${asked.path}`);
        return this.#put(type, id, { ...held.fields, _links: held.links, ...parse(asked) as Fields });
    }
    return notAllowed(asked.method, ['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS', ...(instancePatch ? ['PATCH'] : [])]);
  }

  /** Creates a resource under a name of the client's choosing, or replaces it. */
  #put(type: string, id: string, document: unknown): Answer {
    const refusal = this.resources.refusalOf(type, id, document);
    if (refusal) return problem(refusal.status, refusal.detail);
    const status = this.resources.get(type, id) === undefined ? 201 : 200;
    const held = this.resources.put(type, id, document as Fields);
    return this.#echo(status, held, document);
  }

  #remove(type: string, id: string): Answer {
    const refusal = this.resources.remove(type, id);
    return refusal ? problem(refusal.status, refusal.detail) : { status: 204 };
  }

  /** Puts all of the `items`, or none of them. */
  #putMany(type: string, asked: Asked): Answer {
    const sent = parse(asked);
    const items = isFields(sent) ? sent['items'] : undefined;
    if (!Array.isArray(items) || !items.every(isFields)) return problem(422, 'a batch is an object with a list of resources as items');
    const ids = items.map(idOf);
    const coming = new Set<string>();
    for (const [i, item] of items.entries()) {
      const refusal = ids[i] === '' ? { status: 422, detail: `item ${i} has no id` } : this.resources.refusalOf(type, ids[i] as string, item, coming);
      if (refusal) return problem(refusal.status, refusal.detail);
      coming.add(pathOf(type, ids[i]));
    }
    const put = items.map((item, i) => this.#echo(200, this.resources.put(type, ids[i] as string, item), item).body);
    return this.#options.echo === 'nothing' ? { status: 204 } : { status: 200, body: `{"items":[${put.join(',')}]}` };
  }

  /** Two who write at once must not undo each other unseen: RFC 9110, section 13. */
  #failedCondition(version: number | undefined, { headers }: Asked): Answer | undefined {
    const { 'if-match': match, 'if-none-match': noneMatch } = headers;
    if (this.#options.etags === false) return undefined;
    const etag = version === undefined ? undefined : this.#etag(version);
    // Only strong tags can be matched by If-Match.
    const matches = match === undefined || (etag !== undefined && (match === '*' || (match === etag && !etag.startsWith('W/'))));
    const differs = noneMatch === undefined || etag === undefined || (noneMatch !== '*' && noneMatch !== etag);
    return matches && differs ? undefined : problem(412, etag === undefined ? 'it does not exist' : 'it has changed');
  }

  #echo(status: number, held: { readonly json: string; readonly version: number }, sent: unknown): Answer {
    if (this.#options.echo === 'nothing') return { status: 204 };
    const answer = this.#representation(status, held);
    return this.#options.echo === 'sent' ? { ...answer, body: JSON.stringify(sent) } : answer;
  }

  #representation(status: number, { json, version }: { readonly json: string; readonly version: number }): Answer {
    const etag = this.#etag(version);
    return { status, body: json, ...(etag !== undefined && { headers: { etag } }) };
  }

  #etag(version: number): string | undefined {
    const { etags = true } = this.#options;
    return etags === false ? undefined : `${etags === 'weak' ? 'W/' : ''}"${version}"`;
  }

  #href(path: string, offset: number, limit: number): string {
    return `${this.#origin}${path}?offset=${offset}&limit=${limit}`;
  }
}

function ok(document: object): Answer {
  return { status: 200, body: JSON.stringify(document) };
}

/** What is wrong, as RFC 9457 has it. */
function problem(status: number, detail: string): Answer {
  return { status, body: JSON.stringify({ status, detail }) };
}

/** Answers OPTIONS with what can be done, and anything else with a refusal that says the same. */
function notAllowed(method: string, methods: readonly string[]): Answer {
  const headers = { allow: methods.join(', ') };
  return method === 'OPTIONS' ? { status: 204, headers } : { ...problem(405, `${method} is not offered`), headers };
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  if (request.method === 'GET') return '';
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

/** The value in a body; `undefined` where it is neither JSON nor YAML. Integers beyond 2^53 stay as they are written. */
function parse({ headers, body }: Asked): unknown {
  try {
    if (/yaml/.test(headers['content-type'] ?? '')) return readYaml(body);
    return /\d{16}/.test(body) ? JSON.parse(body, keepLarge as (name: string, value: unknown) => unknown) : JSON.parse(body);
  } catch {
    return undefined;
  }
}

const { rawJSON: rawJson } = JSON as unknown as { rawJSON(text: string): unknown };

function keepLarge(_: string, value: unknown, { source = '' }: { readonly source?: string }): unknown {
  return typeof value === 'number' && !Number.isSafeInteger(value) && /^-?\d+$/.test(source) ? rawJson(source) : value;
}

function send(response: ServerResponse, { status, headers, body }: Answer, method: string, { contentType = 'application/json', charset }: ExampleApiOptions, truncate: boolean): void {
  if (body === undefined || status === 204 || status === 304) return void response.writeHead(status, headers).end();
  const isProblem = status >= 400;
  const text = !isProblem && contentType.includes('yaml') ? writeYaml(JSON.parse(body)) : body;
  const bytes = Buffer.from(text, charset ?? 'utf-8');
  const type = `${isProblem ? 'application/problem+json' : contentType}${charset === undefined ? '' : `; charset=${charset}`}`;
  response.writeHead(status, { 'content-type': type, 'content-length': bytes.length, ...headers });
  if (method === 'HEAD') response.end();
  else if (truncate) response.write(bytes.subarray(0, bytes.length >> 1), () => response.destroy());
  else response.end(bytes);
}
