import type { Collection } from './collection.ts';
import type { SyncError } from './errors.ts';
import type { Content, Digest, Entry, Micros, Ref, Stat, Version, Whereabouts } from './entry.ts';
import type { Key } from './key.ts';
import type { Snapshot } from './ranges.ts';
import type { Twins, TwinsOptions } from './twins.ts';

/** What a store can do, as plain data: printed by `stores`, checked by the conformance laws, read by the planner. */
export interface Capabilities {
  readonly holds: 'documents' | 'blobs';
  /** `key`: scans come in {@link compareKeys} order. `none`: the engine sorts, or looks entries up as they come. */
  readonly order: 'key' | 'none';
  /** `unique`: no scan yields two entries of one key, because the place could not hold them. Default: the engine looks out for such. */
  readonly keys?: 'unique';
  /**
   * `all`: a scan finds every entry. `collections`: it finds only what its own starting point leads to, or what is in
   * the collections it is given; as a target it is scanned with the collections of the source.
   */
  readonly enumerates: 'all' | 'collections';
  /** `cheap`: reading single entries costs no more than scanning them. `dear`: keep the content a scan brought. `once`: cannot be read twice. */
  readonly reads: 'cheap' | 'dear' | 'once';
  /** `kept`: a written time reads back. `assigned`: the store stamps its own. */
  readonly modifiedAt: 'none' | 'assigned' | 'kept';
  /** The smallest difference of times the store can tell, in microseconds. */
  readonly modifiedAtPrecision: Micros;
  readonly digests: readonly Digest['algorithm'][];
  /**
   * `likely`: a version says no more than size and time do, so that an edit which kept both goes unseen. Where proof is
   * asked for, nothing is taken from what is remembered of such a version. Default: `certain`.
   */
  readonly versions?: 'certain' | 'likely';
  /** The {@link Expectation} forms that are enforced atomically. Others are checked just before the write, which is then `unguarded`. */
  readonly expects: readonly ('absent' | 'version' | 'older')[];
  readonly deletes: boolean;
  /** `kept`: what is deleted stays, as a tombstone with its content. Default: it is gone. */
  readonly tombstones?: 'kept';
  /** `required`: an entry may only be put after those it depends on, and deleted before them. */
  readonly dependencies: 'required' | 'ignored';
  readonly visibility: 'immediate' | 'eventual';
  readonly limits: {
    /** The most writes in one batch. */
    readonly batchEntries: number;
    /** The most batches under way at once. */
    readonly inFlight: number;
    /** The longest key, in UTF-8 bytes. */
    readonly keyBytes: number;
  };
}

export interface CallOptions {
  readonly signal?: AbortSignal;
}

export interface ScanOptions extends CallOptions {
  /** `stat`: just enough to compare. `content`: send content along where that is no dearer. */
  readonly want?: 'stat' | 'content';
  /** Only entries of these collections. A store that `enumerates` all may ignore it. */
  readonly collections?: readonly string[];
  /** Not the entries of these collections. Only a store that knows {@link Sink.twins} is asked. */
  readonly except?: readonly string[];
  /**
   * Only what has one of these keys, or lies below one of them as below a directory: of `a` that is `a` and `a/b`, not
   * `ab`. A store that cannot narrow its listing may list more.
   */
  readonly under?: readonly Key[];
  /**
   * Only what was modified after `after` and not after `until`. A store that cannot tell, or not cheaply, lists more;
   * whoever asks looks at the times again. What has no time is listed always.
   */
  readonly window?: Window;
}

/** Half-open, in microseconds since the Unix epoch: after the one, until the other. */
export interface Window {
  readonly after?: Micros;
  readonly until?: Micros;
}

/**
 * That something under a key may have changed; the empty key means anything may. A hint narrows what is looked at and
 * is never proof: hints are missed and come twice.
 */
export interface Hint {
  readonly under: Key;
}

/**
 * Something a scan could not read: a broken link, an unreadable file, an item without an id. The scan goes on,
 * the run reports it, does not end as a success, and deletes nothing.
 */
export interface Problem {
  /** Where, fit to print: a file name, a URL. */
  readonly place: string;
  readonly error: SyncError;
  /** The key of what could not be read, where it has one by which it can be asked for. */
  readonly key?: Key;
  /** Set where a whole collection could not be listed: its entries may still be read one by one. */
  readonly collection?: string;
}

