import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Keeping } from '../../model/keeping.ts';
import { keepingRules, parseKeepingRule, parseKeepingRules } from './keeping-rules.ts';

function keeping(key: string, ...lines: readonly string[]): Keeping {
  return keepingRules(parseKeepingRules(lines, 'rules')).keepingOf(key);
}

describe('rules about objects', () => {
  test('of all that match, the first that names a property decides it', () => {
    const lines = ['# pages', '*.html: cache-control=no-cache', '', '/img/**: storage-class=STANDARD_IA', '**: cache-control=max-age=3600, acl=private'];
    assert.deepEqual(keeping('a/b.html', ...lines), { cacheControl: 'no-cache', acl: 'private' });
    assert.deepEqual(keeping('img/x/y', ...lines), { storageClass: 'STANDARD_IA', cacheControl: 'max-age=3600', acl: 'private' });
    assert.deepEqual(keeping('a/img/x', ...lines), { cacheControl: 'max-age=3600', acl: 'private' });
    assert.deepEqual(keeping('b', '*.html: acl=private'), {});
  });

  test('values may be quoted, hold whatever their property may hold, and be empty', () => {
    assert.deepEqual(keeping('a', '* : content-type=text/html; charset=utf-8,cache-control="public, max-age=60" , sse=aws:kms,sse-key=arn:aws:kms:eu-west-1:1:key/a=b'), {
      contentType: 'text/html; charset=utf-8', cacheControl: 'public, max-age=60', encryption: 'aws:kms', encryptionKey: 'arn:aws:kms:eu-west-1:1:key/a=b',
    });
    assert.deepEqual(keeping('a.html', '*.html: cache-control=', '*: cache-control=no-store'), { cacheControl: '' });
    assert.deepEqual(keeping('a:b', 'a:b: acl=private'), { acl: 'private' });
  });

  test('what cannot be read is refused in a sentence that says where and why', () => {
    const mistakes: readonly (readonly [line: string, says: RegExp])[] = [
      ['*.html', /^rules:2: .* is not a rule about objects$/], ['*.html:acl=private', /is not a rule about objects/], ['*.html: ', /is not a rule/],
      ['a[: acl=private', /^rules:2: the pattern "a\[" must/], [': acl=private', /the pattern "" must be a pattern/],
      ['*: acl=publik', /^rules:2: acl is "publik", and not one of private/], ['*: sse=des', /AES256, aws:kms or/], ['*: content-type=html', /a media type such as/],
      ['*: storage-class=A B', /the name of a class/], ['*: cache-control=ä', /directives such as/], ['*: color=red', /"color" is nothing that can be said/],
      ['*: cache-control=public, max-age=60', /"max-age" is nothing that can be said/], ['*: acl=private, acl=private', /acl is given twice/], ['*: acl="private" x', /is not name=value/],
      ['*: acl=private, x', /"x" is not name=value/], ['*: sse-key=k', /sse-key is the key of sse=aws:kms/], ['*: acl="private', /is not name=value/],
      ['*: __proto__=x', /is not a rule|nothing that can be said/], ['*: content-type=text/x\r\nx-evil', /not a rule|a media type/],
    ];
    for (const [line, says] of mistakes) assert.throws(() => parseKeepingRules(['', line], 'rules'), { code: 'invalid', message: says }, line);
    assert.throws(() => parseKeepingRule('x', '--object-rule'), { message: /^--object-rule: "x" is not/ });
    assert.throws(() => keepingRules(Array.from({ length: 10_001 }, () => parseKeepingRule('*: acl=private', 'x'))), { code: 'invalid' });
  });

  test('a rule that nobody should write takes no longer than another', () => {
    assert.throws(() => parseKeepingRule(`*: ${'a = '.repeat(20_000)}"`, 'rules'), { code: 'invalid' });
    assert.throws(() => parseKeepingRule(`${': '.repeat(20_000)}`, 'rules'), { code: 'invalid' });
    assert.throws(() => parseKeepingRule(`*: acl=x${' '.repeat(50_000)}"`, 'rules'), { code: 'invalid' });
  });
});
