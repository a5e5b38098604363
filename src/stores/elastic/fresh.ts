import type { Collection } from '../../model/collection.ts';
import { isDocument } from '../../model/document.ts';
import type { Document } from '../../model/document.ts';
import { SyncError } from '../../model/errors.ts';
import type { Host } from '../../model/host.ts';
import type { CallOptions, Fresh, Store } from '../../model/store.ts';
import { isFresh, replacedAs } from './catalogue.ts';
import type { IndexOf } from './catalogue.ts';
import { causeOf } from './failure.ts';
import { mappingOf } from './mapping.ts';
import { encodeNames } from './place.ts';
import type { Place } from './place.ts';
import { flawOfIndex, makeIndex } from './preparing.ts';

export interface FreshIndicesOptions {
  readonly place: Place;
  /** Whether indices that are missing are made. */
  readonly create: boolean;
  /** A store that has these indices, and nothing else, as these collections. */
  open(fresh: ReadonlyMap<string, string>): Store;
}

/** An index that is to be filled, under a name of its own, and what it is to be known by. */
interface Wanted {
  readonly collection: string;
  readonly target: string;
  readonly body: string;
  /** The index that it takes the place of, where there is one. */
  readonly old?: { readonly index: string; readonly aliases: Document; readonly mark: string };
}

/** Settings that an index has by itself, or that are of its past. */
const ownSettings = new Set(['uuid', 'creation_date', 'provided_name', 'version', 'resize', 'shrink', 'split', 'history', 'verified_before_close', 'blocks', 'frozen']);

/** How long it is waited for searches that are under way, and how often. */
const waitMs = 250;
const mostWaits = 40;

/** Indices that are filled under names that end in `-syncline-` and a time, and then get the names of others as aliases. */
export class FreshIndices implements Fresh {
  readonly #options: FreshIndicesOptions;
  readonly #wanted: readonly Wanted[];
  /** The indices that were made, by collection. */
  #made: ReadonlyMap<string, string> = new Map();

  private constructor(options: FreshIndicesOptions, wanted: readonly Wanted[]) {
    this.#options = options;
    this.#wanted = wanted;
  }

  /** Takes notice of what there is, so that what is written to it from here on is found out. */
  static async of(options: FreshIndicesOptions, collections: readonly Collection[], signal: AbortSignal | undefined): Promise<FreshIndices> {
    const { place, create } = options;
    const there = await place.look(signal);
    const wanted: Wanted[] = [];
    for (const collection of collections) {
      const index = there.get(collection.name);
      if (!index && !create) throw new SyncError('not-found', `${place.name} has no index for ${collection.name}, and none is to be made`, { store: place.name, hint: 'make what is missing, or allow it to be made' });
      const each = index ? await wantedLike(place, index, signal) : await wantedFor(place, collection, signal);
      const flaw = flawOfIndex(freshName(each.target, place.client.host));
      if (flaw !== undefined) throw new SyncError('unsupported', `${place.name}: no index can be made beside ${each.target}: its name ${flaw}`, { store: place.name, hint: 'run without --swap' });
      wanted.push(each);
    }
    return new FreshIndices(options, wanted);
  }

