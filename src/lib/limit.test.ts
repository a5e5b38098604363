import assert from 'node:assert/strict';
import { setImmediate } from 'node:timers/promises';
import { test } from 'node:test';
import { Limit } from './limit.ts';
import { waitMs } from './backoff.ts';

test('no more tasks run at once than the limit, and all run', async () => {
  const limit = new Limit(3);
  let [running, most, done] = [0, 0, 0];
  for (let i = 0; i < 20; i++) {
    await limit.add(async () => {
      most = Math.max(most, ++running);
      await setImmediate();
      running--;
      done++;
    });
  }
  await limit.drain();
  assert.deepEqual([most, done], [3, 20]);
});

test('the first error of any task is thrown, after the others have ended', async () => {
  const limit = new Limit(2);
  let ended = false;
  await limit.add(async () => {
    await setImmediate();
    ended = true;
  });
  await limit.add(async () => { throw new Error('first'); });
  await assert.rejects(limit.drain(), /first/);
  assert.ok(ended);
});

test('a wait grows, is bounded, and is never shorter than was asked for', () => {
  const backoff = { attempts: 5, firstMs: 100, mostMs: 1000 };
  assert.deepEqual([1, 2, 3, 4, 5, 9].map((failed) => waitMs(failed, backoff, 1)), [100, 200, 400, 800, 1000, 1000]);
  assert.equal(waitMs(1, backoff, 0), 0);
  assert.equal(waitMs(1, backoff, 0.5, 5000), 5000);
});
