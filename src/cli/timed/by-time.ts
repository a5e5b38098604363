import { nextWindow, runFromCheckpoint } from '../../engine/run/checkpoints.ts';
import type { CheckpointOptions } from '../../engine/run/checkpoints.ts';
import { runMerge } from '../../engine/merge.ts';
import type { Report, TwoWay } from '../../engine/types.ts';
import type { Micros } from '../../model/entry.ts';
import { SyncError } from '../../model/errors.ts';
import type { Host } from '../../model/host.ts';
import type { Window } from '../../model/store.ts';
import { instantText } from '../../stores/records/instants.ts';
import type { Configuration } from './configuration.ts';
import { inTurnHere } from './in-turn-here.ts';
import { parseInstantOf } from '../program/instants.ts';
import type { Values } from '../options.ts';

/** What a run by time is told. */
export interface ByTime extends Configuration {
  /** The range that was asked for. */
  readonly range?: Window | undefined;
  readonly full?: boolean | undefined;
  /** Milliseconds. */
  readonly overlap?: number | undefined;
  /** Where to begin when nothing is remembered. */
  readonly otherwise?: Micros | undefined;
  /** Whether all that is in quarantine is tried again. */
  readonly retry?: boolean | undefined;
}

/** The range that was asked for, if any was. Throws `invalid` where it is none, or where more is asked for than a range can do. */
export function rangeOf({ from, until, full, delete: removes, watch }: Values, host: Pick<Host, 'now'>): Window | undefined {
  if (from === undefined && until === undefined) return undefined;
  const range = { ...(from !== undefined && { after: parseInstantOf('--from', from) }), ...(until !== undefined && { until: parseInstantOf('--until', until) }) };
  checkRange(range, host);
  if (full) throw new SyncError('invalid', '--full looks at everything, and --from and --until at a range', { hint: 'leave out one or the other' });
  if (removes) throw new SyncError('invalid', 'nothing is deleted in a range, because what lies outside of it is not seen', { hint: 'leave out --delete, or --from and --until' });
  if (watch) throw new SyncError('invalid', '--watch goes on, and a range comes to an end', { hint: 'leave out --from and --until' });
  return range;
}

/** Throws `invalid` where a range is none. */
export function checkRange({ after: from, until }: Window, { now }: Pick<Host, 'now'>, [first, last]: readonly [string, string] = ['--from', '--until']): void {
  if (from !== undefined && until !== undefined && from >= until) throw new SyncError('invalid', `the range begins at ${instantText(from)} and ends at ${instantText(until)}, so that nothing lies within it`, { hint: `${first} has to be before ${last}` });
  if (from !== undefined && from >= now() * 1_000) throw new SyncError('invalid', `the range begins at ${instantText(from)}, which is yet to come`, { hint: `choose an earlier ${first}` });
}

/** A pairing by time with what it looks at: the range that was asked for, or what has come since the last run. */
export function plannedByTime(pairing: TwoWay, byTime: ByTime): TwoWay {
  return { ...withQuarantine(pairing, byTime), window: { ...nextWindow(pairing, checkpointOptions(pairing, byTime)), ...byTime.range } };
}

/** A run of a range leaves alone what lies outside of it. */
function withQuarantine(pairing: TwoWay, { configuration, name, range, retry }: ByTime): TwoWay {
  return { ...pairing, quarantine: { configuration, name, tries: retry ? 'all' : range ? 'met' : 'changed' } };
}

/** A run by time, while no other one of its configuration is under way. One of a range does not move the checkpoint. */
export async function runByTime(pairing: TwoWay, byTime: ByTime, host: Host): Promise<Report> {
  const { configuration, range } = byTime;
  return await inTurnHere({ configuration, state: pairing.state, host, signal: pairing.signal }, async (lock, signal) => {
    const locked: TwoWay = { ...pairing, decides: 'time', signal };
    if (range) return await runMerge(plannedByTime(locked, byTime));
    return await runFromCheckpoint(withQuarantine(locked, byTime), { ...checkpointOptions(pairing, byTime), lock });
  });
}

function checkpointOptions({ deletes, state }: TwoWay, { configuration, name, full, overlap, otherwise, retry }: ByTime): CheckpointOptions {
  return {
    configuration, name,
    // What was deleted is found only where everything is looked at, and so is what cannot be asked for by a key.
    whole: full === true || deletes === 'propagate' || (retry === true && state.quarantines.of({ configuration, name }).list().some(({ ref }) => ref === undefined)),
    ...(overlap !== undefined && { overlapMs: overlap }), ...(otherwise !== undefined && { otherwise }),
  };
}
