import type { Side } from '../../core/policy.ts';
import type { Action } from '../../core/reconcile.ts';
import type { Backoff } from '../../lib/backoff.ts';
import { waitMs } from '../../lib/backoff.ts';
import type { Content, Entry, Stat } from '../../model/entry.ts';
import { statOf, withoutContent } from '../../model/entry.ts';
import { SyncError, toSyncError } from '../../model/errors.ts';
import type { Host } from '../../model/host.ts';
import { typeOf } from '../../model/key.ts';
import { sameDigest } from '../../model/late-document.ts';
import type { Expectation, Outcome, Sink, Source, Write } from '../../model/store.ts';
import type { Ledger } from '../run/ledger.ts';
import { isProof, isProvenBy, proven } from '../plan/digests.ts';
import type { Hashes } from '../plan/hashes.ts';
import { readEach } from '../run/read-each.ts';
import type { Baseline } from '../state/state.ts';
import type { Budget } from './budget.ts';
import { Grace } from './grace.ts';
import { Preparing } from './preparing.ts';
import { takeOver } from './take-over.ts';

/** A planned put. */
export type Put = Action & { readonly kind: 'put' };
/** A planned deletion. */
export type Delete = Action & { readonly kind: 'delete' };
/** All deletions of a run. There may be as many of them as there are entries, so that they need not be in memory. */
export type Deletes = Iterable<Delete> & { readonly length: number };

export interface WriterOptions {
  readonly sink: Sink;
  readonly side: Side;
  /** Where the content of an entry is read that the plan did not bring along. */
  readonly originOf: (entry: Entry) => Source;
  readonly ledger: Ledger;
  readonly baseline: Baseline | undefined;
  /** `learned`: remember only what the store made different from what was sent. `all`: remember every agreement. */
  readonly remember: 'learned' | 'all';
  readonly host: Host;
  readonly backoff: Backoff;
  readonly signal: AbortSignal | undefined;
  readonly hashes: Hashes;
  readonly budget?: Budget;
  /** Where the later entry wins: how far apart two times must be to be two, in microseconds. */
  readonly newest?: { readonly precision: number };
  /** Called before writes that overwrite news; see law 7. */
  readonly beforeLosing?: (puts: readonly Put[]) => Promise<void>;
  /** Called with what the sink is about to lose, whether replaced or deleted. When it throws, nothing is. */
  readonly keep?: (entries: readonly Entry[]) => Promise<void>;
}

/** A deletion as it can be put aside. */
export function withoutContents(action: Delete): Delete {
  const { tombstone } = action;
  return { ...action, over: withoutContent(action.over), ...(tombstone && { tombstone: withoutContent(tombstone) }) };
}

/** Takes a write that came too early. */
export type PutOff<A extends Put | Delete> = (action: A) => void;

type Ready = Put & { readonly entry: Entry & { readonly content: Content } };

/** Carries out planned writes on one store: reads what is missing, expects what the plan saw, settles each answer. */
export class Writer {
  readonly #options: WriterOptions;
  readonly #preparing: Preparing;
  /** Errors that are about more than the entry that was not written for them. */
  readonly #common = new WeakSet<SyncError>();
  /** Why collections have no place in the sink. */
  readonly #refused = new WeakSet<SyncError>();

  constructor(options: WriterOptions) {
    this.#options = options;
    this.#preparing = new Preparing(options.sink, this.#signalled());
  }

  get sink(): Sink {
    return this.#options.sink;
  }

