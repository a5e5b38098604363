import type { Counts, Report } from '../../engine/types.ts';
import { redact } from '../../lib/redact.ts';
import { failureText } from './failure.ts';
import { flowLines } from './flows.ts';
import { columnsOf, count, counted, duration, printable } from './style.ts';
import type { Paint } from './style.ts';

const columns = ['read', 'created', 'updated', 'deleted', 'unchanged', 'skipped', 'kept', 'failed', 'conflicts', 'quarantined'] as const satisfies readonly (keyof Counts)[];

/** Failures, warnings and types listed by name; `--report json` lists more. */
const listed = 20;

export interface SummaryOptions {
  readonly paint: Paint;
  /** What is said about entries that only one side holds and that were left there; depends on the command. */
  readonly keptHint?: string;
  /** Whether types are kinds of things, and each is worth a line; directories are not. Default: true. */
  readonly byType?: boolean;
  /** Words for a run that only looked. */
  readonly planned?: boolean;
  /** The run was refused or broken off: an error of its own says why. */
  readonly givenUp?: boolean;
  /** Whether writes that nothing protected are worth a line. Default: true. */
  readonly tellsUnguarded?: boolean;
}

/** What a run did, for people: counts per type, what went wrong one by one, and what to do next. */
export function summary(report: Report, { paint, keptHint, byType = true, planned = false, givenUp = false, tellsUnguarded = true }: SummaryOptions): string {
  const { counts, unguarded, durationMs } = report;
  const lines = [...table(byType ? report : { ...report, types: { files: report.counts } }, paint), ...(byType ? flowLines(report, paint) : []), ...remarkLines(report, paint), ...rangeLines(report)];
  if (unguarded > 0 && tellsUnguarded) lines.push(`${counted(unguarded, 'write')} went unguarded: the destination cannot refuse a write when someone else was faster`);
  if (counts.skipped > 0) lines.push(`${counted(counts.skipped, 'entry', 'entries')} became newer where ${counts.skipped === 1 ? 'it was' : 'they were'} to be written: the next run carries that across`);
  if (counts.quarantined > 0 && planned) lines.push(`${counted(counts.quarantined, 'record')} would be in quarantine after such a run`);
  else if (counts.quarantined > 0) lines.push(`${counted(counts.quarantined, 'record')} in quarantine: syncline quarantine lists ${counts.quarantined === 1 ? 'it' : 'them'}, and --retry-quarantined tries ${counts.quarantined === 1 ? 'it' : 'them'} again`);
  if (counts.kept > 0 && keptHint !== undefined) lines.push(`${counted(counts.kept, 'entry', 'entries')} ${keptHint}`);
  if (!givenUp) lines.push(closing(report, paint, planned, duration(durationMs)));
  return lines.map((line) => `${line}\n`).join('');
}

/** What went wrong, and what a run warned of, a line each. */
export function remarkLines(report: Report, paint: Paint): readonly string[] {
  const { warnings } = report;
  const lines = [...failuresOf(report, paint), ...warnings.slice(0, listed).map((warning) => `${paint('yellow', 'warning:')} ${clean(warning)}`)];
  return warnings.length > listed ? [...lines, `and ${counted(warnings.length - listed, 'more warning')}`] : lines;
}

/** What was compared without being read, in a line, or none. */
export function rangeLines({ ranges }: Pick<Report, 'ranges'>): readonly string[] {
  return ranges ? [`${counted(ranges.compared, 'range')} compared by digest, ${ranges.differing === 0 ? 'none differs' : `${count(ranges.differing)} of them read`}: ${counted(ranges.equal, 'entry is', 'entries are')} equal and ${ranges.equal === 1 ? 'was' : 'were'} not read`] : [];
}

function closing({ counts, interrupted, problems, outstanding, failures }: Report, paint: Paint, planned: boolean, time: string): string {
  const changes = counts.created + counts.updated + counts.deleted;
  const failed = counts.failed + problems;
  if (interrupted) return paint('yellow', `interrupted after ${time}; ${counted(changes, 'change')} made`);
  if (failed > 0 && planned) return paint('red', `${counted(changes, 'change')} to make, ${counted(failed, 'failure')} (${time})`);
  if (failed > 0) return paint('red', `not done: ${counted(failed, 'failure')}, ${counted(changes, 'change')} made in ${time}; ${failures.length > 0 && failures.every(({ error: { code } }) => code === 'denied') ? 'have what is missing granted first' : 'run the same command again to go on'}`);
  if (counts.conflicts > 0) return paint('red', `${counted(counts.conflicts, 'conflict')}, ${counted(changes, 'change')} ${planned ? 'to make' : 'made'} in ${time}; choose with --prefer`);
  if (planned) return changes === 0 ? paint('green', `nothing to do (${time})`) : `${counted(changes, 'change')} to make (${time})`;
  if (outstanding > 0) return paint('yellow', `stopped after ${time}: ${counted(changes, 'change')} made, ${count(outstanding)} left to do; run the same command again to go on`);
  if (counts.quarantined > 0) return paint('yellow', `done but for what is in quarantine: ${counted(changes, 'change')} in ${time}`);
  if (changes === 0) return paint('green', `in step, nothing to do (${time})`);
  return paint('green', `done: ${counted(changes, 'change')} in ${time}`);
}

function table({ counts, types }: Report, paint: Paint): string[] {
  const shown = columns.filter((column) => column === 'read' || column === 'unchanged' || counts[column] > 0);
  const names = Object.keys(types);
  if (names.length === 0) return [];
  const few = names.slice(0, listed * 2);
  const rows = few.map((name): readonly [string, Counts] => [name === '' ? '(no type)' : clean(name), types[name] as Counts]);
  if (names.length > 1) rows.push(['total', counts]);
  const cells = [['', ...shown], ...rows.map(([name, tally]) => [name, ...shown.map((column) => (tally[column] === 0 ? '·' : count(tally[column])))])];
  const widths = cells[0]!.map((_, i) => Math.max(...cells.map((row) => columnsOf(row[i] ?? ''))));
  const lines = cells.map((row, at) => {
    const text = row.map((cell, i) => (i === 0 ? cell + pad(cell, widths[i]) : pad(cell, widths[i]) + cell)).join('  ').trimEnd();
    return at === 0 ? paint('bold', text) : text;
  });
  if (names.length > few.length) lines.splice(-1, 0, `and ${counted(names.length - few.length, 'more type')}`);
  return lines;
}

function pad(cell: string, width: number | undefined): string {
  return ' '.repeat(Math.max(0, (width ?? 0) - columnsOf(cell)));
}

function failuresOf({ failures, counts, problems }: Report, paint: Paint): string[] {
  const lines = failures.slice(0, listed).map((failed) => {
    const [what, whereAndWhy] = failureText(failed);
    return `${paint('red', what)} ${clean(whereAndWhy)}`;
  });
  const alike = failures.slice(0, listed).reduce((sum, failed) => sum + (failed.alike ?? 0), 0);
  const all = Math.max(failures.length, counts.failed + counts.conflicts + problems - alike);
  if (all > lines.length) lines.push(`and ${counted(all - lines.length, 'more failure')}: --report json lists them`);
  return lines;
}

function clean(text: string): string {
  return printable(redact(text));
}
