import { SyncError } from '../model/errors.ts';
import type { Store } from '../model/store.ts';
import type { OneWay, TwoWay } from './types.ts';

/** Asks the guard, and remembers a refusal until a run of everything is not refused, or one that was told how much it may delete. */
export async function rememberRefusal(target: Store, scanned: number, pairing: Pick<OneWay | TwoWay, 'state' | 'guard' | 'where' | 'within' | 'under' | 'held'>, ask: () => Promise<void>): Promise<void> {
  const { state, guard, where, within, under, held = under === undefined ? scanned : undefined } = pairing;
  try {
    await ask();
  } catch (error) {
    if (error instanceof SyncError && error.code === 'guarded' && held !== undefined) state?.setHeldAtRefusal(target.identity, Math.min(held, state.heldAtRefusal(target.identity) ?? Infinity));
    throw error;
  }
  if (under === undefined && (guard !== undefined || (!where && !within))) state?.setHeldAtRefusal(target.identity, undefined);
}
