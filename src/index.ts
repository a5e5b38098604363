import type { Guard } from './core/guard.ts';
import type { Action } from './core/reconcile.ts';
import { runCopy } from './engine/copy.ts';
import { runDiff } from './engine/diff.ts';
import { runMerge } from './engine/merge.ts';
import { runRepair } from './engine/repair.ts';
import type { Repaired } from './engine/repair.ts';
import { openState } from './engine/state/sqlite-state.ts';
import type { State } from './engine/state/state.ts';
import { runSwap } from './engine/swap.ts';
import { runSync } from './engine/sync.ts';
import type { OneWay, Report, RunOptions, TwoWay } from './engine/types.ts';
import { runVerify } from './engine/verify.ts';
import { watchMerge, watchSync } from './engine/watch.ts';
import type { WatchEvent, WatchOptions } from './engine/watch.ts';
import type { Verification } from './engine/verify.ts';
import { SyncError } from './model/errors.ts';
import type { Host } from './model/host.ts';
import { isSink, isSource } from './model/store.ts';
import type { Sink, Source, Store } from './model/store.ts';
import { besideApi } from './stores/beside-api.ts';
import { isComparable, openPair, openStore } from './stores/open.ts';
import type { OpenOptions } from './stores/open.ts';

export type { Guard } from './core/guard.ts';
export type { Action, Reason } from './core/reconcile.ts';
export type { Side } from './core/policy.ts';
export type { Baseline, LostValue, State } from './engine/state/state.ts';
export type { Counts, Failed, RangeTally, Report, RunEvent } from './engine/types.ts';
export type { Repaired } from './engine/repair.ts';
export type { Difference, Differences, Verification } from './engine/verify.ts';
export type { WatchEvent } from './engine/watch.ts';
export type { Reach } from './engine/watch/attention.ts';
export type { Trouble } from './engine/watch/troubles.ts';
export type { Document, Value } from './model/document.ts';
export type { Content, Digest, Entry, Micros, Ref, Stat, Version, Whereabouts } from './model/entry.ts';
export type { Fact, Facts } from './model/facts.ts';
export type { Host } from './model/host.ts';
export type { Keeping, KeepingRules } from './model/keeping.ts';
export type { Key } from './model/key.ts';
export type { KeyRange, Piece, Snapshot } from './model/ranges.ts';
export type { CallOptions, Capabilities, Expectation, Fresh, Hint, Outcome, Page, Problem, ScanOptions, Sink, Source, Store, Takeover, Write } from './model/store.ts';
export type { FailureCode } from './model/errors.ts';
export type { Actor, ActorFile, ActorFlags, ActorListOptions, ActorModule, Listed } from './stores/actor/actor.ts';
export type { OpenOptions } from './stores/open.ts';
export { compareKeys, joinKey, splitKey } from './model/key.ts';
export { SyncError } from './model/errors.ts';
export { digestDocument } from './schema/digest.ts';
export { openState } from './engine/state/sqlite-state.ts';
export { ActorStore } from './stores/actor/actor-store.ts';
export { openStore } from './stores/open.ts';

/** A place: an endpoint as on the command line, or a store that is already open (and stays open). */
export type Place<T> = string | T;

export interface Options extends OpenOptions, Omit<RunOptions, 'host' | 'state'> {
  readonly host?: Host;
  /**
   * Where baselines and learned equalities are kept: a file, or an open state. Default: nowhere; then a server that
   * changes what it is given is written again by every run, and `merge` refuses to run.
   */
  readonly state?: string | State;
  /** How much may be deleted. Default: at most half of what the target holds, and nothing when the source is empty. */
  readonly guard?: Guard;
  readonly concurrency?: number;
}

export interface SyncOptions extends Options, Pick<OneWay, 'equal' | 'replace' | 'proof' | 'backup' | 'budget'> {
  /** Whether what only the target holds is deleted. Default: no. */
  readonly delete?: boolean;
  /** Loads everything into fresh tables or indices and puts those in place at once; what the origins do not hold is gone then, under the guard. */
  readonly swap?: boolean;
}

/** How two places are kept in step, beside what a single run is told. */
export interface Watching extends Omit<WatchOptions, 'on'> {
  /** Ends the watching; what is under way then has a moment to end. */
  readonly signal: AbortSignal;
  /** What happens from run to run; the events of each run go to `on`. */
  readonly onWatch?: (event: WatchEvent) => void;
}

