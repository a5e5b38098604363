import { redact } from '../../lib/redact.ts';
import { SyncError, toSyncError } from '../../model/errors.ts';
import { exitOfError } from './exit.ts';
import { printable } from '../render/style.ts';
import type { Terminal } from './terminal.ts';
import type { Values } from '../options.ts';

/** Says why a command was given up, in one sentence or as the report that was asked for; the result is the exit code. */
export async function giveUp(cause: unknown, { program, command, values, terminal }: { readonly program: string; readonly command: string; readonly values: Values; readonly terminal: Terminal }): Promise<number> {
  const error = toSyncError(asEnvironment(cause));
  const exitCode = exitOfError(error);
  if (isBrokenPipe(error)) return exitCode;
  const { report } = error.details;
  if (values.report !== undefined) {
    const { errorAsJson } = await import('../render/report.ts');
    const { version } = await import('./version.ts');
    const json = errorAsJson(error, { command, version, exitCode });
    terminal.out(values.report === 'ndjson' ? `${JSON.stringify({ event: 'report', ...json })}\n` : `${JSON.stringify(json, null, 2)}\n`);
  } else if (report && terminal.level !== 'quiet') {
    const { summary } = await import('../render/summary.ts');
    const partial = report as Parameters<typeof summary>[0];
    const { created, updated, deleted, failed } = partial.counts;
    // What was read until then is of no use to anybody.
    if (error.code === 'guarded' || created + updated + deleted + failed > 0) terminal.out(summary(partial, { paint: terminal.resultPaint, byType: terminal.byType, givenUp: true, tellsUnguarded: false }));
  }
  const sentence = printable(redact(error.code === 'internal' ? `${error.message || 'something unexpected happened'}: run again with --debug to see where, and report it` : error.sentence));
  terminal.err(`${terminal.paintErr('red', `${program}:`)} ${sentence}`);
  if (values.debug) terminal.err(redact(trace(error)));
  return exitCode;
}

/** Failures of the machine itself have a code of their own, which says what to do. */
function asEnvironment(cause: unknown): unknown {
  if (cause instanceof SyncError || !(cause instanceof Error)) return cause;
  switch ((cause as NodeJS.ErrnoException).code) {
    case 'ENOSPC': return new SyncError('unavailable', 'the disk is full', { cause, hint: 'make room and run the same command again' });
    case 'EACCES':
    case 'EPERM':
    case 'EROFS': return new SyncError('denied', cause.message, { cause, hint: 'check the permissions' });
    case 'EMFILE':
    case 'ENFILE': return new SyncError('unavailable', 'too many files are open', { cause, hint: 'raise the limit (ulimit -n), or lower --concurrency' });
    default: return cause;
  }
}

function isBrokenPipe(error: Error): boolean {
  return (error as NodeJS.ErrnoException).code === 'EPIPE' || (error.cause instanceof Error && isBrokenPipe(error.cause));
}

function trace(error: Error): string {
  const { cause } = error;
  return `${error.stack ?? error.message}${cause instanceof Error ? `\ncaused by ${trace(cause)}` : ''}`;
}
