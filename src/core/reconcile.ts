import type { Entry, Micros, Stat } from '../model/entry.ts';
import { statOf } from '../model/entry.ts';
import type { Key } from '../model/key.ts';
import { sameContent } from './compare.ts';
import type { Policy, Side } from './policy.ts';

/** Both sides as they stood when last in step; each side's own stat, since versions do not travel. */
export interface Base {
  readonly key: Key;
  readonly left: Stat;
  readonly right: Stat;
}

/** One key, on both sides and in memory. */
export interface Triple {
  readonly key: Key;
  readonly left: Entry | undefined;
  readonly right: Entry | undefined;
  readonly base: Base | undefined;
  /** The latest deletion that is known of beside what both sides hold. */
  readonly gone?: Entry | undefined;
}

/** Why something is to be written or deleted, in a word. */
export type Reason = 'missing' | 'differs' | 'newer' | 'deleted' | 'extra' | 'preferred' | 'tie';

/** What is to happen to one key. Plain data: a plan is a list of these. */
export type Action =
  | { readonly kind: 'put'; readonly key: Key; readonly to: Side; readonly entry: Entry; readonly over: Entry | undefined; readonly why: Reason }
  /** `tombstone`: what says that it was deleted, and when. */
  | { readonly kind: 'delete'; readonly key: Key; readonly on: Side; readonly over: Entry; readonly why: Reason; readonly tombstone?: Entry }
  | { readonly kind: 'conflict'; readonly key: Key; readonly left: Entry; readonly right: Entry }
  /** The sides agree and the baseline does not know it yet. */
  | { readonly kind: 'settle'; readonly key: Key; readonly base: Base }
  /** The baseline remembers what neither side holds any more. */
  | { readonly kind: 'forget'; readonly key: Key }
  /** The target holds what the source does not, and deletion was not asked for. */
  | { readonly kind: 'keep'; readonly key: Key; readonly on: Side; readonly over: Entry }
  /** The time is to decide, and this entry has none. */
  | { readonly kind: 'undated'; readonly key: Key; readonly on: Side; readonly over: Entry };

/**
 * What should happen to one key, given both sides, what they last agreed on, and the policy; `undefined` when they
 * are in step. Pure. `precision` is the coarser of the two stores', in microseconds.
 */
export function reconcile(triple: Triple, policy: Policy, precision: number): Action | undefined {
  if (policy.direction === 'one-way') return mirror(triple, policy, precision);
  return policy.decides === 'time' ? byTime(triple, policy, precision) : merge(triple, policy, precision);
}

function mirror({ key, left, right, base }: Triple, policy: Policy, precision: number): Action | undefined {
  if (left?.deleted) {
    if (!right || right.deleted) return undefined;
    return policy.deletes === 'keep' ? { kind: 'keep', key, on: 'right', over: right } : { kind: 'delete', key, on: 'right', over: right, why: 'deleted', tombstone: left };
  }
  if (!left) {
    // What was learned of an entry that nobody holds stays true while nobody looks at it: a narrower run must not forget it.
    if (!right || right.deleted) return undefined;
    return policy.deletes === 'propagate' ? { kind: 'delete', key, on: 'right', over: right, why: 'extra' } : { kind: 'keep', key, on: 'right', over: right };
  }
  if (!right) return { kind: 'put', key, to: 'right', entry: left, over: undefined, why: 'missing' };
  if (!right.deleted && areEqual(left, right, base, policy, precision)) return undefined;
  switch (policy.replace ?? 'differing') {
    case 'differing': break;
    case 'older': if (left.modifiedAt !== undefined && right.modifiedAt !== undefined && right.modifiedAt - left.modifiedAt >= Math.max(precision, 1)) return undefined; break;
    case 'never': return undefined;
    case 'refuse': return { kind: 'conflict', key, left, right };
  }
  return { kind: 'put', key, to: 'right', entry: left, over: right, why: 'differs' };
}

function areEqual(left: Entry, right: Entry, base: Base | undefined, { equal = 'content' }: Policy, precision: number): boolean {
  if (equal === 'nothing') return false;
  if (equal === 'size' && left.size !== undefined && right.size !== undefined) return left.size === right.size;
  if (sameContent(left, right, precision) === true) return true;
  // Learned equality: a store that changes what it is given never holds what was sent. When each side is still
  // what it was after the last write, they are as equal as they will ever be.
  return isAsAgreed({ left, right, base }, precision);
}

/** Whether both sides are what they were when they last were in step. */
export function isAsAgreed({ left, right, base }: Omit<Triple, 'key'>, precision: number): boolean {
  return base !== undefined && left !== undefined && right !== undefined && !moved(left, base.left, precision) && !moved(right, base.right, precision);
}