export interface MergeOptions extends Options {
  readonly conflicts?: TwoWay['conflicts'];
  /** What decides: what changed since both last agreed (default), or the time of each entry. */
  readonly decides?: TwoWay['decides'];
  /** Whether deletions travel. Default: yes, but where the time decides. */
  readonly delete?: boolean;
}

/**
 * Makes `target` hold what the origins hold; of several, a later one wins. Resolves to a report even when single
 * entries failed; rejects with a {@link SyncError} when the run as a whole could not be done or was refused.
 */
export async function sync(origins: Place<Source> | readonly Place<Source>[], target: Place<Store | Sink>, options: SyncOptions = {}): Promise<Report> {
  await using opened = await open(origins, target, options);
  const { sources, place, run } = opened;
  if (options.swap) return await runSwap(opened.pairing());
  return isComparable(place) ? await runSync({ ...run, origins: sources, target: place }) : await runCopy({ ...run, origins: sources, target: place });
}

/** What {@link sync} would do, page by page; writes nothing. */
export async function diff(origins: Place<Source> | readonly Place<Source>[], target: Place<Store>, options: SyncOptions & { readonly show?: (actions: readonly Action[]) => void | Promise<void> } = {}): Promise<Report> {
  await using opened = await open(origins, target, options);
  return await runDiff(opened.pairing(), options.show ?? ((): void => {}));
}

/** Whether both sides hold the same; writes nothing. */
export async function verify(origins: Place<Source> | readonly Place<Source>[], target: Place<Store>, options: Options = {}): Promise<Verification> {
  await using opened = await open(origins, target, options);
  return await runVerify(opened.pairing());
}

/** Makes `target` hold what the origins hold as {@link sync} does, with proof: all is compared by content, and what was written is compared again. */
export async function repair(origins: Place<Source> | readonly Place<Source>[], target: Place<Store>, options: SyncOptions = {}): Promise<Repaired> {
  await using opened = await open(origins, target, options);
  return await runRepair(opened.pairing());
}

/** Brings both sides to hold the same; what changed on both is decided by `conflicts` (default: the newest). Needs `state`. */
export async function merge(left: Place<Store>, right: Place<Store>, options: MergeOptions): Promise<Report> {
  await using opened = await open(left, right, options, true);
  return await runMerge(twoWay(opened, options));
}

function twoWay({ sources: [from], place, run: { state, ...run } }: Opened, { conflicts, decides, delete: travels = decides !== 'time' }: MergeOptions): TwoWay {
  if (!from || !isSink(from) || !isComparable(place)) throw new SyncError('invalid', 'both sides of a merge must be readable and writable', { hint: 'use sync for a place that is only one of them' });
  if (!state) throw new SyncError('invalid', 'a merge needs a memory of what both sides last agreed on', { hint: 'pass state: a file name' });
  return { ...run, state, left: from, right: place, deletes: travels ? 'propagate' : 'keep', ...(conflicts && { conflicts }), ...(decides && { decides }) };
}

/**
 * Keeps `target` as the origins are until the signal fires, and resolves then: {@link sync} of everything, and again of
 * what changes, a moment after it did. Failures and refusals are told and tried again; it rejects only where the first
 * run fails for a reason that waiting does not mend.
 */
export async function watch(origins: Place<Source> | readonly Place<Source>[], target: Place<Store>, options: SyncOptions & Watching): Promise<void> {
  const { run, watching } = split(options);
  await using opened = await open(origins, target, run);
  await watchSync({ ...opened.pairing(), signal: options.signal }, watching);
}

/** Keeps two places the same, whichever of them changes, until the signal fires: {@link merge}, again and again. */
export async function watchBoth(left: Place<Store>, right: Place<Store>, options: MergeOptions & Omit<Watching, 'startWhole'>): Promise<void> {
  const { run, watching } = split(options);
  await using opened = await open(left, right, run, true);
  await watchMerge({ ...twoWay(opened, options), signal: options.signal }, watching);
}

function split<T extends Watching>({ onWatch, quietMs, mostQuietMs, fullEveryMs, pollEveryMs, mostKeys, backoff, startWhole, isDeafTo, ...run }: T): { readonly run: Omit<T, Exclude<keyof Watching, 'signal'>>; readonly watching: WatchOptions } {
  const given = { on: onWatch, quietMs, mostQuietMs, fullEveryMs, pollEveryMs, mostKeys, backoff, startWhole, isDeafTo };
  return { run, watching: Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) };
}

