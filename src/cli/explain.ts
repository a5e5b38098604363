import { mergeJoin } from '../core/merge-join.ts';
import type { Verdict } from '../core/selection/selection.ts';
import { reported, startRun } from '../engine/run/run.ts';
import { inOrder } from '../engine/plan/scan.ts';
import type { Report } from '../engine/types.ts';
import { redact } from '../lib/redact.ts';
import type { Entry } from '../model/entry.ts';
import { exitOf } from './program/exit.ts';
import type { Values } from './options.ts';
import type { Pairing } from './pairing/pairing.ts';
import { counted, printable } from './render/style.ts';
import { failureText } from './render/failure.ts';
import { failedAsJson } from './render/report.ts';
import type { Terminal } from './program/terminal.ts';
import { version } from './program/version.ts';

/** One entry of an origin, and what becomes of it. */
interface Explained extends Verdict {
  /** Printable name of the origin. */
  readonly origin: string;
  /** Where in there it was found, if that is known. */
  readonly place?: string;
  /** Its key at the destination. */
  readonly key: string;
}

/**
 * Prints for each entry of the origins which key it gets at the destination, or that it takes no part, and by which
 * rule. Reads the origins only; the result is the exit code.
 */
export async function explain({ pair, run, selection, own, progress }: Pick<Pairing, 'pair' | 'run' | 'selection' | 'own' | 'progress'>, { values, terminal }: { readonly values: Values; readonly terminal: Terminal }): Promise<number> {
  const { where: _, under: __, ...options } = run;
  const started = startRun(options);
  const tally = { chosen: 0, leftOut: 0 };
  // The entries come first, as they are found, because there may be more of them than fit into memory.
  if (values.report === 'json') terminal.out('{\n  "entries": [');
  const report = await reported(started, async () => {
    const scans = pair.origins.map((origin) => inOrder(origin, started.context, { side: 'left', counted: true }));
    for await (const rows of mergeJoin<Entry>(...scans)) {
      const lines: string[] = [];
      const asJson = values.report === 'json';
      for (const { items } of rows) {
        for (const explained of explainRow(items, { pair, selection, own })) {
          tally[explained.chosen ? 'chosen' : 'leftOut']++;
          if (asJson) lines.push(`${tally.chosen + tally.leftOut === 1 ? '' : ','}\n    ${JSON.stringify(explained)}`);
          else if (values.report === 'ndjson') lines.push(`${JSON.stringify({ event: 'explained', ...explained })}\n`);
          else if (values.report === undefined && !values.quiet) lines.push(asText(explained, terminal));
        }
      }
      terminal.out(lines.join(''));
    }
  });
  progress.stop();
  return end(report, tally, { pair, values, terminal });
}

/** Of several origins that hold one key the last one counts, chosen or not. */
function* explainRow(items: readonly (Entry | undefined)[], { pair, selection, own }: Pick<Pairing, 'pair' | 'selection' | 'own'>): Generator<Explained> {
  const last = items.findLastIndex((entry) => entry !== undefined);
  for (const [i, entry] of items.entries()) {
    if (!entry) continue;
    const [origin, later] = [i, last].map((at) => redact(pair.origins[at]?.name ?? ''));
    const verdict = judge(entry, { pair, selection, own });
    const found = { origin: origin as string, ...(entry.place !== undefined && { place: redact(entry.place) }), key: entry.key };
    yield verdict.chosen && i < last ? { ...found, chosen: false, rule: `${later} holds it too and comes later` } : { ...found, ...verdict };
  }
}

function judge(entry: Entry, { pair: { target }, selection, own }: Pick<Pairing, 'pair' | 'selection' | 'own'>): Verdict {
  if (own.has(entry.key)) return { chosen: false, rule: 'this program keeps its own memory there' };
  const verdict = selection?.why(entry) ?? nothingAsked;
  return verdict.chosen && target.covers?.(entry) === false ? { chosen: false, rule: `it does not belong into ${redact(target.name)}` } : verdict;
}

const nothingAsked: Verdict = { chosen: true, rule: 'no rule hides it' };

function asText({ origin, place, key, chosen, rule }: Explained, { resultPaint: paint }: Terminal): string {
  const from = printable(place ?? `${origin}: ${key}`);
  const reason = paint('dim', `(${printable(rule)})`);
  return chosen ? `${paint('green', '+')} ${from} → ${printable(key)} ${reason}\n` : `${paint('yellow', '-')} ${from} ${reason}\n`;
}

function end(report: Report, tally: { readonly chosen: number; readonly leftOut: number }, { pair: { origins, target }, values, terminal }: { readonly pair: Pairing['pair']; readonly values: Values; readonly terminal: Terminal }): number {
  const exitCode = exitOf(report, { differencesAreFine: true });
  if (values.report !== undefined) {
    const json = { program: 'syncline', version, command: 'sync', exitCode, origins: origins.map(({ name }) => redact(name)), destination: redact(target.name), ...tally, problems: report.problems, failures: report.failures.map(failedAsJson) };
    terminal.out(values.report === 'ndjson' ? `${JSON.stringify({ event: 'report', ...json })}\n` : `\n  ],\n  ${JSON.stringify(json, null, 2).slice(1).trimStart()}\n`);
    return exitCode;
  }
  for (const failed of report.failures) terminal.say(redact(failureText(failed).join(' ')));
  if (!values.quiet) terminal.out(`${counted(tally.chosen, 'entry', 'entries')} chosen, ${counted(tally.leftOut, 'entry', 'entries')} left out\n`);
  return exitCode;
}
