import { defaultGuard } from '../core/guard.ts';
import type { Guard } from '../core/guard.ts';
import type { Policy, Side } from '../core/policy.ts';
import { otherSide } from '../core/policy.ts';
import type { Action } from '../core/reconcile.ts';
import { canonicalJson } from '../lib/canonical-json.ts';
import type { Content, Entry } from '../model/entry.ts';
import { SyncError } from '../model/errors.ts';
import type { Key } from '../model/key.ts';
import type { Store } from '../model/store.ts';
import { Spill } from './aside/spill.ts';
import { heldBy, rememberHeld } from './run/held.ts';
import { anotherPlace, recognisePlaces } from './run/places.ts';
import { Deletions } from './plan/deletions.ts';
import { coarser } from './plan/plan.ts';
import { hides } from './plan/scan.ts';
import { planTwoWay } from './plan/two-way.ts';
import { rememberRefusal } from './run/refusals.ts';
import type { Run } from './run/run.ts';
import { reported, startRun } from './run/run.ts';
import { warnOfFull } from './run/run-quarantine.ts';
import type { Baseline } from './state/state.ts';
import { keepAll } from './sync.ts';
import type { Report, TwoWay } from './types.ts';
import { Lane } from './write/lane.ts';
import { Moves } from './write/moves.ts';
import { Placing } from './write/placing.ts';
import type { Delete, Put } from './write/writer.ts';
import { withoutContents, Writer } from './write/writer.ts';

/** The name under which a two-way pairing is remembered. */
export function pairingName({ left, right }: { readonly [side in Side]: { readonly identity: string } }): string {
  return `two-way ${left.identity} ${right.identity}`;
}

/**
 * Deletions travel (they are inferred from the baseline, never from absence alone), and the newest wins. Where the time
 * decides, deletions travel when asked for; where a window hides what else there is, only those that a tombstone tells of.
 */
function twoWayPolicy({ decides = 'baseline', deletes = decides === 'time' ? 'keep' : 'propagate', conflicts = 'newest', window }: TwoWay): Policy {
  const inferred = decides === 'time' ? 'told' : 'keep';
  const blind = hides(window) || (window && decides === 'baseline');
  return { direction: 'two-way', deletes: blind && deletes === 'propagate' ? inferred : deletes, conflicts, decides };
}

function startTwoWay(pairing: TwoWay, remembers: boolean): Run {
  const byTime = pairing.decides === 'time';
  return startRun(withinBoth(pairing), { flowing: byTime, remembers, ...(byTime && { quarantine: pairing.quarantine }) });
}

/** A side that is a part of a wider place has no say in what lies outside that part. */
function withinBoth(pairing: TwoWay): TwoWay {
  const { left, right, where } = pairing;
  return { ...pairing, where: (ref) => where?.(ref) !== false && left.covers?.(ref) !== false && right.covers?.(ref) !== false };
}

/** What is to be deleted on each side, and what may have only been renamed there. */
class Removals implements Disposable {
  readonly deletes = { left: new Spill<Delete>(), right: new Spill<Delete>() };
  readonly moves = { left: new Moves(), right: new Moves() };

  [Symbol.dispose](): void {
    for (const each of [...Object.values(this.deletes), ...Object.values(this.moves)]) each[Symbol.dispose]();
  }
}

/**
 * Brings both sides to hold the same: what changed on one side since the baseline travels to the other; what changed
 * on both is decided by the policy, and the losing value is kept in the state. A run without a baseline deletes nothing.
 */
