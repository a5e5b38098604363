import { join } from 'node:path';
import type { Selection } from '../../core/selection/selection.ts';
import type { BudgetOptions } from '../../engine/write/budget.ts';
import type { State } from '../../engine/state/state.ts';
import type { OneWay, RunEvent } from '../../engine/types.ts';
import { keepMemoryFlat } from '../../lib/flat-memory.ts';
import { redact } from '../../lib/redact.ts';
import { SyncError } from '../../model/errors.ts';
import type { Entry } from '../../model/entry.ts';
import type { Host } from '../../model/host.ts';
import type { Key } from '../../model/key.ts';
import { isSink, isSource } from '../../model/store.ts';
import type { Store } from '../../model/store.ts';
import { besideApi } from '../../stores/beside-api.ts';
import { isComparable, isWithin, openPair, openStore } from '../../stores/open.ts';
import type { OpenOptions, OpenPair, Recognised } from '../../stores/open.ts';
import { terminalHost } from '../program/host.ts';
import { Interrupt } from '../program/interrupt.ts';
import { ownKeys, stateFiles } from './own-files.ts';
import { objectRulesFrom } from './object-rules.ts';
import type { Values } from '../options.ts';
import { Progress } from '../render/progress.ts';
import { eventAsJson } from '../render/report.ts';
import { selectionFrom } from './selection.ts';
import type { Terminal } from '../program/terminal.ts';

/** Keys that are asked for one by one; where more were named, reading everything is no dearer. */
const mostSought = 200;

/** Two sides that are open, and all that a run of them needs. */
export interface Pairing {
  readonly pair: OpenPair;
  readonly host: Host;
  readonly state: State;
  /** Whether the state outlives the program. */
  readonly remembers: boolean;
  readonly progress: Progress;
  /** Which entries take part; absent: all do. */
  readonly selection: Selection | undefined;
  /** Keys of what the run writes itself into one of its own directories, to remember it; no part of what is synced. */
  readonly own: ReadonlySet<Key>;
  /** What every kind of run is given. */
  readonly run: Omit<OneWay, 'origins' | 'target'>;
  /** The one-way pairing; throws `invalid` where the target cannot be read. */
  oneWay(): OneWay;
}

export interface PairingOptions {
  readonly origins: readonly (string | Recognised)[];
  readonly target: string | Recognised;
  readonly values: Values;
  readonly terminal: Terminal;
  /** Whether the run is worth nothing without its memory; else it goes on without, and says so. */
  readonly needsState?: boolean;
  /** Whether a directory is to give up what it holds in another format, where one was asked for. */
  readonly convert?: boolean;
  /** Whether the origin is written as well. */
  readonly bothWritten?: boolean;
  /** Ends the run early. Default: an interruption of the process does. */
  readonly signal?: AbortSignal;
}

/** Opens both sides, lends them the terminal, runs `body`, and closes everything whatever happens. */
export async function withPairing<T>({ origins, target, values, terminal, needsState = false, convert = false, bothWritten = false, signal }: PairingOptions, body: (pairing: Pairing) => Promise<T>): Promise<T> {
  // Whoever can end runs has seen to the process that they run in.
  if (!signal) keepMemoryFlat();
  const host = terminalHost(terminal);
  const selection = await selectionFrom(values, host);
  const keeping = await objectRulesFrom(values);
  const window = values.from === undefined && values.until === undefined ? undefined : (await import('../timed/by-time.ts')).rangeOf(values, host);
  using interrupt = signal ? undefined : new Interrupt(terminal);
  const { state: opening, remembers } = await openRunState(values, terminal, needsState);
  await using state = opening;
  const rules = await rulesFor(values, host);
  await using opened = await openPair({ origins, target, options: { ...openOptions(values, host, state), convert: convert && values.format !== undefined, ...(keeping && { keeping }) }, ...rules?.opening, bothWritten });
  await using backup = values.backupDir === undefined ? undefined : await openBackup(values.backupDir, opened, openOptions(values, host, state));
  const pair = await besideApi(rules ? await rules.apply(opened, origins, bothWritten) : opened, values);
  terminal.byType = pair.holds === 'documents';
  const progress = new Progress(terminal, () => host.now());
  const own = ownKeys(stateFiles(statePath(values, terminal)), [...opened.origins, opened.target]);
  const run: Pairing['run'] = {
    host, state, signal: (signal ?? interrupt?.signal) as AbortSignal, scope: pair.scope, ...(window && { window }),
    on: listener(progress, values, terminal),
    // Unless each of them is shown.
    wholesale: values.report !== 'ndjson' && terminal.level !== 'verbose' && terminal.level !== 'debug',
    ...((selection !== undefined || own.size > 0) && { where: ({ key }: { readonly key: Key }) => !own.has(key) && selection?.choosesKey(key) !== false }),
    ...(selection?.keys && selection.keys.size <= mostSought && pair.scope === 'everything' && { under: [...selection.keys] }),
    ...(selection?.looksBeyondKeys && { within: (entry: Entry) => selection.chooses(entry) }),
    ...(values.rangeDigests === false && { rangeDigests: false }),
    ...(values.delete && { deletes: 'propagate' as const }),
    ...(values.maxDeletes !== undefined && { guard: { maxDeletes: values.maxDeletes } }),
    ...(values.concurrency !== undefined && { concurrency: values.concurrency }),
    // Batches of two sides and a sort may stand beside what a store has read of files.
    ...(values.maxMemory !== undefined && { sortBytes: values.maxMemory / 4, batchBytes: values.maxMemory / 2 }),
    ...comparing(values),
    ...(backup && { backup }),
    budget: budgetOf(values),
  };
  const oneWay = (): OneWay => {
    if (!isComparable(pair.target)) throw new SyncError('invalid', `${pair.target.name} cannot be read, so there is nothing to compare with`, { hint: 'name a destination that can be read' });
    return { ...run, origins: pair.origins, target: pair.target };
  };
  try {
    return await body({ pair, host, state, remembers, progress, selection, own, run, oneWay });
  } finally {
    progress.stop();
  }
}

