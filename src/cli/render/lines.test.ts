import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { unifiedDiff } from './lines.ts';

test('equal texts have no diff', () => {
  assert.deepEqual(unifiedDiff(['a', 'b'], ['a', 'b']), []);
});

test('a change is shown with three lines around it, under the lines it spans', () => {
  const before = ['1', '2', '3', '4', '5', '6', '7', '8', '9'];
  const after = ['1', '2', '3', '4', 'five', '6', '7', '8', '9'];
  assert.deepEqual(unifiedDiff(before, after), ['@@ -2,7 +2,7 @@', ' 2', ' 3', ' 4', '-5', '+five', ' 6', ' 7', ' 8']);
});

test('what is new or gone altogether stands at line 0 on the other side', () => {
  assert.deepEqual(unifiedDiff([], ['a']), ['@@ -0,0 +1 @@', '+a']);
  assert.deepEqual(unifiedDiff(['a', 'b'], []), ['@@ -1,2 +0,0 @@', '-a', '-b']);
});

test('changes far apart stand in hunks of their own', () => {
  const before = Array.from({ length: 30 }, (_, i) => String(i));
  const after = before.with(2, 'x').with(25, 'y');
  assert.equal(unifiedDiff(before, after).filter((line) => line.startsWith('@@')).length, 2);
});

test('applying a diff to the first text gives the second', () => {
  const text = fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 40 });
  fc.assert(fc.property(text, text, (before, after) => assert.deepEqual(applied(before, unifiedDiff(before, after)), after)), { numRuns: 500 });
});

test('texts with nothing in common are replaced without looking for long', () => {
  const before = Array.from({ length: 5_000 }, (_, i) => `a${i}`);
  const after = Array.from({ length: 5_000 }, (_, i) => `b${i}`);
  assert.deepEqual(applied(before, unifiedDiff(before, after)), after);
});

function applied(before: readonly string[], diff: readonly string[]): readonly string[] {
  const after: string[] = [];
  let at = 0;
  for (const line of diff) {
    const header = /^@@ -(\d+)(?:,(\d+))? /.exec(line);
    if (header) {
      const start = Number(header[1]) - (header[2] === '0' ? 0 : 1);
      while (at < start) after.push(before[at++] ?? '');
    } else if (line.startsWith('+')) after.push(line.slice(1));
    else {
      assert.equal(before[at], line.slice(1), 'the diff speaks of a line that is not there');
      if (line.startsWith(' ')) after.push(line.slice(1));
      at++;
    }
  }
  return [...after, ...before.slice(at)];
}