export async function runMerge(pairing: TwoWay): Promise<Report> {
  const run = startTwoWay(pairing, true);
  const { ledger, context, host } = run;
  const policy = twoWayPolicy(pairing);
  const { left, right, guard = defaultGuard, state, signal } = pairing;
  const baseline = state.baseline(pairingName(pairing));
  const deletions = new Deletions(pairing, policy, { precision: coarser(left, right), noting: true });
  await using toLeft = laneOf('left', pairing, run, { baseline, policy });
  await using toRight = laneOf('right', pairing, run, { baseline, policy });
  const lanes = { left: toLeft, right: toRight };
  using removals = new Removals();
  const { deletes, moves } = removals;
  using forgotten = new Spill<Key>();
  try {
    return await reported(run, async () => {
      for await (const actions of planTwoWay(pairing, { context }, policy, { baseline, deletions })) {
        for (const action of actions) {
          switch (action.kind) {
            case 'put':
              moves[action.to].add(action);
              await lanes[action.to].put(action);
              break;
            case 'delete': deletes[action.on].add(withoutContents(action)); break;
            case 'conflict': ledger.conflict(action); break;
            case 'undated': ledger.undated(action); break;
            case 'keep': ledger.kept(action.key); break;
            case 'forget': forgotten.add(action.key); break;
            case 'settle':
              baseline.set(action.base);
              ledger.settled(action.key);
              break;
            default: action satisfies never;
          }
        }
      }
      const { complete } = ledger;
      const sides = [['left', left], ['right', right]] as const;
      const known = await recognisePlaces([left, right], state, signal, deletes.left.length + deletes.right.length > 0);
      if (known.moved) {
        const planned = deletes.left.length + deletes.right.length;
        if (planned > 0 && pairing.guard === undefined) throw anotherPlace(known.moved, planned);
        ledger.warn(`${known.moved.name} is not the place it was at the last run`);
      }
      if (complete && policy.deletes !== 'keep') for (const [side] of sides) await guardSide(side, pairing, run, { deletes: deletes[side], moves: moves[side], lane: lanes[side], guard });
      // What could not be read looks gone on that side: forgetting it would turn the other side's deletion into news.
      if (complete) {
        for (const key of forgotten) deletions.noteForgotten(baseline.get(key));
        // What the baseline forgets has to be remembered first.
        for (const [side] of sides) deletions.noteAll(deletes[side]);
        for (const key of forgotten) baseline.delete(key);
      }
      for (const [side] of sides) await lanes[side].flush();
      for (const [side, store] of sides) {
        if (complete) await lanes[side].delete(deletes[side]);
        else keepAll(deletes[side], ledger, store.name, 'not everything could be read');
      }
      if (complete && (!known.moved || pairing.guard !== undefined)) await known.remember();
      if (complete && policy.deletes !== 'keep') rememberHeld(pairing, ledger, host.now());
      warnOfFull(ledger);
    }, [toLeft, toRight]);
  } finally {
    deletions.commit();
    baseline.commit();
    run.context.hashes.commit();
    ledger.quarantine?.commit();
  }
}

/** Throws where the guard does not allow what is to be deleted on one side. */
async function guardSide(side: Side, pairing: TwoWay, { ledger, context: { signal, hashes } }: Run, { deletes, moves, lane, guard }: { readonly deletes: Spill<Delete>; readonly moves: Moves; readonly lane?: Lane; readonly guard: Guard }): Promise<void> {
  const { [side]: store, [otherSide(side)]: other, state, under, window } = pairing;
  const limits = { held: heldBy(side, pairing, ledger), heldAtRefusal: state.heldAtRefusal(store.identity), sourceEntries: ledger.scanned[otherSide(side)], target: store.name, guard, part: under !== undefined || hides(window) };
  const evidence = { leftOf: () => other, right: store, precision: coarser(other, store), proof: 'stat' as const, signal, hashes };
  const ask = (): Promise<void> => moves.guard(deletes, limits, evidence, async () => {
    await lane?.flush();
    return !ledger.failing;
  });
  await (lane && !hides(window) ? rememberRefusal(store, ledger.held(side), moves, pairing, ask) : ask());
}

