import type { Side } from '../../core/policy.ts';
import type { Action } from '../../core/reconcile.ts';
import type { Entry } from '../../model/entry.ts';
import { SyncError } from '../../model/errors.ts';
import { typeOf } from '../../model/key.ts';
import type { CallOptions, Sink, Source, Write } from '../../model/store.ts';
import { readEach } from '../run/read-each.ts';
import type { Run } from '../run/run.ts';
import { Preparing } from './preparing.ts';
import { expecting } from './writer.ts';
import type { Delete, Put } from './writer.ts';

type SourceOf = (entry: Entry) => Source;

/** Says of a plan that is only shown which of its writes would fail, for want of a collection to go to or for what they hold, and counts them as the failures they would be. */
export class Placing {
  readonly #side: Side;
  readonly #sink: Sink;
  readonly #preparing: Preparing;
  readonly #run: Run;
  readonly #options: CallOptions;

  constructor(side: Side, sink: Sink, run: Run) {
    const { signal } = run.context;
    this.#side = side;
    this.#sink = sink;
    this.#options = signal ? { signal } : {};
    this.#preparing = new Preparing(sink, { makes: false, ...this.#options });
    this.#run = run;
  }

  /** The actions without those that would fail. Throws what would end a run. */
  async possible(actions: readonly Action[], sourceOf: SourceOf): Promise<readonly Action[]> {
    const puts = actions.filter((action): action is Put => action.kind === 'put' && action.to === this.#side);
    if (puts.length === 0) return actions;
    const refusals = await this.#preparing.refusals(puts.map(({ key, entry }) => ({ key, source: sourceOf(entry) })));
    const failing = new Set<Action>();
    for (const put of puts) {
      const refusal = refusals.get(typeOf(put.key));
      if (!refusal) continue;
      failing.add(put);
      this.#run.ledger.homeless(put, refusal);
    }
    for (const [put, error] of await this.#misfits(puts.filter((put) => !failing.has(put)), sourceOf)) {
      failing.add(put);
      this.#run.ledger.failed(put, error, { lasting: true });
    }
    return failing.size === 0 ? actions : actions.filter((action) => !failing.has(action));
  }

  /** Throws where nothing may be deleted of what is to be: of each collection one is enough to tell. */
  async checkDeletes(deletes: Iterable<Delete>): Promise<void> {
    if (!this.#sink.foresee) return;
    const asked = new Set<string>();
    for (const { key, over } of deletes) {
      if (asked.has(typeOf(key))) continue;
      asked.add(typeOf(key));
      await this.#sink.foresee([{ kind: 'delete', ref: over, ...expecting(over) }], this.#options);
    }
  }

  async #misfits(puts: readonly Put[], sourceOf: SourceOf): Promise<readonly (readonly [Put, SyncError])[]> {
    if (!this.#sink.foresee || puts.length === 0) return [];
    const read = await this.#read(puts, sourceOf);
    const ready = puts.flatMap((put) => {
      const entry = put.entry.content ? put.entry : read.get(put);
      return entry && !(entry instanceof SyncError) && entry.content ? [{ put, write: { kind: 'put', entry: { ...entry, key: put.key, content: entry.content }, ...expecting(put.over) } satisfies Write }] : [];
    });
    const outcomes = ready.length === 0 ? [] : await this.#sink.foresee(ready.map(({ write }) => write), this.#options);
    return [
      ...[...read].flatMap(([put, entry]) => (entry instanceof SyncError ? [[put, entry] as const] : [])),
      ...outcomes.flatMap((outcome, i) => (outcome.kind === 'failed' ? [[ready[i]!.put, outcome.error] as const] : [])),
    ];
  }

  /** What the plan did not bring along, as a run would read it. */
  async #read(puts: readonly Put[], sourceOf: SourceOf): Promise<ReadonlyMap<Put, Entry | SyncError | undefined>> {
    const found = new Map<Put, Entry | SyncError | undefined>();
    for (const [source, some] of Map.groupBy(puts.filter(({ entry }) => !entry.content), ({ entry }) => sourceOf(entry))) {
      const entries = await readEach(source, some.map(({ entry }) => entry), this.#options);
      some.forEach((put, i) => found.set(put, entries[i]));
    }
    return found;
  }
}
