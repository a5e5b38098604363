import { isDocument } from '../../model/document.ts';
import type { Document } from '../../model/document.ts';
import type { Entry, Ref } from '../../model/entry.ts';
import { SyncError } from '../../model/errors.ts';
import { explained } from './failure.ts';
import type { Cause } from './failure.ts';
import { documentsIn, idBytes } from './place.ts';
import type { OpenIndex, Place } from './place.ts';

/** A document by where it is. */
export interface Address {
  readonly index: OpenIndex;
  readonly id: string;
}

const mostIds = 500;

/** That one document could not be looked up, and why. */
class Unanswered extends SyncError {}

/** The entries for some keys, in their order, as they are at this moment, refreshed or not. */
export async function readEntries(place: Place, refs: readonly Ref[], signal: AbortSignal | undefined): Promise<readonly (Entry | undefined)[]> {
  if (refs.length === 0) return [];
  const indices = await place.indicesFor(refs.map(({ key }) => key), signal);
  const addresses = refs.map((ref): Address | undefined => {
    if (place.flawOf(ref)) return undefined;
    const { collection, id } = place.partsOf(ref.key);
    const index = indices.get(collection);
    return index && { index, id };
  });
  const known = addresses.filter((address) => address !== undefined);
  const answers = (await lookUp(place, known, { signal })).values();
  return addresses.map((address) => {
    const answer = address && answers.next().value;
    return address && answer && place.entryOf({ ...address, answer });
  });
}

/**
 * What the server has at some addresses, in their order; `undefined` where there is nothing. `fields`: only these of each document.
 * Throws where it cannot tell.
 */
export async function lookUp(place: Place, addresses: readonly Address[], { fields, signal }: { readonly fields?: readonly string[]; readonly signal: AbortSignal | undefined }): Promise<readonly (Document | undefined)[]> {
  const found: (Document | undefined)[] = [];
  for (let at = 0, size = mostIds, failed = 0; at < addresses.length;) {
    const some = addresses.slice(at, at + size);
    const body = JSON.stringify({ docs: some.map(({ index, id }) => ({ _index: index.target, _id: id, ...(fields && { _source: fields }) })) });
    try {
      const answer = await place.client.request({ path: '/_mget', body, about: place.about('read'), signal });
      const docs = documentsIn(answer.body['docs']);
      if (docs.length !== some.length) throw new SyncError('unavailable', `cannot read ${place.name}: the server leaves documents out of its answer`, { store: place.name, hint: 'run again' });
      found.push(...docs.map((doc, i) => foundIn(place, some[i]!, doc)));
      at += size;
      failed = 0;
    } catch (error) {
      // A shard that is being started says so for each document, in an answer that is fine otherwise.
      if (error instanceof Unanswered && ++failed < place.client.maxAttempts) {
        await place.client.pause(failed, signal);
        continue;
      }
      if (!(error instanceof SyncError && error.code === 'invalid' && /larger than/.test(error.message)) || size === 1) throw error;
      size = Math.max(1, Math.floor(size / 8));
    }
  }
  return found;
}

function foundIn(place: Place, { index, id }: Address, doc: Document): Document | undefined {
  const { error } = doc;
  if (isDocument(error)) {
    if (error['type'] === 'index_not_found_exception' || Buffer.byteLength(id) > idBytes) return undefined;
    const key = place.keyOf(index.collection, id);
    const { why, hint } = explained(503, error as Cause);
    throw new Unanswered('unavailable', `cannot read ${place.name}: ${key}: ${why}`, { store: place.name, key, hint });
  }
  return doc['found'] === true ? doc : undefined;
}
