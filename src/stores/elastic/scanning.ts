import { isDocument } from '../../model/document.ts';
import type { Document, Value } from '../../model/document.ts';
import type { Entry } from '../../model/entry.ts';
import { SyncError, toSyncError } from '../../model/errors.ts';
import type { Page, Problem, Window } from '../../model/store.ts';
import { pitKeepAlive } from './dialect.ts';
import type { Dialect } from './dialect.ts';
import { PageSize } from './page-size.ts';
import { documentsIn, encodeNames } from './place.ts';
import type { OpenIndex, Place } from './place.ts';

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
  const refreshed = await place.client.request({ method: 'POST', path: `/${target}/_refresh`, about: place.about('refresh', index.collection), signal });
  checkShards(refreshed.body, place, index);
  const dialect = await place.dialect(signal);
  const { body } = await place.client.request({ method: 'POST', path: dialect.pitPath(target), about, signal });
  const pit = { id: String(body[dialect.pitId]) };
  try {
    const slices = dialect.slices(index.shards);
    const query = window && index.modified?.query(window);
    const lanes = Array.from({ length: slices }, (_, slice) => readSlice({ place, index, dialect, pit, query, slice, slices, signal }));
    yield* inTurn(lanes, concurrency);
  } finally {
    const { path, body: closing } = dialect.closing(pit.id);
    // It goes by itself when nobody asks for it any more.
    await place.client.request({ method: 'DELETE', path, body: closing, wanted: [404], about, signal: undefined }).catch((error: Error) => place.client.host.log('debug', error.message));
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

async function* readSlice({ place, index, dialect, pit, query, slice, slices, signal }: Slice): AsyncGenerator<Page> {
  let after: Value | undefined;
  const page = new PageSize();
  for (;;) {
    const size = page.most;
    const body = JSON.stringify({
      size, sort: dialect.sort, pit: { id: pit.id, keep_alive: pitKeepAlive }, track_total_hits: false, seq_no_primary_term: true,
      ...(query && { query }), ...(slices > 1 && { slice: { id: slice, max: slices } }), ...(after !== undefined && { search_after: after }),
    });
    let answer: Document;
    let bytes: number;
    try {
      const about = place.about('list', index.collection);
      ({ body: answer, bytes } = await place.client.request({ path: '/_search?allow_partial_search_results=false', body, about, signal }));
    } catch (error) {
      if (error instanceof SyncError && error.code === 'not-found') throw incomplete(place, index, 'what was being read is gone: the server was restarted, or nobody asked for the next page in time');
      // One page was larger than an answer may be: fewer will do, unless it is one.
      if (!(error instanceof SyncError && error.code === 'invalid' && /larger than/.test(error.message)) || size === 1) throw error;
      page.shrink();
      continue;
    }
    checkShards(answer, place, index);
    if (typeof answer['pit_id'] === 'string') pit.id = answer['pit_id'];
    const hits = documentsIn(isDocument(answer['hits']) ? answer['hits']['hits'] : undefined);
    if (hits.length === 0) return;
    yield pageOf(place, index, hits);
    after = hits.at(-1)!['sort'];
    if (after === undefined) throw incomplete(place, index, 'the server does not say where a page ends');
    if (hits.length < size) return;
    page.learn(bytes, hits.length);
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

function pageOf(place: Place, index: OpenIndex, hits: readonly Document[]): Page {
  const entries: Entry[] = [];
  const problems: Problem[] = [];
  for (const hit of hits) {
    const id = String(hit['_id']);
    try {
      entries.push(place.entryOf({ index, id, answer: hit }));
    } catch (error) {
      const key = place.keyOf(index.collection, id);
      problems.push({ place: `${place.name}: ${key}`, key, error: toSyncError(error) });
    }
  }
  return { entries, ...(problems.length > 0 && { problems }) };
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
