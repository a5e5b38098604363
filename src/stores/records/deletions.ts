import type { Host } from '../../model/host.ts';
import type { StoreKind } from '../../model/kind.ts';
import { isSink, isSource } from '../../model/store.ts';
import type { Sink, Source, Store } from '../../model/store.ts';
import type { TimeUnit } from './instants.ts';

/** A place that may be anything. */
type Place = Store | Source | Sink;

/** How a place says what was deleted. */
export interface DeletionOptions {
  readonly deleted?: unknown;
  readonly modified?: unknown;
  readonly modifiedUnit?: unknown;
  readonly tombstones?: unknown;
  readonly collections?: unknown;
  /** Any other option of the kind. */
  readonly [option: string]: unknown;
}

/** Opens a place of a kind, and what is known of deletions there, where the options name a collection that says so. */
export async function openWithTombstones(kind: StoreKind, endpoint: string, options: DeletionOptions, host: Host): Promise<Place> {
  const { tombstones: name, collections } = options;
  if (typeof name !== 'string' || !kind.options.some((option) => option.name === 'tombstones')) return await kind.open(endpoint, options, host);
  const { telling, tombstoneFields } = await import('./telling.ts');
  const store = await kind.open(endpoint, { ...options, collections: `${typeof collections === 'string' ? collections : '*'},!${name}` }, host);
  const table = await kind.open(endpoint, { ...options, collections: name, modified: tombstoneFields.at, missing: 'refuse', create: false }, host);
  return isStore(store) && isStore(table) ? telling(store, { table, name, host }) : store;
}

/** A place as one in which a field says that a document is deleted, where the options name one. */
export async function deletedAs(place: Place, { deleted, modified, modifiedUnit }: DeletionOptions, host: Host): Promise<Place> {
  // An endpoint without such a field says so by an empty name, where the other side has one.
  if (typeof deleted !== 'string' || deleted === '' || !isStore(place)) return place;
  const { softly } = await import('./softly.ts');
  return softly(place, { deleted, host, ...(typeof modified === 'string' && { modified }), ...(typeof modifiedUnit === 'string' && { unit: modifiedUnit as TimeUnit }) });
}

function isStore(place: Place): place is Store {
  return isSource(place) && isSink(place);
}
