import type { Collection } from '../../model/collection.ts';
import type { SyncError } from '../../model/errors.ts';
import { toSyncError } from '../../model/errors.ts';
import { typeOf } from '../../model/key.ts';
import type { Key } from '../../model/key.ts';
import { isSource } from '../../model/store.ts';
import type { CallOptions, Sink, Source } from '../../model/store.ts';

/** Makes collections that are missing in a sink when the first entry of theirs is to be written, as their source describes them, if it does; or only says whether that could be done. */
export class Preparing {
  readonly #sink: Sink;
  readonly #makes: boolean;
  readonly #options: CallOptions;
  readonly #described = new Map<Source, Promise<readonly Collection[]>>();
  /** What is known of each collection: that it is there, or why it could not be made. */
  readonly #known = new Map<string, SyncError | undefined>();
  #asked = false;
  #busy: Promise<unknown> = Promise.resolve();

  constructor(sink: Sink, { makes = true, ...options }: CallOptions & { readonly makes?: boolean }) {
    this.#sink = sink;
    this.#makes = makes;
    this.#options = options;
  }

  /** Sees to it that there is a place for each key; resolves to why there is none, by collection. Rejects where waiting may help, or a right is missing. */
  async refusals(keys: readonly { readonly key: Key; readonly source: Source }[]): Promise<ReadonlyMap<string, SyncError | undefined>> {
    if (!(this.#makes ? this.#sink.prepare : this.#sink.checkPrepare)) return this.#known;
    const open = new Map<string, Source>();
    for (const { key, source } of keys) {
      const name = typeOf(key);
      if (!this.#known.has(name)) open.set(name, source);
    }
    if (open.size === 0) return this.#known;
    // Several batches may be the first of one collection.
    const turn = this.#busy.then(() => this.#prepare(open));
    this.#busy = turn.catch(() => {});
    await turn;
    return this.#known;
  }

  async #prepare(open: ReadonlyMap<string, Source>): Promise<void> {
    const { prepare, checkPrepare } = this.#sink;
    if (!this.#asked) {
      const there = isSource(this.#sink) ? await this.#sink.describe?.(this.#options) : undefined;
      for (const { name } of there ?? []) this.#known.set(name, undefined);
      this.#asked = true;
    }
    for (const [name, source] of open) {
      if (this.#known.has(name)) continue;
      const collection = (await this.#descriptionsOf(source)).find((each) => each.name === name) ?? { name, fields: [], key: [] };
      try {
        if (this.#makes) await prepare?.call(this.#sink, [collection], this.#options);
        else await checkPrepare?.call(this.#sink, [collection], this.#options);
        this.#known.set(name, undefined);
      } catch (cause) {
        const error = toSyncError(cause, { store: this.#sink.name });
        // Who may not make it is told so as one who may not write.
        if (error.retryable || error.code === 'interrupted' || error.code === 'denied') throw error;
        this.#known.set(name, error);
      }
    }
  }

  #descriptionsOf(source: Source): Promise<readonly Collection[]> {
    let described = this.#described.get(source);
    if (!described) {
      described = source.describe?.(this.#options) ?? Promise.resolve([]);
      this.#described.set(source, described);
      described.catch(() => this.#described.delete(source));
    }
    return described;
  }
}
