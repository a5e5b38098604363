import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { seededRandom } from '../../src/testing/random.ts';
import type { Random } from '../../src/testing/random.ts';
import { tcpProxy } from '../services/tcp-proxy.ts';
import type { TcpFault, TcpProxy } from '../services/tcp-proxy.ts';
import { records } from './base.ts';
import type { Base, Tally, Use } from './base.ts';
import { merge, mergeAgainAndAgain } from './merging.ts';
import { faultsIn, nameOf, newestOf, Stamps, Watcher } from './stamps.ts';

export interface StormOptions {
  readonly seed: number;
  readonly seconds: number;
  /** The two sides, each in a folder that is given. */
  readonly sides: readonly [left: (folder: string) => Promise<Base>, right: (folder: string) => Promise<Base>];
  /** Whether connections are cut and held up on their way. */
  readonly faults?: boolean;
  /** How often each server is ended and started again. */
  readonly restarts?: number;
}

/** What a storm came to. */
export interface Stormed extends Tally {
  /** Versions that users wrote, and those that databases with a history had from the other side. */
  readonly written: number;
  readonly carried: number;
  /** Programs that were killed. */
  readonly killed: number;
  /** Connections of theirs, and those that something befell. */
  readonly connections: number;
  readonly faults: number;
  readonly restarts: number;
}

/**
 * Has users write to two places at once, while programs that keep them in step are killed at random moments, and holds
 * both to have had no version but newer ones, each once, and the newest of every record in the end.
 */
