import { defaultGuard } from '../core/guard.ts';
import type { Backoff } from '../lib/backoff.ts';
import type { FailureCode } from '../model/errors.ts';
import { SyncError, toSyncError } from '../model/errors.ts';
import type { Host } from '../model/host.ts';
import type { Key } from '../model/key.ts';
import { plainHost } from '../model/plain-host.ts';
import type { Hint } from '../model/store.ts';
import { recognisePlaces } from './run/places.ts';
import type { Failed, OneWay, Report, TwoWay } from './types.ts';
import { Alarm } from './watch/alarm.ts';
import { Attention } from './watch/attention.ts';
import type { Reach } from './watch/attention.ts';
import { Retries } from './watch/retries.ts';
import { oneWaySubject, twoWaySubject } from './watch/subject.ts';
import type { Part, Subject } from './watch/subject.ts';
import { Subscription } from './watch/subscription.ts';
import { Troubles } from './watch/troubles.ts';
import type { Trouble } from './watch/troubles.ts';

/** What happens while a pairing is watched, beside the events of each run. */
export type WatchEvent =
  /** Changes are told of from now on by so many of the sources; the others are looked at now and then. */
  | { readonly kind: 'watching'; readonly sources: number; readonly polled: number }
  | { readonly kind: 'started'; readonly reach: Reach; /** Hints that came since the last run. */ readonly hints: number }
  /** A run came to its end. `behind`: how much is known to be left to do, roughly. */
  | { readonly kind: 'ended'; readonly reach: Reach; readonly report: Report; readonly behind: number }
  /** A run was given up. */
  | { readonly kind: 'failed'; readonly reach: Reach; readonly error: SyncError; readonly behind: number }
  /** Something new does not work. It is tried again, and not mentioned again until {@link watchSync} has recovered. */
  | { readonly kind: 'trouble'; readonly troubles: readonly Trouble[]; readonly inMs: number }
  /** The guard forbids what is to be deleted. Everything else goes on, and the deletions are left for later. */
  | { readonly kind: 'refused'; readonly error: SyncError }
  /** Nothing is left of all that was in trouble or refused. */
  | { readonly kind: 'recovered' };

/** How a pairing is watched. */
export interface WatchOptions {
  /** A run begins when this long no hint has come. */
  readonly quietMs?: number;
  /** A run begins at the latest this long after the first hint. */
  readonly mostQuietMs?: number;
  /** How often everything is looked at, whatever hints say. */
  readonly fullEveryMs?: number;
  /** How often everything is looked at while a source does not tell of its changes. */
  readonly pollEveryMs?: number;
  /** How many keys are looked at one by one, before directories stand for them. */
  readonly mostKeys?: number;
  /** How long to wait before something that failed is tried again. */
  readonly backoff?: Omit<Backoff, 'attempts'>;
  /**
   * Whether everything is looked at to begin with (default), or not before the first regular full pass. The target is
   * then only counted, for the guard.
   */
  readonly startWhole?: boolean;
  /** Hints of what says nothing, as of files that are written by each run itself. */
  readonly isDeafTo?: (key: Key) => boolean;
  readonly on?: (event: WatchEvent) => void;
}

/** A pairing that ends when its signal fires. */
export type Watched = OneWay & { readonly signal: AbortSignal };

/** Losing this many entries between two full passes is never taken for an accident. */
const lostWithoutWorry = 10;

/** For so long what the guard refused is looked at along with what comes next: that may turn out to be its new name. */
const otherHalfMs = 10_000;

/** What befalls entries that change while a run is under way. */
const passing: ReadonlySet<FailureCode> = new Set<FailureCode>(['conflict', 'not-found']);

/** After a run that got nowhere, hints wait this long at most before they make another one. */
const mostHoldMs = 2_000;

/**
 * Keeps the target as the origins are, until the signal fires: one run of everything, then runs of what hints name, each
 * an ordinary one that looks at both sides itself. Failures, outages and refusals of the guard do not end it. It rejects
 * only when the very first run fails for a reason that waiting does not mend.
 */
export async function watchSync(pairing: Watched, options: WatchOptions = {}): Promise<void> {
  await new Watcher(oneWaySubject(pairing), options).run();
}

/** A two-way pairing that ends when its signal fires. */
export type WatchedBothWays = TwoWay & { readonly signal: AbortSignal };

/** Keeps two sides the same, whichever of them changes, until the signal fires; all else is as with {@link watchSync}. */
export async function watchMerge(pairing: WatchedBothWays, options: Omit<WatchOptions, 'startWhole'> = {}): Promise<void> {
  await new Watcher(twoWaySubject(pairing), options).run();
}

