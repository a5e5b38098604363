import { SyncError } from '../../model/errors.ts';
import type { Host } from '../../model/host.ts';

/** How long what is under way may take to end by itself, once it is told to stop. */
const graceMs = 500;
/** How long a store may take from then on to break it off. */
const breakingOffMs = 1_000;

/**
 * A signal that fires a moment after another one: until then what is under way may come to its end and be counted as
 * done, and whoever waits is not kept waiting for long.
 */
export class Grace implements Disposable {
  readonly #abort = new AbortController();
  readonly #over = new AbortController();
  readonly #givenUp = Promise.withResolvers<never>();
  readonly #stopping: AbortSignal | undefined;
  readonly #host: Host;
  readonly #begin = (): void => void this.#end().catch(() => {});

  constructor(stopping: AbortSignal | undefined, host: Host) {
    this.#stopping = stopping;
    this.#host = host;
    this.#givenUp.promise.catch(() => {});
    if (stopping?.aborted) this.#begin();
    else stopping?.addEventListener('abort', this.#begin, { once: true });
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** What `doing` resolves to; rejects where it goes on although the signal has fired. */
  async limit<T>(doing: Promise<T>): Promise<T> {
    return this.#stopping ? await Promise.race([doing, this.#givenUp.promise]) : await doing;
  }

  [Symbol.dispose](): void {
    this.#stopping?.removeEventListener('abort', this.#begin);
    this.#over.abort();
  }

  async #end(): Promise<void> {
    await this.#host.sleep(graceMs, this.#over.signal);
    this.#abort.abort();
    await this.#host.sleep(breakingOffMs, this.#over.signal);
    this.#givenUp.reject(new SyncError('interrupted', 'interrupted'));
  }
}
