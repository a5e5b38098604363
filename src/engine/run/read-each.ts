import type { Side } from '../../core/policy.ts';
import { Limit } from '../../lib/limit.ts';
import type { Entry, Ref } from '../../model/entry.ts';
import { SyncError, toSyncError } from '../../model/errors.ts';
import type { CallOptions, Source } from '../../model/store.ts';
import type { Ledger } from './ledger.ts';
import { isOfRecord } from './run-quarantine.ts';

/** Entries that are read by themselves at once; where none of the first so many can be read, it is not about any of them. */
const atOnce = 16;

export interface ReadEachOptions extends CallOptions {
  /** Goes on even if none of the first can be read. */
  readonly patient?: boolean;
}

/**
 * What `read` gives for entries of a source, with an error in the place of each that cannot be read, so that one does not
 * keep the others from being read. Rejects where waiting may help, and where hardly anything can be read.
 */
export async function readEach(source: Pick<Source, 'name' | 'read'>, entries: readonly Ref[], { patient = false, ...options }: ReadEachOptions): Promise<readonly (Entry | SyncError | undefined)[]> {
  try {
    return await source.read(entries, options);
  } catch (cause) {
    const error = toSyncError(cause, { store: source.name });
    if (error.retryable || error.code === 'interrupted' || options.signal?.aborted) throw error;
    if (entries.length === 1) return [error];
  }
  const found: (Entry | SyncError | undefined)[] = [];
  const readOne = async (i: number): Promise<void> => { [found[i]] = await readEach(source, entries.slice(i, i + 1), options); };
  const limit = new Limit(atOnce);
  for (let i = 0; i < entries.length; i++) {
    if (i === atOnce && !patient) {
      await limit.drain();
      const [first] = found;
      if (first instanceof SyncError && found.every((one) => one instanceof SyncError)) throw first;
    }
    await limit.add(() => readOne(i));
  }
  await limit.drain();
  return found;
}

/** Tells a run of an entry that a place cannot read. Throws where that is about more than this entry: then it would be told of each. */
export function tellUnreadable(error: SyncError, { key }: Ref, { side, place, ledger }: { readonly side: Side; readonly place: Pick<Source, 'name'>; readonly ledger: Pick<Ledger, 'problem'> }): void {
  if (!isOfRecord(error)) throw error;
  ledger.problem(side, { place: `${place.name}: ${key}`, key, error });
}
