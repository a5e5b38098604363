import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, it } from 'node:test';
import type { CachedResponse } from '../../lib/response-cache.ts';
import { plainHost } from '../../model/plain-host.ts';
import type { Page, ScanOptions } from '../../model/store.ts';
import type { RestOptions } from './kind.ts';
import { kind } from './kind.ts';
import type { RestStore } from './rest-store.ts';

/** What is answered: items, by their ids, or any document; and where the next ones are. */
type Answers = (path: string, request: IncomingMessage) => { readonly body: readonly number[] | object; readonly link?: string; readonly etag?: string };

async function scan(answers: Answers, { options, asked, path = '/orders' }: { readonly options?: RestOptions; readonly asked?: ScanOptions; readonly path?: string } = {}): Promise<{ readonly ids: readonly string[]; readonly problems: readonly string[]; readonly seen: readonly string[] }> {
  const seen: string[] = [];
  await using server = Object.assign(createServer((request, response) => {
    seen.push(request.url!);
    const { body, link, etag } = answers(request.url!, request);
    const known = etag !== undefined && request.headers['if-none-match'] === etag;
    response.writeHead(known ? 304 : 200, { 'content-type': 'application/json', ...(link !== undefined && !known && { link }), ...(etag !== undefined && { etag }) });
    response.end(known ? '' : JSON.stringify(Array.isArray(body) ? body.map((id: number) => ({ id })) : body));
  }).listen(0, '127.0.0.1'), { [Symbol.asyncDispose]: async () => { server.closeAllConnections(); server.close(); } });
  await once(server, 'listening');
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  await using store = await kind.open(origin + path, { address: '/{collection}/{id}', maxAttempts: 1, ...options }, plainHost) as RestStore;
  const pages: Page[] = await Array.fromAsync(store.scan(asked));
  return {
    ids: pages.flatMap(({ entries }) => entries.map(({ key }) => key.slice('orders/'.length))),
    problems: pages.flatMap(({ problems = [] }) => problems.map(({ error }) => error.sentence.replaceAll(origin, 'http://api'))),
    seen,
  };
}

/** Pages of two of five orders, the last one of one. */
function paged(write: (page: number) => string): Answers {
  return (path) => {
    const page = Number(/page=(\d+)/.exec(path)?.[1] ?? 1);
    return { body: [2 * page - 1, 2 * page].filter((id) => id <= 5), ...(page < 3 && { link: write(page + 1) }) };
  };
}

describe('the next page by the header Link', () => {
  it('is read however it is written, to the last one', async () => {
    for (const write of [(page: number) => `<?page=${page}>; rel="next"`, (page: number) => `</orders?page=${page}>; rel=next, <?page=3>; rel="last"`, (page: number) => `<orders?page=${page}>; title="a, b"; rel="first next"`]) {
      const { ids, problems, seen } = await scan(paged(write));
      assert.deepEqual([ids, problems, seen], [['1', '2', '3', '4', '5'], [], ['/orders', '/orders?page=2', '/orders?page=3']], write(2));
    }
  });

  it('is read for a target that is listed by its collections, too, and not where no links are to be followed', async () => {
    const collections = { asked: { collections: ['/orders'] }, path: '' };
    const answers: Answers = (path, request) => (/\d$/.test(path.split('?', 1)[0]!) ? { body: { id: Number(path.split('/').at(-1)) } } : paged((page) => `<?page=${page}>; rel="next"`)(path, request));
    assert.deepEqual((await scan(answers, collections)).ids, ['1', '2', '3', '4', '5']);
    assert.deepEqual((await scan(paged((page) => `<?page=${page}>; rel="next"`), { options: { follow: 'none' } })).ids, ['1', '2']);
  });

  it('counts where a listing does not name it itself, and of lists alone', async () => {
    const own = await scan((path) => (path === '/orders' ? { body: { items: [{ id: 1 }], _links: { next: { href: '/orders?from=2' } } }, link: '<?page=2>; rel="next"' } : { body: [2] }));
    assert.deepEqual([own.ids, own.seen], [['1', '2'], ['/orders', '/orders?from=2']]);
    const single = await scan(() => ({ body: { id: 7 }, link: '</orders/8>; rel="next"' }), { path: '/orders/7' });
    assert.deepEqual([single.ids, single.seen], [['7'], ['/orders/7']]);
  });

  it('at another host is not asked for, and is a problem', async () => {
    for (const target of ['http://elsewhere.example/orders?page=2&api_key=secret', '//elsewhere.example/orders?page=2&api_key=secret']) {
      const { ids, problems, seen } = await scan(() => ({ body: [1], link: `<${target}>; rel="next"` }));
      assert.deepEqual([ids, seen], [['1'], ['/orders']]);
      assert.deepEqual(problems, ['http://api/orders names http://elsewhere.example/orders?page=2&api_key=*** as its next page, which is another host and is not asked, so nobody knows what else there is: have the API name its pages at http://api, or by their path alone']);
    }
    assert.match((await scan(() => ({ body: [1], link: '<ftp://h/x>; rel=next' }))).problems[0]!, /which is no web address/);
  });

  it('that was read before is a problem, and ends the listing', async () => {
    const around = await scan((path) => ({ body: [path === '/orders' ? 1 : 2], link: path === '/orders' ? '<?page=2>; rel=next' : '</orders>; rel=next' }));
    assert.deepEqual([around.ids, around.seen], [['1', '2'], ['/orders', '/orders?page=2']]);
    assert.deepEqual(around.problems, ['http://api/orders?page=2 names http://api/orders as its next page, which was read before it, so nobody knows what else there is: have the API name each page once']);
    assert.match((await scan(() => ({ body: [1], link: '</orders>; rel=next' }))).problems[0]!, /which was read before it/);
  });

  it('is not asked for without end where pages hold nothing new', async () => {
    const { problems, seen } = await scan((path) => ({ body: [1], link: `<?cursor=${Number(path.split('=')[1] ?? 0) + 1}>; rel=next` }));
    assert.equal(seen.length, 1_001);
    assert.match(problems.join(), /cursor=1000 is the last of 1000 pages in a row that hold nothing new, and names one more/);
  });

  it('is found although the list before it has not changed since it was the last one', async () => {
    const kept = new Map<string, CachedResponse>();
    const responses = { get: (key: string) => kept.get(key.replace(/127\S*:\d+/, '')), set: (key: string, response: CachedResponse) => void kept.set(key.replace(/127\S*:\d+/, ''), response) };
    const first = { body: [1, 2], etag: '"same"' };
    assert.deepEqual((await scan(() => first, { options: { responses } })).ids, ['1', '2']);
    assert.deepEqual((await scan((path) => (path === '/orders' ? { ...first, link: '<?page=2>; rel=next' } : { body: [3] }), { options: { responses } })).ids, ['1', '2', '3']);
  });
});
