// A full refresh of real indices: whoever searches finds all of the old or all of the new, whatever happens on the way.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, test } from 'node:test';
import { sync } from '../src/index.ts';
import type { Document } from '../src/model/document.ts';
import type { Store } from '../src/model/store.ts';
import { MemoryStore } from '../src/stores/memory/memory-store.ts';
import { Bench } from './cli/command.ts';
import { kinds, quick } from './services/search-places.ts';
import { sharedSearch, skipWithoutSearch } from './services/search.ts';

/** Documents of a source, each of one state. */
function source(state: string, many = 300, collection = 'orders'): MemoryStore {
  const store = new MemoryStore();
  for (let n = 1; n <= many; n++) store.edit(`${collection}/${n}`, { id: n, state });
  return store;
}

for (const engine of ['opensearch', 'elasticsearch'] as const) {
  describe(`a swap in ${engine}`, { skip: await skipWithoutSearch(engine) }, () => {
    /** An index of its own name, or with `suffix` one that begins with it, that holds 290 stale documents. */
    async function place({ suffix = '' }: { readonly suffix?: string } = {}): Promise<{ readonly name: string; readonly index: string; open(): Promise<Store>; ask(method: string, path: string, body?: object): Promise<Document>; states(): Promise<string> }> {
      const server = await sharedSearch(engine);
      const name = `swap${randomUUID().slice(0, 8)}`;
      const index = name + suffix;
      const ask = async (method: string, path: string, body?: object): Promise<Document> => await server.ask(method, path, body) as Document;
      await ask('PUT', `/${index}`, { settings: { number_of_shards: 2, number_of_replicas: 0, refresh_interval: '7s' }, mappings: { properties: { state: { type: 'keyword' }, id: { type: 'integer' } } } });
      const open = async (): Promise<Store> => await kinds[engine].open(`${engine}://${server.address}/${name}`, { missing: 'empty' }, quick) as Store;
      const store = await open();
      const stale = Array.from({ length: 290 }, (_, i) => ({ kind: 'put', entry: { key: `${suffix === '' ? name : 'orders'}/${i + 1}`, content: { kind: 'document', document: { id: i + 1, state: 'stale' } } } }) as const);
      for (const outcome of await store.write(stale)) assert.equal(outcome.kind, 'done');
      const states = async (): Promise<string> => {
        const { hits, aggregations } = await ask('POST', `/${index}/_search?size=0&track_total_hits=true`, { aggs: { states: { terms: { field: 'state' } } } }) as unknown as { readonly hits: { readonly total: { readonly value: number } }; readonly aggregations: { readonly states: { readonly buckets: readonly { readonly key: string }[] } } };
        return `${aggregations.states.buckets.map(({ key }) => key).join()} ${hits.total.value}`;
      };
      await ask('POST', `/${index}/_refresh`);
      return { name, index, open, ask, states };
    }
    /** The indices that there are, and what they are known by. */
    const indicesOf = async (ask: (method: string, path: string) => Promise<Document>, name: string): Promise<Readonly<Record<string, { readonly aliases: object; readonly settings: { readonly index: Document }; readonly mappings: object }>>> => await ask('GET', `/${name}*`) as never;

    test('an index is replaced by another one like it, known by its name, and so again; the next run does nothing', async () => {
      for (const suffix of ['', '-orders']) {
        const { name, index, open, ask, states } = await place({ suffix });
        const collection = suffix === '' ? name : 'orders';
        await ask('POST', '/_aliases', { actions: [{ add: { index, alias: `other-${index}`, filter: { term: { state: 'fresh' } } } }] });
        const before = (await indicesOf(ask, name))[index]!;
        for (const state of ['fresh', 'fresher']) {
          await using target = await open();
          const { counts, differences } = await sync(source(state, 300, collection), target, { swap: true });
          assert.deepEqual([counts.created, counts.updated, differences], state === 'fresh' ? [10, 290, 0] : [0, 300, 0]);
          assert.equal(await states(), `${state} 300`);
          const again = await sync(source(state, 300, collection), await open(), { swap: true });
          assert.deepEqual([again.counts.unchanged, again.differences], [300, 0]);
          const there = Object.entries(await indicesOf(ask, name));
          assert.equal(there.length, 1, there.map(([each]) => each).join());
          const [[now, about]] = there as [(typeof there)[0]];
          assert.match(now, new RegExp(`^${index}-syncline-\\d{20}$`));
          assert.deepEqual(about.aliases, { [index]: {}, [`other-${index}`]: { filter: { term: { state: 'fresh' } } } });
          assert.deepEqual([about.mappings, about.settings.index['number_of_shards'], about.settings.index['refresh_interval']], [before.mappings, '2', '7s']);
        }
      }
    });

    test('an index that is not there is made, with an alias of its name', async () => {
      const { name, open, ask, states } = await place({ suffix: '-orders' });
      await sync(source('fresh', 5, 'users'), await open(), { swap: true });
      assert.equal(await states(), 'stale 290');
      await ask('POST', `/${name}-users/_refresh`);
      assert.equal(((await ask('GET', `/${name}-users/_count`)) as { readonly count?: number }).count, 5);
    });

    test('nothing is swapped where somebody else writes, too much would be gone, or a document is refused; and nothing is left over', async () => {
      const { name, index, open, ask, states } = await place({ suffix: '-orders' });
      let written: Promise<unknown> | undefined;
      const on = ({ kind }: { readonly kind: string }): void => {
        if (kind === 'done') written ??= ask('PUT', `/${index}/_doc/theirs?refresh=true`, { id: 0, state: 'theirs' });
      };
      await assert.rejects(sync(source('fresh'), await open(), { swap: true, on, concurrency: 1 }), { code: 'conflict', message: /somebody wrote to orders/ });
      await written;
      await ask('DELETE', `/${index}/_doc/theirs?refresh=true`);
      await assert.rejects(sync(source('fresh', 100), await open(), { swap: true }), { code: 'guarded', message: /refusing to delete 190 of 290/ });
      const bad = source('fresh');
      bad.edit('orders/7', { id: 'no number', state: 'fresh' });
      const { counts, differences, warnings } = await sync(bad, await open(), { swap: true });
      assert.deepEqual([counts.failed, counts.created, differences > 0, /nothing was put in place/.test(warnings.join())], [1, 0, true, true]);
      assert.equal(await states(), 'stale 290');
      assert.deepEqual(Object.keys(await indicesOf(ask, name)), [index]);
    });

    test('what a broken-off run left is seen by nobody, and gone after the next', async () => {
      const { name, index, open, ask, states } = await place();
      await ask('PUT', `/${index}-syncline-20150101000000000000`, {});
      await ask('PUT', `/${index}-v1`, { aliases: { [`${index}-syncline-old`]: {} } });
      await using target = await open();
      assert.deepEqual((await target.describe?.())?.map((each) => each.name), [name]);
      await sync(source('fresh', 300, name), target, { swap: true });
      assert.equal(await states(), 'fresh 300');
      assert.equal(Object.keys(await indicesOf(ask, name)).length, 1);
    });

    test('who searches all the while never misses the index, and never finds a part of one', async () => {
      const { open, states } = await place({ suffix: '-orders' });
      // A name that was an index's own is an alias from the first time on.
      await sync(source('zero'), await open(), { swap: true });
      const seen = new Set<string>();
      let ended = false;
      const reading = (async () => { while (!ended) seen.add(await states()); })();
      try {
        for (const state of ['one', 'two', 'three']) await sync(source(state), await open(), { swap: true });
      } finally {
        ended = true;
        await reading;
      }
      assert.deepEqual([...seen].filter((each) => !['zero 300', 'one 300', 'two 300', 'three 300'].includes(each)), []);
      assert.equal(await states(), 'three 300');
    });
  });
}

