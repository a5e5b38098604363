import { defaultGuard } from '../core/guard.ts';
import type { Policy } from '../core/policy.ts';
import { Spill } from './aside/spill.ts';
import { estimateHeld } from './run/held.ts';
import type { Ledger } from './run/ledger.ts';
import { anotherPlace, recognisePlaces } from './run/places.ts';
import type { EvidenceOptions } from './plan/evidence.ts';
import { coarser, originOf, planOneWay } from './plan/plan.ts';
import { twinsInRun } from './plan/twins.ts';
import { rememberRefusal } from './run/refusals.ts';
import type { Run } from './run/run.ts';
import { reported, startRun } from './run/run.ts';
import { warnOfFull } from './run/run-quarantine.ts';
import type { Baseline } from './state/state.ts';
import type { OneWay, Report } from './types.ts';
import { keepIn } from './write/backup.ts';
import { Budget } from './write/budget.ts';
import { Lane } from './write/lane.ts';
import { Moves } from './write/moves.ts';
import type { Delete, Deletes } from './write/writer.ts';
import { withoutContents, Writer } from './write/writer.ts';

/** The policy of a one-way run: nothing is deleted unless that was asked for, and never for being absent where a window hides what else there is. */
export function oneWayPolicy({ deletes = 'keep', equal = 'content', replace = 'differing', window }: Pick<OneWay, 'deletes' | 'equal' | 'replace' | 'window'>): Policy {
  return { direction: 'one-way', deletes: window && deletes === 'propagate' ? 'keep' : deletes, conflicts: 'left', equal, replace };
}

/** What the target made of what it was given, whoever gave it: equal content stays equal, whichever origin it comes from. */
export function learned({ state, target }: OneWay): Baseline | undefined {
  return state?.baseline(learnedName(target));
}

/** The name under which it is remembered what a place made of what it was given. */
export function learnedName({ realm, identity }: { readonly realm?: string; readonly identity: string }): string {
  return `learned ${realm ?? identity}`;
}

/**
 * Makes the target hold what the origins hold. Puts first; deletions, where asked for, last: after every scan ended
 * without a problem, and under the guard, else it throws `guarded` with nothing deleted.
 */
export async function runSync(pairing: OneWay): Promise<Report> {
  const run = startRun(pairing, { quarantine: pairing.quarantine });
  const { ledger, context, host, backoff } = run;
  const { origins, target, guard = defaultGuard, state, signal, onFailure = 'continue', concurrency, under, held, proof = 'stat', backup, onKept } = pairing;
  const budget = new Budget(pairing.budget ?? {}, host);
  const policy = oneWayPolicy(pairing);
  const baseline = learned(pairing);
  const writer = new Writer({ sink: target, side: 'right', originOf: (entry) => originOf(entry, origins), ledger, baseline, remember: 'learned', host, backoff, signal, hashes: context.hashes, budget, ...(backup && { keep: (entries) => keepIn(backup, entries, target, signal) }) });
  await using lane = new Lane({ writer, ledger, concurrency, batchBytes: pairing.batchBytes, signal, onFailure, onSettled: () => baseline?.commit(), spent: () => budget.spent });
  const places = [...origins, target];
  try {
    return await reported(run, async () => {
      using deletes = new Spill<Delete>();
      using moves = new Moves();
      const before = await estimateHeld(pairing, context);
      const twins = await twinsInRun(pairing, { ledger, lane, policy, baseline });
      for await (const actions of planOneWay(pairing, { context, policy, baseline, extras: policy.deletes === 'propagate' || onKept !== undefined, ordered: onKept !== undefined, proof, twins })) {
        for (const action of actions) {
          if (action.kind === 'put') {
            if (policy.deletes === 'propagate') moves.add(action);
            const sending = lane.put(action);
            if (sending) await sending;
          } else if (action.kind === 'delete') deletes.add(withoutContents(action));
          else if (action.kind === 'conflict') ledger.refused(action);
          else if (action.kind === 'keep') {
            ledger.kept(action.key);
            onKept?.(action.key);
          }
        }
        await lane.nudge();
      }
      // Only now have all scans ended without throwing. A deletion decided on half a
      // listing is data loss, so none happens before this line.
      const { complete, scanned } = ledger;
      const known = await recognisePlaces(places, state, signal, deletes.length > 0);
      if (known.moved) {
        if (deletes.length > 0 && pairing.guard === undefined) throw anotherPlace(known.moved, deletes.length);
        ledger.warn(`${known.moved.name} is not the place it was at the last run`);
      }
      if (complete && policy.deletes !== 'keep') {
        const all = held ?? Math.max(ledger.held('right'), before);
        const limits = { held: all, heldAtRefusal: state?.heldAtRefusal(target.identity), sourceEntries: scanned.left, target: target.name, guard, part: under !== undefined || pairing.window !== undefined };
        const ask = (): Promise<void> => moves.guard(deletes, limits, evidenceOf(pairing, run), async () => {
          await lane.flush();
          return !ledger.failing && !lane.cutShort;
        });
        await (pairing.window ? ask() : rememberRefusal(target, all, moves, pairing, ask));
      }
      await lane.flush();
      if (!complete) keepAll(deletes, ledger, target.name, 'not everything could be read');
      else if (lane.cutShort) keepAll(deletes, ledger, target.name, 'not everything was written');
      else await lane.delete(deletes);
      if (complete && (!known.moved || pairing.guard !== undefined)) await known.remember();
      warnOfFull(ledger);
    }, [lane]);
  } finally {
    baseline?.commit();
    context.hashes.commit();
    ledger.quarantine?.commit();
  }
}

/** How the two sides of a one-way run are compared. */
export function evidenceOf({ origins, target, proof = 'stat' }: OneWay, { context: { signal, hashes } }: Run): EvidenceOptions {
  return { leftOf: (entry) => originOf(entry, origins), right: target, precision: Math.max(...origins.map((origin) => coarser(origin, target))), signal, proof, hashes };
}

/** Leaves alone what should have been deleted, and says so. */
export function keepAll(deletes: Deletes, ledger: Ledger, target: string, why: string): void {
  if (deletes.length === 0) return;
  ledger.warn(`nothing was deleted, because ${why}: ${deletes.length === 1 ? 'one entry of' : `${deletes.length} entries of`} ${target} ${deletes.length === 1 ? 'is' : 'are'} not in the source`);
  for (const { key } of deletes) ledger.kept(key);
}