  /** Writes one batch; resolves to whether each put left the store as wanted, or is still to. `putOff` takes those that are worth another try after others. */
  async put(puts: readonly Put[], putOff?: PutOff<Put>): Promise<readonly boolean[]> {
    // Where the sink can take content over, it is read only for what turns out to need it.
    const early = this.#options.sink.takeOver ? undefined : await this.#withContent(puts);
    await this.#options.beforeLosing?.(puts.filter(({ why }) => why === 'newer' || why === 'preferred' || why === 'tie'));
    await this.#options.keep?.(puts.flatMap(({ over }) => over ?? []));
    const taken = early ? [] : await this.#takeOver(puts);
    const rest = (early ?? await this.#withContent(puts.filter((_, i) => !taken[i])))[Symbol.iterator]();
    const ready = await this.#prepared(puts.map((_, i) => (taken[i] ? undefined : rest.next().value as Ready | SyncError | undefined)));
    const writes = ready.flatMap((put): Write[] => (put && !(put instanceof SyncError) ? [{ kind: 'put', entry: put.entry, ...this.#expecting(put) }] : []));
    const outcomes = (await this.#write(writes))[Symbol.iterator]();
    return ready.map((put, i) => {
      const took = taken[i];
      if (took) return this.#settlePut(puts[i]!, took, putOff);
      if (put instanceof SyncError) this.#settleFailure(puts[i]!, put);
      else if (put) return this.#settlePut(put, outcomes.next().value as Outcome, putOff);
      else this.#options.ledger.stale(puts[i]!);
      return false;
    });
  }

  /** Deletes one batch; resolves to whether each entry is gone, or still to go. `putOff` takes those that are worth another try after others. */
  async delete(deletes: readonly Delete[], putOff?: PutOff<Delete>): Promise<readonly boolean[]> {
    const { ledger, baseline, keep, hashes, originOf } = this.#options;
    await keep?.(deletes.map(({ over }) => over));
    const told = await this.#tombstonesOf(deletes);
    const outcomes = await this.#write(deletes.map(({ over }, i): Write => ({ kind: 'delete', ref: over, ...expecting(over), ...(told[i] && { tombstone: told[i] }) })));
    return deletes.map((action, i) => {
      const outcome = outcomes[i]!;
      const gone = outcome.kind === 'done' || (outcome.kind === 'stale' && outcome.found === undefined);
      if (gone) {
        ledger.done(action, outcome.kind === 'done' && outcome.unguarded === true);
        baseline?.delete(action.key);
        hashes.forget(originOf(action.over), action.key);
      } else if (outcome.kind === 'failed' && outcome.error.details.unmet && putOff) {
        putOff(action);
        return true;
      } else if (outcome.kind === 'failed') this.#settleFailure(action, outcome.error);
      else ledger.stale(action);
      return gone;
    });
  }

  /** What says of each that it was deleted; with what it held last, where the sink keeps that and it can still be read. */
  async #tombstonesOf(deletes: readonly Delete[]): Promise<readonly (Entry | undefined)[]> {
    const { sink, originOf } = this.#options;
    const told = deletes.map(({ tombstone }) => tombstone);
    const [first] = told.filter((tombstone) => tombstone?.version !== undefined);
    if (sink.capabilities.tombstones !== 'kept' || !first) return told;
    const origin = originOf(first);
    const found = await this.#retrying(origin.name, () => readEach(origin, deletes.map(({ over, tombstone }) => tombstone ?? over), this.#signalled()));
    return told.map((tombstone, i) => {
      const last = found[i];
      return tombstone && last && !(last instanceof SyncError) && last.deleted ? { ...last, ...tombstone, ...(last.content && { content: last.content }) } : tombstone;
    });
  }

  #settlePut(put: Put, outcome: Outcome, putOff: PutOff<Put> | undefined): boolean {
    const { ledger } = this.#options;
    switch (outcome.kind) {
      case 'done':
        this.#remember(put.entry, outcome.stat);
        this.#rememberDigests(put.entry, outcome.stat);
        ledger.done(put, outcome.unguarded === true);
        return true;
      case 'stale':
        // The answer to an earlier attempt was lost, or someone else wrote the very same: what is wanted is there.
        if (outcome.found?.digest && put.entry.digest && sameDigest(outcome.found.digest, put.entry.digest)) {
          this.#remember(put.entry, outcome.found);
          ledger.done(put, false);
          return true;
        }
        if (this.#isNewer(outcome.found, put.entry)) {
          ledger.skipped(put, outcome.found.modifiedAt);
          return true;
        }
        ledger.stale(put);
        return false;
      case 'failed':
        if ((outcome.error.details.unmet ?? outcome.error.details.taken) && putOff) {
          putOff(put);
          return true;
        }
        this.#settleFailure(put, outcome.error);
        return false;
      default:
        return outcome satisfies never;
    }
  }

  /** Where the later entry wins, the sink decides by itself that nothing newer is replaced, whoever wrote that since it was looked at. */
  #expecting({ entry: { modifiedAt }, over, why }: Put): { readonly expect?: Expectation } {
    const { newest, sink } = this.#options;
    if (!newest || why === 'tie' || modifiedAt === undefined || !sink.capabilities.expects.includes('older')) return expecting(over);
    const step = Math.max(1, newest.precision);
    return { expect: { older: Math.floor(modifiedAt / step) * step } };
  }

  #isNewer(found: Entry | undefined, { modifiedAt }: Entry): found is Entry & { readonly modifiedAt: number } {
    const { newest } = this.#options;
    return newest !== undefined && found?.modifiedAt !== undefined && modifiedAt !== undefined && found.modifiedAt > modifiedAt && found.modifiedAt - modifiedAt >= newest.precision;
  }

  /** What was broken off because the run was told to stop is left to be done, and no failure. */
  #settleFailure(action: Put | Delete, error: SyncError): void {
    const { ledger, signal } = this.#options;
    if (signal?.aborted && error.code === 'interrupted') ledger.brokenOff();
    else if (action.kind === 'put' && this.#refused.has(error)) ledger.homeless(action, error);
    else ledger.failed(action, error, { lasting: !this.#common.has(error) });
  }

  #remember(entry: Entry, written: Stat): void {
    const { baseline, side, remember, sink: { capabilities } } = this.#options;
    if (!baseline) return;
    // Where nothing that is listed tells what an entry holds, its version has to.
    const untold = written.digest === undefined && written.version !== undefined && capabilities.modifiedAt !== 'kept';
    const changed = entry.digest && written.digest && entry.digest.algorithm === written.digest.algorithm && !sameDigest(entry.digest, written.digest);
    if (remember === 'all' || untold || changed) {
      const [from, to] = [statOf(entry), statOf(written)];
      baseline.set(side === 'right' ? { key: entry.key, left: from, right: to } : { key: entry.key, left: to, right: from });
    } else if (baseline.get(entry.key)) baseline.delete(entry.key);
  }

  #passing(content: Content, { digest, place }: Entry, key: string): Content {
    const checked = proven(content, digest, place ?? key);
    return this.#options.budget?.metered(checked, this.#options.signal) ?? checked;
  }

  /** What was written was checked on its way, so both sides are known to hold it. */
  #rememberDigests(entry: Entry, written: Stat): void {
    const { hashes, sink, originOf } = this.#options;
    if (entry.content?.kind === 'document') return;
    if (written.digest) hashes.remember(originOf(entry), entry, written.digest);
    else if (entry.digest && (isProof(entry.digest) || isProvenBy(entry.content, entry.digest))) hashes.remember(sink, { key: entry.key, ...(written.version !== undefined && { version: written.version }) }, entry.digest);
  }

  async #takeOver(puts: readonly Put[]): Promise<readonly (Outcome | undefined)[]> {
    const { sink, originOf, signal, host } = this.#options;
    using grace = new Grace(signal, host);
    return await takeOver(sink, puts.map((put) => ({ entry: put.entry, source: originOf(put.entry), ...this.#expecting(put) })), grace.signal);
  }

  /** The puts, with an error in the place of each whose collection is missing in the sink and cannot be made. */
  async #prepared(ready: readonly (Ready | SyncError | undefined)[]): Promise<readonly (Ready | SyncError | undefined)[]> {
    const { sink, originOf } = this.#options;
    if (!sink.prepare) return ready;
    const keys = ready.flatMap((put) => (put && !(put instanceof SyncError) ? [{ key: put.key, source: originOf(put.entry) }] : []));
    const refusals = await this.#retrying(sink.name, () => this.#preparing.refusals(keys));
    for (const refusal of refusals.values()) if (refusal) this.#refused.add(refusal);
    return ready.map((put) => (put && !(put instanceof SyncError) ? refusals.get(typeOf(put.key)) ?? put : put));
  }

  /** Each put with its content, as the origin holds it now; `undefined` where it is gone, and why where it cannot be read. */
  async #withContent(puts: readonly Put[]): Promise<readonly (Ready | SyncError | undefined)[]> {
    const missing = new Map<Source, Entry[]>();
    for (const { entry } of puts) {
      if (entry.content) continue;
      const origin = this.#options.originOf(entry);
      const others = missing.get(origin);
      if (others) others.push(entry);
      else missing.set(origin, [entry]);
    }
    const found = new Map<string, Entry | SyncError | undefined>();
    for (const [origin, entries] of missing) {
      const fresh = await this.#retrying(origin.name, () => readEach(origin, entries, this.#signalled()));
      entries.forEach(({ key }, i) => found.set(key, fresh[i]));
    }
    return puts.map((put) => {
      const entry = put.entry.content ? put.entry : found.get(put.key);
      if (entry instanceof SyncError) return entry;
      if (!entry?.content) return undefined;
      const content = this.#passing(entry.content, entry, put.key);
      return isReady(put) && put.entry.content === content ? put : { ...put, entry: { ...entry, key: put.key, content } };
    });
  }

  /**
   * One outcome per write. What waiting may mend is tried again, with its expectation, so that a write whose answer
   * was lost is found to be done and not done twice. A run that was told to stop hears what is done within a moment,
   * and breaks off the rest.
   */
  async #write(writes: readonly Write[]): Promise<readonly Outcome[]> {
    const { sink, backoff, signal, host } = this.#options;
    using grace = new Grace(signal, host);
    const outcomes: Outcome[] = [];
    let open = writes.map((_, i) => i);
    for (let attempt = 1; open.length > 0; attempt++) {
      const batch = open.map((i) => writes[i]!);
      const answers = await grace.limit(sink.write(batch, { signal: grace.signal })).catch((cause: unknown) => {
        const error = toSyncError(cause, { store: sink.name });
        // Nothing of what may not be written at all can be written, and that need not be said of every entry.
        if (error.code === 'denied') throw error;
        if (batch.length > 1) this.#common.add(error);
        return batch.map((): Outcome => ({ kind: 'failed', error }));
      });
      open.forEach((i, at) => { outcomes[i] = answers[at] ?? unanswered(sink); });
      const again = open.filter((i) => mayRetry(outcomes[i]!));
      if (again.length === 0 || attempt >= backoff.attempts || signal?.aborted) break;
      await this.#wait(sink.name, attempt, (outcomes[again[0]!] as Outcome & { kind: 'failed' }).error);
      if (signal?.aborted) break;
      open = again;
    }
    return outcomes;
  }

  async #retrying<T>(store: string, body: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await body();
      } catch (cause) {
        const error = toSyncError(cause, { store });
        if (!mayRetry({ kind: 'failed', error }) || attempt >= this.#options.backoff.attempts) throw error;
        await this.#wait(store, attempt, error);
      }
    }
  }

  async #wait(store: string, attempt: number, error: SyncError): Promise<void> {
    const { host, backoff, ledger, signal } = this.#options;
    const inMs = waitMs(attempt, backoff, host.random(), error.details.retryAfterMs);
    ledger.emit({ kind: 'retrying', store, error, inMs, attempt });
    await host.sleep(inMs, signal).catch(() => {});
  }

  #signalled(): { readonly signal?: AbortSignal } {
    return this.#options.signal ? { signal: this.#options.signal } : {};
  }
}

/** Whether a put has all that is to be written. What is planned under one key may have been found under another. */
function isReady(put: Put): put is Ready {
  return put.entry.content !== undefined && put.entry.key === put.key;
}

/** That a put replaces what the plan saw, and nothing else. */
export function expecting(over: Entry | undefined): { readonly expect?: Expectation } {
  if (!over) return { expect: { absent: true } };
  return over.version === undefined ? {} : { expect: { version: over.version } };
}

function mayRetry(outcome: Outcome): boolean {
  return outcome.kind === 'failed' && outcome.error.retryable && outcome.error.details.attempts === undefined;
}

function unanswered(sink: Sink): Outcome {
  return { kind: 'failed', error: new SyncError('internal', `${sink.name} did not answer a write`, { store: sink.name }) };
}
