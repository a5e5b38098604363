import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AdaptiveLimit } from './adaptive-limit.ts';
import type { Strain } from './adaptive-limit.ts';

function round(limit: AdaptiveLimit, latencyMs: number, strain: Strain = 'none', rounds = 1): void {
  for (let i = 0; i < rounds; i++) {
    const count = limit.limit;
    for (let j = 0; j < count; j++) assert.equal(limit.enter(), undefined);
    for (let j = 0; j < count; j++) limit.leave(strain, latencyMs);
  }
}

test('the limit grows up to the most while latency holds', () => {
  const limit = new AdaptiveLimit(40);
  round(limit, 10, 'none', 100);
  assert.equal(limit.limit, 40);
});

test('the limit shrinks once for all that was under way when it became too much, and never to nothing', () => {
  const limit = new AdaptiveLimit(40);
  round(limit, 10, 'none', 100);
  round(limit, 10, 'overload');
  assert.equal(limit.limit, 24);
  round(limit, 10, 'overload', 1_000);
  assert.equal(limit.limit, 1);
});

test('the limit falls back while answers are far slower than they were', () => {
  const limit = new AdaptiveLimit(40);
  round(limit, 10, 'none', 100);
  round(limit, 100, 'none', 10);
  assert.ok(limit.limit < 40);
});

test('who does not fit waits, and enters in turn when another leaves', async () => {
  const limit = new AdaptiveLimit(1);
  assert.equal(limit.enter(), undefined);
  const order: number[] = [];
  const waiting = [1, 2, 3].map(async (i) => {
    await limit.enter();
    order.push(i);
    limit.leave('none');
  });
  assert.deepEqual(order, []);
  limit.leave('none');
  await Promise.all(waiting);
  assert.deepEqual(order, [1, 2, 3]);
});
