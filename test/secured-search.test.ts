// A real Elasticsearch with its own security: who is let in, what he may do, and what he is told.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { runCommand } from './acceptance/command.ts';
import { Bench } from './secured-bench.ts';
import { skipWithoutSearch } from './services/search.ts';
import { startSecuredSearch } from './services/secured-search.ts';

const unfit = await skipWithoutSearch('elasticsearch-secured');

test('an index takes from everybody what he may write, and who may not is told and loses nothing', { skip: unfit, timeout: 300_000 }, async () => {
  using bench = new Bench('ec');
  const password = 'correct horse';
  await using server = await startSecuredSearch({ ...bench.keys, password });
  const port = server.address.split(':').at(-1)!;
  const place = `elasticsearch://localhost:${port}/app?layout=suffix&missing=empty&tlsCa=${bench.certificate}`;
  const owner = { ELASTIC_PASSWORD: password };
  const held = async (): Promise<number> => (await server.ask('POST', '/app-things/_refresh'), await server.ask('GET', '/app-things/_count') as { readonly count: number }).count;
  const add = (id: number, more = ''): void => writeFileSync(join(bench.path, 'here', 'things', `${id}.yaml`), `id: ${id}\nat: 2015-01-31T00:00:0${id % 10}Z\n${more}`);
  const keyOf = async (privileges: readonly string[], more: object = {}): Promise<{ readonly id: string; readonly api_key: string; readonly encoded: string }> => await server.ask('POST', '/_security/api_key', { name: 'one', role_descriptors: { one: { index: [{ names: ['app*', 'new*'], privileges }] } }, ...more }) as { readonly id: string; readonly api_key: string; readonly encoded: string };

  await bench.refuses(place, { ELASTIC_PASSWORD: 'a wrong one' }, /does not know who asks: set ELASTIC_API_KEY/);
  await bench.refuses(place, { ELASTIC_API_KEY: Buffer.from('nobody:a wrong one').toString('base64') }, /does not know who asks \(API key: .*nobody.*\): set ELASTIC_API_KEY/);
  await bench.refuses(place, {}, /does not know who asks/);
  await bench.refuses(place.replace('elasticsearch:', 'elasticsearch+https:').replace(/&tlsCa.*/, ''), owner, /its certificate is signed by itself: .*tlsCa/);
  await bench.refuses(place.replace('localhost', '127.0.0.1'), owner, /its certificate is for another host/);
  await bench.refuses(place.replace(/&tlsCa.*/, ''), owner, /\+https/);
  // A folder does not say of what type its fields are, so that its index is there before.
  for (const name of ['app', 'new']) await server.ask('PUT', `/${name}-things`);
  const { code, stderr } = await bench.merge(place, owner);
  assert.deepEqual([code, stderr], [0, '']);
  assert.equal(await held(), 1);

  const reading = ['read', 'view_index_metadata', 'maintenance'];
  const reader = await keyOf(reading);
  const brief = await keyOf(reading, { expiration: '1ms' });
  add(2);
  const refused = await bench.merge(place, { ELASTIC_API_KEY: reader.encoded });
  assert.match(refused.stdout + refused.stderr, /cannot create things\/2: .*: this is not allowed: .*unauthorized.*: check what this user may do with the index/);
  assert.deepEqual([refused.code, await held()], [1, 1]);
  const capture = async (key: string, ...more: readonly string[]): ReturnType<typeof runCommand> => await runCommand('syncline', ['sync', place, './there', ...more], { cwd: bench.path, environment: { ELASTIC_API_KEY: key } });
  assert.equal((await capture(`${reader.id}:${reader.api_key}`)).code, 0);
  assert.deepEqual(bench.files('there'), ['things/1.yaml']);

  // What nobody can say to be all there is, is carried, and nothing is deleted on the strength of it.
  await server.ask('PUT', '/app-things/_settings', { index: { refresh_interval: -1 } });
  await server.ask('PUT', '/app-things/_doc/5?version=1&version_type=external', { id: 5, at: '2015-01-31T00:00:05Z' });
  writeFileSync(join(bench.path, 'there', 'things', '5.yaml'), 'id: 5\nat: 2015-01-31T00:00:05Z\n');
  const unsure = await capture((await keyOf(['read', 'view_index_metadata'])).encoded, '--delete');
  assert.match(unsure.stdout + unsure.stderr, /cannot refresh .*things: this is not allowed: .*maintenance.*; so what was written there last may not be seen: let this user refresh the index/);
  assert.deepEqual([unsure.code, bench.files('there')], [1, ['things/1.yaml', 'things/5.yaml']]);
  await sleep(50);
  assert.match((await capture(brief.encoded)).stderr, /does not know who asks \(API key: .*expired.*\): set ELASTIC_API_KEY/);

  // Three times what the server takes in one request.
  for (let id = 3; id < 33; id++) add(id, `text: ${'x'.repeat(100_000)}\n`);
  const all = await bench.merge(place, { ELASTIC_API_KEY: (await keyOf([...reading, 'write'])).encoded });
  assert.deepEqual([all.code, all.stderr, await held()], [0, '', 32]);
  const making = await bench.merge(place.replace('/app?', '/new?'), { ELASTIC_API_KEY: (await keyOf([...reading, 'write', 'create_index'])).encoded });
  assert.deepEqual([making.code, making.stderr], [0, '']);
});
