import type { Host } from './host.ts';
import type { Capabilities, Sink, Source, Store } from './store.ts';

/** One option of a kind of store, as data: help, validation and documentation are derived from it. */
export interface OptionSpec {
  /** camelCase, as in the options object; the command line derives `--kebab-case` from it. */
  readonly name: string;
  readonly summary: string;
  readonly value: 'flag' | 'text' | 'number' | 'choice';
  readonly choices?: readonly string[];
  readonly default?: string | number | boolean;
}

/** One kind of store. Its module exports one of these as `kind`, and nothing happens on import. */
export interface StoreKind<Options = object> {
  readonly name: string;
  readonly summary: string;
  /** How an endpoint of this kind is written, as in `https://host/path`. */
  readonly endpoint: string;
  readonly options: readonly OptionSpec[];
  /** What a store of this kind can do; one that must ask first may do less once open. */
  readonly capabilities: Capabilities;
  /** Throws `invalid` or `denied` with a sentence where the endpoint or an option cannot be used. Connects to nothing yet. */
  open(endpoint: string, options: Options, host: Host): Promise<Store | Source | Sink>;
}
