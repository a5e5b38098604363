import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { canonicalJson } from '../../lib/canonical-json.ts';
import { readJson } from '../../formats/json.ts';
import type { Document, Value } from '../../model/document.ts';
import { splitHits } from './hit-splitter.ts';
import type { SplitHit } from './hit-splitter.ts';

const text = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('_source', 'hits', '"', '\\', '😀', '\uD800', '\u2028', 'ä'));
const number = fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }).map(String), fc.bigInt().map(String), fc.constantFrom('-0', '1.0', '9007199254740993', '0.10000000000000000001', '1e400', '1E+22', '-0.0e-7', `1${'0'.repeat(400)}`));
const blank = fc.constantFrom('', '', '', ' ', '  ', '\n', '\r\n\t');
const quoted = fc.tuple(text, fc.boolean()).map(([value, escaped]) => (escaped ? JSON.stringify(value).replace(/[^\x20-\x7e]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`) : JSON.stringify(value)));
const { source } = fc.letrec<{ value: string; source: string; list: string }>((tie) => ({
  value: fc.oneof({ depthSize: 'small' }, quoted, number, fc.constantFrom('true', 'false', 'null'), tie('source'), tie('list')),
  list: fc.tuple(blank, fc.array(tie('value'), { maxLength: 3 })).map(([space, items]) => `[${space}${items.join(`,${space}`)}]`),
  source: fc.tuple(blank, fc.array(fc.tuple(quoted, tie('value')), { maxLength: 3 })).map(([space, fields]) => `{${space}${fields.map(([name, field]) => `${name}${space}:${field}`).join(`${space},`)}}`),
}));
const hit = fc.record({ id: quoted, source, extra: fc.constantFrom('', '', '"_routing":"x",', '"_score":null,', '"found":true,', '"found":false,', '"_ignored":["a"],'), sequence: fc.nat() })
  .map(({ id, source: held, extra, sequence }) => `{"_index":"a","_id":${id},${extra}"_seq_no":${sequence},"_primary_term":1,"_source":${held},"sort":[${sequence}]}`);
const answer = fc.tuple(blank, fc.array(hit, { maxLength: 4 })).map(([space, hits]) => `{"took":1,${space}"hits":{"max_score":null,"hits":[${space}${hits.join(`${space},`)}]${space}},"pit_id":"x"}`);

/** What an answer says, read as a whole; `undefined` where it cannot be. */
function whole(of: string): Document | undefined {
  try {
    return readJson(of, 'here') as Document;
  } catch {
    return undefined;
  }
}

function agrees(body: string): boolean {
  const split = splitHits(Buffer.from(body), ['hits', 'hits']);
  if (!split) return false;
  const envelope = whole(split.envelope) as { readonly hits: { readonly hits: readonly Document[] } } | undefined;
  if (!envelope) return false;
  assert.deepEqual(envelope.hits.hits, []);
  const read = whole(Buffer.from(body).toString()) as { readonly hits: { readonly hits: readonly Document[] } } | undefined;
  // Where one number is beyond what can be read, only that document is.
  if (!read) return true;
  assert.deepEqual(plain({ ...read, hits: { ...read.hits, hits: [] } }), plain(envelope));
  assert.equal(split.hits.length, read.hits.hits.length);
  for (const [i, found] of split.hits.entries()) {
    const wanted: Document = read.hits.hits[i]!;
    if (typeof found === 'string') {
      assert.deepEqual(plain(readJson(found, 'here')), plain(wanted));
      continue;
    }
    assert.ok(!/[\r\n\t]/.test(found.source));
    assert.deepEqual([found.id, found.sequence, found.term], [wanted['_id'], wanted['_seq_no'], wanted['_primary_term']]);
    const held = readJson(found.source, 'here');
    assert.deepEqual(plain(held), plain(wanted['_source']));
    if (found.canonical) assert.equal(canonicalJson(held), found.source);
  }
  if (split.sort !== undefined) assert.deepEqual(readJson(split.sort, 'here'), read.hits.hits.at(-1)!['sort']);
  return true;
}

function plain(of: Value | undefined): Value | undefined {
  return Array.isArray(of) ? (of as readonly Value[]).map((item) => plain(item)!) : typeof of === 'object' && of !== null ? Object.fromEntries(Object.entries(of as Document).map(([name, field]) => [name, plain(field)!])) : of;
}

test('an answer that is taken apart says what it says as a whole', () => {
  fc.assert(fc.property(answer, (body) => {
    assert.ok(agrees(body));
  }), { numRuns: 500 });
});

test('an answer that is damaged anywhere is not taken apart into anything else', () => {
  fc.assert(fc.property(answer, fc.nat(), fc.constantFrom('', '"', '\\', '{', '}', '[', ']', ',', ':', '0', '.', 'e', '\n', '\u0001', '/', '-'), fc.nat({ max: 2 }), (body, at, put, cut) => {
    const start = at % body.length;
    const damaged = body.slice(0, start) + put + body.slice(start + cut);
    if (agrees(damaged) && !whole(damaged)) assert.match(damaged, /\d[eE][+-]?\d{3}|\d{300}/);
  }), { numRuns: 2_000 });
});

/** What is told of a document with this text. */
function hitOf(held: string): SplitHit | string {
  const [one] = splitHits(Buffer.from(`{"docs":[{"_id":"a","_seq_no":1,"_primary_term":1,"_source":${held}}]}`), ['docs'])!.hits;
  return one!;
}

function isCanonical(held: string): boolean {
  const found = hitOf(held);
  return typeof found !== 'string' && found.canonical;
}

test('text of which digests are made is known as such, whatever numbers and names it holds, and no other text is', () => {
  const name = fc.oneof(fc.stringMatching(/^[a-c"\\0-9]{0,3}$/).filter((one) => !/["\\]/.test(one)), fc.constantFrom('a', 'ab', 'ä', '10', '9', '__proto__'));
  const scalar = fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.integer(), fc.constantFrom(0.1, 1e-6, 1.5e-7, 1e21, 1e22, 5e-324, 123456.789, -0.25, 0.000123, 1e15 + 0.5, -0), fc.bigInt(), fc.stringMatching(/^[a-z"\\\n]{0,4}$/), fc.constantFrom('ä', '\u2028', '\u0007', null, true));
  const { value } = fc.letrec<{ value: unknown }>((tie) => ({ value: fc.oneof({ depthSize: 'small' }, scalar, fc.array(tie('value'), { maxLength: 3 }), fc.dictionary(name, tie('value'), { maxKeys: 4 })) }));
  fc.assert(fc.property(fc.dictionary(name, value, { maxKeys: 4 }), (document) => {
    const canonical = canonicalJson(document);
    const told = isCanonical(canonical);
    // Names beyond ASCII, escapes by number, long exponents and long numbers are not looked at closely.
    if (!/[^\x20-\x7e]|\\u|e-\d{3}|\d{300}/.test(canonical)) assert.ok(told, canonical);
    const other = JSON.stringify(document, (_, one: unknown) => (typeof one === 'bigint' ? Number(one) : one));
    if (isCanonical(other)) assert.equal(canonicalJson(readJson(other, 'here')), other);
  }), { numRuns: 1_000 });
  for (const held of ['{"a":1,"b":{"a":[1.5,-2,0.1,1e-7]}}', '{"10":1,"9":2}', '{"a":"\\n\\"","ab":"ä"}', '{"n":12345678901234567890}']) assert.ok(isCanonical(held), held);
  for (const held of ['{"b":1,"a":2}', '{"a":1,"a":2}', '{"a": 1}', '{"a":1.0}', '{"a":-0}', '{"a":1e2}', '{"a":1e+22}', '{"a":0.10}', '{"a":"\\/"}', '{"a":"\\u0041"}', '{"a":{"b":[{"d":1,"c":1}]}}', '{"a":0.1000000000000000055}', '{"a":-0.0}', '{"a":12345678901234567890.5}']) assert.ok(!isCanonical(held), held);
});

test('text that not everybody takes, and what is more than a line, is left to be read', () => {
  const found = (held: string): string => {
    const one = hitOf(held);
    return typeof one === 'string' ? 'text' : one.source;
  };
  for (const held of ['{"a":"\\ud83d\\ude00"}', '{"n":12345678901234567890}', '{"d":0.1000000000000000055511151231257827}', '{"a":1,"a":2}', '{ "a" : [ ] }', '{}']) assert.equal(found(held), held);
  for (const held of ['{"a":"\\ud83d"}', '{"a":"\\ude00\\ud83d"}', '{"n":1e400}', '{\n}', '"text"', '1']) assert.equal(found(held), 'text');
});
