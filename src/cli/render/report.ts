import type { Failed, Report, RunEvent } from '../../engine/types.ts';
import { redact } from '../../lib/redact.ts';
import type { SyncError } from '../../model/errors.ts';

/** Which run a report is of. */
export interface RunFacts {
  readonly command: string;
  readonly version: string;
  readonly exitCode: number;
  /** Printable names. */
  readonly origins: readonly string[];
  readonly destination: string;
  readonly dryRun: boolean;
}

/** A report for programs: the shape that `--report json` prints and that does not change within a major version. */
export function reportAsJson(report: Report, { command, version, exitCode, origins, destination, dryRun }: RunFacts): object {
  const { failures, warnings, ...rest } = report;
  return { program: 'syncline', version, command, exitCode, origins, destination, dryRun, ...rest, failures: failures.map(failedAsJson), warnings: warnings.map(redact) };
}

/** A run that was given up, for programs. */
export function errorAsJson(error: SyncError, facts: Pick<RunFacts, 'command' | 'version' | 'exitCode'>): object {
  const { report } = error.details;
  return { program: 'syncline', version: facts.version, command: facts.command, exitCode: facts.exitCode, error: plainError(error), ...(report && { report: { ...report, failures: (report as Report).failures.map(failedAsJson) } }) };
}

/** One event as one line of `--report ndjson`, or nothing for those that only tell how far a run is. */
export function eventAsJson(event: RunEvent): object | undefined {
  switch (event.kind) {
    case 'phase': return { event: 'phase', phase: event.phase, ...(event.total !== undefined && { total: event.total }) };
    case 'done': {
      const { action, unguarded } = event;
      return { event: 'done', action: action.kind === 'delete' ? 'delete' : 'over' in action && action.over ? 'update' : 'create', key: action.key, ...(unguarded && { unguarded }) };
    }
    case 'stale': return { event: 'stale', key: event.action.key };
    case 'skipped': return { event: 'skipped', key: event.action.key };
    case 'failed': return { event: 'failed', key: event.action.key, error: plainError(event.error) };
    case 'problem': return { event: 'problem', side: event.side, place: redact(event.problem.place), error: plainError(event.problem.error) };
    case 'warning': return { event: 'warning', message: redact(event.message) };
    case 'retrying': return { event: 'retrying', store: redact(event.store), error: plainError(event.error), inMs: event.inMs, attempt: event.attempt };
    case 'expected':
    case 'scanned':
    case 'carried': return undefined;
    default: return event satisfies never;
  }
}

/** What could not be done, for programs. */
export function failedAsJson({ place, side, action, error, alike }: Failed): object {
  return { place: redact(place), side, action, error: plainError(error), ...(alike !== undefined && { alike }) };
}

/** An error for programs: no stack, no cause, no secrets. */
export function plainError({ code, message, details: { hint, key } }: SyncError): object {
  return { code, message: redact(message), ...(hint !== undefined && { hint: redact(hint) }), ...(key !== undefined && { key }) };
}
