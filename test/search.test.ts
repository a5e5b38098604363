// Indices of a real OpenSearch and a real Elasticsearch: what the laws do not say of every store.
import assert from 'node:assert/strict';
import type { FieldType } from '../src/model/collection.ts';
import { runCopy } from '../src/engine/copy.ts';
import { runDiff } from '../src/engine/diff.ts';
import { readEach } from '../src/engine/run/read-each.ts';
import { openState } from '../src/engine/state/sqlite-state.ts';
import { runSync } from '../src/engine/sync.ts';
import type { Document } from '../src/model/document.ts';
import { SyncError } from '../src/model/errors.ts';
import type { Store } from '../src/model/store.ts';
import { simple } from '../src/schema/simple.ts';
import { MemoryStore } from '../src/stores/memory/memory-store.ts';
import { instantText } from '../src/stores/records/instants.ts';
import { StandardStreams } from '../src/stores/stdio/standard-streams.ts';
import { interferingProxy } from './services/interfering-proxy.ts';
import { assertAll, collection, documentOf, failureOf, found, keysOf, kinds, onBoth, put, quick } from './services/search-places.ts';
import type { It } from './services/search-places.ts';

/** A field of every type, and a value that says what it holds at its ends. */
const everyType: { readonly [field: string]: readonly [FieldType, ...Document[string][]] } = {
  flag: [{ kind: 'boolean' }, true, false, null],
  tiny: [{ kind: 'integer', bits: 8 }, -128, 127],
  octet: [{ kind: 'integer', bits: 8, unsigned: true }, 255],
  small: [{ kind: 'integer', bits: 16 }, -32_768],
  medium: [{ kind: 'integer', bits: 32 }, 2_147_483_647],
  wide: [{ kind: 'integer', bits: 64 }, 9_223_372_036_854_775_807n, -9_223_372_036_854_775_808n, 9_007_199_254_740_993n, 0],
  unsigned: [{ kind: 'integer', bits: 64, unsigned: true }, 18_446_744_073_709_551_615n],
  endless: [{ kind: 'integer' }, 10n ** 40n],
  single: [{ kind: 'float', bits: 32 }, 1.5, 'NaN'],
  double: [{ kind: 'float', bits: 64 }, 0.1, 5e-324, 1.7976931348623157e308, 'Infinity', '-Infinity'],
  price: [{ kind: 'decimal', digits: 40, scale: 10 }, '12345678901234567890.1000000000', '-0.10'],
  name: [{ kind: 'text' }, '', 'quotes "\'\\ ${x} $y \n \u{1F600}', 'x'.repeat(200_000), '2015-01-01'],
  raw: [{ kind: 'bytes' }, new Uint8Array([0, 255, 10]), new Uint8Array()],
  id: [{ kind: 'uuid' }, '919108f7-52d1-4320-9bac-f847db4148a8'],
  stamp: [{ kind: 'time-uuid' }, 'c232ab00-9414-11ec-b3c8-9f6bdeced846'],
  day: [{ kind: 'date' }, '2015-01-31', '0001-01-01'],
  moment: [{ kind: 'instant', precision: 1 }, '2015-01-31T10:20:30.123456Z', '1969-12-31T23:59:59.999999Z', '0001-01-01T00:00:00Z'],
  wall: [{ kind: 'local', precision: 1 }, '2015-01-31T10:20:30.5'],
  clock: [{ kind: 'time', precision: 1 }, '23:59:59.999999'],
  span: [{ kind: 'duration' }, 'P1Y2M3DT4H'],
  anything: [{ kind: 'json' }, 1, 'text', [1, { a: null }], { a: { b: [true] } }, null],
  words: [{ kind: 'set', of: { kind: 'text' } }, ['a', 'b'], []],
  numbers: [{ kind: 'list', of: { kind: 'integer', bits: 64 } }, [9_007_199_254_740_993n, 1]],
  weights: [{ kind: 'map', keys: { kind: 'text' }, of: { kind: 'float', bits: 64 } }, { 'a.b': 1.5, '': 2 }],
  address: [{ kind: 'record', fields: [{ name: 'street', type: { kind: 'text' }, nullable: true }, { name: 'seal', type: { kind: 'bytes' }, nullable: true }] }, { street: 'x', seal: new Uint8Array([1]) }, { street: null }],
  network: [{ kind: 'other', name: 'inet' }, '10.0.0.0/8'],
};

