import type { History, RunEnd } from '../../engine/state/state.ts';
import type { Report } from '../../engine/types.ts';
import { redact } from '../../lib/redact.ts';
import type { SyncError } from '../../model/errors.ts';
import { toSyncError } from '../../model/errors.ts';
import type { Host } from '../../model/host.ts';
import { idOf } from './configuration.ts';
import { exitOf, exitOfError } from '../program/exit.ts';
import type { Pairing } from '../pairing/pairing.ts';
import type { Prepared } from '../pairing/prepare.ts';
import { failureText } from '../render/failure.ts';
import { printable } from '../render/style.ts';

/** Sentences of one run that are remembered. */
const kept = 20;

export interface RecordedOptions {
  /** A short name for all that shapes the run. */
  readonly id: string;
  /** Fit to print. */
  readonly name: string;
  readonly history: Pick<History, 'begin'>;
  readonly host: Pick<Host, 'now'>;
}

/** Does a run, and remembers when it was and what came of it. */
export async function recorded({ id, name, history, host }: RecordedOptions, run: () => Promise<Report>): Promise<Report> {
  const end = history.begin({ configuration: id, name, startMs: host.now() });
  try {
    const report = await run();
    end({ endMs: host.now(), ...endOf(report) });
    return report;
  } catch (cause) {
    end({ endMs: host.now(), ...endOfError(toSyncError(cause)) });
    throw cause;
  }
}

/** The same for a run of a configuration that has no name of its own. */
export async function recordedRun({ state: { history }, host }: Pick<Pairing, 'state' | 'host'>, { configuration, name, run }: Pick<Prepared, 'configuration' | 'name' | 'run'>): Promise<Report> {
  return await recorded({ id: idOf(configuration), name, history, host }, () => run());
}

function endOf(report: Report): Omit<RunEnd, 'endMs'> {
  return { exitCode: exitOf(report), counts: report.counts, errors: report.failures.slice(0, kept).map((failed) => clean(failureText(failed).join(' '))) };
}

function endOfError(error: SyncError): Omit<RunEnd, 'endMs'> {
  const report = error.details.report as Report | undefined;
  const begun = report && endOf(report);
  return { exitCode: exitOfError(error), ...(begun?.counts && { counts: begun.counts }), errors: [clean(error.sentence), ...begun?.errors ?? []].slice(0, kept) };
}

function clean(text: string): string {
  return printable(redact(text));
}
