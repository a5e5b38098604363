// What indices are called, and what becomes of it when servers fail: on a real OpenSearch and a real Elasticsearch.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { gunzipSync, gzipSync } from 'node:zlib';
import { SyncError } from '../src/model/errors.ts';
import { plainHost } from '../src/model/plain-host.ts';
import type { Store } from '../src/model/store.ts';
import { opensearch } from '../src/stores/elastic/kind.ts';
import { instantText } from '../src/stores/records/instants.ts';
import { inFolder, refused } from './newest/refused.ts';
import { freePort } from './services/free-port.ts';
import { interferingProxy } from './services/interfering-proxy.ts';
import type { Interference, Passing } from './services/interfering-proxy.ts';
import { assertAll, collection, documentOf, failureOf, found, keysOf, kinds, onBoth, put, quick } from './services/search-places.ts';
import type { It, Place } from './services/search-places.ts';
import { skipWithoutSearch, startSearch } from './services/search.ts';
import { waitingHost } from './services/waiting-host.ts';
import type { WaitingHost } from './services/waiting-host.ts';

await onBoth((it) => {
  naming(it);
  failing(it);
  refusing(it);
  overloaded(it);
});

function naming(it: It): void {
  it('a name stands for the index of that name, or for those that begin with it, and never for both', async (place) => {
    const { path } = place;
    await using empty = await place.open({ missing: 'refuse' });
    await assert.rejects(found(empty), { code: 'not-found' });
    await place.index(path);
    await place.put(path, '1', {});
    await using single = await place.open();
    assert.deepEqual(await keysOf(single), [`${path}/1`]);
    await place.index(`${path}-users`);
    await place.put(`${path}-users`, '2', {});
    await assert.rejects(found(single), { code: 'invalid', details: { store: single.name, hint: 'add layout=index or layout=suffix' } });
    await using suffix = await place.open({ layout: 'suffix' });
    assert.deepEqual(await keysOf(suffix), ['users/2']);
    await using index = await place.open({ layout: 'index' });
    assert.deepEqual(await keysOf(index), [`${path}/1`]);
    await using pattern = await place.open({}, place.server.address, `${path}*`);
    assert.deepEqual(await keysOf(pattern), [`${path}-users/2`, `${path}/1`]);
  });

  it('an alias is the collection, whatever index is behind it; one of two indices is none', async (place) => {
    const { path, server } = place;
    for (const version of ['v1', 'v2']) {
      await place.index(`${path}-users_${version}`);
      await place.put(`${path}-users_${version}`, version, {});
    }
    await server.ask('POST', '/_aliases', { actions: [{ add: { index: `${path}-users_v1`, alias: `${path}-users` } }] });
    await using store = await place.open();
    assert.deepEqual(await keysOf(store, { collections: ['users'] }), ['users/v1']);
    assertAll(await store.write([put('users/3', {})]), 'done');
    await server.ask('POST', '/_aliases', { actions: [{ remove: { index: `${path}-users_v1`, alias: `${path}-users` } }, { add: { index: `${path}-users_v2`, alias: `${path}-users` } }] });
    assert.deepEqual(await keysOf(store, { collections: ['users'] }), ['users/v2']);
    await server.ask('POST', '/_aliases', { actions: [{ add: { index: `${path}-users_v1`, alias: `${path}-users` } }] });
    await assert.rejects(found(store), /several indices/);
    assert.equal(failureOf((await store.write([put('users/4', {})]))[0]).code, 'unsupported');
  });

  it('missing indices are made only when that is asked for and allowed', async (place) => {
    const { path } = place;
    const users = collection('users', { name: { kind: 'text' } });
    await using strict = await place.open({ create: false });
    await assert.rejects(strict.prepare!([users]), (error) => error instanceof SyncError && error.code === 'not-found' && error.message.includes(`${path}-users`));
    const { code, message } = failureOf((await strict.write([put('users/1', {})]))[0]);
    assert.equal(code, 'not-found');
    assert.ok(message.includes('"users"'), message);
    await using store = await place.open();
    for (const wrong of ['Users', 'a*b', 'a b']) await assert.rejects(store.prepare!([users, { ...users, name: wrong }]), { code: 'unsupported' });
    await assert.rejects(store.prepare!([users, collection('more', { _id: { kind: 'text' } })]), { code: 'unsupported' });
    assert.deepEqual(await store.describe!(), []);
    await store.prepare!([users]);
    await store.prepare!([users]);
    assert.deepEqual((await store.describe!()).map(({ name }) => name), ['users']);
    await using alone = await place.open({}, place.server.address, `${path}x`);
    await alone.prepare!([{ ...users, name: `${path}x` }]);
    assertAll(await alone.write([put(`${path}x/1`, {})]), 'done');
  });

  it('collections are chosen by name and by pattern', async (place) => {
    for (const each of ['users', 'orders', 'order_lines']) {
      await place.index(`${place.path}-${each}`);
      await place.put(`${place.path}-${each}`, '1', {});
    }
    await using chosen = await place.open({ collections: 'order*, none' });
    assert.deepEqual(await keysOf(chosen), ['order_lines/1', 'orders/1']);
    await using all = await place.open();
    assert.deepEqual(await keysOf(all, { collections: ['users'] }), ['users/1']);
  });
}

