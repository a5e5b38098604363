import type { Collection } from '../../model/collection.ts';
import { SyncError, toSyncError } from '../../model/errors.ts';
import type { Store } from '../../model/store.ts';
import { namesIn } from '../../stores/records/chooser.ts';
import { partsOf } from './places.ts';

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
 * Refuses a time field that no table of a side has: each of its records would be without a time, and all of them would end in
 * quarantine. A side that is yet to get a table with it, from the other one, is left alone. `modified`: the field that was named for
 * both sides; an endpoint can name its own.
 */
export async function refuseUnknownTime(sides: readonly (readonly [endpoint: string, store: Store])[], modified: string | undefined): Promise<void> {
  const found = await Promise.all(sides.map(async ([endpoint, store]) => {
    const field = partsOf(endpoint).get('modified') ?? modified;
    // A field of an index that is not mapped need not be described.
    const tables = (await store.describe?.() ?? []).filter(({ fields, key }) => fields.length > 0 && key.length > 0);
    const timed = tables.filter(({ fields }) => fields.some(({ name }) => name === field)).map(({ name }) => name);
    return { store, field, names: new Set(tables.map(({ name }) => name)), timed, likely: likelyTimes(tables) };
  }));
  for (const side of found) {
    const { store, field, names, timed, likely } = side;
    if (field === undefined && likely.length > 0 && store.capabilities.modifiedAt === 'none') {
      throw new SyncError('invalid', `${store.name} does not say when its entries were modified`, { store: store.name, hint: `name the field that does, as in --modified ${likely[0]!}` });
    }
    if (field === undefined || names.size === 0 || timed.length > 0) continue;
    if (found.some((other) => other !== side && other.timed.some((name) => !names.has(name)))) continue;
    throw new SyncError('invalid', `no table of ${store.name} has the field ${JSON.stringify(field)}, which is to say when a record was modified`, { store: store.name, hint: likely.length > 0 ? `check --modified: they all have ${likely.slice(0, 3).join(' and ')}` : 'check --modified' });
  }
}

/** The fields that all of some tables have and that hold a point in time. */
function likelyTimes([first, ...others]: readonly Collection[]): readonly string[] {
  const times = (first?.fields ?? []).filter(({ type: { kind } }) => kind === 'time-uuid' || kind === 'instant' || kind === 'local').map(({ name }) => name);
  return times.filter((time) => others.every(({ fields }) => fields.some(({ name }) => name === time)));
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
  return endpoints.flatMap((endpoint) => namesIn(partsOf(endpoint).get('collections') ?? undefined));
}
