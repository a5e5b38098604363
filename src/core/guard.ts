import { SyncError } from '../model/errors.ts';

/** How much a run may delete. Counted before the first deletion. */
export interface Guard {
  /** The most deletions: a count, or a share of what the target holds, from 0 to 1. */
  readonly maxDeletes: number | { readonly share: number };
}

/** More than half of what the target holds is refused, and so is all of it. */
export const defaultGuard: Guard = { maxDeletes: { share: 0.5 } };

/** What a run is about to delete, and of how much. */
export interface Deletions {
  readonly deletes: number;
  readonly held: number;
  /** How much it held when the guard first refused: what refused runs write in spite of it must not make room for what they were not to delete. */
  readonly heldAtRefusal?: number | undefined;
  readonly sourceEntries: number;
  /** The target's printable name. */
  readonly target: string;
  readonly guard: Guard;
  /** Whether only a part of the source was looked at. */
  readonly part?: boolean;
  /** How much of what is to be deleted the target holds under another key from this run on: a share is one of that as well. */
  readonly moved?: number;
}

/**
 * Throws `guarded` when `deletes` of `held` entries is more than the guard allows, or when the source was empty:
 * an empty source looks exactly like one that lost its disk. A part of a source may well be empty.
 */
export function checkDeletes({ deletes, held, heldAtRefusal = held, sourceEntries, target, guard, part = false, moved = 0 }: Deletions): void {
  if (deletes === 0) return;
  const { maxDeletes } = guard;
  if (sourceEntries === 0 && !part && maxDeletes !== Infinity) {
    throw new SyncError('guarded', `refusing to delete ${deletes} of ${held} entries of ${target}, because the source is empty`, { store: target, hint: 'pass --max-deletes all if this is meant' });
  }
  const counted = Math.min(held, heldAtRefusal);
  const limit = typeof maxDeletes === 'number' ? maxDeletes : Math.floor((counted + moved) * maxDeletes.share);
  if (deletes > limit) {
    throw new SyncError('guarded', `refusing to delete ${deletes} of ${held} entries of ${target} (limit ${limit}${counted < held ? ` of the ${counted} that it held when this was first refused` : ''})`, { store: target, hint: `pass --max-deletes ${deletes} if this is meant` });
  }
}
