import { mergeJoin } from '../../core/merge-join.ts';
import type { Policy } from '../../core/policy.ts';
import type { Action, Base, Triple } from '../../core/reconcile.ts';
import { reconcile } from '../../core/reconcile.ts';
import { isWithin } from '../../core/selection/scope.ts';
import { askAhead } from '../../lib/ask-ahead.ts';
import type { Entry, Ref } from '../../model/entry.ts';
import { SyncError } from '../../model/errors.ts';
import { typeOf } from '../../model/key.ts';
import { isSink, isSource } from '../../model/store.ts';
import type { Sink, Source, Store } from '../../model/store.ts';
import { isInside } from '../../model/window.ts';
import { copied } from '../aside/spill.ts';
import { reach, tellExpected } from '../run/reach.ts';
import { readEach, tellUnreadable } from '../run/read-each.ts';
import type { Baseline } from '../state/state.ts';
import type { OneWay } from '../types.ts';
import { leaveOutEqual } from './equal-ranges.ts';
import { withEvidence } from './evidence.ts';
import { Extras } from './extras.ts';
import { HeldBefore } from './held-before.ts';
import { isHeldBack, soughtOneWay } from './quarantined.ts';
import type { ScanContext, SourcedEntry } from './scan.ts';
import { anyOf, inOrder, reportCollision, scanned, union } from './scan.ts';
import { planTold } from './told.ts';
import { besides, excepting } from './twins.ts';
import type { TwinsInRun } from './twins.ts';

/** Actions of a page are few when there are less than one in so many entries. */
const sparseness = 4;
/** Pages that the target is asked about while an earlier one is planned. */
const readAhead = 1;

export interface PlanOptions {
  readonly context: ScanContext;
  readonly policy: Policy;
  readonly baseline: Baseline | undefined;
  /** Whether to look for entries that only the target holds. */
  readonly extras: boolean;
  /** Never look entries up one by one as the source yields them: both sides are read once, in order. */
  readonly ordered?: boolean;
  /** Whether actions are to carry what the target holds where its listing brings that along. Default: false. */
  readonly showTarget?: boolean;
  /** What counts as equal: what sizes and times say (default), or only content that was compared. */
  readonly proof?: 'stat' | 'content';
  /** What both sides keep in one form, and those of its collections that are in step already. */
  readonly twins?: TwinsInRun | undefined;
}

/**
 * What a one-way run has to do, in pages as it becomes known. Puts and settlements come first; what only the target
 * holds comes last, after every scan has ended. Writes nothing.
 */
export async function* planOneWay(pairing: OneWay, given: PlanOptions): AsyncGenerator<readonly Action[]> {
  await reach([...pairing.origins, pairing.target], given.context, given.context.window !== undefined);
  await tellExpected([['left', pairing.origins], ...(comesAsItIs(pairing, given) ? [] : [['right', [pairing.target]] as const])], given.context);
  const coverage = covered(pairing.target, withinOrigins(pairing, given.context), given.twins !== undefined);
  const options = { ...given, context: coverage.context };
  using extras = new Extras();
  const types = pairing.scope === 'types' ? new Set<string>() : undefined;
  const pages = options.context.window ? planWindow(pairing, options) : comesAsItIs(pairing, options) ? planAsItComes(pairing, options, types) : planWhatDiffers(pairing, options, types);
  const all = async function* (): AsyncGenerator<readonly Action[]> {
    yield* pages;
    yield* planSought(pairing, given);
    yield* planTold(pairing, options.context, { policy: options.policy, precision: Math.max(...pairing.origins.map((origin) => coarser(origin, pairing.target))) });
  };
  for await (const page of all()) {
    const rest = page.filter((action) => {
      if (isHeldBack(action, options.context.ledger)) return false;
      if (action.kind === 'put' && action.over && pairing.inStep?.(action.entry, action.over)) {
        options.context.ledger.unchanged(action.key);
        return false;
      }
      if (action.kind !== 'delete' && action.kind !== 'keep') return true;
      extras.add(action);
      return false;
    });
    if (rest.length > 0) yield rest;
  }
  coverage.end();
  for (const page of extras.pages()) {
    const inScope = types ? page.filter(({ key }) => types.has(typeOf(key))) : page;
    if (inScope.length > 0) yield inScope;
  }
}

/** Origins of which some collections were chosen have no say in the others. */
function withinOrigins({ origins, target }: OneWay, context: ScanContext): ScanContext {
  const { where } = context;
  // Links of an API lead to what lies outside of the path that was named.
  const parts = origins.filter((origin: Source | Sink): origin is Store => isSource(origin) && isSink(origin) && origin.describe !== undefined && origin.covers !== undefined);
  const inOne = parts.length < origins.length ? undefined : (ref: Ref): boolean => parts.some((origin) => origin.covers?.(ref) !== false);
  const shared = (collection: string): boolean => inOne?.(anyOf(collection)) !== false && target.covers?.(anyOf(collection)) !== false;
  return { ...context, shared, ...(inOne && { where: (ref) => where?.(ref) !== false && inOne(ref) }) };
}

