import { SyncError } from '../model/errors.ts';
import { isSink, isSource } from '../model/store.ts';
import type { Sink, Source, Store } from '../model/store.ts';
import type { AddressPattern } from '../schema/pattern.ts';
import type { Schema } from '../schema/schema.ts';
import { loadSchema } from './open.ts';

/** Two sides of which one may be an API. */
export interface Sides {
  readonly origins: readonly Source[];
  readonly target: Store | Sink;
}

/** Whether a place knows its entries by addresses, and has to be told what to list. */
function isApi({ capabilities }: Source | Sink): boolean {
  return capabilities.enumerates === 'collections';
}

/** Both sides, the one beside an API as one of resources. Throws `invalid` where a pattern is given and no side is an API. */
export async function besideApi<Pair extends Sides>(pair: Pair, { schema: name = 'hal', address }: { readonly schema?: Schema['name']; readonly address?: string }): Promise<Pair> {
  const { origins, target } = pair;
  const fromApi = origins.some(isApi);
  if (!fromApi && !isApi(target)) {
    if (address !== undefined) throw new SyncError('invalid', '--address says where an API has its resources, and neither side is one', { hint: 'leave it out, or name an API as https://host' });
    return pair;
  }
  const schema = await loadSchema(name);
  const { readPattern, withPattern } = await import('../schema/pattern.ts');
  const { resources } = await import('./records/resources.ts');
  const pattern = address === undefined ? undefined : readPattern(address);
  const options = pattern ? { schema: withPattern(schema, pattern), pattern } : { schema };
  const shown = <Place extends Source | Store | Sink>(place: Place): Place => (isRecords(place, pattern) ? resources(place, options) as Store & Place : place);
  return { ...pair, origins: isApi(target) ? origins.map(shown) : origins, target: fromApi ? shown(target) : target };
}

/** Whether a place does not say by itself where its entries are in an API. Files do, unless a pattern says it for them. */
function isRecords(place: Source | Sink, pattern: AddressPattern | undefined): place is Store {
  return place.capabilities.holds === 'documents' && !isApi(place) && place.capabilities.reads !== 'once' && isSource(place) && isSink(place) && (pattern !== undefined || place.describe !== undefined);
}
