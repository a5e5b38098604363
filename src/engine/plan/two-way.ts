import { mergeJoin } from '../../core/merge-join.ts';
import type { Policy, Side } from '../../core/policy.ts';
import { otherSide } from '../../core/policy.ts';
import type { Action, Base, Triple } from '../../core/reconcile.ts';
import { reconcile } from '../../core/reconcile.ts';
import { judgedBy, mayMove } from '../../core/selection/scope.ts';
import { inferredTime, isMarked, laterOf, reconcileDeleted, tombstone } from '../../core/tombstones.ts';
import type { Entry } from '../../model/entry.ts';
import { SyncError } from '../../model/errors.ts';
import type { Key } from '../../model/key.ts';
import type { Source, Store, Window } from '../../model/store.ts';
import { isInside } from '../../model/window.ts';
import { reach, tellExpected } from '../run/reach.ts';
import { readEach } from '../run/read-each.ts';
import type { Run } from '../run/run.ts';
import type { Baseline } from '../state/state.ts';
import type { TwoWay } from '../types.ts';
import type { Remembered } from './deletions.ts';
import { leaveOutEqual } from './equal-ranges.ts';
import type { Proven } from './equal-ranges.ts';
import { withEvidence } from './evidence.ts';
import { coarser } from './plan.ts';
import { soughtTriples } from './quarantined.ts';
import { anyOf, hides, inOrder, narrowed, refuseTimeless } from './scan.ts';
import { withStill } from './still.ts';

type Context = Run['context'];

/** What a two-way run has to do, in pages, in key order. Writes nothing. */
export async function* planTwoWay(pairing: TwoWay, { context: given }: Pick<Run, 'context'>, policy: Policy, { baseline, deletions }: Remembered): AsyncGenerator<readonly Action[]> {
  const { left, right, where } = pairing;
  const context: Context = { ...given, shared: (collection) => [left, right].every((store) => store.covers?.(anyOf(collection)) !== false) };
  if (policy.decides === 'time' || context.window) for (const store of [left, right]) refuseTimeless(store);
  const { ledger, ledger: { quarantine } } = context;
  await reach([left, right], context, policy.decides === 'time');
  await tellExpected([['left', [left]], ['right', [right]]], context);
  const precision = coarser(left, right);
  const future = new Future(context);
  // By time, and where absence deletes nothing, there is nothing to remember of what is equal.
  const whole = policy.decides === 'time' && policy.deletes !== 'propagate' && !hides(context.window) && (where ?? context.within) === undefined;
  await using proven = whole && pairing.rangeDigests !== false ? await leaveOutEqual(left, right, context) : undefined;
  for await (const { triples, sought } of allOf(pairing, context, { baseline, deletions }, proven)) {
    const actions: Action[] = [];
    const inScope = triples.filter((triple) => mayMove(triple, context.within));
    for (const triple of await withEvidence(await withStill(inScope, { left, right, precision, signal: context.signal }), { leftOf: () => left, right, precision, proof: 'stat', signal: context.signal, hashes: context.hashes })) {
      const decided = decide(triple, policy, precision);
      deletions.see(triple, decided);
      const chosen = context.within ? decided.filter((action) => judgedBy(action).every(context.within!)) : decided;
      if (decided.length > 0 && chosen.length === 0) continue;
      if (chosen[0]?.kind === 'forget' && (cannotEnumerate(left) || cannotEnumerate(right))) continue;
      quarantine?.meet(triple.key);
      for (const action of chosen) future.see(action);
      const isThere = triple.left !== undefined || triple.right !== undefined;
      if (chosen.length === 0 && (sought || !isThere)) quarantine?.release(triple.key);
      else if (chosen.length === 0) ledger.unchanged(triple.key);
      else {
        const free = chosen.filter((action) => !quarantine?.holdsBack(action));
        for (let i = free.length; i < chosen.length; i++) ledger.heldBack();
        // What is asked for may be older than all that the run looks at.
        const open = free.filter((action) => isOpenTo(action, sought ? untilOf(context) : context.window));
        actions.push(...open);
        if (free.length > 0 && open.length === 0 && !sought && isThere) ledger.outside(triple.key);
      }
    }
    if (actions.length > 0) yield actions;
  }
  future.tell();
}

