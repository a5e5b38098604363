import type { Report } from '../../engine/types.ts';
import { redact } from '../../lib/redact.ts';
import { exitOf, exits } from './exit.ts';
import type { Values } from '../options.ts';
import type { Pairing } from '../pairing/pairing.ts';
import { reportAsJson } from '../render/report.ts';
import { summary } from '../render/summary.ts';
import type { Terminal } from './terminal.ts';
import { version } from './version.ts';

export interface FinishOptions {
  readonly command: string;
  readonly pairing: Pick<Pairing, 'pair'>;
  readonly values: Values;
  readonly terminal: Terminal;
  /** Words for a run that only looked. */
  readonly planned?: boolean;
  readonly differencesAreFine?: boolean;
  readonly keptHint?: string;
  /** Goes into the report for programs. */
  readonly extra?: object;
  /** Where the command decides itself. */
  readonly exitCode?: number;
}

/** Prints what a run did in the form that was asked for; the result is what the process exits with. */
export function finish(report: Report, { command, pairing: { pair }, values, terminal, planned = false, differencesAreFine = false, keptHint, extra, exitCode = exitOf(report, { differencesAreFine }) }: FinishOptions): number {
  // Whoever asked for the documents themselves has seen enough, and went.
  if (terminal.outClosed && pair.target.name === '-') return exitCode;
  if (values.report !== undefined) {
    const facts = { command, version, exitCode, origins: pair.origins.map(({ name }) => redact(name)), destination: redact(pair.target.name), dryRun: planned };
    const json = { ...reportAsJson(report, facts), ...extra };
    terminal.out(values.report === 'ndjson' ? `${JSON.stringify({ event: 'report', ...json })}\n` : `${JSON.stringify(json, null, 2)}\n`);
  } else if (terminal.level !== 'quiet' || exitCode !== exits.done) {
    terminal.out(summary(report, { paint: terminal.resultPaint, planned, byType: pair.holds === 'documents', tellsUnguarded: tellsUnguarded(pair.target, terminal), ...(keptHint !== undefined && { keptHint }) }));
  }
  if (report.interrupted) terminal.err('to go on, run the same command again: what is done is not done twice');
  return exitCode;
}

// No directory can refuse a write, which everybody knows who has one.
function tellsUnguarded({ identity }: Pairing['pair']['target'], { level }: Terminal): boolean {
  return level === 'verbose' || level === 'debug' || !identity.startsWith('tree:');
}