function failing(it: It): void {
  /** A place with one index behind a proxy. */
  const behind = async (place: Place, interfere: (passing: Passing) => Interference | undefined): Promise<{ readonly store: Store; readonly seen: readonly Passing[] } & AsyncDisposable> => {
    await using direct = await place.open();
    await direct.prepare!([collection('things', { n: { kind: 'json' } })]);
    const proxy = await interferingProxy(`http://${place.server.address}`, interfere);
    const store = await place.open({}, proxy.origin.slice('http://'.length));
    return { store, seen: proxy.seen, async [Symbol.asyncDispose]() { await store[Symbol.asyncDispose](); await proxy[Symbol.asyncDispose](); } };
  };
  const edited = (edit: (answer: Record<string, unknown>) => void): Interference => ({ kind: 'edit', edit: (body) => {
    const packed = body[0] === 0x1f;
    const answer = JSON.parse((packed ? gunzipSync(body) : body).toString()) as Record<string, unknown>;
    edit(answer);
    const text = Buffer.from(JSON.stringify(answer));
    return packed ? gzipSync(text) : text;
  } });

  it('a busy server is asked again: by request, and by item of a bulk', async (place) => {
    let bulks = 0;
    await using proxied = await behind(place, ({ url }) => {
      if (!url.startsWith('/_bulk')) return undefined;
      bulks++;
      if (bulks === 1) return { kind: 'answer', status: 429, body: '{"error":{"type":"circuit_breaking_exception","reason":"Data too large"}}' };
      return bulks > 2 ? undefined : edited((answer) => { (answer['items'] as unknown[])[1] = { create: { status: 429, error: { type: 'es_rejected_execution_exception', reason: 'queue is full' } } }; });
    });
    const outcomes = await proxied.store.write([put('things/1', { n: 1 }), put('things/2', { n: 2 }), put('things/3', { n: 3 })]);
    assertAll(outcomes, 'done');
    assert.equal(bulks, 3);
    assert.equal((await found(proxied.store)).length, 3);
  });

  it('what stays busy is a failure by itself that may be tried again', async (place) => {
    await using proxied = await behind(place, ({ url }) => (url.startsWith('/_bulk') ? edited((answer) => { (answer['items'] as unknown[])[0] = { index: { status: 429, error: { type: 'es_rejected_execution_exception', reason: 'queue is full' } } }; }) : undefined));
    const [first, second] = await proxied.store.write([put('things/1', { n: 1 }), put('things/2', { n: 2 })]);
    assert.equal(failureOf(first).code, 'throttled');
    assert.match(failureOf(first).message, /queue is full/);
    assert.equal(second?.kind, 'done');
  });

  it('a write whose answer is lost is done once, and said to be', async (place) => {
    let lost = 0;
    await using proxied = await behind(place, ({ url }) => (url.startsWith('/_bulk') && lost++ === 0 ? { kind: 'lose' } : undefined));
    await using direct = await place.open();
    await direct.write([put('things/2', { n: 'theirs' })]);
    const outcomes = await proxied.store.write([put('things/1', { n: 1 }, { expect: { absent: true } }), put('things/2', { n: 'ours' }, { expect: { absent: true } })]);
    assert.deepEqual(outcomes.map(({ kind }) => kind), ['done', 'stale']);
    assert.deepEqual(outcomes[0]?.kind === 'done' && outcomes[0].stat.version, (await found(direct))[0]?.version);
  });

  it('what is too much for one request is sent in several, and only what is too much by itself fails', async (place) => {
    const most = 100_000;
    await using proxied = await behind(place, ({ url, headers }) => (url.startsWith('/_bulk') && Number(headers['content-length']) > most ? { kind: 'answer', status: 413, body: '<html>Request Entity Too Large</html>' } : undefined));
    const writes = Array.from({ length: 41 }, (_, i) => put(`things/${i}`, { n: 'x'.repeat(i === 20 ? most : most / 10) }));
    const outcomes = await proxied.store.write(writes);
    assertAll(outcomes.filter((_, i) => i !== 20), 'done');
    const { code, sentence } = failureOf(outcomes[20]);
    assert.equal(code, 'invalid');
    assert.match(sentence, /things\/20: the server does not take it \(413\): raise http\.max_content_length/);
    assert.equal((await found(proxied.store)).length, 40);
    const before = proxied.seen.length;
    assertAll(await proxied.store.write(writes.slice(0, 3)), 'done');
    assert.equal(proxied.seen.slice(before).filter(({ url }) => url.startsWith('/_bulk')).length, 1);
  });

  it('a write whose answer ends half-way, or stands behind a server that is starting, is done once, and said to be', async (place) => {
    const wrong: Interference[] = [{ kind: 'cut', bytes: 30 }, { kind: 'answer', status: 503, headers: { 'retry-after': '1' }, body: '<html>Service Unavailable</html>' }];
    await using proxied = await behind(place, ({ url }) => (url.startsWith('/_bulk') ? wrong.shift() : undefined));
    assertAll(await proxied.store.write([put('things/1', { n: 1 }, { expect: { absent: true } }), put('things/2', { n: 2 })]), 'done');
    assert.deepEqual((await found(proxied.store)).map(({ key }) => key).toSorted(), ['things/1', 'things/2']);
  });

  it('a page that is lost is asked for again, and one that is not whole ends the scan', async (place) => {
    const wrong: (Interference | undefined)[] = [{ kind: 'lose' }, { kind: 'cut', bytes: 10 }];
    await using proxied = await behind(place, ({ url }) => (url.startsWith('/_search?') ? wrong.shift() : undefined));
    await proxied.store.write(Array.from({ length: 700 }, (_, i) => put(`things/${i}`, { n: i })));
    assert.equal((await found(proxied.store)).length, 700);
    for (const edit of [(answer: Record<string, unknown>) => { answer['_shards'] = { total: 2, successful: 1, failed: 1 }; }, (answer: Record<string, unknown>) => { answer['timed_out'] = true; }]) {
      wrong.push(undefined, edited(edit), edited(edit), edited(edit));
      await assert.rejects(found(proxied.store), { code: 'unavailable' });
      wrong.length = 0;
    }
    const gone = '{"error":{"type":"search_phase_execution_exception","root_cause":[{"type":"search_context_missing_exception"}]}}';
    wrong.push(undefined, { kind: 'answer', status: 404, body: gone });
    await assert.rejects(found(proxied.store), (error) => error instanceof SyncError && error.retryable && error.message.includes('is gone'));
  });

  it('the next of several hosts is asked where one is down', async (place) => {
    await using direct = await place.open();
    await direct.prepare!([collection('things', { n: { kind: 'json' } })]);
    await using store = await place.open({ maxAttempts: 1 }, `127.0.0.1:1,${place.server.address}`);
    assertAll(await store.write([put('things/1', { n: 1 })]), 'done');
    await using none = await place.open({ maxAttempts: 1 }, '127.0.0.1:1,127.0.0.1:2');
    await assert.rejects(found(none), { code: 'unavailable' });
  });

  it('credentials go to the hosts they are for, and a password in the endpoint is refused', async (place) => {
    await using elsewhere = await interferingProxy(`http://${place.server.address}`, () => undefined);
    let authorization: string | undefined;
    await using proxy = await interferingProxy(`http://${place.server.address}`, ({ url, headers }) => {
      authorization = headers.authorization;
      return { kind: 'answer', status: 307, headers: { location: elsewhere.origin + url } };
    });
    const prefix = place.name === 'opensearch' ? 'OPENSEARCH' : 'ELASTIC';
    const environment = { [`${prefix}_USERNAME`]: 'someone', [`${prefix}_PASSWORD`]: 'a secret' };
    await using store = await kinds[place.name].open(`${place.name}://${proxy.origin.slice(7)}/${place.path}`, { missing: 'empty' }, { ...quick, environment }) as Store;
    await found(store);
    assert.equal(authorization, `Basic ${Buffer.from('someone:a secret').toString('base64')}`);
    assert.ok(elsewhere.seen.length > 0 && elsewhere.seen.every(({ headers }) => headers.authorization === undefined));
    await assert.rejects(place.open({}, `someone:word@${place.server.address}`), (error) => error instanceof SyncError && error.code === 'invalid' && !error.sentence.includes('word@'));
  });
}

