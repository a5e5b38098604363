import { SyncError } from '../../model/errors.ts';
import type { Sink, Source } from '../../model/store.ts';
import type { State } from '../state/state.ts';

type Place = Source | Sink;

/** What is known of the places of a run. */
export interface KnownPlaces {
  /** The first of them that is another one than it was when it was last seen. */
  readonly moved: Place | undefined;
  /** Takes them as they are now for what they are; asks those again that were nothing yet, as one that the run has made since. */
  remember(): Promise<void>;
}

/**
 * Asks places what they are, and compares that with what they were; see law 1. Where nothing is to be deleted, a place
 * that is known is asked only if that costs nothing.
 */
export async function recognisePlaces(places: readonly Place[], state: State | undefined, signal: AbortSignal | undefined, deletes = true): Promise<KnownPlaces> {
  const seen: { readonly place: Place; readonly fingerprint: string }[] = [];
  const unknown: Place[] = [];
  let moved: Place | undefined;
  for (const place of state ? places : []) {
    if (!('fingerprint' in place)) continue;
    const before = state?.fingerprint(place.identity);
    const fingerprint = await place.fingerprint?.({ ...(signal && { signal }), ...(before !== undefined && !deletes && { unless: 'dear' }) });
    if (fingerprint === undefined) {
      if (before === undefined) unknown.push(place);
      continue;
    }
    if (before !== undefined && before !== fingerprint) moved ??= place;
    seen.push({ place, fingerprint });
  }
  const remember = async (): Promise<void> => {
    for (const { place, fingerprint } of seen) state?.setFingerprint(place.identity, fingerprint);
    for (const place of unknown) {
      const fingerprint = 'fingerprint' in place ? await place.fingerprint?.({ ...(signal && { signal }) }) : undefined;
      if (fingerprint !== undefined) state?.setFingerprint(place.identity, fingerprint);
    }
  };
  return { moved, remember };
}

/** The refusal to delete on the strength of a place that was exchanged for another. */
export function anotherPlace({ name }: Place, deletes: number): SyncError {
  return new SyncError('guarded', `refusing to delete ${deletes === 1 ? 'one entry' : `${deletes} entries`}, because ${name} is not the place it was at the last run: another disk may be mounted there, or none`, { store: name, hint: `pass --max-deletes ${deletes} if it is meant to be another` });
}
