import { hash } from 'node:crypto';
import type { SearchServer } from '../test/services/search.ts';

/** A record as shops have them. */
export interface Order {
  readonly id: string;
  readonly amount: number;
  readonly count: number;
  readonly customer: string;
  readonly note: string;
  readonly open: boolean;
  readonly tmstmp: string;
  readonly value: string;
}

/** The orders of so many, in an order that tells nothing of their ids. */
export function* madeUpOrders(count: number): Generator<Order> {
  for (let i = 0; i < count; i++) {
    const tail = i.toString(16).padStart(12, '0');
    yield {
      id: `${(Math.imul(i, 2_654_435_761) >>> 0).toString(16).padStart(8, '0')}-0000-4000-8000-${tail}`, amount: i * 1.25 + 0.5, count: i % 7, customer: `customer-${i % 1_000}`,
      note: `ship "soon", ${'to the usual place and not before noon, '.repeat(1 + (i % 4))}`, open: i % 3 === 0, tmstmp: new Date(1_420_070_400_000 + i * 13_001).toISOString(), value: `Order ${i}`,
    };
  }
}

/** How many documents there are, and a digest of all of them that depends neither on their order nor on that of their fields. */
export class Digest {
  #count = 0;
  #sum = 0n;

  add(id: string, document: object): void {
    const fields = Object.entries(document).filter(([, value]) => value !== null).toSorted(([a], [b]) => (a < b ? -1 : 1));
    // An instant has several spellings.
    const text = JSON.stringify([id, ...fields.map(([name, value]: [string, unknown]) => [name, name === 'tmstmp' ? Date.parse(value as string) : value])]);
    this.#sum = (this.#sum + BigInt(`0x${hash('sha256', text).slice(0, 16)}`)) % 2n ** 64n;
    this.#count++;
  }

  toString(): string {
    return `${this.#count} documents, ${this.#sum.toString(16)}`;
  }
}

/** The mapping that both sides get. */
export const orderMapping = {
  dynamic: false,
  properties: {
    id: { type: 'keyword' }, amount: { type: 'double' }, count: { type: 'integer' }, customer: { type: 'text', fields: { keyword: { type: 'keyword' } } }, note: { type: 'text', fields: { keyword: { type: 'keyword', ignore_above: 8_191 } } },
    open: { type: 'boolean' }, tmstmp: { type: 'date' }, value: { type: 'text', fields: { keyword: { type: 'keyword' } } },
  },
};

/** Makes an index of orders, empty but for those given. */
export async function makeIndex(server: SearchServer, index: string, orders: Iterable<Order> = []): Promise<void> {
  await server.ask('PUT', `/${index}`, { settings: { number_of_replicas: 0 }, mappings: orderMapping });
  let lines = '';
  const send = async (): Promise<void> => {
    const answer = await fetch(`http://${server.address}/_bulk?filter_path=errors`, { method: 'POST', body: lines, headers: { 'content-type': 'application/x-ndjson' } });
    if (!answer.ok || ((await answer.json()) as { readonly errors: boolean }).errors) throw new Error(`${index} could not be filled`);
    lines = '';
  };
  for (const order of orders) {
    lines += `${JSON.stringify({ index: { _index: index, _id: order.id } })}\n${JSON.stringify(order)}\n`;
    if (lines.length > 1_000_000) await send();
  }
  if (lines !== '') await send();
}

/** What an index of orders holds. */
export async function digestOfIndex(server: SearchServer, index: string): Promise<string> {
  await server.ask('POST', `/${index}/_refresh`);
  const digest = new Digest();
  for (let after: unknown; ;) {
    const { hits: { hits } } = await server.ask('POST', `/${index}/_search`, { size: 5_000, sort: [{ id: 'asc' }], track_total_hits: false, ...(after !== undefined && { search_after: after }) }) as { readonly hits: { readonly hits: readonly { readonly _id: string; readonly _source: object; readonly sort: unknown }[] } };
    if (hits.length === 0) return digest.toString();
    for (const { _id: id, _source: document } of hits) digest.add(id, document);
    after = hits.at(-1)!.sort;
  }
}
