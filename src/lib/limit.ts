/**
 * Runs tasks with at most `most` under way. `add` resolves once there is room, so a producer that awaits it is held
 * back; `drain` resolves when all have ended and rejects with the first error of any.
 */
export class Limit {
  readonly #most: number;
  readonly #running = new Set<Promise<void>>();
  #failed = false;
  #error: unknown;

  constructor(most: number) {
    this.#most = most;
  }

  async add(task: () => Promise<void>): Promise<void> {
    while (this.#running.size >= this.#most) await Promise.race(this.#running);
    this.#rethrow();
    const running: Promise<void> = task().then(
      () => { this.#running.delete(running); },
      (error: unknown) => {
        this.#running.delete(running);
        if (!this.#failed) [this.#failed, this.#error] = [true, error];
      },
    );
    this.#running.add(running);
  }

  /** Whether no task is under way. */
  get idle(): boolean {
    return this.#running.size === 0;
  }

  async drain(): Promise<void> {
    while (this.#running.size > 0) await Promise.race(this.#running);
    this.#rethrow();
  }

  #rethrow(): void {
    if (this.#failed) throw this.#error;
  }
}
