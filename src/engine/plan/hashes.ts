import type { Digest, Entry } from '../../model/entry.ts';
import type { Key } from '../../model/key.ts';
import type { Source } from '../../model/store.ts';
import type { HashCache, State } from '../state/state.ts';

/** The digests that are remembered of the stores of one run. */
export class Hashes {
  readonly #state: State | undefined;
  readonly #caches = new Map<string, HashCache>();

  constructor(state: State | undefined) {
    this.#state = state;
  }

  /** Of each entry the digest of the algorithm asked for, where it is known of the version it has. */
  known(store: Pick<Source, 'identity'>, asked: readonly { readonly entry: Entry; readonly algorithm: Digest['algorithm'] }[]): readonly (Digest | undefined)[] {
    const cache = this.#of(store);
    if (!cache) return [];
    const found = cache.getAll(asked.map(({ entry }) => entry));
    return asked.map(({ algorithm }, i) => found[i]?.find((one) => one.algorithm === algorithm));
  }

  remember(store: Pick<Source, 'identity'>, { key, version }: Pick<Entry, 'key' | 'version'>, digest: Digest): void {
    if (version !== undefined && digest.algorithm !== 'document') this.#of(store)?.set(key, version, digest);
  }

  /** Forgets an entry that is gone from a store and from those asked so far, or what is remembered would grow with all that ever was. */
  forget(store: Pick<Source, 'identity'>, key: Key): void {
    this.#of(store);
    for (const cache of this.#caches.values()) cache.delete(key);
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
