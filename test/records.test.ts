// Records go from one kind of store to the next and come back as they were, and tables are made on the way.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { merge, sync } from '../src/index.ts';
import type { Collection } from '../src/model/collection.ts';
import type { Document } from '../src/model/document.ts';
import { compareKeys } from '../src/model/key.ts';
import type { Store } from '../src/model/store.ts';
import { recordKey } from '../src/stores/records/record-keys.ts';
import { openStore } from '../src/stores/open.ts';
import { mariadb, withoutMariadb } from './services/mariadb.ts';
import { postgres, withoutPostgres } from './services/postgres.ts';

const root = mkdtempSync(join(tmpdir(), 'syncline-records-'));
after(() => rmSync(root, { recursive: true, force: true }));

const measures: Collection = {
  name: 'measures',
  key: ['id'],
  fields: [
    { name: 'id', type: { kind: 'uuid' }, nullable: false },
    { name: 'sure', type: { kind: 'boolean' }, nullable: true },
    { name: 'small', type: { kind: 'integer', bits: 32 }, nullable: true },
    { name: 'large', type: { kind: 'integer', bits: 64 }, nullable: true },
    { name: 'huge', type: { kind: 'integer' }, nullable: true },
    { name: 'ratio', type: { kind: 'float', bits: 64 }, nullable: true },
    { name: 'price', type: { kind: 'decimal', digits: 20, scale: 4 }, nullable: true },
    { name: 'note', type: { kind: 'text' }, nullable: true },
    { name: 'raw', type: { kind: 'bytes' }, nullable: true },
    { name: 'at', type: { kind: 'instant', precision: 1 }, nullable: true },
    { name: 'there', type: { kind: 'local', precision: 1 }, nullable: true },
    { name: 'day', type: { kind: 'date' }, nullable: true },
    { name: 'clock', type: { kind: 'time', precision: 1 }, nullable: true },
    { name: 'more', type: { kind: 'json' }, nullable: true },
  ],
};

const parts: Collection = {
  name: 'order-parts',
  key: ['order', 'name'],
  fields: [
    { name: 'order', type: { kind: 'integer', bits: 64 }, nullable: false },
    { name: 'name', type: { kind: 'text' }, nullable: false },
    { name: 'tags', type: { kind: 'list', of: { kind: 'text' } }, nullable: true },
  ],
};

const records: readonly (readonly [Collection, Document])[] = [
  [measures, { id: '00000000-0000-4000-8000-000000000001' }],
  [measures, {
    id: 'ffffffff-0000-4000-8000-000000000002', sure: true, small: -2147483648, large: 9_223_372_036_854_775_807n, huge: 10n ** 39n + 7n, ratio: 0.1, price: '1234567890123456.7800', note: "it's \\ \"quoted\"\n\t$1 %s \u{1F600} ", raw: Uint8Array.of(0, 255, 10, 92),
    at: '2015-01-31T10:20:30.000001Z', there: '0999-12-31T23:59:59.5', day: '2016-02-29', clock: '23:59:59.999999', more: { a: [1, null, { b: 'x' }], n: 12_345_678_901_234_567_890n },
  }],
  [measures, { id: '7fffffff-0000-4000-8000-000000000003', sure: false, small: 0, large: -9_223_372_036_854_775_808n, huge: 0, ratio: -1.7976931348623157e308, price: '-0.0001', note: '', raw: new Uint8Array(), at: '1969-12-31T23:59:59Z', there: '2015-01-31T00:00:00', day: '0001-01-01', clock: '00:00:00', more: null }],
  ...[1, 2, 10, -5, 9_007_199_254_740_993n].map((order): readonly [Collection, Document] => [parts, { order, name: `a/b ${order}`, tags: ['x', 'y,"z"', ''] }]),
  ...['', 'é', 'A', 'a', 'a ', '%2F', 'a%', '..'].map((name): readonly [Collection, Document] => [parts, { order: 7, name, tags: [] }]),
];

