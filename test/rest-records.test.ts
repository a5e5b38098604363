// Rows of a table and resources of an API, which are the same records.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { DatabaseSync } from 'node:sqlite';
import { startExampleApi } from '../examples/api/server.ts';
import { Bench } from './cli/command.ts';
import type { PlainApi } from './services/plain-api.ts';
import { startPlainApi } from './services/plain-api.ts';

const bench = new Bench();
after(() => bench[Symbol.dispose]());

/** All that a command says. */
async function told(args: readonly string[]): Promise<string> {
  const { stdout, stderr } = await bench.syncline(args);
  return stdout + stderr;
}

function query(file: string, ...statements: readonly string[]): readonly unknown[] {
  using database = new DatabaseSync(bench.at(file));
  const [last = '', ...earlier] = statements.toReversed();
  for (const statement of earlier.toReversed()) database.exec(statement);
  return database.prepare(last).all().map((row) => ({ ...row }));
}

const table = 'create table orders (id integer primary key, note text, ratio real)';
const all = 'select * from orders order by id';

describe('a table and an API whose resources carry no links', () => {
  const address = ['--address', '/v1/{collection}/{id}'];
  let api: PlainApi;
  before(async () => { api = await startPlainApi('orders'); });
  after(async () => await api[Symbol.asyncDispose]());

  test('a row goes nowhere while nobody says where', async () => {
    query('a.sqlite', table, `insert into orders values (1, 'one', 0.5), (2, 'it''s', null), (10, null, 3)`);
    for (const more of [['--dry-run'], []]) {
      const { code, stdout } = await bench.syncline(['sync', ...more, 'sqlite:a.sqlite', api.url]);
      assert.equal(code, 1);
      assert.match(stdout, /orders +3 +· +3\ncannot create orders\/1: the records of orders have no _links, so nothing says where they are to be at .*: give them self links, or say with --address where its collection is, as in \/api\/\{collection\}\/\{id\}, .*; so it is with 2 more of orders\n.*3 failures/);
    }
    assert.match(await told(['quarantine']), /nothing is in quarantine/);
    assert.deepEqual([api.held.size, api.writes], [0, []]);
  });

  test('rows become resources under their keys, a second run writes nothing, and both are proved equal without a memory', async () => {
    const first = await bench.syncline(['sync', ...address, 'sqlite:a.sqlite', api.url]);
    assert.equal(first.code, 0, first.stderr);
    assert.deepEqual([...api.held].map(([path, text]) => [path, JSON.parse(text)]), [['/v1/orders/1', { id: 1, note: 'one', ratio: 0.5 }], ['/v1/orders/10', { id: 10, ratio: 3 }], ['/v1/orders/2', { id: 2, note: 'it\'s' }]]);
    api.writes.splice(0);
    assert.match(await told(['sync', '--no-state', ...address, 'sqlite:a.sqlite', api.url]), /in step/);
    assert.equal((await bench.syncline(['verify', '--no-state', ...address, 'sqlite:a.sqlite', api.url])).code, 0);
    assert.deepEqual(api.writes, []);
  });

  test('what was changed, added and removed is written and deleted as the dry run said', async () => {
    query('a.sqlite', `update orders set note = 'changed' where id = 1`, 'delete from orders where id = 2', `insert into orders values (77, 'new', 1)`, all);
    const dry = await bench.syncline(['sync', '--delete', '--dry-run', ...address, 'sqlite:a.sqlite', api.url]);
    assert.deepEqual(dry.stdout.trim().split('\n').slice(0, 3), ['~ update orders/1', '+ create orders/77', '- delete orders/2']);
    assert.deepEqual(api.writes, []);
    assert.equal((await bench.syncline(['sync', '--delete', ...address, 'sqlite:a.sqlite', api.url])).code, 0);
    assert.deepEqual(api.writes.splice(0).toSorted(), ['DELETE /v1/orders/2', 'PUT /v1/orders/1', 'PUT /v1/orders/77']);
  });

  test('what drifted is found and repaired, by key, and read again', async () => {
    api.held.set('/v1/orders/1', '{"id":1,"note":"drifted"}');
    const { code, stdout, stderr } = await bench.syncline(['verify', '--repair', ...address, 'sqlite:a.sqlite', `${api.url}/v1/orders`]);
    assert.equal(code, 0, stderr);
    assert.match(stdout + stderr, /orders\/1/);
    assert.deepEqual(JSON.parse(api.held.get('/v1/orders/1') ?? ''), { id: 1, note: 'changed', ratio: 0.5 });
  });

  test('a merge brings each side what the other has', async () => {
    const merge = ['merge', ...address, 'sqlite:a.sqlite', `${api.url}/v1/orders`];
    assert.equal((await bench.syncline(merge)).code, 0);
    api.held.set('/v1/orders/5', '{"id":5,"note":"by someone"}');
    api.held.delete('/v1/orders/77');
    query('a.sqlite', `update orders set note = 'again' where id = 1`, `insert into orders values (6, 'six', null)`, all);
    const { code, stderr } = await bench.syncline(merge);
    assert.equal(code, 0, stderr);
    assert.deepEqual(query('a.sqlite', all), [{ id: 1, note: 'again', ratio: 0.5 }, { id: 5, note: 'by someone', ratio: null }, { id: 6, note: 'six', ratio: null }, { id: 10, note: null, ratio: 3 }]);
    assert.deepEqual([...api.held.keys()].toSorted(), ['/v1/orders/1', '/v1/orders/10', '/v1/orders/5', '/v1/orders/6']);
    assert.match(await told(merge), /in step/);
  });

  test('an API that names its pages in the header is read whole', async () => {
    api.pageSize = 3;
    query('b.sqlite', table, 'select 1');
    assert.match(await told(['sync', ...address, `${api.url}/v1/orders`, 'sqlite:b.sqlite']), /orders +4 +4 /);
    assert.deepEqual(query('b.sqlite', all), query('a.sqlite', all));
    assert.equal((await bench.syncline(['verify', ...address, 'sqlite:b.sqlite', `${api.url}/v1/orders`])).code, 0);
  });

  test('a key that is no id there is refused by name, and so is a pattern that says nothing', async () => {
    query('c.sqlite', 'create table orders (shop text, number integer, primary key (shop, number))', `insert into orders values ('x', 1)`, all.replace('order by id', ''));
    assert.match(await told(['sync', ...address, 'sqlite:c.sqlite', api.url]), /orders\/x\/1 has no address of its own/);
    assert.match(await told(['sync', '--address', 'v1', 'sqlite:a.sqlite', api.url]), /"v1" does not say where an API has its resources: write it as/);
    assert.match(await told(['sync', ...address, 'sqlite:a.sqlite', 'out']), /--address says where an API has its resources, and neither side is one/);
  });
});

