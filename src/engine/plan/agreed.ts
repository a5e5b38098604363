import type { Base } from '../../core/reconcile.ts';
import type { Entry, Stat } from '../../model/entry.ts';
import { pairingName } from '../merge.ts';
import { learnedName } from '../sync.ts';
import type { OneWay } from '../types.ts';

/**
 * Whether an entry of the left side and one of the right hold what they held when another run of the two places, both ways
 * or the other way, left them in step: one of them may be less exact than the other, as the place that keeps it is.
 * `undefined` where nothing can be remembered of such runs.
 */
export function agreedBefore({ origins, target, state }: OneWay): ((left: Entry, right: Entry) => boolean) | undefined {
  const [origin, ...others] = origins;
  if (!state || !origin || others.length > 0) return undefined;
  const there = state.baseline(pairingName({ left: origin, right: target }));
  const back = [pairingName({ left: target, right: origin }), learnedName(origin)].map((name) => state.baseline(name));
  return (left, right) => isBase(there.get(left.key), left, right) || back.some((baseline) => isBase(baseline.get(left.key), right, left));
}

/** Only digests will do: whoever asks wants proof. */
function isBase(base: Base | undefined, left: Stat, right: Stat): boolean {
  return base !== undefined && hasDigestOf(left, base.left) && hasDigestOf(right, base.right);
}

function hasDigestOf({ digest: now }: Stat, { digest: before }: Stat): boolean {
  return now !== undefined && now.algorithm === before?.algorithm && now.value === before.value;
}
