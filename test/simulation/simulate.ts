/**
 * Whole syncs under a seed: two stores, users who change them, and an engine that is run again and again while its
 * stores misbehave. The engine is the one that ships; only the edges are simulated.
 *
 * The budget. Within one seed, up to 12 faults for each store and run, and after them quiet, the engine survives:
 *
 * - a batch turned away; a batch written in part or in full whose answer is lost; single writes failing;
 * - a listing that breaks off, or that leaves out a page and says so; a reading that fails; throttling; delays;
 * - the target of a one-way run listing itself as it was before;
 * - the engine dying between any two operations, also within a batch, with stores and state left as they are;
 * - other writers, on both sides, at any moment.
 *
 * Not in the budget: a store that leaves entries out of a listing without saying so, that answers `done` for what it
 * did not write, or that forgets what it acknowledged. Nothing could tell such a store from its users.
 *
 * What is checked after every run, however it ended:
 *
 * - one-way runs do not touch the source;
 * - nothing is overwritten or deleted in a version that the run has not been shown;
 * - nothing is deleted that the other side held all along, and in two-way runs nothing that it never held;
 * - everything users wrote is on a side, or was replaced by users who saw it, or is kept as lost;
 * - the state tells only of what the stores did hold;
 * - a run that reports success while nobody interfered leaves both sides in step; errors are ours, and none is `internal`.
 *
 * And when the stores have calmed down: one run brings both sides in step, and the next one writes nothing.
 */
import assert from 'node:assert/strict';
import type { Side } from '../../src/core/policy.ts';
import { pairingName, runMerge } from '../../src/engine/merge.ts';
import { learned, runSync } from '../../src/engine/sync.ts';
import type { Report } from '../../src/engine/types.ts';
import { SyncError } from '../../src/model/errors.ts';
import type { Host } from '../../src/model/host.ts';
import type { Store } from '../../src/model/store.ts';
import { fakeHost, faulty, seededRandom, wrap } from '../../src/testing/index.ts';
import type { Fault, Faults, Random } from '../../src/testing/index.ts';
import { Life } from './mortal.ts';
import { payloadOf, topologies, World } from './world.ts';

const faultsAtMost = 12;

/** What one seed amounted to, for counting. */
export interface Simulated {
  readonly runs: number;
  readonly deaths: number;
  readonly faults: number;
  readonly writes: number;
}

/** Simulates one seed; throws with the story of what happened when a law was broken. */
export async function simulate(seed: number): Promise<Simulated> {
  const random = seededRandom(seed);
  const world = new World(random, random.pick(topologies));
  const tally = { runs: 0, deaths: 0, faults: 0 };
  try {
    world.tell(`seed ${seed}: ${world.topology}`);
    for (let round = 1 + random.below(5); round > 0; round--) {
      for (let edits = random.below(20); edits > 0; edits--) world.edit();
      for (let troubled = random.below(4); troubled > 0; troubled--) await runTroubled(world, random, tally);
      await runCalm(world, tally);
    }
    return { ...tally, writes: world.writes.length };
  } catch (cause) {
    throw new Error(`${cause instanceof Error ? cause.message : String(cause)}\nto see it again: npm run simulate -- --seed ${seed}\n${world.story.join('\n')}`, { cause });
  } finally {
    await world.state[Symbol.asyncDispose]();
  }
}

async function runTroubled(world: World, random: Random, tally: { runs: number; deaths: number; faults: number }): Promise<void> {
  const host = fakeHost({ seed: random.below(2 ** 31) });
  const life = new Life(random, random.chance(0.4) ? random.below(40) : Infinity);
  const struck = new Set<Fault>();
  const shown = { left: new Set<string>(), right: new Set<string>() };
  const troubled = (side: Side): Store => life.store(faulty(witnessed(world[side], shown[side]), {
    seed: random.below(2 ** 31), faults: faultsFor(world, side, random), most: random.below(faultsAtMost + 1), foreign: () => world.edit(),
    on: (fault) => {
      struck.add(fault);
      tally.faults++;
      world.tell(`  ${side}: ${fault}`);
    },
  }));
  const from = world.writes.length;
  world.beginRun();
  tally.runs++;
  world.tell('troubled run');
  const ended = await Promise.race([run(world, { left: troubled('left'), right: troubled('right') }, life, host), life.died]);
  if (life.over) {
    tally.deaths++;
    world.tell('  the engine dies');
    // What it had sent before it died still arrives.
    await life.arrived();
  }
  checkRun(world, from, shown);
  if (ended instanceof SyncError) assert.notEqual(ended.code, 'internal', ended.message);
  else if (ended instanceof Error) throw ended;
  else if (ended && !struck.has('foreign-write') && !struck.has('stale-listing')) checkHonesty(world, ended);
}

