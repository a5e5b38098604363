import type { Guard } from '../core/guard.ts';
import type { Policy, Side } from '../core/policy.ts';
import type { Action } from '../core/reconcile.ts';
import type { Entry, Micros, Ref } from '../model/entry.ts';
import type { SyncError } from '../model/errors.ts';
import type { Host } from '../model/host.ts';
import type { Key } from '../model/key.ts';
import type { Problem, Sink, Source, Store, Window } from '../model/store.ts';
import type { QuarantineOptions } from './run/quarantine.ts';
import type { State } from './state/state.ts';
import type { BudgetOptions } from './write/budget.ts';

/** What happens, as it happens. The command line renders these, the service streams them, tests collect them. */
export type RunEvent =
  | { readonly kind: 'phase'; readonly phase: 'scan' | 'sort' | 'write' | 'delete' | 'done'; /** Writes ahead, where known. */ readonly total?: number }
  /** Roughly how many entries there are to be read on one side. */
  | { readonly kind: 'expected'; readonly side: Side; readonly entries: number }
  /** Entries read so far on one side. */
  | { readonly kind: 'scanned'; readonly side: Side; readonly entries: number }
  | { readonly kind: 'done'; readonly action: Action; readonly unguarded: boolean }
  /** Entries that were created many at a time; see {@link RunOptions.wholesale}. */
  | { readonly kind: 'carried'; readonly entries: number }
  | { readonly kind: 'stale'; readonly action: Action }
  /** Not written, because what is there by now is newer. */
  | { readonly kind: 'skipped'; readonly action: Action }
  | { readonly kind: 'failed'; readonly action: Action; readonly error: SyncError }
  | { readonly kind: 'problem'; readonly side: Side; readonly problem: Problem }
  | { readonly kind: 'warning'; readonly message: string }
  | { readonly kind: 'retrying'; readonly store: string; readonly error: SyncError; readonly inMs: number; readonly attempt: number };

/** Counts for one type (the first part of the key). Every entry in scope is in exactly one of the outcome counts. */
export interface Counts {
  /** Entries read from the source (two-way: from both sides). */
  readonly read: number;
  readonly created: number;
  readonly updated: number;
  readonly deleted: number;
  readonly unchanged: number;
  /** Not written, because the target held something newer by the time it was to be written. */
  readonly skipped: number;
  readonly failed: number;
  /** On the target only, and left there because deletion was not asked for. */
  readonly kept: number;
  readonly conflicts: number;
  /** In quarantine when the run ended, whether it came across them or not; what it put there is not counted as failed. */
  readonly quarantined: number;
}

/** What went one way between two sides. */
export interface Flow {
  /** Entries read where it comes from. */
  readonly read: number;
  readonly written: number;
  /** Entries that were not written, because the other side holds a newer one. */
  readonly skipped: number;
  /** Entries that differ from what the other side holds of the same time: one of both wins, or nobody can say which. */
  readonly conflicting: number;
  /** In quarantine when the run ended. */
  readonly quarantined: number;
}

/** What came of comparing ranges of keys by digests that both places made themselves. */
export interface RangeTally {
  /** Ranges that were compared. */
  readonly compared: number;
  /** Those that had to be read, because they differ. */
  readonly differing: number;
  /** Entries that are equal on both sides and were not read. They are among the {@link Counts.read} nevertheless. */
  readonly equal: number;
}

/** One thing that did not end as it should. */
export interface Failed {
  /** The key, or where it was found. */
  readonly place: string;
  readonly side: Side;
  readonly action: 'read' | 'create' | 'update' | 'delete' | 'conflict';
  readonly error: SyncError;
  /** How many more of the collection have no place there for the very same reason, which is told once. */
  readonly alike?: number;
}

/** What a run did. Plain data; `failures` and `warnings` hold the first {@link limits.listedFailures}, the counts hold all. */
export interface Report {
  readonly counts: Counts;
  readonly types: { readonly [type: string]: Counts };
  /** Where the time decides: what came to each side, by type. */
  readonly flows?: { readonly [type: string]: { readonly [side in Side]: Flow } };
  /** Where ranges were compared by digests. */
  readonly ranges?: RangeTally;
  /** Entries settled in the baseline without a write (two-way). */
  readonly settled: number;
  /** Writes that no expectation protected, because the store cannot enforce one. */
  readonly unguarded: number;
  /** Differences that remain: failed, stale, conflicting, or planned and not executed. */
  readonly differences: number;
  /** What could not be read and is not in quarantine. */
  readonly problems: number;
  /** Of differences and problems what nothing remembers but the run itself: neither left there on purpose nor in quarantine. */
  readonly outstanding: number;
  /** The earliest time of what turned out to be newer at a target than what was to be written: the next run has to look at it. */
  readonly skippedFrom?: Micros;
  readonly failures: readonly Failed[];
  readonly warnings: readonly string[];
  /** Whether every scan ended without a problem. */
  readonly complete: boolean;
  readonly interrupted: boolean;
  readonly durationMs: number;
}

