import assert from 'node:assert/strict';
import fc from 'fast-check';
import { runFromCheckpoint } from '../../src/engine/run/checkpoints.ts';
import { runMerge } from '../../src/engine/merge.ts';
import type { State } from '../../src/engine/state/state.ts';
import type { Document } from '../../src/model/document.ts';
import type { Host } from '../../src/model/host.ts';
import { plainHost } from '../../src/model/plain-host.ts';
import { MemoryStore } from '../../src/stores/memory/memory-store.ts';
import type { MemoryChange } from '../../src/stores/memory/memory-store.ts';
import { playAll } from './histories.ts';

const sides = ['left', 'right'] as const;
type Side = (typeof sides)[number];

const overlapMs = 50;

/** One step of an interleaving. Times are in milliseconds, counted from the moment of the step. */
type Step =
  /** Somebody stamps a record now, or in the future, and it becomes visible later, by no more than the overlap. */
  | { readonly kind: 'commit'; readonly side: Side; readonly key: number; readonly visibleIn: number; readonly stampedIn: number }
  | { readonly kind: 'wait'; readonly ms: number }
  /** A run. `tick`: how much time each of its operations takes. `fuse`: it dies at this operation. `forgets`: it dies when all is written, but before its checkpoint moves. */
  | { readonly kind: 'run'; readonly tick: number; readonly fuse: number | undefined; readonly forgets: boolean };

const side = fc.constantFrom(...sides);
const commit = fc.record({
  kind: fc.constant('commit' as const), side, key: fc.integer({ min: 0, max: 4 }),
  visibleIn: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: overlapMs })), stampedIn: fc.oneof({ weight: 6, arbitrary: fc.constant(0) }, fc.integer({ min: 1, max: 4 * overlapMs })),
});
const wait = fc.record({ kind: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 3 * overlapMs }) });
const run = fc.record({ kind: fc.constant('run' as const), tick: fc.integer({ min: 0, max: 20 }), fuse: fc.option(fc.integer({ min: 1, max: 12 }), { nil: undefined, freq: 3 }), forgets: fc.boolean() });

/** Interleavings of commits, late commits, runs and crashes. */
const interleavings: fc.Arbitrary<readonly Step[]> = fc.array(fc.oneof({ weight: 5, arbitrary: commit }, { weight: 2, arbitrary: wait }, { weight: 4, arbitrary: run }), { minLength: 4, maxLength: 24, size: 'max' });

interface Pending {
  readonly side: Side;
  readonly key: string;
  readonly stamp: number;
  readonly visibleMs: number;
}

/** Two stores whose users and whose runs come in an order that is given, and a clock that only they move. */
class World {
  #nowMs = 1_000_000;
  #stamps = 0;
  #fuse = Infinity;
  #tick = 0;
  #pending: Pending[] = [];
  readonly #latest = new Map<string, number>();
  readonly #applied = new Set<string>();
  readonly #stores: { readonly [side in Side]: MemoryStore };
  readonly #state: State;
  readonly #host: Host;
  readonly #configuration: string;

  constructor(state: State) {
    this.#state = state;
    const storeOf = (name: Side): MemoryStore => new MemoryStore({ name, pageEntries: 2, batchEntries: 2, inFlight: 1, interfere: () => this.#operate(), watch: (change) => this.#check(name, change) });
    this.#stores = { left: storeOf('left'), right: storeOf('right') };
    this.#host = { ...plainHost, now: () => this.#nowMs, sleep: async () => {} };
    this.#configuration = this.#stores.left.identity;
  }

  async play(steps: readonly Step[]): Promise<void> {
    for (const step of steps) {
      if (step.kind === 'commit') this.#commit(step);
      else if (step.kind === 'wait') this.#pass(step.ms);
      else await this.#run(step);
    }
    this.#pass(10 * overlapMs);
    await this.#run({ kind: 'run', tick: 0, fuse: undefined, forgets: false });
    for (const name of sides) {
      const held = Object.entries(this.#stores[name].dump()).map(([key, document]) => [key, (document as Document)['stamp']]);
      assert.deepEqual(new Map(held.sort() as [string, number][]), new Map([...this.#latest].sort()), `${name} holds the newest of everything`);
    }
  }

  #commit({ side: where, key: number, visibleIn, stampedIn }: Step & { kind: 'commit' }): void {
    const key = `t/${number}`;
    // No two stamps are equal, and none is before its moment.
    const stamp = (this.#nowMs + stampedIn) * 1_000 + (this.#stamps = (this.#stamps + 1) % 1_000);
    this.#latest.set(key, Math.max(stamp, this.#latest.get(key) ?? 0));
    this.#pending.push({ side: where, key, stamp, visibleMs: this.#nowMs + visibleIn });
    this.#pass(0);
  }

  /** Time goes on, and what is due by then can be seen. */
  #pass(ms: number): void {
    this.#nowMs += ms;
    const due = this.#pending.filter(({ visibleMs }) => visibleMs <= this.#nowMs);
    if (due.length === 0) return;
    this.#pending = this.#pending.filter(({ visibleMs }) => visibleMs > this.#nowMs);
    for (const { side: where, key, stamp } of due) {
      // The users of a store leave what is newer alone, too.
      if ((this.#stores[where].peek(key)?.modifiedAt ?? 0) < stamp) this.#stores[where].edit(key, { stamp }, { modifiedAt: stamp });
    }
  }

  #operate(): void {
    if (--this.#fuse <= 0) throw new Error('died');
    this.#pass(this.#tick);
  }

  async #run({ tick, fuse = Infinity, forgets }: Step & { kind: 'run' }): Promise<void> {
    [this.#tick, this.#fuse] = [tick, fuse];
    const pairing = { ...this.#stores, state: this.#state, host: this.#host };
    const dying = async (given: Parameters<typeof runMerge>[0]): ReturnType<typeof runMerge> => {
      const report = await runMerge(given);
      if (forgets) throw new Error('died');
      return report;
    };
    await runFromCheckpoint(pairing, { configuration: this.#configuration, name: 'a pair', overlapMs }, dying).catch((error: unknown) => {
      if (fuse === Infinity && !forgets) throw error;
    });
    [this.#tick, this.#fuse] = [0, Infinity];
  }

  #check(where: Side, { key, before, after, by }: MemoryChange): void {
    if (by === 'other') return;
    const version = `${where} ${key} ${after?.modifiedAt}`;
    assert.ok(after !== undefined && (before?.modifiedAt ?? 0) < (after.modifiedAt ?? 0), `${version} replaces nothing newer`);
    assert.ok(!this.#applied.has(version), `${version} is applied once`);
    this.#applied.add(version);
  }
}

/** Plays so many interleavings, each in a state of its own pair, and asserts that nothing is lost on the way or applied twice. */
export async function runInterleavings(numRuns: number, seed?: number): Promise<{ readonly runs: number; readonly commits: number }> {
  const sumOf = await playAll(interleavings, async (state, steps) => await new World(state).play(steps), { numRuns, seed });
  return { runs: sumOf('run'), commits: sumOf('commit') };
}