function refusing(it: It): void {
  it('what an index that is read only because the disk is full does not take is told, and comes with the next run', async ({ name, path, server }) => {
    const block = async (blocked: true | null): Promise<void> => void await server.ask('PUT', `/${path}-things/_settings`, { 'index.blocks.read_only_allow_delete': blocked });
    await inFolder((folder) => refused({ endpoint: `${name}://${server.address}/${path}?layout=suffix`, says: /disk is full/, narrow: () => block(true), widen: () => block(null) }, folder));
  });

  it('what a circuit breaker does not let through is told, and comes with the next run', async ({ name, path, server }) => {
    const limit = async (bytes: string | null): Promise<void> => void await server.ask('PUT', '/_cluster/settings', { transient: { 'network.breaker.inflight_requests.limit': bytes } });
    await inFolder((folder) => refused({ endpoint: `${name}://${server.address}/${path}?layout=suffix&patience-ms=2000`, says: /too much to do.*Data too large/s, narrow: () => limit('20kb'), widen: () => limit(null) }, folder));
  });
}

function overloaded(it: It): void {
  /** A place that is open behind a proxy, and a server that has no memory to spare until somebody has waited for half a minute. */
  const short = async ({ name, path, server }: Place): Promise<{ readonly store: Store; readonly seen: readonly Passing[]; begin(): Promise<void> } & WaitingHost & AsyncDisposable> => {
    const limit = async (bytes: string | null): Promise<void> => void await server.ask('PUT', '/_cluster/settings', { transient: { 'indices.breaker.total.limit': bytes } });
    const { host, said, after } = waitingHost();
    const proxy = await interferingProxy(`http://${server.address}`, () => undefined);
    const store = await kinds[name].open(`${name}://${proxy.origin.slice('http://'.length)}/${path}`, { missing: 'empty' }, host) as Store;
    await store.prepare!([collection('things', { n: { kind: 'json' } })]);
    return {
      store, host, said, after, seen: proxy.seen,
      async begin() {
        await limit('1%');
        after(30_000, () => limit(null));
      },
      async [Symbol.asyncDispose]() {
        await limit(null);
        await store[Symbol.asyncDispose]();
        await proxy[Symbol.asyncDispose]();
      },
    };
  };
  const large = 'x'.repeat(8_000);

  it('writes wait for a server whose circuit breaker lets nothing through for half a minute, and come in smaller requests at first', async (place) => {
    await using world = await short(place);
    const bulks = (): readonly number[] => world.seen.flatMap(({ url, headers }) => (url.startsWith('/_bulk') ? [Number(headers['content-length'])] : []));
    await world.begin();
    assertAll(await world.store.write(Array.from({ length: 300 }, (_, i) => put(`things/${i}`, { n: large }, { expect: { absent: true } }))), 'done');
    assert.ok(bulks()[0]! > 2_000_000 && Math.min(...bulks().slice(0, -1)) < 100_000 && bulks().length < 50, String(bulks()));
    assert.match(world.said.join('\n'), /info: .*too much to do.*Data too large.*left alone for \d+ ms/);
    assert.equal((await found(world.store)).length, 300);
  });

  it('reading waits for it likewise, whole indices and single documents', async (place) => {
    await using world = await short(place);
    assertAll(await world.store.write(Array.from({ length: 700 }, (_, i) => put(`things/${i}`, { n: i }))), 'done');
    await world.begin();
    assert.equal((await found(world.store)).length, 700);
    await world.begin();
    assert.deepEqual((await world.store.read([{ key: 'things/5' }, { key: 'things/none' }])).map((entry) => documentOf(entry)), [{ n: 5 }, undefined]);
  });

  it('who is told to stop while a server is waited for stops at once', async (place) => {
    await using world = await short(place);
    await world.store.prepare!([collection('others', { n: { kind: 'json' } })]);
    assertAll(await world.store.write([put('others/1', { n: 1 }), put('things/1', { n: 1 })]), 'done');
    const stop = new AbortController();
    const reading = (async () => {
      for await (const _ of world.store.scan({ signal: stop.signal })) {
        if (stop.signal.aborted) continue;
        await world.begin();
        world.after(5_000, async () => stop.abort());
      }
    })();
    await assert.rejects(reading, (error: Error) => error.name === 'AbortError' || (error instanceof SyncError && error.code === 'interrupted'));
    assert.ok(world.said.some((line) => /left alone/.test(line)) && world.host.now() < 25_000, `${world.host.now()} ms`);
  });

  it('what a server does not let through for longer than it is waited for fails, and what comes after that is not sent', async (place) => {
    const limit = async (bytes: string | null): Promise<void> => void await place.server.ask('PUT', '/_cluster/settings', { transient: { 'indices.breaker.total.limit': bytes } });
    await using store = await place.open({ patienceMs: 5_000 });
    await store.prepare!([collection('things', { n: { kind: 'json' } })]);
    await limit('1%');
    try {
      for (const key of ['things/1', 'things/2']) {
        const { code, details } = failureOf((await store.write([put(key, { n: 1 })]))[0]);
        assert.deepEqual([code, details.attempts !== undefined], ['throttled', true]);
      }
    } finally {
      await limit(null);
    }
  });
}

