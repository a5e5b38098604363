import type { Policy } from '../../core/policy.ts';
import type { Triple } from '../../core/reconcile.ts';
import { joinKey } from '../../model/key.ts';
import type { Snapshot } from '../../model/ranges.ts';
import type { CallOptions, Source, Store } from '../../model/store.ts';
import type { Twins } from '../../model/twins.ts';
import type { Ledger } from '../run/ledger.ts';
import type { Baseline } from '../state/state.ts';
import type { OneWay } from '../types.ts';
import type { Lane } from '../write/lane.ts';
import { Turns } from '../write/turns.ts';

/** What both sides keep in one form, where the run takes them as they are; `undefined` where each entry has to be looked at. */
export async function twinsOf({ origins, target, where, within, under, window, onKept, equal = 'content', signal }: OneWay, prepare: boolean): Promise<Twins | undefined> {
  const [origin] = origins;
  // Whoever wants to know of what is kept wants proof, which digests of ranges give sooner.
  if (!origin || origins.length > 1 || !target.twins || where || within || under || window || onKept || equal !== 'content') return undefined;
  return await target.twins(origin, { prepare, ...(signal && { signal }) });
}

/** A place without some of its collections. */
export function excepting(source: Source, except: readonly string[]): Source {
  const { name, identity, capabilities, snapshot } = source;
  return {
    name, identity, capabilities,
    scan: (options) => source.scan({ ...options, except }),
    read: (refs, options) => source.read(refs, options),
    ...(snapshot && {
      snapshot: async (options?: CallOptions) => {
        const taken = await snapshot.call(source, options);
        return taken && withoutCollections(taken, except);
      },
    }),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

function withoutCollections(snapshot: Snapshot, except: readonly string[]): Snapshot {
  return {
    collections: snapshot.collections.filter(({ name }) => !except.includes(name)),
    cut: (...given) => snapshot.cut(...given),
    counts: (...given) => snapshot.counts(...given),
    digests: (...given) => snapshot.digests(...given),
    scan: (...given) => snapshot.scan(...given),
    [Symbol.asyncDispose]: () => Promise.resolve(snapshot[Symbol.asyncDispose]()),
  };
}

/** What twins hold side by side, but for what is equal, which is only counted, and, where they are to `fill` the target, what it lacked. */
export async function* besides(twins: Twins, collections: readonly string[], { ledger, signal, baseline, fill }: { readonly ledger: Ledger; readonly signal: AbortSignal | undefined; readonly baseline: Baseline | undefined; readonly fill: boolean }): AsyncGenerator<readonly Triple[]> {
  if (collections.length === 0) return;
  for await (const page of twins.compare(collections, { fill, ...(signal && { signal }) })) {
    ledger.compared(page.collection, page);
    if (page.written > 0) ledger.carried(page.collection, page.written);
    for (const problem of page.problems ?? []) ledger.problem('left', problem);
    if (page.pairs.length > 0) yield page.pairs.map(({ key, left, right }) => ({ key, left, right, base: baseline?.get(key) }));
  }
}

/** What a run that writes has twins do, and what they have done already. */
export interface TwinsInRun {
  readonly all: Twins;
  readonly carried: readonly string[];
  readonly fill: boolean;
}

/** What both sides keep in one form, ready to be planned: the collections of which the target holds nothing are written. */
export async function twinsInRun(pairing: OneWay, context: CarryContext): Promise<TwinsInRun | undefined> {
  const all = await twinsOf(pairing, true);
  if (!all) return undefined;
  // What is written as it comes was not looked at, and may be what is not to be tried again.
  const held = context.ledger.quarantine?.size ?? 0;
  const fill = mayCarry(pairing) && held === 0 && !(await remembers(context.baseline));
  const propagates = context.policy.deletes === 'propagate';
  const carries = fill && (!propagates || await holdsNothing(all, pairing.target));
  return { all, carried: carries ? await carryOver(all, pairing, context) : [], fill: fill && !propagates };
}

interface CarryContext {
  readonly ledger: Ledger;
  readonly lane: Lane;
  readonly policy: Policy;
  readonly baseline: Baseline | undefined;
}

/**
 * Writes the collections of which the target holds nothing, as they are, and answers with their names. What cannot be
 * written that way is put by itself.
 */
async function carryOver(twins: Twins, pairing: OneWay, { ledger, lane }: CarryContext): Promise<readonly string[]> {
  const { signal } = pairing;
  const turns = await Turns.of(pairing.target, signal ? { signal } : {});
  const turnOf = (collection: string): number => turns.of(joinKey([collection, '']));
  for (const collection of twins.empty.toSorted((a, b) => turnOf(a) - turnOf(b))) {
    for await (const { written, left, problems } of twins.carry(collection, signal && { signal })) {
      ledger.carried(collection, written);
      for (const problem of problems ?? []) ledger.problem('left', problem);
      ledger.read('left', left, true);
      for (const entry of left) await lane.put({ kind: 'put', key: entry.key, to: 'right', entry, over: undefined, why: 'missing' });
      await lane.nudge();
    }
    signal?.throwIfAborted();
  }
  return twins.empty;
}

/** Whether nobody wants to hear of each entry, or to be able to end between two of them. */
function mayCarry({ on, wholesale = on === undefined, budget, onFailure = 'continue' }: OneWay): boolean {
  return wholesale && onFailure === 'continue' && budget?.maxMs === undefined && budget?.bandwidth === undefined;
}

/** Whether anything was learned of a target: what it makes of an entry is known only once the entry was put. */
async function remembers(baseline: Baseline | undefined): Promise<boolean> {
  for await (const page of baseline?.scan() ?? []) if (page.length > 0) return true;
  return false;
}

/** What is to be deleted may have been given another name, which is seen where each entry is looked at. */
async function holdsNothing({ empty }: Twins, target: Store): Promise<boolean> {
  return (await target.describe?.() ?? []).every(({ name }) => empty.includes(name));
}
