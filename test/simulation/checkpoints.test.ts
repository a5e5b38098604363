import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runInterleavings } from './checkpoints.ts';

const interleavings = 5_000;

test(`no record is lost at a checkpoint, and none is applied twice, in ${interleavings} interleavings of commits, runs and crashes`, async () => {
  const { runs, commits } = await runInterleavings(interleavings);
  // Interleavings in which nothing happens prove nothing.
  assert.ok(runs > 2 * interleavings && commits > 2 * interleavings, `${runs} runs, ${commits} commits`);
});