const unfit = await skipWithoutSearch('opensearch');
test('opensearch: a server that is killed in the middle of writing and started again has the newest of everything that was answered', { skip: unfit, timeout: 200_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'syncline-restart-'));
  const port = await freePort();
  let server = await startSearch('opensearch', { port, folder });
  try {
    const patient = { ...plainHost, sleep: async () => plainHost.sleep(300) };
    await using store = await opensearch.open(`opensearch://${server.address}/app`, { missing: 'empty', modified: 'at', maxAttempts: 400 }, patient) as Store;
    await store.prepare!([collection('things', { at: { kind: 'instant', precision: 1 } })]);
    const answered = new Map<string, number>();
    const writer = async (lane: number): Promise<void> => {
      for (let round = 1; round <= 15; round++) {
        // Two lanes write each key, one of them always a step behind.
        const time = 1_420_070_400_000_000 + 2 * round - (lane % 2);
        const keys = Array.from({ length: 20 }, (_, i) => `things/${lane >> 1}-${i}`);
        const outcomes = await store.write(keys.map((key) => put(key, { at: instantText(time) }, { expect: { older: time } })));
        for (const [i, outcome] of outcomes.entries()) {
          assert.notEqual(outcome.kind, 'failed', outcome.kind === 'failed' ? outcome.error.message : '');
          if (outcome.kind === 'done') answered.set(keys[i]!, Math.max(time, answered.get(keys[i]!) ?? 0));
        }
      }
    };
    const writers = Promise.all([0, 1, 2, 3].map(writer));
    // What fails meanwhile is heard of below, when the server can be ended.
    writers.catch(() => {});
    await plainHost.sleep(400);
    process.kill(server.pid, 'SIGKILL');
    await server[Symbol.asyncDispose]();
    server = await startSearch('opensearch', { port, folder });
    await writers;
    const held = await found(store);
    assert.equal(held.length, 40);
    for (const { key, modifiedAt } of held) assert.equal(modifiedAt, answered.get(key), key);
    assert.ok([...answered.values()].every((time) => time === 1_420_070_400_000_030));
  } finally {
    await server[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  }
});
