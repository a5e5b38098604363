import { mergeJoin } from '../../core/merge-join.ts';
import type { Action, Triple } from '../../core/reconcile.ts';
import { reconcile } from '../../core/reconcile.ts';
import type { Entry } from '../../model/entry.ts';
import type { Source } from '../../model/store.ts';
import type { OneWay } from '../types.ts';
import { withEvidence } from './evidence.ts';
import { coarser, originOf } from './plan.ts';
import type { PlanOptions } from './plan.ts';
import type { SourcedEntry } from './scan.ts';
import { inOrder, isInside, refuseTimeless, union } from './scan.ts';

/**
 * What a one-way run would have to do about everything that was modified within a window, on whichever side, next to what
 * the other side holds under the same key, whenever that was modified. Writes nothing.
 */
export async function* planRange({ origins, target, inStep, window = {} }: OneWay, { context, policy, baseline, proof = 'stat' }: PlanOptions): AsyncGenerator<readonly Action[]> {
  for (const place of [...origins, target]) refuseTimeless(place);
  const precision = Math.max(...origins.map((origin) => coarser(origin, target)));
  const { ledger, signal, hashes } = context;
  const left = union(origins, context, { side: 'left', counted: true, want: 'content' });
  for await (const rows of mergeJoin<SourcedEntry>(left, inOrder(target, context, { side: 'right', counted: false }))) {
    const inside = rows.filter(({ items }) => items.some((entry) => entry && isInside(entry, window)));
    const chosen = inside.filter(({ items: [ours, theirs] }) => context.within?.((ours ?? theirs)!) !== false);
    const leftOnly = await lookedUp(chosen.flatMap(({ items: [ours, theirs] }) => (ours && !theirs ? [ours] : [])), [target], signal);
    const rightOnly = await lookedUp(chosen.flatMap(({ items: [ours, theirs] }) => (!ours && theirs ? [theirs] : [])), origins, signal);
    const triples = chosen.map(({ key, items: [ours, theirs] }): Triple => ({ key, left: ours ?? rightOnly.get(key), right: theirs ?? leftOnly.get(key), base: baseline?.get(key) }));
    const actions: Action[] = [];
    for (const triple of await withEvidence(triples, { leftOf: (entry) => originOf(entry, origins), right: target, precision, proof, signal, hashes })) {
      const action = reconcile(triple, policy, precision);
      if (!action || (action.kind === 'put' && action.over && inStep?.(action.entry, action.over))) ledger.unchanged(triple.key);
      else actions.push(action);
    }
    if (actions.length > 0) yield actions;
  }
}

/** Entries by their keys, as the last of several places holds them that does. */
async function lookedUp(entries: readonly Entry[], places: readonly Source[], signal: AbortSignal | undefined): Promise<ReadonlyMap<string, SourcedEntry>> {
  const found = new Map<string, SourcedEntry>();
  if (entries.length === 0) return found;
  for (const [origin, place] of places.entries()) for (const entry of await place.read(entries, signal && { signal })) if (entry) found.set(entry.key, { ...entry, origin });
  return found;
}
