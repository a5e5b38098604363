import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Collection } from '../model/collection.ts';
import { joinKey } from '../model/key.ts';
import { hal } from './hal.ts';
import { readPattern, withPattern } from './pattern.ts';

describe('where an API has its resources', () => {
  test('a key has an address where it is one of a collection and an id, and the address leads back to it', () => {
    const pattern = readPattern('/v1/{collection}/{id}');
    for (const [key, address, type, id] of [['orders/1', '/v1/orders/1', 'orders', '1'], ['a b/%2F?#', '/v1/a%20b/%2F%3F%23', 'a b', '/?#'], ['ö/it\'s', '/v1/%C3%B6/it\'s', 'ö', 'it\'s']] as const) {
      assert.equal(pattern.addressOf(key), address);
      assert.deepEqual(pattern.match(address), { type, ids: [id] });
    }
    assert.deepEqual(pattern.match('/v1/orders'), { type: 'orders', ids: [] });
    assert.deepEqual(pattern.match('/v1/orders/'), { type: 'orders', ids: [] });
    for (const path of ['/', '/v1', '/v2/orders/1', '/v1/orders/1/lines', '/v1//1']) assert.equal(pattern.match(path), undefined, path);
    for (const key of ['orders', 'orders/', 'orders/1/2', 'orders/..', './1']) assert.equal(pattern.addressOf(key), undefined, key);
  });

  test('a pattern of one collection is of that one alone', () => {
    const pattern = readPattern('/shop/orders/{id}');
    assert.equal(pattern.addressOf('orders/1'), '/shop/orders/1');
    assert.equal(pattern.addressOf('lines/1'), undefined);
    assert.deepEqual(pattern.match('/shop/orders/1'), { type: 'orders', ids: ['1'] });
  });

  test('a key of several parts has an address with a segment for each, and each is read back', () => {
    for (const text of ['/v1/{collection}/{shop}/{number}', '/v1/orders/{shop}/{number}']) {
      const pattern = readPattern(text);
      for (const [ids, address] of [[['x', '1'], '/v1/orders/x/1'], [['a/b', '%2F'], '/v1/orders/a%2Fb/%252F'], [['ö ?', '#'], '/v1/orders/%C3%B6%20%3F/%23']] as const) {
        assert.equal(pattern.addressOf(joinKey(['orders', ...ids])), address);
        assert.deepEqual(pattern.match(address), { type: 'orders', ids });
      }
      assert.deepEqual(pattern.match('/v1/orders/x'), { type: 'orders', ids: ['x'] });
      for (const key of ['orders/1', 'orders/x/', 'orders//1', 'orders/x/1/2', 'orders/x/..', 'orders/./1']) assert.equal(pattern.addressOf(key), undefined, key);
    }
    const schema = withPattern(hal, readPattern('/v1/{collection}/{shop}/{number}'));
    const place = { type: 'orders', id: 'x/7', key: 'orders/x/7', address: '/v1/orders/x/7', collection: '/v1/orders', dependsOn: [] };
    for (const base of ['http://h/v1/orders', 'http://h/v1/orders/x', '/v1/orders/x/7']) assert.deepEqual(schema.identify({ number: 7, shop: 'x' }, base), place, base);
    for (const [document, base] of [[{ number: 7 }, '/v1/orders'], [{ number: 7, shop: 'x' }, '/v1/orders/7'], [{ number: 7, shop: 'x' }, '/v1/orders/7/x'], [{ number: 7, shop: '..' }, '/v1/orders']] as const) {
      assert.ok('problem' in schema.identify(document, base), JSON.stringify([document, base]));
    }
    assert.deepEqual(schema.identify({ number: null, id: 1 }, '/v1/orders'), { problem: 'it lacks shop and number, by which --address names it' });
  });

  test('a collection whose key is not that of the pattern, in its order, does not fit', () => {
    const orders = (key: readonly string[], ...fields: readonly string[]): Collection => ({ name: 'orders', key, fields: [...key, ...fields].map((name) => ({ name, type: { kind: 'text' }, nullable: true })) });
    const { misfit } = withPattern(hal, readPattern('/v1/{collection}/{shop}/{number}'));
    for (const fitting of [orders(['shop', 'number']), orders([], 'shop'), orders(['id'], '_links')]) assert.equal(misfit?.(fitting), undefined);
    for (const key of [['number', 'shop'], ['shop'], ['shop', 'number', 'line']]) {
      assert.deepEqual(misfit?.(orders(key)), { why: `the key of orders is ${key.join(' and ')}, and --address has shop and number`, hint: `end --address in /{${key.join('}/{')}}, or say with --rename what these are called there` });
    }
    assert.match(readPattern('/v1/lines/{id}').misfit(orders(['id']))?.why ?? '', /says where lines is, and not orders/);
  });

  test('what is no pattern is refused with what one looks like', () => {
    for (const text of ['', '/', '/{id}', 'api/{collection}/{id}', '/api/{collection}', '/{collection}/{collection}/{id}', '/api//{id}', '/{shop}/{id}', '/api/{id}/{id}', '/{customer}/orders/{id}', '/api/{}/{id}', '/api/{id}?x=1', '/api?x/{id}', '/api/../{id}', 'https://host/api/{id}']) {
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
