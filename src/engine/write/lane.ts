import { dependencies } from '../../core/order.ts';
import type { Dependencies, Dependent } from '../../core/order.ts';
import { Limit } from '../../lib/limit.ts';
import { limits } from '../../lib/limits.ts';
import type { Entry, Ref } from '../../model/entry.ts';
import { SyncError } from '../../model/errors.ts';
import { sizeOfContent } from '../../model/late-document.ts';
import { Later, tryAgain } from '../aside/later.ts';
import type { Spooled } from '../aside/spool.ts';
import { Spool } from '../aside/spool.ts';
import type { Ledger } from '../run/ledger.ts';
import { Turns } from './turns.ts';
import type { Delete, Deletes, Put, PutOff, Writer } from './writer.ts';

export interface LaneOptions {
  readonly writer: Writer;
  readonly ledger: Ledger;
  readonly concurrency: number | undefined;
  readonly batchBytes?: number | undefined;
  readonly signal: AbortSignal | undefined;
  readonly onFailure: 'continue' | 'stop';
  /** Why nothing more may be sent, where that is so. */
  readonly spent?: () => string | undefined;
  /** Called when a batch has been settled. */
  readonly onSettled: () => void;
}

/**
 * The writes of one run to one store. Puts go out as they come, several batches at once; to a store whose entries
 * depend on each other they wait for the whole plan and go out level by level, no child before its parent was answered;
 * where collections refer to others, what is referred to goes first.
 */
export class Lane implements AsyncDisposable {
  readonly #options: LaneOptions;
  readonly #limit: Limit;
  readonly #ordered: boolean;
  readonly #batchEntries: number;
  readonly #mostBytes: number;
  readonly #waiting: Waiting[] = [];
  #turns: Turns | undefined;
  /** Puts of later turns, by their turn. */
  readonly #later = new Map<number, Later<Put>>();
  /** Puts that came before what they refer to. */
  #early = new Later<Put>();
  #putOff: PutOff<Put> | undefined = (put) => this.#early.add(put);
  readonly #spool = new Spool();
  #batch: Put[] = [];
  #batchBytes = 0;
  #stopped = false;
  #leftOver = 0;

  constructor(options: LaneOptions) {
    this.#options = options;
    const { limits: able, dependencies: required } = options.writer.sink.capabilities;
    this.#limit = new Limit(Math.max(1, Math.min(able.inFlight, options.concurrency ?? able.inFlight)));
    this.#ordered = required === 'required';
    if (!options.writer.sink.references) this.#turns = new Turns(new Map());
    this.#batchEntries = able.batchEntries;
    this.#mostBytes = options.batchBytes ?? limits.batchBytes;
  }

  /** Takes a put in. What it returns, if anything, is to be awaited before the next one: most of them need not wait. */
  put(put: Put): Promise<void> | undefined {
    if (this.#ordered) {
      this.#waiting.push(waiting(put, this.#spool));
      return undefined;
    }
    if (!this.#turns) return this.#learnTurns().then(() => this.put(put));
    const turn = this.#turns.of(put.key);
    if (turn === 0) return this.#gather(put);
    let later = this.#later.get(turn);
    if (!later) this.#later.set(turn, (later = new Later()));
    later.add(put);
    return undefined;
  }

  #gather(put: Put): Promise<void> | undefined {
    const sending = this.#batch.length === this.#batchEntries || this.#batchBytes >= this.#mostBytes ? this.#sendBatch() : undefined;
    this.#batch.push(put);
    this.#batchBytes += put.entry.size ?? bytesOfDocument(put.entry);
    return sending;
  }

