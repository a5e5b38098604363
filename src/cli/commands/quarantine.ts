import type { Quarantine, Quarantined, QuarantineOf } from '../../engine/run/quarantine.ts';
import type { State } from '../../engine/state/state.ts';
import { redact } from '../../lib/redact.ts';
import { SyncError } from '../../model/errors.ts';
import type { Command, Invocation } from '../program/command.ts';
import { outputOptions, quarantineOptions } from '../options.ts';
import { failureText } from '../render/failure.ts';
import { counted, printable } from '../render/style.ts';
import type { Terminal } from '../program/terminal.ts';

const verbs = ['list', 'show', 'forget'] as const;

/** Records of one pair that are listed for people. */
const listed = 100;

/** Records that could not be carried across. */
export const command: Command = {
  name: 'quarantine',
  summary: 'see or forget records that could not be carried across',
  usage: '[OPTIONS] [list | show KEY | forget KEY | forget --all]',
  args: [{ name: 'what', summary: 'what to do (default list); KEY is as listed', kind: 'repeated', choices: verbs }],
  options: [...quarantineOptions, ...outputOptions.filter(({ name }) => name === 'report' || name === 'no-color' || name === 'debug')],
  examples: [
    ['quarantine', 'the records that were set aside, and why'],
    ['quarantine show orders/1', 'all that is known of one, with what it held'],
    ['quarantine forget orders/1', 'leave it out until it changes'],
  ],
  notes: ['merge --newest, and sync from or to tables and indices, put a record into quarantine that they cannot carry across and that waiting does not mend: without a time, with a value that the other side cannot hold, unreadable. It is tried again when it has changed, and all are with --retry-quarantined.'],
  run,
};

/** What one pair has in quarantine. */
interface Of extends QuarantineOf {
  readonly id: string;
  readonly quarantine: Quarantine;
}

async function run({ args: [verb = 'list', key, ...more], values, terminal }: Invocation): Promise<number> {
  if (!verbs.some((known) => known === verb)) throw new SyncError('invalid', `quarantine cannot ${verb}`, { hint: `use one of ${verbs.join(', ')}` });
  const all = verb === 'forget' && values.all === true;
  if (values.all && verb !== 'forget') throw new SyncError('invalid', '--all is about what to forget', { hint: 'leave it out' });
  if (more.length > 0 || (key === undefined) !== (verb === 'list' || all)) throw new SyncError('invalid', `quarantine ${verb} takes ${verb === 'list' || all ? 'nothing more' : verb === 'forget' ? 'a key, or --all' : 'a key'}`, { hint: 'see syncline quarantine --help' });
  const { statePath } = await import('../pairing/pairing.ts');
  const { openState } = await import('../../engine/state/sqlite-state.ts');
  await using state = openState(statePath(values, terminal));
  const pairs = await pairsOf(state, values.of);
  if (verb === 'forget') return forget(pairs, key, terminal);
  const found = pairs.map((pair) => ({ ...pair, records: key === undefined ? pair.quarantine.list() : pair.quarantine.find(key) })).filter(({ records }) => records.length > 0);
  if (key !== undefined && found.length === 0) throw unknown(key);
  if (values.report === 'json') terminal.out(`${JSON.stringify(found.flatMap(({ id, name, records }) => records.map((record) => asJson(record, { id, name }))), null, 2)}\n`);
  else if (values.report === 'ndjson') for (const { id, name, records } of found) for (const record of records) terminal.out(`${JSON.stringify(asJson(record, { id, name }))}\n`);
  else if (found.length === 0) terminal.out('nothing is in quarantine\n');
  else for (const line of found.flatMap((pair) => (key === undefined ? list(pair, terminal) : pair.records.flatMap((record) => show(record, pair, terminal))))) terminal.out(`${line}\n`);
  return 0;
}

async function pairsOf({ quarantines }: State, of: string | undefined): Promise<readonly Of[]> {
  const { idOf } = await import('../timed/configuration.ts');
  const pairs = quarantines.list().map((configuration) => ({ ...configuration, id: idOf(configuration.configuration), quarantine: quarantines.of(configuration) }));
  const chosen = of === undefined ? pairs : pairs.filter(({ id }) => of !== '' && id.startsWith(of));
  if (of !== undefined && chosen.length !== 1) throw new SyncError('invalid', `${JSON.stringify(of)} is ${chosen.length > 1 ? 'the beginning of several IDs' : 'no ID of a pair that has something in quarantine'}`, { hint: 'syncline quarantine lists them' });
  return chosen;
}

function forget(pairs: readonly Of[], key: string | undefined, terminal: Terminal): number {
  let forgotten = 0;
  for (const { quarantine } of pairs) {
    const records = key === undefined ? quarantine.list() : quarantine.find(key);
    forgotten += records.length;
    if (records.length > 0) quarantine.change({ delete: records });
  }
  if (key !== undefined && forgotten === 0) throw unknown(key);
  terminal.err(`${counted(forgotten, 'record')} forgotten: what is still not right is found by the next run that looks at it, as one with --full does`);
  return 0;
}

function unknown(key: string): SyncError {
  return new SyncError('invalid', `${JSON.stringify(key)} is not in quarantine`, { hint: 'syncline quarantine lists what is' });
}

function list({ id, name, records }: Of & { readonly records: readonly Quarantined[] }, { paint }: Terminal): readonly string[] {
  const lines = records.slice(0, listed).map((record) => `  ${printable(sentenceOf(record))}`);
  const more = records.length > listed ? [`  and ${counted(records.length - listed, 'more record')}: --report json lists them`] : [];
  return [`${paint('bold', id)}  ${printable(redact(name))}: ${counted(records.length, 'record')}`, ...lines, ...more];
}

function show(record: Quarantined, { id, name }: Of, { paint }: Terminal): readonly string[] {
  const { side, firstMs, lastMs, text } = record;
  return [
    `${paint('bold', printable(record.id))} on the ${side} of ${id}  ${printable(redact(name))}`,
    `  ${printable(sentenceOf(record))}`,
    `  since ${time(firstMs)}, last seen ${time(lastMs)}`,
    ...(text === undefined ? [] : [`  ${printable(text)}`]),
  ];
}

function sentenceOf({ id, action, sentence }: Quarantined): string {
  return redact(failureText({ place: id, action, error: new SyncError('invalid', sentence) }).join(' '));
}

function asJson({ id: key, side, action, code, sentence, firstMs, lastMs, stat, text }: Quarantined, { id, name }: Pick<Of, 'id' | 'name'>): object {
  return { id, name: redact(name), side, key, action, code, error: redact(sentence), first: time(firstMs), last: time(lastMs), ...(stat && { stat }), ...(text !== undefined && { document: text }) };
}

function time(ms: number): string {
  return new Date(ms).toISOString();
}
