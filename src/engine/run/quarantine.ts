import type { Side } from '../../core/policy.ts';
import type { Ref, Stat } from '../../model/entry.ts';
import type { FailureCode } from '../../model/errors.ts';
import type { Failed } from '../types.ts';

/** A record that could not be carried across, and that waiting does not mend. */
export interface Quarantined {
  /** The side that it is on. */
  readonly side: Side;
  /** Its key, or where it was found. Together with the side no two have the same. */
  readonly id: string;
  /** Absent where it cannot be asked for by a key. */
  readonly ref?: Ref;
  /** What was to be done with it. */
  readonly action: Failed['action'];
  readonly code: FailureCode;
  /** What went wrong and what to do about it, in one line. */
  readonly sentence: string;
  /** What it was when it failed. Absent where it could not be read. */
  readonly stat?: Stat;
  /** Milliseconds since the Unix epoch: when it was put here, and when a run last came across it. */
  readonly firstMs: number;
  readonly lastMs: number;
  /** The document as canonical JSON, where there is one of no more than {@link quarantineLimits.textBytes}. */
  readonly text?: string;
}

/** How much a quarantine holds. */
export const quarantineLimits: { readonly [limit in 'records' | 'textBytes' | 'allBytes' | 'sought']: number } = {
  /** Records of one configuration. */
  records: 100_000,
  /** Bytes of one document. */
  textBytes: 64 * 1024,
  /** Bytes of the documents of one configuration. */
  allBytes: 128 * 1024 * 1024,
  /** Records that a run asks for by their keys although it did not come across them. */
  sought: 1_000,
};

/** The records of one configuration that are set aside. All changes are durable when the method has returned. */
export interface Quarantine {
  /** All of them without their documents, those first that no run has come across for longest. */
  list(): readonly Quarantined[];
  /** Those of this name, with their documents. */
  find(id: string): readonly Quarantined[];
  /** Bytes of all documents. */
  bytes(): number;
  change(change: QuarantineChange): void;
}

/** What becomes of a quarantine, all of it or nothing. */
export interface QuarantineChange {
  /** New, or in the place of those of the same side and name. */
  readonly put?: readonly Quarantined[];
  readonly delete?: readonly Named[];
  /** Came across again. */
  readonly seen?: { readonly atMs: number; readonly records: readonly Named[] };
}

/** Names one record of a quarantine. */
export type Named = Pick<Quarantined, 'side' | 'id'>;

/** A configuration that has something in quarantine. */
export interface QuarantineOf {
  readonly configuration: string;
  /** The same, fit to print. */
  readonly name: string;
}

/** The quarantines there are. */
export interface Quarantines {
  of(configuration: QuarantineOf): Quarantine;
  /** Those that hold something, by their names. */
  list(): readonly (QuarantineOf & { readonly records: number })[];
}

/** What a run has to do with the quarantine of its configuration. */
export interface QuarantineOptions extends QuarantineOf {
  /**
   * `met`: what the run comes across is tried again if it has changed. `changed` (default): some of what it does not come across is
   * asked for, too, for it may have changed without a newer time. `all`: everything is tried again, changed or not.
   */
  readonly tries?: 'met' | 'changed' | 'all';
}

/** What a record is called in a quarantine that has no key. */
export function idOfPlace(place: string, sentence: string): string {
  return sentence.includes(place) ? sentence : `${place}: ${sentence}`;
}

/** Whether something is known to be what it was. Where that cannot be told it counts as changed: to try once more does no harm. */
export function isUnchanged(now: Stat, before: Stat | undefined): boolean {
  if (!before || now.modifiedAt !== before.modifiedAt) return false;
  if (now.digest && before.digest) return now.digest.algorithm === before.digest.algorithm && now.digest.value === before.digest.value;
  if (now.version !== undefined && before.version !== undefined) return now.version === before.version;
  return now.modifiedAt !== undefined && now.size === before.size;
}
