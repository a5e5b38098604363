import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Collection } from '../../model/collection.ts';
import type { Document, Value } from '../../model/document.ts';
import { checkRules } from './check.ts';
import { fieldsInward, fieldsOutward } from './describing.ts';
import { inward, NoCounterpart, outward } from './mapping.ts';
import type { Maskers } from './mapping.ts';
import { parseDrop, parseMask, parseRename } from './rules.ts';
import type { Rule } from './rules.ts';
import { shapeOf } from './shape.ts';
import type { Shape } from './shape.ts';

const maskers: Maskers = { hash: (text) => `#${text}`, redact: () => 'x', last4: (text) => text.slice(-4) };

function rulesOf({ rename = [], drop = [], mask = [] }: { readonly rename?: readonly string[]; readonly drop?: readonly string[]; readonly mask?: readonly string[] }): readonly Rule[] {
  return [...rename.map(parseRename), ...drop.map(parseDrop), ...mask.map(parseMask)];
}

function shape(given: Parameters<typeof rulesOf>[0]): Shape {
  return shapeOf(rulesOf(given), 't')!;
}

const orders: Collection = {
  name: 'orders', key: ['id'],
  fields: [
    { name: 'id', type: { kind: 'integer', bits: 64 }, nullable: false },
    { name: 'state', type: { kind: 'text' }, nullable: true },
    { name: 'total', type: { kind: 'integer', bits: 32 }, nullable: true },
    { name: 'tags', type: { kind: 'set', of: { kind: 'integer', bits: 32 } }, nullable: true },
    { name: 'to', type: { kind: 'record', fields: [{ name: 'city', type: { kind: 'text' }, nullable: true }, { name: 'street', type: { kind: 'text' }, nullable: true }] }, nullable: true },
    { name: 'more', type: { kind: 'json' }, nullable: true },
    { name: 'updated', type: { kind: 'instant', precision: 1 }, nullable: true },
  ],
};

test('a rule that cannot be read says what it must be', () => {
  for (const text of ['', 'a', '=b', 'a=', 'a.b=c=d', 'a.b=c.d', '*.a=*', '*=b', 'a..b=c', '.a=c', 'a.*=c']) assert.throws(() => parseRename(text), { code: 'invalid', message: /^must / }, text);
  for (const text of ['', 'a', 'a.', 'a.b=c', '.a', 'a.b*']) assert.throws(() => parseDrop(text), { code: 'invalid', message: /^must / }, text);
  for (const text of ['a.b', 'a.b=', 'a.b=md5', 'a=hash', 'a.b.*=hash']) assert.throws(() => parseMask(text), { code: 'invalid', message: /^must / }, text);
});

test('a backslash makes dots, stars and equals signs parts of a name', () => {
  const rule = parseRename(String.raw`logs-2024\.01.a\=b\*.c=d\.e`);
  assert.deepEqual(rule.kind === 'rename' && [rule.collection.matches('logs-2024.01'), rule.collection.matches('logs-2024x01'), rule.path, rule.to], [true, false, ['a=b*', 'c'], 'd.e']);
  const pattern = parseDrop(String.raw`a*\?.b`);
  assert.deepEqual(pattern.kind === 'drop' && ['a?', 'aXX?', 'aXX', 'b?'].map(pattern.collection.matches), [true, true, false, false]);
  const one = parseDrop('a?.b');
  assert.deepEqual(one.kind === 'drop' && ['aX', 'a\u{1F600}', 'a', 'aXX'].map(one.collection.matches), [true, true, false, false]);
});