await onBoth((it) => {
  holdingValues(it);
  makingIndices(it);
  writing(it);
  reading(it);
});

function holdingValues(it: It): void {
  it('values of every type come back as they were, and are described as they were', async (place) => {
    await using store = await place.open();
    const things = collection('things', Object.fromEntries(Object.entries(everyType).map(([field, [type]]) => [field, type])));
    await store.prepare!([{ ...things, key: ['id'] }]);
    const documents = Object.entries(everyType).flatMap(([field, [, ...values]]) => values.map((value): Document => ({ [field]: value })));
    const wanted = new Map(documents.map((document, i) => [`things/${i}`, document]));
    assertAll(await store.write([...wanted].map(([key, document]) => put(key, document))), 'done');
    for (const entry of await found(store)) assert.deepEqual(documentOf(entry), wanted.get(entry.key), entry.key);
    assert.equal((await found(store)).length, documents.length);
    const [described] = await store.describe!();
    assert.deepEqual(described?.key, ['id']);
    const byName = (a: { readonly name: string }, b: { readonly name: string }): number => (a.name < b.name ? -1 : 1);
    assert.deepEqual(described?.fields.toSorted(byName), things.fields.toSorted(byName));
  });

  it('an index is made for more fields than it takes by itself, and a key without an _id is refused as that', async (place) => {
    await using store = await place.open();
    await store.prepare!([collection('things', Object.fromEntries(Array.from({ length: 1_001 }, (_, i) => [`f${i}`, { kind: 'boolean' as const }])))]);
    assertAll(await store.write([put('things/1', { f1000: true })]), 'done');
    const empty = [put('things/', { f1: true })];
    for (const outcomes of [await store.foresee!(empty), await store.write(empty)]) assert.match(failureOf(outcomes[0]).message, /has an empty _id/);
    assertAll(await store.foresee!([put('others/1', {})]), 'done');
  });

  it('null and absent are different, and fields are found by what they hold', async (place) => {
    await using store = await place.open();
    await store.prepare!([collection('things', { name: { kind: 'text' }, wide: { kind: 'integer', bits: 64 }, moment: { kind: 'instant', precision: 1 } })]);
    assertAll(await store.write([put('things/1', { name: null, wide: 9_007_199_254_740_993n, moment: '2015-01-31T10:20:30.123456Z' }), put('things/2', { other: 1 })]), 'done');
    assert.deepEqual((await found(store)).map(documentOf), [{ name: null, wide: 9_007_199_254_740_993n, moment: '2015-01-31T10:20:30.123456Z' }, { other: 1 }]);
    const query = { query: { bool: { filter: [{ term: { wide: '9007199254740993' } }, { range: { moment: { gte: '2015-01-31', lt: '2015-02-01' } } }] } } };
    const { hits } = await place.server.ask('POST', `/${place.path}-things/_search`, query) as { hits: { hits: readonly { _id: string }[] } };
    assert.deepEqual(hits.hits.map(({ _id }) => _id), ['1']);
  });

  it('an index that others made is described by its mapping and what it holds, and its bytes are bytes', async (place) => {
    await place.index(place.path, { mappings: { properties: { n: { type: 'long' }, raw: { type: 'binary' }, at: { type: 'date' }, place: { properties: { street: { type: 'text' } } }, where: { type: 'geo_point' }, tag: { type: 'keyword' } } } });
    await place.put(place.path, 'a/1', { n: 1, raw: 'AP8K', at: '2015-01-31' });
    await place.put(place.path, 'b', { raw: 'no base64!' });
    await using store = await place.open();
    const [described] = await store.describe!();
    assert.equal(described?.name, place.path);
    assert.deepEqual(Object.fromEntries(described.fields.map(({ name, type }) => [name, type.kind])), { n: 'integer', raw: 'bytes', at: 'date', place: 'record', where: 'other', tag: 'text' });
    assert.deepEqual((await found(store)).map((entry) => [entry.key, documentOf(entry)]), [[`${place.path}/a/1`, { n: 1, raw: new Uint8Array([0, 255, 10]), at: '2015-01-31' }], [`${place.path}/b`, { raw: 'no base64!' }]]);
    assert.deepEqual(documentOf((await store.read([{ key: `${place.path}/a/1` }]))[0])?.['n'], 1);
  });

  it('what no index can hold is refused by name, and the rest is written', async (place) => {
    await using store = await place.open();
    await store.prepare!([collection('things', { n: { kind: 'integer', bits: 32 }, name: { kind: 'text' } })]);
    const outcomes = await store.write([put('things/1', { n: 1 }), put('things/2', { n: 'not a number' }), put('things/3', { deep: { raw: new Uint8Array([1]) } }), put('things/4', { n: NaN }), put('things/5', { n: 2_147_483_648 }), put('things/6', { n: 2 })]);
    assert.deepEqual(outcomes.map(({ kind }) => kind), ['done', 'failed', 'failed', 'failed', 'failed', 'done']);
    for (const [at, field] of [[1, '[n]'], [2, '"deep.raw"'], [3, '"n"'], [4, '[n]']] as const) {
      const { code, message } = failureOf(outcomes[at]);
      assert.equal(code, 'invalid');
      assert.ok(message.includes(`things/${at + 1}`) && message.includes(field), message);
    }
    assert.deepEqual(await keysOf(store), ['things/1', 'things/6']);
  });
}

