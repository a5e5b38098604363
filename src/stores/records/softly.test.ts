import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Collection, FieldType } from '../../model/collection.ts';
import type { Document, Value } from '../../model/document.ts';
import type { Entry } from '../../model/entry.ts';
import type { Store, Write } from '../../model/store.ts';
import { digestDocument } from '../../schema/digest.ts';
import { MemoryStore } from '../memory/memory-store.ts';
import { softly } from './softly.ts';

const s = 1_000_000;
const host = { now: (): number => 9_000 };

function held(store: MemoryStore): Store {
  return softly(store, { deleted: 'gone', modified: 'updated', host });
}

async function listed(store: Store): Promise<readonly Entry[]> {
  return (await Array.fromAsync(store.scan({ want: 'content' }))).flatMap(({ entries }) => entries);
}

function documentOf(entry: Entry | undefined): Document | undefined {
  return entry?.content?.kind === 'document' ? entry.content.document : undefined;
}

/** A place whose records have a field `gone` of this type. */
function typed(inner: MemoryStore, type: FieldType, nullable = true): Store {
  const described: Collection = { name: 't', key: ['id'], fields: [{ name: 'gone', type, nullable }] };
  return Object.defineProperties({}, {
    name: { value: inner.name }, identity: { value: inner.identity }, capabilities: { value: inner.capabilities },
    scan: { value: inner.scan.bind(inner) }, read: { value: inner.read.bind(inner) }, write: { value: inner.write.bind(inner) }, describe: { value: async () => [described] },
  }) as Store;
}

test('any value but nothing, false, zero and the empty text says that a record is deleted, and a time since when', async () => {
  const marks: readonly (readonly [mark: Value, deletedAt: number | undefined])[] = [
    [null, undefined], [false, undefined], [0, undefined], [0n, undefined], ['', undefined],
    [true, 3 * s], [1, 3 * s], ['yes', 3 * s], ['1970-01-01T00:00:05Z', 5 * s], ['1970-01-01T00:00:01Z', 3 * s],
  ];
  for (const [mark, deletedAt] of marks) {
    const inner = new MemoryStore();
    inner.edit('t/1', { a: 1, gone: mark }, { modifiedAt: 3 * s });
    for (const entry of [...await listed(held(inner)), (await held(inner).read([{ key: 't/1' }]))[0]]) {
      assert.deepEqual([entry?.deleted, entry?.modifiedAt, documentOf(entry)], [deletedAt === undefined ? undefined : true, deletedAt ?? 3 * s, { a: 1 }], String(mark));
      assert.deepEqual(entry?.digest, digestDocument({ a: 1 }));
      assert.equal(entry?.version, inner.peek('t/1')?.version);
    }
  }
});

test('a deletion is a mark, written by the type of the field, with the time at which it was deleted', async () => {
  const marks: readonly (readonly [type: FieldType, mark: Value])[] = [
    [{ kind: 'boolean' }, true], [{ kind: 'integer', bits: 32 }, 1], [{ kind: 'instant', precision: 1_000 }, '1970-01-01T00:00:05.123Z'], [{ kind: 'local', precision: 1 }, '1970-01-01T00:00:05.123456'],
    [{ kind: 'date' }, '1970-01-01'], [{ kind: 'text' }, '1970-01-01T00:00:05.123456Z'],
  ];
  for (const [type, mark] of marks) {
    const inner = new MemoryStore();
    inner.edit('t/1', { a: 1, updated: 'then' }, { modifiedAt: 1 * s });
    const store = softly(typed(inner, type), { deleted: 'gone', modified: 'updated', host });
    const outcomes = await store.write([{ kind: 'delete', ref: { key: 't/1' }, tombstone: { key: 't/1', deleted: true, modifiedAt: 5_123_456 } }]);
    assert.deepEqual([outcomes, inner.dump()['t/1'], inner.peek('t/1')?.modifiedAt], [[{ kind: 'done', stat: {} }], { a: 1, gone: mark }, 5_123_456]);
  }
});

