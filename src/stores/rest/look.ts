import type { HttpHeaders } from '../../lib/http/client.ts';
import type { Entry, Ref } from '../../model/entry.ts';
import type { CallOptions, Expectation } from '../../model/store.ts';
import type { RestContext } from './context.ts';
import type { Habit } from './habits.ts';
import { isStrong, learnGuards } from './habits.ts';

/** What is known of a resource just before it is written. */
export type Look =
  | {
    readonly kind: 'clear';
    /** Conditions to send along. */
    readonly headers: HttpHeaders;
    /** Whether the server decides, so that nothing can happen in between. */
    readonly guarded: boolean;
    /** What is there, where it had to be read to find out. */
    readonly before?: Entry;
  }
  | { readonly kind: 'stale'; readonly found: Entry | undefined };

export interface LookOptions extends CallOptions {
  readonly context: RestContext;
  readonly habit: Habit;
  /** Reads even where the server would decide: the write that follows cannot carry a condition. */
  readonly always?: boolean;
}

/** Sees to it that a resource is as expected: by a condition the server checks where it does, else by reading it now. */
export async function look(ref: Ref, expect: Expectation | undefined, { context, habit, signal, always = false }: LookOptions): Promise<Look> {
  if (expect === undefined) return { kind: 'clear', headers: {}, guarded: false };
  if (!always && 'absent' in expect && habit.guards === true) return { kind: 'clear', headers: { 'if-none-match': '*' }, guarded: true };
  const found = await context.readEntry(ref, signal && { signal });
  if (found !== undefined) learnGuards(habit, found.etag);
  const before = found?.entry;
  if ('version' in expect) {
    if (before === undefined || before.version !== expect.version) return { kind: 'stale', found: before };
    return isStrong(found?.etag) ? { kind: 'clear', headers: { 'if-match': found.etag }, guarded: true, before } : { kind: 'clear', headers: {}, guarded: false, before };
  }
  // Nothing tells when a resource was changed, so only one that is not there is surely older.
  return before === undefined ? { kind: 'clear', headers: { 'if-none-match': '*' }, guarded: false } : { kind: 'stale', found: before };
}
