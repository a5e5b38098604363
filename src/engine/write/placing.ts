import type { Side } from '../../core/policy.ts';
import type { Action } from '../../core/reconcile.ts';
import type { Entry } from '../../model/entry.ts';
import { SyncError } from '../../model/errors.ts';
import { typeOf } from '../../model/key.ts';
import type { Sink, Source } from '../../model/store.ts';
import { readEach } from '../read-each.ts';
import type { Run } from '../run.ts';
import { Preparing } from './preparing.ts';

type Put = Action & { readonly kind: 'put' };

/** Says of a plan that is only shown which of its writes would find no place where they are to go, and counts them as the failures they would be. */
export class Placing {
  readonly #side: Side;
  readonly #sink: Sink;
  readonly #preparing: Preparing;
  readonly #run: Run;

  constructor(side: Side, sink: Sink, run: Run) {
    const { signal } = run.context;
    this.#side = side;
    this.#sink = sink;
    this.#preparing = new Preparing(sink, { makes: false, ...(signal && { signal }) });
    this.#run = run;
  }

  /** The actions without those that would fail. */
  async possible(actions: readonly Action[], sourceOf: (entry: Entry) => Source): Promise<readonly Action[]> {
    const puts = actions.flatMap((action) => (action.kind === 'put' && action.to === this.#side ? [{ action, key: action.key, source: sourceOf(action.entry) }] : []));
    if (puts.length === 0) return actions;
    const refusals = await this.#preparing.refusals(puts);
    const failing = new Set<Action>();
    for (const { action, key } of puts) {
      const refusal = refusals.get(typeOf(key));
      if (!refusal) continue;
      failing.add(action);
      this.#run.ledger.homeless(action, refusal);
    }
    for (const [action, refusal] of await this.#refused(puts.filter(({ action }) => !failing.has(action)))) {
      failing.add(action);
      const { ledger } = this.#run;
      if (ledger.quarantine) ledger.failed(action, refusal, { lasting: true });
      else ledger.homeless(action, refusal);
    }
    return failing.size === 0 ? actions : actions.filter((action) => !failing.has(action));
  }

  /** The puts that hold what the sink would refuse, where it says so before they are written. What cannot be read is told by a run. */
  async #refused(puts: readonly { readonly action: Put; readonly source: Source }[]): Promise<readonly (readonly [Put, SyncError])[]> {
    if (!this.#sink.refusal) return [];
    const { signal } = this.#run.context;
    const found: (readonly [Put, SyncError])[] = [];
    for (const [source, some] of Map.groupBy(puts, (put) => put.source)) {
      const unread = some.filter(({ action }) => !action.entry.content).map(({ action }) => action.entry);
      const read = new Map((unread.length === 0 ? [] : await readEach(source, unread, { ...(signal && { signal }) })).map((entry, i) => [unread[i], entry]));
      for (const { action } of some) {
        const entry = action.entry.content ? action.entry : read.get(action.entry);
        const refusal = entry && !(entry instanceof SyncError) ? this.#sink.refusal({ ...entry, key: action.key }) : undefined;
        if (refusal) found.push([action, refusal]);
      }
    }
    return found;
  }
}
