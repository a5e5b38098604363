import assert from 'node:assert/strict';
import { Bench } from './bench.ts';
import type { Subject } from './bench.ts';
import { groups } from './laws.ts';
import { wrap } from './wrap.ts';

/** Registers one test with the runner of your choice, as `test` of `node:test` or `it` of vitest do. */
export type Test = (name: string, body: () => Promise<void>) => unknown;

/**
 * Registers one test for each law that applies to the subject. A law that is forgiven must really be broken: once it
 * holds, its test fails, so that no excuse outlives its cause.
 */
export function testStore(test: Test, subject: Subject): void {
  const { is = 'store', forgive = {} } = subject;
  const unheard = new Set(Object.keys(forgive));
  for (const { group, of, laws } of groups) {
    if (!of.includes(is)) continue;
    for (const [sentence, law] of Object.entries(laws)) {
      const reason = forgive[sentence];
      unheard.delete(sentence);
      test(reason === undefined ? `${group}: ${sentence}` : `${group}: ${sentence} (forgiven: ${reason})`, async () => {
        await using bench = new Bench(subject);
        if (reason === undefined) await law(bench);
        else await assert.rejects(law(bench), `“${sentence}” holds now: stop forgiving it`);
      });
    }
  }
  for (const sentence of unheard) test(`forgiven: ${sentence}`, async () => assert.fail(`no law that applies says “${sentence}”`));
}

/** The same subject behind a wrapper that changes nothing: what holds for the one must hold for the other. */
export function wrapped(subject: Subject): Subject {
  const { open, reopen } = subject;
  return {
    ...subject,
    open: async (samples) => wrap(await open(samples), {}),
    ...(reopen && { reopen: async () => wrap(await reopen(), {}) }),
  };
}