class Watcher {
  readonly #subject: Subject;
  readonly #options: Required<Omit<WatchOptions, 'on'>>;
  readonly #emit: (event: WatchEvent) => void;
  readonly #host: Host;
  readonly #alarm: Alarm;
  readonly #troubles = new Troubles();
  #subscriptions: readonly Subscription[] = [];
  /** What hints named since the last run. */
  readonly #fresh: Attention;
  #hints = 0;
  #firstHintMs = 0;
  #lastHintMs = 0;
  /** Hints make no run before this. */
  #heldBackMs = -Infinity;
  readonly #retries: Retries;
  /** The last run got nowhere: a place is out of reach, or full. */
  #outage = false;
  /** Something is not as it should be that only a full pass can find to be well again: the guard refused, or a file cannot be read. */
  #leftOver = false;
  /** What the guard refused to delete, until {@link otherHalfMs} are over. */
  readonly #refused: Attention;
  #refusedUntilMs = -Infinity;
  /** How much the target held when the guard first refused: what is written since then must not make room for what was refused. */
  #heldAtRefusal: number | undefined;
  #wholeMs = -Infinity;
  /** The latest time seen. */
  #nowMs = -Infinity;
  /** How much the target holds, and the most it held since the last full pass; unknown before the first run. */
  #held: number | undefined;
  #peak = 0;

  constructor(subject: Subject, { on, quietMs = 20, mostQuietMs = 1_000, fullEveryMs = 600_000, pollEveryMs = 30_000, mostKeys = 500, backoff = { firstMs: 250, mostMs: 60_000 }, startWhole = true, isDeafTo = (): boolean => false }: WatchOptions) {
    this.#subject = subject;
    this.#options = { quietMs, mostQuietMs, fullEveryMs, pollEveryMs, mostKeys, backoff, startWhole, isDeafTo };
    this.#emit = on ?? ((): void => {});
    this.#host = subject.host ?? plainHost;
    this.#alarm = new Alarm(this.#host);
    this.#fresh = new Attention(mostKeys);
    this.#refused = new Attention(mostKeys);
    this.#retries = new Retries(mostKeys, backoff, this.#host);
  }

