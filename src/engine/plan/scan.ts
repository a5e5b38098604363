import { setImmediate as immediate } from 'node:timers/promises';
import { mergeJoin } from '../../core/merge-join.ts';
import type { Side } from '../../core/policy.ts';
import { withoutContent } from '../../model/entry.ts';
import type { Entry, Micros, Ref } from '../../model/entry.ts';
import { SyncError } from '../../model/errors.ts';
import { joinKey } from '../../model/key.ts';
import type { Key } from '../../model/key.ts';
import type { ScanOptions, Source, Window } from '../../model/store.ts';
import { isInside } from '../../model/window.ts';
import { sortEntries } from '../aside/sort.ts';
import type { Ledger } from '../run/ledger.ts';
import type { Hashes } from './hashes.ts';

/** An entry, and which of several origins it came from. */
export interface SourcedEntry extends Entry {
  readonly origin?: number;
}

/** What every scan of a run shares. */
export interface ScanContext {
  readonly ledger: Ledger;
  readonly signal: AbortSignal | undefined;
  readonly where: ((ref: Ref) => boolean) | undefined;
  /** Whether a collection is part of both places. That another one cannot be listed does no harm. Absent: all are. */
  readonly shared?: (collection: string) => boolean;
  readonly within: ((entry: Entry) => boolean) | undefined;
  readonly under: readonly Key[] | undefined;
  readonly window: Window | undefined;
  readonly sortBytes: number | undefined;
  readonly hashes: Hashes;
  nowMs(): number;
  /** How many entries a place says it holds, asked once in a run, and so mostly before anything is written; `undefined` where it does not say. */
  estimate(place: Source): Promise<number | undefined>;
}

export interface SideOptions extends Pick<ScanOptions, 'want' | 'collections'> {
  readonly side: Side;
  /** Whether the entries of this side are counted as read. */
  readonly counted: boolean;
  /** Sees each entry before it is sorted. */
  readonly visit?: (entry: Entry) => void;
  /** Is told of collections that could not be listed, instead of the run being told of a problem. */
  readonly unlisted?: (collection: string, error: SyncError) => void;
  /** Ends the scan before the first page is yielded, whatever order it comes in. */
  readonly wholly?: boolean;
}

/** What stands for all entries of a collection where it is asked whether they belong to a place. */
export function anyOf(collection: string): Ref {
  return { key: `${joinKey([collection])}/` };
}

/** The entries of one store as they come: filtered, counted, their problems passed on. */
export async function* scanned(source: Source, context: ScanContext, { side, counted, visit, unlisted, want = 'stat', collections }: SideOptions): AsyncGenerator<readonly Entry[]> {
  const { ledger, signal, under, within } = context;
  const where = narrowed(context);
  const window = hides(context.window) ? context.window : undefined;
  let breathedMs = performance.now();
  for await (const { entries, problems } of source.scan({ want, ...(under && { under }), ...(window && { window }), ...(collections && { collections }), ...(signal && { signal }) })) {
    // A store that answers at once never gives way by itself; signals, timers and progress would wait for the end.
    if (performance.now() - breathedMs > 20) {
      await immediate();
      breathedMs = performance.now();
    }
    signal?.throwIfAborted();
    for (const problem of problems ?? []) {
      if (problem.collection !== undefined && context.shared?.(problem.collection) === false) continue;
      if (problem.collection !== undefined && unlisted) unlisted(problem.collection, problem.error);
      else ledger.problem(side, problem);
    }
    const found = where ? entries.filter(where) : entries;
    const chosen = window ? found.filter((entry) => isInside(entry, window)) : found;
    if (chosen.length === 0) continue;
    ledger.read(side, chosen, counted, within);
    if (visit) for (const entry of chosen) visit(entry);
    // Some stores cannot list without content, and held until its turn comes it would fill the memory.
    yield want === 'stat' && chosen[0]?.content ? chosen.map(withoutContent) : chosen;
  }
}

