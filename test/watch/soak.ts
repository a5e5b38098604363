import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Random } from '../../src/testing/random.ts';
import { seededRandom } from '../../src/testing/random.ts';
import { becomeEqual, digestTree, listTree } from './trees.ts';

const main = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const folders = ['', 'a', 'a/b', 'a/b/c', 'd', 'd/e', 'f', 'g/h/i/j'];
const mostFiles = 2_000;

export interface SoakOptions {
  readonly seconds: number;
  readonly seed: number;
  /** Hears how it goes, now and then. */
  readonly tell?: (line: string) => void;
}

/** What came of a soak. */
export interface Soaked {
  readonly operations: number;
  readonly files: number;
  readonly digest: string;
  /** Resident memory of the program in MiB, from the first quarter and from the last; undefined where it cannot be had. */
  readonly memory: { readonly early: number; readonly late: number } | undefined;
  readonly exitCode: number | null;
  readonly health: { readonly state: string; readonly runs: number; readonly changes: object; readonly failures: number; readonly lastError: unknown };
}

/**
 * Has the program watch a directory that is changed at random for so many seconds, and compares now and then, and in the
 * end. Rejects with what differs where the two directories do not become equal.
 */
export async function soak({ seconds, seed, tell = (): void => {} }: SoakOptions): Promise<Soaked> {
  const path = mkdtempSync(join(tmpdir(), 'syncline-soak-'));
  const [source, target, health] = [join(path, 'source'), join(path, 'target'), join(path, 'health.json')];
  const random = seededRandom(seed);
  mkdirSync(source);
  for (let i = 0; i < 300; i++) put(source, random);
  const child = start(path, [source, target, '--health', health]);
  try {
    await becomeEqual(source, target);
    const memory: number[] = [];
    let operations = 0;
    let checked = 0;
    const startedMs = Date.now();
    for (let nowMs = startedMs; nowMs < startedMs + seconds * 1_000; nowMs = Date.now()) {
      if (child.exitCode !== null) throw new Error(`the program ended with ${child.exitCode}`);
      for (let burst = 1 + random.below(random.chance(0.02) ? 500 : 20); burst > 0; burst--, operations++) change(source, path, random);
      await sleep(random.pick([0, 1, 5, 20, 50, 200, 700]));
      // Compared now and then, so that an error is found near to where it began.
      if (nowMs - startedMs < (checked + 1) * Math.max(5_000, seconds * 50)) continue;
      checked++;
      await becomeEqual(source, target);
      const resident = residentMiB(child);
      if (resident !== undefined) memory.push(resident);
      tell(`${Math.round((nowMs - startedMs) / 1_000)} s: ${operations} operations, ${listTree(source).length} files, ${resident?.toFixed(1) ?? '?'} MiB, equal`);
    }
    await becomeEqual(source, target);
    child.kill('SIGTERM');
    const [exitCode] = (await once(child, 'exit')) as [number | null];
    return { operations, files: listTree(target).length, digest: digestTree(target), memory: trend(memory), exitCode, health: JSON.parse(readFileSync(health, 'utf8')) as Soaked['health'] };
  } finally {
    child.kill('SIGKILL');
    rmSync(path, { recursive: true, force: true });
  }
}

function start(path: string, args: readonly string[]): ChildProcess {
  const [source = '', target = '', ...rest] = args;
  const env = { PATH: process.env['PATH'] ?? '', HOME: join(path, 'home'), XDG_STATE_HOME: join(path, 'state') };
  return spawn(process.execPath, ['--disable-warning=ExperimentalWarning', main, 'sync', source, target, '--delete', '--max-deletes', 'all', '--watch', '--full-every', '60s', '--quiet', ...rest], { cwd: path, env, stdio: ['ignore', 'inherit', 'inherit'] });
}

function put(source: string, random: Random): void {
  const path = join(source, random.pick(folders), `${random.below(200)}.txt`);
  try {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, 'x'.repeat(random.below(random.chance(0.02) ? 2_000_000 : 2_000)) + random.next());
  } catch {
    // A file may be where a directory was, which is as good a case as any.
  }
}

/** One change as people and programs make them. */
function change(source: string, outside: string, random: Random): void {
  const files = namesIn(join(source, random.pick(folders)));
  const file = files.length > 0 ? random.pick(files) : undefined;
  if (file === undefined || random.chance(0.35)) return existsSync(source) && files.length < mostFiles ? put(source, random) : undefined;
  const elsewhere = join(source, random.pick(folders), `${random.below(200)}.txt`);
  try {
    switch (random.below(9)) {
      case 0:
      case 1: return appendFileSync(file, String(random.next()));
      case 2: return writeFileSync(file, readFileSync(file).fill(65 + random.below(26)));
      case 3: return rmSync(file, { recursive: true, force: true });
      case 4: return renameSync(file, elsewhere);
      case 5:
        writeFileSync(`${file}.new`, `written beside ${random.next()}`);
        return renameSync(`${file}.new`, file);
      case 6:
        renameSync(file, join(outside, 'moved out'));
        return random.chance(0.5) ? renameSync(join(outside, 'moved out'), elsewhere) : rmSync(join(outside, 'moved out'), { recursive: true });
      case 7: {
        // Mostly of small directories: what is left should be worth watching.
        const folder = join(source, random.pick(folders.slice(2)));
        return random.chance(0.2) ? rmSync(folder, { recursive: true, force: true }) : renameSync(folder, join(source, random.pick(folders), `dir-${random.below(20)}`));
      }
      default:
        writeFileSync(`${file}.brief`, 'text');
        return rmSync(`${file}.brief`);
    }
  } catch {
    // Random changes do not always make sense together.
  }
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder).map((name) => join(folder, name));
  } catch {
    return [];
  }
}

function residentMiB({ pid }: ChildProcess): number | undefined {
  try {
    const found = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return found === undefined ? undefined : Number(found) / 1024;
  } catch {
    return undefined;
  }
}

function trend(memory: readonly number[]): Soaked['memory'] {
  if (memory.length < 4) return undefined;
  const quarter = Math.floor(memory.length / 4);
  const mean = (numbers: readonly number[]): number => numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
  return { early: mean(memory.slice(0, quarter)), late: mean(memory.slice(-quarter)) };
}
