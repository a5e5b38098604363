import { isDocument } from '../../model/document.ts';
import type { Document } from '../../model/document.ts';
import type { Entry } from '../../model/entry.ts';
import { SyncError, toSyncError } from '../../model/errors.ts';
import type { Page, Problem, Window } from '../../model/store.ts';
import { bodyOf } from './client.ts';
import { pitKeepAlive } from './dialect.ts';
import type { Dialect } from './dialect.ts';
import { splitHits } from './hit-splitter.ts';
import type { Hit } from './hit-splitter.ts';
import { PageSize } from './page-size.ts';
import { documentsIn, encodeNames } from './place.ts';
import type { OpenIndex, Place } from './place.ts';
import { refresh } from './refreshing.ts';

/** Documents in one answer, where they are small: servers give 10,000 unless they are told otherwise. */
const mostDocuments = 5_000;

/** How an index is read. */
export interface Reading {
  readonly window: Window | undefined;
  /** Pages asked for at once. */
  readonly concurrency: number;
  readonly signal: AbortSignal | undefined;
}

/**
 * Every document of an index, as it was at one point in time: in pages, those of several slices as they come. Throws
 * where anything may be missing.
 */
export async function* scanIndex(place: Place, index: OpenIndex, { window, concurrency, signal }: Reading): AsyncGenerator<Page> {
  const about = place.about('list', index.collection);
  const target = encodeNames(index.target);
  // A search sees what was refreshed, and the index may be told to do that seldom.
  const refreshed = await refresh(place, index.target, { key: index.collection, signal });
  // Without it nobody can say that nothing is missing.
  if (refreshed instanceof SyncError) yield { entries: [], problems: [{ place: `${place.name}: ${index.collection}`, error: refreshed }] };
  else checkShards(refreshed.body, place, index);
  const dialect = await place.dialect(signal);
  const { body } = await place.client.request({ method: 'POST', path: dialect.pitPath(target), about, signal });
  const pit = { id: String(body[dialect.pitId]) };
  try {
    const slices = dialect.slices(index.shards);
    const query = window && index.modified?.query(window);
    if (window && index.modified && !query) place.client.host.log('info', `${index.collection} of ${place.name} is read whole for a range of ${place.time!.field}, which the index does not keep as a date or a number whose unit is known`);
    const lanes = Array.from({ length: slices }, (_, slice) => readSlice({ place, index, dialect, pit, query, slice, slices, signal }));
    yield* inTurn(lanes, concurrency);
  } finally {
    const { path, body: closing } = dialect.closing(pit.id);
    // It goes by itself when nobody asks for it any more.
    await place.client.request({ method: 'DELETE', path, body: closing, hurried: true, wanted: [404], about, signal: undefined }).catch((error: Error) => place.client.host.log('debug', error.message));
  }
}

interface Slice {
  readonly place: Place;
  readonly index: OpenIndex;
  readonly dialect: Dialect;
  /** Each answer may name the point in time anew. */
  readonly pit: { id: string };
  readonly query: Document | undefined;
  readonly slice: number;
  readonly slices: number;
  readonly signal: AbortSignal | undefined;
}

async function* readSlice(slice: Slice): AsyncGenerator<Page> {
  const { place, index, signal } = slice;
  let after: string | undefined;
  const page = new PageSize(mostDocuments);
  for (;;) {
    const size = place.client.reads.shareOf(page.most);
    const found = await searched(slice, { size, after });
    if (found === 'too much' || found === 'too many') {
      page.shrink({ lasting: found === 'too many' });
      continue;
    }
    const { hits, bytes, error } = found;
    signal?.throwIfAborted();
    if (hits.length === 0) return;
    yield error ? { entries: [], problems: [problemOf(place, index, hits[0]!, error)] } : pageOf(slice, hits);
    after = found.after;
    if (after === undefined) throw incomplete(place, index, 'the server does not say where a page ends');
    if (hits.length < size) return;
    if (!error) page.learn(bytes, hits.length);
  }
}

interface Hits {
  readonly hits: readonly Hit[];
  /** Where the next ones begin, in JSON. */
  readonly after: string | undefined;
  readonly bytes: number;
  /** Why the only hit cannot be read, where it came without what it holds. */
  readonly error?: SyncError;
}

