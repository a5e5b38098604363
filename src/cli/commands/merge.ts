import type { TwoWay } from '../../engine/types.ts';
import { SyncError } from '../../model/errors.ts';
import type { Command, Invocation } from '../program/command.ts';
import { mergeOptions, outputOptions, placeOptions } from '../options.ts';
import type { Values } from '../options.ts';
import type { Pairing } from '../pairing/pairing.ts';
import type { Terminal } from '../program/terminal.ts';
import { checkWatchOptions } from '../watch/refusals.ts';

/** Both ways. */
export const command: Command = {
  name: 'merge',
  summary: 'bring two places to hold the same: what changed on either side travels to the other',
  usage: '[OPTIONS] A B',
  args: [{ name: 'a', summary: 'the left side', kind: 'required' }, { name: 'b', summary: 'the right side', kind: 'required' }],
  options: [...mergeOptions, ...placeOptions, ...outputOptions],
  examples: [
    ['merge ./laptop ./server', 'both ways; where both sides changed, the newest wins'],
    ['merge --no-delete ./data https://staging.example.com', 'both ways, and nothing is deleted'],
    ['merge --prefer left --dry-run ./a ./b', 'see what would be done'],
    ['merge --newest --modified updated --every 60s ./a ./b', 'once a minute, both get the later version of every record'],
    ['merge --newest --from 2015-01-01 --until 2015-02-01 ./a ./b', 'only what was modified in January 2015'],
    ['merge --newest --modified updated --retry-quarantined ./a ./b', 'try again what could not be carried across (see syncline quarantine)'],
    ['merge --watch ./notes s3://my-bucket/notes', 'go on until interrupted: a change on either side travels to the other'],
  ],
  notes: [
    'What both sides last agreed on is remembered (see --state). Without that memory, as on the first run, nothing is deleted.',
    'A REST API need not list all that it holds: what an address does not list is asked for before it counts as deleted.',
    'With --newest a run begins where the last one of the same places and options ended (see syncline state), a little before, and ends at the moment it was started. One of a range (--from, --until) does not move that.',
    'Where both sides changed, the version that loses is kept: a document in the state (see syncline state lost), a file beside the winner. With --newest that is so of two of one time alone: older is not lost.',
  ],
  run,
};

async function run({ args, values, terminal }: Invocation): Promise<number> {
  const [left, right, ...more] = args;
  if (left === undefined || right === undefined || more.length > 0) throw new SyncError('invalid', `merge takes two places, and ${args.length} were named`, { hint: 'name the left and the right side' });
  checkMerge(values);
  const { withPairing } = await import('../pairing/pairing.ts');
  const { prepareMerge, sidesOf } = await import('../pairing/prepare.ts');
  return withPairing({ ...sidesOf('merge', args, values), terminal }, async (pairing) => {
    const prepared = await prepareMerge(pairing, args, values);
    const { twoWay } = prepared;
    if (values.watch) return await (await import('../watch.ts')).watchPairing(pairing, { values, terminal, twoWay });
    if (values.dryRun) return await show(prepared.planned(), { pairing, values, terminal });
    if (values.every !== undefined) return await (await import('../timed/every.ts')).repeatRuns(pairing, { command: 'merge', values, terminal, prepared });
    const { recordedRun } = await import('../timed/recorded.ts');
    const { finish } = await import('../program/finish.ts');
    const report = await recordedRun(pairing, prepared);
    pairing.progress.stop();
    return finish(report, { command: 'merge', pairing, values, terminal });
  });
}

/** Throws `invalid` where options make no sense together. */
export function checkMerge(values: Values): void {
  if (values.state === false) throw new SyncError('invalid', '--no-state leaves a merge without the memory it works from', { hint: 'leave it out, or name a file with --state' });
  for (const [name, option] of [['full', 'full'], ['overlap', 'overlap'], ['tombstonesFor', 'tombstones-for'], ['retryQuarantined', 'retry-quarantined']] as const) {
    if (values[name] !== undefined && !values.newest) throw new SyncError('invalid', `--${option} is about merging by time`, { hint: `add --newest, or leave out --${option}` });
  }
  checkWatchOptions(values);
}

/** Prints what a run would do. */
async function show(twoWay: TwoWay, { pairing, values, terminal }: { readonly pairing: Pairing; readonly values: Values; readonly terminal: Terminal }): Promise<number> {
  const { runMergeDiff } = await import('../../engine/merge.ts');
  const { showAction } = await import('../render/diff.ts');
  const { loadSchema } = await import('../../stores/open.ts');
  const { finish } = await import('../program/finish.ts');
  const schema = await loadSchema(values.schema ?? 'hal');
  const report = await runMergeDiff(twoWay, async (actions) => {
    for (const action of actions) {
      const json = values.report === 'ndjson' ? showAction.asJson(action) : undefined;
      if (json) terminal.out(`${JSON.stringify(json)}\n`);
      else if (values.report === undefined && !values.quiet) terminal.out(await showAction.asText(action, { paint: terminal.paint, schema, content: false }));
    }
  });
  pairing.progress.stop();
  return finish(report, { command: 'merge', pairing, values, terminal, planned: true, differencesAreFine: true });
}
