import { redact } from '../../lib/redact.ts';
import { toSyncError } from '../../model/errors.ts';
import { failureText } from '../render/failure.ts';
import { errorAsJson, reportAsJson } from '../render/report.ts';
import { count, counted, duration, printable } from '../render/style.ts';
import type { Terminal } from '../program/terminal.ts';
import { version } from '../program/version.ts';
import type { NamedEnd } from './run-named.ts';

/** Failures of one run that are told. */
const told = 5;

/** Tells people or programs of runs at their times: a line for each that did something, or failed. */
export class ScheduleLines {
  readonly #terminal: Terminal;
  readonly #asJson: boolean;
  readonly #begun = new Set<string>();

  constructor(terminal: Terminal, asJson: boolean) {
    this.#terminal = terminal;
    this.#asJson = asJson;
  }

  /** So many syncs wait for their times. */
  begin(syncs: number): void {
    if (!this.#asJson && this.#terminal.level !== 'quiet') this.#say(`${counted(syncs, 'sync', 'syncs')} at their times; interrupt to end`);
  }

  started(name: string): void {
    if (this.#asJson) this.#terminal.out(`${JSON.stringify({ event: 'run-started', sync: name })}\n`);
  }

  ended(name: string, end: NamedEnd): void {
    if (this.#asJson) return this.#terminal.out(`${JSON.stringify({ event: 'report', sync: name, ...('report' in end ? reportAsJson(end.report, { command: 'run', version, exitCode: end.exitCode, origins: [], destination: '', dryRun: false }) : errorAsJson(end.error, { command: 'run', version, exitCode: end.exitCode })) })}\n`);
    if ('error' in end) return this.#say(`${name}: ${toSyncError(end.error).sentence}`, 'red');
    const { counts, problems, failures, durationMs, interrupted } = end.report;
    const changes = (['created', 'updated', 'deleted'] as const).filter((what) => counts[what] > 0).map((what) => `${count(counts[what])} ${what}`);
    const failed = counts.failed + counts.conflicts + problems;
    // Once a minute nobody needs to hear that there was nothing to do.
    const isNews = changes.length > 0 || failed > 0 || failures.length > 0 || !this.#begun.has(name) || this.#terminal.level === 'verbose' || this.#terminal.level === 'debug';
    this.#begun.add(name);
    if (!isNews || (this.#terminal.level === 'quiet' && end.exitCode === 0)) return;
    const what = [...changes, ...(failed > 0 ? [`${count(failed)} failed`] : []), ...(counts.quarantined > 0 ? [`${count(counts.quarantined)} in quarantine`] : [])];
    this.#say(`${name}: ${what.length > 0 ? what.join(', ') : 'nothing to do'} in ${duration(durationMs)}${interrupted ? ', interrupted' : ''}`, failed + counts.quarantined > 0 ? 'yellow' : undefined);
    for (const each of failures.slice(0, told)) this.#say(`${name}: ${failureText(each).join(' ')}`, 'yellow');
    if (failed > told) this.#say(`${name}: and ${counted(failed - Math.min(failed, told), 'more failure')}: syncline history ${name} lists more`, 'yellow');
  }

  #say(text: string, color?: 'yellow' | 'red'): void {
    const line = printable(redact(text));
    this.#terminal.err(`${this.#terminal.paintErr('dim', new Date().toTimeString().slice(0, 8))} ${color === undefined ? line : this.#terminal.paintErr(color, line)}`);
  }
}
