// Records travel under rules between real servers.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Bench } from './cli/command.ts';
import { postgres, withoutPostgres } from './services/postgres.ts';
import { sharedSearch, skipWithoutSearch } from './services/search.ts';

const skip = withoutPostgres.skip || await skipWithoutSearch('opensearch');

test('a table goes into an index renamed, with a field dropped and one masked, and the index home again without harm', { skip }, async () => {
  using bench = new Bench();
  const { newDatabase, query } = await postgres();
  const database = await newDatabase();
  const { address } = await sharedSearch('opensearch');
  const index = `rules${process.pid}`;
  await query(database, `create table orders (number bigint primary key, state text, email text, notes text, changed timestamptz);
    insert into orders select n, 'open', case n % 2 when 0 then 'joe@example.com' end, 'ours ' || n, timestamptz '2015-01-01' + n * interval '1 second' from generate_series(1, 1500) n`);
  const rules = ['--rename', 'orders=purchases', '--rename', 'orders.number=id', '--rename', 'orders.state=status', '--rename', 'orders.changed=at', '--drop', 'orders.notes', '--mask', 'orders.email=hash'];
  const environment = { SYNCLINE_MASK_KEY: 'a key that is long enough' };
  const places = [database, `opensearch+http://${address}/${index}?layout=suffix`];
  const first = await bench.syncline(['sync', '--report', 'json', ...rules, ...places], { environment });
  assert.equal(first.code, 0, first.stderr + first.stdout);
  assert.equal((JSON.parse(first.stdout) as { readonly counts: { readonly created: number } }).counts.created, 1_500);
  const ask = async (path: string, body?: object): Promise<{ readonly _source: { readonly [field: string]: unknown } }> => {
    const answer = await fetch(`http://${address}/${index}-purchases/${path}`, body ? { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) } : {});
    return await answer.json() as { readonly _source: { readonly [field: string]: unknown } };
  };
  const [two, three] = [(await ask('_doc/2'))._source, (await ask('_doc/3'))._source];
  assert.deepEqual([Object.keys(two).toSorted(), Object.keys(three).toSorted(), two['status'], two['at']], [['at', 'email', 'id', 'status'], ['at', 'id', 'status'], 'open', '2015-01-01T00:00:02Z']);
  assert.match(String(two['email']), /^[0-9a-f]{64}$/);
  assert.match((await bench.syncline(['sync', ...rules, ...places], { environment })).stdout, /nothing to do/);
  // Both ways: what is newer there comes home, and what it does not know stays.
  await ask('_doc/2?refresh=true', { ...two, status: 'sent', email: 'edited', at: '2016-01-01T00:00:00Z' });
  const merge = () => bench.syncline(['merge', '--newest', '--full', '--modified', 'changed', ...rules, ...places], { environment });
  const merged = await merge();
  assert.deepEqual([merged.code, /1 change/.test(merged.stdout)], [0, true], merged.stderr + merged.stdout);
  assert.deepEqual(await query(database, 'select number, state, email, notes from orders where number in (2, 4) order by 1'), [{ number: '2', state: 'sent', email: 'joe@example.com', notes: 'ours 2' }, { number: '4', state: 'open', email: 'joe@example.com', notes: 'ours 4' }]);
  assert.match((await merge()).stdout, /nothing to do/);
});
