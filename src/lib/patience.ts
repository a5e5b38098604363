import { jitteredMs } from './backoff.ts';

/** The clock and the chance that patience goes by. */
export interface PatienceClock {
  now(): number;
  /** From 0 up to, not including, 1. */
  random(): number;
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export interface PatienceOptions {
  /** For so long it is worth waiting while nothing gets done. */
  readonly mostMs: number;
  /** Requests under way at once where all is well. */
  readonly atOnce: number;
  readonly clock: PatienceClock;
  /** Is told why nothing is sent, and for how long. */
  readonly onPause?: (why: string, inMs: number) => void;
}

/** How long to wait for a server that has too much to do, unless somebody says otherwise. */
export const usualPatienceMs = 120_000;

const pauses = { firstMs: 500, mostMs: 15_000 };
/** One request that is refused while others get through is given up after so many times the patience. */
const mostForOne = 5;
const leastShare = 1 / 64;
/** After a while without a refusal, so much more of everything is sent. */
const [regained, regainedMs] = [1 / 16, 1_000];

/**
 * What is sent to a server that may say that it has too much to do. Who says so is alive, so what counts is for how long nothing gets done, and not how
 * often it was tried. After a refusal nothing is sent for a while, then one request by itself; while they are refused the
 * pauses grow. Half as much is sent at once after each of them, and a little more each second in which none was. When it was long enough, whatever
 * comes in a pause is refused without being sent, so that a server that is lost to overload is not asked for each of a million things.
 */
export class Patience {
  readonly #options: PatienceOptions;
  #share = 1;
  #shareChangedMs = -Infinity;
  /** Refusals since something got done, those of one moment counted once, and when the first of them came. */
  #refusals = 0;
  #firstMs = 0;
  #pausedUntilMs = -Infinity;
  #cause: unknown;
  #running = 0;
  /** Whether anything was sent since the last refusal. */
  #sent = true;
  /** Resolves when one of those under way has ended. */
  #left: PromiseWithResolvers<void> | undefined;

  constructor(options: PatienceOptions) {
    this.#options = options;
  }

  /** Of so much, what is to be sent at once: at least one. */
  shareOf(most: number): number {
    return Math.max(1, Math.floor(most * this.#share));
  }

  /** Sends something as soon as it is its turn: at once, where all is well. Rejects with what was said last where it has been long enough. */
  async admit<T>(send: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    if (this.#share < 1) await this.#turn(signal);
    else this.#running++;
    this.#sent = true;
    try {
      return await send();
    } finally {
      this.#running--;
      this.#left?.resolve();
      this.#left = undefined;
    }
  }

  /** To be told when something got done. */
  progressed(): void {
    this.#refusals = 0;
    if (this.#share === 1) return;
    const nowMs = this.#options.clock.now();
    if (nowMs - this.#shareChangedMs < regainedMs) return;
    this.#share = Math.min(1, this.#share + regained);
    this.#shareChangedMs = nowMs;
  }

  /** To be told with what the server said that it has too much to do, and how long it asks to be left alone. */
  refused(cause: unknown, why: string, askedMs = 0): void {
    const { mostMs, clock, onPause } = this.#options;
    const nowMs = clock.now();
    // What was under way together is refused together, however much later some of it is.
    if (!this.#sent) return;
    this.#sent = false;
    if (this.#refusals === 0 || nowMs - this.#pausedUntilMs > mostMs) [this.#refusals, this.#firstMs] = [0, nowMs];
    this.#refusals++;
    this.#share = Math.max(leastShare, this.#share / 2);
    this.#shareChangedMs = nowMs;
    this.#cause = cause;
    const inMs = Math.max(askedMs, jitteredMs(this.#refusals, pauses, clock.random()));
    this.#pausedUntilMs = nowMs + inMs;
    if (!this.#isOver(nowMs)) onPause?.(why, inMs);
  }

  /** Whether waiting has been long enough for what was refused at `firstMs` for the first time. */
  isOver(firstMs: number): boolean {
    const { mostMs, clock } = this.#options;
    const nowMs = clock.now();
    return this.#isOver(nowMs) || nowMs - firstMs >= mostMs * mostForOne;
  }

  #isOver(nowMs: number): boolean {
    return this.#refusals > 0 && nowMs - this.#firstMs >= this.#options.mostMs;
  }

  async #turn(signal: AbortSignal | undefined): Promise<void> {
    const { clock, atOnce } = this.#options;
    for (;;) {
      signal?.throwIfAborted();
      const untilMs = this.#pausedUntilMs;
      const nowMs = clock.now();
      const inMs = untilMs - nowMs;
      if (inMs > 0 && this.#isOver(nowMs)) throw this.#cause;
      if (inMs > 0) {
        await clock.sleep(inMs, signal);
        // Timers may fire early by a moment.
        if (this.#pausedUntilMs === untilMs) this.#pausedUntilMs = Math.min(untilMs, clock.now());
      } else if (this.#running >= (this.#refusals > 0 ? 1 : this.shareOf(atOnce))) {
        this.#left ??= Promise.withResolvers<void>();
        await this.#left.promise;
      } else break;
    }
    this.#running++;
  }
}
