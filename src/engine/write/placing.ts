import type { Side } from '../../core/policy.ts';
import type { Action } from '../../core/reconcile.ts';
import type { Entry } from '../../model/entry.ts';
import { typeOf } from '../../model/key.ts';
import type { Sink, Source } from '../../model/store.ts';
import type { Run } from '../run.ts';
import { Preparing } from './preparing.ts';

/** Says of a plan that is only shown which of its writes would find no collection to go to, and counts them as the failures they would be. */
export class Placing {
  readonly #side: Side;
  readonly #preparing: Preparing;
  readonly #run: Run;

  constructor(side: Side, sink: Sink, run: Run) {
    const { signal } = run.context;
    this.#side = side;
    this.#preparing = new Preparing(sink, { makes: false, ...(signal && { signal }) });
    this.#run = run;
  }

  /** The actions without those that would fail. */
  async possible(actions: readonly Action[], sourceOf: (entry: Entry) => Source): Promise<readonly Action[]> {
    const puts = actions.flatMap((action) => (action.kind === 'put' && action.to === this.#side ? [{ key: action.key, source: sourceOf(action.entry) }] : []));
    if (puts.length === 0) return actions;
    const refusals = await this.#preparing.refusals(puts);
    return actions.filter((action) => {
      const refusal = action.kind === 'put' && action.to === this.#side ? refusals.get(typeOf(action.key)) : undefined;
      if (action.kind === 'put' && refusal) this.#run.ledger.failed(action, refusal);
      return !refusal;
    });
  }
}