const nothing: readonly Action[] = [];

/** What is to happen to one key: what happens to both sides takes two actions. */
function decide(triple: Triple, policy: Policy, precision: number): readonly Action[] {
  if (isMarked(triple)) return reconcileDeleted(triple, policy, precision);
  const action = reconcile(triple, policy, precision);
  if (action?.kind !== 'delete') return action ? [action] : nothing;
  // Nobody says when it was deleted.
  const at = inferredTime(action.over, triple.base, precision);
  return [at === undefined ? action : { ...action, tombstone: tombstone(action.key, at) }];
}

/** Clocks are never quite the same; what is this far ahead of ours, in microseconds, is worth a word. */
const ahead = 60_000_000;

/** What is stamped so far in the future that somebody's clock must be wrong. */
class Future {
  readonly #context: Context;
  #count = 0;
  #latest = 0;

  constructor(context: Context) {
    this.#context = context;
  }

  see(action: Action): void {
    const until = this.#context.window?.until;
    if (until === undefined) return;
    for (const { modifiedAt = 0 } of newsOf(action)) {
      if (modifiedAt <= until + ahead) continue;
      this.#count++;
      this.#latest = Math.max(this.#latest, modifiedAt);
    }
  }

  /** Warns, where the window ends now and not where somebody wants it to. */
  tell(): void {
    const { ledger, window, nowMs } = this.#context;
    if (this.#count === 0 || (window?.until ?? 0) + ahead < nowMs() * 1_000) return;
    ledger.warn(`${this.#count === 1 ? 'one entry is' : `${this.#count} entries are`} stamped in the future, up to ${new Date(this.#latest / 1_000).toISOString()}, and ${this.#count === 1 ? 'travels' : 'travel'} when that time has come: see whether the clocks agree`);
  }
}

/** What an action carries across. */
function newsOf(action: Action): readonly Entry[] {
  return action.kind === 'delete' && action.tombstone ? [action.tombstone] : judgedBy(action);
}

/** What a run comes across, and after that what it asks for because it is in quarantine. */
async function* allOf(pairing: TwoWay, context: Context, remembered: Remembered, proven: Proven | undefined): AsyncGenerator<{ readonly triples: readonly Triple[]; readonly sought: boolean }> {
  const isWhole = !hides(context.window);
  for await (const triples of isWhole ? allTriples(pairing, context, remembered, proven) : triplesInWindow(pairing, context, remembered)) yield { triples, sought: false };
  const { ledger, under } = context;
  // Of ranges that are equal nothing is come across.
  if (isWhole && !under && !proven && ledger.sawAll) ledger.quarantine?.releaseUnmet();
  for await (const triples of soughtTriples(pairing, context, remembered)) yield { triples, sought: true };
}

function untilOf({ window }: Context): Window | undefined {
  return window?.until === undefined ? undefined : { until: window.until };
}

/** Whether a window lets an action happen: what is the news has to lie within it. */
function isOpenTo(action: Action, window: Window | undefined): boolean {
  return window === undefined || newsOf(action).every((entry) => isInside(entry, window));
}

function scanOf(side: Side, store: Source, context: Context): AsyncGenerator<readonly Entry[]> {
  const { holds, order, reads } = store.capabilities;
  // Documents had to be read for their digests. What comes in order is not held, and need not be read a second time to be written.
  return inOrder(store, context, { side, counted: true, want: reads !== 'cheap' || (holds === 'documents' && order === 'key') ? 'content' : 'stat' });
}

async function* allTriples(pairing: TwoWay, context: Context, { baseline, deletions }: Remembered, proven?: Proven): AsyncGenerator<readonly Triple[]> {
  const [left, right] = proven?.sides ?? [pairing.left, pairing.right];
  const sides = [scanOf('left', left, context), scanOf('right', right, context)];
  for await (const rows of mergeJoin<Entry | Base>(...sides, chosen(baseline, context, proven), ...deletions.known(context))) {
    let triples: readonly Triple[] = rows.map(({ key, items: [l, r, b, ...known] }) => {
      const triple = { key, left: l as Entry | undefined, right: r as Entry | undefined, base: b as Base | undefined };
      const gone = (known as readonly (Entry | undefined)[]).reduce(laterOf, undefined);
      return gone ? { ...triple, gone } : triple;
    });
    if (proven) triples = await withUnread(triples, proven, pairing, context);
    for (const side of ['left', 'right'] as const) if (cannotEnumerate(pairing[side])) triples = await confirmAbsence(triples, side, pairing, context);
    yield triples;
  }
}

/** What was modified within the window on either side, and what the other side holds there, whenever that was modified. */
async function* triplesInWindow(pairing: TwoWay, context: Context, { baseline, deletions }: Remembered): AsyncGenerator<readonly Triple[]> {
  for await (const rows of mergeJoin<Entry>(scanOf('left', pairing.left, context), scanOf('right', pairing.right, context), deletions.told(context))) {
    const triples = rows.map(({ key, items: [left, right, told] }): Triple => {
      const gone = laterOf(told, deletions.of(key));
      return { key, left, right, base: baseline.get(key), ...(gone && { gone }) };
    });
    yield await confirmAbsence(await confirmAbsence(triples, 'left', pairing, context), 'right', pairing, context);
  }
}

/** What a tombstone is about may be held by both sides, alike, in a range that was not read. */
async function withUnread(triples: readonly Triple[], proven: Proven, pairing: TwoWay, context: Context): Promise<readonly Triple[]> {
  const hidden = triples.filter(({ key, gone }) => gone && !proven.isOpen(key));
  if (hidden.length === 0) return triples;
  const found = await confirmAbsence(await confirmAbsence(hidden, 'left', pairing, context), 'right', pairing, context);
  for (const { key, left, right } of found) if (left || right) context.ledger.unproven(key);
  const byKey = new Map(found.map((triple) => [triple.key, triple]));
  return triples.map((triple) => byKey.get(triple.key) ?? triple);
}

/**
 * What a store did not list need not be gone where a listing does not reach everything: such an entry is asked for by
 * name before anything is concluded. What neither side listed cannot be asked for and stays remembered.
 */
async function confirmAbsence(triples: readonly Triple[], side: Side, { [side]: store }: TwoWay, { signal, ledger }: Context): Promise<readonly Triple[]> {
  const missing = triples.flatMap((triple) => (triple[side] ? [] : (triple[otherSide(side)] ?? triple.gone ?? [])));
  if (missing.length === 0) return triples;
  const found = await readEach(store, missing, signal ? { signal } : {});
  const byKey = new Map<Key, Entry | SyncError>();
  found.forEach((entry, i) => {
    if (!entry) return;
    const { key } = missing[i]!;
    byKey.set(key, entry);
    if (entry instanceof SyncError) ledger.problem(side, { place: key, key, error: entry });
  });
  // Of what cannot be read nobody knows whether it is the newer one.
  return triples.flatMap((triple): readonly Triple[] => {
    const entry = triple[side] ? undefined : byKey.get(triple.key);
    if (entry instanceof SyncError) return [];
    return [entry ? { ...triple, [side]: entry } : triple];
  });
}

function cannotEnumerate({ capabilities }: Store): boolean {
  return capabilities.enumerates === 'collections';
}

/** What is remembered of the entries in scope: a filter hides an entry from memory too, or it would be forgotten as gone. */
async function* chosen(baseline: Baseline, context: Context, proven: Proven | undefined): AsyncGenerator<readonly Base[]> {
  const where = narrowed(context);
  for await (const page of baseline.scan()) {
    const open = proven ? page.filter(({ key }) => proven.isOpen(key)) : page;
    yield where ? open.filter(where) : open;
  }
}
