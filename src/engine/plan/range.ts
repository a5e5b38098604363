import { mergeJoin } from '../../core/merge-join.ts';
import type { Action, Triple } from '../../core/reconcile.ts';
import { reconcile } from '../../core/reconcile.ts';
import type { Entry } from '../../model/entry.ts';
import { SyncError } from '../../model/errors.ts';
import type { Source } from '../../model/store.ts';
import { isInside } from '../../model/window.ts';
import { tellUnreadable } from '../run/read-each.ts';
import type { OneWay } from '../types.ts';
import { withEvidence } from './evidence.ts';
import { coarser, originOf } from './plan.ts';
import type { PlanOptions } from './plan.ts';
import { readLast } from './quarantined.ts';
import type { SourcedEntry } from './scan.ts';
import { inOrder, refuseTimeless, union } from './scan.ts';

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
    const there = await lookedUp(chosen.flatMap(({ items: [ours, theirs] }) => (ours && !theirs ? [ours] : [])), [target], signal);
    const here = await lookedUp(chosen.flatMap(({ items: [ours, theirs] }) => (!ours && theirs ? [theirs] : [])), origins, signal);
    const triples = chosen.flatMap(({ key, items: [ours, theirs] }): Triple[] => {
      const [left, right] = [ours ?? here.get(key), theirs ?? there.get(key)];
      if (left instanceof SyncError) tellUnreadable(left, { key }, { side: 'left', place: origins.at(-1)!, ledger });
      if (right instanceof SyncError) tellUnreadable(right, { key }, { side: 'right', place: target, ledger });
      return left instanceof SyncError || right instanceof SyncError ? [] : [{ key, left, right, base: baseline?.get(key) }];
    });
    const actions: Action[] = [];
    for (const triple of await withEvidence(triples, { leftOf: (entry) => originOf(entry, origins), right: target, precision, proof, signal, hashes })) {
      const action = reconcile(triple, policy, precision);
      if (!action || (action.kind === 'put' && action.over && inStep?.(action.entry, action.over))) ledger.unchanged(triple.key);
      else actions.push(action);
    }
    if (actions.length > 0) yield actions;
  }
}

/** Entries by their keys, as the last of several places holds them that does, or why that cannot be read. */
async function lookedUp(entries: readonly Entry[], places: readonly Source[], signal: AbortSignal | undefined): Promise<ReadonlyMap<string, SourcedEntry | SyncError>> {
  const found = entries.length === 0 ? [] : await readLast(places, entries, signal);
  return new Map(entries.flatMap(({ key }, i) => (found[i] ? [[key, found[i]] as const] : [])));
}
