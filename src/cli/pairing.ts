import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import type { Selection } from '../core/selection/selection.ts';
import type { BudgetOptions } from '../engine/budget.ts';
import type { State } from '../engine/state.ts';
import type { OneWay, RunEvent } from '../engine/types.ts';
import { SyncError } from '../model/errors.ts';
import type { Entry } from '../model/entry.ts';
import type { Host } from '../model/host.ts';
import { isSink, isSource } from '../model/store.ts';
import type { Store } from '../model/store.ts';
import { isComparable, isWithin, openPair, openStore } from '../stores/open.ts';
import type { OpenOptions, OpenPair, Recognised } from '../stores/open.ts';
import { terminalHost } from './host.ts';
import { Interrupt } from './interrupt.ts';
import type { Values } from './options.ts';
import { redact } from './redact.ts';
import { Progress } from './render/progress.ts';
import { eventAsJson } from './render/report.ts';
import { selectionFrom } from './selection.ts';
import type { Terminal } from './terminal.ts';

/** Two sides that are open, and all that a run of them needs. */
export interface Pairing {
  readonly pair: OpenPair;
  readonly host: Host;
  readonly state: State;
  readonly progress: Progress;
  /** Which entries take part; absent: all do. */
  readonly selection: Selection | undefined;
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
}

/** Opens both sides, lends them the terminal, runs `body`, and closes everything whatever happens. */
export async function withPairing<T>({ origins, target, values, terminal, needsState = false, convert = false }: PairingOptions, body: (pairing: Pairing) => Promise<T>): Promise<T> {
  keepMemoryFlat();
  const host = terminalHost(terminal);
  const selection = await selectionFrom(values, host);
  using interrupt = new Interrupt(terminal);
  await using state = await openRunState(values, terminal, needsState);
  await using pair = await openPair({ origins, target, options: { ...openOptions(values, host, state), convert: convert && values.format !== undefined } });
  await using backup = values.backupDir === undefined ? undefined : await openBackup(values.backupDir, pair, openOptions(values, host, state));
  const progress = new Progress(terminal, () => host.now());
  const run: Pairing['run'] = {
    host, state, signal: interrupt.signal, scope: pair.scope,
    on: listener(progress, values, terminal),
    ...(selection && { where: ({ key }: { readonly key: string }) => selection.choosesKey(key) }),
    ...(selection?.looksBeyondKeys && { within: (entry: Entry) => selection.chooses(entry) }),
    ...(values.delete && { deletes: 'propagate' as const }),
    ...(values.maxDeletes !== undefined && { guard: { maxDeletes: values.maxDeletes } }),
    ...(values.concurrency !== undefined && { concurrency: values.concurrency }),
    ...comparing(values),
    ...(backup && { backup }),
    budget: budgetOf(values),
  };
  const oneWay = (): OneWay => {
    if (!isComparable(pair.target)) throw new SyncError('invalid', `${pair.target.name} cannot be read, so there is nothing to compare with`, { hint: 'name a destination that can be read' });
    return { ...run, origins: pair.origins, target: pair.target };
  };
  try {
    return await body({ pair, host, state, progress, selection, run, oneWay });
  } finally {
    progress.stop();
  }
}

// V8 lets the space for new values grow to the size of what it once had to copy, and a stream of pages makes it grow to
// no use: the peak of a run of a million entries is halved by leaving it as it is, at the same speed. The space for old
// values grows by several times of what is in use before anybody looks for what is not; twice is enough.
function keepMemoryFlat(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
  setFlagsFromString('--heap-growing-percent=100');
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

function openOptions({ as, links, schema, format, follow, limit, batchSize, maxAttempts, timeout, concurrency, username, netrcFile }: Values, host: Host, state: State): OpenOptions {
  const given = { as, links, schema, format, follow, limit, batchSize, maxAttempts, concurrency, username, netrcFile, timeoutMs: timeout === undefined ? undefined : Math.ceil(timeout * 1000) };
  return { host, state, ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) };
}

async function openRunState(values: Values, terminal: Terminal, needed: boolean): Promise<State> {
  const { openState } = await import('../engine/sqlite-state.ts');
  const { state: asked } = values;
  if (asked === false) return openState(undefined);
  if (asked !== undefined) return openState(asked);
  const path = defaultStatePath(terminal.environment);
  try {
    return openState(path);
  } catch (error) {
    if (needed || !(error instanceof SyncError)) throw error;
    if (terminal.level !== 'quiet') terminal.say(`warning: ${redact(error.sentence)}; going on without it`);
    return openState(undefined);
  }
}

/** Where what was synced is remembered unless `--state` says otherwise; in memory where there is no home. */
export function defaultStatePath(environment: { readonly [name: string]: string | undefined }): string | undefined {
  const base = environment['XDG_STATE_HOME'];
  if (base?.startsWith('/')) return join(base, 'syncline', 'state.db');
  const home = environment['HOME'] ?? environment['USERPROFILE'];
  return home === undefined || home === '' ? undefined : join(home, '.local', 'state', 'syncline', 'state.db');
}
