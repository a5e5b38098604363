import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import type { ExampleApi, ExampleApiOptions } from '../../../examples/api/server.ts';
import { startExampleApi } from '../../../examples/api/server.ts';
import type { Document } from '../../model/document.ts';
import type { Entry } from '../../model/entry.ts';
import { plainHost } from '../../model/plain-host.ts';
import type { Expectation, Outcome, Store, Write } from '../../model/store.ts';
import { digestDocument } from '../../schema/digest.ts';
import { hal } from '../../schema/hal.ts';
import type { RestOptions } from './kind.ts';
import { kind } from './kind.ts';

const closers: (() => unknown)[] = [];
after(async () => {
  for (const close of closers) await close();
});

interface Opened {
  readonly api: ExampleApi;
  readonly store: Store;
  put(name: string, fields: Document, expect?: Expectation): Promise<Outcome>;
  remove(name: string, expect?: Expectation): Promise<Outcome>;
  write(...writes: readonly Write[]): Promise<readonly Outcome[]>;
  /** The entry as a listing shows it. */
  listed(name: string): Promise<Entry | undefined>;
}

const waits = { ...plainHost, sleep: async (): Promise<void> => {} };

async function open(options: ExampleApiOptions = {}, restOptions: RestOptions = {}): Promise<Opened> {
  const api = await startExampleApi(options);
  const store = await kind.open(api.url, { maxAttempts: 1, ...restOptions }, { ...waits, environment: { SYNCLINE_TOKEN: 'hush' } }) as Store;
  closers.push(() => store[Symbol.asyncDispose](), () => api.close());
  const write = (...writes: readonly Write[]): Promise<readonly Outcome[]> => store.write(writes);
  return {
    api, store, write,
    put: async (name, fields, expect) => (await write(putOf(name, fields, expect)))[0]!,
    remove: async (name, expect) => (await write({ kind: 'delete', ref: refOf(name), ...(expect && { expect }) }))[0]!,
    listed: async (name) => {
      for await (const { entries } of store.scan({ collections: ['/api/widget'] })) for (const entry of entries) if (entry.key === `widget/${name}`) return entry;
      return undefined;
    },
  };
}

function refOf(name: string): { key: string; address: string; collection: string } {
  return { key: `widget/${name}`, address: `/api/widget/${name}`, collection: '/api/widget' };
}

function documentOf(name: string, fields: Document): Document {
  return { id: name, ...fields, _links: { self: { href: `http://elsewhere.example/api/widget/${name}` } } };
}

function putOf(name: string, fields: Document, expect?: Expectation): Write {
  return { kind: 'put', entry: { ...refOf(name), content: { kind: 'document', document: documentOf(name, fields) } }, ...(expect && { expect }) };
}

function versionOf(name: string, fields: Document): Expectation {
  return { version: `digest:${digestDocument(documentOf(name, fields), hal).value}` };
}

const absent = { absent: true } as const;
const one = { type: 'widget', id: '1', fields: { name: 'one' } };

function failureOf(outcome: Outcome): string {
  assert.equal(outcome.kind, 'failed');
  return outcome.kind === 'failed' ? outcome.error.message : '';
}

