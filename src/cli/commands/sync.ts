import { SyncError } from '../../model/errors.ts';
import type { Command, Invocation } from '../program/command.ts';
import { outputOptions, placeOptions, syncOptions } from '../options.ts';
import type { Values } from '../options.ts';
import type { Pairing } from '../pairing/pairing.ts';
import { partsOf } from '../pairing/places.ts';
import { checkWatchOptions } from '../watch/refusals.ts';

/** One way: the destination comes to hold what the origins hold. */
export const command: Command = {
  name: 'sync',
  summary: 'make the destination hold what the origins hold',
  usage: '[OPTIONS] ORIGIN... DESTINATION',
  args: [{ name: 'places', summary: 'where to read, and last of all where to write', kind: 'repeated' }],
  options: [...syncOptions, ...placeOptions, ...outputOptions],
  examples: [
    ['sync https://example.com/api/foo ./data', 'capture the resources of an API, one YAML file each'],
    ['sync ./data https://staging.example.com', 'replay them elsewhere, parents first, only what differs'],
    ['sync --delete --dry-run ./data https://staging.example.com', 'see what a run with deletions would do'],
    ['sync --delete --watch ./site ./copy', 'keep a copy as the original is, from now on'],
    ['sync --retry-quarantined sqlite:shop.db postgres://localhost/shop', 'try again what could not be carried across (see syncline quarantine)'],
    ['sync --swap orders.ndjson postgres://localhost/shop', 'load a table anew and put it in place at once'],
    ['sync --explain --rules rules.txt ./site ./copy', 'see which files take part, and why'],
    ['sync base.yaml overrides.yaml - --json', 'lay one file over another and print the result'],
  ],
  notes: [
    'Nothing is deleted without --delete. Deletions come last, after everything was read, and no more than --max-deletes.',
    'A record that the destination cannot hold, or that cannot be read, is set aside and does not stop the others; it is tried again when it has changed (see syncline quarantine).',
    'Of several origins a later one wins. A file, a directory, a URL, - (standard input or output) or null is a place.',
  ],
  run,
};

async function run({ args, values, terminal }: Invocation): Promise<number> {
  const { splitPlaces } = await import('../pairing/places.ts');
  const { origins, target } = splitPlaces(args);
  checkSync(values, args);
  if (values.explain) {
    const { withPairing } = await import('../pairing/pairing.ts');
    const { explain } = await import('../explain.ts');
    if (target === '-') terminal.yieldStdout();
    return withPairing({ origins, target, values, terminal }, (pairing) => explain(pairing, { values, terminal }));
  }
  if (values.swap && values.dryRun) return await (await import('../swap.ts')).showSwap({ args, values, terminal });
  if (values.dryRun) {
    const { showDiff } = await import('./diff.ts');
    return showDiff({ args, values: { ...values, summary: true }, terminal }, { command: 'sync', differencesAreFine: true });
  }
  checkWatchOptions(values);
  if (values.watch) {
    const { watch } = await import('../watch.ts');
    return watch({ origins, target, values, terminal });
  }
  const { withPairing } = await import('../pairing/pairing.ts');
  const { prepareSync, sidesOf } = await import('../pairing/prepare.ts');
  const { finish } = await import('../program/finish.ts');
  if (target === '-') terminal.yieldStdout();
  return withPairing({ ...sidesOf('sync', args, values), terminal }, async (pairing) => {
    if (values.every !== undefined) return await every(pairing, { args, values, terminal });
    const { recordedRun } = await import('../timed/recorded.ts');
    const report = await recordedRun(pairing, await prepareSync(pairing, args, values));
    pairing.progress.stop();
    return finish(report, { command: 'sync', pairing, values, terminal, ...keptHintOf(values) });
  });
}

/** Throws `invalid` where options make no sense together. */
export function checkSync(values: Values, args: readonly string[]): void {
  if (values.maxDeletes !== undefined && !values.delete && !values.swap && !args.some((place) => partsOf(place).has('tombstones'))) throw new SyncError('invalid', '--max-deletes says how much --delete may delete, and nothing is deleted without it', { hint: 'add --delete, or leave out --max-deletes' });
  if (values.retryQuarantined && values.state === false) throw new SyncError('invalid', '--no-state leaves nothing in quarantine that could be tried again', { hint: 'leave out --retry-quarantined, or name a file with --state' });
  for (const [name, why] of [['swap', 'puts nothing in place that is not whole'], ['watch', 'tries what failed by itself']] as const) {
    if (values.retryQuarantined && values[name]) throw new SyncError('invalid', `--${name} ${why}, so that it has no quarantine`, { hint: 'leave out --retry-quarantined' });
  }
}

/** What is said of what only the destination holds. */
export function keptHintOf(values: Values): { readonly keptHint?: string } {
  return values.delete || values.swap ? {} : { keptHint: 'only at the destination left there: pass --delete to remove them' };
}

async function every(pairing: Pairing, { args, values, terminal }: Invocation): Promise<number> {
  const { prepareSync } = await import('../pairing/prepare.ts');
  const { repeatRuns } = await import('../timed/every.ts');
  const once = pairing.oneWay().origins.find(({ capabilities: { reads } }) => reads === 'once');
  if (once) throw new SyncError('invalid', `${once.name} can be read only once, and --every reads again and again`, { hint: 'name a directory, a file or another place' });
  return await repeatRuns(pairing, { command: 'sync', values, terminal, prepared: await prepareSync(pairing, args, values) });
}
