import assert from 'node:assert/strict';
import { test } from 'node:test';
import { yamlLines } from './yaml-lines.ts';

test('fields and items are found on their lines, in every style', () => {
  const line = yamlLines('# first\na:\n  b: {c: 1,\n    d: [x,\n      y]}\n  "e f":\n    - 1\n    - g: 2\nh: |\n  text\ni: 3\n');
  const cases: readonly (readonly [readonly (string | number)[], number])[] = [
    [[], 1], [['a'], 2], [['a', 'b'], 3], [['a', 'b', 'c'], 3], [['a', 'b', 'd'], 4], [['a', 'b', 'd', 1], 5], [['a', 'e f'], 6], [['a', 'e f', 0], 7], [['a', 'e f', 1, 'g'], 8], [['h'], 9], [['i'], 11],
  ];
  for (const [path, expected] of cases) assert.equal(line(path), expected, path.join('/'));
});

test('what stands behind an alias is on the line of what names it', () => {
  const line = yamlLines('a: &x\n  b: 1\nc: *x\n');
  assert.equal(line(['c', 'b']), 3);
});