test('who says nothing of the time deletes now, and what is deleted already stays as it is', async () => {
  const inner = new MemoryStore();
  inner.edit('t/1', { a: 1 }, { modifiedAt: 1 * s });
  const write: Write = { kind: 'delete', ref: { key: 't/1' } };
  await held(inner).write([write]);
  const version = inner.peek('t/1')?.version;
  assert.equal(inner.peek('t/1')?.modifiedAt, 9 * s);
  assert.deepEqual(await held(inner).write([write, { kind: 'delete', ref: { key: 't/2' } }]), [{ kind: 'done', stat: {} }, { kind: 'done', stat: {} }]);
  assert.equal(inner.peek('t/1')?.version, version);
});

test('nothing is marked that is not as it is expected to be', async () => {
  const inner = new MemoryStore();
  inner.edit('t/1', { a: 1 }, { modifiedAt: 5 * s });
  const { version } = inner.peek('t/1')!;
  const told = async (expect: Write['expect']): Promise<string | undefined> => (await held(inner).write([{ kind: 'delete', ref: { key: 't/1' }, ...(expect && { expect }) }]))[0]?.kind;
  assert.deepEqual([await told({ version: 'another' }), await told({ absent: true }), await told({ older: 5 * s })], ['stale', 'stale', 'stale']);
  assert.equal(inner.peek('t/1')?.version, version);
  assert.equal(await told({ version: version! }), 'done');
  assert.deepEqual((await held(inner).write([{ kind: 'delete', ref: { key: 't/none' }, expect: { version: 'v' } }]))[0], { kind: 'stale', found: undefined });
});

test('a record that is alive clears the field, where it has to hold something, and is compared without it', async () => {
  const inner = new MemoryStore();
  const store = softly(typed(inner, { kind: 'boolean' }, false), { deleted: 'gone', host });
  inner.edit('t/1', { a: 1, gone: true }, { modifiedAt: 1 * s });
  const [outcome] = await store.write([{ kind: 'put', entry: { key: 't/1', modifiedAt: 2 * s, content: { kind: 'document', document: { a: 2 } } }, expect: { older: 2 * s } }]);
  assert.deepEqual(inner.dump()['t/1'], { a: 2, gone: false });
  assert.deepEqual(outcome?.kind === 'done' && outcome.stat.digest, digestDocument({ a: 2 }));
  const [entry] = await listed(store);
  assert.deepEqual([entry?.deleted, documentOf(entry), entry?.digest], [undefined, { a: 2 }, digestDocument({ a: 2 })]);
});

test('what a deleted record held last is what is kept of it', async () => {
  const inner = new MemoryStore();
  inner.edit('t/1', { a: 'early' }, { modifiedAt: 1 * s });
  await held(inner).write([{ kind: 'delete', ref: { key: 't/1' }, tombstone: { key: 't/1', deleted: true, modifiedAt: 5 * s, content: { kind: 'document', document: { a: 'last' } } } }]);
  assert.deepEqual(inner.dump()['t/1'], { a: 'last', gone: '1970-01-01T00:00:05Z' });
});

test('a collection without the field is not asked after with each batch that is put there', async () => {
  const inner = new MemoryStore();
  let asked = 0;
  const place = softly(Object.assign(inner, { describe: async () => (asked++, [{ name: 't', key: ['id'], fields: [] }]) }), { deleted: 'gone', host });
  for (let i = 0; i < 5; i++) await place.write([{ kind: 'put', entry: { key: `t/${i}`, content: { kind: 'document', document: {} } } }]);
  assert.equal(asked, 1);
  // What is to be marked may have got the field since, and one that was not there may be by now.
  await place.write([{ kind: 'delete', ref: { key: 't/1' } }]);
  await place.write([{ kind: 'put', entry: { key: 'u/1', content: { kind: 'document', document: {} } } }]);
  assert.equal(asked, 3);
});
