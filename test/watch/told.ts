import type { Hint } from '../../src/model/store.ts';

/** Hints on their way from whoever changes something to whoever watches, and all that can go wrong on it. */
export class Teller {
  readonly #listeners = new Set<(item: readonly Hint[] | Error) => void>();
  /** Whether hints get lost. */
  deaf = false;
  /** Whether a subscription can be had. */
  refusing = false;

  get listeners(): number {
    return this.#listeners.size;
  }

  tell(...keys: readonly string[]): void {
    if (!this.deaf) for (const listener of this.#listeners) listener(keys.map((under) => ({ under })));
  }

  /** Ends every subscription with an error. */
  break(error: Error): void {
    for (const listener of this.#listeners) listener(error);
  }

  async *watch({ signal }: { readonly signal: AbortSignal }): AsyncGenerator<readonly Hint[]> {
    if (this.refusing) throw new Error('there are too many watchers');
    const queue: (readonly Hint[] | Error)[] = [[]];
    let wake = (): void => {};
    const listener = (item: readonly Hint[] | Error): void => {
      queue.push(item);
      wake();
    };
    const stop = (): void => wake();
    this.#listeners.add(listener);
    signal.addEventListener('abort', stop);
    try {
      while (!signal.aborted) {
        const item = queue.shift();
        if (item instanceof Error) throw item;
        if (item) yield item;
        else await new Promise<void>((resolve) => (wake = resolve));
      }
    } finally {
      signal.removeEventListener('abort', stop);
      this.#listeners.delete(listener);
    }
  }
}
