import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Document, Value } from '../model/document.ts';
import { nested } from '../testing/generators.ts';
import { digestDocument } from './digest.ts';
import { hal } from './hal.ts';

const instance = (self: Value, more: Document = {}): Document => ({ id: '1', ...more, _links: { self, ...(more['_links'] as Document | undefined) } });
const at = (href: string, more?: Document): Document => instance({ href }, more);
const problemOf = (document: Document, base?: string): string | undefined => {
  const found = hal.identify(document, base);
  return 'problem' in found ? found.problem : undefined;
};
const identityOf = (document: Document, base?: string): { readonly [field: string]: unknown } => {
  const found = hal.identify(document, base);
  assert.ok(!('problem' in found), 'problem' in found ? found.problem : '');
  return { ...found };
};

describe('identity of a HAL document', () => {
  test('type and address are those of its self link', () => {
    assert.deepEqual(identityOf(at('http://h:1/api/foo/1')), { type: 'foo', id: '1', key: 'foo/1', address: '/api/foo/1', collection: '/api/foo', dependsOn: [] });
  });

  test('query, fragment and closing slash do not change the type', () => {
    for (const href of ['http://h/api/foo/1?a=b/c', 'http://h/api/foo/1/', 'http://h/api/foo/1#x/y', '/api/foo/1', '//h/api/foo/1', 'http://h/api/f%6Fo/1', 'http://user:pw@h/api/foo/1']) assert.equal(identityOf(at(href))['type'], 'foo', href);
    assert.equal(identityOf(at('http://h/api/foo/1?a=b/c#d'))['address'], '/api/foo/1?a=b/c');
    assert.equal(identityOf(at('http://h/api/foo/1/'))['collection'], '/api/foo/');
    assert.equal(identityOf(at('http://h/foo/1'))['collection'], '/foo');
  });

  test('an id may be any scalar', () => {
    for (const [id, text] of [['a', 'a'], [7, '7'], [1.5, '1.5'], [12345678901234567890n, '12345678901234567890'], [true, 'true'], [0, '0'], [-0, '0'], [1e21, '1000000000000000000000'], ['__proto__', '__proto__']] as const) {
      assert.equal(identityOf({ ...at('http://h/foo/1'), id })['id'], text);
    }
  });

  test('says what is missing or wrong', () => {
    assert.equal(problemOf({ _links: { self: { href: '/foo/1' } } }), 'it has no id');
    for (const id of [null, '']) assert.equal(problemOf({ ...at('/foo/1'), id }), 'it has no id');
    for (const id of [{}, [1], Number.NaN, new Uint8Array()]) assert.equal(problemOf({ ...at('/foo/1'), id }), 'its id is not a scalar');
    for (const self of [null, 'http://h/foo/1', {}, { href: 1 }, { href: '' }, [], [null], { href: '/foo/{id}' }, { href: '/foo/1', templated: true }]) assert.equal(problemOf(instance(self)), 'it has no self link');
    for (const links of [null, [], 'x', 1]) assert.equal(problemOf({ id: '1', _links: links }), 'it has no self link');
    for (const href of ['mailto:a@h', 'urn:foo:1']) assert.match(problemOf(at(href)) ?? '', /is not a URL/);
    for (const href of ['http://h/api/../foo/1', 'http://h/foo/..', 'http://h/foo/./1']) assert.match(problemOf(at(href)) ?? '', /holds a dot segment/);
    for (const href of ['http://h/1', 'http://h', '/', 'http://h/api//1', 'http://h/%2e%2e/1']) assert.match(problemOf(at(href)) ?? '', /names no type/);
    assert.match(problemOf({ ...at('/foo/1'), id: '\uD800' }) ?? '', /not well-formed/);
    assert.doesNotMatch(problemOf(at('http://user:secret@h/')) ?? '', /secret/);
  });

  test('the first usable self link of a list counts', () => {
    assert.equal(identityOf(instance([null, 'x', { href: '/a/foo/1' }, { href: '/a/bar/1' }]))['key'], 'foo/1');
  });

  test('relative self links are resolved against where the document came from', () => {
    assert.equal(identityOf(at('1'), 'http://h/api/foo/')['address'], '/api/foo/1');
    assert.equal(identityOf(at('../foo/1'), 'http://h/api/bar/')['address'], '/api/foo/1');
    assert.equal(identityOf(at('/api/foo/1'), 'http://h/other')['address'], '/api/foo/1');
    assert.equal(identityOf(at('foo/1'))['address'], '/foo/1');
  });

  test('inherited fields are none', () => {
    const self = { href: '/foo/1' };
    assert.equal(problemOf(Object.create({ id: '1', _links: { self } }) as Document), 'it has no id');
    assert.equal(identityOf(JSON.parse('{"id":"1","__proto__":{"a":1},"_links":{"self":{"href":"/foo/1"},"__proto__":{"href":"/x"}}}') as Document)['key'], 'foo/1');
  });

  test('parents are the links whose relation says so', () => {
    const _links = { 'parent:bar': { href: 'http://h/api/bar/7?x=1' }, 'parent:baz': [{ href: '/api/baz/1' }, { href: 'http://H/api/baz/2' }, null, 'x', {}], 'child:x': { href: '/api/x' }, 'parent:far': { href: 'http://other/api/far/1' } };
    assert.deepEqual(identityOf(at('http://h/api/foo/1', { _links }))['dependsOn'], ['/api/bar/7?x=1', '/api/baz/1', '/api/baz/2', '//other/api/far/1']);
  });

  test('a collection link outranks the path, but not one to another host', () => {
    const collection = (href: string): unknown => identityOf(at('http://h/api/foo/1', { _links: { collection: { href } } }))['collection'];
    assert.equal(collection('http://h/api/all-foo?limit=20'), '/api/all-foo');
    assert.equal(collection('/v2/foo'), '/v2/foo');
    assert.equal(collection('http://other/v2/foo'), '/api/foo');
    assert.equal(collection('/v2/../foo'), '/api/foo');
  });
});

