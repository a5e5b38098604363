import type { Triple } from '../../core/reconcile.ts';
import type { Entry, Ref } from '../../model/entry.ts';
import { SyncError } from '../../model/errors.ts';
import type { Store } from '../../model/store.ts';
import { readEach } from '../read-each.ts';
import type { TwoWay } from '../types.ts';
import type { Remembered } from './deletions.ts';
import type { ScanContext } from './scan.ts';

/** Keys asked for at once. */
const pageKeys = 500;

/** What is in quarantine, was not come across, and may have been mended without a newer time: both sides as they are now. */
export async function* soughtTriples({ left, right }: Pick<TwoWay, 'left' | 'right'>, context: ScanContext, { baseline, deletions }: Remembered): AsyncGenerator<readonly Triple[]> {
  const { ledger, signal, where } = context;
  const { quarantine } = ledger;
  // A run of a part of everything leaves the rest alone.
  if (!quarantine || context.under) return;
  const refs = quarantine.sought().filter((ref) => where?.(ref) !== false);
  for (let at = 0; at < refs.length; at += pageKeys) {
    const page = refs.slice(at, at + pageKeys);
    const [lefts, rights] = await Promise.all([left, right].map(async (store) => await readPatiently(store, page, signal)));
    yield page.flatMap(({ key }, i): Triple[] => {
      const [onLeft, onRight] = [lefts![i], rights![i]];
      quarantine.meet(key);
      if (onLeft instanceof SyncError) ledger.problem('left', { place: key, key, error: onLeft });
      if (onRight instanceof SyncError) ledger.problem('right', { place: key, key, error: onRight });
      return onLeft instanceof SyncError || onRight instanceof SyncError ? [] : [{ key, left: onLeft, right: onRight, base: baseline.get(key), gone: deletions.of(key) }];
    });
  }
}

/** Of what is in quarantine nothing may be readable, and that is no reason to give up. */
async function readPatiently(store: Store, refs: readonly Ref[], signal: AbortSignal | undefined): Promise<readonly (Entry | SyncError | undefined)[]> {
  return await readEach(store, refs, { ...(signal && { signal }), patient: true });
}
