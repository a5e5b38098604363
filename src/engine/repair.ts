import { reconcile } from '../core/reconcile.ts';
import type { Triple } from '../core/reconcile.ts';
import { limits } from '../lib/limits.ts';
import type { Ref } from '../model/entry.ts';
import { SyncError } from '../model/errors.ts';
import { compareKeys } from '../model/key.ts';
import { Spill } from './aside/spill.ts';
import { withEvidence } from './plan/evidence.ts';
import type { EvidenceOptions } from './plan/evidence.ts';
import { readLast } from './plan/quarantined.ts';
import { readEach } from './run/read-each.ts';
import { startRun } from './run/run.ts';
import { evidenceOf, learned, oneWayPolicy, runSync } from './sync.ts';
import type { OneWay, RunEvent } from './types.ts';
import { Findings, asProof } from './verify.ts';
import type { Difference, Verification } from './verify.ts';

/** What a repair found, wrote, and found when it looked again. */
export interface Repaired extends Verification {
  /** What was written, the first {@link limits.listedFailures} by name; `differing` is what still differs. */
  readonly repaired: readonly Difference[];
}

/**
 * Compares as {@link runVerify} does, and writes what differs and nothing else, so that the target holds what the origins hold;
 * what only the target holds is deleted where the pairing says so. What was written is then read back and compared again.
 */
export async function runRepair(given: OneWay): Promise<Repaired> {
  const pairing = asProof(given);
  using written = new Spill<Ref>();
  const repaired: Difference[] = [];
  const on = (event: RunEvent): void => {
    pairing.on?.(event);
    if (event.kind !== 'done') return;
    const difference = differenceOf(event);
    if (!difference) return;
    written.add(refOf(event));
    if (repaired.length < limits.listedFailures) repaired.push(difference);
  };
  const left = new Findings();
  const report = await runSync({ ...pairing, on, onKept: (key) => left.add({ key, kind: 'extra' }) });
  let differences = report.differences;
  if (!report.interrupted) {
    const evidence = evidenceOf(pairing, startRun(pairing));
    for (const page of pagesOf(written)) {
      for (const difference of await stillDiffering(page, pairing, evidence)) {
        left.add(difference);
        differences++;
      }
    }
  }
  return { equal: differences === 0 && report.complete && !report.interrupted, repaired: repaired.sort((a, b) => compareKeys(a.key, b.key)), differing: left.listed, types: left.types, report: { ...report, differences } };
}

/** Where what was written is to be found again. */
function refOf({ action }: RunEvent & { kind: 'done' }): Ref {
  const { key, address, collection }: Ref = action.kind === 'put' ? action.entry : action.kind === 'delete' ? action.over : action;
  return { key, ...(address !== undefined && { address }), ...(collection !== undefined && { collection }) };
}

function differenceOf({ action }: RunEvent & { kind: 'done' }): Difference | undefined {
  if (action.kind === 'delete') return { key: action.key, kind: 'extra' };
  return action.kind === 'put' ? { key: action.key, kind: action.over ? 'differs' : 'missing' } : undefined;
}

function* pagesOf(written: Iterable<Ref>): Generator<readonly Ref[]> {
  let page: Ref[] = [];
  for (const ref of written) {
    page.push(ref);
    if (page.length < limits.pageEntries) continue;
    yield page;
    page = [];
  }
  if (page.length > 0) yield page;
}

/** What of some keys is not the same on both sides, now that they are read again. What cannot be read again is not proven to be. */
async function stillDiffering(page: readonly Ref[], pairing: OneWay, evidence: EvidenceOptions): Promise<readonly Difference[]> {
  const { origins, target, signal } = pairing;
  const ours = await readLast(origins, page, signal);
  const theirs = await readEach(target, page, signal ? { signal } : {});
  const baseline = learned(pairing);
  const unread: Difference[] = [];
  const triples = page.flatMap(({ key }, i): Triple[] => {
    const [left, right] = [ours[i], theirs[i]];
    if (!(left instanceof SyncError) && !(right instanceof SyncError)) return [{ key, left, right, base: baseline?.get(key) }];
    unread.push({ key, kind: 'differs' });
    return [];
  });
  return [...unread, ...(await withEvidence(triples, evidence)).flatMap((triple): Difference[] => {
    const action = reconcile(triple, oneWayPolicy({ ...pairing, deletes: 'keep' }), evidence.precision);
    if (action?.kind === 'keep') return [{ key: triple.key, kind: 'extra' }];
    if (action?.kind !== 'put' || (action.over && pairing.inStep?.(action.entry, action.over))) return [];
    return [{ key: triple.key, kind: action.over ? 'differs' : 'missing' }];
  })];
}
