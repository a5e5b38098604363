import { SyncError } from '../../model/errors.ts';
import type { StoreKind } from '../../model/kind.ts';
import type { Command, Invocation } from '../program/command.ts';
import { outputOptions } from '../options.ts';
import type { Paint } from '../render/style.ts';

/** What can be synced. */
export const command: Command = {
  name: 'stores',
  summary: 'list the kinds of places there are, or the options and abilities of one',
  usage: '[OPTIONS] [KIND]',
  args: [{ name: 'kind', summary: 'one kind of place', kind: 'optional', choices: ['rest', 'tree', 'file', 's3', 'swift', 'sftp', 'elasticsearch', 'opensearch', 'stdio', 'null', 'memory'] }],
  options: outputOptions.filter(({ name }) => name === 'report' || name === 'no-color' || name === 'debug'),
  examples: [['stores', 'every kind and how it is written'], ['stores rest', 'what a REST API can do, and its options']],
  run,
};

async function run({ args: [name, ...more], values, terminal }: Invocation): Promise<number> {
  const { isKindName, kinds } = await import('../../stores/kinds.ts');
  if (more.length > 0) throw new SyncError('invalid', 'stores takes one kind of place', { hint: 'name one, or none to list all' });
  const names = Object.keys(kinds).filter(isKindName);
  if (name !== undefined && !isKindName(name)) throw new SyncError('invalid', `${JSON.stringify(name)} is not a kind of place`, { hint: `use one of ${names.join(', ')}` });
  const shown: StoreKind[] = [];
  for (const each of name === undefined ? names : [name]) shown.push(await kinds[each]());
  if (values.report !== undefined) terminal.out(json(shown, values.report));
  else terminal.out(name === undefined ? table(shown, terminal.paint) : shown.map((kind) => details(kind, terminal.paint)).join('\n'));
  return 0;
}

function json(shown: readonly StoreKind[], format: 'json' | 'ndjson'): string {
  const plain = shown.map(({ name, summary, endpoint, options, capabilities }) => ({ name, summary, endpoint, options, capabilities }));
  return format === 'ndjson' ? plain.map((kind) => `${JSON.stringify(kind)}\n`).join('') : `${JSON.stringify(plain, null, 2)}\n`;
}

function table(shown: readonly StoreKind[], paint: Paint): string {
  const rows = shown.map(({ name, endpoint, summary }) => [name, endpoint, summary] as const);
  const widths = [0, 1].map((i) => Math.max(...rows.map((row) => row[i]?.length ?? 0)));
  const lines = rows.map(([name, endpoint, summary]) => `${paint('bold', name.padEnd(widths[0] ?? 0))}  ${endpoint.padEnd(widths[1] ?? 0)}  ${summary}`);
  return `${lines.join('\n')}\n`;
}

function details({ name, endpoint, summary, options, capabilities }: StoreKind, paint: Paint): string {
  const { order, reads, expects, deletes, dependencies, digests, enumerates, holds, limits } = capabilities;
  const facts: readonly (readonly [string, string])[] = [
    ['holds', holds],
    ['listing', enumerates === 'all' ? (order === 'key' ? 'complete, in key order' : 'complete, in no order') : 'collection by collection'],
    ['reads', reads === 'cheap' ? 'any entry at any time' : reads === 'dear' ? 'any entry, at the cost of a request' : 'once, from beginning to end'],
    ['comparing', digests.length > 0 ? `by ${digests.join(', ')} digest` : 'by time and size'],
    ['writes guarded by', expects.length > 0 ? expects.join(', ') : 'nothing; checked just before'],
    ['deletes', deletes ? 'yes' : 'no'],
    ['parents first', dependencies === 'required' ? 'yes' : 'not needed'],
    ['at once', `${limits.inFlight} batches of up to ${limits.batchEntries}`],
  ];
  const lines = [`${paint('bold', name)}  ${endpoint}`, `  ${summary}`, '', ...facts.map(([fact, value]) => `  ${fact.padEnd(18)} ${value}`)];
  if (options.length > 0) lines.push('', '  options');
  for (const option of options) {
    const text = option.choices ? `${option.summary} (${option.choices.join(', ')})` : option.summary;
    lines.push(`    ${kebab(option.name).padEnd(16)} ${text}${option.default === undefined ? '' : `; default ${String(option.default)}`}`);
  }
  return `${lines.join('\n')}\n`;
}

function kebab(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