async function contents(endpoint: string): Promise<readonly (readonly [string, Document])[]> {
  await using store = await openStore(endpoint) as Store;
  const found: [string, Document][] = [];
  for await (const { entries, problems = [] } of store.scan({ want: 'content' })) {
    assert.deepEqual(problems, []);
    for (const { key, content } of entries) found.push([key, content?.kind === 'document' ? content.document : {}]);
  }
  assert.deepEqual(found.map(([key]) => key), found.map(([key]) => key).toSorted(compareKeys), `${endpoint} is in order`);
  return found;
}

const skip = withoutPostgres.skip !== false ? withoutPostgres.skip : withoutMariadb.skip;
test('records that go from SQLite to YAML files, PostgreSQL, MariaDB and back to SQLite are the same, and no second run writes', { skip }, async () => {
  const places = [`sqlite:${join(root, 'from.sqlite')}`, join(root, 'files'), await (await postgres()).newDatabase(), await (await mariadb()).newDatabase(), `sqlite:${join(root, 'back.sqlite')}`];
  {
    await using first = await openStore(places[0]!, { missing: 'empty' }) as Store;
    await first.prepare!([measures, parts]);
    const outcomes = await first.write(records.map(([{ name, key }, document]) => ({ kind: 'put', entry: { key: recordKey(name, key.map((field) => document[field]))!, content: { kind: 'document', document } } })));
    for (const outcome of outcomes) assert.equal(outcome.kind, 'done', outcome.kind === 'failed' ? outcome.error.sentence : outcome.kind);
    // Files do not say of what types they hold records.
    await using tables = await openStore(places[2]!) as Store;
    await tables.prepare!(await first.describe!());
  }
  for (const [i, target] of places.slice(1).entries()) {
    const first = await sync(places[i]!, target);
    assert.deepEqual(first.failures.map(({ place, error }) => `${place}: ${error.sentence}`), []);
    assert.equal(first.counts.created, records.length, target);
    const second = await sync(places[i]!, target);
    assert.deepEqual([second.counts.created, second.counts.updated, second.counts.unchanged], [0, 0, records.length], `a second run into ${target}`);
  }
  assert.deepEqual(await contents(places[4]!), await contents(places[0]!));
  await contents(places[2]!);
  await contents(places[3]!);
});

test('of records that were changed on both sides the newest is left, whichever side that is, and then both are in step', { skip }, async () => {
  const { newDatabase, query } = await postgres();
  const database = await newDatabase();
  await query(database, "create table notes (id int primary key, at timestamptz not null, text text); insert into notes select i, '2015-01-31Z', 'first' from generate_series(1, 4) i");
  const [left, right] = [`${database}?modified=at`, `${(await (await mariadb()).newDatabase()).replace('mysql:', 'mariadb:')}?modified=at`];
  const state = join(root, 'state');
  assert.deepEqual((await merge(left, right, { state })).counts.created, 4);
  await query(database, "update notes set at = at + interval '2 s', text = 'left' where id in (1, 2); delete from notes where id = 4");
  const right2 = await openStore(right) as Store;
  const put = (id: number, seconds: number): Promise<unknown> => right2.write([{ kind: 'put', entry: { key: `notes/${id}`, content: { kind: 'document', document: { id, at: `2015-01-31T00:00:0${seconds}Z`, text: 'right' } } } }]);
  for (const [id, seconds] of [[1, 1], [2, 3], [3, 1]] as const) await put(id, seconds);
  await right2[Symbol.asyncDispose]();
  const report = await merge(left, right, { state });
  assert.deepEqual(report.failures, []);
  assert.deepEqual(await contents(left), await contents(right));
  assert.deepEqual((await contents(left)).map(([key, { text }]) => [key, text]), [['notes/1', 'left'], ['notes/2', 'right'], ['notes/3', 'right']]);
  const again = await merge(left, right, { state });
  assert.deepEqual([again.counts.created, again.counts.updated, again.counts.deleted], [0, 0, 0]);
});
