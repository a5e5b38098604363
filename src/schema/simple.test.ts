import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Document } from '../model/document.ts';
import { digestDocument } from './digest.ts';
import { simple } from './simple.ts';

const document: Document = { id: 1, type: 'foo', uri: 'http://h/api/foo/1', parents: ['http://h/api/bar/7', '/api/bar/8', 'http://far/x', null, ''] };

describe('the simple schema', () => {
  test('identity is stated in plain fields', () => {
    assert.deepEqual(simple.identify(document), { type: 'foo', id: '1', key: 'foo/1', address: '/api/foo/1', collection: '/api/foo', dependsOn: ['/api/bar/7', '/api/bar/8', '//far/x'] });
    assert.deepEqual(simple.identify({ id: 'a', type: 'foo', uri: 'foo/a' }, 'http://h/api/x'), { type: 'foo', id: 'a', key: 'foo/a', address: '/api/foo/a', collection: '/api/foo', dependsOn: [] });
  });

  test('says what is missing', () => {
    for (const name of ['id', 'type', 'uri']) {
      assert.deepEqual(simple.identify(Object.fromEntries(Object.entries(document).filter(([field]) => field !== name))), { problem: `it has no ${name}`, missing: name });
    }
    assert.deepEqual(simple.identify({ ...document, type: {} }), { problem: 'its type is not a scalar' });
    assert.match((simple.identify({ ...document, uri: 'http://h/a/../b' }) as { problem: string }).problem, /dot segment/);
  });

  test('carries what is embedded', () => {
    assert.deepEqual(simple.embedded({ embedded: [document, 'x'] }), [document, 'x']);
    assert.deepEqual(simple.embedded({ embedded: document }), [document]);
    assert.deepEqual(simple.embedded({ items: [document], embedded: null }), []);
  });

  test('links are URIs or objects with one', () => {
    const warnings: string[] = [];
    const links = ['/a', { uri: '/b', relation: 'next' }, { href: '/c', rel: 'x' }, { href: '/self', rel: 'self' }, '/{id}', null, {}];
    assert.deepEqual(simple.links({ links }, (message) => warnings.push(message)), [{ relation: 'related', href: '/a' }, { relation: 'next', href: '/b' }, { relation: 'x', href: '/c' }]);
    assert.equal(warnings.length, 2);
    assert.deepEqual(simple.links({ links: {} }, (message) => warnings.push(message)), []);
    assert.equal(warnings.length, 3);
  });

  test('a copy in another environment is equal', () => {
    const copy = (origin: string): Document => ({ id: 1, type: 'foo', uri: `${origin}/api/foo/1`, parents: [`${origin}/api/bar/7`], links: [`${origin}/x`, { href: `${origin}/y` }], embedded: [{ uri: `${origin}/z`, parents: [`${origin}/`] }] });
    assert.deepEqual(digestDocument(copy('https://staging:1'), simple), digestDocument(copy('http://h'), simple));
    assert.notDeepEqual(digestDocument({ ...copy('http://h'), href: 'http://h/x' }, simple), digestDocument({ ...copy('http://h'), href: '/x' }, simple));
    const local = copy('');
    assert.equal(simple.comparable(local), local);
  });

  test('URIs that are relative to where a document came from are written from the root', () => {
    const document = { id: 1, type: 'foo', uri: '1', parents: ['../bar/7', '/bar/8'], links: ['x', '{id}', { href: 'y' }], embedded: [{ uri: '2' }] };
    assert.deepEqual(simple.rooted(document, 'http://h/api/foo/'), { id: 1, type: 'foo', uri: '/api/foo/1', parents: ['/api/bar/7', '/bar/8'], links: ['/api/foo/x', '{id}', { href: '/api/foo/y' }], embedded: [{ uri: '/api/foo/2' }] });
  });
});
