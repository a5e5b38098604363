import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import fc from 'fast-check';
import { canonicalJson } from '../../lib/canonical-json.ts';
import { codecOf, jsonCodec } from './codec-of.ts';
import { parseCqlType } from './cql-type.ts';
import { RawRows } from './raw-rows.ts';
import { entryOfRow, entryOfText, readingOf } from './records.ts';
import { RowTexts } from './row-text.ts';
import type { Column, Table } from './tables.ts';

const require = createRequire(import.meta.url);
const Encoder = require('cassandra-driver/lib/encoder.js') as new (version: number, options: object) => ConstructorParameters<typeof RawRows>[0]['encoder'];
const encoder = new Encoder(4, { encoding: { map: Map, useBigIntAsLong: true, useBigIntAsVarint: true, copyBuffer: true } });
/** The numbers of types in the protocol. */
const codes: { readonly [name: string]: number } = { ascii: 1, bigint: 2, blob: 3, boolean: 4, decimal: 6, double: 7, float: 8, int: 9, text: 13, timestamp: 11, uuid: 12, varint: 14, timeuuid: 15, inet: 16, date: 17, time: 18, smallint: 19, tinyint: 20, list: 32 };

const bytes = (size: number): fc.Arbitrary<Buffer> => fc.uint8Array({ minLength: size, maxLength: size }).map((one) => Buffer.from(one));
const text = fc.oneof(fc.string({ unit: 'binary' }).filter((one) => one.isWellFormed()), fc.constantFrom('', 'ä', '"', '\\', '\n\u0001', '\u2028😀', 'a/b', '%2F')).map((one) => Buffer.from(one));
const doubles = fc.oneof(fc.double(), fc.constantFrom(-0, 1e20, 1e21, 0.1, -3, 2 ** 53, Infinity, 1e-7));
const double = doubles.map((one) => { const cell = Buffer.alloc(8); cell.writeDoubleBE(one); return cell; });
const millis = fc.oneof(fc.integer({ min: -4e13, max: 3e14 }), fc.constantFrom(0, 8.64e15, 9e15, -62_135_596_800_000)).map((one) => { const cell = Buffer.alloc(8); cell.writeBigInt64BE(BigInt(one)); return cell; });
const long = fc.oneof(bytes(8), fc.constantFrom(0n, -1n, 2n ** 53n, -(2n ** 53n), 2n ** 53n - 1n).map((one) => { const cell = Buffer.alloc(8); cell.writeBigInt64BE(one); return cell; }));
const list = fc.array(double, { maxLength: 3 }).map((items) => Buffer.concat([Buffer.from([0, 0, 0, items.length]), ...items.flatMap((item) => [Buffer.from([0, 0, 0, 8]), item])]));
const json = fc.json().map((one) => Buffer.from(one));
const cells: { readonly [type: string]: fc.Arbitrary<Buffer> } = {
  text, ascii: fc.string({ unit: 'grapheme-ascii' }).map((one) => Buffer.from(one)), bigint: long, int: bytes(4), smallint: bytes(2), tinyint: bytes(1), boolean: fc.constantFrom(Buffer.of(0), Buffer.of(1)),
  double, timestamp: millis, uuid: bytes(16), timeuuid: bytes(16), blob: text, varint: bytes(9), inet: bytes(4), 'list<double>': list,
};

function column(name: string, type: string, { key = false, holdsJson = false }: { readonly key?: boolean; readonly holdsJson?: boolean } = {}): Column {
  const parsed = parseCqlType(type, new Map());
  return { name, cql: name, kind: key ? 'partition_key' : 'regular', type: parsed, codec: holdsJson ? jsonCodec : codecOf(parsed), json: holdsJson, order: 'none' };
}

function tableOf(columns: readonly Column[]): Table {
  const key = columns.filter(({ kind }) => kind === 'partition_key');
  return { name: 'a/b', cql: 'a', columns, partition: key, clustering: [], key, rest: columns.filter((one) => !key.includes(one)), modified: undefined, modifiedUnit: undefined, versioned: false, indexed: false, counts: false };
}

function rowsOf(columns: readonly (readonly [name: string, type: string])[], rows: readonly (readonly (Buffer | null)[])[]): RawRows {
  const framed = rows.flat().flatMap((cell) => {
    const size = Buffer.alloc(4);
    size.writeInt32BE(cell?.length ?? -1);
    return cell ? [size, cell] : [size];
  });
  const start = Buffer.from('what comes before');
  const told = columns.map(([name, type]) => (type === 'list<double>' ? { name, type: { code: codes['list']!, info: { code: codes['double']! } } } : { name, type: { code: codes[type]! } }));
  return new RawRows({ length: rows.length, bytes: Buffer.concat([start, ...framed]), start: start.length, columns: told, encoder });
}

