import type { Entry } from '../../model/entry.ts';
import type { Expectation, Outcome, Sink, Source, Takeover } from '../../model/store.ts';

/** An entry that is to be written, and where it is read. */
export interface Wanted {
  readonly entry: Entry;
  readonly source: Source;
  readonly expect?: Expectation;
}

/** Has a sink take entries over from where they lie, so that their content does not travel. `undefined`: it has to be read and put. */
export async function takeOver(sink: Sink, wanted: readonly Wanted[], signal: AbortSignal | undefined): Promise<readonly (Outcome | undefined)[]> {
  const outcomes = Array.from<Outcome | undefined>({ length: wanted.length });
  if (!sink.takeOver) return outcomes;
  const at: number[] = [];
  const batch: Takeover[] = [];
  wanted.forEach(({ entry, source, expect }, i) => {
    const from = entry.content ? undefined : source.whereabouts?.(entry);
    if (!from) return;
    at.push(i);
    batch.push({ entry, from, ...(expect && { expect }) });
  });
  if (batch.length === 0) return outcomes;
  // What fails in passing, or as a whole, is done the other way; what is wrong will show there.
  const answers = await sink.takeOver(batch, signal && { signal }).catch(() => []);
  at.forEach((i, nth) => {
    const answer = answers[nth];
    if (answer && !(answer.kind === 'failed' && answer.error.retryable)) outcomes[i] = answer;
  });
  return outcomes;
}
