import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { describe, test } from 'node:test';
import { parseDrop, parseMask, parseRename } from '../../core/rules/rules.ts';
import type { Document } from '../../model/document.ts';
import { joinKey } from '../../model/key.ts';
import type { Expectation, Hint, Outcome, Store, Write } from '../../model/store.ts';
import { MemoryStore } from '../../stores/memory/memory-store.ts';
import { testStore } from '../../testing/index.ts';
import type { Subject } from '../../testing/index.ts';
import { fingerprintOf, maskersWith } from './maskers.ts';
import { dropsOf, RuledNames } from './naming.ts';
import { ruled } from './ruled.ts';

const key = Buffer.from('a key that is long enough');

interface Given {
  readonly rename?: readonly string[];
  readonly drop?: readonly string[];
  readonly mask?: readonly string[];
}

function namesOf({ rename = [], drop = [], mask = [] }: Given): RuledNames {
  return new RuledNames([...rename.map(parseRename), ...drop.map(parseDrop), ...mask.map(parseMask)]);
}

function under<Place extends Store>(store: Place, given: Given, warn?: (sentence: string) => void): Store {
  return ruled<Store>(store, { naming: namesOf(given), maskers: maskersWith(key), identity: 'these', ...(warn && { warn }) });
}

function inItems(open: () => Store, given: Given): Subject {
  return { open: async () => under(open(), given), key: (name) => joinKey(['item', name]) };
}

const renames = { rename: ['thing=item', 'thing.inner=value'] };
const losses = { rename: ['thing=item', '*.inner=value'], drop: ['thing.secret'], mask: ['*.email=hash'] };
const subjects: { readonly [name: string]: Subject } = {
  'renamed': inItems(() => new MemoryStore(), renames),
  'renamed, in no order': inItems(() => new MemoryStore({ order: 'none', pageEntries: 3, batchEntries: 4 }), renames),
  'with fields that do not come across': inItems(() => new MemoryStore(), losses),
  'with fields that do not come across, where nothing is enforced': inItems(() => new MemoryStore({ expects: [], modifiedAt: 'assigned' }), losses),
  'with fields that do not come across, where times alone are enforced': inItems(() => new MemoryStore({ expects: ['older'] }), losses),
  'the right side of a merge': { open: async () => ruled<Store>(new MemoryStore(), { naming: dropsOf(namesOf(losses))!, maskers: maskersWith(key), identity: 'drops' }), key: (name) => joinKey(['item', name]) },
};
for (const [name, subject] of Object.entries(subjects)) describe(`under rules, ${name}`, () => testStore(test, subject));

const record = { id: 1, state: 'open', notes: 'ours', email: 'a@b.c' };
const rules = { rename: ['orders=purchases', 'orders.state=status'], drop: ['orders.notes'], mask: ['orders.email=hash'] };

async function held(store: Store, at: string): Promise<Document | undefined> {
  const [entry] = await store.read([{ key: at }]);
  return entry?.content?.kind === 'document' ? entry.content.document : undefined;
}

async function put(store: Store, document: Document, expect?: Expectation, modifiedAt?: number): Promise<Outcome | undefined> {
  return (await store.write([{ kind: 'put', entry: { key: 'purchases/1', content: { kind: 'document', document }, ...(modifiedAt !== undefined && { modifiedAt }) }, ...(expect && { expect }) }]))[0];
}

