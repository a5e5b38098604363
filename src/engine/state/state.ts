import type { Side } from '../../core/policy.ts';
import type { Base } from '../../core/reconcile.ts';
import type { ResponseCache } from '../../lib/response-cache.ts';
import type { Digest, Micros, Version } from '../../model/entry.ts';
import type { Facts } from '../../model/facts.ts';
import type { Key } from '../../model/key.ts';
import type { Quarantines } from '../run/quarantine.ts';
import type { Counts } from '../types.ts';

/** What two sides last agreed on, in key order. Changes are durable once {@link Baseline.commit} has returned. */
export interface Baseline {
  scan(): AsyncIterable<readonly Base[]>;
  get(key: Key): Base | undefined;
  set(base: Base): void;
  delete(key: Key): void;
  commit(): void;
}

/** A deletion that was seen. */
export interface Tombstone {
  readonly key: Key;
  /** When it was deleted. */
  readonly at: Micros;
  /** Milliseconds since the Unix epoch: when we came to know of it. */
  readonly notedMs: number;
}

/** Deletions that two sides saw, kept longer than any place keeps them. Changes are durable once {@link Tombstones.commit} has returned. */
export interface Tombstones {
  readonly isEmpty: boolean;
  /** In key order. */
  scan(): AsyncIterable<readonly Tombstone[]>;
  /** When a key was last deleted. */
  get(key: Key): Micros | undefined;
  /** Remembers a deletion, unless a later one of that key is known. */
  set(tombstone: Tombstone): void;
  delete(key: Key): void;
  commit(): void;
  /** Forgets for good what is too old to be told any more. */
  purge(): void;
}

/** Digests of content that was read once, each good for as long as the entry has the version it had then. */
export interface HashCache {
  get(key: Key, version: Version): readonly Digest[];
  /** The same of many, which costs a fraction of it where the keys are in order. Nothing is known of what has no version. */
  getAll(asked: readonly { readonly key: Key; readonly version?: Version }[]): readonly (readonly Digest[])[];
  set(key: Key, version: Version, digest: Digest): void;
  /** Forgets what is not there any more. */
  delete(key: Key): void;
  /** Changes are durable once this has returned. */
  commit(): void;
}

/** Until where a configuration was found to be in step. */
export interface Checkpoint {
  /** All that shapes the runs: both places, what is selected, how it is read. */
  readonly configuration: string;
  /** The same, fit to print. */
  readonly name: string;
  readonly until: Micros;
  /** Milliseconds since the Unix epoch: when this was remembered. */
  readonly at: number;
}

/** Where configurations go on. */
export interface Checkpoints {
  get(configuration: string): Checkpoint | undefined;
  /** Durable once this has returned. Throws `conflict` where it rests on a lock that somebody else has taken since. */
  set(checkpoint: Checkpoint, lock?: Lock): void;
  /** Whether there was one. */
  delete(configuration: string): boolean;
  /** By their names. */
  list(): readonly Checkpoint[];
}

/** The right to run a configuration. */
export interface Lock {
  readonly configuration: string;
  /** Greater than that of every lock on this configuration before. */
  readonly token: number;
}

/** Who holds a lock, or held it last. */
export interface Holder {
  readonly holder: string;
  /** Milliseconds since the Unix epoch. */
  readonly sinceMs: number;
  readonly untilMs: number;
}

/** Locks that are good for a time, and are taken over when it is past. */
export interface Locks {
  /** A lock, or who holds it. `isGone`: whether a holder is known not to be there any more. */
  take(configuration: string, wanted: Holder, isGone?: (holder: string) => boolean): Lock | Holder;
  /** Whether the lock is still held, and is now until then. */
  renew(lock: Lock, untilMs: number): boolean;
  /** Gives the lock back, where it is still held. */
  release(lock: Lock): void;
}

/** A run that was begun. */
export interface PastRun {
  /** A short name for all that shapes it. */
  readonly configuration: string;
  /** Fit to print. */
  readonly name: string;
  /** Milliseconds since the Unix epoch. */
  readonly startMs: number;
  /** Absent: it is under way, or was killed. */
  readonly ended?: RunEnd;
}

/** What a run came to. */
export interface RunEnd {
  /** Milliseconds since the Unix epoch. */
  readonly endMs: number;
  readonly exitCode: number;
  /** Absent where it was given up before it had read anything. */
  readonly counts?: Counts;
  /** Sentences fit to print: why it was given up, and the first of what failed. */
  readonly errors: readonly string[];
}

/** The runs there were: the last thousand of each configuration. */
export interface History {
  /** Takes note of a run that begins; the result takes note of its end. Both are durable once they have returned. */
  begin(run: Omit<PastRun, 'ended'>): (end: RunEnd) => void;
  /** The last runs, of one configuration or of those with this name or of all, oldest first. */
  list(options: { readonly which?: string | undefined; readonly limit: number }): readonly PastRun[];
  /** The last run of a configuration. */
  last(configuration: string): PastRun | undefined;
}

/** Everything remembered between runs. Each pairing has its own baseline, so two configurations never disturb each other. */
export interface State extends AsyncDisposable {
  /** `pairing`: all that shapes the run: both identities, direction, selection, schema. */
  baseline(pairing: string): Baseline;
  /** The deletions of a pairing that were noted since then; older ones are as good as forgotten. */
  tombstones(pairing: string, sinceMs: number): Tombstones;
  /** Responses of one store. */
  responses(identity: string): ResponseCache;
  /** Digests of what one store holds. */
  hashes(identity: string): HashCache;
  /** What a store found out about its place, by the place's identity. */
  facts(identity: string): Facts;
  readonly checkpoints: Checkpoints;
  readonly locks: Locks;
  readonly history: History;
  readonly quarantines: Quarantines;
  /** What was remembered of a place to tell it from another one at the same address; see law 1. */
  fingerprint(identity: string): string | undefined;
  setFingerprint(identity: string, fingerprint: string): void;
  /** How many entries a target held when the guard first refused to delete from it, while that has not been settled; see law 1. */
  heldAtRefusal(identity: string): number | undefined;
  /** `undefined`: nothing is refused any more. */
  setHeldAtRefusal(identity: string, held: number | undefined): void;
  /** Keeps a value that a two-way run is about to overwrite although it was news (law 7), as one of the last ten thousand or a few more of its pairing. Durable once this returns. */
  keepLost(pairing: string, value: LostValue): void;
  /** The values that lost, oldest first. */
  lost(pairing: string): readonly LostValue[];
  /** Those of all pairings, or of them those of one key, oldest first. */
  allLost(key?: Key): Iterable<LostValue & { readonly pairing: string }>;
}

/** The losing side of a conflict. */
export interface LostValue {
  /** Milliseconds since the Unix epoch. */
  readonly at: number;
  readonly key: Key;
  readonly side: Side;
  /** The document as canonical JSON. */
  readonly text: string;
}
