import type { Key } from '../model/key.ts';
import { limits } from '../lib/limits.ts';
import { planOneWay } from './plan.ts';
import { reported, startRun } from './run.ts';
import { learned, oneWayPolicy } from './sync.ts';
import type { OneWay, Report } from './types.ts';

/** A key that is not the same on both sides. */
export interface Difference {
  readonly key: Key;
  readonly kind: 'missing' | 'extra' | 'differs';
}

/** What a comparison found. */
export interface Verification {
  /** Every entry in scope was read on both sides, and is equal. */
  readonly equal: boolean;
  /** The first {@link limits.listedFailures} differences; `report.differences` counts all. */
  readonly differing: readonly Difference[];
  readonly report: Report;
}

/** Proves that the target holds what the origins hold and nothing else, or says which keys differ. Writes nothing. */
export async function runVerify(pairing: OneWay): Promise<Verification> {
  const run = startRun(pairing);
  const { ledger, context } = run;
  const differing: Difference[] = [];
  const note = (difference: Difference): void => {
    ledger.difference();
    if (differing.length < limits.listedFailures) differing.push(difference);
  };
  const report = await reported(run, async () => {
    const pages = planOneWay(pairing, { context, policy: oneWayPolicy({ ...pairing, deletes: 'keep' }), baseline: learned(pairing), extras: true, ordered: true, proof: 'content' });
    for await (const actions of pages) {
      for (const { kind, key, ...action } of actions) {
        if (kind === 'put') note({ key, kind: 'over' in action && action.over ? 'differs' : 'missing' });
        else if (kind === 'keep') note({ key, kind: 'extra' });
      }
    }
  });
  return { equal: report.differences === 0 && report.complete && !report.interrupted, differing, report };
}