describe('a place under rules', () => {
  test('tells of deletions under the names of the other side, and is told of them under its own', async () => {
    const told: Write[] = [];
    const inner = new MemoryStore();
    const store: Store = {
      name: inner.name, identity: inner.identity, capabilities: inner.capabilities, scan: inner.scan.bind(inner), read: inner.read.bind(inner),
      async *tombstones() { yield { entries: [{ key: 'orders/1', deleted: true, modifiedAt: 5 }] }; },
      write: async (batch) => {
        told.push(...batch);
        return batch.map(() => ({ kind: 'done', stat: {} }));
      },
      async [Symbol.asyncDispose]() {},
    };
    const shown = under(store, rules);
    const found = (await Array.fromAsync(shown.tombstones?.() ?? [])).flatMap(({ entries }) => entries);
    assert.deepEqual(found, [{ key: 'purchases/1', deleted: true, modifiedAt: 5, place: 'orders/1' }]);
    await shown.write([{ kind: 'delete', ref: { key: 'purchases/1' }, tombstone: { ...found[0]!, content: { kind: 'document', document: { status: 'open' } } } }]);
    assert.deepEqual(told, [{ kind: 'delete', ref: { key: 'orders/1' }, tombstone: { key: 'orders/1', deleted: true, modifiedAt: 5, place: 'orders/1' } }]);
  });

  test('shows collections, fields, keys and digests as the other side wants them, and no value that is masked', async () => {
    const store = new MemoryStore();
    store.edit('orders/1', record);
    const place = under(store, rules);
    const pages = await Array.fromAsync(place.scan({ want: 'content' }));
    const [entry] = pages.flatMap(({ entries }) => entries);
    assert.equal(entry?.key, 'purchases/1');
    const { email, ...rest } = (await held(place, 'purchases/1'))!;
    assert.deepEqual(rest, { id: 1, status: 'open' });
    assert.match(String(email), /^[0-9a-f]{64}$/);
    assert.notEqual(email, maskersWith(Buffer.from('another key, as long')).hash('a@b.c'));
    const plain = new MemoryStore();
    plain.edit('purchases/1', (await held(place, 'purchases/1'))!);
    assert.deepEqual(entry.digest, plain.peek('purchases/1')!.digest);
    assert.ok(!JSON.stringify(pages).includes('a@b.c') && !JSON.stringify(pages).includes('ours'));
  });

  test('tells of deletions and of what refers to what by the names of the other side', async () => {
    const store = Object.assign(new MemoryStore(), {
      async *tombstones() { yield { entries: [{ key: 'orders/7', deleted: true as const, modifiedAt: 5 }] }; },
      references: async () => new Map([['orders', ['customers']], ['customers', ['orders']]]),
    });
    const place = under(store, rules);
    const told = await Array.fromAsync(place.tombstones!());
    assert.deepEqual(told.flatMap(({ entries }) => entries).map(({ key, deleted, modifiedAt }) => [key, deleted, modifiedAt]), [['purchases/7', true, 5]]);
    assert.deepEqual(await place.references!(), new Map([['purchases', ['customers']], ['customers', ['purchases']]]));
  });

  test('is written to with what the other side cannot know filled in, and a new record lacks it', async () => {
    for (const expect of [undefined, { older: 50 }, 'version'] as const) {
      const store = new MemoryStore();
      store.edit('orders/1', record, { modifiedAt: 10 });
      const outcome = await put(under(store, rules), { id: 1, status: 'paid', email: 'x', notes: 'theirs' }, expect === 'version' ? { version: store.peek('orders/1')!.version! } : expect, 20);
      assert.equal(outcome?.kind, 'done');
      assert.deepEqual(await held(store, 'orders/1'), { ...record, state: 'paid' });
    }
    const empty = new MemoryStore();
    await put(under(empty, rules), { id: 1, status: 'paid', email: 'x' }, { absent: true });
    assert.deepEqual(await held(empty, 'orders/1'), { id: 1, state: 'paid' });
  });

  test('fills in what is there at the very moment of writing, whoever writes meanwhile', async () => {
    let meddle = 3;
    const store = new MemoryStore({
      interfere: (operation) => {
        if (operation === 'write' && meddle-- > 0) store.edit('orders/1', { ...record, notes: `edited ${meddle}` }, { modifiedAt: 11 });
      },
    });
    store.edit('orders/1', record, { modifiedAt: 10 });
    assert.equal((await put(under(store, rules), { id: 1, status: 'paid' }, { older: 20 }, 20))?.kind, 'done');
    assert.deepEqual(await held(store, 'orders/1'), { ...record, state: 'paid', notes: 'edited 0' });
    meddle = 1;
    const { version } = store.peek('orders/1')!;
    assert.equal((await put(under(store, rules), { id: 1, status: 'gone' }, { version: version! }, 30))?.kind, 'stale');
    meddle = 0;
    const late = await put(under(store, rules), { id: 1, status: 'gone' }, { older: 5 }, 5);
    assert.ok(late?.kind === 'stale' && late.found?.key === 'purchases/1');
  });

  test('writes of one entry in one batch are filled in one after the other', async () => {
    const store = new MemoryStore();
    store.edit('orders/1', record);
    const write = (status: string) => ({ kind: 'put', entry: { key: 'purchases/1', content: { kind: 'document', document: { id: 1, status } } } }) as const;
    assert.deepEqual((await under(store, rules).write([write('a'), write('b')])).map(({ kind }) => kind), ['done', 'done']);
    assert.deepEqual(await held(store, 'orders/1'), { ...record, state: 'b' });
  });

  test('an entry that has no counterpart is a problem of its own', async () => {
    const store = new MemoryStore();
    store.edit('orders/1', { state: 1, status: 2 });
    store.edit('orders/2', { state: 1 });
    store.edit('purchases/3', {});
    const place = under(store, rules);
    const pages = await Array.fromAsync(place.scan());
    assert.deepEqual(pages.flatMap(({ entries }) => entries.map((entry) => entry.key)), ['purchases/2']);
    assert.deepEqual(pages.flatMap(({ problems = [] }) => problems.map(({ error }) => error.message)), ['memory: orders/1 holds a field "status", which is what "state" is to be renamed to', 'memory: purchases/3 is in a collection whose name another one is to be given']);
    const refused = await put(place, { state: 1 });
    assert.ok(refused?.kind === 'failed' && refused.error.details.key !== undefined && /holds a field "state", which is "status" there/.test(refused.error.message));
    const [nowhere] = await place.write([{ kind: 'put', entry: { key: 'orders/9', content: { kind: 'document', document: {} } } }]);
    assert.ok(nowhere?.kind === 'failed' && /has no place for "orders\/9"/.test(nowhere.error.message));
  });

  test('scopes, collections, hints, descriptions and what is prepared carry the names of their side', async () => {
    const asked: unknown[] = [];
    const field = (name: string) => ({ name, type: { kind: 'text' }, nullable: true }) as const;
    const inner = Object.assign(new MemoryStore(), {
      describe: async () => [{ name: 'orders', key: ['id'], fields: ['id', 'state', 'notes', 'email'].map(field) }],
      prepare: async (collections: unknown) => void asked.push(collections),
      references: async () => new Map([['orders', ['other', 'orders']], ['other', []]]),
      covers: ({ key: given }: { readonly key: string }) => given.startsWith('orders/'),
      async *watch() { yield ['', 'orders', 'orders/1', 'other/1', 'purchases/1'].map((below): Hint => ({ under: below })); },
    });
    const { scan } = inner;
    inner.scan = (options) => { asked.push(options?.under, options?.collections); return scan.call(inner, options); };
    const place = under(inner, { ...rules, rename: [...rules.rename, 'orders.id=number'] });
    await Array.fromAsync(place.scan({ under: ['purchases/1', 'other'], collections: ['purchases'] }));
    assert.deepEqual(asked.splice(0), [['orders/1', 'other'], ['orders']]);
    const described = (await place.describe?.()) ?? [];
    assert.deepEqual(described, [{ name: 'purchases', key: ['number'], fields: ['number', 'status', 'email'].map(field) }]);
    await place.prepare?.(described);
    assert.deepEqual(asked.splice(0), [[{ name: 'orders', key: ['id'], fields: ['id', 'state'].map(field) }]]);
    assert.deepEqual(['purchases/1', 'orders/1', 'x/1'].map((each) => place.covers?.({ key: each })), [true, false, false]);
    assert.deepEqual([...(await place.references?.()) ?? []], [['purchases', ['other', 'purchases']], ['other', []]]);
    assert.deepEqual(await Array.fromAsync(place.watch!({ signal: new AbortController().signal })), [['', 'purchases', 'purchases/1', 'other/1', ''].map((below) => ({ under: below }))]);
  });

  test('what was deleted goes by the names of its side, and says no more than it may', async () => {
    const told: unknown[] = [];
    const inner = Object.assign(new MemoryStore(), { async *tombstones() { yield { entries: [{ key: 'orders/1', deleted: true as const, modifiedAt: 5, content: { kind: 'document' as const, document: record } }] }; } });
    const { write } = inner;
    inner.write = (batch, options) => { told.push(...batch); return write.call(inner, batch, options); };
    const place = under(inner, rules);
    const [entry] = (await Array.fromAsync(place.tombstones!())).flatMap(({ entries }) => entries);
    assert.deepEqual([entry?.key, entry?.deleted, entry?.modifiedAt, JSON.stringify(entry).includes('a@b.c')], ['purchases/1', true, 5, false]);
    await place.write([{ kind: 'delete', ref: { key: 'purchases/1' }, tombstone: entry! }]);
    assert.deepEqual(told, [{ kind: 'delete', ref: { key: 'orders/1' }, tombstone: { key: 'orders/1', deleted: true, modifiedAt: 5, place: 'orders/1' } }]);
  });

  test('a rule that meets nothing is told of when everything was read', async () => {
    const store = new MemoryStore();
    store.edit('orders/1', record);
    const said: string[] = [];
    const place = under(store, { drop: ['orders.nots', '*.state', 'other.thing', 'orders.id.deep'] }, (sentence) => said.push(sentence));
    await Array.fromAsync(place.scan({ under: ['orders/1'] }));
    assert.equal(said.length, 0);
    await Array.fromAsync(place.scan());
    assert.deepEqual(said.map((sentence) => sentence.split(':')[0]), ['drop orders.nots', 'drop orders.id.deep']);
  });

  test('what is masked tells no more than it should', () => {
    const { redact, last4, hash } = maskersWith(key);
    assert.deepEqual([redact('abc'), last4('4111111111111111'), last4('12345678'), last4('')], ['[redacted]', '****1111', '****', '****']);
    assert.equal(hash('5'), hash(String(5)));
    for (const secret of [key, Buffer.alloc(64, 'k'), Buffer.alloc(200, 'é')]) for (const text of ['', 'joe@example.com', '\u{1F600}'.repeat(100)]) assert.equal(maskersWith(secret).hash(text), createHmac('sha256', secret).update(text).digest('hex'));
    assert.notEqual(fingerprintOf(key), fingerprintOf(Buffer.from('another key, as long')));
    assert.throws(() => maskersWith(undefined).hash('a'), /no key/);
  });

  test('files have no fields', () => {
    assert.throws(() => under(new MemoryStore({ holds: 'blobs' }), rules), { code: 'invalid', message: /holds files/ });
  });
});