export async function storm({ seed, seconds, sides, faults = false, restarts = 0 }: StormOptions): Promise<Stormed> {
  const folder = mkdtempSync(join(tmpdir(), 'syncline-storm-'));
  const random = seededRandom(seed);
  try {
    await using left = await sides[0](folder);
    await using right = await sides[1](folder);
    const bases = [left, right];
    await using proxies = await proxied(bases, faults ? random : undefined);
    const [from = '', to = ''] = proxies.endpoints;
    const pair = { left: from, right: to, folder, options: ['--overlap', `${records.overlapMs}ms`] };
    // On a busy machine a program that is killed after a few seconds may not have connected to anything yet.
    const mostMs = Math.max(5_000, 3 * await msOfNothing(folder));
    const tally: Tally = { transactions: 0, late: 0, broken: 0, sentAway: 0 };
    const signal = AbortSignal.timeout(seconds * 1_000);
    const watchers = bases.map(() => new Watcher());
    const puts = putsOf(random);
    const lend = (): Omit<Use, 'put'> => ({ random: seededRandom(random.below(2 ** 31)), signal, tally });
    const [{ killed, endings }] = await Promise.all([
      mergeAgainAndAgain(pair, { ...lend(), mostMs }),
      ...bases.flatMap((base) => Array.from({ length: base.users }, () => base.use({ ...lend(), put: puts.put }))),
      ...bases.map((base) => base.harass?.(lend())),
      ...bases.map((base, i) => restartedNowAndThen(base, { times: restarts, seconds, from: i / 2 })),
      ...bases.map(async (base, i) => {
        while (!signal.aborted) {
          const began = performance.now();
          // A server that is away shows nothing.
          const held = await base.held().catch(() => undefined);
          if (held) watchers[i]!.see(held);
          // The more there is to look at, the seldomer.
          await sleep(40 + 3 * (performance.now() - began));
        }
      }),
    ]);
    assert.deepEqual(endings, [], 'no program ends by itself');
    proxies.still();
    await puts.settle();
    const last = await merge(pair);
    assert.equal(last.code, 0, last.said);
    return { ...tally, killed, ...proxies.traffic(), restarts: restarts * bases.filter(({ restart }) => restart).length, ...await judge(bases, watchers) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** How long a program takes that has nothing to do. */
async function msOfNothing(folder: string): Promise<number> {
  const [left, right] = ['nothing', 'no-more'] as const;
  for (const name of [left, right]) mkdirSync(join(folder, name));
  const startedMs = performance.now();
  const { code, said } = await merge({ left, right, folder });
  assert.equal(code, 0, said);
  return performance.now() - startedMs;
}

async function restartedNowAndThen({ restart }: Base, { times, seconds, from }: { readonly times: number; readonly seconds: number; readonly from: number }): Promise<void> {
  for (let nth = 0; restart && nth < times; nth++) {
    await sleep(seconds * 1_000 * (nth === 0 ? (1 + from) / (times + 1) / 1.5 : 1 / (times + 1)));
    await restart();
  }
}

interface Proxied extends AsyncDisposable {
  readonly endpoints: readonly string[];
  /** From now on everything passes. */
  still(): void;
  traffic(): Pick<Stormed, 'connections' | 'faults'>;
}

/** The endpoints of places by way of proxies that do harm, or as they are. */
async function proxied(bases: readonly Base[], random: Random | undefined): Promise<Proxied> {
  await using closing = new AsyncDisposableStack();
  const proxies: TcpProxy[] = [];
  const endpoints: string[] = [];
  for (const { endpoint, port, endpointAt } of bases) {
    if (!random || port === undefined || !endpointAt) {
      endpoints.push(endpoint);
      continue;
    }
    const proxy = closing.use(await tcpProxy(port));
    proxy.rule = (nth) => (nth % 3 === 0 || random.chance(0.4) ? faultOf(random) : undefined);
    proxies.push(proxy);
    endpoints.push(endpointAt(proxy.port));
  }
  const moved = closing.move();
  const sum = (of: (proxy: TcpProxy) => number): number => proxies.reduce((total, proxy) => total + of(proxy), 0);
  return {
    endpoints,
    still: () => { for (const proxy of proxies) proxy.rule = () => undefined; },
    traffic: () => ({ connections: sum(({ connections }) => connections), faults: sum(({ faults }) => faults) }),
    [Symbol.asyncDispose]: () => moved.disposeAsync(),
  };
}

function faultOf(random: Random): TcpFault {
  const of = random.pick(['asked', 'answered'] as const);
  // Some are cut while they are set up, some in the middle of what is asked of them.
  const bytes = Math.floor(2 ** (random.next() * 15));
  switch (random.below(6)) {
    case 0: return { kind: 'refuse' };
    case 1: return { kind: 'slow', ms: 1 + random.below(20) };
    case 2: return { kind: 'stall', of, bytes, ms: 100 + random.below(1_000) };
    default: return { kind: 'cut', of, bytes };
  }
}

async function judge(bases: readonly Base[], watchers: readonly Watcher[]): Promise<Pick<Stormed, 'written' | 'carried'>> {
  const written = (await Promise.all(bases.map((base) => base.logged()))).flat();
  const doubtful = new Set(bases.flatMap((base) => base.doubtful?.() ?? []).map((version) => `${nameOf(version)} ${version.micros}`));
  const newest = new Map(newestOf(written));
  let carried = 0;
  for (const [i, base] of bases.entries()) {
    const held = await base.held();
    const past = await base.history();
    assert.deepEqual(faultsIn(past), [], `the history of ${base.endpoint}`);
    assert.deepEqual(watchers[i]!.wrong, [], `what was seen of ${base.endpoint}`);
    for (const { micros, value } of held) assert.equal(value, `v${micros}`, 'a version is of one piece');
    // What nobody knows to be written may be there: then it has to be on the other side, too.
    for (const version of held) {
      const known = newest.get(nameOf(version)) ?? 0;
      if (version.micros > known && doubtful.has(`${nameOf(version)} ${version.micros}`)) newest.set(nameOf(version), version.micros);
    }
    assert.deepEqual(newestOf(held), newestOf([...newest].map(([name, micros]) => ({ table: name.split('/')[0]!, id: Number(name.split('/')[1]), micros }))), `${base.endpoint} holds the newest of everything`);
    const own = new Set((await base.logged()).filter(({ table }) => table === 'watched').map(({ id, micros }) => `${id} ${micros}`));
    carried += past.filter(({ id, micros }) => !own.has(`${id} ${micros}`)).length;
  }
  return { written: written.length, carried };
}

/** What users write: a few records each time, stamped now, a little while ago, or in the future. */
function putsOf(random: Random): { readonly put: Use['put']; settle(): Promise<void> } {
  const stamps = new Stamps();
  let latest = 0;
  let fresh = 0;
  const put: Use['put'] = async (write) => {
    // Many meet at a few records, whose versions replace one another; what is lost of the others, nobody writes again.
    const ids = [...new Set(Array.from({ length: 1 + random.below(5) }, () => (random.chance(0.5) ? random.below(records.count) : records.count + fresh++)))];
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
