import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Digest } from '../../model/entry.ts';
import { compareKeys } from '../../model/key.ts';
import { openState } from './sqlite-state.ts';

const md5 = (value: string): Digest => ({ algorithm: 'md5', value });
const sha256 = (value: string): Digest => ({ algorithm: 'sha256', value });
const keyOf = (i: number): string => `k${String(i).padStart(6, '0')}`;

test('many digests asked for at once are those that each gives by itself, in order or not, near or far apart', async () => {
  await using state = openState(undefined);
  const hashes = state.hashes('a place');
  for (let i = 0; i < 5_000; i += 2) hashes.set(keyOf(i), `v${i}`, md5(`d${i}`));
  for (const key of ['\uFFFD', '\u{1F600}', 'é']) hashes.set(key, 'v', md5(key));
  hashes.commit();
  hashes.set(keyOf(10), 'later', md5('later'));
  hashes.set(keyOf(11), 'v11', md5('d11'));
  const near = Array.from({ length: 1_000 }, (_, i) => keyOf(i));
  const far = Array.from({ length: 50 }, (_, i) => keyOf(i * 101));
  const awkward = ['a', 'b', 'c', 'd', 'e', 'k', 'é', '\uFFFD', '\u{1F600}', '\u{1F601}'].sort(compareKeys);
  for (const keys of [near, far, [...near].reverse(), awkward, [keyOf(4)], [...near, ...near], []]) {
    for (const versionOf of [(key: string) => `v${Number(key.slice(1))}`, () => 'v', () => 'later']) {
      const asked = keys.map((key) => ({ key, version: versionOf(key) }));
      assert.deepEqual(hashes.getAll(asked), asked.map(({ key, version }) => hashes.get(key, version)));
    }
  }
  assert.deepEqual(hashes.getAll([{ key: keyOf(4) }, { key: keyOf(4), version: 'v4' }, { key: keyOf(10), version: 'v10' }, { key: keyOf(11), version: 'v11' }]), [[], [md5('d4')], [], [md5('d11')]]);
});

test('digests of one version by several algorithms are kept beside each other, and forgotten with the version', async () => {
  await using state = openState(undefined);
  const hashes = state.hashes('a place');
  const known = (version: string): readonly string[] => hashes.get('k', version).map(({ algorithm, value }) => `${algorithm} ${value}`).sort();
  hashes.set('k', 'v1', md5('a'));
  hashes.commit();
  hashes.set('k', 'v1', sha256('b'));
  assert.deepEqual(known('v1'), ['md5 a', 'sha256 b']);
  hashes.commit();
  assert.deepEqual(known('v1'), ['md5 a', 'sha256 b']);
  hashes.set('k', 'v1', md5('c'));
  assert.deepEqual(known('v1'), ['md5 c', 'sha256 b']);
  hashes.set('k', 'v2', md5('d'));
  assert.deepEqual([known('v1'), known('v2')], [[], ['md5 d']]);
  hashes.commit();
  assert.deepEqual([known('v1'), known('v2')], [[], ['md5 d']]);
});

test('what is forgotten stays so, until it is learned again', async () => {
  await using state = openState(undefined);
  const hashes = state.hashes('a place');
  for (const key of ['a', 'b', 'c']) hashes.set(key, 'v', md5(key));
  hashes.delete('c');
  hashes.commit();
  const known = (): readonly string[] => ['a', 'b', 'c'].filter((key) => hashes.get(key, 'v').length > 0);
  assert.deepEqual(known(), ['a', 'b']);
  hashes.delete('a');
  hashes.delete('b');
  hashes.set('b', 'v', md5('again'));
  assert.deepEqual(known(), ['b']);
  hashes.commit();
  assert.deepEqual([known(), hashes.get('b', 'v')], [['b'], [md5('again')]]);
});

test('more can be forgotten than is gathered at once', async () => {
  await using state = openState(undefined);
  const hashes = state.hashes('a place');
  for (let i = 0; i < 3_000; i++) hashes.set(keyOf(i), 'v', md5('d'));
  hashes.commit();
  for (let i = 0; i < 2_500; i++) hashes.delete(keyOf(i));
  hashes.commit();
  assert.deepEqual([2_499, 2_500].map((i) => hashes.get(keyOf(i), 'v').length), [0, 1]);
});
