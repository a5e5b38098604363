import type { Entry, Micros } from '../../model/entry.ts';
import type { Key } from '../../model/key.ts';
import type { Action, Triple } from '../reconcile.ts';

/** What an entry is judged by. What is not known of it hides nothing. */
export interface Candidate {
  readonly key: Key;
  /** Bytes. */
  readonly size?: number;
  readonly modifiedAt?: Micros;
}

/**
 * Whether a one-way run is to look at an entry at all. The source says so where it holds the entry, whatever has become
 * of it at the target: an old file that was edited today was edited today. Only what the source does not hold, which may
 * be about to be deleted, is judged by the target. Asked before anything is read to compare.
 */
export function isWithin({ left, right }: Pick<Triple, 'left' | 'right'>, within: ((entry: Entry) => boolean) | undefined): boolean {
  const judged = left ?? right;
  return judged === undefined || within?.(judged) !== false;
}

/**
 * The entries that all must be chosen for an action of a two-way run to happen, where either side may be the news:
 * what is to be written, or deleted, or both sides of a conflict. Nothing is carried across, then, that is outside, and
 * nothing that is outside is deleted; what is left alone stays in the baseline as it was.
 */
export function judgedBy(action: Action): readonly Entry[] {
  switch (action.kind) {
    case 'put': return [action.entry];
    case 'delete':
    case 'undated':
    case 'keep': return [action.over];
    case 'conflict': return [action.left, action.right];
    case 'settle':
    case 'forget': return [];
    default: return action satisfies never;
  }
}

/** Whether there is anything on either side that a two-way run could carry across or delete. */
export function mayMove({ left, right }: Pick<Triple, 'left' | 'right'>, within: ((entry: Entry) => boolean) | undefined): boolean {
  if (!within || (!left && !right)) return true;
  return (left !== undefined && within(left)) || (right !== undefined && within(right));
}
