import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { seededRandom } from '../../src/testing/random.ts';
import type { Random } from '../../src/testing/random.ts';
import { records } from './base.ts';
import type { Base, Tally, Use } from './base.ts';
import { merge, mergeAgainAndAgain } from './merging.ts';
import { faultsIn, newestOf, Stamps, Watcher } from './stamps.ts';
import { inPostgres } from './users-of-postgres.ts';
import { inSqlite } from './users-of-sqlite.ts';

export interface StormOptions {
  readonly seed: number;
  readonly seconds: number;
  /** What a database of PostgreSQL is kept in step with. */
  readonly other: 'postgres' | 'sqlite';
}

/** What a storm came to. */
export interface Stormed extends Tally {
  /** Versions that users wrote, and those that runs carried across. */
  readonly written: number;
  readonly carried: number;
  /** Programs that were killed. */
  readonly killed: number;
}

/**
 * Has users write to two databases at once, while programs that keep them in step are killed at random moments, and holds
 * both to have had no version but newer ones, each once, and the newest of every record in the end.
 */
export async function storm({ seed, seconds, other }: StormOptions): Promise<Stormed> {
  const folder = mkdtempSync(join(tmpdir(), 'syncline-storm-'));
  const random = seededRandom(seed);
  try {
    await using left = await inPostgres();
    await using right = other === 'postgres' ? await inPostgres() : await inSqlite(folder);
    const pair = { left: left.endpoint, right: right.endpoint, folder, options: ['--overlap', `${records.overlapMs}ms`] };
    const bases = [left, right];
    const tally: Tally = { transactions: 0, late: 0, broken: 0, sentAway: 0 };
    const signal = AbortSignal.timeout(seconds * 1_000);
    const watchers = bases.map(() => new Watcher());
    const puts = putsOf(random);
    const lend = (): Omit<Use, 'put'> => ({ random: seededRandom(random.below(2 ** 31)), signal, tally });
    const [{ killed, endings }] = await Promise.all([
      mergeAgainAndAgain(pair, { ...lend(), mostMs: 3_000 }),
      ...bases.flatMap((base) => Array.from({ length: base.users }, () => base.use({ ...lend(), put: puts.put }))),
      ...bases.map((base) => base.harass?.(lend())),
      ...bases.map(async (base, i) => {
        for (; !signal.aborted; await sleep(40)) watchers[i]!.see(await base.held());
      }),
    ]);
    assert.deepEqual(endings, [], 'no program ends by itself');
    await puts.settle();
    const last = await merge(pair);
    assert.equal(last.code, 0, last.said);
    return { ...tally, killed, ...await judge(bases, watchers) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function judge(bases: readonly Base[], watchers: readonly Watcher[]): Promise<Pick<Stormed, 'written' | 'carried'>> {
  const written = (await Promise.all(bases.map((base) => base.logged()))).flat();
  const newest = newestOf(written);
  let carried = 0;
  for (const [i, base] of bases.entries()) {
    const held = await base.held();
    const past = await base.history();
    assert.deepEqual(faultsIn(past), [], `the history of ${base.endpoint}`);
    assert.deepEqual(watchers[i]!.wrong, [], `what was seen of ${base.endpoint}`);
    assert.deepEqual(newestOf(held), newest, `${base.endpoint} holds the newest of everything`);
    for (const { micros, value } of held) assert.equal(value, `v${micros}`, 'a version is of one piece');
    const own = new Set((await base.logged()).filter(({ table }) => table === 'watched').map(({ id, micros }) => `${id} ${micros}`));
    carried += past.filter(({ id, micros }) => !own.has(`${id} ${micros}`)).length;
  }
  return { written: written.length, carried };
}

/** What users write: a few records each time, stamped now, a little while ago, or in the future. */
function putsOf(random: Random): { readonly put: Use['put']; settle(): Promise<void> } {
  const stamps = new Stamps();
  let latest = 0;
  const put: Use['put'] = async (write) => {
    const ids = [...new Set(Array.from({ length: 1 + random.below(5) }, () => random.below(records.count)))];
    const inMs = random.chance(0.15) ? random.below(2_000) : random.chance(0.3) ? -random.below(1_000) : 0;
    for (let some = inMs; ; some = 0) {
      const given = ids.map(() => stamps.next(some));
      latest = Math.max(latest, ...given);
      const failed = await write(given, ids).then(() => undefined, (error: unknown) => ({ error }));
      // On a busy machine it may have taken longer than runs look back. Then it is written again, as if somebody had looked after it.
      const isLate = Date.now() - Math.min(...given) / 1_000 > records.overlapMs - 1_000;
      if (failed && !isLate) throw failed.error;
      if (!isLate) return;
    }
  };
  return {
    put,
    async settle() {
      await sleep(Math.max(0, latest / 1_000 - Date.now()) + 10);
    },
  };
}
