import type { SyncError } from '../../model/errors.ts';
import type { Failed } from '../types.ts';

/** One thing that did not work, and where. */
export interface Trouble {
  /** A key, or the printable name of a store. */
  readonly place: string;
  /** Absent: it is about the whole place. */
  readonly action?: Failed['action'];
  readonly error: SyncError;
}

/** The most that are remembered, and so told apart. */
const mostTold = 1_000;

/** Remembers what was said, so that what goes on for hours is said once. */
export class Troubles {
  readonly #told = new Set<string>();

  get any(): boolean {
    return this.#told.size > 0;
  }

  /** Those of `troubles` that were not told yet. What waiting may mend befalls many entries at once, and is told once for all. */
  news(troubles: readonly Trouble[]): readonly Trouble[] {
    return troubles.filter(({ place, error }) => {
      const name = error.retryable || error.code === 'guarded' ? error.code : `${error.code} ${place}`;
      if (this.#told.has(name) || this.#told.size >= mostTold) return false;
      this.#told.add(name);
      return true;
    });
  }

  forget(): void {
    this.#told.clear();
  }
}
