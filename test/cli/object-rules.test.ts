// Rules about objects, as the command line takes them, on a real S3 server.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { interferingProxy } from '../services/interfering-proxy.ts';
import { missingS3, newBucket, s3Server } from '../services/s3.ts';
import { Bench } from './command.ts';

test('objects are kept as rules say, without them by their extension, and a changed rule writes nothing by itself', { skip: missingS3 }, async () => {
  using bench = new Bench();
  const { endpoint, region, environment } = await s3Server();
  await using proxy = await interferingProxy(endpoint, () => undefined);
  const place = `s3://${newBucket()}/www?endpoint=${proxy.origin}&region=${region}&create&cache-control=private`;
  bench.write({ 'site/index.html': '<p>', 'site/img/a.png': 'png', 'site/b.css': 'css', 'rules': '# after those of the line\n/img/**: storage-class=STANDARD\n*: cache-control=max-age=60\n' });
  const sync = async (...args: readonly string[]): Promise<{ readonly [name: string]: readonly (string | undefined)[] }> => {
    const before = proxy.seen.length;
    const { code, stderr } = await bench.syncline(['sync', ...args, 'site', place], { environment });
    assert.equal(code, 0, stderr);
    const puts = proxy.seen.slice(before).filter(({ method, url }) => method === 'PUT' && url.includes('/www/') && !url.includes('.syncline-probe-'));
    return Object.fromEntries(puts.map(({ url, headers }) => [url.split('/www/')[1], [headers['content-type'], headers['cache-control'], headers['x-amz-storage-class'] as string | undefined]]));
  };
  const rules = ['--object-rule', '*.html: content-type="text/html; charset=utf-8", cache-control=', '--object-rules', 'rules'];
  assert.deepEqual(await sync(...rules), {
    'index.html': ['text/html; charset=utf-8', undefined, undefined],
    'img/a.png': ['image/png', 'max-age=60', 'STANDARD'],
    'b.css': ['text/css', 'max-age=60', undefined],
  });
  assert.deepEqual(await sync('--object-rule', '*: acl=private'), {});
  assert.deepEqual(await sync('--ignore-times'), { 'index.html': ['text/html', 'private', undefined], 'img/a.png': ['image/png', 'private', undefined], 'b.css': ['text/css', 'private', undefined] });
});

test('rules that cannot be read, or that nothing can be done with, are refused in a sentence before anything is written', async () => {
  using bench = new Bench();
  bench.write({ 'a/x': '1', 'rules': '\n*.html: acl=publik\n' });
  const mistakes: readonly (readonly [args: readonly string[], says: RegExp])[] = [
    [['--object-rule', '*.html', 'a', 's3://bucket'], /--object-rule: "\*\.html" is not a rule about objects: write PATTERN: name=value/],
    [['--object-rules', 'rules', 'a', 's3://bucket'], /rules:2: acl is "publik", and not one of private/],
    [['--object-rules', 'none', 'a', 's3://bucket'], /--object-rules: none cannot be read/],
    [['--object-rule', '*: acl=private', 'a', 'b'], /rules about objects are for buckets and containers, and b is neither/],
    [['--object-rule', '*: acl=private', 's3://bucket', 'b'], /rules about objects are for buckets/],
    [['--object-rule', '*: acl=private', 'a', 'sftp://me:secret@host/b'], /rules about objects are for buckets and containers, and sftp:\/\/host\/b is neither/],
    [['--object-rule', '*: acl=private', 'a', 'swift://container'], /keep their objects in one class/],
  ];
  for (const [args, says] of mistakes) {
    const { code, stderr } = await bench.syncline(['sync', ...args]);
    assert.deepEqual([code, says.test(stderr)], [2, true], stderr);
  }
});
