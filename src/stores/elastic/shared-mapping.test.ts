import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Collection, FieldType } from '../../model/collection.ts';
import type { Document } from '../../model/document.ts';
import { mappingFor } from './shared-mapping.ts';

function collection(name: string, types: { readonly [field: string]: FieldType }): Collection {
  return { name, key: ['id'], fields: Object.entries(types).map(([field, type]) => ({ name: field, type, nullable: true })) };
}

const integer: FieldType = { kind: 'integer', bits: 32 };
const users = collection('users', { id: integer, name: { kind: 'text' }, home: { kind: 'record', fields: [{ name: 'city', type: { kind: 'uuid' }, nullable: true }] } });

test('a mapping gains what it lacks for more collections, and keeps what is there', () => {
  const first = mappingFor([users], { field: 'type', mapping: undefined });
  assert.deepEqual([first['dynamic'], Object.keys(first['properties'] as Document)], [false, ['type', 'id', 'name', 'home']]);
  const orders = collection('orders', { id: { kind: 'integer', bits: 16 }, total: { kind: 'decimal' }, home: { kind: 'record', fields: [{ name: 'street', type: { kind: 'text' }, nullable: true }] } });
  const second = mappingFor([orders], { field: 'type', mapping: { ...first, dynamic: 'false', _meta: { ...first['_meta'] as Document, mine: 1 } } });
  assert.deepEqual(Object.keys(second['properties'] as Document), ['total', 'home']);
  assert.deepEqual(Object.keys(((second['properties'] as Document)['home'] as Document)['properties'] as Document), ['street']);
  const meta = second['_meta'] as { readonly mine: number; readonly syncline: { readonly collections: Document } };
  assert.deepEqual([meta.mine, Object.keys(meta.syncline.collections), second['dynamic']], [1, ['users', 'orders'], undefined]);
});

test('of two types under one name the one that is there has to hold the other', () => {
  const ids = (there: FieldType, wanted: FieldType): Document => mappingFor([collection('b', { id: wanted })], { field: 'type', mapping: mappingFor([collection('a', { id: there })], { field: 'type', mapping: undefined }) });
  for (const [there, wanted] of [[{ kind: 'uuid' }, integer], [{ kind: 'text' }, { kind: 'boolean' }], [{ kind: 'integer', bits: 64 }, integer], [{ kind: 'json' }, { kind: 'text' }]] as const) assert.deepEqual(ids(there, wanted)['properties'], {});
  for (const [there, wanted] of [[integer, { kind: 'uuid' }], [integer, { kind: 'integer', bits: 64 }], [{ kind: 'text' }, { kind: 'bytes' }], [{ kind: 'text' }, { kind: 'record', fields: [] }], [{ kind: 'bytes' }, { kind: 'text' }]] as const) {
    assert.throws(() => ids(there, wanted), { code: 'unsupported', message: /^b\.id would be of the type .*, and the index has a field of that name of the type / });
  }
});

test('a collection that has the field itself is refused, and one that nobody described is indexed as it comes', () => {
  assert.throws(() => mappingFor([collection('events', { type: { kind: 'text' } })], { field: 'type', mapping: undefined }), { code: 'unsupported', details: { hint: 'name another field with typeField' } });
  const loose = { name: 'notes', key: [], fields: [] };
  const made = mappingFor([loose], { field: 'type', mapping: undefined });
  assert.deepEqual([made['dynamic'], made['date_detection'], made['properties']], [true, false, { type: { type: 'keyword' } }]);
  assert.equal(mappingFor([loose], { field: 'type', mapping: mappingFor([users], { field: 'type', mapping: undefined }) })['dynamic'], true);
  // What somebody else decided stays so.
  assert.equal(mappingFor([loose], { field: 'type', mapping: { dynamic: 'strict', properties: {} } })['dynamic'], undefined);
});
