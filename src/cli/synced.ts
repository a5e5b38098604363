import { readFileSync } from 'node:fs';
import type { Report, TwoWay } from '../engine/types.ts';
import { parseDuration } from '../lib/quantity.ts';
import { redact } from '../lib/redact.ts';
import type { Micros } from '../model/entry.ts';
import { SyncError } from '../model/errors.ts';
import type { Window } from '../model/store.ts';
import { runDropIn } from './program/drop-in.ts';
import { exitOf, exits } from './program/exit.ts';
import { parseInstant } from './program/instants.ts';
import type { OptionSpec, Values } from './options.ts';
import { endpointOf } from './synced/addresses.ts';
import type { Terminal } from './program/terminal.ts';

interface OwnValues extends Values {
  readonly begin?: Micros;
  readonly end?: Micros;
  readonly keyspace?: string;
  readonly indexname?: string;
  readonly cassandra?: string;
  readonly elasticsearch?: string;
  readonly tables?: string;
}

/** Of the keyspace and of the index. */
type Endpoints = readonly [string, string];

const what = 'What to do';
const places = 'What to read and write';

// The flags that the program whose place this takes promises, and a few that its users asked for.
const options: readonly OptionSpec[] = [
  { name: 'begin', short: 'b', group: places, value: 'TIME', parse: parseInstant, summary: 'only what was modified after this: seconds since 1970, or a date and time (default: where the last run ended)' },
  { name: 'end', short: 'e', group: places, value: 'TIME', parse: parseInstant, summary: 'only what was not modified after this (default: now)' },
  { name: 'keyspace', short: 'k', group: places, value: 'NAME', summary: 'the keyspace of Cassandra' },
  { name: 'indexname', short: 'i', group: places, value: 'NAME', summary: 'the index of Elasticsearch' },
  { name: 'cassandra', group: places, value: 'HOSTS', summary: 'where Cassandra is: hosts, or an endpoint (default $SYNCED_CASSANDRA, else 127.0.0.1:9042)' },
  { name: 'elasticsearch', group: places, value: 'HOSTS', summary: 'where Elasticsearch is: hosts, or an endpoint (default $SYNCED_ELASTICSEARCH, else localhost:9200)' },
  { name: 'tables', group: places, value: 'NAMES', summary: 'only these tables, separated by commas' },
  { name: 'retry-quarantined', group: what, summary: 'try all that is in quarantine again (see syncline quarantine)' },
  { name: 'dry-run', group: what, summary: 'say what would be done, and do nothing' },
  { name: 'every', group: what, value: 'TIME', parse: every, conflicts: ['dryRun'], summary: 'again and again, so much apart, until interrupted' },
  { name: 'state', group: 'State', value: 'PATH', summary: 'where to remember until when both are in step (default under $XDG_STATE_HOME)' },
  { name: 'verbose', short: 'v', group: 'Output', summary: 'one line for every record that is written' },
];

/** The field that says when a record was modified. */
const modified = 'tmstmp';

function every(text: string): number {
  const found = parseDuration(text);
  if (found === undefined || found === 0) throw new SyncError('invalid', 'must be a time such as 90s, 30m or 1h30m');
  return found;
}

async function endpointsOf(values: OwnValues, args: readonly string[], { environment }: Terminal): Promise<Endpoints> {
  const { keyspace = '', indexname = '', tables } = values;
  if (args.length > 0) throw new SyncError('invalid', `synced takes no arguments, and ${JSON.stringify(redact(args[0]!))} is one`, { hint: 'see synced --help' });
  if (keyspace === '' || indexname === '') throw new SyncError('invalid', keyspace === '' ? 'no keyspace was named' : 'no index was named', { hint: keyspace === '' ? 'name it with -k' : 'name it with -i' });
  const { checkRange } = await import('./timed/by-time.ts');
  checkRange(rangeOf(values), { now: () => Date.now() }, ['--begin', '--end']);
  const query = { modified, ...(tables !== undefined && { collections: tables }) };
  const { recognise } = await import('../stores/open.ts');
  const endpoints = [
    // A table that the index alone has is made.
    endpointOf('cassandra', values.cassandra ?? environment['SYNCED_CASSANDRA'] ?? '127.0.0.1:9042', keyspace, { ...query, ...(tables !== undefined && { missing: 'empty' }) }),
    endpointOf('elasticsearch', values.elasticsearch ?? environment['SYNCED_ELASTICSEARCH'] ?? 'localhost:9200', indexname, query),
  ] as const;
  for (const endpoint of endpoints) recognise(endpoint);
  return endpoints;
}

function rangeOf({ begin, end }: { readonly begin?: Micros | undefined; readonly end?: Micros | undefined }): Window {
  return { ...(begin !== undefined && { after: begin }), ...(end !== undefined && { until: end }) };
}

