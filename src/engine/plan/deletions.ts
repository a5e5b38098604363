import type { Policy } from '../../core/policy.ts';
import type { Action, Base, Triple } from '../../core/reconcile.ts';
import { deletionOf, inferredTime, isMarked, tombstone } from '../../core/tombstones.ts';
import type { Entry } from '../../model/entry.ts';
import type { Key } from '../../model/key.ts';
import { plainHost } from '../../model/plain-host.ts';
import { sortEntries } from '../aside/sort.ts';
import type { Run } from '../run/run.ts';
import type { Baseline, Tombstones } from '../state/state.ts';
import type { TwoWay } from '../types.ts';
import type { Delete } from '../write/writer.ts';
import { narrowed } from './scan.ts';
import { latestOfEach, toldBy } from './tombstones.ts';

type Context = Run['context'];

/** For so long deletions are remembered: a place that was away, or restored from a backup, for less than a quarter brings nothing back. */
const defaultTombstonesForMs = 90 * 86_400_000;

/**
 * What a run by time knows of deletions beside what both sides hold: what the places tell, and what the runs before it
 * saw, which is remembered in the state.
 */
export class Deletions {
  /** What is remembered; absent where deletions do not travel, and then nothing is remembered either. */
  readonly #own: Tombstones | undefined;
  readonly #pairing: TwoWay;
  readonly #nowMs: number;
  readonly #sinceMs: number;
  readonly #precision: number;
  readonly #noting: boolean;

  /** `noting`: whether anything is to be remembered. */
  constructor(pairing: TwoWay, { decides, deletes }: Policy, { precision, noting }: { readonly precision: number; readonly noting: boolean }) {
    const { left, right, state, host = plainHost, tombstonesForMs = defaultTombstonesForMs } = pairing;
    this.#pairing = pairing;
    [this.#precision, this.#noting] = [precision, noting];
    this.#nowMs = host.now();
    this.#sinceMs = this.#nowMs - tombstonesForMs;
    if (decides === 'time' && deletes !== 'keep') this.#own = state.tombstones(`deletions ${[left.identity, right.identity].sort().join(' ')}`, this.#sinceMs);
  }

  /** All that is known, as streams in key order; none where nothing is, for each of them costs something with every entry. */
  known(context: Context): readonly AsyncGenerator<readonly Entry[]>[] {
    const { left, right } = this.#pairing;
    return [...(left.tombstones ?? right.tombstones ? [this.told(context)] : []), ...(this.#own && !this.#own.isEmpty ? [this.#remembered(context)] : [])];
  }

  /** What the places tell, within the window of the run, in key order, of each key the latest. */
  async *told(context: Context): AsyncGenerator<readonly Entry[]> {
    const { left, right } = this.#pairing;
    yield* latestOfEach(sortEntries(toldBy([['left', left], ['right', right]], context), { ...(context.sortBytes !== undefined && { bytes: context.sortBytes }) }));
  }

  /** What is remembered of the entries in scope, in key order. */
  async *#remembered(context: Context): AsyncGenerator<readonly Entry[]> {
    const where = narrowed(context);
    for await (const page of this.#own?.scan() ?? []) yield page.map(({ key, at }) => tombstone(key, at)).filter((entry) => where?.(entry) !== false);
  }

  /** What is remembered of one key. */
  of(key: Key): Entry | undefined {
    const at = this.#own?.get(key);
    return at === undefined ? undefined : tombstone(key, at);
  }

  #note({ key, modifiedAt: at }: Entry): void {
    // What was deleted longer ago would be forgotten again and again.
    if (at !== undefined && at / 1_000 >= this.#sinceMs) this.#own?.set({ key, at, notedMs: this.#nowMs });
  }

  /** Remembers what is about to be deleted. Durable once this returns. */
  noteAll(deletes: Iterable<Delete>): void {
    if (!this.#own) return;
    for (const { key, over, tombstone: told } of deletes) {
      const at = told?.modifiedAt ?? inferredTime(over, undefined, this.#precision);
      if (at !== undefined) this.#own.set({ key, at, notedMs: this.#nowMs });
    }
    this.#own.commit();
  }

  /** Remembers what is gone from both sides, as what both agreed on says. */
  noteForgotten(base: Base | undefined): void {
    const at = inferredTime(undefined, base, this.#precision);
    if (base && at !== undefined) this.#own?.set({ key: base.key, at, notedMs: this.#nowMs });
  }

  /** Takes note of what one key shows: a deletion that was told, or that something newer has taken its place. */
  see(triple: Triple, decided: readonly Action[]): void {
    if (!this.#own || !this.#noting || !isMarked(triple)) return;
    const [deletion, { key, left, right }] = [deletionOf(triple), triple];
    const outlived = ((left && !left.deleted) || (right && !right.deleted)) && decided.every(({ kind }) => kind !== 'delete' && kind !== 'undated');
    if (!outlived) this.#note(deletion ?? { key });
    else if (this.#own.get(key) !== undefined) this.#own.delete(key);
  }

  /** Makes what was noted durable, and forgets for good what is too old. */
  commit(): void {
    this.#own?.commit();
    this.#own?.purge();
  }
}

/** What the runs before this one left. */
export interface Remembered {
  readonly baseline: Baseline;
  readonly deletions: Deletions;
}
