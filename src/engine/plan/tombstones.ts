import type { Side } from '../../core/policy.ts';
import { laterOf } from '../../core/tombstones.ts';
import type { Entry } from '../../model/entry.ts';
import type { Source } from '../../model/store.ts';
import { isInside } from '../../model/window.ts';
import { hides, narrowed } from './scan.ts';
import type { ScanContext } from './scan.ts';

/** What some places tell was deleted, of what is in scope, from the beginning of the window on. */
export async function* toldBy(places: readonly (readonly [Side, Source])[], context: ScanContext): AsyncGenerator<readonly Entry[]> {
  const { signal, ledger } = context;
  const where = narrowed(context);
  const window = hides(context.window) ? context.window : undefined;
  for (const [side, place] of places) {
    for await (const { entries, problems } of place.tombstones?.({ ...(window && { window }), ...(signal && { signal }) }) ?? []) {
      signal?.throwIfAborted();
      for (const problem of problems ?? []) ledger.problem(side, problem);
      yield entries.filter((entry) => where?.(entry) !== false && isInside(entry, window));
    }
  }
}

/** Of deletions in key order the latest of each key. */
export async function* latestOfEach(pages: AsyncIterable<readonly Entry[]>): AsyncGenerator<readonly Entry[]> {
  let last: Entry | undefined;
  for await (const page of pages) {
    const latest: Entry[] = [];
    for (const entry of page) {
      if (last && last.key !== entry.key) latest.push(last);
      last = last?.key === entry.key ? laterOf(last, entry) : entry;
    }
    if (latest.length > 0) yield latest;
  }
  if (last) yield [last];
}
