import { mergeJoin } from '../core/merge-join.ts';
import type { Policy, Side } from '../core/policy.ts';
import { otherSide } from '../core/policy.ts';
import type { Action, Base, Triple } from '../core/reconcile.ts';
import { reconcile } from '../core/reconcile.ts';
import { judgedBy, mayMove } from '../core/selection/scope.ts';
import type { Entry } from '../model/entry.ts';
import { SyncError } from '../model/errors.ts';
import type { Key } from '../model/key.ts';
import type { Store, Window } from '../model/store.ts';
import { withEvidence } from './evidence.ts';
import { coarser } from './plan.ts';
import { soughtTriples } from './plan-quarantined.ts';
import { readEach } from './read-each.ts';
import { reach, tellExpected } from './reach.ts';
import type { Run } from './run.ts';
import { hides, inOrder, isInside, narrowed } from './scan.ts';
import type { Baseline } from './state.ts';
import type { TwoWay } from './types.ts';

type Context = Run['context'];

/** What a two-way run has to do, in pages, in key order. Writes nothing. */
export async function* planTwoWay(pairing: TwoWay, { context }: Pick<Run, 'context'>, policy: Policy, baseline: Baseline): AsyncGenerator<readonly Action[]> {
  const { left, right } = pairing;
  if (policy.decides === 'time' || context.window) for (const store of [left, right]) refuseTimeless(store);
  const precision = coarser(left, right);
  const future = new Future(context);
  const { ledger, ledger: { quarantine } } = context;
  await reach([left, right], context, policy.decides === 'time');
  await tellExpected([['left', [left]], ['right', [right]]], context);
  for await (const { triples, sought } of allOf(pairing, context, baseline)) {
    const actions: Action[] = [];
    const open = triples.filter((triple) => mayMove(triple, context.within));
    for (const triple of await withEvidence(open, { leftOf: () => left, right, precision, proof: 'stat', signal: context.signal, hashes: context.hashes })) {
      const action = reconcile(triple, policy, precision);
      if (action && context.within && !judgedBy(action).every(context.within)) continue;
      if (action?.kind === 'forget' && (cannotEnumerate(left) || cannotEnumerate(right))) continue;
      quarantine?.meet(triple.key);
      if (!action && sought) quarantine?.release(triple.key);
      else if (!action) ledger.unchanged(triple.key);
      else if (quarantine?.holdsBack(action)) ledger.heldBack();
      // What is asked for may be older than all that the run looks at.
      else if (isOpenTo(action, sought ? untilOf(context) : context.window)) actions.push(action);
      else if (!sought) ledger.outside(triple.key);
      if (action) future.see(action);
    }
    if (actions.length > 0) yield actions;
  }
  future.tell();
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
    for (const { modifiedAt = 0 } of judgedBy(action)) {
      if (modifiedAt <= until + ahead) continue;
      this.#count++;
      this.#latest = Math.max(this.#latest, modifiedAt);
    }
  }

  /** Warns, where the window ends now and not where somebody wants it to. */
  tell(): void {
    const { ledger, window, nowMs } = this.#context;
    if (this.#count === 0 || (window?.until ?? 0) + ahead < nowMs() * 1_000) return;
    ledger.warn(`${this.#count === 1 ? 'one entry is' : `${this.#count} entries are`} stamped in the future, up to ${Math.round((this.#latest / 1_000 - nowMs()) / 1_000)} seconds from now, and ${this.#count === 1 ? 'travels' : 'travel'} when that time has come: see whether the clocks agree`);
  }
}

/** What a run comes across, and after that what it asks for because it is in quarantine. */
async function* allOf(pairing: TwoWay, context: Context, baseline: Baseline): AsyncGenerator<{ readonly triples: readonly Triple[]; readonly sought: boolean }> {
  const isWhole = !hides(context.window);
  for await (const triples of isWhole ? allTriples(pairing, context, baseline) : triplesInWindow(pairing, context, baseline)) yield { triples, sought: false };
  const { ledger, under } = context;
  if (isWhole && !under && ledger.sawAll) ledger.quarantine?.releaseUnmet();
  for await (const triples of soughtTriples(pairing, context, baseline)) yield { triples, sought: true };
}

function untilOf({ window }: Context): Window | undefined {
  return window?.until === undefined ? undefined : { until: window.until };
}

/** Whether a window lets an action happen: what is the news has to lie within it. */
function isOpenTo(action: Action, window: Window | undefined): boolean {
  return window === undefined || judgedBy(action).every((entry) => isInside(entry, window));
}

function refuseTimeless({ name, capabilities }: Store): void {
  if (capabilities.modifiedAt === 'none') throw new SyncError('invalid', `${name} does not say when its entries were modified`, { store: name, hint: 'name the field that does with --modified' });
}

function scanOf(side: Side, { [side]: store }: TwoWay, context: Context): AsyncGenerator<readonly Entry[]> {
  const { holds, order, reads } = store.capabilities;
  // Documents had to be read for their digests. What comes in order is not held, and need not be read a second time to be written.
  return inOrder(store, context, { side, counted: true, want: reads !== 'cheap' || (holds === 'documents' && order === 'key') ? 'content' : 'stat' });
}

async function* allTriples(pairing: TwoWay, context: Context, baseline: Baseline): AsyncGenerator<readonly Triple[]> {
  for await (const rows of mergeJoin<Entry | Base>(scanOf('left', pairing, context), scanOf('right', pairing, context), chosen(baseline, context))) {
    let triples: readonly Triple[] = rows.map(({ key, items: [l, r, b] }) => ({ key, left: l as Entry | undefined, right: r as Entry | undefined, base: b as Base | undefined }));
    for (const side of ['left', 'right'] as const) if (cannotEnumerate(pairing[side])) triples = await confirmAbsence(triples, side, pairing, context);
    yield triples;
  }
}

/** What was modified within the window on either side, and what the other side holds there, whenever that was modified. */
async function* triplesInWindow(pairing: TwoWay, context: Context, baseline: Baseline): AsyncGenerator<readonly Triple[]> {
  for await (const rows of mergeJoin<Entry>(scanOf('left', pairing, context), scanOf('right', pairing, context))) {
    const triples = rows.map(({ key, items: [left, right] }): Triple => ({ key, left, right, base: baseline.get(key) }));
    yield await confirmAbsence(await confirmAbsence(triples, 'left', pairing, context), 'right', pairing, context);
  }
}

/**
 * What a store did not list need not be gone where a listing does not reach everything: such an entry is asked for by
 * name before anything is concluded. What neither side listed cannot be asked for and stays remembered.
 */
async function confirmAbsence(triples: readonly Triple[], side: Side, { [side]: store }: TwoWay, { signal, ledger }: Context): Promise<readonly Triple[]> {
  const missing = triples.flatMap((triple) => (triple[side] ? [] : (triple[otherSide(side)] ?? [])));
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
async function* chosen(baseline: Baseline, context: Context): AsyncGenerator<readonly Base[]> {
  const where = narrowed(context);
  for await (const page of baseline.scan()) yield where ? page.filter(where) : page;
}
