import { SyncError } from '../../model/errors.ts';
import type { Command, Invocation } from '../program/command.ts';
import { outputOptions, runOptions } from '../options.ts';
import type { NamedSync } from '../named/load.ts';

/** Syncs by their names. */
export const command: Command = {
  name: 'run',
  summary: 'run the syncs that a file names, once or at their times',
  usage: '[OPTIONS] [NAME]...',
  args: [{ name: 'names', summary: 'which syncs, in this order (default: all, in the order of the file)', kind: 'repeated', offer: async (words) => (await import('../named/offer.ts')).offerNames(words) }],
  options: [...runOptions, ...outputOptions],
  examples: [
    ['run', 'all syncs of syncline.yaml, one after the other'],
    ['run orders --dry-run', 'see what one of them would do'],
    ['run --scheduled --health /var/lib/syncline/health.json', 'each at its times, until interrupted'],
  ],
  notes: [
    'A file looks like this:',
    '  syncs:',
    '    orders:',
    '      merge: {left: ./a, right: ./b}',
    '      newest: true',
    '      modified: updated',
    '      every: 60s',
    'A sync has the options of the command it is for, by their names without dashes, and every or cron. Names of files begin at the folder of the file.',
    'The exit code is the highest of those of the runs; a run that fails does not keep the others from being run.',
  ],
  run,
};

async function run({ args, values, terminal }: Invocation): Promise<number> {
  const { loadSyncs, usualFile } = await import('../named/load.ts');
  const { resolve } = await import('node:path');
  if (values.state === false) throw new SyncError('invalid', '--no-state leaves no memory of what was run', { hint: 'leave it out, or name a file with --state' });
  const file = loadSyncs(values.config ?? usualFile, terminal.environment);
  const strange = args.find((name) => !file.names.includes(name));
  if (strange !== undefined) throw new SyncError('invalid', `${JSON.stringify(strange)} is no sync of ${values.config ?? usualFile}`, { hint: `name one of ${file.names.join(', ')}` });
  const names = args.length > 0 ? [...new Set(args)] : file.names;
  const syncs = names.map((name) => file.sync(name));
  const absolute = (path: string | undefined): string | undefined => (path === undefined ? undefined : resolve(path));
  const { statePath } = await import('../pairing/pairing.ts');
  const ready = { ...values, state: absolute(statePath(values, terminal)), health: absolute(values.health), metrics: /^(?:.*:)?\d{1,5}$/.test(values.metrics ?? '') ? values.metrics : absolute(values.metrics) };
  const { state, health, metrics, ...rest } = ready;
  const own = { ...rest, ...(state !== undefined && { state }), ...(health !== undefined && { health }), ...(metrics !== undefined && { metrics }) };
  for (const name of ['health', 'metrics'] as const) if (values[name] !== undefined && !values.scheduled) throw new SyncError('invalid', `--${name} is about runs at their times`, { hint: `add --scheduled, or leave out --${name}` });
  process.chdir(file.folder);
  if (values.dryRun) return await dryRun(syncs, { values: own, terminal });
  if (values.scheduled) return await (await import('../named/scheduled.ts')).runScheduled(syncs, { values: own, terminal, chosen: args.length > 0 });
  return await (await import('../named/in-order.ts')).runInOrder(syncs, { values: own, terminal });
}

async function dryRun(syncs: readonly NamedSync[], { values, terminal }: Pick<Invocation, 'values' | 'terminal'>): Promise<number> {
  if (values.report === 'json' && syncs.length > 1) throw new SyncError('invalid', '--report json prints one object, and each sync has a plan of its own', { hint: 'name one sync, or use --report ndjson' });
  const { state, report, quiet, verbose, debug, color, retryQuarantined } = values;
  const own = Object.fromEntries(Object.entries({ state, report, quiet, verbose, debug, color, dryRun: true }).filter(([, value]) => value !== undefined));
  const codes: number[] = [];
  for (const { name, kind, args, values: given } of syncs) {
    if (values.report === undefined && !values.quiet) terminal.out(`${terminal.paint('bold', `${name}:`)}\n`);
    const { command: does } = kind === 'sync' ? await import('./sync.ts') : await import('./merge.ts');
    try {
      codes.push(await does.run({ args, values: { ...given, ...own, ...((kind === 'sync' ? !given.swap : given.newest) && retryQuarantined && { retryQuarantined }) }, terminal }));
    } catch (cause) {
      const { giveUp } = await import('../program/errors.ts');
      codes.push(await giveUp(cause, { program: 'syncline', command: 'run', values, terminal }));
    }
    if (codes.at(-1) === 130) break;
  }
  return Math.max(...codes);
}
