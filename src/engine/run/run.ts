import type { Backoff } from '../../lib/backoff.ts';
import { defaultBackoff } from '../../lib/backoff.ts';
import { SyncError } from '../../model/errors.ts';
import type { Host } from '../../model/host.ts';
import { plainHost } from '../../model/plain-host.ts';
import type { Source } from '../../model/store.ts';
import { Ledger } from './ledger.ts';
import { Hashes } from '../plan/hashes.ts';
import type { ScanContext } from '../plan/scan.ts';
import type { QuarantineOptions } from './quarantine.ts';
import { RunQuarantine } from './run-quarantine.ts';
import type { Report, RunOptions } from '../types.ts';
import type { Lane } from '../write/lane.ts';

/** What every kind of run starts from. */
export interface Run {
  readonly ledger: Ledger;
  readonly context: ScanContext;
  readonly host: Host;
  readonly backoff: Backoff;
}

interface StartOptions {
  /** What goes each way is counted by itself. */
  readonly flowing?: boolean;
  readonly quarantine?: QuarantineOptions | undefined;
  /** Whether what comes into quarantine is remembered. */
  readonly remembers?: boolean;
}

/** Makes what a run needs out of what it was given. */
export function startRun({ on, signal, where, within, under, window, sortBytes, state, host = plainHost }: RunOptions, { flowing = false, quarantine, remembers = true }: StartOptions = {}): Run {
  const now = (): number => host.now();
  const ledger = new Ledger(on, now, { flowing, quarantine: quarantine && state && new RunQuarantine({ quarantine: state.quarantines.of(quarantine), now, remembers, keepsTaken: flowing, ...(quarantine.tries && { tries: quarantine.tries }) }) });
  return { ledger, context: { ledger, signal, where, within, under, window, sortBytes, hashes: new Hashes(state), nowMs: now, estimate: estimating(signal) }, host, backoff: defaultBackoff };
}

/** Asks each place once. What cannot be estimated is not worth a failure: whatever is wrong, reading will tell. */
function estimating(signal: AbortSignal | undefined): ScanContext['estimate'] {
  const asked = new Map<Source, Promise<number | undefined>>();
  return async (place) => {
    const known = asked.get(place) ?? (async () => await place.estimate?.(signal && { signal }).catch(() => undefined))();
    asked.set(place, known);
    return await known;
  };
}

/** Runs `body`; an abort ends it early with an honest report instead of an error, and an error carries the report so far. */
export async function reported({ ledger, context: { signal } }: Run, body: () => Promise<void>, lanes: readonly Lane[] = []): Promise<Report> {
  let interrupted = false;
  ledger.emit({ kind: 'phase', phase: 'scan' });
  try {
    await body();
  } catch (error) {
    // What is under way is finished and counted first: a report must not be ahead of or behind the stores.
    for (const lane of lanes) await lane.settle();
    if (!signal?.aborted) throw withReport(error, ledger);
    interrupted = true;
  }
  ledger.emit({ kind: 'phase', phase: 'done' });
  return ledger.report({ interrupted });
}

function withReport(error: unknown, ledger: Ledger): unknown {
  return error instanceof SyncError ? new SyncError(error.code, error.message, { ...error.details, report: ledger.report({ interrupted: false }) }) : error;
}
