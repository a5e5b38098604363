import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runDeletions } from './deletions.ts';

const histories = 600;

test(`both sides hold the newest, and nothing that was deleted comes back, in ${histories} histories of writes, deletions, runs and crashes`, async () => {
  const { runs, deletions } = await runDeletions(histories);
  // Histories in which nothing happens prove nothing.
  assert.ok(runs > histories && deletions > histories, `${runs} runs, ${deletions} deletions`);
});