describe('a write that expects something', () => {
  it('is decided on by a server that has ETags', async () => {
    const { api, put, listed } = await open();
    assert.deepEqual(await put('1', { name: 'one' }, absent), { kind: 'done', stat: { digest: (await listed('1'))?.digest, version: (await listed('1'))?.version } });
    api.requests.clear();
    assert.equal((await put('2', { name: 'two' }, absent)).kind, 'done');
    assert.deepEqual(api.requests.log.map(({ method, path, headers }) => [method, path, headers['if-none-match']]), [['PUT', '/api/widget/2', '*']]);
    api.requests.clear();
    assert.deepEqual((await put('1', { name: 'uno' }, versionOf('1', { name: 'one' })) as { unguarded?: true }).unguarded, undefined);
    assert.deepEqual(api.requests.log.map(({ method, headers }) => [method, headers['if-match']]), [['GET', undefined], ['PUT', '"1"']]);
    const stale = await put('1', { name: 'eins' }, versionOf('1', { name: 'one' }));
    assert.equal(stale.kind === 'stale' && stale.found?.content?.kind === 'document' && stale.found.content.document['name'], 'uno');
    assert.equal((await put('1', { name: 'eins' }, absent)).kind, 'stale');
    assert.equal(api.dump()['/api/widget/1']?.['name'], 'uno');
  });

  it('is refused by that server when somebody else is faster', async () => {
    const { api, put } = await open({ resources: [one], latencyMs: 20 });
    const writing = put('1', { name: 'ours' }, versionOf('1', { name: 'one' }));
    while (api.requests.count('PUT') === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    api.change('/api/widget/1', { name: 'theirs' });
    const outcome = await writing;
    assert.equal(outcome.kind === 'stale' && outcome.found?.content?.kind === 'document' && outcome.found.content.document['name'], 'theirs');
  });

  it('is looked into first where the server has none, or only weak ones, and then said to be unguarded', async () => {
    for (const etags of [false, 'weak'] as const) {
      const { api, put, remove } = await open({ etags });
      for (const name of ['1', '2']) assert.equal((await put(name, { name }, absent) as { unguarded?: true }).unguarded, true);
      assert.equal((await put('1', { name: 'eins' }, absent)).kind, 'stale');
      assert.equal((await put('1', { name: 'uno' }, versionOf('1', { name: '1' })) as { unguarded?: true }).unguarded, true);
      assert.equal((await put('1', { name: 'eins' }, versionOf('1', { name: '1' }))).kind, 'stale');
      assert.equal((await remove('1', versionOf('1', { name: '1' }))).kind, 'stale');
      assert.deepEqual(await remove('1', versionOf('1', { name: 'uno' })), { kind: 'done', stat: {}, unguarded: true });
      assert.deepEqual(Object.keys(api.dump()), ['/api/widget/2']);
      assert.ok(api.requests.log.every(({ headers }) => headers['if-match'] === undefined));
    }
  });

  it('sends nothing where the server holds already what is to be written', async () => {
    const { api, put } = await open({ resources: [one] });
    assert.equal((await put('1', { name: 'one' }, versionOf('1', { name: 'one' }))).kind, 'done');
    assert.equal(api.requests.count('PUT'), 0);
  });
});

describe('the answer to a write', () => {
  const servers: { readonly [name: string]: ExampleApiOptions } = {
    'that repeats what it is given': {},
    'that adds fields': { behaviour: { defaults: { state: 'new' } } },
    'that makes links of its own, in another order': { behaviour: { ownLinks: true, reorder: true } },
    'that answers with nothing': { echo: 'nothing' },
    'that answers with what it was sent, and keeps something else': { echo: 'sent', behaviour: { defaults: { state: 'new' } } },
    'that writes links without a host': { behaviour: { relative: true } },
    'that lists only some of the fields': { behaviour: { abbreviate: ['name'] } },
    'that speaks YAML': { contentType: 'application/yaml' },
    'that embeds': { embed: '_embedded', contentType: 'application/hal+json', charset: 'utf-16le' },
  };
  for (const [name, options] of Object.entries(servers)) {
    for (const batchSize of [1, 3]) {
      it(`says what a server ${name} holds now${batchSize > 1 ? ', in batches' : ''}`, async () => {
        const { listed, write } = await open(options, { batchSize });
        for (const expect of [absent, undefined]) {
          const outcomes = await write(...['1', '2', '3'].map((id) => putOf(id, { name: id, size: [1, { a: null }] }, expect)));
          for (const [i, outcome] of outcomes.entries()) {
            assert.equal(outcome.kind, 'done');
            const { digest, version } = (await listed(`${i + 1}`))!;
            assert.deepEqual(outcome.kind === 'done' && outcome.stat, { digest, version });
          }
        }
      });
    }
  }

  it('is not believed where a GET says something else', async () => {
    const { api, store, listed } = await open({ faults: [{ method: 'PUT', status: 200, detail: 'fine' }], resources: [one] });
    const [outcome] = await store.write([putOf('1', { name: 'two' }, versionOf('1', { name: 'one' }))]);
    assert.deepEqual(outcome?.kind === 'done' && outcome.stat.digest, (await listed('1'))?.digest);
    const [gone] = await store.write([putOf('2', { name: 'two' }, absent)]);
    assert.match(failureOf(gone!), /accepted widget\/2 \(200\), and does not hold it/);
    assert.equal(api.requests.count('PUT'), 2);
  });
});

describe('a lost answer', () => {
  it('is no loss where the write had its effect, however often it is tried', async () => {
    for (const maxAttempts of [1, 3]) {
      for (const fault of [{ reset: 'after' }, { truncate: true }] as const) {
        for (const behaviour of [{}, { defaults: { state: 'new' }, ownLinks: true }]) {
          const { api, put } = await open({ behaviour, resources: [one], faults: ['1', '2'].map((name) => ({ method: 'PUT', path: `/api/widget/${name}`, times: 1, ...fault })) }, { maxAttempts });
          assert.equal((await put('2', { name: 'two' }, absent)).kind, 'done');
          const held = await put('1', { name: 'one' }, versionOf('1', { name: 'not this' }));
          assert.ok(held.kind === 'stale' && held.found?.version !== undefined);
          assert.equal((await put('1', { name: 'uno' }, { version: held.found.version })).kind, 'done');
          assert.deepEqual(Object.values(api.dump()).map(({ name }) => name), ['uno', 'two']);
        }
      }
    }
  });

  it('is a failure where it had none, also where what is there looks much the same', async () => {
    const { put, store } = await open({ resources: [{ ...one, fields: { name: 'one', size: 1 } }], faults: [{ method: 'PUT', reset: 'before' }] });
    assert.match(failureOf(await put('1', { name: 'one' }, versionOf('1', { name: 'one', size: 1 }))), /the connection broke before .* answered/);
    assert.match(failureOf(await put('2', { name: 'two' }, absent)), /the connection broke/);
    assert.deepEqual(await store.read([refOf('2')]), [undefined]);
  });

  it('of a deletion is no loss either', async () => {
    const { api, remove } = await open({ resources: [one], faults: [{ method: 'DELETE', reset: 'after', times: 1 }] });
    assert.equal((await remove('1', versionOf('1', { name: 'one' }))).kind, 'done');
    assert.deepEqual(api.dump(), {});
  });
});

describe('a deletion', () => {
  it('of what is gone is done, and of what others depend on fails with what the server says', async () => {
    const { remove } = await open({ resources: [one, { type: 'part', id: 'a', parents: { of: 'widget/1' }, fields: {} }] });
    assert.deepEqual(await remove('404'), { kind: 'done', stat: {} });
    assert.deepEqual(await remove('404', versionOf('404', {})), { kind: 'stale', found: undefined });
    assert.match(failureOf(await remove('1')), /DELETE http:.*\/api\/widget\/1 .*\(409, 1 others depend on \/api\/widget\/1\)/);
  });
});

describe('a batch', () => {
  it('goes to the collection, after a look at what is there, and is unguarded', async () => {
    const { api, write } = await open({ resources: [one, { ...one, id: '2' }] }, { batchSize: 10 });
    api.change('/api/widget/2', { name: 'theirs' });
    assert.deepEqual((await write(putOf('5', {}), putOf('1', { name: 'not over this' }, absent), putOf('6', {}))).map(({ kind: is }) => is), ['done', 'stale', 'done']);
    api.requests.clear();
    const outcomes = await write(putOf('1', { name: 'uno' }, versionOf('1', { name: 'one' })), putOf('2', { name: 'due' }, versionOf('2', { name: 'one' })), putOf('3', { name: 'tre' }, absent), putOf('4', { name: 'quattro' }), putOf('6', { name: 'not over this' }, absent));
    assert.deepEqual(outcomes.map((outcome) => [outcome.kind, (outcome as { unguarded?: true }).unguarded]), [['done', true], ['stale', undefined], ['done', true], ['done', undefined], ['stale', undefined]]);
    assert.deepEqual(api.requests.writes, ['PATCH /api/widget']);
    assert.equal(api.dump()['/api/widget/2']?.['name'], 'theirs');
  });

  it('of one, or of resources in different collections, is put one by one', async () => {
    const { api, write } = await open({}, { batchSize: 10 });
    await write(putOf('1', {}), { kind: 'put', entry: { key: 'other/1', address: '/api/other/1', collection: '/api/other', content: { kind: 'document', document: { id: '1', _links: { self: { href: '/api/other/1' } } } } } });
    assert.deepEqual(api.requests.writes.toSorted(), ['PUT /api/other/1', 'PUT /api/widget/1']);
  });

  it('that is refused is put one by one, so that one bad resource does not sink the others', async () => {
    const { api, write } = await open({}, { batchSize: 10 });
    const orphan = putOf('2', {});
    const bad: Write = { ...orphan as Extract<Write, { kind: 'put' }>, entry: { ...refOf('2'), content: { kind: 'document', document: { id: '2', _links: { 'self': { href: '/api/widget/2' }, 'parent:of': { href: '/api/widget/none' } } } } } };
    const outcomes = await write(putOf('1', {}, absent), bad, putOf('3', {}, absent));
    assert.deepEqual(outcomes.map(({ kind: is }) => is), ['done', 'failed', 'done']);
    assert.match(failureOf(outcomes[1]!), /\(422, .*\/api\/widget\/none, which does not exist\)/);
    assert.deepEqual(Object.keys(api.dump()), ['/api/widget/1', '/api/widget/3']);
  });

  it('whose answer is lost is looked for, and what it did is not done twice', async () => {
    for (const fault of [{ reset: 'after' }, { truncate: true }] as const) {
      const { api, write } = await open({ faults: [{ method: 'PATCH', times: 1, ...fault }] }, { batchSize: 10, maxAttempts: 3 });
      const outcomes = await write(...['1', '2', '3'].map((name) => putOf(name, { name }, absent)));
      assert.deepEqual(outcomes.map(({ kind: is }) => is), ['done', 'done', 'done']);
      assert.equal(api.requests.count('PATCH'), 1);
      assert.ok(api.requests.log.every(({ method, status }) => method !== 'PUT' || status === 412));
    }
  });

  it('is not sent where OPTIONS does not say PATCH in so many letters, and OPTIONS is asked once', async () => {
    const { api, write } = await open({ faults: [{ method: 'OPTIONS', status: 200, headers: { allow: 'GET, PATCHWORK' } }] }, { batchSize: 2 });
    for (const names of [['1', '2'], ['3', '4']]) await write(...names.map((name) => putOf(name, { name })));
    assert.deepEqual([api.requests.count('OPTIONS'), api.requests.count('PATCH'), api.requests.count('PUT')], [1, 0, 4]);
  });
});

describe('what cannot be written', () => {
  it('fails by itself, with what the server says and none of our secrets', async () => {
    const statuses = [400, 401, 403, 404, 405, 409, 413, 415, 422, 429, 500, 503];
    const { store, write } = await open({ faults: statuses.map((status) => ({ method: 'PUT', path: `/api/widget/${status}`, status, detail: `no\u0007 Bearer hush ${'x'.repeat(183)}hush${'x'.repeat(500)}` })) });
    const outcomes = await write(...statuses.map((status) => putOf(`${status}`, {})), putOf('200', {}));
    for (const [i, status] of statuses.entries()) {
      const said = failureOf(outcomes[i]!);
      assert.ok(said.includes(`/api/widget/${status} `) && said.includes(`(${status}, no `) && said.includes('*** xxx'), said);
      assert.ok(said.length < 400 && !said.includes('hu'), said);
    }
    const codes = outcomes.map((outcome) => (outcome.kind === 'failed' ? outcome.error.code : outcome.kind));
    assert.deepEqual(codes, ['invalid', 'denied', 'denied', 'not-found', 'unsupported', 'conflict', 'invalid', 'unsupported', 'invalid', 'throttled', 'unavailable', 'unavailable', 'done']);
    assert.deepEqual((await store.read([refOf('200')])).map((entry) => entry?.key), ['widget/200']);
  });

  it('is told apart by having no address, or no document', async () => {
    const { api, write } = await open();
    const outcomes = await write(
      { kind: 'put', entry: { key: 'row/1', content: { kind: 'document', document: { id: 1 } } } },
      { kind: 'put', entry: { ...refOf('1'), content: { kind: 'blob', async *bytes() {} } } },
      { kind: 'delete', ref: { key: 'row/1' } },
      putOf('2', { bytes: new Uint8Array(1) }),
    );
    assert.match(failureOf(outcomes[0]!), /row\/1 has no address/);
    assert.match(failureOf(outcomes[1]!), /widget\/1 is no document/);
    assert.match(failureOf(outcomes[2]!), /row\/1 has no address/);
    assert.match(failureOf(outcomes[3]!), /JSON cannot hold bytes/);
    assert.equal(api.requests.log.length, 0);
  });
});

describe('many writes', () => {
  it('are under way at once, and no more than are allowed', async () => {
    const { api, write } = await open({ latencyMs: 5 }, { concurrency: 4 });
    const outcomes = await Promise.all([0, 1, 2].map((batch) => write(...Array.from({ length: 10 }, (_, i) => putOf(`${batch}-${i}`, {}, absent)))));
    assert.ok(outcomes.flat().every(({ kind: is }) => is === 'done'));
    assert.equal(api.requests.most, 4);
  });

  it('of one resource are made in their order', async () => {
    const { api, write } = await open({ faults: [{ method: 'PUT', status: 503, times: 1 }] }, { maxAttempts: 2 });
    await write(...[1, 2, 3, 4, 5].map((size) => putOf('1', { size })));
    assert.equal(api.dump()['/api/widget/1']?.['size'], 5);
  });
});

describe('a listing that is compared', () => {
  it('is made up by reading each resource where it shows only some fields', async () => {
    const resources = Array.from({ length: 30 }, (_, i) => ({ type: 'widget', id: `${i}`, fields: { name: `n${i}`, size: i } }));
    const { api, store } = await open({ resources, behaviour: { abbreviate: ['name'] } });
    const entries = (await Array.fromAsync(store.scan({ collections: ['/api/widget'] }))).flatMap((page) => page.entries);
    assert.equal(entries.length, 30);
    for (const entry of entries) assert.equal(entry.content?.kind === 'document' && `${entry.content.document['size'] as number}`, entry.key.slice('widget/'.length));
    assert.equal(api.requests.count('GET', /^\/api\/widget\/\d+$/), 30 + 3);
  });

  it('costs three reads where it shows everything', async () => {
    const resources = Array.from({ length: 30 }, (_, i) => ({ type: 'widget', id: `${i}`, fields: { size: i } }));
    const { api, store } = await open({ resources });
    assert.equal((await Array.fromAsync(store.scan({ collections: ['/api/widget'] }))).flatMap((page) => page.entries).length, 30);
    assert.equal(api.requests.count('GET', /^\/api\/widget\/\d+$/), 3);
  });
});
