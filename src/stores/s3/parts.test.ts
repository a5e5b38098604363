import assert from 'node:assert/strict';
import { test } from 'node:test';
import { attributesOf, metadataOf } from './attributes.ts';
import { ByteBudget } from '../../lib/byte-budget.ts';
import { contentTypeOf } from './content-type.ts';
import { flawOf, isWinding } from './keys.ts';

function fields(list: readonly string[]): { [name: string]: string } {
  return Object.fromEntries(Array.from({ length: list.length / 2 }, (_, i) => [list[2 * i]!, list[2 * i + 1]!]));
}

test('attributes come back from metadata as they were', () => {
  for (const attributes of [{ modifiedAt: 1_700_000_000_123_456 }, { modifiedAt: 0, mode: 0o755 }, { modifiedAt: -1_500_000 }, { modifiedAt: 1_700_000_000_000_001, mode: 0o4644, link: true as const }]) {
    assert.deepEqual(attributesOf(fields(metadataOf(attributes))), attributes);
  }
  assert.equal(attributesOf({ 'x-amz-meta-mtime': 'yesterday', 'x-amz-meta-mode': '9' }), undefined);
});

test('attributes are read as rclone and s3cmd write them', () => {
  assert.deepEqual(attributesOf({ 'x-amz-meta-mtime': '1700000000.123456789', 'x-amz-meta-mode': '100644' }), { modifiedAt: 1_700_000_000_123_457, mode: 0o644 });
  assert.deepEqual(attributesOf({ 'x-amz-meta-s3cmd-attrs': 'atime:1/ctime:2/gid:0/gname:root/md5:x/mode:33188/mtime:1700000000/uid:0' }), { modifiedAt: 1_700_000_000_000_000, mode: 0o644 });
});

test('a content type follows from the extension, and from nothing else', () => {
  assert.deepEqual(['a/b.HTML', 'x.tar.gz', 'html', 'a.html/b', 'x.constructor'].map(contentTypeOf), ['text/html', 'application/gzip', ...Array.from({ length: 3 }, () => 'application/octet-stream')]);
});

test('keys that no bucket can hold have a flaw, and winding ones are known', () => {
  for (const key of ['', 'a\uD800', 'a\0', 'a/', 'k'.repeat(1_025), '.syncline-probe-1']) assert.ok(flawOf(key, ''), JSON.stringify(key));
  assert.ok(flawOf('é'.repeat(510), 'prefix/'));
  for (const key of ['k'.repeat(1_024), '..', 'a//b', '%', '\n']) assert.equal(flawOf(key, ''), undefined);
  assert.deepEqual(['/a', 'a//b', '.', 'a/..', './a', '../a', 'a/./b'].filter((key) => !isWinding(key)), []);
  assert.deepEqual(['a', '.a', 'a.', '...', 'a/.b/c..d'].filter(isWinding), []);
});

test('who wants more than is left of a budget waits for its turn', async () => {
  const budget = new ByteBudget(10);
  assert.equal(budget.take(6), undefined);
  const order: string[] = [];
  const large = budget.take(100)?.then(() => order.push('large'));
  const small = budget.take(1)?.then(() => order.push('small'));
  assert.ok(large && small, 'the small one does not overtake');
  budget.give(6);
  await large;
  assert.deepEqual(order, ['large']);
  budget.give(100);
  await small;
});