function merge(triple: Triple, policy: Policy, precision: number): Action | undefined {
  const { key, left, right, base } = triple;
  if (!left && !right) return base && { kind: 'forget', key };

  const leftMoved = moved(left, base?.left, precision);
  const rightMoved = moved(right, base?.right, precision);
  if (!leftMoved && !rightMoved) return undefined;

  if (left && right && sameContent(left, right, precision) === true) return { kind: 'settle', key, base: { key, left: statOf(left), right: statOf(right) } };

  // From here the sides differ and at least one moved. If only one did, its state
  // is the news: carry it across, whether it is content or the lack of it.
  if (!rightMoved) return carry(key, 'right', left, right, policy);
  if (!leftMoved) return carry(key, 'left', right, left, policy);

  // Both moved. An edit outlives a deletion: the editor had something to say that
  // the deleter never read, and a wrong copy is easier to remove than to recover.
  if (!left) return right && { kind: 'put', key, to: 'left', entry: right, over: undefined, why: 'missing' };
  if (!right) return { kind: 'put', key, to: 'right', entry: left, over: undefined, why: 'missing' };
  return settleConflict(key, left, right, policy, precision);
}

function byTime(triple: Triple, policy: Policy, precision: number): Action | undefined {
  const { key, left, right, base } = triple;
  if (!left || !right) return onOneSide(triple, policy, precision);
  if (sameContent(left, right, precision) === true) {
    // Who is never to delete need not remember what was there.
    if (policy.deletes !== 'propagate' || isAsAgreed({ left, right, base }, precision)) return undefined;
    return { kind: 'settle', key, base: { key, left: statOf(left), right: statOf(right) } };
  }
  if (isAsAgreed({ left, right, base }, precision)) return undefined;
  if (left.modifiedAt === undefined) return { kind: 'undated', key, on: 'left', over: left };
  if (right.modifiedAt === undefined) return { kind: 'undated', key, on: 'right', over: right };
  const winner = newest(left, right, precision);
  if (!winner) return { kind: 'conflict', key, left, right };
  const why = isOneTime(left.modifiedAt, right.modifiedAt, precision) ? 'tie' : 'newer';
  return winner === 'left'
    ? { kind: 'put', key, to: 'right', entry: left, over: right, why }
    : { kind: 'put', key, to: 'left', entry: right, over: left, why };
}

function onOneSide({ key, left, right, base }: Triple, { deletes }: Policy, precision: number): Action | undefined {
  const [on, to, there] = left ? (['left', 'right', left] as const) : (['right', 'left', right] as const);
  if (!there) return base && { kind: 'forget', key };
  if (deletes === 'propagate' && base && !moved(there, base[on], precision)) return { kind: 'delete', key, on, over: there, why: 'deleted' };
  if (there.modifiedAt === undefined) return { kind: 'undated', key, on, over: there };
  return { kind: 'put', key, to, entry: there, over: undefined, why: 'missing' };
}

/** Whether one side moved since `before`. Thin evidence counts as movement: a needless compare beats a missed edit. */
function moved(now: Entry | undefined, before: Stat | undefined, precision: number): boolean {
  if (!now || !before) return now !== undefined || before !== undefined;
  const same = sameContent(now, before, precision);
  if (now.digest && before.digest && same !== undefined) return !same;
  if (now.version !== undefined && before.version !== undefined) return now.version !== before.version;
  return same !== true;
}

function carry(key: Key, to: Side, news: Entry | undefined, over: Entry | undefined, policy: Policy): Action | undefined {
  if (news) return { kind: 'put', key, to, entry: news, over, why: over ? 'differs' : 'missing' };
  if (!over) return undefined;
  return policy.deletes === 'propagate' ? { kind: 'delete', key, on: to, over, why: 'deleted' } : { kind: 'keep', key, on: to, over };
}

function settleConflict(key: Key, left: Entry, right: Entry, policy: Policy, precision: number): Action {
  const winner = policy.conflicts === 'newest' ? newest(left, right, precision) : policy.conflicts === 'report' ? undefined : policy.conflicts;
  if (!winner) return { kind: 'conflict', key, left, right };
  const why = policy.conflicts === 'newest' ? 'newer' : 'preferred';
  return winner === 'left'
    ? { kind: 'put', key, to: 'right', entry: left, over: right, why }
    : { kind: 'put', key, to: 'left', entry: right, over: left, why };
}

/** The later side; on a tie the greater digest, so that both directions of a run elect the same winner. */
function newest(left: Entry, right: Entry, precision: number): Side | undefined {
  if (left.modifiedAt === undefined || right.modifiedAt === undefined) return undefined;
  if (!isOneTime(left.modifiedAt, right.modifiedAt, precision)) return left.modifiedAt > right.modifiedAt ? 'left' : 'right';
  if (!left.digest || !right.digest) return undefined;
  return left.digest.value > right.digest.value ? 'left' : 'right';
}

/** Whether two times cannot be told apart. */
function isOneTime(a: Micros, b: Micros, precision: number): boolean {
  return a === b || Math.abs(a - b) < precision;
}
