import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { root, runNode } from '../scripts/tool.ts';
import { BucketServer } from './bucket-server.ts';
import { machine } from './machine.ts';
import { median } from './measure.ts';
import type { Command } from './measure.ts';
import type { BenchOptions } from './resources.ts';
import { BenchTree, differing } from './trees.ts';

const files = 1_000;
const patienceMs = 60_000;
/** Ticks of the clock in which Linux counts processor time. */
const ticksPerSecond = 100;

/** A program that goes on mirroring a directory, and the folder in which its copies can be seen. */
interface Watcher {
  readonly name: string;
  readonly command: Command;
  readonly copy: string;
}

/** How long after a file was saved its copy was there, and what the waiting and working cost. */
interface Waits {
  readonly who: string;
  readonly medianMs: number;
  readonly longestMs: number;
  readonly cpuMs: number;
  readonly peakMiB: number;
}

/** Measures how long a saved file takes to be mirrored, next to lsyncd, and prints and keeps the figures. */
export async function benchWatching({ quick, rounds, only, build }: BenchOptions): Promise<void> {
  if (build && (await runNode(join(root, 'scripts', 'build.ts'))) !== 0) throw new Error('the build failed');
  const missing = missingLsyncd();
  if (missing !== undefined) console.log(`lsyncd is left out: ${missing}`);
  const folder = mkdtempSync(join(tmpdir(), 'syncline-bench-'));
  const saves = quick ? 10 : 20 * rounds;
  try {
    await using server = await BucketServer.start(folder);
    const { bucket, folder: objects } = await server.create();
    const { endpoint, region, accessKey, secretKey } = server.service;
    const copy = (name: string): string => join(folder, `copy-${name}`);
    const environment = { HOME: folder, AWS_ACCESS_KEY_ID: accessKey, AWS_SECRET_ACCESS_KEY: secretKey };
    const ours = (target: string, name: string): Command => ({
      line: [process.execPath, join(root, 'bin', 'syncline.js'), 'sync', '--quiet', '--as', 'blobs', '--delete', '--watch', join(folder, 'tree'), target],
      environment: { ...environment, XDG_STATE_HOME: join(folder, `memory-${name}`) },
    });
    const theirs = (name: string, ...options: readonly string[]): Watcher => ({ name: `lsyncd ${options.join(' ')}`, command: { line: ['lsyncd', '-nodaemon', '-log', 'scarce', ...options, join(folder, 'tree'), copy(name)] }, copy: copy(name) });
    const watchers: readonly Watcher[] = [
      { name: 'syncline to a directory', command: ours(copy('ours'), 'directory'), copy: copy('ours') },
      { name: 'syncline to a bucket', command: ours(`s3://${bucket}?endpoint=${endpoint}&region=${region}`, 'bucket'), copy: objects },
      ...missing === undefined ? [theirs('direct', '-delay', '1', '-direct'), theirs('at-once', '-delay', '0', '-direct'), theirs('rsync', '-delay', '1', '-rsync')] : [],
    ];
    const tree = BenchTree.small(join(folder, 'tree'), files);
    const rows: Waits[] = [];
    for (const watcher of watchers.filter(({ name }) => only === undefined || name.includes(only))) {
      const row = await wait(watcher, tree, saves, folder);
      console.log(`${row.who} | ${row.medianMs.toFixed(0)} ms after a save, median of ${saves}, ${row.longestMs.toFixed(0)} ms at most | ${(row.cpuMs / 1000).toFixed(2)} s CPU, ${row.peakMiB.toFixed(0)} MiB`);
      rows.push(row);
    }
    if (quick || only !== undefined) return;
    const file = join(import.meta.dirname, 'results', 'watching.json');
    mkdirSync(join(file, '..'), { recursive: true });
    writeFileSync(file, `${JSON.stringify({ machine: machine(), files, saves, missing, rows }, undefined, 2)}\n`);
    console.log(`written to ${file}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function wait({ name, command: { line, environment }, copy }: Watcher, tree: BenchTree, saves: number, folder: string): Promise<Waits> {
  mkdirSync(copy, { recursive: true });
  const child = spawn(line[0]!, line.slice(1), { stdio: ['ignore', 'ignore', 'inherit'], cwd: folder, env: { ...process.env, ...environment } });
  const ended = once(child, 'exit');
  try {
    await until(`${name} has copied everything`, () => differing(tree.folder, copy).wrong === 0, 200);
    await sleep(2_000);
    const waits: number[] = [];
    for (let i = 0; i < saves; i++) {
      // Saves that come in step with a program's own pauses would all find it at the same moment.
      await sleep(300 + (i * 137) % 400);
      const path = tree.path((i * 7) % files);
      const text = `number ${i} for ${name}\n`;
      const copied = join(copy, relative(tree.folder, path));
      const savedAt = performance.now();
      writeFileSync(path, text);
      await until(`${name} has copied ${path}`, () => existsSync(copied) && readFileSync(copied, 'utf8') === text, 1);
      waits.push(performance.now() - savedAt);
    }
    const used = usage(child.pid!);
    const { wrong, extra } = differing(tree.folder, copy);
    if (wrong + extra > 0) throw new Error(`${name} left ${wrong} files wrong and ${extra} too many`);
    return { who: name, medianMs: median(waits), longestMs: Math.max(...waits), ...used };
  } finally {
    child.kill('SIGTERM');
    await ended;
  }
}

/** What a running process and the children it has waited for have taken until now. Linux only: proc(5). */
function usage(pid: number): { readonly cpuMs: number; readonly peakMiB: number } {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
  const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
  const peak = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return { cpuMs: ticks * 1000 / ticksPerSecond, peakMiB: Number(peak?.[1] ?? 0) / 1024 };
}

async function until(what: string, holds: () => boolean, everyMs: number): Promise<void> {
  for (const endMs = performance.now() + patienceMs; !holds(); await sleep(everyMs)) {
    if (performance.now() > endMs) throw new Error(`waited in vain until ${what}`);
  }
}

function missingLsyncd(): string | undefined {
  const absent = ['lsyncd', 'rsync'].filter((program) => spawnSync(program, ['--version']).error !== undefined);
  if (absent.length === 0) return undefined;
  if (process.getuid?.() !== 0) return `install ${absent.join(' and ')}`;
  spawnSync('apt-get', ['update', '-q']);
  const { status } = spawnSync('apt-get', ['install', '-y', '-q', '--no-install-recommends', ...absent], { env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } });
  return status === 0 ? undefined : `apt-get could not install ${absent.join(' and ')}`;
}
