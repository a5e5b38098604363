import { Limit } from '../../lib/limit.ts';
import type { CallOptions, Outcome, Write } from '../../model/store.ts';
import { keyOfWrite } from '../../model/store.ts';
import { putMany, takesBatches } from './batch.ts';
import type { RestContext, RestWriter } from './context.ts';
import { toRestError } from './failure.ts';
import { Habits } from './habits.ts';
import type { Put, Sending } from './sending.ts';
import { deleteOne, putOne } from './single.ts';

/**
 * The writing half of the REST store at `context`: a PUT or DELETE of each resource, several at once, or, where the
 * collection takes them, a PATCH of many.
 */
export function restWriter(context: RestContext): RestWriter {
  const habits = new Habits();
  return {
    async write(batch, options = {}) {
      options.signal?.throwIfAborted();
      const writing = new Writing(batch, { context, habits, options });
      await writing.putBatches();
      await writing.writeOthers();
      return writing.outcomes;
    },
  };
}

interface WritingOptions {
  readonly context: RestContext;
  readonly habits: Habits;
  readonly options: CallOptions;
}

/** One call of `write`. */
class Writing {
  /** In the order of the writes; complete once everything has been written. */
  readonly outcomes: Outcome[];
  readonly #batch: readonly Write[];
  readonly #options: WritingOptions;
  /** Writes that an earlier attempt may have carried out. */
  readonly #lost = new Set<Write>();
  /** Whether two writes are about one resource, so that their order matters. */
  readonly #isSequence: boolean;

  constructor(batch: readonly Write[], options: WritingOptions) {
    this.outcomes = Array.from<Outcome>({ length: batch.length });
    this.#batch = batch;
    this.#options = options;
    this.#isSequence = batch.length > 1 && new Set(batch.map(keyOfWrite)).size < batch.length;
  }

  async putBatches(): Promise<void> {
    const { batchSize } = this.#options.context.settings;
    if (batchSize < 2 || this.#batch.length < 2 || this.#isSequence) return;
    for (const [collection, places] of this.#byCollection()) {
      for (let at = 0; at + 1 < places.length; at += batchSize) {
        const sending = this.#sending(this.#batch[places[at] as number] as Put);
        if (await this.#takesBatches(collection, sending)) await this.#putBatch(places.slice(at, at + batchSize), collection, sending);
      }
    }
  }

  async writeOthers(): Promise<void> {
    const [only, ...more] = this.#batch;
    if (only !== undefined && more.length === 0) {
      this.outcomes[0] = await this.#one(only);
      return;
    }
    const limit = new Limit(this.#isSequence ? 1 : this.#options.context.settings.concurrency);
    for (const [i, write] of this.#batch.entries()) {
      if (this.outcomes[i] === undefined) await limit.add(async () => { this.outcomes[i] = await this.#one(write); });
    }
    await limit.drain();
  }

  /** Where the puts of each collection are in the batch. */
  #byCollection(): ReadonlyMap<string, readonly number[]> {
    const places = new Map<string, number[]>();
    this.#batch.forEach((write, i) => {
      const collection = write.kind === 'put' ? write.entry.collection : undefined;
      if (collection === undefined) return;
      const known = places.get(collection);
      if (known === undefined) places.set(collection, [i]);
      else known.push(i);
    });
    return places;
  }

  async #putBatch(places: readonly number[], collection: string, sending: Sending): Promise<void> {
    const puts = places.map((i) => this.#batch[i] as Put);
    const { outcomes, lost, refused = false } = await putMany(puts, collection, sending);
    if (refused) this.#options.habits.patches.set(collection, Promise.resolve(false));
    for (const [at, i] of places.entries()) {
      const put = puts[at] as Put;
      const outcome = outcomes.get(put.entry.key);
      if (outcome !== undefined) this.outcomes[i] = outcome;
      else if (lost) this.#lost.add(put);
    }
  }

  /** Asked once of each collection. */
  #takesBatches(collection: string, sending: Sending): Promise<boolean> {
    const { patches } = this.#options.habits;
    let takes = patches.get(collection);
    if (takes === undefined) patches.set(collection, (takes = takesBatches(collection, sending)));
    return takes;
  }

  async #one(write: Write): Promise<Outcome> {
    try {
      const sending = this.#sending(write);
      return write.kind === 'put' ? await putOne(write, sending, this.#lost.has(write)) : await deleteOne(write, sending);
    } catch (cause) {
      return { kind: 'failed', error: toRestError(cause, this.#options.context.name) };
    }
  }

  #sending(write: Write): Sending {
    const { context, habits, options } = this.#options;
    return { ...options, context, habit: habits.of(write.kind === 'put' ? write.entry : write.ref) };
  }
}
