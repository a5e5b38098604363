import { setTimeout as sleep } from 'node:timers/promises';
import { joinKey } from '../../model/key.ts';
import type { Hint } from '../../model/store.ts';

/**
 * What each collection of a place was last changed by, as text that is another one after each change; the empty name stands
 * for all of them. To ask for it costs next to nothing.
 */
export type Marks = ReadonlyMap<string, string>;

export interface ChangesOptions {
  readonly signal: AbortSignal;
  readonly everyMs: number;
}

/** Hints of the collections whose marks change, by asking for them again and again. */
export async function* changesIn(ask: () => Promise<Marks>, { signal, everyMs }: ChangesOptions): AsyncGenerator<readonly Hint[]> {
  let before = await ask();
  yield [];
  for (;;) {
    await sleep(everyMs, undefined, { signal }).catch(() => {});
    if (signal.aborted) return;
    const now = await ask();
    const names = new Set([...before.keys(), ...now.keys()]);
    const changed = [...names].filter((name) => before.get(name) !== now.get(name));
    before = now;
    if (changed.length > 0) yield changed.map((name) => ({ under: name === '' ? '' : joinKey([name]) }));
  }
}
