// Many made-up histories, each played in a state of its own pair.
import fc from 'fast-check';
import { openState } from '../../src/engine/state/sqlite-state.ts';
import type { State } from '../../src/engine/state/state.ts';

/** Plays so many histories, and answers how many steps of each kind there were. */
export async function playAll<Step extends { readonly kind: string }>(histories: fc.Arbitrary<readonly Step[]>, play: (state: State, steps: readonly Step[]) => Promise<void>, { numRuns, seed }: { readonly numRuns: number; readonly seed: number | undefined }): Promise<(kind: Step['kind']) => number> {
  const sums = new Map<string, number>();
  let played = 0;
  let state = openState(undefined);
  await fc.assert(fc.asyncProperty(histories, async (steps) => {
    // What is remembered of all the pairs before is of no use, and would add up.
    if (played++ % 1_000 === 999) {
      await state[Symbol.asyncDispose]();
      state = openState(undefined);
    }
    for (const { kind } of steps) sums.set(kind, (sums.get(kind) ?? 0) + 1);
    await play(state, steps);
  }), { numRuns, ...(seed !== undefined && { seed: seed | 0 }) });
  await state[Symbol.asyncDispose]();
  return (kind) => sums.get(kind) ?? 0;
}