function makingIndices(it: It): void {
  /** What a place knows that describes nothing: of one name there are values of several kinds. */
  const notes: readonly Document[] = [
    { n: 1, when: '2015-01-31', ratio: 1, nested: { deep: [1, 2] } }, { n: 'one', when: 'yesterday', ratio: 0.1, _links: { self: { href: '/notes/1' } } },
    { n: 18_446_744_073_709_551_616n, when: '9', ratio: 'none', nested: null }, { n: [2, 'two', null], text: 'x'.repeat(40_000) }, {},
  ];

  for (const layout of ['auto', 'field'] as const) {
    it(`what nobody describes gets an index, which takes values of any kind (${layout})`, async (place) => {
      const source = new MemoryStore({ name: 'files' });
      notes.forEach((document, i) => { source.edit(`notes/${i}`, document); });
      source.edit('people/1', { name: 'Joe' });
      const options = { layout, ...(layout === 'field' && { typeField: 'kind' }) };
      await using strict = await place.open({ ...options, create: false });
      await using target = await place.open(options);
      const names = async (): Promise<readonly string[]> => Object.keys(await place.server.ask('GET', `/${place.path}*`) as object).toSorted();
      // A dry run makes nothing, and fails with what the run does.
      const planned = await runDiff({ origins: [source], target: strict }, () => {});
      const refused = await runSync({ origins: [source], target: strict });
      assert.match(refused.failures[0]!.error.message, /has no (?:index|collection) .*(?:notes|people), and none is to be made/);
      assert.deepEqual([planned.counts, planned.failures.map(({ error }) => error.message)], [refused.counts, refused.failures.map(({ error }) => error.message)]);
      assert.deepEqual([(await runDiff({ origins: [source], target }, () => {})).counts.created, await names()], [6, []]);
      const report = await runSync({ origins: [source], target });
      assert.deepEqual([report.counts.created, report.failures.map(({ error }) => error.message)], [6, []]);
      assert.deepEqual(await names(), layout === 'field' ? [place.path] : [`${place.path}-notes`, `${place.path}-people`]);
      const held = await found(target);
      assert.deepEqual(held.map(documentOf), [...notes, { name: 'Joe' }]);
      assert.equal((await runSync({ origins: [source], target })).counts.unchanged, 6);
      const { hits } = await place.server.ask('POST', `/${place.path}*/_search`, { query: { bool: { filter: [{ match: { when: '2015-01-31' } }, { term: { n: 1 } }] } } }) as { hits: { hits: readonly unknown[] } };
      assert.equal(hits.hits.length, 1);
    });
  }

  it('what cannot have an index is refused as a dry run says', async (place) => {
    const source = new MemoryStore({ name: 'files' });
    for (const key of ['Notes/1', 'Notes/2', 'people/1']) source.edit(key, { name: 'Joe' });
    await using target = await place.open();
    const planned = await runDiff({ origins: [source], target }, () => {});
    const done = await runSync({ origins: [source], target });
    assert.deepEqual([done.counts.failed, done.counts.created, done.failures.map(({ place: where, error }) => [where, error.sentence])], [planned.counts.failed, planned.counts.created, planned.failures.map(({ place: where, error }) => [where, error.sentence])]);
    assert.deepEqual([done.counts.failed, done.counts.created, done.failures.length, done.failures[0]?.alike], [2, 1, 1, 1]);
    assert.match(done.failures[0]!.error.sentence, /its name has capital letters: rename the collection/);
  });
}

