import type { Digest, Entry } from '../model/entry.ts';
import type { Source } from '../model/store.ts';
import type { HashCache, State } from './state.ts';

/** The digests that are remembered of the stores of one run. */
export class Hashes {
  readonly #state: State | undefined;
  readonly #caches = new Map<string, HashCache>();

  constructor(state: State | undefined) {
    this.#state = state;
  }

  /** The digest of `algorithm` that an entry is known to have; its own where it has one. */
  known(store: Pick<Source, 'identity'>, { key, version, digest }: Entry, algorithm: Digest['algorithm']): Digest | undefined {
    if (digest?.algorithm === algorithm) return digest;
    if (version === undefined) return undefined;
    return this.#of(store)?.get(key, version).find((one) => one.algorithm === algorithm);
  }

  remember(store: Pick<Source, 'identity'>, { key, version }: Pick<Entry, 'key' | 'version'>, digest: Digest): void {
    if (version !== undefined && digest.algorithm !== 'document') this.#of(store)?.set(key, version, digest);
  }

  commit(): void {
    for (const cache of this.#caches.values()) cache.commit();
  }

  #of({ identity }: Pick<Source, 'identity'>): HashCache | undefined {
    let cache = this.#caches.get(identity);
    if (cache === undefined && this.#state !== undefined) this.#caches.set(identity, (cache = this.#state.hashes(identity)));
    return cache;
  }
}
