import { setImmediate as immediate } from 'node:timers/promises';
import type { Host } from '../../src/model/host.ts';
import { seededRandom } from '../../src/testing/random.ts';

interface Sleeper {
  readonly untilMs: number;
  wake(): void;
}

/** A host whose time passes only when {@link Clock.pass} is called, and then wakes everybody in order. */
export class Clock implements Host {
  readonly environment = {};
  readonly random: () => number;
  readonly #sleepers = new Set<Sleeper>();
  #nowMs = 1_700_000_000_000;

  constructor(seed = 0) {
    this.random = seededRandom(seed).next;
  }

  now(): number {
    return this.#nowMs;
  }

  log(): void {}

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const abort = (): void => {
        this.#sleepers.delete(sleeper);
        reject(new DOMException('interrupted', 'AbortError'));
      };
      const sleeper: Sleeper = {
        untilMs: this.#nowMs + ms,
        wake: () => {
          signal?.removeEventListener('abort', abort);
          resolve();
        },
      };
      if (signal?.aborted) return abort();
      signal?.addEventListener('abort', abort, { once: true });
      this.#sleepers.add(sleeper);
    });
  }

  /** How many sleep now. */
  get sleepers(): number {
    return this.#sleepers.size;
  }

  /** Sets the time without waking anybody, as an administrator does. */
  set(nowMs: number): void {
    this.#nowMs = nowMs;
  }

  /** Lets so much time pass, and everything happen that is to happen in it. */
  async pass(ms: number): Promise<void> {
    const endMs = this.#nowMs + ms;
    for (;;) {
      await this.#settle();
      const next = [...this.#sleepers].filter(({ untilMs }) => untilMs <= endMs).sort((a, b) => a.untilMs - b.untilMs)[0];
      if (!next) break;
      this.#sleepers.delete(next);
      this.#nowMs = Math.max(this.#nowMs, next.untilMs);
      next.wake();
    }
    this.#nowMs = Math.max(this.#nowMs, endMs);
    await this.#settle();
  }

  // Stores in memory need no more than turns of the event loop.
  async #settle(): Promise<void> {
    for (let turn = 0; turn < 20; turn++) await immediate();
  }
}