  async fill(names: readonly string[], { signal }: CallOptions = {}): Promise<Store> {
    const { place, open } = this.#options;
    const chosen = this.#wanted.filter(({ collection }) => names.includes(collection));
    for (const { target } of this.#wanted) await clear(place, target, signal);
    const made = new Map<string, string>();
    this.#made = made;
    for (const { collection, target, body } of chosen) {
      const index = freshName(target, place.client.host);
      made.set(collection, index);
      await makeIndex(place, { index, body }, signal);
    }
    return open(new Map([...made].map(([collection, index]) => [index, collection])));
  }

  async swap({ signal }: CallOptions = {}): Promise<void> {
    const { place } = this.#options;
    const replaced = this.#wanted.filter(({ collection }) => this.#made.has(collection));
    await place.client.request({ method: 'POST', path: `/${encodeNames([...this.#made.values()].join(','))}/_refresh`, about: place.about('refresh'), signal });
    for (const { collection, old } of replaced) {
      if (!old || await markOf(place, old.index, signal) === old.mark) continue;
      throw new SyncError('conflict', `${place.name}: somebody wrote to ${collection} while it was filled anew, and nothing was put in its place`, { store: place.name, hint: 'run again when nobody writes to it, or without --swap' });
    }
    const actions = replaced.flatMap(({ collection, target, old }): readonly Document[] => {
      const index = this.#made.get(collection)!;
      const aliases: Document = { ...old?.aliases, [target]: old?.aliases[target] ?? {} };
      return [...(old ? leaving(old, target) : []), ...Object.entries(aliases).map(([alias, about]): Document => ({ add: { index, alias, ...(isDocument(about) && about) } }))];
    });
    const { status, body } = await place.client.request({ path: '/_aliases', body: JSON.stringify({ actions }), wanted: [400, 404], about: place.about('put fresh indices in place of'), signal });
    // It may have happened already, and the answer been lost.
    if (status >= 400 && !await this.#isInPlace(replaced, signal)) throw new SyncError('unsupported', `${place.name}: cannot put fresh indices in place: ${causeOf(body).reason ?? status}`, { store: place.name, hint: 'run without --swap' });
    this.#made = new Map();
    for (const { target, old } of replaced) if (old && old.index !== target) await removeInPeace(place, old.index, signal);
    await place.look(signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { place } = this.#options;
    const unused = [...this.#made.values()];
    this.#made = new Map();
    for (const index of unused) await remove(place, index, undefined);
  }

  async #isInPlace(replaced: readonly Wanted[], signal: AbortSignal | undefined): Promise<boolean> {
    const { place } = this.#options;
    for (const { collection, target } of replaced) {
      const index = this.#made.get(collection)!;
      const { body } = await place.client.request({ path: `/${encodeNames(index)}`, wanted: [404], about: place.about('look at'), signal });
      const about = body[index];
      if (!isDocument(about) || !isDocument(about['aliases']) || !Object.hasOwn(about['aliases'], target)) return false;
    }
    return true;
  }
}

/**
 * How an index leaves its names to another one. One that goes by an alias stays for a moment, so that searches that are under way come
 * to their end. One that has the name itself has to go for that to be free.
 */
function leaving({ index, aliases }: NonNullable<Wanted['old']>, target: string): readonly Document[] {
  if (index === target) return [{ remove_index: { index } }];
  return [...Object.keys(aliases).map((alias) => ({ remove: { index, alias } })), { add: { index, alias: replacedAs(target) } }];
}

async function wantedLike(place: Place, { collection, target, index, flaw, open }: IndexOf, signal: AbortSignal | undefined): Promise<Wanted> {
  const why = flaw ?? (open ? undefined : 'it is closed') ?? (index.startsWith('.ds-') ? 'it belongs to a data stream' : undefined);
  if (why !== undefined) throw new SyncError('unsupported', `${place.name}: another index cannot take the place of ${collection}: ${why}`, { store: place.name, hint: 'run without --swap' });
  const { body } = await place.client.request({ path: `/${encodeNames(index)}`, about: place.about('look at'), signal });
  const about = isDocument(body[index]) ? body[index] : {};
  const settings = isDocument(about['settings']) && isDocument(about['settings']['index']) ? about['settings']['index'] : {};
  const kept = Object.fromEntries(Object.entries(settings).filter(([name]) => !ownSettings.has(name)));
  return {
    collection, target,
    body: JSON.stringify({ settings: { index: kept }, mappings: about['mappings'] ?? {} }),
    old: { index, aliases: isDocument(about['aliases']) ? about['aliases'] : {}, mark: await markOf(place, index, signal) },
  };
}

async function wantedFor(place: Place, collection: Collection, signal: AbortSignal | undefined): Promise<Wanted> {
  const { name } = collection;
  const target = await place.nameFor(name, signal);
  if (target === undefined) throw new SyncError('unsupported', `${place.name} has no place for the collection ${JSON.stringify(name)}`, { store: place.name, hint: 'name an index that is to hold it, or add layout=suffix to have one beside the others' });
  return { collection: name, target, body: JSON.stringify({ mappings: mappingOf(collection, place.time) }) };
}

/** Where the history of each shard of an index stands: another number when anything was written to it. */
async function markOf(place: Place, index: string, signal: AbortSignal | undefined): Promise<string> {
  const { body } = await place.client.request({ path: `/${encodeNames(index)}/_stats/docs?level=shards`, wanted: [404], about: place.about('look at'), signal });
  const about = isDocument(body['indices']) && isDocument(body['indices'][index]) ? body['indices'][index] : {};
  const shards = isDocument(about['shards']) ? about['shards'] : {};
  const numbers = Object.entries(shards).map(([shard, copies]) => {
    const all = Array.isArray(copies) ? (copies as readonly Document[]) : [];
    return `${shard}:${Math.max(-1, ...all.map(({ seq_no: sequence }) => (isDocument(sequence) ? Number(sequence['max_seq_no']) : -1)))}`;
  });
  return `${String(about['uuid'])} ${numbers.toSorted().join(' ')}`;
}

/** Removes an index when nobody searches in it any more, or after a while. */
async function removeInPeace(place: Place, index: string, signal: AbortSignal | undefined): Promise<void> {
  for (let waited = 0; waited < mostWaits; waited++) {
    await place.client.host.sleep(waitMs, signal);
    const { body } = await place.client.request({ path: `/${encodeNames(index)}/_stats/search`, wanted: [404], about: place.about('look at'), signal });
    const all = isDocument(body['_all']) && isDocument(body['_all']['total']) && isDocument(body['_all']['total']['search']) ? body['_all']['total']['search'] : {};
    if (Number(all['query_current'] ?? 0) + Number(all['fetch_current'] ?? 0) + Number(all['open_contexts'] ?? 0) === 0) break;
  }
  await remove(place, index, signal);
}

/** Takes away what earlier runs left that were broken off: what was not swapped in has no alias, and what was replaced has one of its own. */
async function clear(place: Place, target: string, signal: AbortSignal | undefined): Promise<void> {
  const { body } = await place.client.request({ path: `/${encodeNames(`${target}-syncline-*`)}?ignore_unavailable=true&allow_no_indices=true`, wanted: [404], about: place.about('look at'), signal });
  for (const [index, about] of Object.entries(body)) {
    if (!isDocument(about) || !isDocument(about['aliases'])) continue;
    const aliases = Object.keys(about['aliases']);
    if (aliases.length === 0 ? isFresh(index) : aliases.includes(replacedAs(target))) await remove(place, index, signal);
  }
}

async function remove(place: Place, index: string, signal: AbortSignal | undefined): Promise<void> {
  await place.client.request({ method: 'DELETE', path: `/${encodeNames(index)}`, wanted: [404], about: place.about('remove a fresh index of'), signal });
}

/** A name that no index has had: of the moment, and of chance. */
function freshName(target: string, { now, random }: Host): string {
  return `${target}-syncline-${new Date(now()).toISOString().replaceAll(/\D/g, '')}${String(Math.floor(random() * 1_000)).padStart(3, '0')}`;
}