test('killed at any moment, an index is the old one or the new one, and the next run ends it', { skip: await skipWithoutSearch('opensearch') }, async () => {
  using bench = new Bench();
  const { address, ask } = await sharedSearch('opensearch');
  const name = `swap${randomUUID().slice(0, 8)}`;
  const endpoint = `opensearch+http://${address}/${name}?layout=suffix`;
  const swap = async (state: string, afterMs: number): Promise<number | null> => {
    bench.write({ 'orders.ndjson': Array.from({ length: 500 }, (_, i) => `${JSON.stringify({ id: String(i), type: 'orders', uri: `/orders/${i}`, state })}\n`).join('') });
    return (await bench.syncline(['sync', '--swap', '--schema', 'simple', 'orders.ndjson', endpoint], { ...(afterMs > 0 && { meanwhile: (child) => void setTimeout(() => child.kill('SIGKILL'), afterMs) }) })).code;
  };
  const states = async (): Promise<string> => {
    await ask('POST', `/${name}-orders/_refresh`);
    const { hits } = await ask('POST', `/${name}-orders/_search?size=500`) as { readonly hits: { readonly hits: readonly { readonly _source: { readonly state: string } }[] } };
    return `${[...new Set(hits.hits.map(({ _source: { state } }) => state))].join()} ${hits.hits.length}`;
  };
  const startedMs = Date.now();
  assert.equal(await swap('s0', 0), 0);
  const tookMs = Date.now() - startedMs;
  for (let moment = 1; moment <= 6; moment++) {
    const before = await states();
    await swap(`s${moment}`, tookMs * (0.3 + 0.1 * moment));
    assert.ok([before, `s${moment} 500`].includes(await states()));
  }
  assert.equal(await swap('last', 0), 0);
  assert.equal(await states(), 'last 500');
  assert.equal(Object.keys(await ask('GET', `/${name}*`) as object).length, 1);
});
