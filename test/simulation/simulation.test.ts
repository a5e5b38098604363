import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulate } from './simulate.ts';
import type { Simulated } from './simulate.ts';

const seeds = 2_000;

test(`every law holds over ${seeds} simulated histories`, async () => {
  const sum = { runs: 0, deaths: 0, faults: 0, writes: 0 };
  for (let seed = 0; seed < seeds; seed++) add(sum, await simulate(seed));
  // A simulation in which nothing happens proves nothing.
  assert.ok(sum.deaths > seeds / 10 && sum.faults > seeds && sum.writes > seeds, JSON.stringify(sum));
});

test('a seed tells the same story every time', async () => {
  for (const seed of [1, 2, 3]) assert.deepEqual(await simulate(seed), await simulate(seed));
});

function add(sum: { -readonly [name in keyof Simulated]: number }, one: Simulated): void {
  for (const name of Object.keys(sum) as (keyof Simulated)[]) sum[name] += one[name];
}
