import type { PastRun } from '../../engine/state/state.ts';
import type { Command, Invocation } from '../program/command.ts';
import { historyOptions, outputOptions } from '../options.ts';
import { count, duration, printable } from '../render/style.ts';

/** Runs shown unless more are asked for. */
const shown = 20;

/** What was run. */
export const command: Command = {
  name: 'history',
  summary: 'see past runs: when, what they did, what went wrong',
  usage: '[OPTIONS] [NAME]',
  args: [{ name: 'name', summary: 'the name of a sync, or the ID of a pair as state lists it (default: all)', kind: 'optional', offer: async (words) => (await import('../named/offer.ts')).offerNames(words) }],
  options: [...historyOptions, ...outputOptions.filter(({ name }) => name === 'report' || name === 'no-color' || name === 'debug')],
  examples: [
    ['history', 'the last runs of everything'],
    ['history orders --last 100 --report json', 'more of one, for programs'],
  ],
  notes: ['Remembered are runs of run, sync and merge, the last 1,000 of each configuration. Passes of --watch are not.'],
  run,
};

async function run({ args: [which], values, terminal }: Invocation): Promise<number> {
  const { statePath } = await import('../pairing/pairing.ts');
  const { openState } = await import('../../engine/state/sqlite-state.ts');
  await using state = openState(statePath(values, terminal));
  const runs = state.history.list({ which, limit: values.last ?? shown });
  if (values.report === 'json') terminal.out(`${JSON.stringify(runs.map(asJson), null, 2)}\n`);
  else if (values.report === 'ndjson') for (const past of runs) terminal.out(`${JSON.stringify(asJson(past))}\n`);
  else {
    for (const past of runs) for (const line of lines(past, terminal.paint)) terminal.out(`${line}\n`);
    if (runs.length === 0) terminal.err(which === undefined ? 'nothing was run yet' : `nothing is remembered of ${JSON.stringify(which)}`);
  }
  return 0;
}

function asJson({ configuration, name, startMs, ended }: PastRun): object {
  const times = { start: new Date(startMs).toISOString(), end: ended ? new Date(ended.endMs).toISOString() : null };
  return { id: configuration, name, ...times, exitCode: ended?.exitCode ?? null, counts: ended?.counts ?? null, errors: ended?.errors ?? [] };
}

function lines({ name, startMs, ended }: PastRun, paint: Invocation['terminal']['paint']): readonly string[] {
  const start = `${new Date(startMs).toISOString().slice(0, 19)}Z  ${printable(name)}:`;
  if (!ended) return [`${start} ${paint('yellow', 'did not come to its end, or is under way')}`];
  const { counts, exitCode, endMs, errors } = ended;
  const changes = (['created', 'updated', 'deleted', 'failed', 'conflicts', 'quarantined'] as const).flatMap((what) => (counts && counts[what] > 0 ? [`${count(counts[what])} ${what}`] : []));
  const said = changes.length > 0 ? changes.join(', ') : exitCode === 0 ? 'nothing to do' : 'nothing done';
  const first = `${start} ${said} in ${duration(Math.max(0, endMs - startMs))}${exitCode === 0 ? '' : paint('red', `, exit ${exitCode}`)}`;
  return [first, ...errors.map((error) => `    ${error}`)];
}
