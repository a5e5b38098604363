import type { Report } from '../../engine/types.ts';
import { failures } from '../../model/errors.ts';
import type { SyncError } from '../../model/errors.ts';

/** What the process exits with. */
export const exits = { done: 0, differences: 1, usage: 2, environment: 3, guarded: 4, interrupted: 130 } as const;

/** What a run that came to its end exits with: 0 only when everything in scope was settled. */
export function exitOf(report: Report, { differencesAreFine = false }: { readonly differencesAreFine?: boolean } = {}): number {
  if (report.interrupted) return exits.interrupted;
  if (!report.complete || report.problems > 0 || report.counts.failed > 0 || report.counts.conflicts > 0 || report.counts.quarantined > 0) return exits.differences;
  return report.differences > report.counts.kept && !differencesAreFine ? exits.differences : exits.done;
}

/** What a run that was given up exits with. */
export function exitOfError(error: SyncError): number {
  return failures[error.code].exit;
}
