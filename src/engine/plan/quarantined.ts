import type { Action, Triple } from '../../core/reconcile.ts';
import type { Entry, Ref } from '../../model/entry.ts';
import { SyncError } from '../../model/errors.ts';
import type { Source } from '../../model/store.ts';
import type { Ledger } from '../run/ledger.ts';
import { readEach } from '../run/read-each.ts';
import type { Baseline } from '../state/state.ts';
import type { OneWay, TwoWay } from '../types.ts';
import type { Remembered } from './deletions.ts';
import type { ScanContext, SourcedEntry } from './scan.ts';

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
async function readPatiently(store: Pick<Source, 'name' | 'read'>, refs: readonly Ref[], signal: AbortSignal | undefined): Promise<readonly (Entry | SyncError | undefined)[]> {
  return await readEach(store, refs, { ...(signal && { signal }), patient: true });
}

/** Whether an action of a one-way run is left out for what is in quarantine. */
export function isHeldBack(action: Action, ledger: Ledger): boolean {
  const { quarantine } = ledger;
  if (!quarantine) return false;
  // What cannot be read is neither gone nor what an earlier origin says it is, and what it would replace is not known.
  if (quarantine.isUnreadable(action.key)) {
    if (action.kind === 'put') ledger.heldBack();
    return true;
  }
  if (action.kind !== 'put') return false;
  quarantine.meet(action.key);
  if (!quarantine.holdsBack(action)) return false;
  ledger.heldBack();
  return true;
}

/**
 * What is in quarantine and a one-way run did not come across, both sides as they are now: what was equal need not have been read. `whole`: all was, so that it is
 * there no more. What only the target holds is left to the scans to tell of.
 */
export async function* soughtOneWay({ origins, target }: Pick<OneWay, 'origins' | 'target'>, context: ScanContext, { whole, baseline }: { readonly whole: boolean; readonly baseline: Baseline | undefined }): AsyncGenerator<readonly Triple[]> {
  const { ledger, ledger: { quarantine }, signal, where, within } = context;
  if (!quarantine || context.under || context.window) return;
  if (whole && ledger.sawAll) quarantine.releaseUnmet(ledger.complete ? 'all' : 'nameless');
  const refs = quarantine.sought().filter((ref) => where?.(ref) !== false && target.covers?.(ref) !== false);
  for (let at = 0; at < refs.length; at += pageKeys) {
    const page = refs.slice(at, at + pageKeys);
    const [lefts, rights] = await Promise.all([readLast(origins, page, signal), readPatiently(target, page, signal)]);
    yield page.flatMap(({ key }, i): Triple[] => {
      const [left, right] = [lefts[i], rights[i]];
      quarantine.meet(key);
      if (left instanceof SyncError) ledger.problem('left', { place: key, key, error: left });
      if (right instanceof SyncError) ledger.problem('right', { place: key, key, error: right });
      if (left instanceof SyncError || right instanceof SyncError) return [];
      if (!left || left.deleted) quarantine.release(key);
      return left && !left.deleted && within?.(left) !== false ? [{ key, left, right, base: baseline?.get(key) }] : [];
    });
  }
}

/** What the last of several origins holds that holds it. */
export async function readLast(origins: readonly Source[], refs: readonly Ref[], signal: AbortSignal | undefined): Promise<readonly (SourcedEntry | SyncError | undefined)[]> {
  const last: (SourcedEntry | SyncError | undefined)[] = refs.map(() => undefined);
  for (const [origin, source] of origins.entries()) {
    for (const [i, found] of (await readPatiently(source, refs, signal)).entries()) if (found) last[i] = found instanceof SyncError ? found : { ...found, origin };
  }
  return last;
}
