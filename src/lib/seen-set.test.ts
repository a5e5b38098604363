import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SeenSet } from './seen-set.ts';

test('what was added is there, and nothing else, while the table grows', () => {
  const seen = new SeenSet();
  for (let i = 0; i < 10_000; i++) assert.equal(seen.add(`text ${i}`), 'new');
  for (let i = 0; i < 10_000; i++) assert.ok(seen.has(`text ${i}`));
  for (let i = 10_000; i < 20_000; i++) assert.ok(!seen.has(`text ${i}`));
  assert.equal(seen.size, 10_000);
});

test('a text seen again has the same tag or a different one', () => {
  const seen = new SeenSet();
  seen.add('a', 'one');
  assert.equal(seen.add('a', 'one'), 'same');
  assert.equal(seen.add('a', 'two'), 'different');
});