/** What {@link runMerge} would do, told page by page; nothing is written, not even the baseline. */
export async function runMergeDiff(pairing: TwoWay, show: (actions: readonly Action[]) => void | Promise<void>): Promise<Report> {
  const run = startTwoWay(pairing, false);
  const { ledger, context } = run;
  using removals = new Removals();
  const { deletes, moves } = removals;
  return await reported(run, async () => {
    const policy = twoWayPolicy(pairing);
    const deletions = new Deletions(pairing, policy, { precision: coarser(pairing.left, pairing.right), noting: false });
    const placing = { left: new Placing('left', pairing.left, run), right: new Placing('right', pairing.right, run) };
    for await (const actions of planTwoWay(pairing, { context }, policy, { baseline: pairing.state.baseline(pairingName(pairing)), deletions })) {
      const possible = await placing.right.possible(await placing.left.possible(actions, () => pairing.right), () => pairing.left);
      for (const action of possible) {
        if (action.kind === 'put') moves[action.to].add(action);
        else if (action.kind === 'delete') deletes[action.on].add(withoutContents(action));
        if (action.kind === 'put' || action.kind === 'delete') ledger.planned(action);
        else if (action.kind === 'keep') ledger.kept(action.key);
        else if (action.kind === 'conflict') ledger.conflict(action);
        else if (action.kind === 'undated') ledger.undated(action);
        else if (action.kind === 'settle') ledger.settled(action.key);
      }
      await show(possible.filter(({ kind }) => kind !== 'forget' && kind !== 'settle'));
    }
    const { guard = defaultGuard } = pairing;
    const removed = deletes.left.length + deletes.right.length;
    if (!ledger.complete && removed > 0) ledger.warn('nothing would be deleted, because not everything could be read');
    if (removed > 0) {
      const { moved } = await recognisePlaces([pairing.left, pairing.right], pairing.state, pairing.signal, true);
      if (moved && pairing.guard === undefined) return ledger.warn(`a merge would end here: ${anotherPlace(moved, removed).sentence}`);
    }
    for (const side of ['left', 'right'] as const) {
      try {
        if (!ledger.complete) continue;
        await guardSide(side, pairing, run, { deletes: deletes[side], moves: moves[side], guard });
        await placing[side].checkDeletes(deletes[side]);
      } catch (error) {
        if (!(error instanceof SyncError)) throw error;
        ledger.warn(`a merge would end here: ${error.sentence}`);
      }
    }
  });
}

function laneOf(side: Side, pairing: TwoWay, { ledger, host, backoff, context: { signal, hashes } }: Run, { baseline, policy }: { readonly baseline: Baseline; readonly policy: Policy }): Lane {
  const sink = pairing[side];
  const source = pairing[otherSide(side)];
  const byTime = policy.decides === 'time';
  // An older version that gives way to a newer one is no conflict: only of two of one time somebody's work is lost.
  const beforeLosing = (puts: readonly Put[]): Promise<void> => keepLosing(byTime ? puts.filter(({ why }) => why === 'tie') : puts, side, pairing, host.now());
  const remember = byTime && policy.deletes !== 'propagate' ? 'learned' : 'all';
  const writer = new Writer({ sink, side, originOf: () => source, ledger, baseline, remember, host, backoff, signal, hashes, beforeLosing, ...(byTime && { newest: { precision: coarser(source, sink) } }) });
  return new Lane({ writer, ledger, concurrency: pairing.concurrency, batchBytes: pairing.batchBytes, signal, onFailure: 'continue', onSettled: () => baseline.commit() });
}

/** How many versions of one entry that lost within one second are kept on a side. */
const mostCopies = 1_000;

/** Reads what is about to be overwritten although it was news, and keeps it: a document in the state, a blob beside the winner. */
async function keepLosing(puts: readonly Put[], side: Side, pairing: TwoWay, at: number): Promise<void> {
  const losing = puts.flatMap(({ over }) => over ?? []);
  if (losing.length === 0) return;
  const store = pairing[side];
  for (const entry of await store.read(losing)) {
    if (entry?.content?.kind === 'document') pairing.state.keepLost(pairingName(pairing), { at, key: entry.key, side, text: canonicalJson(entry.content.document) });
    else if (entry?.content) await keepBeside({ ...entry, content: entry.content }, store, side, at);
  }
}

async function keepBeside(entry: Entry & { readonly content: Content }, store: Store, side: Side, at: number): Promise<void> {
  const key = `${entry.key}.conflict-${side}-${new Date(at).toISOString().replaceAll(/[-:]|\.\d+/g, '')}`;
  // The same second may have seen other versions lose.
  for (let nth = 1; nth <= mostCopies; nth++) {
    const [outcome] = await store.write([{ kind: 'put', entry: { key: nth === 1 ? key : `${key}-${nth}`, content: entry.content }, expect: { absent: true } }]);
    if (outcome?.kind === 'done') return;
    if (outcome?.kind !== 'stale') break;
  }
  throw new SyncError('conflict', `${entry.key} was changed on both sides, and ${store.name} would not keep the losing version as ${key}`, { key: entry.key, hint: 'nothing was overwritten; make room for it and run again' });
}
