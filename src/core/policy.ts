/** Which of the two places. One-way runs go from left to right. */
export type Side = 'left' | 'right';

/** The other place. */
export function otherSide(side: Side): Side {
  return side === 'left' ? 'right' : 'left';
}

/** What a run is to do about differences. One-way goes from left to right. */
export interface Policy {
  readonly direction: 'one-way' | 'two-way';
  /** `told`: what a tombstone says was deleted, and nothing because it is not there. `propagate`: both. */
  readonly deletes: 'propagate' | 'told' | 'keep';
  /** Two-way only. `report` leaves both sides as they are and says so. */
  readonly conflicts: 'newest' | 'left' | 'right' | 'report';
  /**
   * Two-way only. `baseline` (default): what changed since both sides last agreed is the news. `time`: the later entry wins,
   * whatever was agreed on, and what one side lacks is written there; only a deletion is inferred from the baseline.
   */
  readonly decides?: 'baseline' | 'time';
  /**
   * What makes two entries equal. `content` (default): what digests, or sizes and times that prove it, say. `size`: equal
   * sizes will do. `nothing`: no two are, so everything is written. One-way only, as is `replace`.
   */
  readonly equal?: 'content' | 'size' | 'nothing';
  /**
   * Which entries of the target may be replaced: any that differs (default); only one that is older; none, without a word;
   * none, and one that differs is a failure.
   */
  readonly replace?: 'differing' | 'older' | 'never' | 'refuse';
}
