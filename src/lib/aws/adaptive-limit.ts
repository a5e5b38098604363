/** How one request went, as far as the limit is concerned. */
export type Strain = 'none' | 'overload' | 'unknown';

const firstLimit = 8;
/** A mean latency of this many times the best is no longer "holding". */
const tolerated = 2;
const alarming = 4;

/**
 * How many requests may be under way at once, found out while they run: more while the answers come as quickly as they
 * did at best, fewer when they slow down, and far fewer when the other side says that it is too much.
 */
export class AdaptiveLimit {
  readonly #most: number;
  readonly #waiting: (() => void)[] = [];
  #next = 0;
  #limit: number;
  #running = 0;
  #best = Infinity;
  #sum = 0;
  #count = 0;
  /** Answers still to come of requests that were sent before the last cut, and say nothing of the limit after it. */
  #stale = 0;

  constructor(most: number) {
    this.#most = most;
    this.#limit = Math.min(most, firstLimit);
  }

  /** How many may be under way now. */
  get limit(): number {
    return Math.floor(this.#limit);
  }

  /** Resolves when there is room; `undefined` where there is room at once. Whoever enters must {@link leave}. */
  enter(): Promise<void> | undefined {
    if (this.#running < this.limit) {
      this.#running++;
      return undefined;
    }
    return new Promise((resolve) => void this.#waiting.push(resolve));
  }

  /** One request has ended. Latency is only told where it says something: not of large bodies. */
  leave(strain: Strain, latencyMs?: number): void {
    this.#running--;
    if (this.#stale > 0) this.#stale--;
    else if (strain === 'overload') this.#shrink();
    else if (strain === 'none' && latencyMs !== undefined) this.#observe(latencyMs);
    while (this.#running < this.limit && this.#next < this.#waiting.length) {
      this.#running++;
      this.#waiting[this.#next++]!();
    }
    if (this.#next > 1_000 && this.#next * 2 > this.#waiting.length) {
      this.#waiting.splice(0, this.#next);
      this.#next = 0;
    }
  }

  #shrink(): void {
    this.#limit = Math.max(1, this.#limit * 0.6);
    [this.#sum, this.#count, this.#stale] = [0, 0, this.#running];
  }

  #observe(latencyMs: number): void {
    this.#sum += latencyMs;
    if (++this.#count < Math.max(this.limit, 8)) return;
    const mean = this.#sum / this.#count;
    [this.#sum, this.#count] = [0, 0];
    // The best is forgotten slowly: a way that has become longer is no reason to go ever slower.
    this.#best = Math.min(mean, this.#best * 1.02);
    if (mean <= this.#best * tolerated) this.#limit = Math.min(this.#most, this.#limit + Math.max(1, this.#limit / 8));
    else if (mean > this.#best * alarming) this.#limit = Math.max(Math.min(this.#most, 4), this.#limit * 0.9);
  }
}
