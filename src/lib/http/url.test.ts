import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HttpUrl } from './url.ts';
import { atOrigin, canonicalUrl, parseUrl, printableUrl, resolveUrl, urlText, userInfoOf } from './url.ts';

function parse(text: string): HttpUrl {
  const url = parseUrl(text);
  assert.ok(url, text);
  return url;
}

test('an origin is normalised and a path is not', () => {
  assert.deepEqual(parse('HTTP://Example.COM:80/a/../b/%2e%2E/%2F?x=../y#part'), { origin: 'http://example.com', path: '/a/../b/%2e%2E/%2F?x=../y' });
  assert.deepEqual(parse('https://u:p@h:8443?x'), { origin: 'https://h:8443', path: '/?x' });
  assert.deepEqual(parse('http://[::1]:8080'), { origin: 'http://[::1]:8080', path: '/' });
  assert.deepEqual(parse('http://h/a b/é\ud800'), { origin: 'http://h', path: '/a%20b/%C3%A9%EF%BF%BD' });
});

test('what is not a web address is none', () => {
  for (const text of ['', 'mailto:a@b', 'ftp://h/', 'http://', 'http://h:x/', '/a', 'http://a b/']) assert.equal(parseUrl(text), undefined, text);
});

test('a reference is resolved where it is relative and kept where it is not', () => {
  const base = parse('http://h/api/foo?x=1');
  const cases: Record<string, string | undefined> = {
    '/a/../b': 'http://h/a/../b', 'bar': 'http://h/api/bar', './bar': 'http://h/api/bar', '../bar': 'http://h/bar', '../../../bar': 'http://h/bar',
    '..': 'http://h/', '?offset=2': 'http://h/api/foo?offset=2', '//other/x': 'http://other/x', '#part': 'http://h/api/foo?x=1', '': 'http://h/api/foo?x=1',
    'https://h/x': 'https://h/x', 'mailto:a@b': undefined, 'urn:x:y': undefined, ' /a ': 'http://h/a',
  };
  for (const [href, expected] of Object.entries(cases)) {
    const url = resolveUrl(href, base);
    assert.equal(url && urlText(url), expected, href);
  }
});

test('an address never leaves its origin', () => {
  for (const address of ['//other/x', 'http://other/x', '@other', '\\\\other\\x']) assert.equal(parseUrl(urlText(atOrigin('http://h', address)))?.origin, 'http://h', address);
});

test('spellings of one URL are one', () => {
  const same = ['http://h/a?limit=10&offset=0', 'http://H:80/a?limit=10', 'http://h/a?offset=0&limit=10'].map((text) => canonicalUrl(parse(text)));
  assert.equal(new Set(same).size, 1);
  assert.equal(canonicalUrl(parse('http://h/a?offset=0')), 'http://h/a');
  assert.notEqual(canonicalUrl(parse('http://h/a?offset=01')), 'http://h/a');
});

test('a user in a URL is read and never printed, nor is a secret parameter', () => {
  assert.deepEqual(userInfoOf('http://us%40er:p%3Aw@h/'), { username: 'us@er', password: 'p:w' });
  assert.deepEqual(userInfoOf('http://user@h/'), { username: 'user', password: undefined });
  assert.equal(userInfoOf('http://h/@x'), undefined);
  assert.equal(printableUrl('http://user:secret@h/a?x=1'), 'http://h/a?x=1');
  assert.equal(printableUrl('http://h/a?access_token=secret&x=1&api-key=secret'), 'http://h/a?access_token=***&x=1&api-key=***');
  assert.equal(printableUrl('http://h/a?monkey=1&limit=2'), 'http://h/a?monkey=1&limit=2');
});