export interface RunOptions {
  readonly signal?: AbortSignal;
  readonly on?: (event: RunEvent) => void;
  /** Whether `on` need not hear of each entry that is written where many can be written as one. Default: only where there is no `on`. */
  readonly wholesale?: boolean;
  readonly host?: Host;
  /** Where baselines and learned equalities are kept. Default: nowhere, forgotten after the run. */
  readonly state?: State;
  /** Hides entries on both sides alike, so that what is left out is never mistaken for deleted. */
  readonly where?: (ref: Ref) => boolean;
  /**
   * Leaves entries out by more than their keys, such as their sizes. What is hidden on one side only would look missing, so
   * it is asked no sooner than both sides are known: about the source's entry, or the target's where the source has none;
   * both ways, about what would be written or deleted.
   */
  readonly within?: (entry: Entry) => boolean;
  /** Looks only at what has one of these keys or lies below it, on both sides. */
  readonly under?: readonly Key[];
  /**
   * Only what was modified within it is carried across. Given a beginning, only that is looked at, besides what is held under
   * the same keys, and nothing is deleted.
   */
  readonly window?: Window;
  /** Whether two places that can digest ranges of what they hold are compared by that first. Default: true. */
  readonly rangeDigests?: boolean;
  /** Bytes of entries held in memory before a sort spills to disk. */
  readonly sortBytes?: number;
  /** Bytes of content that one batch of writes brings, but for its last entry. */
  readonly batchBytes?: number;
}

/** A one-way pairing. Several origins are one source: a later one wins. */
export interface OneWay extends RunOptions {
  readonly origins: readonly Source[];
  readonly target: Store;
  /** `told`: what an origin says was deleted, of what was modified before that at the target. Within a window nothing more is. */
  readonly deletes?: Policy['deletes'];
  /**
   * Which entries of the target are in scope when the source does not hold them: all, or only those of the types (the
   * first part of the key) that the source does hold. A REST API that was read from one collection says nothing of others.
   */
  readonly scope?: 'everything' | 'types';
  readonly guard?: Guard;
  /** How many entries the whole target holds, for the guard, where a run looks only {@link RunOptions.under} a part of it. */
  readonly held?: number;
  /** What makes two entries equal; see {@link Policy}. */
  readonly equal?: Policy['equal'];
  /** What may be replaced; see {@link Policy}. */
  readonly replace?: Policy['replace'];
  /** What counts as proof that two entries are equal: what sizes and times say (default), or only content that was compared. */
  readonly proof?: 'stat' | 'content';
  /** Whether two entries that differ are nevertheless as they were when they were last in step, because a place keeps less than it is given. */
  readonly inStep?: (left: Entry, right: Entry) => boolean;
  /** Is told of what only the target holds where that is not deleted. Absent: a run does not look for it. */
  readonly onKept?: (key: Key) => void;
  /** Where what is replaced or deleted is kept, under its own key. An entry that cannot be kept is left as it is. */
  readonly backup?: Store;
  /** How much the run may use. What is left to be done when it is spent is counted as a difference. */
  readonly budget?: BudgetOptions;
  readonly concurrency?: number;
  /** What to do after an entry failed: go on with those that do not depend on it (default), or stop. */
  readonly onFailure?: 'continue' | 'stop';
  /** Where entries are set aside that cannot be carried across and that waiting does not mend. Default: they fail each time. */
  readonly quarantine?: QuarantineOptions;
}

/** For targets that cannot be read: stdout, null. Everything is written, in dependency order. */
export interface Copy extends RunOptions {
  readonly origins: readonly Source[];
  readonly target: Sink;
}

/** A two-way pairing. It needs a memory: without one a deletion cannot be told from an addition. */
export interface TwoWay extends RunOptions {
  readonly left: Store;
  readonly right: Store;
  readonly deletes?: Policy['deletes'];
  readonly conflicts?: Policy['conflicts'];
  /** What decides; see {@link Policy}. By time, deletions travel only where that was asked for. */
  readonly decides?: Policy['decides'];
  /** By time: how long deletions are remembered, so that nothing older comes back. Default: 90 days. */
  readonly tombstonesForMs?: number;
  readonly guard?: Guard;
  /** How many entries each side holds, roughly, for the guard, where a run looks only {@link RunOptions.under} a part of it. */
  readonly held?: number;
  readonly concurrency?: number;
  readonly state: State;
  /** Where records are set aside that cannot be carried across and that waiting does not mend. Default: they fail each time. */
  readonly quarantine?: QuarantineOptions;
}
