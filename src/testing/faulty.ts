import { SyncError } from '../model/errors.ts';
import type { Outcome, Page, Store } from '../model/store.ts';
import type { Random } from './random.ts';
import { seededRandom } from './random.ts';
import { wrap } from './wrap.ts';

/** What can go wrong with a store that is itself in order. */
export type Fault =
  /** A batch is turned away as `unavailable`, and nothing of it happened. */
  | 'refuse'
  /** Part or all of a batch is written, and every write of it is answered as failed: the answer got lost. */
  | 'lose-answer'
  /** One write of a batch fails, and did not happen. */
  | 'fail-one'
  /** A scan throws before its end. */
  | 'cut-scan'
  /** A scan leaves a page out and reports a problem. */
  | 'skip-page'
  /** A scan shows the store as an earlier scan found it. */
  | 'stale-listing'
  /** A reading is turned away as `unavailable`. */
  | 'fail-read'
  /** A call is turned away as `throttled`, with a time to wait. */
  | 'throttle'
  /** A call takes its time. */
  | 'delay'
  /** Somebody else changes the store just before a call. */
  | 'foreign-write';

/** The share of calls each fault befalls, from 0 to 1. A fault that is not named does not happen. */
export type Faults = { readonly [fault in Fault]?: number };

/** When and how a store is to fail. */
export interface FaultyOptions {
  /** The same seed fails the same calls. */
  readonly seed: number | Random;
  readonly faults: Faults;
  /** The most faults; after that the store is well. Default: no end to them. */
  readonly most?: number;
  /** Makes a change as somebody else would, for `foreign-write`. */
  readonly foreign?: () => void;
  /** Waits, for `delay`. Default: until other work has had its turn. */
  readonly sleep?: (ms: number) => Promise<void>;
  /** Hears of every fault. */
  readonly on?: (fault: Fault) => void;
}

/** `store`, misbehaving within what stores may do: every fault is one that a real one has been seen to make. */
export function faulty<S extends Store>(store: S, options: FaultyOptions): S {
  const { seed, faults, foreign, most = Infinity, on } = options;
  const random = typeof seed === 'number' ? seededRandom(seed) : seed;
  const sleep = options.sleep ?? ((): Promise<void> => new Promise((resolve) => setImmediate(resolve)));
  let injected = 0;
  let lastScan: readonly Page[] | undefined;

  const strikes = (fault: Fault): boolean => {
    const share = faults[fault] ?? 0;
    if (share === 0 || injected >= most || !random.chance(share)) return false;
    injected++;
    on?.(fault);
    return true;
  };
  const meddle = async (): Promise<void> => {
    if (strikes('delay')) await sleep(random.below(1_000));
    if (strikes('foreign-write')) foreign?.();
    if (strikes('throttle')) throw new SyncError('throttled', `${store.name} asks us to wait`, { retryAfterMs: random.below(1_000) });
  };

  async function* scan(...args: Parameters<Store['scan']>): AsyncGenerator<Page> {
    await meddle();
    if (lastScan && strikes('stale-listing')) return yield* lastScan;
    const seen: Page[] = [];
    for await (const page of store.scan(...args)) {
      await meddle();
      if (strikes('cut-scan')) throw unavailable('the listing broke off');
      if (strikes('skip-page')) {
        yield { entries: [], problems: [{ place: store.name, error: unavailable('a page could not be read') }] };
        continue;
      }
      seen.push(page);
      yield page;
    }
    if (strikes('cut-scan')) throw unavailable('the listing broke off');
    lastScan = seen;
  }

  async function read(...args: Parameters<Store['read']>): ReturnType<Store['read']> {
    await meddle();
    if (strikes('fail-read')) throw unavailable('reading failed');
    return await store.read(...args);
  }

  async function write(...[batch, call]: Parameters<Store['write']>): Promise<readonly Outcome[]> {
    await meddle();
    if (strikes('refuse')) throw unavailable('nothing was written');
    const failed = (): Outcome => ({ kind: 'failed', error: unavailable('the answer got lost') });
    if (strikes('lose-answer')) {
      const reached = batch.slice(0, random.below(batch.length + 1));
      if (reached.length > 0) await store.write(reached, call);
      return batch.map(failed);
    }
    if (batch.length > 0 && strikes('fail-one')) {
      const at = random.below(batch.length);
      const outcomes = batch.length === 1 ? [] : [...await store.write(batch.toSpliced(at, 1), call)];
      return outcomes.toSpliced(at, 0, failed());
    }
    return await store.write(batch, call);
  }

  const unavailable = (what: string): SyncError => new SyncError('unavailable', `${store.name}: ${what}`, { store: store.name });
  return wrap(store, { scan, read, write } as unknown as Partial<S>);
}