test('what is renamed, dropped and masked comes across so, in records within records and in lists of them', () => {
  const given = shape({ rename: ['t.state=status', 't.to=address', 't.to.city=town'], drop: ['*.notes', 't.items.cost'], mask: ['t.email=hash', 't.to.street=redact', 't.items.card=last4'] });
  const seen = outward({ id: 1, state: 'open', notes: 'n', email: ['a', null, 5n], to: { city: 'x', street: 'y', zip: 1 }, items: [{ cost: 1, card: '12345' }, 'loose'] }, given, maskers);
  assert.deepEqual(seen, { id: 1, status: 'open', email: ['#a', null, '#5'], address: { town: 'x', street: 'x', zip: 1 }, items: [{ card: '2345' }, 'loose'] });
});

test('a record goes across and back and is what it was, whatever is in it', () => {
  const name = fc.constantFrom('a', 'b', 'c', 'd', '__proto__');
  const { value } = fc.letrec<{ value: Value }>((tie) => ({ value: fc.oneof({ maxDepth: 4 }, fc.constantFrom<Value>(null, 1, 'x'), fc.array(tie('value'), { maxLength: 3 }), fc.dictionary(name, tie('value'), { noNullPrototype: true })) }));
  const document = fc.dictionary(name, value, { noNullPrototype: true }) as fc.Arbitrary<Document>;
  const shapes = [
    shape({ rename: ['t.a=b', 't.b=a'], drop: ['t.c.a'], mask: ['t.d=hash'] }),
    shape({ rename: ['t.a.b=c', 't.a.c=d', 't.a.d=b', 't.b=z'], drop: ['t.c'], mask: ['t.d.a.b=redact', 't.a.a=last4'] }),
  ];
  fc.assert(fc.property(fc.constantFrom(...shapes), document, (given, held) => {
    assert.deepEqual(inward(outward(held, given, maskers), given, held, maskers), held);
  }), { numRuns: 500 });
});

test('what does not come across is kept, whatever is written over the rest', () => {
  const given = shape({ drop: ['t.notes', 't.to.street'], mask: ['t.email=redact'] });
  const held = { notes: 'n', email: 'e', to: { street: 's', city: 'c' }, old: 1 };
  assert.deepEqual(inward({ email: 'x', to: { city: 'd' }, fresh: 2 }, given, held, maskers), { to: { city: 'd', street: 's' }, fresh: 2, notes: 'n', email: 'e' });
  assert.deepEqual(inward({}, given, held, maskers), { notes: 'n', email: 'e', to: { street: 's' } });
  assert.deepEqual(inward({ to: null }, given, { to: { street: 's' } }, maskers), { to: { street: 's' } });
  assert.deepEqual(inward({ notes: 'theirs', email: 'x', to: {} }, given, undefined, maskers), { to: {} });
  for (const to of ['text', [{ city: 'c' }]]) assert.throws(() => inward({ to }, given, held, maskers), NoCounterpart);
});

test('of a list with something hidden in its items nothing is guessed', () => {
  const given = shape({ drop: ['t.items.cost'] });
  const held = { items: [{ id: 1, cost: 5 }, { id: 2 }] };
  assert.deepEqual(inward({ items: [{ id: 1 }, { id: 2 }] }, given, held, maskers), held);
  for (const document of [{ items: [{ id: 2 }, { id: 1 }] }, {}, { items: { id: 1 } }]) assert.throws(() => inward(document, given, held, maskers), NoCounterpart);
  assert.deepEqual(inward({ items: [{ id: 3, cost: 9 }] }, given, { items: [{ id: 1 }] }, maskers), { items: [{ id: 3 }] });
});

test('two fields never become one', () => {
  const given = shape({ rename: ['t.state=status'] });
  assert.throws(() => outward({ state: 1, status: 2 }, given, maskers), NoCounterpart);
  assert.throws(() => inward({ state: 1 }, given, undefined, maskers), NoCounterpart);
  assert.deepEqual(outward({ state: 1, status: 2 }, shape({ rename: ['t.state=status'], drop: ['t.status'] }), maskers), { status: 1 });
});

