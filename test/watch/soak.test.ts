import assert from 'node:assert/strict';
import { test } from 'node:test';
import { soak } from './soak.ts';

test('after ten seconds of random changes both directories are equal, and the program ends well when it is told to', async () => {
  const { exitCode, health, operations } = await soak({ seconds: 10, seed: 20_261 });
  assert.equal(exitCode, 0);
  assert.equal(health.state, 'stopped');
  assert.ok(operations > 0);
});
