import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ExampleApi, ExampleApiOptions } from '../examples/api/server.ts';
import { startExampleApi } from '../examples/api/server.ts';
import { townTransport } from '../examples/api/data.ts';
import { openState } from '../src/engine/state/sqlite-state.ts';
import type { State } from '../src/engine/state/state.ts';
import { runSync } from '../src/engine/sync.ts';
import type { OneWay, Report } from '../src/engine/types.ts';
import { runVerify } from '../src/engine/verify.ts';
import type { Document } from '../src/model/document.ts';
import { plainHost } from '../src/model/plain-host.ts';
import type { Store } from '../src/model/store.ts';
import { hal } from '../src/schema/hal.ts';
import { MemoryStore } from '../src/stores/memory/memory-store.ts';
import type { RestOptions } from '../src/stores/rest/kind.ts';
import { kind } from '../src/stores/rest/kind.ts';

/** The town's transport, as captured elsewhere. */
async function captured(): Promise<MemoryStore> {
  await using api = await startExampleApi({ resources: townTransport });
  const store = new MemoryStore({ schema: hal });
  for (const [path, document] of Object.entries(api.dump())) store.edit(path.slice('/api/'.length), document as Document);
  return store;
}

async function replay(origin: MemoryStore, api: ExampleApi, { options = {}, ...more }: Partial<OneWay> & { readonly state: State; readonly options?: RestOptions }): Promise<Report> {
  const target = await open(api, options);
  return runSync({ origins: [origin], target, ...more, host: plainHost });
}

async function open(api: ExampleApi, options: RestOptions = {}): Promise<Store> {
  return await kind.open(api.url, { maxAttempts: 3, ...options }, plainHost) as Store;
}

const servers: { readonly [name: string]: ExampleApiOptions } = {
  'keeps what it is given': {},
  'adds defaults': { behaviour: { defaults: { state: 'new', tags: [] } } },
  'drops links, and makes its own': { behaviour: { ownLinks: true } },
  'reorders fields': { behaviour: { reorder: true } },
  'stamps what is written': { behaviour: { stamp: true } },
  'lists only some fields': { behaviour: { abbreviate: ['name'] } },
  'lists nothing': { listing: false },
  'writes links without a host': { behaviour: { relative: true } },
  'answers writes with nothing': { echo: 'nothing' },
  'answers writes with what it was sent': { echo: 'sent', behaviour: { defaults: { state: 'new' } } },
  'has no ETags': { etags: false },
  'has weak ETags': { etags: 'weak' },
  'does all of it': { etags: false, echo: 'nothing', patch: false, behaviour: { defaults: { state: 'new' }, ownLinks: true, reorder: true, stamp: true, abbreviate: ['state'], relative: true } },
};

describe('a replay into a server that', () => {
  for (const [name, serverOptions] of Object.entries(servers)) {
    for (const batchSize of [1, 10]) {
      it(`${name} writes everything once, nothing the second time, and finds what drifted${batchSize > 1 ? ', in batches' : ''}`, async () => {
        const origin = await captured();
        await using api = await startExampleApi({ types: ['line', 'stop', 'departure'], ...serverOptions });
        const state = openState(undefined);
        const options = { batchSize };
        const first = await replay(origin, api, { state, options });
        assert.deepEqual([first.counts.created, first.counts.failed, first.differences], [40, 0, 0], JSON.stringify(first.failures));
        assert.equal(Object.keys(api.dump()).length, 40);

        api.requests.clear();
        const second = await replay(origin, api, { state, options });
        assert.deepEqual(api.requests.writes, []);
        assert.equal(second.counts.unchanged, 40);

        api.change('/api/stop/pier-1', { name: 'moved by someone' });
        api.requests.clear();
        const third = await replay(origin, api, { state, options });
        assert.deepEqual([third.counts.updated, third.counts.unchanged], [1, 39]);
        assert.deepEqual(api.requests.writes, ['PUT /api/stop/pier-1']);
        assert.equal(api.dump()['/api/stop/pier-1']?.['name'], 'Pier 1');
        assert.equal(first.unguarded > 0, batchSize > 1 && serverOptions.patch !== false || serverOptions.etags === false || serverOptions.etags === 'weak');
      });
    }
  }
});

