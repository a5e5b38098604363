import { existsSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { Report, RunEvent } from '../engine/types.ts';
import { redact } from '../lib/redact.ts';
import { SyncError } from '../model/errors.ts';
import type { Recognised } from '../stores/open.ts';
import { runDropIn } from './program/drop-in.ts';
import { exitOf } from './program/exit.ts';
import { wholeNumber } from './options.ts';
import type { OptionSpec, Values } from './options.ts';
import { failureText } from './render/failure.ts';
import { printable } from './render/style.ts';
import type { Terminal } from './program/terminal.ts';

interface OwnValues extends Values {
  readonly rm?: boolean;
}

const output = 'Output';
const reading = 'What to read and write';

// The flags of the program whose place this takes, all of them and no others.
const options: readonly OptionSpec[] = [
  { name: 'json', short: 'j', group: reading, means: ['format', 'json'], summary: 'write JSON (default for HTTP)' },
  { name: 'yaml', short: 'y', group: reading, means: ['format', 'yaml'], summary: 'write YAML (default elsewhere)' },
  { name: 'hal', group: reading, means: ['schema', 'hal'], summary: 'resources are HAL (default)' },
  { name: 'simple', short: 's', group: reading, means: ['schema', 'simple'], summary: 'resources name themselves in id, type and uri' },
  { name: 'rm', group: reading, summary: 'remove what the origins do not hold, after they were read; a YAML file is replaced' },
  { name: 'username', group: 'REST APIs', value: 'TEXT', summary: 'sign in as this user; the password is asked for' },
  { name: 'follow-all', short: 'a', group: 'REST APIs', means: ['follow', 'all'], summary: 'follow every link' },
  { name: 'follow-child', short: 'c', group: 'REST APIs', means: ['follow', 'child'], summary: 'follow links to pages and children' },
  { name: 'follow-page', short: 'p', group: 'REST APIs', means: ['follow', 'page'], summary: 'follow links to pages (default)' },
  { name: 'follow-none', short: 'n', group: 'REST APIs', means: ['follow', 'none'], summary: 'follow no link' },
  { name: 'batch-size', short: 'b', group: 'REST APIs', value: 'INTEGER', parse: wholeNumber(1), summary: 'the most resources in one PATCH (default 1)' },
  { name: 'limit', short: 'l', group: 'REST APIs', value: 'INTEGER', parse: wholeNumber(1), summary: 'the page size asked of the server (default 100)' },
  { name: 'max-attempts', short: 'm', group: 'REST APIs', value: 'INTEGER', parse: wholeNumber(1), summary: 'how often a request is tried (default 1)' },
  { name: 'verbose', short: 'v', group: output, summary: 'one line for every request' },
];

interface Places {
  readonly origins: readonly Recognised[];
  readonly target: Recognised;
}

async function recogniseAll(_: OwnValues, places: readonly string[]): Promise<Places> {
  const { recognise, samePlaceError } = await import('../stores/open.ts');
  const recognised = places.map((place) => recogniseHere(place, recognise));
  const target = recognised.at(-1);
  if (target === undefined) throw new SyncError('invalid', 'no destination was named', { hint: 'name it last' });
  const origins = recognised.slice(0, -1);
  for (const origin of origins) {
    const same = samePlaceError(origin, target);
    if (same) throw same;
  }
  return { origins, target: target.kind === 'rest' ? { kind: 'rest', location: withoutPath(target.location) } : target };
}

/** The original writes each resource to its own path at the destination's host, whatever path the destination has. */
function withoutPath(location: string): string {
  return location.replace(/^(https?:\/\/[^/?#]*).*$/s, '$1');
}

async function run({ origins, target }: Places, values: OwnValues, terminal: Terminal): Promise<number> {
  refuseTarget(target, values);
  if (target.kind === 'stdio') terminal.yieldStdout();
  const { withPairing } = await import('./pairing/pairing.ts');
  const { rm, ...rest } = values;
  const http = target.kind === 'rest';
  const lent: Values = { ...rest, format: values.format ?? (http ? 'json' : 'yaml'), as: 'documents', maxAttempts: values.maxAttempts ?? 1, ...(rm && { delete: true, maxDeletes: { share: 1 } }) };
  return withPairing({ origins, target, values: lent, terminal, convert: true }, async (pairing) => {
    const { pair, run: shared } = pairing;
    // Its users read these lines, and nothing else, so there is no live line.
    pairing.progress.stop();
    for (const { name } of pair.origins) terminal.say(`reading ${redact(name)}`);
    let read = 0;
    let said = false;
    const destination = (): void => {
      if (said) return;
      said = true;
      terminal.say(`${read} resources`);
      terminal.say(`writing ${redact(pair.target.name)}`);
    };
    const on = (event: RunEvent): void => {
      if (event.kind === 'scanned' && event.side === 'left') read = event.entries;
    };
    const { isComparable } = await import('../stores/open.ts');
    const report = isComparable(pair.target)
      ? await (await import('../engine/sync.ts')).runSync({ ...pairing.oneWay(), on, scope: target.kind === 'file' ? 'everything' : 'types' })
      : await (await import('../engine/copy.ts')).runCopy({ ...shared, on, origins: pair.origins, target: pair.target });
    destination();
    return conclude(report, terminal);
  });
}

/** The original's rules: capitals in the scheme are no URL, `.json` names a directory, and a path's parent must exist. */
function recogniseHere(place: string, recognise: (endpoint: string) => Recognised): Recognised {
  const known = recognise(place);
  if (known.kind === 'rest' && !/^https?:\/\//.test(place)) throw new SyncError('invalid', `${redact(place)} is not an endpoint`, { hint: 'write http:// or https:// in lower case' });
  if (known.kind === 'file' ? /\.ya?ml$/.test(place) : known.kind !== 'tree' && known.kind !== 'memory') return known;
  if (!existsSync(dirname(resolve(place)))) throw new SyncError('invalid', `${place} is not an endpoint`, { hint: 'its parent directory does not exist; make it, or name another place' });
  return { kind: 'tree', location: place };
}

function refuseTarget({ kind, location }: Recognised, { rm, format }: OwnValues): void {
  const found = kind === 'file' || kind === 'tree' ? statSync(location, { throwIfNoEntry: false }) : undefined;
  if (kind === 'tree' && found && !found.isDirectory()) throw new SyncError('invalid', `${location} exists and is not a directory`, { hint: 'name another destination' });
  if (kind !== 'file') return;
  if (format === 'json') throw new SyncError('invalid', `${location} is a YAML file and cannot hold JSON`, { hint: 'leave out --json, or name a directory' });
  if (found && !rm) throw new SyncError('invalid', `${location} exists already`, { hint: 'pass --rm to replace it' });
}

function conclude(report: Report, terminal: Terminal): number {
  const exitCode = exitOf(report);
  const say = (line: string): void => terminal.err(printable(redact(line)));
  for (const warning of report.warnings) if (terminal.level !== 'normal' || exitCode !== 0) say(`warning: ${warning}`);
  for (const failed of report.failures) say(`Error: ${failureText(failed).join(' ')}`);
  if (report.interrupted) say('interrupted; to go on, run the same command again');
  return exitCode;
}

process.exitCode = await runDropIn<OwnValues, Places>(process.argv.slice(2), {
  name: 'resource-sync',
  description: 'Copies resources from origins to a destination.',
  helpFlags: '--help',
  usage: '[OPTIONS] [ORIGIN]... DESTINATION',
  args: [{ name: 'places', summary: 'where to read, and last of all where to write', kind: 'repeated' }],
  options,
  examples: [['http://localhost:8080/api/foo data/', 'one YAML file per resource'], ['data/ http://localhost:8080', 'and back']],
  notes: ['--rm deletes nothing when the origins turn out to be empty or could not be read in full.'],
  placesOf: recogniseAll,
  run,
});
