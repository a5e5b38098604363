import type { Entry, Micros } from '../model/entry.ts';
import type { Key } from '../model/key.ts';
import type { Policy } from './policy.ts';
import type { Action, Base, Triple } from './reconcile.ts';
import { reconcile } from './reconcile.ts';

/** Says of a key that what had it was deleted. */
export function tombstone(key: Key, at: Micros): Entry {
  return { key, deleted: true, modifiedAt: at };
}

/** The later of two deletions. One that does not say when comes before all others. */
export function laterOf(one: Entry | undefined, other: Entry | undefined): Entry | undefined {
  if (!one || !other) return one ?? other;
  return (other.modifiedAt ?? -Infinity) > (one.modifiedAt ?? -Infinity) ? other : one;
}

/** Whether a deletion is known of a key. */
export function isMarked({ left, right, gone }: Triple): boolean {
  return gone !== undefined || left?.deleted === true || right?.deleted === true;
}

/**
 * What should happen to one key of which a deletion is known. By time, a deletion is like a version that is nothing: what
 * is older is deleted, on either side, and what is newer stays, and takes its place. Of one time the version wins, for a
 * wrong copy is easier to remove than to recover. Where the baseline decides, a tombstone is the lack of an entry.
 */
export function reconcileDeleted(triple: Triple, policy: Policy, precision: number): readonly Action[] {
  const { key, base } = triple;
  const [left, right] = [living(triple.left), living(triple.right)];
  if (policy.decides !== 'time') return replacing(triple, reconcile({ key, left, right, base }, policy, precision), precision);
  if (!left && !right) return base ? [{ kind: 'forget', key }] : [];
  const deletion = deletionOf(triple);
  const sides = [['left', left], ['right', right]] as const;
  const undated = sides.flatMap(([on, entry]): readonly Action[] => (entry && entry.modifiedAt === undefined ? [{ kind: 'undated', key, on, over: entry }] : []));
  if (undated.length > 0) return undated;
  if (deletion?.modifiedAt === undefined) {
    const on = triple.left?.deleted ? 'left' : 'right';
    return [{ kind: 'undated', key, on, over: triple[on] ?? { key } }];
  }
  if (outlives(deletion.modifiedAt, [left, right], precision)) {
    return sides.flatMap(([on, over]): readonly Action[] => {
      if (!over) return [];
      return policy.deletes === 'keep' ? [{ kind: 'keep', key, on, over }] : [{ kind: 'delete', key, on, over, why: 'deleted', tombstone: deletion }];
    });
  }
  // Who says when it was deleted need not be judged by what was there once.
  const told = triple.left?.deleted || triple.right?.deleted;
  return replacing(triple, reconcile({ key, left, right, base: told ? undefined : base }, policy, precision), precision);
}

/** The latest deletion that is known of a key. */
export function deletionOf({ left, right, gone }: Triple): Entry | undefined {
  return laterOf(laterOf(gone, left?.deleted ? left : undefined), right?.deleted ? right : undefined);
}

/** Whether a deletion is later than all of these, by more than what the two stores cannot tell apart. */
function outlives(at: Micros, entries: readonly (Entry | undefined)[], precision: number): boolean {
  return entries.every((entry) => at - (entry?.modifiedAt ?? -Infinity) >= Math.max(precision, 1));
}

/**
 * When something was deleted of which nobody says when: just after the latest version that is known to have been there.
 * Whatever came later was never seen by who deleted it.
 */
export function inferredTime(over: Entry | undefined, base: Base | undefined, precision: number): Micros | undefined {
  const times = [over?.modifiedAt, base?.left.modifiedAt, base?.right.modifiedAt].filter((time) => time !== undefined);
  return times.length === 0 ? undefined : Math.max(...times) + Math.max(precision, 1);
}

function living(entry: Entry | undefined): Entry | undefined {
  return entry?.deleted ? undefined : entry;
}

/** An action as it has to be where the entry to be replaced is a tombstone that the store keeps. */
function replacing(triple: Triple, action: Action | undefined, precision: number): readonly Action[] {
  if (!action) return [];
  const over = action.kind === 'put' ? triple[action.to] : undefined;
  if (action.kind !== 'put' || !over?.deleted) return [action];
  const sameTime = over.modifiedAt !== undefined && action.entry.modifiedAt !== undefined && Math.abs(over.modifiedAt - action.entry.modifiedAt) < Math.max(precision, 1);
  return [{ ...action, over, why: sameTime ? 'tie' : 'newer' }];
}
