import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SyncError } from '../../model/errors.ts';
import { authorizationFor, parseEndpoint } from './endpoint.ts';

test('an endpoint names hosts, a user and indices', () => {
  const { origins, path, user, name } = parseEndpoint('elasticsearch://me@One:9201,two,[::1]:9300/app/', 'elasticsearch', false);
  assert.deepEqual(origins, ['http://one:9201', 'http://two:9200', 'http://[::1]:9300']);
  assert.deepEqual([path, user, name], ['app', 'me', 'elasticsearch://One:9201,two,[::1]:9300/app']);
});

test('every spelling of a place has one identity, and another place another', () => {
  const identity = (endpoint: string, secure = false): string => parseEndpoint(endpoint, endpoint.startsWith('open') ? 'opensearch' : 'elasticsearch', secure).identity;
  const one = identity('elasticsearch://a,b:9200/app');
  for (const same of ['elasticsearch://B,A:9200/app/', 'opensearch://b:9200,a/app', 'elasticsearch+https://a,b/app', 'elasticsearch://me@a,b/app']) assert.equal(identity(same), one, same);
  for (const other of ['elasticsearch://a/app', 'elasticsearch://a,b/apps', 'elasticsearch://a,b:9201/app', 'elasticsearch://a,b']) assert.notEqual(identity(other), one, other);
});

test('TLS is asked for by the scheme or by an option', () => {
  assert.deepEqual(parseEndpoint('opensearch+https://host/app', 'opensearch', false).origins, ['https://host:9200']);
  assert.deepEqual(parseEndpoint('opensearch://host:443/app', 'opensearch', true).origins, ['https://host']);
});

test('what cannot be a place is refused, and a password is not repeated', () => {
  for (const wrong of ['elasticsearch://', 'elasticsearch:///app', 'elasticsearch://a,/app', 'elasticsearch://a:x/app', 'elasticsearch+ftp://a/app', 'elasticsearch://a/app/more', 'elasticsearch://a/x,,y', 'elasticsearch://a/<now>', 'elasticsearch://me:secret@a/app']) {
    assert.throws(() => parseEndpoint(wrong, 'elasticsearch', false), (error) => error instanceof SyncError && error.code === 'invalid' && !error.sentence.includes('secret'), wrong);
  }
});

test('who asks is read from the environment: a key, else a name and a password', () => {
  const basic = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`;
  assert.equal(authorizationFor('elasticsearch', undefined, {}), undefined);
  assert.equal(authorizationFor('elasticsearch', undefined, { ELASTIC_API_KEY: 'abc=', ELASTIC_PASSWORD: 'x' }), 'ApiKey abc=');
  assert.equal(authorizationFor('elasticsearch', undefined, { ELASTIC_API_KEY: 'id:key' }), `ApiKey ${Buffer.from('id:key').toString('base64')}`);
  assert.equal(authorizationFor('elasticsearch', undefined, { ELASTIC_PASSWORD: 'pé' }), basic('elastic:pé'));
  assert.equal(authorizationFor('opensearch', 'me', { OPENSEARCH_USERNAME: 'you', OPENSEARCH_PASSWORD: 'x', ELASTIC_PASSWORD: 'y' }), basic('me:x'));
  assert.throws(() => authorizationFor('opensearch', 'me', {}), { code: 'invalid' });
  assert.throws(() => authorizationFor('elasticsearch', undefined, { ELASTIC_API_KEY: 'a\nb' }), { code: 'invalid' });
});