function writing(it: It): void {
  it('of twenty writers at once the newest stays, also beside one who sets no conditions', async (place) => {
    await using store = await place.open({ modified: 'at' });
    await store.prepare!([collection('things', { at: { kind: 'instant', precision: 1 } })]);
    for (let round = 0; round < 3; round++) {
      const key = `things/${round}`;
      if (round > 0) await place.put(`${place.path}-things`, String(round), { at: '2000-01-01T00:00:00Z', by: 'another' });
      const writers = Array.from({ length: 20 }, (_, i) => 1_420_070_400_000_000 + i).toSorted(() => Math.random() - 0.5);
      const outcomes = (await Promise.all(writers.map(async (time) => store.write([put(key, { at: instantText(time), by: String(time) }, { expect: { older: time } })])))).flat();
      for (const outcome of outcomes) assert.notEqual(outcome.kind, 'failed');
      assert.equal(documentOf((await store.read([{ key }]))[0])?.['by'], String(Math.max(...writers)));
      // Whoever lost hears of what is there; nobody is told that an older one replaced a newer one.
      for (const outcome of outcomes) if (outcome.kind === 'stale') assert.ok(outcome.found?.modifiedAt !== undefined);
    }
  });

  it('a plain writer between look and write is noticed', async (place) => {
    await using direct = await place.open({ modified: 'at' });
    await direct.prepare!([collection('things', { at: { kind: 'instant', precision: 1 } })]);
    await direct.write([put('things/1', { at: '2015-01-01T00:00:00Z', by: 'first' })]);
    let sent = 0;
    await using slow = await interferingProxy(`http://${place.server.address}`, ({ url }) => (url.startsWith('/_bulk') && sent++ === 0 ? { kind: 'answer', status: 503 } : undefined));
    // Between the look and the write somebody else writes, who sets no conditions.
    const host = { ...quick, sleep: async () => place.put(`${place.path}-things`, '1', { at: '2017-01-01T00:00:00Z', by: 'plain' }) };
    await using store = await kinds[place.name].open(`${place.name}://${slow.origin.slice(7)}/${place.path}`, { modified: 'at' }, host) as Store;
    const [outcome] = await store.write([put('things/1', { at: '2016-01-01T00:00:00Z', by: 'ours' }, { expect: { older: 1_451_606_400_000_000 } })]);
    assert.equal(outcome?.kind, 'stale');
    assert.equal(documentOf(outcome.kind === 'stale' ? outcome.found : undefined)?.['by'], 'plain');
  });

  it('times of every spelling are compared as instants', async (place) => {
    await using store = await place.open({ modified: 'at' });
    await store.prepare!([collection('things', { at: { kind: 'text' } })]);
    const noon = 1_422_705_605_000_000;
    for (const [at, older, kind] of [['2015-01-31T14:00:05+02:00', noon, 'stale'], ['2015-01-31T12:00:05.000001', noon, 'stale'], ['2015-01-31 12:00:04.999999Z', noon, 'done'], ['no time', noon, 'stale']] as const) {
      await store.write([put('things/1', { at })]);
      const [outcome] = await store.write([put('things/1', { at: instantText(older), new: true }, { expect: { older } })]);
      assert.equal(outcome?.kind, kind, at);
    }
  });

  it('a time that a document lacks is filled in, and one that it has is left', async (place) => {
    await using store = await place.open({ modified: 'at', modifiedUnit: 'milliseconds' });
    await store.prepare!([collection('things', { at: { kind: 'integer', bits: 64 } })]);
    const content = (document: Document) => ({ kind: 'document', document }) as const;
    assertAll(await store.write([{ kind: 'put', entry: { key: 'things/1', modifiedAt: 1_500_999, content: content({}) } }, { kind: 'put', entry: { key: 'things/2', modifiedAt: 7, content: content({ at: 5 }) } }]), 'done');
    assert.deepEqual((await found(store)).map((entry) => [documentOf(entry), entry.modifiedAt]), [[{ at: 1500 }, 1_500_000], [{ at: 5 }, 5_000]]);
  });

  it('a version of an index that was made anew is not met', async (place) => {
    await using store = await place.open();
    await store.prepare!([collection('things', { n: { kind: 'json' } })]);
    await store.write([put('things/1', { n: 1 })]);
    const version = (await found(store))[0]!.version!;
    await place.server.ask('DELETE', `/${place.path}-things`);
    await store.prepare!([collection('things', { n: { kind: 'json' } })]);
    await store.write([put('things/1', { n: 2 })]);
    assert.notEqual((await found(store))[0]!.version, version);
    assertAll(await store.write([put('things/1', { n: 3 }, { expect: { version } })]), 'stale');
  });

  it('documents of many megabytes are written and read', async (place) => {
    await using store = await place.open();
    await store.prepare!([collection('things', { body: { kind: 'json' } })]);
    const body = { text: 'x'.repeat(3_000_000) };
    assertAll(await store.write(Array.from({ length: 12 }, (_, i) => put(`things/${i}`, { body }))), 'done');
    const entries = await found(store);
    assert.equal(entries.length, 12);
    for (const entry of entries) assert.deepEqual(documentOf(entry), { body });
  });
}

