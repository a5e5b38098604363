import { defaultGuard } from '../../core/guard.ts';
import { SyncError } from '../../model/errors.ts';
import type { Store } from '../../model/store.ts';
import type { OneWay, TwoWay } from '../types.ts';
import type { Moves } from '../write/moves.ts';

/**
 * Asks the guard, and remembers a refusal until a run of everything is not refused, or one that was told how much it may
 * delete. A count refuses the same whatever the target holds, and what could not be written may well be by the next run.
 */
export async function rememberRefusal(target: Store, scanned: number, moves: Moves, pairing: Pick<OneWay | TwoWay, 'state' | 'guard' | 'where' | 'within' | 'under' | 'held'>, ask: () => Promise<void>): Promise<void> {
  const { state, guard = defaultGuard, where, within, under, held = under === undefined ? scanned : undefined } = pairing;
  try {
    await ask();
  } catch (error) {
    if (error instanceof SyncError && error.code === 'guarded' && held !== undefined && typeof guard.maxDeletes === 'object' && !moves.unwritten) state?.setHeldAtRefusal(target.identity, Math.min(held, state.heldAtRefusal(target.identity) ?? Infinity));
    throw error;
  }
  if (under === undefined && (pairing.guard !== undefined || (!where && !within))) state?.setHeldAtRefusal(target.identity, undefined);
}