/** Leaves out what does not belong into the target, and says so: with a warning, or, where nothing is left, by refusing. */
function covered(target: Store, context: ScanContext, twins: boolean): { readonly context: ScanContext; end(): void } {
  if (!target.covers) return { context, end: () => {} };
  let [inside, outside] = [0, 0];
  const { where = (): boolean => true } = context;
  const covers = (ref: Ref): boolean => {
    if (!where(ref)) return false;
    const belongs = target.covers?.(ref) !== false;
    if (belongs) inside++;
    else outside++;
    return belongs;
  };
  return {
    context: { ...context, where: covers },
    end: () => {
      if (outside === 0) return;
      // Collections that are compared as a whole are covered as a whole.
      const chosen = target.describe !== undefined;
      if (inside === 0 && !twins && context.ledger.proved === 0) {
        if (chosen) throw new SyncError('invalid', `none of the ${outside} entries is of a collection that was chosen at ${target.name}`, { store: target.name, hint: 'check the names in the option collections' });
        throw new SyncError('invalid', `none of the ${outside} entries belongs into ${target.name}, because every entry keeps its own path`, { store: target.name, hint: 'name the host alone, or a path that the entries lie under' });
      }
      const why = chosen ? `of no collection that was chosen at ${target.name}` : `not under ${target.name}`;
      context.ledger.warn(`${outside === 1 ? `one entry is ${why} and was` : `${outside} entries are ${why} and were`} left out`);
    },
  };
}

/** An unordered source need not be sorted first where the target can be asked about single entries for next to nothing. */
function comesAsItIs({ origins, target }: OneWay, { ordered }: PlanOptions): boolean {
  const { reads, dependencies, enumerates } = target.capabilities;
  return ordered !== true && origins.length === 1 && origins[0]?.capabilities.order === 'none' && reads === 'cheap' && dependencies === 'ignored' && enumerates === 'all';
}

/** What was modified within the window, next to what the target holds under the same keys. */
async function* planWindow({ origins, target }: OneWay, { context, policy, baseline, proof = 'stat' }: PlanOptions): AsyncGenerator<readonly Action[]> {
  const precision = Math.max(...origins.map((origin) => coarser(origin, target)));
  const { window = {} } = context;
  for await (const page of union(origins, context, { side: 'left', counted: true, want: 'content' })) {
    const inside = page.filter((entry) => isInside(entry, window) && context.within?.(entry) !== false);
    const held = await readEach(target, inside, context.signal ? { signal: context.signal } : {});
    const triples = besideHeld(inside, held, { target, context, baseline });
    const actions: Action[] = [];
    for (const triple of await withEvidence(triples, { leftOf: (entry) => originOf(entry, origins), right: target, precision, proof, signal: context.signal, hashes: context.hashes })) {
      const action = decide(triple, policy, precision, context);
      if (action) actions.push(action);
    }
    if (actions.length > 0) yield actions;
  }
}

/** Entries of the source next to what the target holds under their keys, but for those of which it cannot be read what that is. */
function besideHeld(entries: readonly Entry[], held: readonly (Entry | SyncError | undefined)[], { target, context, baseline }: { readonly target: Source; readonly context: ScanContext; readonly baseline: Baseline | undefined }): Triple[] {
  return entries.flatMap((left, i): Triple[] => {
    const right = held[i];
    if (!(right instanceof SyncError)) return [{ key: left.key, left, right, base: baseline?.get(left.key) }];
    tellUnreadable(right, left, { side: 'right', place: target, ledger: context.ledger });
    return [];
  });
}