interface Opened extends AsyncDisposable {
  readonly sources: readonly Source[];
  readonly place: Store | Sink;
  readonly run: Omit<OneWay, 'origins' | 'target'>;
  pairing(): OneWay;
}

async function open(origins: Place<Source> | readonly Place<Source>[], target: Place<Store | Sink>, options: SyncOptions, bothWritten = false): Promise<Opened> {
  const { delete: removes = false, swap: _, state, guard, concurrency, signal, on, where, within, under, equal, replace, proof, backup, budget, window, rangeDigests, sortBytes, batchBytes, host, ...kind } = options;
  await using closing = new AsyncDisposableStack();
  const memory = typeof state === 'string' ? closing.use(openState(state)) : state;
  const lent = { ...kind, ...(host && { host }), ...(concurrency !== undefined && { concurrency }), ...(memory && { state: memory }) };
  const { sources, place } = await openedBoth(Array.isArray(origins) ? (origins as readonly Place<Source>[]) : [origins as Place<Source>], target, { ...lent, bothWritten }, closing);
  // An API read from one address speaks for the types it showed, and for no others.
  const partial = [...sources, place].some(({ capabilities }) => capabilities.enumerates === 'collections');
  const run: Opened['run'] = {
    deletes: removes ? 'propagate' : 'keep', scope: partial ? 'types' : 'everything',
    ...(host && { host }), ...(memory && { state: memory }), ...(guard && { guard }), ...(concurrency !== undefined && { concurrency }),
    ...(signal && { signal }), ...(on && { on }), ...(where && { where }), ...(within && { within }), ...(under && { under }), ...(window && { window }),
    ...(equal && { equal }), ...(replace && { replace }), ...(proof && { proof }), ...(backup && { backup }), ...(budget && { budget }), ...(rangeDigests !== undefined && { rangeDigests }), ...(sortBytes !== undefined && { sortBytes }), ...(batchBytes !== undefined && { batchBytes }),
  };
  const kept = closing.move();
  return {
    sources, place, run,
    pairing(): OneWay {
      if (!isComparable(place)) throw new SyncError('invalid', `${place.name} cannot be read, so there is nothing to compare with`, { hint: 'name a place that can be read' });
      return { ...run, origins: sources, target: place };
    },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

/** Both sides, and one beside an API as one of resources. */
async function openedBoth(origins: readonly Place<Source>[], target: Place<Store | Sink>, options: Parameters<typeof openBoth>[2], closing: AsyncDisposableStack): ReturnType<typeof openBoth> {
  const { sources, place } = await openBoth(origins, target, options, closing);
  const { schema, address } = options;
  const pair = await besideApi({ origins: sources, target: place }, { ...(schema && { schema }), ...(typeof address === 'string' && { address }) });
  return { sources: pair.origins, place: pair.target };
}

async function openBoth(origins: readonly Place<Source>[], target: Place<Store | Sink>, { bothWritten, keeping, ...options }: OpenOptions & { readonly bothWritten: boolean }, closing: AsyncDisposableStack): Promise<{ sources: readonly Source[]; place: Store | Sink }> {
  // Only where something is written it is kept in any way.
  const kept = keeping ? { keeping } : {};
  const named = origins.filter((origin) => typeof origin === 'string');
  if (typeof target === 'string' && named.length === origins.length) {
    const pair = closing.use(await openPair({ origins: named, target, options: { ...options, ...kept }, bothWritten }));
    return { sources: pair.origins, place: pair.target };
  }
  // A store that is already open holds what it holds; endpoints beside it are opened to match.
  const open = [target, ...origins].find((place) => typeof place !== 'string') as Source | Sink;
  const openOne = async (place: Place<Source | Sink>, more: OpenOptions = {}): Promise<Source | Sink> =>
    typeof place === 'string' ? closing.use(await openStore(place, { as: open.capabilities.holds, ...more, ...options })) : place;
  const sources: Source[] = [];
  for (const origin of origins) {
    const source = await openOne(origin, bothWritten ? kept : {});
    if (!isSource(source)) throw new SyncError('invalid', `${source.name} cannot be read`, { hint: 'name another origin' });
    sources.push(source);
  }
  const place = await openOne(target, { missing: 'empty', ...kept });
  if (!isSink(place)) throw new SyncError('invalid', `${place.name} cannot be written`, { hint: 'name another target' });
  return { sources, place };
}
