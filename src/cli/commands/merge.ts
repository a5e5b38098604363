import { SyncError } from '../../model/errors.ts';
import type { Command, Invocation } from '../command.ts';
import { mergeOptions, outputOptions, placeOptions } from '../options.ts';
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
    ['merge --watch ./notes s3://my-bucket/notes', 'go on until interrupted: a change on either side travels to the other'],
  ],
  notes: [
    'What both sides last agreed on is remembered (see --state). Without that memory, as on the first run, nothing is deleted.',
    'A REST API need not list all that it holds: what an address does not list is asked for before it counts as deleted.',
    'A version that loses against a newer or preferred one is kept: a document in the state, a file beside the winner.',
  ],
  run,
};

async function run({ args, values, terminal }: Invocation): Promise<number> {
  const [left, right, ...more] = args;
  if (left === undefined || right === undefined || more.length > 0) throw new SyncError('invalid', `merge takes two places, and ${args.length} were named`, { hint: 'name the left and the right side' });
  if (values.state === false) throw new SyncError('invalid', '--no-state leaves a merge without the memory it works from', { hint: 'leave it out, or name a file with --state' });
  checkWatchOptions(values);
  const { bothStores, withPairing } = await import('../pairing.ts');
  const { runMerge, runMergeDiff } = await import('../../engine/merge.ts');
  const { finish } = await import('../finish.ts');
  const { delete: travels = true, prefer, dryRun = false, ...rest } = values;
  return withPairing({ origins: [left], target: right, values: rest, terminal, needsState: true, bothWritten: true }, async (pairing) => {
    const [a, b] = bothStores(pairing);
    const twoWay = { ...pairing.run, state: pairing.state, left: a, right: b, deletes: travels ? 'propagate' as const : 'keep' as const, conflicts: prefer ?? 'newest' as const };
    if (values.watch) return await (await import('../watch.ts')).watchPairing(pairing, { values, terminal, twoWay });
    if (!dryRun) {
      const report = await runMerge(twoWay);
      pairing.progress.stop();
      return finish(report, { command: 'merge', pairing, values, terminal });
    }
    const { showAction } = await import('../render/diff.ts');
    const { loadSchema } = await import('../../stores/open.ts');
    const schema = await loadSchema(values.schema ?? 'hal');
    const report = await runMergeDiff(twoWay, async (actions) => {
      for (const action of actions) {
        if (values.report === 'ndjson') terminal.out(`${JSON.stringify(showAction.asJson(action))}\n`);
        else if (values.report === undefined && !values.quiet) terminal.out(await showAction.asText(action, { paint: terminal.paint, schema, content: false }));
      }
    });
    pairing.progress.stop();
    return finish(report, { command: 'merge', pairing, values, terminal, planned: true, differencesAreFine: true });
  });
}
