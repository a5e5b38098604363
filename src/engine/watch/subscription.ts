import { jitteredMs } from '../../lib/backoff.ts';
import type { Backoff } from '../../lib/backoff.ts';

import { SyncError, toSyncError } from '../../model/errors.ts';
import type { Host } from '../../model/host.ts';
import type { Hint, Source } from '../../model/store.ts';

export interface SubscriptionOptions {
  readonly source: Source;
  readonly host: Host;
  readonly signal: AbortSignal;
  readonly backoff: Omit<Backoff, 'attempts'>;
  readonly onHints: (hints: readonly Hint[]) => void;
  /** From now on hints come; `again` where there was a time before in which they did not. */
  readonly onStanding: (again: boolean) => void;
  /** From now on, and until it stands again, no hints come. */
  readonly onLost: (error: SyncError) => void;
}

/** Listens to one source until the signal fires, and begins again whenever that breaks off. */
export class Subscription {
  readonly #options: SubscriptionOptions;
  readonly #settled = Promise.withResolvers<void>();
  readonly #ended: Promise<void>;
  #standing = false;

  constructor(options: SubscriptionOptions) {
    this.#options = options;
    this.#ended = this.#keep().finally(() => this.#settled.resolve());
  }

  /** Whether changes are told of. */
  get standing(): boolean {
    return this.#standing;
  }

  /** Resolves when it stands for the first time, or could not be had. */
  settled(): Promise<void> {
    return this.#settled.promise;
  }

  /** Resolves after the signal has fired and nothing is under way any more. */
  ended(): Promise<void> {
    return this.#ended;
  }

  async #keep(): Promise<void> {
    const { source, host, signal, backoff, onLost } = this.#options;
    if (!source.watch) return;
    for (let failed = 0, again = false; !signal.aborted; again = true) {
      const sinceMs = host.now();
      const error = await this.#listen(again);
      this.#standing = false;
      if (signal.aborted) return;
      onLost(error);
      this.#settled.resolve();
      // One that held for a while was in order, and is had again soon.
      failed = host.now() - sinceMs > backoff.mostMs ? 1 : failed + 1;
      await host.sleep(jitteredMs(failed, backoff, host.random()), signal).catch(() => {});
    }
  }

  async #listen(again: boolean): Promise<SyncError> {
    const { source, signal, onHints, onStanding } = this.#options;
    try {
      for await (const hints of source.watch?.({ signal }) ?? []) {
        if (!this.#standing) {
          this.#standing = true;
          onStanding(again);
          this.#settled.resolve();
        }
        if (hints.length > 0) onHints(hints);
      }
      return new SyncError('unavailable', `${source.name} no longer tells of its changes`, { store: source.name });
    } catch (cause) {
      return toSyncError(cause, { store: source.name });
    }
  }
}
