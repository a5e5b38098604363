import { failures, toSyncError } from '../../model/errors.ts';
import type { SyncError } from '../../model/errors.ts';
import type { Host } from '../../model/host.ts';
import { giveUp } from '../program/errors.ts';
import { exits } from '../program/exit.ts';
import { finish } from '../program/finish.ts';
import type { Values } from '../options.ts';
import type { Pairing } from '../pairing/pairing.ts';
import type { Prepared } from '../pairing/prepare.ts';
import { recordedRun } from './recorded.ts';
import type { Terminal } from '../program/terminal.ts';

export interface EveryOptions {
  readonly everyMs: number;
  readonly host: Pick<Host, 'now' | 'sleep'>;
  readonly signal: AbortSignal;
  /** Told of a run that was given up. The next one begins at its time. */
  readonly onError: (error: SyncError) => void | Promise<void>;
}

/** What it takes to run one configuration again and again. */
export interface RepeatOptions {
  readonly command: string;
  readonly values: Values;
  readonly terminal: Terminal;
  readonly prepared: Prepared;
}

/** Runs a pairing that is open as often as `--every` says, and tells what each run did, if it did anything. */
export async function repeatRuns(pairing: Pairing, { command, values, terminal, prepared }: RepeatOptions): Promise<number> {
  const { host, progress } = pairing;
  const signal = pairing.run.signal ?? new AbortController().signal;
  const onError = async (error: SyncError): Promise<void> => {
    progress.stop();
    await giveUp(error, { program: 'syncline', command, values, terminal });
  };
  let told = false;
  return await repeat({ everyMs: values.every ?? 0, host, signal, onError }, async () => {
    const report = await recordedRun(pairing, { ...prepared, run: prepared.runInTurn });
    progress.stop();
    const { created, updated, deleted } = report.counts;
    // Once a minute nobody needs to hear that there was nothing to do.
    if (told && created + updated + deleted === 0 && report.outstanding === 0 && report.failures.length === 0 && values.report === undefined && terminal.level === 'normal') return;
    told = true;
    finish(report, { command, pairing, values, terminal });
  });
}

/**
 * Runs `once` again and again, from beginning to beginning so much apart, until the signal fires, which is how it is
 * meant to end. The first run rejects for a reason that waiting does not mend; later ones never do.
 */
export async function repeat({ everyMs, host, signal, onError }: EveryOptions, once: () => Promise<unknown>): Promise<number> {
  for (let first = true; !signal.aborted; first = false) {
    const startedMs = host.now();
    try {
      await once();
    } catch (cause) {
      const error = toSyncError(cause);
      if (signal.aborted) break;
      if (first && !failures[error.code].retry && error.code !== 'conflict') throw error;
      await onError(error);
    }
    // A clock that was set back must not make the pause any longer.
    const pauseMs = Math.min(everyMs, Math.max(0, startedMs + everyMs - host.now()));
    if (!signal.aborted) await host.sleep(pauseMs, signal).catch(() => {});
  }
  return exits.done;
}