async function* planAsItComes({ origins, target, where }: OneWay, { context, policy, baseline, extras, proof = 'stat' }: PlanOptions, types: Set<string> | undefined): AsyncGenerator<readonly Action[]> {
  const origin = origins[0] as Source;
  const whole = !where && !context.within && !context.under && (policy.equal ?? 'content') === 'content';
  const before = new HeldBefore({ target, listed: whole, signal: context.signal, estimate: () => context.estimate(target), on: (event) => context.ledger.emit(event) });
  let heldBefore = 0;
  const precision = coarser(origin, target);
  const fresh = async function* (): AsyncGenerator<readonly Entry[]> {
    for await (const page of scanned(origin, context, { side: 'left', counted: true, want: 'content' })) {
      yield page.filter((entry) => {
        const found = before.add(entry);
        if (found === 'different') reportCollision({ key: entry.key }, entry, origin, context.ledger, 'left');
        return found === 'new' && context.within?.(entry) !== false;
      });
    }
  };
  // No key comes twice, so that what is written of one page changes nothing of what was read for the next.
  for await (const { item, answer: held } of askAhead(fresh(), (page) => before.read(page), readAhead)) {
    const triples = besideHeld(item, held, { target, context, baseline });
    const actions: Action[] = [];
    for (const triple of await withEvidence(triples, { leftOf: () => origin, right: target, precision, proof, signal: context.signal, hashes: context.hashes })) {
      types?.add(typeOf(triple.key));
      if (triple.right) heldBefore++;
      const action = decide(triple, policy, precision, context);
      if (action) actions.push(action);
    }
    if (actions.length > 0) yield actions;
  }
  if (policy.deletes === 'told') context.ledger.scanned.right = heldBefore;
  if (!extras) return;
  for await (const page of inOrder(target, context, { side: 'right', counted: false })) {
    const only = page.filter(({ key }) => !before.has(key));
    heldBefore += only.length;
    // What this run has put there meanwhile does not count as held: the guard measures against what was there before.
    context.ledger.scanned.right = heldBefore;
    const inScope = context.within ? only.filter(context.within) : only;
    if (inScope.length > 0) yield inScope.flatMap((right) => reconcile({ key: right.key, left: undefined, right, base: undefined }, policy, precision) ?? []);
  }
}

/** The same, where both sides keep collections in one form, or can digest ranges of what they hold, of what is left when what is equal is left out. */
async function* planWhatDiffers(pairing: OneWay, options: PlanOptions, types: Set<string> | undefined): AsyncGenerator<readonly Action[]> {
  const { origins, target, where } = pairing;
  const { context, policy, twins } = options;
  const only = origins.length === 1 ? origins[0] : undefined;
  if (twins && only) yield* planBesides(twins, coarser(only, target), options);
  const sides = twins && only ? ([excepting(only, twins.all.collections), excepting(target, twins.all.collections)] as const) : ([only, target] as const);
  const chosen = where ?? context.within ?? types;
  await using proven = sides[0] && chosen === undefined && (policy.equal ?? 'content') === 'content' && pairing.rangeDigests !== false ? await leaveOutEqual(sides[0], sides[1], context) : undefined;
  const [left, right] = proven?.sides ?? sides;
  yield* planInOrder({ origins: left ? [left] : origins, target: right }, options, types);
}

/** Collections that both sides keep in one form. */
async function* planBesides({ all, carried, fill }: TwinsInRun, precision: number, { context, policy, baseline, extras }: PlanOptions): AsyncGenerator<readonly Action[]> {
  for await (const triples of besides(all, all.collections.filter((name) => !carried.includes(name)), { ledger: context.ledger, signal: context.signal, baseline, fill })) {
    const actions: Action[] = [];
    for (const triple of triples) {
      const action = decide(triple, policy, precision, context);
      if (action && (extras || (action.kind !== 'delete' && action.kind !== 'keep'))) actions.push(action);
    }
    if (actions.length > 0) yield actions;
  }
}

/** What is in quarantine and nothing of the above came across. */
async function* planSought(pairing: OneWay, { context, policy, baseline, proof = 'stat', twins }: PlanOptions): AsyncGenerator<readonly Action[]> {
  const { origins, target } = pairing;
  const precision = Math.max(...origins.map((origin) => coarser(origin, target)));
  for await (const triples of soughtOneWay(pairing, context, { whole: !twins && context.ledger.proved === 0, baseline })) {
    const actions: Action[] = [];
    for (const triple of await withEvidence(triples, { leftOf: (entry) => originOf(entry, origins), right: target, precision, proof, signal: context.signal, hashes: context.hashes })) {
      const action = reconcile(triple, policy, precision);
      if (action) actions.push(action);
      else context.ledger.quarantine?.release(triple.key);
    }
    if (actions.length > 0) yield actions;
  }
}