/** Some entries of a scan, and what could not be read among them. */
export interface Page {
  readonly entries: readonly Entry[];
  readonly problems?: readonly Problem[];
}

export interface FingerprintOptions extends CallOptions {
  /** Not where it would have to be asked for over a network. */
  readonly unless?: 'dear';
}

/** Anything that can be read. */
export interface Source extends AsyncDisposable {
  /** Fit to print: no secrets. */
  readonly name: string;
  /** Says which place this is, equal for every spelling of the same place; no secrets. State is kept under it. */
  readonly identity: string;
  readonly capabilities: Capabilities;
  /**
   * Yields every entry once. Ending without throwing or reporting a problem is the promise that nothing was left
   * out: the engine deletes on the strength of it, so when in doubt, throw.
   */
  scan(options?: ScanOptions): AsyncIterable<Page>;
  /** The entries for `refs`, in that order, content included; `undefined` where there is none. Throws where it cannot tell. */
  read(refs: readonly Ref[], options?: CallOptions): Promise<readonly (Entry | undefined)[]>;
  /**
   * Whether each entry is still in the state that an earlier version of it named, where a state may be named otherwise when it has grown old.
   * Absent: a state keeps its version.
   */
  isStill?(asked: readonly { readonly ref: Ref; readonly version: Version }[], options?: CallOptions): Promise<readonly boolean[]>;
  /**
   * Hints as they come, until the signal fires. The first, empty, list says that from now on nothing is missed but by
   * accident. Absent: the store cannot tell of changes.
   */
  watch?(options: { readonly signal: AbortSignal }): AsyncIterable<readonly Hint[]>;
  /**
   * What tells this place from another one that is mounted or created at the same address: a device, an identifier that
   * the server gives. `undefined` where there is nothing of the kind. See law 1.
   */
  fingerprint?(options?: FingerprintOptions): Promise<string | undefined>;
  /**
   * What time it is by the clock of the place, for next to nothing; `undefined` where it does not say. Throws where it is out
   * of reach. Absent: it has no clock of its own.
   */
  clock?(options?: CallOptions): Promise<Micros | undefined>;
  /** Roughly how many entries there are, for next to nothing; `undefined` where that is not known. Tells how far a run is, and whether listing or asking costs less: nothing that counts. */
  estimate?(options?: CallOptions): Promise<number | undefined>;
  /**
   * The deletions that the place remembers beside what it holds, as entries that are `deleted`, in any order; of several with
   * one key the latest counts. Absent: it remembers none.
   */
  tombstones?(options?: Pick<ScanOptions, 'window' | 'signal'>): AsyncIterable<Page>;
  /** The collections there are, where the place has any that can be described. Only those chosen, where some were. */
  describe?(options?: CallOptions): Promise<readonly Collection[]>;
  /** All there is now, to be compared range by range where it is kept. Absent, or `undefined`: it has to be read to be compared. */
  snapshot?(options?: CallOptions): Promise<Snapshot | undefined>;
  /** Where the content of an entry lies, by what a scan said of it, for a sink that can take it over from there; `undefined` where that cannot be said. */
  whereabouts?(entry: Entry): Whereabouts | undefined;
}

/** One thing to be done to one entry. */
export type Write =
  | { readonly kind: 'put'; readonly entry: Entry & { readonly content: Content }; readonly expect?: Expectation }
  /** `tombstone`: when it was deleted, for stores that keep that, and what it was then, where that is known. */
  | { readonly kind: 'delete'; readonly ref: Ref; readonly expect?: Expectation; readonly tombstone?: Entry };

/** What must be true of the stored entry for the write to happen. `older`: it is absent or was modified before this time. */
export type Expectation = { readonly absent: true } | { readonly version: Version } | { readonly older: Micros };

/** What became of one write. */
export type Outcome =
  /** Written. `stat` describes what the store holds now; its digest differs from what was sent where the store changes what it is given. */
  | { readonly kind: 'done'; readonly stat: Stat; readonly unguarded?: true }
  /** Not written: the expectation did not hold. */
  | { readonly kind: 'stale'; readonly found: Entry | undefined }
  | { readonly kind: 'failed'; readonly error: SyncError };

