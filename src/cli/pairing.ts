import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import type { State } from '../engine/state.ts';
import type { OneWay, RunEvent } from '../engine/types.ts';
import { SyncError } from '../model/errors.ts';
import type { Host } from '../model/host.ts';
import type { Store } from '../model/store.ts';
import { isComparable, openPair } from '../stores/open.ts';
import type { OpenOptions, OpenPair, Recognised } from '../stores/open.ts';
import { selection } from './glob.ts';
import { terminalHost } from './host.ts';
import { Interrupt } from './interrupt.ts';
import type { Values } from './options.ts';
import { redact } from './redact.ts';
import { Progress } from './render/progress.ts';
import { eventAsJson } from './render/report.ts';
import type { Terminal } from './terminal.ts';

/** Two sides that are open, and all that a run of them needs. */
export interface Pairing {
  readonly pair: OpenPair;
  readonly host: Host;
  readonly state: State;
  readonly progress: Progress;
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
  const where = selection(values.include, values.exclude);
  using interrupt = new Interrupt(terminal);
  await using state = await openRunState(values, terminal, needsState);
  await using pair = await openPair({ origins, target, options: { ...openOptions(values, host, state), convert: convert && values.format !== undefined } });
  const progress = new Progress(terminal, () => host.now());
  const run: Pairing['run'] = {
    host, state, signal: interrupt.signal, scope: pair.scope,
    on: listener(progress, values, terminal),
    ...(where && { where: ({ key }: { readonly key: string }) => where(key) }),
    ...(values.delete && { deletes: 'propagate' as const }),
    ...(values.maxDeletes !== undefined && { guard: { maxDeletes: values.maxDeletes } }),
    ...(values.concurrency !== undefined && { concurrency: values.concurrency }),
  };
  const oneWay = (): OneWay => {
    if (!isComparable(pair.target)) throw new SyncError('invalid', `${pair.target.name} cannot be read, so there is nothing to compare with`, { hint: 'name a destination that can be read' });
    return { ...run, origins: pair.origins, target: pair.target };
  };
  try {
    return await body({ pair, host, state, progress, run, oneWay });
  } finally {
    progress.stop();
  }
}

// V8 lets the space for new values grow to the size of what it once had to copy, and a stream of pages makes it grow to
// no use: the peak of a run of a million entries is halved by leaving it as it is, at the same speed.
function keepMemoryFlat(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
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

function openOptions({ as, schema, format, follow, limit, batchSize, maxAttempts, timeout, concurrency, username, netrcFile }: Values, host: Host, state: State): OpenOptions {
  const given = { as, schema, format, follow, limit, batchSize, maxAttempts, concurrency, username, netrcFile, timeoutMs: timeout === undefined ? undefined : Math.ceil(timeout * 1000) };
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