  async run(): Promise<void> {
    const { sources, signal } = this.#subject;
    const closing = new AbortController();
    const stop = (): void => {
      closing.abort();
      this.#alarm.ring();
    };
    if (signal.aborted) return;
    signal.addEventListener('abort', stop, { once: true });
    // Before the first run, so that nothing changes unseen between the two.
    this.#subscriptions = sources.map((source) => new Subscription({
      source, host: this.#host, signal: closing.signal, backoff: this.#options.backoff,
      onHints: (hints) => this.#hear(hints),
      onStanding: (again) => { if (again) this.#lookSoon(0); },
      onLost: (error) => this.#lose(source.name, error),
    }));
    try {
      await Promise.all(this.#subscriptions.map((subscription) => subscription.settled()));
      if (!this.#options.startWhole) {
        this.#held = this.#peak = await this.#subject.count();
        this.#wholeMs = this.#host.now() + this.#interval;
      }
      const standing = this.#subscriptions.filter((subscription) => subscription.standing).length;
      if (!closing.signal.aborted) this.#emit({ kind: 'watching', sources: standing, polled: sources.length - standing });
      for (let reach = await this.#next(); reach; reach = await this.#next()) await this.#mirror(reach);
    } finally {
      signal.removeEventListener('abort', stop);
      stop();
      await Promise.all(this.#subscriptions.map((subscription) => subscription.ended()));
    }
  }

  #hear(hints: readonly Hint[]): void {
    const nowMs = this.#host.now();
    this.#hints += hints.length;
    const idle = this.#fresh.empty;
    for (const { under } of hints) if (!this.#retries.isRestless(under) && !this.#options.isDeafTo(under)) this.#fresh.add(under);
    if (this.#fresh.empty) return;
    this.#lastHintMs = nowMs;
    if (!idle) return;
    this.#firstHintMs = nowMs;
    this.#alarm.ring();
  }

  #lose(source: string, error: SyncError): void {
    const { pollEveryMs } = this.#options;
    this.#lookSoon(pollEveryMs);
    this.#tell([{ place: source, error }], pollEveryMs);
  }

  /** Has everything looked at in so long, or sooner where that was to be. */
  #lookSoon(inMs: number): void {
    this.#wholeMs = Math.min(this.#wholeMs, this.#host.now() + inMs);
    this.#alarm.ring();
  }

  /** What to look at next, once it is time; `undefined` when it is time to end. */
  async #next(): Promise<Reach | undefined> {
    while (!this.#subject.signal.aborted) {
      const nowMs = this.#host.now();
      // The clock was set back: all that was to be done at its old times is done now.
      if (nowMs < this.#nowMs) this.#wholeMs = nowMs;
      this.#nowMs = nowMs;
      const dueMs = Math.min(this.#wholeMs, this.#retries.dueMs, this.#freshMs);
      if (dueMs <= nowMs) return this.#take(nowMs);
      await this.#alarm.sleep(dueMs - nowMs);
    }
    return undefined;
  }

  get #freshMs(): number {
    if (this.#fresh.empty) return Infinity;
    const { quietMs, mostQuietMs } = this.#options;
    return Math.max(this.#heldBackMs, Math.min(this.#lastHintMs + quietMs, this.#firstHintMs + mostQuietMs));
  }

  #take(nowMs: number): Reach {
    const whole = this.#wholeMs <= nowMs || this.#held === undefined || !this.#subject.narrows;
    const attention = new Attention(this.#options.mostKeys);
    if (whole) attention.add('');
    // What is out of reach is asked for once, not for every entry by itself; and what came meanwhile may be what helps.
    const all = whole || (this.#outage && this.#retries.dueMs <= nowMs);
    attention.addAll(this.#retries.take(all ? Infinity : nowMs));
    if (all || this.#freshMs <= nowMs) {
      attention.addAll(this.#fresh.take());
      const refused = this.#refused.take();
      if (nowMs < this.#refusedUntilMs) attention.addAll(refused);
    }
    const reach = attention.take();
    if (reach !== 'everything') return reach;
    // A retry may be what makes it a run of everything.
    this.#retries.take(Infinity);
    this.#fresh.clear();
    this.#wholeMs = Infinity;
    return reach;
  }

  async #mirror(reach: Reach): Promise<void> {
    this.#emit({ kind: 'started', reach, hints: this.#hints });
    this.#hints = 0;
    try {
      const moved = await this.#moved();
      if (moved) throw moved;
      this.#settle(reach, await this.#subject.run(this.#partOf(reach)), false);
    } catch (cause) {
      const error = toSyncError(cause);
      if (this.#subject.signal.aborted) return;
      if (error.code === 'guarded') await this.#refuse(reach, error);
      else this.#fail(reach, error);
    } finally {
      if (reach === 'everything') this.#lookSoon(this.#interval);
    }
  }

  get #interval(): number {
    const { fullEveryMs, pollEveryMs } = this.#options;
    return this.#subscriptions.every(({ standing }) => standing) ? fullEveryMs : Math.min(fullEveryMs, pollEveryMs);
  }

  #partOf(reach: Reach): Part {
    if (reach === 'everything') return this.#heldAtRefusal === undefined ? {} : { held: this.#heldAtRefusal };
    const { guard = defaultGuard } = this.#subject;
    const limit = typeof guard.maxDeletes === 'number' ? guard.maxDeletes : Math.max(lostWithoutWorry, Math.floor(this.#peak * guard.maxDeletes.share));
    const held = Math.min(this.#held ?? 0, this.#heldAtRefusal ?? Infinity);
    // Many small deletions must not add up to what the guard would not let happen at once.
    return { under: reach, held, ...(this.#peak - held > limit && { guard: { maxDeletes: 0 } }) };
  }

  /** Leaves the deletions for the next full pass; what else there was to do is done. */
  async #refuse(reach: Reach, error: SyncError): Promise<void> {
    const { name, signal } = this.#subject;
    if (this.#troubles.news([{ place: name, error }]).length > 0) this.#emit({ kind: 'refused', error });
    this.#leftOver = true;
    this.#emit({ kind: 'failed', reach, error, behind: this.#behind });
    if (reach !== 'everything') {
      this.#refused.addAll(reach);
      this.#refusedUntilMs = this.#host.now() + otherHalfMs;
    }
    const before = this.#held;
    try {
      if (await this.#moved()) return;
      this.#emit({ kind: 'started', reach, hints: 0 });
      const report = await this.#subject.run({ ...this.#partOf(reach), keep: true });
      const { unchanged, updated, kept } = report.counts;
      this.#heldAtRefusal ??= before ?? unchanged + updated + kept;
      this.#settle(reach, report, true);
    } catch (cause) {
      if (!signal.aborted) this.#fail(reach, toSyncError(cause));
    }
  }

  /** The refusal to read from or write to a place that is not the one it was, unless a guard of one's own says that it may. */
  async #moved(): Promise<SyncError | undefined> {
    const { places, state, guard, signal } = this.#subject;
    const { moved } = guard === undefined ? await recognisePlaces(places, state, signal) : {};
    return moved && new SyncError('guarded', `refusing to go on, because ${moved.name} is not the place it was at the last run: another disk may be mounted there, or none`, { store: moved.name, hint: 'bring it back, or begin again with --max-deletes and a number if it is meant to be another' });
  }

  #fail(reach: Reach, error: SyncError): void {
    if (this.#held === undefined && !error.retryable && error.code !== 'guarded' && error.code !== 'conflict') throw error;
    const inMs = this.#retries.add(reach);
    this.#retries.settle();
    this.#holdBack(inMs);
    this.#emit({ kind: 'failed', reach, error, behind: this.#behind });
    this.#tell([{ place: error.details.store ?? this.#subject.name, error }], inMs);
  }

  /** Draws the conclusions from a run that came to its end. `kept`: it was not to delete. */
  #settle(reach: Reach, report: Report, kept: boolean): void {
    const { counts, failures, problems } = report;
    // What was cut short by the end of the watching has not failed.
    if (this.#subject.signal.aborted) return this.#emit({ kind: 'ended', reach, report: { ...report, interrupted: true }, behind: this.#behind });
    this.#count(reach, report);
    const changed = counts.created + counts.updated + counts.deleted > 0;
    const failed = counts.failed + counts.conflicts + problems;
    const retried = this.#toRetry(reach, report);
    const inMs = this.#retries.add(retried, new Set(failures.filter(({ error }) => error.code === 'conflict').map(keyOf)));
    this.#retries.settle();
    if (retried.length > 0 && !changed && failures.every(({ error }) => error.retryable)) this.#holdBack(inMs);
    else if (this.#outage && changed) {
      // What was out of reach is back, so that nothing has to wait any longer.
      this.#outage = false;
      this.#retries.hasten();
    }
    if (reach === 'everything' && !kept) {
      this.#leftOver = retried !== 'everything' && problems + counts.conflicts > 0;
      if (failed === 0) this.#heldAtRefusal = undefined;
    }
    this.#emit({ kind: 'ended', reach, report, behind: this.#behind });
    // A file that is being written, or that is gone again, settles by itself; only one that does not is worth a word.
    this.#tell(failures.filter((failure) => !passing.has(failure.error.code) || this.#retries.failed(keyOf(failure)) > 3), inMs);
    if (failed === 0 && this.#retries.size === 0) this.#recover();
  }

  #count(reach: Reach, { counts }: Report): void {
    if (reach === 'everything') {
      this.#held = counts.unchanged + counts.created + counts.updated + counts.kept;
      this.#peak = this.#held;
    } else {
      this.#held = Math.max(0, (this.#held ?? 0) + counts.created - counts.deleted);
      this.#peak = Math.max(this.#peak, this.#held);
    }
  }

  /** What of a run is to be tried again soon. */
  #toRetry(reach: Reach, { failures, counts, problems }: Report): Reach {
    const failed = counts.failed + problems;
    if (failed === 0) return [];
    if (failures.length < failed + counts.conflicts) return reach;
    const reads = failures.filter(({ action }) => action === 'read');
    // What cannot be read for a reason that lasts is left for the next full pass, because a place among many is not known by its key.
    if (reads.length > 0 && (reach !== 'everything' || reads.some(({ error }) => error.retryable))) return reach;
    return failures.filter(({ action }) => action !== 'read' && action !== 'conflict').map(keyOf);
  }

  /** Gives a place that is out of reach, or full, a little time. */
  #holdBack(inMs: number): void {
    this.#outage = true;
    this.#heldBackMs = this.#host.now() + Math.min(inMs, mostHoldMs);
  }

  #tell(troubles: readonly Trouble[], inMs: number): void {
    const news = this.#troubles.news(troubles);
    if (news.length > 0) this.#emit({ kind: 'trouble', troubles: news, inMs });
  }

  #recover(): void {
    this.#outage = false;
    const well = this.#subscriptions.every(({ standing }, i) => standing || !this.#subject.sources[i]?.watch);
    if (this.#leftOver || !well || !this.#troubles.any) return;
    this.#troubles.forget();
    this.#emit({ kind: 'recovered' });
  }

  get #behind(): number {
    return this.#fresh.size + this.#retries.size + (this.#leftOver ? 1 : 0);
  }
}

function keyOf({ place, error }: Failed): Key {
  return error.code === 'conflict' ? error.details.key ?? place : place;
}