describe('a table and an API of linked resources', () => {
  test('rows keep the links they came with, and go where those say', async () => {
    await using from = await startExampleApi({ resources: [{ type: 'line', id: 'T1', fields: { name: 'one' } }, { type: 'line', id: 'T2', fields: { name: 'two' } }] });
    await using to = await startExampleApi({ types: ['line'] });
    query('links.sqlite', 'create table line (id text primary key, name text, _links json)', 'select 1');
    for (const [origin, target] of [[`${from.url}/api/line`, 'sqlite:links.sqlite'], ['sqlite:links.sqlite', to.url]] as const) {
      const { code, stderr } = await bench.syncline(['sync', origin, target]);
      assert.equal(code, 0, stderr);
      assert.match(await told(['sync', '--no-state', origin, target]), /in step/);
    }
    assert.deepEqual(to.dump(), from.dump());
  });

  test('links are left out by a rule, and made again by the pattern', async () => {
    await using from = await startExampleApi({ resources: [{ type: 'line', id: 'T1', fields: { name: 'one' } }] });
    await using to = await startExampleApi({ types: ['line'] });
    query('plain.sqlite', 'create table line (id text primary key, name text)', 'select 1');
    assert.equal((await bench.syncline(['sync', '--drop', '*._links', `${from.url}/api/line`, 'sqlite:plain.sqlite'])).code, 0);
    const there = ['sync', '--address', '/api/{collection}/{id}', 'sqlite:plain.sqlite', to.url];
    assert.equal((await bench.syncline(there)).code, 0);
    assert.match(await told(there), /in step/);
    assert.deepEqual(to.dump(), from.dump());
  });

  test('what was repaired at the API is found there again', async () => {
    await using api = await startExampleApi({ types: ['line'] });
    query('repair.sqlite', 'create table line (id text primary key, name text, _links json)', `insert into line values ('T1', 'one', '{"self":{"href":"/api/line/T1"}}')`, 'select 1');
    const { code, stderr } = await bench.syncline(['verify', '--repair', 'sqlite:repair.sqlite', api.url]);
    assert.equal(code, 0, stderr);
    assert.equal(api.dump()['/api/line/T1']?.['name'], 'one');
  });
});