describe('what a HAL document carries', () => {
  const item = (id: string): Document => ({ id, _links: { self: { href: `/foo/${id}` } } });

  test('resources under _embedded, alone or in lists', () => {
    assert.deepEqual(hal.embedded({ _embedded: { foo: [item('1'), item('2')], bar: item('3'), none: null, text: 'x' } }), [item('1'), item('2'), item('3')]);
  });

  test('R3: the items of a document that is itself a resource', () => {
    assert.deepEqual(hal.embedded(at('/foo/0', { items: [item('1'), item('2')] })), [item('1'), item('2')]);
  });

  test('R16: an attribute of a resource that happens to be called items is data', () => {
    for (const items of [['a', 'b'], 'x', null, {}, [], [{ name: 'no links' }], [item('1'), 'a']]) assert.deepEqual(hal.embedded(at('/foo/0', { items })), []);
  });

  test('R17: every item of a collection, also what is none', () => {
    const items = [item('1'), { id: '2' }, null, 'x'];
    assert.deepEqual(hal.embedded({ items, _links: { self: { href: '/foo?offset=0' } } }), items);
  });
});

describe('links of a HAL document', () => {
  test('are those that may be followed', () => {
    const _links = { self: { href: '/foo/1' }, next: { href: '/foo?offset=2' }, curies: [{ name: 'x', href: '/rels/{rel}', templated: true }], item: [{ href: '/a' }, { href: '/b' }], find: { href: '/find{?q}' }, search: { href: '/search', templated: true }, plain: { href: '/c', templated: false } };
    assert.deepEqual(hal.links({ _links }), [{ relation: 'next', href: '/foo?offset=2' }, { relation: 'item', href: '/a' }, { relation: 'item', href: '/b' }, { relation: 'plain', href: '/c' }]);
  });

  test('R15: what is malformed is warned of and left out', () => {
    const warnings: string[] = [];
    const _links = { next: null, prev: '/x', a: {}, b: { href: 1 }, c: [null, { href: '/c' }, []] };
    assert.deepEqual(hal.links({ _links }, (message) => warnings.push(message)), [{ relation: 'c', href: '/c' }]);
    assert.deepEqual(warnings, ['link "next" is null: ignored', 'link "prev" is not an object: ignored', 'link "a" has no href: ignored', 'link "b" has no href: ignored', 'link "c" is null: ignored', 'link "c" is not an object: ignored']);
    assert.deepEqual(hal.links({ _links: [1] }, (message) => warnings.push(message)), []);
    assert.equal(warnings.at(-1), '_links is not an object: ignored');
    assert.deepEqual(hal.links({}), []);
  });
});