/** What rules make of a pair, where there are any; nothing of them is loaded where there are none. */
async function rulesFor(values: Values, host: Host): Promise<{ readonly opening: { readonly targetOptions?: OpenOptions }; apply(pair: OpenPair, origins: PairingOptions['origins'], bothWritten: boolean): Promise<OpenPair> } | undefined> {
  if (!values.rename && !values.drop && !values.mask && values.maskKeyFile === undefined) return undefined;
  const { checkRuleOptions, renamedTime, ruledPair, rulesFrom } = await import('./rules.ts');
  checkRuleOptions(values);
  const rules = await rulesFrom(values, host);
  if (!rules) return undefined;
  const modified = renamedTime(rules, values.modified);
  return {
    opening: modified === undefined ? {} : { targetOptions: { modified } },
    apply: (pair, origins, bothWritten) => ruledPair(pair, rules, { values, host, endpoints: origins.map((origin) => (typeof origin === 'string' ? origin : origin.location)), bothWritten }),
  };
}

function comparing({ checksum, sizeOnly, ignoreTimes, update, ignoreExisting, immutable }: Values): Pick<OneWay, 'equal' | 'replace' | 'proof'> {
  const replace = update ? 'older' : ignoreExisting ? 'never' : immutable ? 'refuse' : 'differing';
  return { equal: sizeOnly ? 'size' : ignoreTimes ? 'nothing' : 'content', replace, proof: checksum ? 'content' : 'stat' };
}

function budgetOf({ bandwidth, maxTransfer, maxDuration }: Values): BudgetOptions {
  return { ...(bandwidth && { bandwidth }), ...(maxTransfer !== undefined && { maxBytes: maxTransfer }), ...(maxDuration !== undefined && { maxMs: maxDuration }) };
}

/** Where what is replaced or deleted is kept. Not within the destination, where the next run would take it for surplus. */
async function openBackup(place: string, { holds, origins, target }: OpenPair, options: OpenOptions): Promise<Store> {
  const backup = await openStore(place, { missing: 'empty', ...options, as: holds });
  for (const { identity, name } of [...origins, target]) {
    if (!isWithin(backup.identity, identity)) continue;
    await backup[Symbol.asyncDispose]();
    throw new SyncError('invalid', `the backups in ${place} and ${name} lie within one another`, { hint: 'name a place outside of both sides' });
  }
  if (isSource(backup) && isSink(backup)) return backup;
  await backup[Symbol.asyncDispose]();
  throw new SyncError('invalid', `${place} cannot keep backups`, { hint: 'name a directory or a bucket' });
}

/** Both sides of a two-way run. Throws `invalid` where one can only be read or only be written. */
export function bothStores({ pair: { origins: [left], target } }: Pairing): readonly [Store, Store] {
  if (!left || !('write' in left) || !isComparable(left as Store) || !isComparable(target)) {
    throw new SyncError('invalid', 'both sides of a merge must be readable and writable', { hint: 'use sync where one side is only read or only written' });
  }
  return [left as Store, target];
}

function listener(progress: Progress, { report }: Values, terminal: Terminal): (event: RunEvent) => void {
  if (report !== 'ndjson') return (event) => progress.on(event);
  return (event) => {
    progress.on(event);
    const line = eventAsJson(event);
    if (line) terminal.out(`${JSON.stringify(line)}\n`);
  };
}

function openOptions({ rename, drop, mask, as = rename ?? drop ?? mask ? 'documents' : undefined, links, modified, modifiedUnit, deleted, create, schema, format, address, follow, limit, batchSize, maxAttempts, timeout, concurrency, maxMemory, username, netrcFile }: Values, host: Host, state: State): OpenOptions {
  const given = { as, links, modified, modifiedUnit, deleted, create, schema, format, address, follow, limit, batchSize, maxAttempts, concurrency, memory: maxMemory, username, netrcFile, timeout, timeoutMs: timeout === undefined ? undefined : Math.ceil(timeout * 1000) };
  return { host, state, ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) };
}

async function openRunState(values: Values, terminal: Terminal, needed: boolean): Promise<Pick<Pairing, 'state' | 'remembers'>> {
  const { openState } = await import('../../engine/state/sqlite-state.ts');
  const path = statePath(values, terminal);
  const remembers = path !== undefined;
  if (values.state !== undefined) return { state: openState(path), remembers };
  try {
    return { state: openState(path), remembers };
  } catch (error) {
    if (needed || !(error instanceof SyncError)) throw error;
    if (terminal.level !== 'quiet') terminal.say(`warning: ${redact(error.sentence)}; going on without it`);
    return { state: openState(undefined), remembers: false };
  }
}

/** The file in which things are remembered. */
export function statePath({ state }: Values, { environment }: Terminal): string | undefined {
  return state === false ? undefined : state ?? defaultStatePath(environment);
}

/** Where what was synced is remembered unless `--state` says otherwise; in memory where there is no home. */
export function defaultStatePath(environment: { readonly [name: string]: string | undefined }): string | undefined {
  const base = environment['XDG_STATE_HOME'];
  if (base?.startsWith('/')) return join(base, 'syncline', 'state.db');
  const home = environment['HOME'] ?? environment['USERPROFILE'];
  return home === undefined || home === '' ? undefined : join(home, '.local', 'state', 'syncline', 'state.db');
}
