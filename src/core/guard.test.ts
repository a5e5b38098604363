import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkDeletes, defaultGuard } from './guard.ts';

const check = (deletes: number, held: number, sourceEntries: number, guard = defaultGuard): void => checkDeletes({ deletes, held, sourceEntries, target: 'the target', guard });

test('half of what the target holds may go, more may not', () => {
  check(5, 10, 5);
  assert.throws(() => check(6, 10, 5), { code: 'guarded', message: 'refusing to delete 6 of 10 entries of the target (limit 5)' });
});

test('all of it may not go, even when all is one entry', () => {
  assert.throws(() => check(1, 1, 9), { code: 'guarded' });
});

test('an empty source deletes nothing, whatever number is allowed', () => {
  assert.throws(() => check(1, 100, 0), { code: 'guarded' });
  assert.throws(() => check(1, 100, 0, { maxDeletes: 50 }), { code: 'guarded' });
  check(100, 100, 0, { maxDeletes: Infinity });
});

test('a count is a limit of its own', () => {
  check(10, 10, 1, { maxDeletes: 10 });
  assert.throws(() => check(11, 11, 1, { maxDeletes: 10 }), { code: 'guarded' });
});

test('a run without deletions is never refused', () => {
  check(0, 0, 0);
  check(0, 10, 0, { maxDeletes: 0 });
});