/** Where the original says that it ended, in the file it keeps in the current directory. */
function lastHere(): Micros | undefined {
  let text: string;
  try {
    text = readFileSync('last', 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    if (/^\s*\d+(\.\d*)?\s*$/.test(text)) return parseInstant(text);
  } catch (cause) {
    throw new SyncError('invalid', `the file last, which says where to begin, ${cause instanceof Error ? cause.message : String(cause)}`, { cause, hint: 'correct it, remove it, or say where to begin with --begin' });
  }
  throw new SyncError('invalid', 'the file last, which says where to begin, holds no time', { hint: 'write seconds since 1970 into it, remove it, or say where to begin with --begin' });
}

async function run(endpoints: Endpoints, { begin, end, tables, ...values }: OwnValues, terminal: Terminal): Promise<number> {
  const { bothStores, withPairing } = await import('./pairing/pairing.ts');
  const { plannedByTime, runByTime } = await import('./timed/by-time.ts');
  const { configurationOf } = await import('./timed/configuration.ts');
  const { namesIn } = await import('../stores/records/chooser.ts');
  const lent: Values = { ...values, as: 'documents', modified, ...(tables !== undefined && { include: tables.split(',') }) };
  return withPairing({ origins: [endpoints[0]], target: endpoints[1], values: lent, terminal, needsState: true, bothWritten: true }, async (pairing) => {
    const [left, right] = bothStores(pairing);
    const { checkFirst, refuseUnknown } = await import('./pairing/unknown-collections.ts');
    const check = await checkFirst(() => refuseUnknown(namesIn(tables), [left, right], { what: 'table', hint: 'check the names after --tables' }), { again: values.every !== undefined });
    const { host, state, run: shared, progress } = pairing;
    const twoWay: TwoWay = { ...shared, state, left, right, decides: 'time', deletes: 'keep' };
    const configuration = configurationOf('merge', endpoints, pairing, lent);
    const remembered = state.checkpoints.get(configuration.configuration) !== undefined;
    const byTime = { ...configuration, retry: values.retryQuarantined, range: begin === undefined && end === undefined ? undefined : rangeOf({ begin, end }), ...(!remembered && begin === undefined && { otherwise: lastHere() }) };
    if (values.dryRun) {
      const { runMergeDiff } = await import('../engine/merge.ts');
      const report = await runMergeDiff(plannedByTime(twoWay, byTime), () => {});
      progress.stop();
      return conclude(report, terminal, true);
    }
    let told = false;
    const once = async (): Promise<number> => {
      await check();
      const report = await runByTime(twoWay, byTime, host);
      progress.stop();
      // Once a minute nobody needs to hear that there was nothing to do.
      if (told && report.outstanding === 0 && report.failures.length === 0 && report.counts.created + report.counts.updated === 0) return exitOf(report);
      told = true;
      return await conclude(report, terminal);
    };
    if (values.every === undefined) return await once();
    const { repeat } = await import('./timed/every.ts');
    const { giveUp } = await import('./program/errors.ts');
    const signal = shared.signal ?? new AbortController().signal;
    const onError = async (error: SyncError): Promise<void> => void await giveUp(error, { program: 'synced', command: 'synced', values, terminal });
    return await repeat({ everyMs: values.every, host, signal, onError }, once);
  });
}

async function conclude(report: Report, terminal: Terminal, planned = false): Promise<number> {
  const exitCode = exitOf(report, { differencesAreFine: planned });
  const { flowLines } = await import('./render/flows.ts');
  const { failureText } = await import('./render/failure.ts');
  for (const line of flowLines(report, terminal.paint, ['Cassandra', 'Elasticsearch'])) terminal.out(`${line}\n`);
  for (const warning of report.warnings) terminal.say(redact(`warning: ${warning}`));
  for (const failed of report.failures) terminal.say(redact(failureText(failed).join(' ')));
  const { created, updated, quarantined } = report.counts;
  if (quarantined > 0) terminal.err(`${quarantined === 1 ? 'one record is' : `${quarantined} records are`} in quarantine: syncline quarantine lists ${quarantined === 1 ? 'it' : 'them'}, and --retry-quarantined tries ${quarantined === 1 ? 'it' : 'them'} again`);
  const said = report.interrupted ? 'interrupted: to go on, run the same command again' : exitCode !== exits.done && report.outstanding > 0 ? 'not everything could be done: run the same command again to go on' : undefined;
  const step = quarantined > 0 ? 'in step but for what is in quarantine' : 'in step';
  if (said !== undefined) terminal.err(said);
  else terminal.out(`${planned ? `${created + updated} to write, and nothing was written` : created + updated === 0 ? `${step}, nothing to do` : `${step}, ${created + updated} written`}\n`);
  return exitCode;
}

process.exitCode = await runDropIn<OwnValues, Endpoints>(process.argv.slice(2), {
  name: 'synced',
  description: 'Keeps the tables of a keyspace of Cassandra and the types of an index of Elasticsearch in step, both ways: the newest version of every record wins.',
  helpFlags: '-h, --help',
  usage: '[OPTIONS] -k KEYSPACE -i INDEX',
  args: [],
  options,
  examples: [['-k app -i app', 'everything that has come since the last run'], ['-b 1420070400 -e 1422748800 -k app -i app', 'what was modified in January 2015']],
  notes: [
    'Where the last run ended is remembered for each keyspace and index (see syncline state); without that, a file last in the current directory says where to begin.',
    'A run with --begin or --end does not move it. Nothing is ever deleted.',
    'Exit codes: 0 both are in step, 1 something failed, 2 usage.',
  ],
  placesOf: endpointsOf,
  run,
});
