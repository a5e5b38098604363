import type { Side } from '../../core/policy.ts';
import type { Sink, Source } from '../../model/store.ts';
import { hides } from '../plan/scan.ts';
import type { ScanContext } from '../plan/scan.ts';

/** Clocks are never quite the same. What disagrees by more than this, in milliseconds, is worth a word. */
const boundMs = 60_000;

/**
 * Reaches each place that can be reached by itself before anything is read: that one of them is out of reach would else be
 * found out when the others were read. `byTime`: times decide, so that whose clock disagrees with ours is told.
 */
export async function reach(places: readonly (Source | Sink)[], { ledger, signal, nowMs }: ScanContext, byTime: boolean): Promise<void> {
  const asked = places.filter((place): place is Source => 'clock' in place);
  const answers = await Promise.allSettled(asked.map(async (place) => {
    const beforeMs = nowMs();
    const micros = await place.clock?.(signal && { signal });
    return { beforeMs, afterMs: nowMs(), ms: micros === undefined ? undefined : micros / 1_000 };
  }));
  for (const answer of answers) if (answer.status === 'rejected') throw answer.reason;
  if (!byTime) return;
  answers.forEach((answer, i) => {
    if (answer.status === 'rejected' || answer.value.ms === undefined) return;
    const { beforeMs, afterMs, ms } = answer.value;
    const { name } = asked[i]!;
    if (ms < beforeMs - boundMs) ledger.warn(`the clock of ${name} is ${seconds(beforeMs - ms)} behind that of this machine: what is stamped by it may be missed by the next run unless --overlap is longer than that; set the clocks`);
    else if (ms > afterMs + boundMs) ledger.warn(`the clock of ${name} is ${seconds(ms - afterMs)} ahead of that of this machine: what is stamped by it travels so much later; set the clocks`);
  });
}

/** Tells whoever listens how much there is to be read, where that is known and all of it will be. */
export async function tellExpected(sides: readonly (readonly [Side, readonly Source[]])[], { ledger, window, under, estimate }: ScanContext): Promise<void> {
  if (hides(window) || under) return;
  for (const [side, places] of sides) {
    const counts = await Promise.all(places.map(estimate));
    if (counts.every((count) => count !== undefined)) ledger.emit({ kind: 'expected', side, entries: counts.reduce((sum, count) => sum + count, 0) });
  }
}

function seconds(ms: number): string {
  return `${Math.round(ms / 1_000)} seconds`;
}