  /** Sends what has gathered, if nothing else is under way: a slow source must not leave the target waiting. */
  async nudge(): Promise<void> {
    if (this.#batch.length > 0 && this.#limit.idle) await this.#sendBatch();
  }

  /** Writes everything that was put. */
  async flush(): Promise<void> {
    if (this.#ordered) await this.#putInOrder();
    else {
      await this.#sendGathered();
      for (const [turn, puts] of [...this.#later].sort(([a], [b]) => a - b)) {
        await this.#sendAll(puts);
        puts[Symbol.dispose]();
        this.#later.delete(turn);
      }
      await this.#sendEarly();
    }
  }

  async #sendEarly(): Promise<void> {
    const early = this.#early;
    this.#early = new Later();
    const putOff = this.#putOff;
    await tryAgain(early, async (puts, next) => {
      this.#putOff = next;
      // One batch after the other, since each may be what the next one waits for.
      await this.#sendAll(puts, true);
    });
    this.#putOff = putOff;
  }

  async #sendAll(puts: Iterable<Put>, inTurn = false): Promise<void> {
    for (const put of puts) {
      const sending = this.#gather(put);
      if (sending) await sending;
      if (sending && inTurn) await this.#limit.drain();
    }
    await this.#sendGathered();
  }

  async #sendGathered(): Promise<void> {
    if (this.#batch.length > 0) await this.#sendBatch();
    await this.#limit.drain();
  }

  async #learnTurns(): Promise<Turns> {
    const { signal, writer: { sink } } = this.#options;
    return (this.#turns ??= await Turns.of(sink, signal ? { signal } : {}));
  }

  /** Deletes, those first that others are a parent of. To be called last, after every scan ended well and the guard agreed. */
  async delete(deletes: Deletes): Promise<void> {
    if (deletes.length > 0) this.#options.ledger.emit({ kind: 'phase', phase: 'delete', total: deletes.length });
    if (this.#ordered) await this.#deleteInOrder(deletes);
    else await this.#deleteInTurns(deletes);
  }

  async #deleteInTurns(deletes: Deletes): Promise<void> {
    if (deletes.length === 0) return;
    const turns = await this.#learnTurns();
    const early = new Later<Delete>();
    const send = async (some: Iterable<Delete>, putOff: PutOff<Delete> | undefined, inTurn = false): Promise<void> => {
      for (const batch of batches(some, this.#batchEntries, ({ over }) => over.collection)) {
        await this.#send(batch.length, () => this.#options.writer.delete(batch, putOff));
        if (inTurn) await this.#limit.drain();
      }
      await this.#limit.drain();
    };
    for (let turn = turns.count - 1; turn >= 0; turn--) await send(turns.count === 1 ? deletes : those(deletes, ({ key }) => turns.of(key) === turn), (action) => early.add(action));
    await tryAgain(early, (some, putOff) => send(some, putOff, true));
  }

  async #deleteInOrder(deletes: Iterable<Delete>): Promise<void> {
    using spool = new Spool<Delete>();
    const nodes = Array.from(deletes, (action) => ({ ...dependentOf(action.over), spooled: spool.add(action) }));
    const graph = dependencies(nodes);
    const cyclic = new Set(nodes.keys());
    for (const i of graph.order) cyclic.delete(i);
    const failed = new Set<number>();
    const levels = [...levelsOf(graph)].reverse();
    for (const level of cyclic.size > 0 ? [[...cyclic], ...levels] : levels) {
      const free = level.filter((i) => {
        const holdsOut = graph.childrenOf(i).find((child) => failed.has(child));
        if (holdsOut === undefined) return true;
        failed.add(i);
        const { key, spooled } = nodes[i]!;
        this.#options.ledger.failed(spool.get(spooled), new SyncError('conflict', `${key} was not deleted, because ${nodes[holdsOut]!.key}, which depends on it, could not be`, { key }));
        return false;
      });
      for (const batch of batches(free, this.#batchEntries, (i) => nodes[i]!.collection)) {
        await this.#send(batch.length, async () => {
          const gone = await this.#options.writer.delete(batch.map((i) => spool.get(nodes[i]!.spooled)));
          batch.forEach((i, at) => { if (!gone[at]) failed.add(i); });
          return gone;
        });
      }
      await this.#limit.drain();
    }
  }

