// A HAL server that does as little as it can, so that what is measured is the client: it makes its resources up from
// their numbers, keeps what it is given as bytes with strong entity tags, and serves until its stdin ends. Prints its port.
import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

const seed = Number(process.argv[2] ?? 0);
const collection = '/api/widget';
/** Bodies as they were given; the entity tag is the number of the write. */
const written = new Map<string, { readonly body: Buffer; readonly tag: string }>();
let base = '';
let delayMs = 0;
let tags = true;
let writes = 0;
const requests = { get: 0, write: 0 };

/** As random as the identifiers of real resources, and the same every time. */
function idOf(i: number): string {
  const digits = createHash('md5').update(`widget ${i}`).digest('hex');
  return `${digits.slice(0, 8)}-${digits.slice(8, 12)}-${digits.slice(12, 16)}-${digits.slice(16, 20)}-${digits.slice(20)}`;
}

/** About 520 bytes of JSON. */
function resource(i: number): string {
  const id = idOf(i);
  return `{"_links":{"self":{"href":"${base}${collection}/${id}"}},"active":${i % 3 !== 0},"created":"2024-03-${10 + (i % 20)}T08:15:30Z","description":"${'The quick brown fox jumps over the lazy dog. '.repeat(4)}${i}","id":"${id}","labels":["alpha","beta","gamma-${i % 7}"],"name":"Widget number ${i}","owner":{"email":"owner${i}@example.com","name":"Owner ${i}"},"price":${(i % 1000) / 4},"rank":${i}}`;
}

function page(offset: number, limit: number): string {
  const items: string[] = [];
  if (seed > 0) for (let i = offset; i < Math.min(offset + limit, seed); i++) items.push(resource(i));
  else for (const { body } of [...written.values()].slice(offset, offset + limit)) items.push(body.toString());
  const count = seed > 0 ? seed : written.size;
  const link = (at: number): string => `{"href":"${base}${collection}?offset=${at}&limit=${limit}"}`;
  const next = offset + limit < count ? `,"next":${link(offset + limit)}` : '';
  return `{"_links":{"self":${link(offset)}${next}},"count":${count},"items":[${items.join(',')}],"limit":${limit},"offset":${offset}}`;
}

function answer(response: ServerResponse, status: number, body: string | Buffer, tag?: string): void {
  const bytes = typeof body === 'string' ? Buffer.from(body) : body;
  const send = (): void => { response.writeHead(status, { 'content-type': 'application/json', 'content-length': bytes.length, ...(tag !== undefined && tags && { etag: tag }) }).end(bytes); };
  if (delayMs > 0) setTimeout(send, delayMs);
  else send();
}

function control(path: string, response: ServerResponse): void {
  const [, , verb, value] = path.split('/');
  if (verb === 'reset') written.clear();
  if (verb === 'delay') delayMs = Number(value);
  if (verb === 'tags') tags = value === 'on';
  const counted = { ...requests };
  Object.assign(requests, { get: 0, write: 0 });
  response.end(JSON.stringify({ ...counted, held: written.size }));
}

function serve(request: IncomingMessage, response: ServerResponse): void {
  const { pathname: path, searchParams } = new URL(request.url ?? '/', base);
  if (path.startsWith('/control/')) return control(path, response);
  if (request.method === 'GET') {
    requests.get += 1;
    if (path === collection) return answer(response, 200, page(Number(searchParams.get('offset') ?? 0), Number(searchParams.get('limit') ?? request.headers['x-request-limit'] ?? 20)));
    const found = written.get(path);
    return found === undefined ? answer(response, 404, '{}') : answer(response, 200, found.body, found.tag);
  }
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk)).on('end', () => {
    if (request.method !== 'PUT') return answer(response, 405, '{}');
    const before = written.get(path)?.tag;
    const { 'if-match': match, 'if-none-match': noneMatch } = request.headers;
    if (tags && ((match !== undefined && match !== before) || (noneMatch === '*' && before !== undefined))) return answer(response, 412, '{}');
    requests.write += 1;
    const after = { body: Buffer.concat(chunks), tag: `"${++writes}"` };
    written.set(path, after);
    answer(response, 200, after.body, after.tag);
  });
}

const server = createServer(serve);
server.keepAliveTimeout = 60_000;
server.listen(0, '127.0.0.1', () => {
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  console.log(base);
});
process.stdin.resume().on('end', () => process.exit(0));
