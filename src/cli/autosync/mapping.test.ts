import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mappingOf } from './mapping.ts';
import type { MappingOptions } from './mapping.ts';

const site = { path: '/srv/site', isFile: false };
const raw: MappingOptions = { sourcePrefix: '', targetPrefix: '', strips: false };

test('a prefix is taken off as text, and another is joined as paths are', () => {
  const cases: readonly (readonly [sourcePrefix: string, targetPrefix: string, key: string, atS3: string])[] = [
    ['', '', '/srv/site/a', 'srv/site/a'], ['/srv/', '', 'site/a', 'site/a'], ['/srv/s', '', 'ite/a', 'ite/a'], ['/srv/site', '', '/a', 'a'],
    ['/other/', '', '/srv/site/a', 'srv/site/a'], ['/srv/site/', 'p', 'p/a', 'p/a'], ['/srv/site/', '/p/', '/p/a', 'p/a'], ['/srv/site', 'p', '/a', 'a'], ['', 'p/', '/srv/site/a', 'srv/site/a'],
  ];
  for (const [sourcePrefix, targetPrefix, key, atS3] of cases) {
    assert.equal(mappingOf([site], { sourcePrefix, targetPrefix, strips: false }).keyOf('/srv/site/a'), key);
    const { root, keyOf } = mappingOf([site], { sourcePrefix, targetPrefix, strips: true });
    assert.equal(root + keyOf('/srv/site/a'), atS3);
  }
});

test('a target prefix that all keys have is the root at S3, and elsewhere what the mirror is bounded by', () => {
  assert.equal(mappingOf([site], { sourcePrefix: '/srv/', targetPrefix: '/p', strips: true }).root, 'p/');
  const { root, covers } = mappingOf([site], { sourcePrefix: '/srv/', targetPrefix: '/p', strips: false });
  assert.deepEqual([root, covers('/p/x'), covers('/px'), covers('p/x')], ['', true, false, false]);
});

test('a target prefix that keys drop bounds nothing; what is below the source is the mirror', () => {
  const { root, covers, dropped } = mappingOf([site], { sourcePrefix: '', targetPrefix: 'p', strips: true });
  assert.deepEqual([root, dropped, covers('srv/site/x'), covers('srv/other'), covers('p/x')], ['', ['srv/site/'], true, false, false]);
});

test('the names of a directory lead back to its keys', () => {
  for (const sourcePrefix of ['', '/srv/', '/srv/site', '/srv/site/', '/srv/site/a/', '/srv/site/a']) {
    for (const strips of [true, false]) {
      const { renaming, keyOf, pathsOf } = mappingOf([site], { ...raw, sourcePrefix, strips });
      const { inward, outward } = renaming(site);
      // With a prefix that is also a file's path that file has no name, and where slashes are taken off two files may have one.
      for (const key of ['a/b', 'a/b/c', 'z', ...(sourcePrefix === '/srv/site/a' ? [] : ['a']), ...(sourcePrefix === '/srv/site/a' && strips ? [] : ['ab'])]) {
        const name = outward(key);
        assert.equal(name, keyOf(`/srv/site/${key}`));
        assert.equal(inward(name!), key, `${sourcePrefix} ${key}`);
        assert.ok(pathsOf(name!).includes(`/srv/site/${key}`));
      }
    }
  }
});

test('of a file that is a source nothing but that file is seen', () => {
  const file = { path: '/srv/site/a', isFile: true };
  const { outward } = mappingOf([file], { ...raw, sourcePrefix: '/srv/' }).renaming(file);
  assert.deepEqual([outward('a'), outward('b')], ['site/a', undefined]);
});
