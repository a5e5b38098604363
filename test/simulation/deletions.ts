import assert from 'node:assert/strict';
import fc from 'fast-check';
import { runFromCheckpoint } from '../../src/engine/run/checkpoints.ts';
import { runMerge } from '../../src/engine/merge.ts';
import type { State } from '../../src/engine/state/state.ts';
import type { Document } from '../../src/model/document.ts';
import type { Host } from '../../src/model/host.ts';
import { plainHost } from '../../src/model/plain-host.ts';
import type { Store } from '../../src/model/store.ts';
import { MemoryStore } from '../../src/stores/memory/memory-store.ts';
import type { MemoryChange } from '../../src/stores/memory/memory-store.ts';
import { instantText } from '../../src/stores/records/instants.ts';
import { softly } from '../../src/stores/records/softly.ts';
import { telling } from '../../src/stores/records/telling.ts';
import { playAll } from './histories.ts';

const sides = ['left', 'right'] as const;
type Side = (typeof sides)[number];

const overlapMs = 50;

/** One step of a history. Times are in milliseconds, counted from the moment of the step. */
type Step =
  /** Somebody writes or deletes a record, with the time of this moment, and it becomes visible later, by no more than the overlap. */
  | { readonly kind: 'put' | 'delete'; readonly side: Side; readonly key: number; readonly visibleIn: number; readonly stampedIn: number }
  | { readonly kind: 'wait'; readonly ms: number }
  /** What a run has seen of deletions is cleared away on both sides. */
  | { readonly kind: 'purge' }
  /** Somebody puts back an early version of a record, from a backup, where nothing is. */
  | { readonly kind: 'restore'; readonly side: Side; readonly key: number }
  /** `tick`: how much time each operation takes. `fuse`: the run dies at this operation. `forgets`: it dies when all is written. `whole`: it looks at everything. */
  | { readonly kind: 'run'; readonly tick: number; readonly fuse: number | undefined; readonly forgets: boolean; readonly whole: boolean };

const edit = fc.record({
  kind: fc.constantFrom('put' as const, 'put' as const, 'delete' as const), side: fc.constantFrom(...sides), key: fc.integer({ min: 0, max: 3 }),
  visibleIn: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: overlapMs })), stampedIn: fc.oneof({ weight: 6, arbitrary: fc.constant(0) }, fc.integer({ min: 1, max: 4 * overlapMs })),
});
const wait = fc.record({ kind: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 3 * overlapMs }) });
const run = fc.record({
  kind: fc.constant('run' as const), tick: fc.integer({ min: 0, max: 20 }), fuse: fc.option(fc.integer({ min: 1, max: 14 }), { nil: undefined, freq: 3 }),
  forgets: fc.boolean(), whole: fc.oneof({ weight: 3, arbitrary: fc.constant(false) }, fc.constant(true)),
});
const restore = fc.record({ kind: fc.constant('restore' as const), side: fc.constantFrom(...sides), key: fc.integer({ min: 0, max: 3 }) });
const histories: fc.Arbitrary<readonly Step[]> = fc.array(fc.oneof({ weight: 6, arbitrary: edit }, { weight: 2, arbitrary: wait }, { weight: 4, arbitrary: run }, fc.record({ kind: fc.constant('purge' as const) }), restore), { minLength: 4, maxLength: 28, size: 'max' });

/** What is the newest of a record: a version, or that it was deleted. */
interface Latest {
  readonly stamp: number;
  readonly deleted: boolean;
}

interface Pending extends Latest {
  readonly side: Side;
  readonly key: string;
  readonly visibleMs: number;
}

/**
 * Two places, of which one has a table of deletions and the other one a field that says so, under users who write and delete,
 * late as well, and clear away what they deleted. What has to come of it is known without any of that: the newest wins.
 */
class World {
  #nowMs = 1_000_000;
  #stamps = 0;
  #fuse = Infinity;
  #tick = 0;
  #pending: Pending[] = [];
  readonly #latest = new Map<string, Latest>();
  /** Of each record, its first version. */
  readonly #first = new Map<string, number>();
  readonly #deletions = new Map<string, number[]>();
  /** Deletions that a run has seen, by their times. */
  readonly #told = new Set<number>();
  readonly #raw: { readonly [side in Side]: MemoryStore };
  readonly #table: MemoryStore;
  readonly #stores: { readonly [side in Side]: Store };
  readonly #state: State;
  readonly #host: Host;

