import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SyncError, toSyncError } from './errors.ts';

test('of what failed, and what failed while that was tidied up, the first is told', () => {
  const first = new SyncError('denied', 'no table may be made');
  assert.equal(toSyncError(new SuppressedError(new Error('no table may be dropped'), first)), first);
});
