/** Lets so many tasks be under way at once, whoever they are of; the others wait for their turn, in order. */
export class Gate {
  readonly #most: number;
  readonly #waiting: (() => void)[] = [];
  #inside = 0;

  constructor(most: number) {
    this.#most = most;
  }

  async enter<T>(task: () => Promise<T>): Promise<T> {
    if (this.#inside >= this.#most) await new Promise<void>((resolve) => void this.#waiting.push(resolve));
    else this.#inside++;
    try {
      return await task();
    } finally {
      // Whoever waited longest takes the place over.
      const next = this.#waiting.shift();
      if (next) next();
      else this.#inside--;
    }
  }

  /** Does something for each, and answers in order. The first error counts, once all that began have ended. */
  async each<Item, Result>(items: readonly Item[], task: (item: Item, index: number) => Promise<Result>): Promise<readonly Result[]> {
    const results = new Array<Result>(items.length);
    const errors: unknown[] = [];
    let next = 0;
    const lane = async (): Promise<void> => {
      while (next < items.length && errors.length === 0) {
        const i = next++;
        try {
          results[i] = await this.enter(() => task(items[i]!, i));
        } catch (error) {
          errors.push(error);
        }
      }
    };
    await Promise.all(Array.from({ length: Math.min(this.#most, items.length) }, lane));
    if (errors.length > 0) throw errors[0];
    return results;
  }
}