/** The next hits of a slice; `too much` where fewer of them may be had, `too many` where so many never may. */
async function searched(slice: Slice, { size, after }: { readonly size: number; readonly after: string | undefined }): Promise<Hits | 'too much' | 'too many'> {
  try {
    return await search(slice, { size, after });
  } catch (error) {
    const { code, message } = error as Partial<SyncError>;
    if (error instanceof SyncError && code === 'invalid' && size > 1 && /[Rr]esult window is too large/.test(message!)) return 'too many';
    // One document may hold what cannot be read, as a number that is out of range. It is to be alone with it.
    if (!(error instanceof SyncError) || (code !== 'corrupt' && !(code === 'invalid' && /larger than/.test(message!)))) throw error;
    if (size > 1) return 'too much';
    if (code !== 'corrupt') throw error;
    return { ...await search(slice, { size, after, _source: false }), error };
  }
}

async function search({ place, index, dialect, pit, query, slice, slices, signal }: Slice, { after, ...rest }: { readonly size: number; readonly after: string | undefined; readonly _source?: false }): Promise<Hits> {
  const asked = JSON.stringify({
    ...rest, sort: dialect.sort, pit: { id: pit.id, keep_alive: pitKeepAlive }, track_total_hits: false, seq_no_primary_term: true,
    ...(query && { query }), ...(slices > 1 && { slice: { id: slice, max: slices } }),
  });
  const body = after === undefined ? asked : `${asked.slice(0, -1)},"search_after":${after}}`;
  const about = place.about('list', index.collection);
  try {
    const { raw } = await place.client.raw({ path: '/_search?allow_partial_search_results=false', body, about, signal });
    const split = splitHits(raw, ['hits', 'hits']);
    const answer = bodyOf(split?.envelope ?? raw, about);
    checkShards(answer, place, index);
    if (typeof answer['pit_id'] === 'string') pit.id = answer['pit_id'];
    if (split) return { hits: split.hits.map((hit) => (typeof hit === 'string' ? { answer: bodyOf(hit, about) } : hit)), after: split.sort, bytes: raw.length };
    const hits = documentsIn(isDocument(answer['hits']) ? answer['hits']['hits'] : undefined);
    return { hits: hits.map((hit) => ({ answer: hit })), after: hits.length === 0 ? undefined : JSON.stringify(hits.at(-1)!['sort']), bytes: raw.length };
  } catch (error) {
    if (error instanceof SyncError && error.code === 'not-found') throw incomplete(place, index, 'what was being read is gone: the server was restarted, or nobody asked for the next page in time');
    throw error;
  }
}

/** Fails where an answer leaves something out. */
function checkShards(answer: Document, place: Place, index: OpenIndex): void {
  const { _shards: shards } = answer;
  const failed = isDocument(shards) ? Number(shards['failed'] ?? 0) : 0;
  if (failed > 0) throw incomplete(place, index, `${failed} of its shards did not answer`);
  if (answer['timed_out'] === true) throw incomplete(place, index, 'the server ran out of time');
}

function incomplete(place: Place, { collection }: OpenIndex, why: string): SyncError {
  return new SyncError('unavailable', `cannot list ${place.name}: ${collection}: ${why}`, { store: place.name, hint: 'see how the cluster is, and run again' });
}

function pageOf({ place, index }: Slice, hits: readonly Hit[]): Page {
  const entries: Entry[] = [];
  const problems: Problem[] = [];
  for (const hit of hits) {
    try {
      entries.push(place.entryOfHit(index, hit));
    } catch (error) {
      problems.push(problemOf(place, index, hit, toSyncError(error)));
    }
  }
  return { entries, ...(problems.length > 0 && { problems }) };
}

function problemOf(place: Place, { collection }: OpenIndex, hit: Hit, error: SyncError): Problem {
  const key = place.keyOf(collection, 'answer' in hit ? String(hit.answer['_id']) : hit.id);
  return { place: `${place.name}: ${key}`, key, error };
}

/** What several lanes yield, as it comes, with so many of them asked at once. The first that fails ends all. */
async function* inTurn<Item>(lanes: readonly AsyncGenerator<Item>[], most: number): AsyncGenerator<Item> {
  const waiting = [...lanes];
  const asked = new Map<AsyncGenerator<Item>, Promise<{ readonly lane: AsyncGenerator<Item>; readonly result: IteratorResult<Item> }>>();
  const ask = (lane: AsyncGenerator<Item>): void => {
    const next = lane.next().then((result) => ({ lane, result }));
    // Whoever does not get to hear of a failure, because another lane failed first, has no use for it.
    next.catch(() => {});
    asked.set(lane, next);
  };
  try {
    for (const lane of waiting.splice(0, Math.max(1, most))) ask(lane);
    while (asked.size > 0) {
      const { lane, result } = await Promise.race(asked.values());
      asked.delete(lane);
      const next = result.done === true ? waiting.shift() : lane;
      // The next page is on its way while this one is looked at.
      if (next) ask(next);
      if (result.done !== true) yield result.value;
    }
  } finally {
    await Promise.allSettled(asked.values());
  }
}