test('a row that is written as text is the entry that its values make', () => {
  const named = Object.keys(cells).map((type): [string, string] => [`${type} "ä"`, type]).concat([['json', 'text'], ['n', 'int'], ['n text', 'text']]).sort(([a], [b]) => (a < b ? -1 : 1));
  const table = tableOf(named.map(([name, type]) => column(name, type, { key: name === 'n' || name === 'n text', holdsJson: name === 'json' })));
  const row = fc.tuple(...named.map(([name, type]) => fc.option(name === 'json' ? json : cells[type]!, { freq: type === 'blob' ? 1 : name === 'n' ? 20 : 3 })));
  let written = 0;
  fc.assert(fc.property(fc.array(row, { minLength: 1, maxLength: 3 }), (rows) => {
    const raw = rowsOf(named, rows);
    const texts = new RowTexts(table, raw);
    assert.ok(texts.fits(raw));
    let at = raw.start;
    for (let i = 0; i < raw.length; i++) {
      const { row: values, end } = raw.rowAt(at);
      let told = false;
      try {
        told = texts.read(raw.bytes, at);
      } catch {
        // Whoever reads the values is told why.
      }
      if (told) {
        written++;
        const [entry, wanted] = [entryOfText(table, texts, readingOf('here')), entryOfRow(table, values)!];
        assert.deepEqual([entry.key, entry.version, entry.digest, texts.end], [wanted.key, wanted.version, wanted.digest, end]);
        assert.equal(canonicalJson(entry.content.document), canonicalJson(wanted.content.document));
        assert.deepEqual(JSON.parse(JSON.stringify(entry.content.document, plainly)), JSON.parse(JSON.stringify(wanted.content.document, plainly)));
      }
      at = end;
    }
    assert.equal(raw.all().length, raw.length);
  }), { numRuns: 500 });
  assert.ok(written > 30, `${written} rows were written as text`);
});

/** Integers that are numbers are told from those that are not. */
function plainly(_name: string, value: unknown): unknown {
  return typeof value === 'bigint' ? `${value}n` : Object.is(value, -0) ? '-0' : value;
}

test('what cannot be read back from text as it was is left to be read as values', () => {
  const told = (type: string, cell: Buffer | null): boolean => {
    const columns = [['id', 'int'], ['of', type]] as const;
    const raw = rowsOf(columns, [[Buffer.of(0, 0, 0, 7), cell]]);
    return new RowTexts(tableOf([column('id', 'int', { key: true }), column('of', type)]), raw).read(raw.bytes, raw.start);
  };
  const doubleOf = (value: number): Buffer => { const cell = Buffer.alloc(8); cell.writeDoubleBE(value); return cell; };
  for (const value of [-0, 1e20, NaN, -Infinity]) assert.equal(told('double', doubleOf(value)), false, String(value));
  for (const value of [0, 0.1, -5, 2 ** 53 - 1]) assert.equal(told('double', doubleOf(value)), true, String(value));
  assert.equal(told('blob', Buffer.of(1)), false);
  assert.equal(told('list<double>', Buffer.concat([Buffer.from([0, 0, 0, 1, 0, 0, 0, 8]), doubleOf(-0)])), false);
  assert.equal(told('bigint', Buffer.alloc(0)), false);
  for (const [type, cell] of [['text', Buffer.from('"\n')], ['text', null], ['list<double>', Buffer.from([0, 0, 0, 0])]] as const) assert.equal(told(type, cell), true, type);
});

test('answers with other columns than the table is known to have are left to be read as values', () => {
  const table = tableOf([column('id', 'int', { key: true }), column('of', 'text')]);
  const rows = (columns: readonly (readonly [string, string])[]): RawRows => rowsOf(columns, []);
  const own = rows([['id', 'int'], ['of', 'text']]);
  assert.equal(RowTexts.fit(table, own), true);
  assert.equal(RowTexts.fit(table, rows([['id', 'int']])), false);
  assert.equal(RowTexts.fit(table, rows([['id', 'int'], ['off', 'text']])), false);
  assert.equal(new RowTexts(table, own).fits(rows([['id', 'int'], ['of', 'blob']])), false);
});
