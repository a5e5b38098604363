import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Source, Store } from '../../src/model/store.ts';
import { faulty } from '../../src/testing/faulty.ts';
import { seededRandom } from '../../src/testing/random.ts';
import { World } from './world.ts';

const seeds = 40;
const steps = 120;

/** Watches a source that is changed at random, through stores that fail at random, for some hours. */
async function simulate(seed: number): Promise<void> {
  const random = seededRandom(seed);
  const calm = random.chance(0.2);
  const share = (most: number): number => (calm ? 0 : random.next() * most);
  const shares = { 'refuse': share(0.1), 'lose-answer': share(0.1), 'fail-one': share(0.1), 'cut-scan': share(0.05), 'skip-page': share(0.05), 'fail-read': share(0.05), 'throttle': share(0.05), 'delay': share(0.1) };
  const most = 200;
  await using world = new World({
    seed, guard: { maxDeletes: Infinity }, mostKeys: 1 + random.below(30),
    around: {
      source: (store: Source) => faulty(store as Store, { seed: random, faults: shares, most }),
      target: (store) => faulty(store, { seed: random, faults: { ...shares, 'stale-listing': share(0.05) }, most }),
    },
  });
  const dropped = new Set<string>();
  const change = (): void => {
    const keys = Object.keys(world.source.dump());
    const folder = random.pick(['a', 'a/b', 'c', 'd/e/f']);
    const drop = (key: string): void => {
      dropped.add(key);
      world.source.drop(key);
    };
    switch (random.below(keys.length === 0 ? 1 : 5)) {
      case 1: return drop(random.pick(keys));
      case 2: {
        const from = random.pick(keys);
        world.edit(`${folder}/${random.below(30)}`, String(world.source.dump()[from]));
        return drop(from);
      }
      case 3: return world.target.edit(random.pick(keys), Buffer.from('by somebody else'));
      case 4:
        for (const key of keys) if (key.startsWith(`${folder}/`) && random.chance(0.5)) drop(key);
        return;
      default: return world.edit(`${folder}/${random.below(30)}`, `text ${random.below(1_000)}`);
    }
  };
  for (let i = 0; i < 20; i++) change();
  await world.start();
  for (let i = 0; i < steps; i++) {
    if (random.chance(0.05)) world.teller.deaf = !world.teller.deaf;
    if (random.chance(0.03)) world.teller.refusing = !world.teller.refusing;
    if (random.chance(0.03)) world.teller.break(new Error('too many events'));
    if (random.chance(0.03)) world.teller.tell('');
    for (let changes = random.below(10); changes > 0; changes--) change();
    const before = new Set(Object.keys(world.target.dump()));
    await world.clock.pass(random.pick([0, 5, 30, 1_000, 20_000, 200_000]));
    for (const key of before) if (world.target.peek(key) === undefined) assert.ok(dropped.has(key), `${key} is gone from the target and never was from the source`);
  }
  world.teller.deaf = world.teller.refusing = false;
  // Faults come to an end, and a full pass finds whatever was missed.
  await world.clock.pass(2 * 3_600_000);
  world.assertEqual();
  assert.ok(world.of('trouble').length <= 1 + world.of('recovered').length * 10, 'the same trouble is said again and again');
}

test(`whatever fails in between, both sides end equal and nothing is deleted that the source held (${seeds} histories)`, async () => {
  for (let seed = 1; seed <= seeds; seed++) {
    try {
      await simulate(seed);
    } catch (cause) {
      throw new Error(`seed ${seed} fails`, { cause });
    }
  }
});