async function runCalm(world: World, tally: { runs: number }): Promise<void> {
  for (const again of [false, true]) {
    const from = world.writes.length;
    const shown = { left: new Set<string>(), right: new Set<string>() };
    world.beginRun();
    tally.runs++;
    world.tell('calm run');
    const ended = await run(world, { left: witnessed(world.left, shown.left), right: witnessed(world.right, shown.right) }, undefined, fakeHost());
    if (ended instanceof Error) throw ended;
    checkRun(world, from, shown);
    assert.equal(world.inStep(), undefined, 'a calm run brings both sides in step');
    assert.equal(ended.differences, 0, 'a calm run leaves no difference');
    if (again) assert.equal(world.writes.length, from, 'the second run writes nothing');
  }
}

/** One run of the real engine; resolves to its report, or to the error it ended with. */
async function run(world: World, { left, right }: { readonly left: Store; readonly right: Store }, life: Life | undefined, host: Host): Promise<Report | Error> {
  const shared = { host, guard: { maxDeletes: Infinity }, state: life ? life.state(world.state) : world.state, sortBytes: 400 } as const;
  try {
    if (world.twoWay) return await runMerge({ ...shared, left, right });
    return await runSync({ ...shared, origins: [left], target: right, deletes: world.topology === 'one-way, nothing deleted' ? 'keep' : 'propagate' });
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

function faultsFor({ twoWay }: World, side: Side, random: Random): Faults {
  const share = random.pick([0, 0.02, 0.1, 0.3]);
  return {
    'refuse': share, 'lose-answer': share, 'fail-one': share, 'cut-scan': share / 8, 'skip-page': share / 4, 'fail-read': share, 'throttle': share, 'delay': share,
    'foreign-write': random.pick([0, 0, 0.05]), 'stale-listing': side === 'right' && !twoWay ? share : 0,
  };
}

/** Notes which versions a store has shown. */
function witnessed(store: Store, shown: Set<string>): Store {
  return wrap(store, {
    async *scan(...args: Parameters<Store['scan']>) {
      for await (const page of store.scan(...args)) {
        for (const { version } of page.entries) shown.add(`${version}`);
        yield page;
      }
    },
    async read(...args: Parameters<Store['read']>) {
      const entries = await store.read(...args);
      for (const entry of entries) shown.add(`${entry?.version}`);
      return entries;
    },
    async write(...args: Parameters<Store['write']>) {
      const outcomes = await store.write(...args);
      for (const outcome of outcomes) if (outcome.kind === 'done') shown.add(`${outcome.stat.version}`);
      return outcomes;
    },
  });
}

function checkRun(world: World, from: number, shown: { readonly [side in Side]: ReadonlySet<string> }): void {
  const own = new Set<string>();
  for (const { side, key, before, after } of world.writes.slice(from)) {
    assert.ok(world.twoWay || side === 'right', `${key}: a one-way run touched its source`);
    if (before) assert.ok(shown[side].has(`${before.version}`) || own.has(`${side} ${before.version}`), `${key} was ${after ? 'overwritten' : 'deleted'} on the ${side} in a version that the run was never shown`);
    if (after) own.add(`${side} ${after.version}`);
    else {
      const other = side === 'left' ? 'right' : 'left';
      assert.ok(world.lacked(other, key), `${key} was deleted on the ${side}, and the ${other} held it all along`);
      if (world.twoWay) assert.ok(world.hasHeld(other, key, payloadOf(before)), `${key} was deleted on the ${side}, and the ${other} never held it`);
    }
  }
  if (world.twoWay) assert.deepEqual(world.missing(), [], 'everything users wrote can be found');
  checkState(world);
}

function checkState(world: World): void {
  const baseline = world.twoWay ? world.state.baseline(pairingName(world)) : learned({ state: world.state, origins: [world.left], target: world.right })!;
  for (const key of new Set([...Object.keys(world.left.dump()), ...Object.keys(world.right.dump())])) {
    const base = baseline.get(key);
    if (!base) continue;
    assert.ok(world.hasHeld('left', key, base.left.digest?.value) && world.hasHeld('right', key, base.right.digest?.value), `the state tells of ${key} what no store ever held`);
  }
}

function checkHonesty(world: World, report: Report): void {
  const success = report.complete && !report.interrupted && report.differences === 0 && report.counts.failed === 0 && report.problems === 0;
  if (success) assert.equal(world.inStep(), undefined, 'a run that reports success leaves both sides in step');
  else assert.ok(report.failures.length > 0 || report.interrupted, 'a run that is no success says why');
}