function reading(it: It): void {
  it('more than ten thousand documents in several shards come once each, with equal times and while others write', async (place) => {
    await place.index(`${place.path}-things`, { settings: { number_of_shards: 3, number_of_replicas: 0 }, mappings: { dynamic: false } });
    await using store = await place.open({ modified: 'at' });
    const total = 10_500;
    for (let at = 0; at < total; at += 1_000) assertAll(await store.write(Array.from({ length: Math.min(1_000, total - at) }, (_, i) => put(`things/${at + i}`, { at: '2015-01-01T00:00:00Z', i: at + i }))), 'done');
    const seen = new Set<string>();
    let count = 0;
    for await (const { entries } of store.scan()) {
      if (count === 0) await store.write([put('things/late', { at: '2016-01-01T00:00:00Z' }), { kind: 'delete', ref: { key: 'things/7' } }, put('things/8', { at: '2015-01-01T00:00:00Z', again: true })]);
      for (const { key } of entries) seen.add(key);
      count += entries.length;
    }
    assert.deepEqual([count, seen.size, seen.has('things/late'), seen.has('things/7')], [total, total, false, true]);
    assert.equal((await found(store)).length, total);
  });

  it('what comes in no order is compared with a listing of the index, and only what differs is looked up and written', async (place) => {
    const source = new MemoryStore({ order: 'none', pageEntries: 200 });
    for (let i = 0; i < 1_000; i++) source.edit(`things/${i}`, { i });
    await using target = await place.open();
    await target.prepare!([collection('things', { i: { kind: 'json' } })]);
    await using state = openState(undefined);
    const counted = async (): Promise<{ readonly lookedUp: number; readonly written: number }> => {
      const { _all: { primaries: { get, indexing } } } = await place.server.ask('GET', `/${place.path}-things/_stats/get,indexing`) as { readonly _all: { readonly primaries: { readonly get: { readonly total: number }; readonly indexing: { readonly index_total: number } } } };
      return { lookedUp: get.total, written: indexing.index_total };
    };
    assert.equal((await runSync({ origins: [source], target, state })).counts.created, 1_000);
    const before = await counted();
    assert.equal((await runSync({ origins: [source], target, state })).counts.unchanged, 1_000);
    const after = await counted();
    assert.equal(after.written, before.written);
    assert.ok(after.lookedUp - before.lookedUp < 600, `${after.lookedUp - before.lookedUp} were looked up`);
    for (const i of [5, 500, 995]) source.edit(`things/${i}`, { i: -i });
    await place.put(`${place.path}-things`, '700', { i: 'foreign' });
    await target.write([{ kind: 'delete', ref: { key: 'things/800' } }]);
    const { counts, failures } = await runSync({ origins: [source], target, state });
    assert.deepEqual([counts.created, counts.updated, counts.unchanged, failures], [1, 4, 995, []]);
    assert.deepEqual(new Set((await found(target)).map((entry) => documentOf(entry)?.['i'])), new Set(Array.from({ length: 1_000 }, (_, i) => ([5, 500, 995].includes(i) ? -i : i))));
  });

  it('a window narrows to the milliseconds around it, and what has no time is always there', async (place) => {
    await using store = await place.open({ modified: 'at' });
    await store.prepare!([collection('things', { at: { kind: 'instant', precision: 1 } })]);
    const noon = Date.parse('2015-01-31T12:00:00Z') * 1000;
    const times = { before: noon - 2_000, edge: noon, just: noon + 1, within: noon + 500_000, end: noon + 1_000_000, after: noon + 1_002_000 };
    await store.write([...Object.entries(times).map(([key, time]) => put(`things/${key}`, { at: instantText(time) })), put('things/none', {}), put('things/null', { at: null }), put('things/odd', { at: 'yesterday' })]);
    const keys = await keysOf(store, { window: { after: noon, until: noon + 1_000_000 } });
    for (const key of ['just', 'within', 'end', 'none', 'null', 'odd']) assert.ok(keys.includes(`things/${key}`), key);
    assert.ok(!keys.includes('things/before') && !keys.includes('things/after'), keys.join());
    assert.deepEqual(await keysOf(store, { window: { after: noon + 10_000_000 } }), ['things/none', 'things/null', 'things/odd']);
  });

  it('records that nobody described are kept to the letter and found by their time, however that is spelt', async (place) => {
    const noon = Date.parse('2015-01-31T12:00:00Z') * 1000;
    const spelt = { second: '2015-01-31T12:00:01Z', zone: '2015-01-31T14:00:00.5+02:00', micros: '2015-01-31T12:00:00.123456Z', bare: '2015-01-31T12:00:00,25', sql: '2015-01-31 12:00:00.25', utc: '2015-01-31 12:00:00.123456+00', minute: '2015-01-31 12:00Z' };
    const others = { early: '2015-01-31T11:59:58.998Z', late: '2015-01-31 12:00:02.1', day: '2015-01-31', zoned: '2015-01-31T12:00:01+01:00' };
    const odd = { none: undefined, null: null, word: 'yesterday', uuid: 'c232ab00-9414-11ec-b3c8-9f6bdeced846', number: 1_422_705_600, list: [] };
    for (const [name, options, wrap] of [['suffix', { modified: 'at' }, (at) => ({ at })], ['field', { modified: 'meta.at', layout: 'field' }, (at) => ({ meta: { at } })]] as const satisfies readonly [string, object, (at: Document[string]) => Document][]) {
      const wanted = new Map(Object.entries({ ...spelt, ...others, ...odd }).map(([key, at]) => [`things/${key}`, at === undefined ? {} : wrap(at)]));
      const said: string[] = [];
      await using store = await kinds[place.name].open(`${place.name}://${place.server.address}/${place.path}-${name}`, { missing: 'empty', ...options }, { ...quick, log: (_, text) => void said.push(text) }) as Store;
      const things = { name: 'things', key: [], fields: [] };
      await store.checkPrepare!([things]);
      assert.match(said.join(), new RegExp(`things gets .*, which takes values as they come, and ${options.modified} as a date$`));
      await store.prepare!([things]);
      assertAll(await store.write([...wanted].map(([key, document]) => put(key, document))), 'done');
      const all = await found(store);
      assert.deepEqual(new Map(all.map((entry) => [entry.key, documentOf(entry)])), wanted);
      assert.deepEqual(all.filter(({ untimed }) => untimed).map(({ key }) => key), ['things/list', 'things/number', 'things/word']);
      assert.deepEqual(await keysOf(store, { window: { after: noon, until: noon + 1_000_000 } }), [...Object.keys(spelt), ...Object.keys(odd)].map((key) => `things/${key}`).toSorted(), name);
      // What no date can be is a failure of its own.
      const [bad, good] = await store.write([put('things/deep', wrap({ s: 1 })), put('things/good', wrap('2015-01-31'))]);
      assert.match(failureOf(bad).sentence, /things\/deep: .*at/);
      assert.equal(good?.kind, 'done');
    }
  });

  it('numbers that count a unit are found by it where nobody described them', async (place) => {
    await using store = await place.open({ modified: 'at', modifiedUnit: 'seconds' });
    await store.prepare!([{ name: 'things', key: [], fields: [] }]);
    // The first one would make a text of the field.
    await store.write([put('things/text', { at: '2015-01-31T12:00:00Z' })]);
    await store.write([put('things/before', { at: 98 }), put('things/whole', { at: 100 }), put('things/part', { at: 100.75 }), put('things/after', { at: 102.5 }), put('things/huge', { at: 1e30 })]);
    assert.deepEqual(await keysOf(store, { window: { after: 99_500_000, until: 101_000_000 } }), ['things/huge', 'things/part', 'things/text', 'things/whole']);
  });

  it('times that are text in a table are found as times in the index that is made for it, and are text when it is described', async (place) => {
    await using store = await place.open({ modified: 'at' });
    const things = collection('things', { at: { kind: 'text' } });
    await store.prepare!([things]);
    await store.write([put('things/early', { at: '2015-01-31 11:00:00' }), put('things/late', { at: '2015-01-31 13:00:00' })]);
    assert.deepEqual(await keysOf(store, { window: { after: Date.parse('2015-01-31T12:00:00Z') * 1000 } }), ['things/late']);
    assert.deepEqual(await store.describe!(), [things]);
  });

  it('a scan sees what was written, however seldom the index is refreshed', async (place) => {
    await place.index(`${place.path}-things`, { settings: { refresh_interval: '-1' } });
    await using store = await place.open();
    await store.write([put('things/1', { n: 1 })]);
    assert.deepEqual(await keysOf(store), ['things/1']);
    await store.write([{ kind: 'delete', ref: { key: 'things/1' } }]);
    assert.deepEqual(await keysOf(store), []);
  });

  it('what is written into another index, or out, is what is stored, to the letter', async (place) => {
    const [from, to] = [`${place.path}-l-things`, `${place.path}-r-things`];
    for (const index of [from, to]) await place.index(index, { mappings: { dynamic: false } });
    const texts = [
      '{"n":9223372036854775807,"m":-9007199254740993,"u":12345678901234567890123}', '{"d":0.1000000000000000055511151231257827,"e":1.0,"f":-0.0,"g":1E+2}', '{"b":null,"a":[],"c":{}}', '{"a.b":1,"a":{"b":2},"A":3,"\\u0042":4}',
      '{"s":"\\ud83d\\ude00 😀 \\u00e4ä \\/ \\"\u2028"}', '{ "spaced" : [ 1, 2 ] }', `{"long":"${'ä😀'.repeat(3_000)}"}`,
    ];
    const lines = texts.map((text, i) => `{"index":{"_id":"${i}"}}\n${text}\n`).join('');
    assert.equal((await fetch(`http://${place.server.address}/${from}/_bulk`, { method: 'POST', headers: { 'content-type': 'application/x-ndjson' }, body: lines })).status, 200);
    await using left = await place.open({}, undefined, `${place.path}-l`);
    await using right = await place.open({}, undefined, `${place.path}-r`);
    let out = '';
    const streams = new StandardStreams({ input: () => assert.fail(), write: async (text) => { out += String(text); } }, simple, 'json');
    await runCopy({ origins: [left], target: streams });
    assert.deepEqual(out.split('\n').filter((line) => line !== '').toSorted(), texts.toSorted());
    assert.equal((await runSync({ origins: [left], target: right })).counts.created, texts.length);
    await place.server.ask('POST', `/${to}/_refresh`);
    const held = await (await fetch(`http://${place.server.address}/${to}/_search?size=100`, { method: 'POST' })).text();
    for (const text of texts) assert.ok(held.includes(`"_source":${text}`), text);
    const again = await runSync({ origins: [left], target: right });
    assert.deepEqual([again.counts.unchanged, again.counts.created, again.counts.updated], [texts.length, 0, 0]);
    // What differs in how it is written and in nothing else is no difference.
    await place.put(to, '2', { a: [], b: null, c: {} });
    assert.equal((await runSync({ origins: [left], target: right })).counts.unchanged, texts.length);
    await place.put(to, '2', { a: [], c: {} });
    assert.equal((await runSync({ origins: [left], target: right })).counts.updated, 1);
  });

  it('a document with a number that is out of range is a problem of its own, and all others are read', async (place) => {
    await place.index(place.path, { mappings: { dynamic: false } });
    await using store = await place.open({ layout: 'index' });
    assertAll(await store.write(Array.from({ length: 300 }, (_, i) => put(`${place.path}/${i}`, { n: i }))), 'done');
    const answer = await fetch(`http://${place.server.address}/${place.path}/_doc/huge`, { method: 'PUT', headers: { 'content-type': 'application/json' }, body: '{"n": 1e400}' });
    assert.equal(answer.status, 201);
    const pages = await Array.fromAsync(store.scan());
    assert.equal(new Set(pages.flatMap(({ entries }) => entries.map(({ key }) => key))).size, 300);
    assert.deepEqual(pages.flatMap(({ problems = [] }) => problems.map(({ place: where, error }) => [where, error.code])), [[`${store.name}: ${place.path}/huge`, 'corrupt']]);
    assert.match(pages.flatMap(({ problems = [] }) => problems)[0]!.error.message, /1e400 is out of range/);
    const found = await readEach(store, ['0', 'huge'].map((id) => ({ key: `${place.path}/${id}` })), {});
    assert.deepEqual(found.map((one) => (one instanceof SyncError ? one.code : documentOf(one))), [{ n: 0 }, 'corrupt']);
  });

  it('a document that lies elsewhere, an index that is closed, and one without sources are problems, each by itself', async (place) => {
    const { path } = place;
    await place.index(`${path}-a`, { settings: { number_of_shards: 3 } });
    await place.put(`${path}-a`, '1', { n: 1 });
    await place.put(`${path}-a`, '2', { n: 2 }, '&routing=elsewhere');
    await place.index(`${path}-b`);
    await place.server.ask('POST', `/${path}-b/_close`);
    await place.index(`${path}-c`, { mappings: { _source: { enabled: false } } });
    await using store = await place.open();
    const [keys, problems]: [string[], string[]] = [[], []];
    for await (const page of store.scan()) {
      keys.push(...page.entries.map(({ key }) => key));
      problems.push(...(page.problems ?? []).map(({ error, collection: whole }) => `${whole ?? 'one'}: ${error.code}`));
    }
    assert.deepEqual(keys, ['a/1']);
    assert.deepEqual(problems.toSorted(), ['b: unsupported', 'c: unsupported', 'one: unsupported']);
  });
}
