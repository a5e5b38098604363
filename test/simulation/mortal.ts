import type { Baseline, State } from '../../src/engine/state/state.ts';
import type { Outcome, Page, Store } from '../../src/model/store.ts';
import { wrap } from '../../src/testing/index.ts';
import type { Random } from '../../src/testing/index.ts';

/**
 * One life of an engine. At the operation it is to die at, it stops between two writes: nothing it asks for is ever
 * answered again, and nothing it would still remember is kept. Stores and state live on.
 */
export class Life {
  readonly died: Promise<void>;
  readonly #random: Random;
  #operations: number;
  #end!: () => void;
  #over = false;
  /** Writes that were sent and not yet answered. */
  readonly #sent = new Set<Promise<unknown>>();

  constructor(random: Random, operations: number) {
    this.#random = random;
    this.#operations = operations;
    this.died = new Promise((resolve) => { this.#end = resolve; });
  }

  get over(): boolean {
    return this.#over;
  }

  /** Resolves when everything that was sent has arrived. */
  async arrived(): Promise<void> {
    await Promise.allSettled(this.#sent);
  }

  store(store: Store): Store {
    return wrap(store, {
      scan: (...args) => this.#scan(store, ...args),
      read: async (...args) => {
        await this.#live();
        return await this.#answer(store.read(...args));
      },
      write: async (batch, call) => {
        if (this.#over) return await this.#death();
        if (!this.#dies()) return await this.#answer(this.#send(store.write(batch, call)));
        const reached = batch.slice(0, this.#random.below(batch.length + 1));
        if (reached.length > 0) await this.#send(store.write(reached, call)).catch((): readonly Outcome[] => []);
        return await this.#death();
      },
    });
  }

  state(state: State): State {
    return wrap(state, {
      baseline: (pairing): Baseline => {
        const baseline = state.baseline(pairing);
        return wrap(baseline, { commit: () => { if (!this.#over) baseline.commit(); } });
      },
      keepLost: (pairing, value) => { if (!this.#over) state.keepLost(pairing, value); },
    });
  }

  async *#scan(store: Store, ...args: Parameters<Store['scan']>): AsyncGenerator<Page> {
    await this.#live();
    for await (const page of store.scan(...args)) {
      await this.#live();
      yield page;
    }
  }

  #dies(): boolean {
    return this.#over || --this.#operations < 0;
  }

  async #live(): Promise<void> {
    if (this.#dies()) await this.#death();
  }

  #send<T>(answer: Promise<T>): Promise<T> {
    this.#sent.add(answer);
    return answer;
  }

  /** What was under way when the engine died is done, and nobody hears of it. */
  async #answer<T>(answer: Promise<T>): Promise<T> {
    const answered = await answer;
    return this.#over ? await this.#death() : answered;
  }

  #death(): Promise<never> {
    this.#over = true;
    this.#end();
    return new Promise(() => {});
  }
}
