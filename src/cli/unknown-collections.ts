import { SyncError, toSyncError } from '../model/errors.ts';
import type { Store } from '../model/store.ts';
import { namesIn } from '../stores/records/chooser.ts';

/**
 * Refuses names of collections that neither side has. One that only one side has is made on the other; of one that nobody
 * has, nothing would ever be carried across, and nobody would notice.
 */
export async function refuseUnknown(names: readonly string[], stores: readonly Store[], { what = 'collection', hint = 'check the names in the option collections' }: { readonly what?: string; readonly hint?: string } = {}): Promise<void> {
  if (names.length === 0) return;
  const described = await Promise.all(stores.map(async (store) => await store.describe?.()));
  // Where a side cannot say what it has, it may have anything.
  if (described.includes(undefined)) return;
  const there = new Set(described.flatMap((collections) => collections?.map(({ name }) => name) ?? []));
  const absent = names.find((name) => !there.has(name));
  if (absent !== undefined) throw new SyncError('not-found', `neither side has a ${what} ${absent}`, { hint });
}

/**
 * Does `check` before anything else is done, and once. Before runs that come again and again, a place that is out of reach for a
 * moment ends nothing: then it is for the first run that gets so far to see to it, by what is returned.
 */
export async function checkFirst(check: () => Promise<void>, { again }: { readonly again: boolean }): Promise<() => Promise<void>> {
  let checked = false;
  const once = async (): Promise<void> => {
    if (!checked) await check();
    checked = true;
  };
  await once().catch((cause: unknown) => {
    if (!again || !toSyncError(cause).retryable) throw cause;
  });
  return once;
}

/** The names of collections that endpoints choose, and that stand for one each. */
export function collectionsNamed(endpoints: readonly string[]): readonly string[] {
  return endpoints.flatMap((endpoint) => namesIn(new URLSearchParams(/\?(.*)$/s.exec(endpoint)?.[1] ?? '').get('collections') ?? undefined));
}
