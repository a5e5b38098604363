import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Random } from '../../src/testing/random.ts';

const main = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));

/** Two places that are kept in step, and where that is remembered. */
export interface Pair {
  readonly left: string;
  readonly right: string;
  /** A folder of its own, with the state in it. */
  readonly folder: string;
  readonly options?: readonly string[];
  readonly environment?: { readonly [name: string]: string };
}

/** How one run ended, and what it said. */
export interface Merged {
  readonly code: number | null;
  readonly said: string;
}

/** One run to its end. */
export async function merge(pair: Pair, more: readonly string[] = []): Promise<Merged> {
  return await ended(start(pair, more));
}

/** One run that ends after so long at the latest, killed where need be. */
export async function mergeFor(ms: number, pair: Pair, more: readonly string[] = []): Promise<Merged> {
  const child = start(pair, more);
  const timer = setTimeout(() => child.kill('SIGKILL'), ms);
  try {
    return await ended(child);
  } finally {
    clearTimeout(timer);
  }
}

/** Runs again and again, each program killed at a moment of its own, until the signal fires. Answers how many were killed, and what those said that ended by themselves. */
export async function mergeAgainAndAgain(pair: Pair, { random, signal, mostMs = 5_000 }: { readonly random: Random; readonly signal: AbortSignal; readonly mostMs?: number }): Promise<{ readonly killed: number; readonly endings: readonly Merged[] }> {
  let killed = 0;
  const endings: Merged[] = [];
  while (!signal.aborted) {
    const merged = await mergeFor(400 + random.below(mostMs), pair, ['--every', '100ms']);
    if (merged.code === null) killed++;
    else endings.push(merged);
    await sleep(random.below(100));
  }
  return { killed, endings };
}

function start({ left, right, folder, options = [], environment = {} }: Pair, more: readonly string[]): ChildProcess {
  return spawn(process.execPath, ['--disable-warning=ExperimentalWarning', main, 'merge', '--newest', '--modified', 'at', '--quiet', ...options, ...more, left, right], {
    cwd: folder, stdio: ['ignore', 'pipe', 'pipe'], env: { PATH: process.env['PATH'], HOME: folder, TMPDIR: folder, ...environment },
  });
}

async function ended(child: ChildProcess): Promise<Merged> {
  let said = '';
  for (const stream of [child.stdout!, child.stderr!]) stream.setEncoding('utf8').on('data', (text: string) => { said = (said + text).slice(-4_000); });
  const [code] = await once(child, 'close') as [number | null];
  return { code, said };
}