describe('comparing HAL documents', () => {
  const copy = (origin: string): Document => ({
    id: 1, text: `${origin}/api/foo/1`,
    _links: { self: { href: `${origin}/api/foo/1` }, 'parent:bar': [{ href: `${origin}/api/bar/1`, title: 'x' }, null], find: { href: `${origin}{?q}`, templated: true }, far: { href: 'http://far/x' }, near: { href: `${origin}.example/x` } },
    _embedded: { bar: [{ _links: { self: { href: `${origin}/api/bar/1` } } }], one: { _embedded: { two: { _links: { self: { href: origin } } } } } },
    items: [{ _links: { self: { href: `${origin}/api/foo/2` } } }, 'x'],
  });

  test('a copy in another environment is equal, but for what is not a link', () => {
    const plain = (origin: string): Document => ({ ...copy(origin), text: '', _links: { ...(copy(origin)['_links'] as Document), near: null } });
    assert.deepEqual(digestDocument(plain('https://staging:8443'), hal), digestDocument(plain('http://h'), hal));
    assert.notDeepEqual(digestDocument(copy('https://staging'), hal), digestDocument(copy('http://h'), hal));
  });

  test('links lose the scheme and host of their own self link, and no other', () => {
    assert.deepEqual(hal.comparable(copy('http://h')), {
      id: 1, text: 'http://h/api/foo/1',
      _links: { self: { href: '/api/foo/1' }, 'parent:bar': [{ href: '/api/bar/1', title: 'x' }, null], find: { href: '{?q}', templated: true }, far: { href: 'http://far/x' }, near: { href: 'http://h.example/x' } },
      _embedded: { bar: [{ _links: { self: { href: '/api/bar/1' } } }], one: { _embedded: { two: { _links: { self: { href: '' } } } } } },
      items: [{ _links: { self: { href: '/api/foo/2' } } }, 'x'],
    });
  });

  test('what has nothing to change is the same object', () => {
    for (const document of [{}, { id: 1 }, at('/foo/1'), { _links: null }, { _links: { next: { href: 'http://h/x' } } }]) assert.equal(hal.comparable(document), document);
  });

  test('`__proto__` stays a field', () => {
    const document = JSON.parse('{"__proto__":1,"_links":{"self":{"href":"http://h/foo/1"},"__proto__":{"href":"http://h/x"}}}') as Document;
    assert.equal(JSON.stringify(hal.comparable(document)), '{"__proto__":1,"_links":{"self":{"href":"/foo/1"},"__proto__":{"href":"/x"}}}');
  });

  test('does not change what it is given', () => {
    const document = copy('http://h');
    hal.comparable(document);
    assert.deepEqual(document, copy('http://h'));
  });

  test('nesting without end is refused with a sentence', () => {
    let document: Document = { _links: { self: { href: 'http://h/foo/1' } } };
    for (let i = 0; i < 20_000; i++) document = { _links: { self: { href: 'http://h/foo/1' } }, _embedded: { a: document } };
    assert.throws(() => digestDocument(document, hal), { name: 'SyncError', code: 'invalid', message: 'the document is nested more than 1000 levels deep' });
    assert.throws(() => digestDocument({ a: nested(5_000) }), { name: 'SyncError', code: 'invalid' });
  });
});

describe('rooting HAL documents', () => {
  test('links that are relative to where a document came from are written from the root, and no others', () => {
    const links = (seven: string, up: string, query: string): Document => ({
      self: { href: seven }, 'parent:up': [{ href: up, title: 'x' }, null], query: { href: query },
      find: { href: 'x{?q}', templated: true }, far: { href: 'http://far/x' }, other: { href: '//far/x' }, mail: { href: 'mailto:a@b' }, part: { href: '#part' }, none: { href: '' },
    });
    const before = { id: 7, _links: links('7', '../bar/1', '?q=1#top'), _embedded: { foo: [{ _links: { self: { href: './8' } } }] }, items: ['x', { _links: { self: { href: '9' } } }] };
    assert.deepEqual(hal.rooted(before, 'http://h/api/foo/'), {
      id: 7, _links: links('/api/foo/7', '/api/bar/1', '/api/foo/?q=1#top'), _embedded: { foo: [{ _links: { self: { href: '/api/foo/8' } } }] }, items: ['x', { _links: { self: { href: '/api/foo/9' } } }],
    });
  });

  test('a document without such links is the same object', () => {
    for (const document of [{}, at('/foo/1'), { _links: null }, { _links: { self: { href: 'http://h/foo/1' } } }]) assert.equal(hal.rooted(document, 'http://h/foo'), document);
  });
});
