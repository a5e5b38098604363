import type { Report, TwoWay } from '../../engine/types.ts';
import { isComparable } from '../../stores/open.ts';
import { plannedByTime, rangeOf, runByTime } from '../timed/by-time.ts';
import { configurationOf } from '../timed/configuration.ts';
import type { Configuration } from '../timed/configuration.ts';
import { inTurnHere } from '../timed/in-turn-here.ts';
import type { Values } from '../options.ts';
import { bothStores } from './pairing.ts';
import type { Pairing, PairingOptions } from './pairing.ts';
import { splitPlaces } from './places.ts';
import { settingAside } from './set-aside.ts';
import { checkFirst, collectionsNamed, refuseUnknown, refuseUnknownTime } from './unknown-collections.ts';

/** A pairing that is open, and what is to be done with it. */
export interface Prepared extends Configuration {
  /** Does it once. */
  run(signal?: AbortSignal): Promise<Report>;
  /** Does it once, while no other run of the configuration is under way. */
  runInTurn(signal?: AbortSignal): Promise<Report>;
}

/** How the places of a sync or of a merge are opened. */
export function sidesOf(kind: 'sync' | 'merge', args: readonly string[], values: Values): Pick<PairingOptions, 'origins' | 'target' | 'values' | 'needsState' | 'bothWritten' | 'convert'> {
  const { origins, target } = splitPlaces(args);
  if (kind === 'sync') return { origins, target, values, convert: true };
  // In a merge it is the sides that are told of deletions.
  const { delete: _, ...rest } = values;
  return { origins, target, values: rest, needsState: true, bothWritten: true };
}

/** What `sync` does with its places. */
export async function prepareSync(pairing: Pairing, args: readonly string[], values: Values): Promise<Prepared> {
  const { pair, run } = pairing;
  const configuration = configurationOf('sync', args, pairing, values);
  if (values.swap) {
    const { swapInTurn } = await import('../swap.ts');
    return prepared(pairing, configuration, (signal) => swapInTurn(pairing, signal));
  }
  if (isComparable(pair.target)) {
    const { runSync } = await import('../../engine/sync.ts');
    const oneWay = settingAside(pairing, configuration, values);
    return prepared(pairing, configuration, (signal) => runSync({ ...oneWay, ...(signal && { signal }) }));
  }
  const { runCopy } = await import('../../engine/copy.ts');
  const copy = { ...run, origins: pair.origins, target: pair.target };
  return prepared(pairing, configuration, (signal) => runCopy({ ...copy, ...(signal && { signal }) }));
}

/** What `merge` does with its places. */
export async function prepareMerge(pairing: Pairing, args: readonly string[], values: Values): Promise<Prepared & { readonly twoWay: TwoWay; /** The same, of the window that it looks at. */ planned(): TwoWay }> {
  const { runMerge } = await import('../../engine/merge.ts');
  const { host, state } = pairing;
  const range = rangeOf(values, host);
  const [left, right] = bothStores(pairing);
  const { newest = false, prefer = 'newest', full, overlap, retryQuarantined: retry, tombstonesFor } = values;
  const twoWay: TwoWay = {
    ...pairing.run, state, left, right, deletes: deletesOf(values, range !== undefined), conflicts: prefer, ...(newest && { decides: 'time' }), ...(tombstonesFor !== undefined && { tombstonesForMs: tombstonesFor }),
  };
  // Under rules a collection has another name on either side.
  const named = values.rename ? [] : collectionsNamed(args);
  const check = await checkFirst(async () => {
    await refuseUnknown(named, [left, right]);
    if (newest && !values.rename) await refuseUnknownTime([[args[0]!, left], [args[1]!, right]], values.modified);
  }, { again: values.every !== undefined || values.watch === true });
  const configuration = configurationOf('merge', args, pairing, values);
  const byTime = { ...configuration, range, full, overlap, retry };
  const planned = (): TwoWay => (newest ? plannedByTime(twoWay, byTime) : twoWay);
  const once = async (signal?: AbortSignal): Promise<Report> => {
    await check();
    const pair = { ...twoWay, ...(signal && { signal }) };
    return await (newest ? runByTime(pair, byTime, host) : runMerge(pair));
  };
  // By time, the lock guards the checkpoint as well, so that such a run takes it by itself.
  const ready = prepared(pairing, configuration, once);
  return { ...ready, ...(newest && { runInTurn: once }), twoWay, planned };
}

/** By time, and within a range, only those deletions travel that somebody tells of, unless more was asked for, or none. */
function deletesOf({ newest = false, delete: asked }: Values, inRange: boolean): NonNullable<TwoWay['deletes']> {
  if (asked === false || (inRange && !newest)) return 'keep';
  return asked ?? !newest ? 'propagate' : 'told';
}

function prepared({ state, host, run: { signal: given } }: Pairing, configuration: Configuration, run: Prepared['run']): Prepared {
  return {
    ...configuration, run,
    runInTurn: (signal = given) => inTurnHere({ configuration: configuration.configuration, state, host, signal }, (_, held) => run(held)),
  };
}
