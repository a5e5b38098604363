import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { hal } from './hal.ts';
import { readPattern, withPattern } from './pattern.ts';

describe('where an API has its resources', () => {
  test('a key has an address where it is one of a collection and an id, and the address leads back to it', () => {
    const pattern = readPattern('/v1/{collection}/{id}');
    for (const [key, address, type, id] of [['orders/1', '/v1/orders/1', 'orders', '1'], ['a b/%2F?#', '/v1/a%20b/%2F%3F%23', 'a b', '/?#'], ['ö/it\'s', '/v1/%C3%B6/it\'s', 'ö', 'it\'s']] as const) {
      assert.equal(pattern.addressOf(key), address);
      assert.deepEqual(pattern.match(address), { type, id });
    }
    assert.deepEqual(pattern.match('/v1/orders'), { type: 'orders' });
    assert.deepEqual(pattern.match('/v1/orders/'), { type: 'orders' });
    for (const path of ['/', '/v1', '/v2/orders/1', '/v1/orders/1/lines', '/v1//1']) assert.equal(pattern.match(path), undefined, path);
    for (const key of ['orders', 'orders/', 'orders/1/2', 'orders/..', './1']) assert.equal(pattern.addressOf(key), undefined, key);
  });

  test('a pattern of one collection is of that one alone', () => {
    const pattern = readPattern('/shop/orders/{id}');
    assert.equal(pattern.addressOf('orders/1'), '/shop/orders/1');
    assert.equal(pattern.addressOf('lines/1'), undefined);
    assert.deepEqual(pattern.match('/shop/orders/1'), { type: 'orders', id: '1' });
  });

  test('what is no pattern is refused with what one looks like', () => {
    for (const text of ['', '/', '/{id}', 'api/{collection}/{id}', '/api/{collection}', '/{collection}/{collection}/{id}', '/api//{id}', '/api/{type}/{id}', '/api/{id}?x=1', '/api?x/{id}', '/api/../{id}', 'https://host/api/{id}']) {
      assert.throws(() => readPattern(text), { code: 'invalid', message: /does not say where an API has its resources/ }, text);
    }
  });

  test('a document with a link of its own is where that says, and one without is where the pattern says, in the collection it came from', () => {
    const schema = withPattern(hal, readPattern('/v1/{collection}/{id}'));
    const linked = { id: 7, _links: { self: { href: 'http://h/api/order/7' } } };
    assert.deepEqual(schema.identify(linked, 'http://h/v1/orders'), hal.identify(linked, 'http://h/v1/orders'));
    const place = { type: 'orders', id: '7', key: 'orders/7', address: '/v1/orders/7', collection: '/v1/orders', dependsOn: [] };
    for (const base of ['http://h/v1/orders', 'http://h/v1/orders?page=2', '/v1/orders/7']) assert.deepEqual(schema.identify({ id: 7 }, base), place, base);
    for (const [document, base] of [[{ id: 7 }, undefined], [{ id: 7 }, 'http://h/v1/orders/8'], [{ id: 7 }, 'http://h/other/orders'], [{}, 'http://h/v1/orders'], [{ id: {} }, 'http://h/v1/orders']] as const) {
      assert.ok('problem' in schema.identify(document, base), JSON.stringify([document, base]));
    }
  });
});