async function* planInOrder({ origins, target }: { readonly origins: readonly Source[]; readonly target: Source }, { context, policy, baseline, extras, ordered = false, showTarget = false, proof = 'stat' }: PlanOptions, types: Set<string> | undefined): AsyncGenerator<readonly Action[]> {
  const byCollection = target.capabilities.enumerates === 'collections';
  const collections = new Set<string>();
  const left = union(origins, context, {
    side: 'left', counted: true, wholly: byCollection,
    // Documents had to be read for their digests. While there is room for them they are kept, and not read twice.
    want: origins.every(({ capabilities: { holds, reads } }) => holds === 'blobs' && reads === 'cheap') ? 'stat' : 'content',
    ...((types || byCollection) && {
      visit: (entry: Entry) => {
        types?.add(typeOf(entry.key));
        if (byCollection && entry.collection !== undefined) collections.add(entry.collection);
      },
    }),
  });
  // A target that cannot enumerate itself is told which collections to list, so the source is read to its end first.
  const first = byCollection ? await left.next() : undefined;
  const unlisted = new Set<string>();
  const right = inOrder(target, context, {
    side: 'right', counted: false, want: showTarget ? 'content' : 'stat', ...(byCollection && { collections: [...collections] }),
    unlisted: (collection, error) => {
      unlisted.add(collection);
      // Who deletes, or swears that there is nothing more, must have seen everything. A collection that is not there holds nothing.
      if (error.code === 'not-found') return;
      if (policy.deletes === 'propagate' || ordered) context.ledger.problem('right', { place: `${collection} of ${target.name}`, error, collection });
      else if (extras) context.ledger.warn(`${collection} cannot be listed at ${target.name} (${error.message}); entries that only it holds are not seen`);
    },
  });
  const precision = Math.max(...origins.map((origin) => coarser(origin, target)));
  // Of a part there is little, and all that was ever learned is a lot.
  const part = context.under !== undefined;
  const sides: AsyncIterable<readonly (Entry | Base)[]>[] = [resumed(first, left), right, ...(baseline && !part ? [baseline.scan()] : [])];
  for await (const rows of mergeJoin<Entry | Base>(...sides)) {
    const triples: Triple[] = [];
    for (const { key, items } of rows) {
      const triple = { key, left: items[0] as Entry | undefined, right: items[1] as Entry | undefined, base: part ? baseline?.get(key) : items[2] as Base | undefined };
      if (isWithin(triple, context.within)) triples.push(triple);
    }
    const found = await withEvidence(unlisted.size > 0 ? await lookUp(triples, unlisted, target, context) : triples, {
      leftOf: (entry) => originOf(entry, origins), right: target, precision, proof, signal: context.signal, hashes: context.hashes,
    });
    const actions: Action[] = [];
    for (const triple of found) {
      const action = decide(triple, policy, precision, context);
      if (action && (extras || (action.kind !== 'delete' && action.kind !== 'keep'))) actions.push(action);
    }
    if (actions.length > 0) yield actions.length * sparseness < rows.length ? actions.map(detached) : actions;
  }
}

/**
 * A copy that shares no text with the listing it comes from. Text that was cut out of a listing keeps all of that
 * alive, and where of each page only a little is to be done, a batch is gathered from very many pages.
 */
function detached(action: Action): Action {
  if (action.kind !== 'put' || action.entry.content || action.over?.content) return action;
  return copied(action);
}

/** Asks for entries one by one where their collection could not be listed. */
async function lookUp(triples: readonly Triple[], unlisted: ReadonlySet<string>, target: Source, { signal, ledger }: ScanContext): Promise<readonly Triple[]> {
  const open = triples.flatMap((triple) => (triple.left && !triple.right && unlisted.has(triple.left.collection ?? '') ? [triple.left] : []));
  if (open.length === 0) return triples;
  const held = await readEach(target, open, signal ? { signal } : {});
  const byKey = new Map(open.map(({ key }, i) => [key, held[i]]));
  return triples.flatMap((triple): readonly Triple[] => {
    const right = byKey.get(triple.key);
    if (!(right instanceof SyncError)) return [right ? { ...triple, right } : triple];
    tellUnreadable(right, triple, { side: 'right', place: target, ledger });
    return [];
  });
}

function decide(triple: Triple, policy: Policy, precision: number, { ledger }: ScanContext): Action | undefined {
  const action = reconcile(triple, policy, precision);
  if (!action && triple.left) ledger.unchanged(triple.key);
  return action;
}

/**
 * The smallest difference of times that both stores can tell, in microseconds; 0, so that no two times are equal, where
 * a store stamps its own: that a time is the one of the original then proves nothing.
 */
export function coarser(left: Source, right: Source): number {
  if (left.capabilities.modifiedAt !== 'kept' || right.capabilities.modifiedAt !== 'kept') return 0;
  return Math.max(left.capabilities.modifiedAtPrecision, right.capabilities.modifiedAtPrecision);
}

async function* resumed<T>(first: IteratorResult<T, unknown> | undefined, rest: AsyncGenerator<T>): AsyncGenerator<T> {
  if (first && !first.done) yield first.value;
  yield* rest;
}

/** Which origin an entry of a plan came from. */
export function originOf(entry: Entry, origins: readonly Source[]): Source {
  const origin = origins[(entry as SourcedEntry).origin ?? 0];
  if (!origin) throw new SyncError('internal', `${entry.key} has no origin`, { key: entry.key });
  return origin;
}
