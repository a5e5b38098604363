import type { Micros } from '../../model/entry.ts';
import { plainHost } from '../../model/plain-host.ts';
import type { Window } from '../../model/store.ts';
import { runMerge } from '../merge.ts';
import type { Lock } from '../state/state.ts';
import type { Report, TwoWay } from '../types.ts';

/** How far before its checkpoint a run begins: what became visible only after it was stamped is found for so long. */
const defaultOverlapMs = 60_000;

export interface CheckpointOptions {
  readonly configuration: string;
  /** The configuration, fit to print. */
  readonly name: string;
  /** Where to begin when nothing is remembered. Default: at the beginning of time. */
  readonly otherwise?: Micros;
  readonly overlapMs?: number;
  /** Looks at everything, whatever is remembered. */
  readonly whole?: boolean;
  /** Without which the checkpoint is not moved. */
  readonly lock?: Lock;
}

/**
 * The window of a run that goes on where the configuration was found to be in step, up to now. Stores that keep less of
 * a time than was there begin earlier by as much; so does a run whose clock was set back behind its checkpoint.
 */
export function nextWindow({ left, right, state, host = plainHost }: TwoWay, { configuration, otherwise, overlapMs = defaultOverlapMs, whole = false }: CheckpointOptions): Window & { readonly until: Micros } {
  const until = Math.floor(host.now()) * 1_000;
  const from = whole ? undefined : state.checkpoints.get(configuration)?.until ?? otherwise;
  if (from === undefined) return { until };
  const precision = Math.max(left.capabilities.modifiedAtPrecision, right.capabilities.modifiedAtPrecision);
  return { after: Math.min(from, until) - overlapMs * 1_000 - precision, until };
}

/**
 * A two-way run by time from the checkpoint of its configuration. The checkpoint moves to where the run ended, which was
 * fixed before it began, and only if everything was settled on both sides or is in quarantine.
 */
export async function runFromCheckpoint(pairing: TwoWay, options: CheckpointOptions, run: (pairing: TwoWay) => Promise<Report> = runMerge): Promise<Report> {
  const { state, host = plainHost } = pairing;
  const { configuration, name, lock } = options;
  const window = nextWindow(pairing, options);
  const report = await run({ ...pairing, decides: 'time', window });
  const { interrupted, outstanding, skippedFrom } = report;
  // What is in quarantine is remembered there, and need not be looked for.
  if (!interrupted && outstanding === 0) {
    // What turned out to be newer on the other side may be older than any overlap, and has yet to be carried across.
    const until = skippedFrom === undefined ? window.until : Math.min(window.until, skippedFrom - 1);
    state.checkpoints.set({ configuration, name, until, at: host.now() }, lock);
  }
  return report;
}