/** One entry to be taken over from where it lies. It brings no content. */
export interface Takeover {
  readonly entry: Entry;
  readonly from: Whereabouts;
  readonly expect?: Expectation;
}

/** Anything that can be written. */
export interface Sink extends AsyncDisposable {
  readonly name: string;
  readonly identity: string;
  /**
   * The wider place that this one is a part of, where an entry is the same whichever part is opened. What was learned
   * of the place is kept under it. Absent: the identity.
   */
  readonly realm?: string;
  readonly capabilities: Capabilities;
  /** Whether an entry belongs into this place, by its address. Absent: every entry does. */
  covers?(ref: Ref): boolean;
  /**
   * Makes the collections that are missing here, each as like the one described as the place can. Throws `unsupported`,
   * with nothing made, where a key cannot be kept. One that is there already is left as it is. One without fields is one that
   * nobody describes: a place that needs to know more of it throws what writing to it would fail with.
   */
  prepare?(collections: readonly Collection[], options?: CallOptions): Promise<void>;
  /**
   * Throws what {@link Sink.prepare} would throw for these, and makes nothing. Absent: that is known only when it is tried.
   */
  checkPrepare?(collections: readonly Collection[], options?: CallOptions): Promise<void>;
  /**
   * For each collection whose records refer to those of others, and are held to that, the names of those others. What is
   * referred to is better put first and deleted last; what comes too early fails as `unmet`. Absent: nothing refers to anything.
   */
  references?(options?: CallOptions): Promise<ReadonlyMap<string, readonly string[]>>;
  /** One outcome per write, in order; one bad write never sinks the others. Rejects only when the batch as a whole never happened. */
  write(batch: readonly Write[], options?: CallOptions): Promise<readonly Outcome[]>;
  /**
   * Answers as {@link Sink.write} would, as far as that follows from how the place describes itself and what the user may do, and writes nothing: what
   * is `failed` would fail, what is `done` may. Throws `denied` where a write would. Absent: that is known only when it is tried.
   */
  foresee?(batch: readonly Write[], options?: CallOptions): Promise<readonly Outcome[]>;
  /**
   * Has the service copy what it holds already, in exactly the version named and with all that it keeps beside the content,
   * so that it need not travel. One answer each, in order; `undefined` where the entry has to be read and put instead, which
   * is right wherever there is doubt. A `done` is as good as that of a put. Absent: nothing can be taken over.
   */
  takeOver?(batch: readonly Takeover[], options?: CallOptions): Promise<readonly (Outcome | undefined)[]>;
  /**
   * Prepares to fill these collections anew beside those that are there, each as like the one there as can be, or as described where there is
   * none. Throws `unsupported`, naming it, where something could not be carried over. Absent: the place cannot.
   */
  fresh?(collections: readonly Collection[], options?: CallOptions): Promise<Fresh>;
  /**
   * The collections that a source keeps in the same form as this place. `undefined` where there are none, or nobody can
   * tell; then, and for all others, entries are scanned and written. What is found and counted is the same either way.
   */
  twins?(source: Source, options?: TwinsOptions): Promise<Twins | undefined>;
}

/**
 * Collections that may be filled anew and then put in the place of those that are there. Nothing is made before it is asked for, and
 * disposing takes away what was not swapped in.
 */
export interface Fresh extends AsyncDisposable {
  /** Makes these of the collections, empty, and takes away what earlier runs left of any. The store has them, and nothing else, under the keys of those they are for. */
  fill(names: readonly string[], options?: CallOptions): Promise<Store>;
  /**
   * Puts what was filled in place at once: whoever reads has the old ones or the fresh ones, and always either. Throws `conflict`, with
   * nothing changed, where somebody has written to an old one since {@link Sink.fresh} was called.
   */
  swap(options?: CallOptions): Promise<void>;
}

/** A place that can be read and written. */
export interface Store extends Source, Sink {}

/** Whether a place can be read. */
export function isSource(place: Source | Sink): place is Source {
  return 'scan' in place;
}

/** Whether a place can be written. */
export function isSink(place: Source | Sink): place is Sink {
  return 'write' in place;
}

/** The key a write is about. */
export function keyOfWrite(write: Write): Key {
  return write.kind === 'put' ? write.entry.key : write.ref.key;
}
