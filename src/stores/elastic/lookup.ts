import { isDocument } from '../../model/document.ts';
import type { Document } from '../../model/document.ts';
import type { Entry, Ref } from '../../model/entry.ts';
import { SyncError } from '../../model/errors.ts';
import { bodyOf } from './client.ts';
import { Busy, explained, isBusy } from './failure.ts';
import type { Cause } from './failure.ts';
import { splitHits } from './hit-splitter.ts';
import type { Hit, SplitHit } from './hit-splitter.ts';
import { documentsIn, idBytes } from './place.ts';
import type { OpenIndex, Place } from './place.ts';

/** A document by where it is. */
export interface Address {
  readonly index: OpenIndex;
  readonly id: string;
}

const mostIds = 1_000;
/** Requests under way at once for one list of documents. */
const atOnce = 2;
/** So few documents are not worth two requests. */
const fewest = 100;

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
  const hits = (await lookUpHits(place, known, { fields: undefined, signal })).values();
  return addresses.map((address) => {
    const hit = address && hits.next().value;
    return address && hit && place.entryOfHit(address.index, 'answer' in hit ? { answer: { ...hit.answer, _id: address.id } } : hit);
  });
}

/**
 * What the server has at some addresses, in their order, with only these fields of each document; `undefined` where there is nothing.
 * Throws where it cannot tell.
 */
export async function lookUp(place: Place, addresses: readonly Address[], asked: { readonly fields: readonly string[]; readonly signal: AbortSignal | undefined }): Promise<readonly (Document | undefined)[]> {
  return (await lookUpHits(place, addresses, asked)).map((hit) => (hit && 'answer' in hit ? hit.answer : undefined));
}

async function lookUpHits(place: Place, addresses: readonly Address[], { fields, signal }: Pick<Asking, 'fields' | 'signal'>): Promise<readonly (Hit | undefined)[]> {
  const found = new Array<Hit | undefined>(addresses.length);
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < addresses.length) {
      const from = next;
      next += Math.min(fields === undefined ? place.looking.most : mostIds, Math.max(fewest, Math.ceil(addresses.length / atOnce)));
      await lookUpSome(place, addresses.slice(from, next), { fields, signal, found, from });
    }
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
  return found;
}

interface Asking {
  readonly fields: readonly string[] | undefined;
  readonly signal: AbortSignal | undefined;
  /** What is found goes here, from this place on. */
  readonly found: (Hit | undefined)[];
  readonly from: number;
}

async function lookUpSome(place: Place, addresses: readonly Address[], { fields, signal, found, from }: Asking): Promise<void> {
  const { client } = place;
  let busyMs: number | undefined;
  for (let at = 0, size = addresses.length, failed = 0; at < addresses.length;) {
    const some = addresses.slice(at, at + size);
    const body = JSON.stringify({ docs: some.map(({ index, id }) => ({ _index: index.target, _id: id, ...(fields && { _source: fields }) })) });
    try {
      const about = place.about('read');
      const { raw } = await client.raw({ path: '/_mget', body, about, signal });
      // Where only some fields were asked for, it is not worth it.
      const docs = (fields ? undefined : splitHits(raw, ['docs']))?.hits ?? documentsIn(bodyOf(raw, about)['docs']);
      if (docs.length !== some.length) throw new SyncError('unavailable', `cannot read ${place.name}: the server leaves documents out of its answer`, { store: place.name, hint: 'run again' });
      let held = 0;
      for (const [i, doc] of docs.entries()) {
        const hit = isSplit(doc) ? doc : foundIn(place, some[i]!, typeof doc === 'string' ? bodyOf(doc, about) : doc);
        found[from + at + i] = hit;
        if (hit) held++;
      }
      if (fields === undefined) place.looking.learn(raw.length, held);
      at += size;
      failed = 0;
    } catch (error) {
      // A shard that is being started says so for each document, in an answer that is fine otherwise.
      if (error instanceof Unanswered && ++failed < client.maxAttempts) {
        await client.pause(failed, signal);
        continue;
      }
      if (error instanceof Busy && error.details.attempts === undefined) {
        client.reads.refused(error, error.message);
        if (!client.reads.isOver(busyMs ??= client.host.now())) continue;
      }
      if (size === 1 || !(error instanceof SyncError && error.code === 'invalid' && /larger than/.test(error.message))) throw error;
      size = Math.max(1, Math.floor(size / 8));
    }
  }
}

function isSplit(doc: SplitHit | Document | string): doc is SplitHit {
  return typeof doc !== 'string' && typeof doc['source'] === 'string';
}

function foundIn(place: Place, { index, id }: Address, doc: Document): Hit | undefined {
  const { error } = doc;
  if (isDocument(error)) {
    if (error['type'] === 'index_not_found_exception' || Buffer.byteLength(id) > idBytes) return undefined;
    const key = place.keyOf(index.collection, id);
    const { code, why, hint } = explained(503, error as Cause);
    throw new (isBusy(503, error as Cause) ? Busy : Unanswered)(code, `cannot read ${place.name}: ${key}: ${why}`, { store: place.name, key, hint });
  }
  return doc['found'] === true ? { answer: doc } : undefined;
}