  constructor(state: State) {
    this.#state = state;
    this.#host = { ...plainHost, now: () => this.#nowMs, sleep: async () => {} };
    const storeOf = (name: string, watch?: (change: MemoryChange) => void): MemoryStore => new MemoryStore({ name, pageEntries: 2, batchEntries: 2, inFlight: 1, interfere: () => this.#operate(), ...(watch && { watch }) });
    this.#raw = { left: storeOf('left', (change) => this.#check('left', change)), right: storeOf('right', (change) => this.#check('right', change)) };
    this.#table = storeOf('deletions');
    this.#stores = {
      left: telling(this.#raw.left, { table: this.#table, name: 'deletions', host: this.#host }),
      right: softly(this.#raw.right, { deleted: 'gone', host: this.#host }),
    };
  }

  async play(steps: readonly Step[]): Promise<void> {
    for (const step of steps) {
      if (step.kind === 'wait') this.#pass(step.ms);
      else if (step.kind === 'purge') this.#purge();
      else if (step.kind === 'restore') this.#restore(step);
      else if (step.kind === 'run') await this.#run(step);
      else this.#commit(step);
    }
    this.#pass(10 * overlapMs);
    await this.#run({ kind: 'run', tick: 0, fuse: undefined, forgets: false, whole: true });
    const expected = [...this.#latest].flatMap(([key, { stamp, deleted }]) => (deleted ? [] : [[key, stamp] as const])).sort();
    for (const name of sides) {
      const held = Object.entries(this.#raw[name].dump()) as [string, Document][];
      const living = held.flatMap(([key, document]) => (document['gone'] === undefined ? [[key, document['stamp']] as const] : []));
      assert.deepEqual(living.sort(), expected, `${name} holds the newest of everything, and nothing that was deleted`);
    }
    this.#writes = 0;
    await this.#run({ kind: 'run', tick: 0, fuse: undefined, forgets: false, whole: true });
    assert.equal(this.#writes, 0, 'a second run writes nothing');
  }

  #commit({ kind, side, key, visibleIn, stampedIn }: Step & { kind: 'put' | 'delete' }): void {
    // No two stamps are equal, and none is before its moment.
    const stamp = (this.#nowMs + stampedIn) * 1_000 + (this.#stamps = (this.#stamps + 1) % 1_000);
    this.#pending.push({ side, key: `t/${key}`, stamp, deleted: kind === 'delete', visibleMs: this.#nowMs + visibleIn });
    this.#pass(0);
  }

  /** Time goes on, and what is due by then can be seen. */
  #pass(ms: number): void {
    this.#nowMs += ms;
    const due = this.#pending.filter(({ visibleMs }) => visibleMs <= this.#nowMs);
    if (due.length === 0) return;
    this.#pending = this.#pending.filter(({ visibleMs }) => visibleMs > this.#nowMs);
    for (const pending of due) this.#show(pending);
  }

  #show({ side, key, stamp, deleted }: Pending): void {
    const held = this.#raw[side].peek(key);
    // The users of a place leave what is newer alone, too, and nobody can mark what is not there.
    const document = held?.content?.kind === 'document' ? held.content.document : undefined;
    if ((held?.modifiedAt ?? 0) > stamp || (deleted && side === 'right' && (!document || document['gone'] !== undefined))) return;
    if (stamp > (this.#latest.get(key)?.stamp ?? 0)) this.#latest.set(key, { stamp, deleted });
    if (!deleted && !this.#first.has(key)) this.#first.set(key, stamp);
    if (!deleted) return this.#raw[side].edit(key, { stamp }, { modifiedAt: stamp });
    this.#deletions.set(key, [...this.#deletions.get(key) ?? [], stamp]);
    if (side === 'right') return this.#raw.right.edit(key, { ...document, gone: instantText(stamp) }, { modifiedAt: stamp });
    if (held) this.#raw.left.drop(key);
    const row = `deletions/${key}`;
    if ((this.#table.peek(row)?.modifiedAt ?? 0) < stamp) this.#table.edit(row, { collection: 't', key: key.slice(2), deleted_at: instantText(stamp) }, { modifiedAt: stamp });
  }

  #purge(): void {
    for (const key of Object.keys(this.#table.dump())) if (this.#told.has(this.#table.peek(key)?.modifiedAt ?? 0)) this.#table.drop(key);
    for (const [key, document] of Object.entries(this.#raw.right.dump()) as [string, Document][]) {
      if (document['gone'] !== undefined && this.#told.has(this.#raw.right.peek(key)?.modifiedAt ?? 0)) this.#raw.right.drop(key);
    }
  }

  #restore({ side, key: number }: Step & { kind: 'restore' }): void {
    const key = `t/${number}`;
    const first = this.#first.get(key);
    if (first !== undefined && !this.#raw[side].peek(key)) this.#raw[side].edit(key, { stamp: first }, { modifiedAt: first });
  }

  #operate(): void {
    if (--this.#fuse <= 0) throw new Error('died');
    this.#pass(this.#tick);
  }

  async #run({ tick, fuse = Infinity, forgets, whole }: Step & { kind: 'run' }): Promise<void> {
    [this.#tick, this.#fuse] = [tick, fuse];
    const visible = [...this.#deletions.values()].flat().filter((stamp) => stamp <= this.#nowMs * 1_000);
    const pairing = { ...this.#stores, state: this.#state, host: this.#host, deletes: 'told' as const, guard: { maxDeletes: Infinity } };
    const dying = async (given: Parameters<typeof runMerge>[0]): ReturnType<typeof runMerge> => {
      const report = await runMerge(given);
      if (forgets) throw new Error('died');
      return report;
    };
    try {
      const { complete } = await runFromCheckpoint(pairing, { configuration: this.#raw.left.identity, name: 'a pair', overlapMs, whole }, dying);
      // Who could not read everything may not have heard of it.
      if (complete) for (const stamp of visible) this.#told.add(stamp);
    } catch (error) {
      if (fuse === Infinity && !forgets) throw error;
    }
    [this.#tick, this.#fuse] = [0, Infinity];
  }

  #writes = 0;

  #check(where: Side, { key, before, after, by }: MemoryChange): void {
    if (by === 'other') return;
    this.#writes++;
    if (after) assert.ok((before?.modifiedAt ?? 0) < (after.modifiedAt ?? 0), `${where} ${key}: nothing newer is replaced`);
    else assert.ok((this.#deletions.get(key) ?? []).some((stamp) => stamp > (before?.modifiedAt ?? 0)), `${where} ${key}: nothing is deleted that is newer than every deletion`);
  }
}

/** Plays so many histories, each in a state of its own pair. */
export async function runDeletions(numRuns: number, seed?: number): Promise<{ readonly runs: number; readonly deletions: number }> {
  const sumOf = await playAll(histories, async (state, steps) => await new World(state).play(steps), { numRuns, seed });
  return { runs: sumOf('run'), deletions: sumOf('delete') };
}
