import type { Collection } from '../model/collection.ts';
import type { Entry } from '../model/entry.ts';
import { typeOf } from '../model/key.ts';
import type { CallOptions, Sink, Source } from '../model/store.ts';

/** Makes collections that a sink lacks, as the sources of what is to be put there describe them: once each, and before the first put into them. */
export class Preparation {
  readonly #sink: Sink;
  readonly #originOf: (entry: Entry) => Source;
  readonly #described = new Map<Source, Promise<readonly Collection[]>>();
  readonly #made = new Map<string, Promise<void>>();

  constructor(sink: Sink, originOf: (entry: Entry) => Source) {
    this.#sink = sink;
    this.#originOf = originOf;
  }

  /** Resolves when everything that these entries belong to is there, or nobody can say what it should be like. */
  async ready(entries: readonly Entry[], options: CallOptions): Promise<void> {
    if (!this.#sink.prepare) return;
    const names = new Set(entries.map(({ key }) => typeOf(key)));
    const missing = [...names].filter((name) => !this.#made.has(name));
    if (missing.length > 0) {
      const making = this.#make(missing, new Set(entries.filter(({ key }) => missing.includes(typeOf(key))).map(this.#originOf)), options);
      for (const name of missing) this.#made.set(name, making);
      // What failed may be tried again.
      making.catch(() => missing.forEach((name) => this.#made.delete(name)));
    }
    await Promise.all([...names].flatMap((name) => this.#made.get(name) ?? []));
  }

  async #make(names: readonly string[], origins: ReadonlySet<Source>, options: CallOptions): Promise<void> {
    const wanted = new Map<string, Collection>();
    for (const origin of origins) {
      if (!origin.describe) continue;
      const described = this.#described.get(origin) ?? origin.describe(options);
      this.#described.set(origin, described);
      described.catch(() => this.#described.delete(origin));
      for (const collection of await described) if (names.includes(collection.name)) wanted.set(collection.name, collection);
    }
    if (wanted.size > 0) await this.#sink.prepare?.([...wanted.values()], options);
  }
}
