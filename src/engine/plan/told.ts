import type { Policy } from '../../core/policy.ts';
import type { Action } from '../../core/reconcile.ts';
import type { Entry } from '../../model/entry.ts';
import { SyncError } from '../../model/errors.ts';
import type { Source } from '../../model/store.ts';
import { isInside } from '../../model/window.ts';
import { sortEntries } from '../aside/sort.ts';
import { readEach } from '../run/read-each.ts';
import type { OneWay } from '../types.ts';
import { readLast } from './quarantined.ts';
import type { ScanContext } from './scan.ts';
import { latestOfEach, toldBy } from './tombstones.ts';

/** Keys asked for at once. */
const pageKeys = 500;

/**
 * What the origins say was deleted there, and the target still holds as it was before: what none of the origins holds and was modified earlier at the target. By keys, so that it is
 * the same whatever else a run looks at.
 */
export async function* planTold({ origins, target }: Pick<OneWay, 'origins' | 'target'>, context: ScanContext, { policy, precision }: { readonly policy: Policy; readonly precision: number }): AsyncGenerator<readonly Action[]> {
  if (policy.deletes !== 'told') return;
  const { ledger, signal, within } = context;
  const asked = signal && { signal };
  const problem = (side: 'left' | 'right', { key }: Entry, error: SyncError): void => ledger.problem(side, { place: key, key, error });
  let undated = 0;
  for await (const all of latestOfEach(sortEntries(insideWindow(origins, context), { ...(context.sortBytes !== undefined && { bytes: context.sortBytes }) }))) {
    for (let at = 0; at < all.length; at += pageKeys) {
      const page = all.slice(at, at + pageKeys);
      const held = await readEach(target, page, { ...asked, patient: true });
      const open = page.flatMap((gone, i): readonly (readonly [Entry, Entry])[] => {
        const over = held[i];
        if (over instanceof SyncError) problem('right', gone, over);
        return over && !(over instanceof SyncError) && !over.deleted && within?.(over) !== false ? [[gone, over]] : [];
      });
      // What was made anew since is held again, and what is held is no case for a tombstone.
      const there = await readLast(origins, open.map(([gone]) => gone), signal);
      const actions = open.flatMap(([gone, over], i): readonly Action[] => {
        const found = there[i];
        if (found instanceof SyncError) problem('left', gone, found);
        if (found && (found instanceof SyncError || !found.deleted)) return [];
        if (over.modifiedAt === undefined) undated++;
        const isOlder = over.modifiedAt !== undefined && (gone.modifiedAt ?? -Infinity) - over.modifiedAt >= Math.max(precision, 1);
        return isOlder ? [{ kind: 'delete', key: gone.key, on: 'right', over, why: 'deleted', tombstone: gone }] : [];
      });
      if (actions.length > 0) yield actions;
    }
  }
  if (undated > 0) ledger.warn(`${undated === 1 ? 'one entry of' : `${undated} entries of`} ${target.name} ${undated === 1 ? 'was' : 'were'} deleted at the source, and ${undated === 1 ? 'stays' : 'stay'}, because nobody knows which came later: name the field that says when a record was modified with --modified`);
}

async function* insideWindow(origins: readonly Source[], context: ScanContext): AsyncGenerator<readonly Entry[]> {
  for await (const page of toldBy(origins.map((origin) => ['left', origin] as const), context)) yield page.filter((entry) => isInside(entry, context.window));
}
