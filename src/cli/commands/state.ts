import type { Checkpoint } from '../../engine/state/state.ts';
import { redact } from '../../lib/redact.ts';
import { SyncError } from '../../model/errors.ts';
import { plainHost } from '../../model/plain-host.ts';
import { instantText } from '../../stores/records/instants.ts';
import type { Command, Invocation } from '../program/command.ts';
import { parseInstantOf } from '../program/instants.ts';
import { outputOptions, stateOptions } from '../options.ts';
import { printable } from '../render/style.ts';

const verbs = ['list', 'show', 'set', 'forget', 'lost'] as const;

/** What is remembered of merges. */
export const command: Command = {
  name: 'state',
  summary: 'see, set or forget where runs by time go on, and see what lost in merges',
  usage: '[OPTIONS] [list | show ID | set ID TIME | forget ID | lost [KEY]]',
  args: [{ name: 'what', summary: 'what to do (default list); ID and KEY are as listed, TIME is a date and time or seconds since 1970', kind: 'repeated', choices: verbs }],
  options: [...stateOptions, ...outputOptions.filter(({ name }) => name === 'report' || name === 'no-color' || name === 'debug')],
  examples: [
    ['state', 'the pairs that are kept in step by time, and until when they are'],
    ['state set 1f2e3d4c 2015-01-31T10:20:30Z', 'the next run begins there, a little before'],
    ['state forget 1f2e3d4c', 'the next run begins at the beginning of time'],
    ['state lost orders/1', 'the versions of a document that lost against another one, with what they held'],
  ],
  run,
};

async function run(invocation: Invocation): Promise<number> {
  const { args: [verb = 'list', id, time, ...more], values, terminal } = invocation;
  if (!verbs.some((known) => known === verb)) throw new SyncError('invalid', `state cannot ${verb}`, { hint: `use one of ${verbs.join(', ')}` });
  if (verb === 'lost') return await showLost(invocation);
  const wanted = verb === 'list' ? 0 : verb === 'set' ? 2 : 1;
  if (more.length > 0 || [id, time].filter((part) => part !== undefined).length !== wanted) throw new SyncError('invalid', `state ${verb} takes ${wanted === 0 ? 'nothing more' : wanted === 1 ? 'an ID' : 'an ID and a time'}`, { hint: 'see syncline state --help' });
  const { statePath } = await import('../pairing/pairing.ts');
  const { openState } = await import('../../engine/state/sqlite-state.ts');
  await using state = openState(statePath(values, terminal));
  const { idOf } = await import('../timed/configuration.ts');
  const all = state.checkpoints.list();
  if (id === undefined) {
    for (const line of told(all, idOf, values.report !== undefined)) terminal.out(line);
    return 0;
  }
  const found = all.filter(({ configuration }) => idOf(configuration).startsWith(id));
  const [checkpoint] = found;
  if (!checkpoint || id === '' || found.length > 1) throw new SyncError('invalid', `${JSON.stringify(id)} is ${found.length > 1 ? 'the beginning of several IDs' : 'no ID of a pair that is remembered'}`, { hint: 'syncline state lists them' });
  const { configuration } = checkpoint;
  if (verb !== 'show') {
    const until = verb === 'set' ? pastInstant(time as string) : undefined;
    const { inTurnHere } = await import('../timed/in-turn-here.ts');
    // A run that is under way would have the last word, and nobody would hear of it.
    await inTurnHere({ configuration, state, host: plainHost }, async (lock) => {
      if (until === undefined) state.checkpoints.delete(configuration);
      else state.checkpoints.set({ ...checkpoint, until, at: Date.now() }, lock);
    });
  }
  const now = state.checkpoints.get(configuration);
  for (const line of told(now ? [now] : [], idOf, values.report !== undefined)) terminal.out(line);
  return 0;
}

/** Prints the versions that merges have kept because they lost; of one key, with what they held. */
async function showLost({ args: [, key, ...more], values, terminal }: Invocation): Promise<number> {
  if (more.length > 0) throw new SyncError('invalid', 'state lost takes a key at most', { hint: 'see syncline state --help' });
  const { statePath } = await import('../pairing/pairing.ts');
  const { openState } = await import('../../engine/state/sqlite-state.ts');
  await using state = openState(statePath(values, terminal));
  const shown: object[] = [];
  let found = 0;
  for (const { at, key: of, side, pairing, text } of state.allLost(key)) {
    found++;
    const when = new Date(at).toISOString();
    const name = redact(pairing.replace(/^two-way /, ''));
    if (values.report === undefined) terminal.out(`${when}  ${printable(of)}  on the ${side} of ${printable(name)}\n${key === undefined ? '' : `  ${printable(text)}\n`}`);
    else shown.push({ at: when, key: of, side, pair: name, ...(key !== undefined && { document: text }) });
  }
  if (values.report !== undefined) terminal.out(`${JSON.stringify(shown, null, 2)}\n`);
  else if (found === 0) terminal.err(key === undefined ? 'nothing has lost' : `nothing is kept of ${JSON.stringify(key)}`);
  return 0;
}

/** Until when both sides are in step, which is never a time that is yet to come. */
function pastInstant(text: string): number {
  const until = parseInstantOf('the time', text);
  if (until > Date.now() * 1_000) throw new SyncError('invalid', `the time ${JSON.stringify(text)} is yet to come`, { hint: 'choose one until which both sides are in step' });
  return until;
}

function told(checkpoints: readonly Checkpoint[], idOf: (configuration: string) => string, asJson: boolean): readonly string[] {
  const shown = checkpoints.map(({ configuration, name, until, at }) => ({ id: idOf(configuration), name, until: instantText(until), at: new Date(at).toISOString() }));
  return asJson ? [`${JSON.stringify(shown, null, 2)}\n`] : shown.map(({ id, name, until }) => `${id}  until ${until}  ${printable(name)}\n`);
}