  /** Waits for what is under way, however it ends. */
  async settle(): Promise<void> {
    await this.#limit.drain().catch(() => {});
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.settle();
    this.#spool[Symbol.dispose]();
    this.#early[Symbol.dispose]();
    for (const later of this.#later.values()) later[Symbol.dispose]();
  }

  async #sendBatch(): Promise<void> {
    const batch = this.#batch;
    [this.#batch, this.#batchBytes] = [[], 0];
    await this.#send(batch.length, () => this.#options.writer.put(batch, this.#putOff));
  }

  /** Whether some of what was put was not sent, because no more was allowed, or a failure was to be the end. */
  get cutShort(): boolean {
    return this.#leftOver > 0;
  }

  async #send(size: number, body: () => Promise<readonly boolean[]>): Promise<void> {
    this.#options.signal?.throwIfAborted();
    if (this.#isOver(size)) return;
    await this.#limit.add(async () => {
      // While this one waited for room, another may have failed.
      if (this.#isOver(size)) return;
      const settled = await body();
      this.#options.onSettled();
      if (this.#options.onFailure === 'stop' && settled.includes(false)) this.#stopped = true;
    });
  }

  /** Whether nothing more may be sent; so many writes that were to be are then differences that remain. */
  #isOver(size: number): boolean {
    const { ledger, spent } = this.#options;
    const why = this.#stopped ? undefined : spent?.();
    if (!this.#stopped && why === undefined) return false;
    if (why !== undefined && this.#leftOver === 0) ledger.warn(`not everything was done, because ${why}; run again to go on`);
    this.#leftOver += size;
    for (let i = 0; i < size; i++) ledger.difference();
    return true;
  }

  async #putInOrder(): Promise<void> {
    const puts = this.#waiting;
    this.#options.ledger.emit({ kind: 'phase', phase: 'sort', total: puts.length });
    const graph = dependencies(puts);
    const blockedBy = new Map<number, number>();
    refuseCycles(puts, graph, (i, error) => this.#options.ledger.failed(this.#put(i), error));
    this.#options.ledger.emit({ kind: 'phase', phase: 'write', total: puts.length });
    const block = (i: number): void => { for (const child of graph.childrenOf(i)) blockedBy.set(child, i); };
    for (const level of levelsOf(graph)) {
      const free = level.filter((i) => {
        const parent = blockedBy.get(i);
        if (parent === undefined) return true;
        block(i);
        this.#options.ledger.failed(this.#put(i), new SyncError('conflict', `${puts[i]!.key} was not written, because ${puts[parent]!.key}, which it depends on, could not be`, { key: puts[i]!.key }));
        return false;
      });
      for (const batch of batches(free, this.#batchEntries, (i) => puts[i]!.collection)) {
        await this.#send(batch.length, async () => {
          const settled = await this.#options.writer.put(batch.map((i) => this.#put(i)));
          batch.forEach((i, at) => { if (!settled[at]) block(i); });
          return settled;
        });
      }
      await this.#limit.drain();
    }
  }

  #put(i: number): Put {
    return this.#spool.get(this.#waiting[i]!.spooled);
  }
}

/** What the order of a put is known from; the rest of it waits elsewhere. */
export interface Waiting extends Dependent, Pick<Ref, 'collection'> {
  readonly spooled: Spooled;
}

/** Puts a put aside. */
export function waiting(put: Put, spool: Spool): Waiting {
  return { ...dependentOf(put.entry), spooled: spool.add(put) };
}

function dependentOf({ key, address, collection, dependsOn }: Entry): Omit<Waiting, 'spooled'> {
  return { key, ...(address !== undefined && { address }), ...(collection !== undefined && { collection }), ...(dependsOn && { dependsOn }) };
}

/** Refuses the members of every cycle, by name, and what depends on them. */
export function refuseCycles(nodes: readonly Dependent[], graph: Dependencies, refuse: (i: number, error: SyncError) => void): void {
  const told = new Set<number>();
  for (const cycle of graph.cycles) {
    const names = [...cycle, cycle[0]!].map((i) => nodes[i]!.key).join(' → ');
    for (const i of cycle) {
      told.add(i);
      refuse(i, new SyncError('invalid', `these depend on each other in a cycle: ${names}`, { key: nodes[i]!.key, hint: 'remove one of the parent links' }));
    }
  }
  if (graph.order.length + told.size === nodes.length) return;
  const ordered = new Set(graph.order);
  nodes.forEach(({ key }, i) => {
    if (!ordered.has(i) && !told.has(i)) refuse(i, new SyncError('invalid', `${key} depends on entries that depend on each other in a cycle`, { key }));
  });
}

/** The indices of each level, parents before children. */
export function* levelsOf({ order, levelEnds }: Dependencies): Generator<readonly number[]> {
  let from = 0;
  for (const end of levelEnds) {
    yield [...order.subarray(from, end)];
    from = end;
  }
}

function* those<T>(items: Iterable<T>, which: (item: T) => boolean): Generator<T> {
  for (const item of items) if (which(item)) yield item;
}

/** What a document counts for in a batch, all of which is in memory, unlike that of files: eight MiB of them fill one. */
function bytesOfDocument({ content }: Entry): number {
  return content ? sizeOfContent(content) * heldWhole : 0;
}

const heldWhole = 8;

/** Runs of at most `most` items; a batch never spans collections. */
function* batches<T>(items: Iterable<T>, most: number, collectionOf: (item: T) => string | undefined): Generator<readonly T[]> {
  let batch: T[] = [];
  for (const item of items) {
    if (batch.length === most || (batch.length > 0 && collectionOf(item) !== collectionOf(batch[0]!))) {
      yield batch;
      batch = [];
    }
    batch.push(item);
  }
  if (batch.length > 0) yield batch;
}
