import type { Side } from '../../core/policy.ts';
import type { Ledger } from './ledger.ts';
import { hides } from '../plan/scan.ts';
import type { ScanContext } from '../plan/scan.ts';
import type { OneWay, TwoWay } from '../types.ts';

type Pairing = Pick<TwoWay, Side | 'state' | 'held' | 'window' | 'where' | 'within' | 'under'>;

/** How many entries one side holds, for the guard. A run that looks at a window goes by the last one that looked at everything. */
export function heldBy(side: Side, pairing: Pairing, ledger: Ledger): number {
  const seen = pairing.held ?? ledger.held(side);
  if (!hides(pairing.window)) return seen;
  const known = Number(pairing.state.facts(pairing[side].identity).get(nameOf(pairing))?.text ?? 0);
  return Number.isSafeInteger(known) ? Math.max(seen, known) : seen;
}

/**
 * How many entries a target holds of which a one-way run deletes only what it is told of, as many as the place says: such a run need not come across
 * them. To be asked before anything is written, since the guard measures against what was there before.
 */
export async function estimateHeld({ target, deletes }: Pick<OneWay, 'target' | 'deletes'>, { estimate }: ScanContext): Promise<number> {
  return deletes === 'told' ? await estimate(target) ?? 0 : 0;
}

/** Remembers how many entries each side holds after a run that saw all of them. */
export function rememberHeld(pairing: Pairing, ledger: Ledger, nowMs: number): void {
  if (hides(pairing.window) || pairing.under !== undefined) return;
  for (const side of ['left', 'right'] as const) pairing.state.facts(pairing[side].identity).set(nameOf(pairing), { text: String(Math.max(0, ledger.held(side) + ledger.more[side])), at: Math.floor(nowMs) });
}

function nameOf({ where, within }: Pairing): string {
  return where || within ? 'entries held, of those chosen' : 'entries held';
}
