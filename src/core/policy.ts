/** Which of the two places. One-way runs go from left to right. */
export type Side = 'left' | 'right';

/** The other place. */
export function otherSide(side: Side): Side {
  return side === 'left' ? 'right' : 'left';
}

/** What a run is to do about differences. One-way goes from left to right. */
export interface Policy {
  readonly direction: 'one-way' | 'two-way';
  readonly deletes: 'propagate' | 'keep';
  /** Two-way only. `report` leaves both sides as they are and says so. */
  readonly conflicts: 'newest' | 'left' | 'right' | 'report';
}