test('rules that contradict one another are refused, each by its name', () => {
  const contradictory: readonly Parameters<typeof rulesOf>[0][] = [
    { rename: ['t.a=c', 't.b=c'] }, { rename: ['t.a=b', '*.a=c'] }, { rename: ['t.a=b'], drop: ['t.a'] }, { drop: ['t.a'], mask: ['*.a=hash'] }, { mask: ['t.a=hash', 't.a=redact'] },
    { drop: ['t.a', 't.a.b'] }, { drop: ['t.a.b', 't.a'] }, { mask: ['t.a=hash'], rename: ['t.a.b=c'] }, { rename: ['t.a=b'], mask: ['t.b=hash'] },
  ];
  for (const given of contradictory) assert.throws(() => checkRules(rulesOf(given), { name: 'left', collections: undefined, times: [] }), { code: 'invalid', message: /^(?:rename|drop|mask) / }, JSON.stringify(given));
  for (const given of [{ drop: ['t.a', '*.a'] }, { rename: ['t.a=b', 't.b=a'] }, { rename: ['t.a=b'], mask: ['t.a=hash'] }]) checkRules(rulesOf(given), { name: 'left', collections: undefined, times: [] });
});

test('rules that are not about what is there are refused before anything is read', () => {
  const check = (given: Parameters<typeof rulesOf>[0], collections: readonly Collection[] | undefined = [orders, { ...orders, name: 'old' }]): void => checkRules(rulesOf(given), { name: 'left', collections, times: ['updated'] });
  const wrong: readonly (readonly [Parameters<typeof rulesOf>[0], RegExp])[] = [
    [{ drop: ['orders.nothing'] }, /there is no field nothing in orders/], [{ drop: ['nowhere.state'] }, /has no collection nowhere/], [{ rename: ['nowhere=x'] }, /has no collection nowhere/],
    [{ drop: ['*.to.country'] }, /there is no field to\.country/], [{ drop: ['orders.state.deep'] }, /there is no field/],
    [{ drop: ['*.id'] }, /id is in the key of orders/], [{ mask: ['orders.id=hash'] }, /in the key/], [{ drop: ['orders.updated'] }, /when a record was modified/], [{ mask: ['*.updated=redact'] }, /when a record was modified/],
    [{ rename: ['orders.state=total'] }, /there is a field total already/], [{ rename: ['orders.to.city=street'] }, /there is a field street already/],
    [{ rename: ['orders=old'] }, /has a collection old already/], [{ rename: ['orders=x', 'old=x'] }, /gives the same name to another/], [{ rename: ['orders=x', 'orders=y'] }, /gives it another name/],
  ];
  for (const [given, message] of wrong) assert.throws(() => check(given), { code: 'invalid', message }, JSON.stringify(given));
  assert.throws(() => check({ drop: ['orders.id'] }, [{ ...orders, key: [] }]), /known by their id/);
  for (const given of [{ rename: ['orders.id=number', 'orders.updated=at', 'orders.state=total', 'orders.total=state'] }, { rename: ['orders=old', 'old=orders'] }, { drop: ['*.more.deep.er'] }, { mask: ['orders.tags=hash'] }]) check(given);
});

test('what is described fits what comes across', () => {
  const given = shapeOf(rulesOf({ rename: ['orders.id=number', 'orders.to.city=town'], drop: ['orders.more', 'orders.to.street'], mask: ['orders.total=hash', 'orders.tags=hash'] }), 'orders')!;
  const fields = fieldsOutward(orders.fields, given);
  assert.deepEqual(fields.map(({ name, type }) => [name, type.kind]), [['number', 'integer'], ['state', 'text'], ['total', 'text'], ['tags', 'list'], ['to', 'record'], ['updated', 'instant']]);
  assert.deepEqual(fields.flatMap(({ type }) => (type.kind === 'record' ? type.fields.map(({ name }) => name) : type.kind === 'list' ? [type.of.kind] : [])), ['text', 'town']);
  assert.deepEqual(fieldsInward(fields, given).map(({ name }) => name), ['id', 'state', 'to', 'updated']);
});