/** Whether a window keeps scans from seeing all there is. One without a beginning is held by all that is read. */
export function hides(window: Window | undefined): window is Window & { readonly after: Micros } {
  return window?.after !== undefined;
}

/** Throws `invalid` where the times of a place are asked for and it has none. */
export function refuseTimeless({ name, capabilities }: Source): void {
  if (capabilities.modifiedAt === 'none') throw new SyncError('invalid', `${name} does not say when its entries were modified`, { store: name, hint: 'name the field that does with --modified' });
}

/** Which entries are in scope, by what was asked for and where. */
export function narrowed({ where, under }: Pick<ScanContext, 'where' | 'under'>): ((ref: Ref) => boolean) | undefined {
  if (under === undefined || under.includes('')) return where;
  const keys = new Set(under);
  const below = ({ key }: Ref): boolean => {
    if (keys.has(key)) return true;
    for (let slash = key.indexOf('/'); slash !== -1; slash = key.indexOf('/', slash + 1)) if (keys.has(key.slice(0, slash))) return true;
    return false;
  };
  return where ? (ref) => below(ref) && where(ref) : below;
}

/** The entries of one store in key order, each key once. */
export async function* inOrder(source: Source, context: ScanContext, options: SideOptions): AsyncGenerator<readonly Entry[]> {
  const pages = scanned(source, context, options);
  const { order, reads } = source.capabilities;
  const sorted = order === 'key' && !options.wholly ? pages : sortEntries(pages, { rereads: reads === 'cheap', ...(context.sortBytes !== undefined && { bytes: context.sortBytes }) });
  yield* once(sorted, source, context, options.side);
}

/** Keeps the first of several entries with one key. Where they differ nobody can say which is meant, so that is a problem. */
async function* once(pages: AsyncIterable<readonly Entry[]>, source: Source, { ledger }: ScanContext, side: Side): AsyncGenerator<readonly Entry[]> {
  let last: Entry | undefined;
  for await (const page of pages) {
    let repeated = false;
    let before = last;
    for (const entry of page) {
      if (before?.key === entry.key) repeated = true;
      before = entry;
    }
    if (!repeated) {
      last = page.at(-1) ?? last;
      yield page;
      continue;
    }
    const kept: Entry[] = [];
    for (const entry of page) {
      if (last?.key === entry.key) reportCollision(last, entry, source, ledger, side);
      else kept.push((last = entry));
    }
    yield kept;
  }
}

/** Tells of two entries with one key, unless they are equal. */
export function reportCollision(first: Entry, second: Entry, source: Source, ledger: Ledger, side: Side): void {
  if (first.digest !== undefined && first.digest.value === second.digest?.value) return;
  const places = first.place === undefined || second.place === undefined ? '' : ` (${first.place} and ${second.place})`;
  const error = new SyncError('invalid', `${source.name} holds two different entries named ${second.key}${places}`, { store: source.name, key: second.key, hint: 'remove or rename one' });
  ledger.problem(side, { place: second.place ?? second.key, error });
}

/** Several origins as one source in key order: of entries with one key the last origin's wins. */
export async function* union(origins: readonly Source[], context: ScanContext, options: SideOptions): AsyncGenerator<readonly SourcedEntry[]> {
  const only = origins[0];
  if (only !== undefined && origins.length === 1) {
    yield* inOrder(only, context, options);
    return;
  }
  for await (const rows of mergeJoin<Entry>(...origins.map((origin) => inOrder(origin, context, options)))) {
    yield rows.map(({ key, items }) => {
      const holders = items.flatMap((entry, origin) => (entry ? [{ entry, origin }] : []));
      const winner = holders.at(-1) as { entry: Entry; origin: number };
      if (holders.some(({ entry }) => entry.digest?.value !== winner.entry.digest?.value)) {
        context.ledger.warn(`${key} is in several origins with different content; that of ${origins[winner.origin]?.name ?? 'the last'} was taken`);
      }
      return { ...winner.entry, origin: winner.origin };
    });
  }
}
