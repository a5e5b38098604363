import { sameContent } from '../../core/compare.ts';
import type { Triple } from '../../core/reconcile.ts';
import type { Side } from '../../core/policy.ts';
import type { Entry, Stat } from '../../model/entry.ts';
import type { Store } from '../../model/store.ts';

export interface StillOptions {
  readonly left: Store;
  readonly right: Store;
  readonly precision: number;
  readonly signal: AbortSignal | undefined;
}

/**
 * The triples, with what both sides last agreed on under the versions of today, where a side is still what it was and calls it otherwise. Only where that
 * decides: of two sides that are equal nobody asks what they were.
 */
export async function withStill(triples: readonly Triple[], { left, right, precision, signal }: StillOptions): Promise<readonly Triple[]> {
  let found = triples;
  for (const [side, store] of [['left', left], ['right', right]] as const) {
    if (!store.isStill) continue;
    const doubtful = found.flatMap((triple) => doubtOf(triple, side, precision) ?? []);
    if (doubtful.length === 0) continue;
    const still = await store.isStill(doubtful.map(({ now, version }) => ({ ref: now, version })), signal && { signal });
    const versions = new Map(doubtful.flatMap(({ now }, i) => (still[i] ? [[now.key, now.version] as const] : [])));
    found = found.map((triple) => {
      const version = versions.get(triple.key);
      return version === undefined || !triple.base ? triple : { ...triple, base: { ...triple.base, [side]: { ...triple.base[side], version } } };
    });
  }
  return found;
}

/** An entry that looks as it did, and has another version. */
function doubtOf({ left, right, base }: Triple, side: Side, precision: number): { readonly now: Entry; readonly version: NonNullable<Stat['version']> } | undefined {
  const [now, before] = [side === 'left' ? left : right, base?.[side]];
  if (!now || now.deleted || before?.version === undefined || now.version === before.version || sameContent(now, before, precision) !== true) return undefined;
  if (left && right && sameContent(left, right, precision) === true) return undefined;
  return { now, version: before.version };
}
