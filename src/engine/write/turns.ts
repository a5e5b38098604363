import { dependencies } from '../../core/order.ts';
import type { Key } from '../../model/key.ts';
import { typeOf } from '../../model/key.ts';
import type { CallOptions, Sink } from '../../model/store.ts';

/**
 * When the records of each collection are to be written where some refer to others: those of turn 0 at once, those of a
 * later turn when all of the turns before were put.
 */
export class Turns {
  readonly #turns: ReadonlyMap<string, number>;
  /** How many there are. */
  readonly count: number;

  constructor(references: ReadonlyMap<string, readonly string[]>) {
    const names = [...new Set([...references].flatMap(([name, others]) => [name, ...others]))];
    const { order, levelEnds } = dependencies(names.map((key) => ({ key, dependsOn: references.get(key) ?? [] })));
    // What refers to each other in a circle comes last, and is tried again as long as that helps.
    const turns = new Map(names.map((name) => [name, levelEnds.length]));
    let turn = 0;
    order.forEach((i, at) => {
      if (at >= levelEnds[turn]!) turn++;
      turns.set(names[i]!, turn);
    });
    this.#turns = turns;
    this.count = Math.max(0, ...turns.values()) + 1;
  }

  /** What a sink says of the references among its collections. */
  static async of(sink: Sink, options: CallOptions): Promise<Turns> {
    return new Turns(await sink.references?.(options) ?? new Map());
  }

  of(key: Key): number {
    return this.#turns.get(typeOf(key)) ?? 0;
  }
}