describe('a replay', () => {
  it('sends no child before its parent was answered, however many are under way', async () => {
    const origin = await captured();
    await using api = await startExampleApi({ latencyMs: 50 });
    const report = await replay(origin, api, { state: openState(undefined), options: { concurrency: 16 } });
    assert.equal(report.counts.created, 40);
    const puts = new Map(api.requests.log.filter(({ method }) => method === 'PUT').map((request) => [request.path, request]));
    const firstChild = Math.min(...[...puts].filter(([path]) => path.startsWith('/api/stop/')).map(([, { started }]) => started));
    const lastParent = Math.max(...[...puts].filter(([path]) => path.startsWith('/api/line/')).map(([, { answered }]) => answered));
    assert.ok(firstChild > lastParent);
    assert.ok(api.requests.most > 8 && api.requests.most <= 16, `${api.requests.most} at once`);
  });

  it('deletes children first, and what was deleted meanwhile is no failure', async () => {
    const origin = await captured();
    await using api = await startExampleApi({ resources: townTransport });
    for (const key of ['stop/pier-1', 'departure/pier-1-1', 'departure/pier-1-2']) origin.drop(key);
    const report = await replay(origin, api, {
      state: openState(undefined), deletes: 'propagate', scope: 'types',
      on: (event) => { if (event.kind === 'phase' && event.phase === 'delete') api.remove('/api/departure/pier-1-1'); },
    });
    assert.deepEqual([report.counts.deleted, report.counts.failed], [3, 0]);
    assert.equal(api.requests.paths('DELETE').at(-1), '/api/stop/pier-1');
    assert.equal(Object.keys(api.dump()).length, 37);
    await using target = await open(api);
    assert.equal((await runVerify({ origins: [origin], target, host: plainHost })).equal, true);
  });

  it('survives answers that are lost, halves of answers and servers that are busy, and ends complete', async () => {
    const origin = await captured();
    const every = (n: number, fault: object): object[] => Array.from({ length: 6 }, (_, i) => ({ after: i * n + n, times: 1, ...fault }));
    await using api = await startExampleApi({
      behaviour: { defaults: { state: 'new' } },
      faults: [...every(7, { method: 'PUT', reset: 'after' }), ...every(5, { method: 'PUT', truncate: true }), ...every(4, { method: 'PUT', status: 503 }), ...every(3, { method: 'GET', reset: 'before' })],
    });
    const state = openState(undefined);
    const report = await replay(origin, api, { state, options: { maxAttempts: 5 } });
    assert.deepEqual([report.counts.created, report.counts.failed], [40, 0], JSON.stringify(report.failures));
    api.requests.clear();
    assert.equal((await replay(origin, api, { state, options: { maxAttempts: 5 } })).differences, 0);
    assert.deepEqual(api.requests.writes, []);
  });

  it('does not overwrite what somebody changed after it was read', async () => {
    const origin = await captured();
    await using api = await startExampleApi({ resources: townTransport });
    api.change('/api/line/T1', { name: 'drifted' });
    const report = await replay(origin, api, {
      state: openState(undefined),
      on: (event) => { if (event.kind === 'phase' && event.phase === 'write') api.change('/api/line/T1', { name: 'changed just now' }); },
    });
    assert.deepEqual([report.counts.updated, report.counts.failed], [0, 1]);
    assert.match(report.failures[0]?.error.message ?? '', /line\/T1 was changed by someone else/);
    assert.equal(api.dump()['/api/line/T1']?.['name'], 'changed just now');
  });
});
