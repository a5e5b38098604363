import { isAmong, joined, nextCut } from '../../core/key-ranges.ts';
import type { Fineness } from '../../core/key-ranges.ts';
import { SyncError } from '../../model/errors.ts';
import type { Key } from '../../model/key.ts';
import { joinKey, typeOf } from '../../model/key.ts';
import type { KeyRange, Piece, Snapshot } from '../../model/ranges.ts';
import type { Page, ScanOptions, Source } from '../../model/store.ts';
import type { RangeTally } from '../types.ts';
import type { ScanContext } from './scan.ts';

/** What of two places was proven equal by digests of ranges. */
export interface Proven extends AsyncDisposable {
  /** The two places, which show what is left: all but the ranges that are equal. */
  readonly sides: readonly [Source, Source];
  /** Whether a key is in none of the ranges that are equal. */
  isOpen(key: Key): boolean;
}

const usual: Fineness = { pageEntries: 250, mostRanges: 1_024 };

/**
 * Has two places digest what they hold, range by range, and answers with both as they are without the ranges that are
 * equal; `undefined` where they cannot, where it is not worth while, or where nothing is equal. What is equal is counted.
 */
export async function leaveOutEqual(left: Source, right: Source, { ledger, signal, under }: Pick<ScanContext, 'ledger' | 'signal' | 'under'>, fineness: Fineness = usual): Promise<Proven | undefined> {
  // Of what lies below a single key, there are no ranges of their own.
  if (!left.snapshot || !right.snapshot || under?.some((key) => key.includes('/'))) return undefined;
  const isAsked = (name: string): boolean => under === undefined || under.includes('') || under.includes(joinKey([name]));
  const options = signal ? { signal } : {};
  await using stack = new AsyncDisposableStack();
  const opened = await Promise.allSettled([left.snapshot(options), right.snapshot(options)]);
  for (const one of opened) if (one.status === 'fulfilled') stack.use(one.value);
  for (const one of opened) if (one.status === 'rejected') throw one.reason;
  const [ours, theirs] = opened.map((one) => (one.status === 'fulfilled' ? one.value : undefined));
  if (!ours || !theirs) return undefined;
  const snapshots = [ours, theirs] as const;
  const reading = new Map<string, readonly KeyRange[]>();
  for (const { name, scheme } of snapshots[0].collections) {
    if (scheme === undefined || !isAsked(name) || !snapshots[1].collections.some((other) => other.name === name && other.scheme === scheme)) continue;
    const found = await differingRanges(name, snapshots, fineness, options);
    if (!found || found.tally.equal === 0) continue;
    reading.set(name, found.ranges);
    ledger.proven(joinKey([name, '']), found.tally);
  }
  if (reading.size === 0) return undefined;
  const sides = [narrowed(left, snapshots[0], reading), narrowed(right, snapshots[1], reading)] as const;
  const held = stack.move();
  return { sides, isOpen: (key) => isAmong(reading.get(typeOf(key)) ?? [{}], key), [Symbol.asyncDispose]: () => held.disposeAsync() };
}

interface Differing {
  /** What is to be read. */
  readonly ranges: readonly KeyRange[];
  readonly tally: RangeTally;
}

/** Cuts a collection at the keys of the left side, and what differs again, until reading it is the cheaper thing to do. */
async function differingRanges(name: string, [left, right]: readonly [Snapshot, Snapshot], fineness: Fineness, options: { readonly signal?: AbortSignal }): Promise<Differing | undefined> {
  const [[ours = 0], [theirs = 0]] = await Promise.all([left.counts(name, [{}], options), right.counts(name, [{}], options)]);
  // Where one side lacks most of it, most of it has to be read.
  if (ours > 2 * theirs || theirs > 2 * ours) return undefined;
  let open: readonly Piece[] = [{ entries: ours }];
  const reading: KeyRange[] = [];
  let [compared, differing, equal] = [0, 0, 0];
  for (let size = nextCut(open, fineness); size !== undefined; size = nextCut(open, fineness)) {
    const small = open.filter(({ entries }) => entries <= fineness.pageEntries);
    reading.push(...small);
    differing += small.length;
    const pieces = await left.cut(name, open.filter(({ entries }) => entries > fineness.pageEntries), size, options);
    const counts = await right.counts(name, pieces, options);
    // What has another number of entries differs whatever these are, and need not be digested.
    const alike = pieces.filter(({ entries }, i) => entries === counts[i]);
    const [mine, yours] = await Promise.all([left.digests(name, alike, options), right.digests(name, alike, options)]);
    const same = new Set(alike.filter((_, i) => mine[i] !== undefined && mine[i] === yours[i]));
    for (const { entries } of same) equal += entries;
    compared += pieces.length;
    open = pieces.filter((piece) => !same.has(piece));
  }
  return compared === 0 ? undefined : { ranges: joined([...reading, ...open]), tally: { compared, differing: differing + open.length, equal } };
}

/** A place that shows of some collections only some ranges, as they were in a snapshot. */
function narrowed(source: Source, snapshot: Snapshot, reading: ReadonlyMap<string, readonly KeyRange[]>): Source {
  const { name, identity, capabilities } = source;
  return {
    name, identity, capabilities,
    scan: (options) => scan(source, snapshot, reading, options),
    read: (refs, options) => source.read(refs, options),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

async function* scan(source: Source, snapshot: Snapshot, reading: ReadonlyMap<string, readonly KeyRange[]>, options: ScanOptions = {}): AsyncGenerator<Page> {
  let whole: string[] = [];
  for (const { name } of [...snapshot.collections, { name: undefined }]) {
    const ranges = name === undefined ? undefined : reading.get(name);
    if (name !== undefined && !ranges) {
      whole.push(name);
      continue;
    }
    if (whole.length > 0) yield* source.scan({ ...options, collections: whole });
    whole = [];
    if (name === undefined || !ranges || ranges.length === 0) continue;
    for await (const page of snapshot.scan(name, ranges, options)) {
      // A key that its store puts elsewhere than we do would be in a range that one side reads and the other does not.
      const lost = page.entries.find(({ key }) => !isAmong(ranges, key));
      if (lost) throw new SyncError('internal', `${source.name}: ${lost.key} is not where its ranges say it is`, { store: source.name, key: lost.key, hint: 'compare without digests of ranges: --no-range-digests' });
      yield page;
    }
  }
}
