import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pythonEnvironment } from '../scripts/python.ts';
import { root, runNode } from '../scripts/tool.ts';
import { dependencies } from '../src/core/order.ts';
import { machine } from './machine.ts';
import type { Command, Measured } from './measure.ts';
import { BenchServer, measure, median, medians } from './measure.ts';

export interface BenchOptions {
  /** Small sizes, to see that it runs. */
  readonly quick: boolean;
  readonly rounds: number;
  /** Whether dist is built first. */
  readonly build: boolean;
  /** Only the cases whose name holds this. */
  readonly only: string | undefined;
  /** How many of what is measured, where that can be chosen. */
  readonly records?: number | undefined;
}

/** One thing measured, ours twice (the second is the control: what differs between the two is noise) and the peer's once a round. */
interface Case {
  readonly name: string;
  readonly rounds?: number;
  /** What ours is to reach, in words. */
  readonly goal: string;
  /** The command, given the number of the run. */
  ours(run: number): Command;
  peer?(run: number): Command;
  /** Before each run. */
  prepare?(): Promise<void> | void;
  /** After each of our runs: throws when it did not do what was asked. */
  check?(run: number): Promise<void> | void;
}

interface Result {
  readonly name: string;
  readonly goal: string;
  readonly ours: Measured;
  readonly control?: Measured;
  readonly peer?: Measured;
  readonly rounds: number;
}

const widgets = '/api/widget';

/** Measures capture and replay of resources next to microcosm-resourcesync, and prints and keeps the figures. */
export async function benchResources({ quick, rounds, only, build }: BenchOptions): Promise<void> {
  const found = await pythonEnvironment('microcosm-resourcesync', join(import.meta.dirname, 'requirements.txt'));
  if ('missing' in found) throw new Error(`the benchmark needs Python, to measure with and to measure against: ${found.missing}`);
  if (build && (await runNode(join(root, 'scripts', 'build.ts'))) !== 0) throw new Error('the build failed');
  const python = join(found.bin, 'python');
  const folder = mkdtempSync(join(tmpdir(), 'syncline-bench-'));
  const results: Result[] = [];
  try {
    const bench = new Bench({ folder, python, peer: join(found.bin, 'resource-sync'), rounds, only, results });
    await bench.run({ name: 'start-up (--help)', goal: 'under 150 ms', ours: () => bench.syncline('--help'), peer: () => bench.resourceSync('--help') });
    if (bench.wanted('sort of a chain')) sortChain(5000, rounds);
    for (const size of quick ? [500] : [5000, 100_000]) await bench.resources(size);
    await bench.large(quick ? 20_000 : 1_000_000);
    await bench.keys(quick ? 100_000 : 10_000_000);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  if (quick || only !== undefined) return;
  const file = join(import.meta.dirname, 'results', 'resources.json');
  mkdirSync(join(file, '..'), { recursive: true });
  writeFileSync(file, `${JSON.stringify({ machine: machine(), versions: versions(python), rounds, results }, undefined, 2)}\n`);
  console.log(`written to ${file}`);
}

interface Setting extends Pick<BenchOptions, 'rounds' | 'only'> {
  readonly folder: string;
  readonly python: string;
  /** The peer's program. */
  readonly peer: string;
  readonly results: Result[];
}

class Bench {
  readonly #options: Setting;

  constructor(options: Setting) {
    this.#options = options;
    console.log(JSON.stringify({ machine: machine(), versions: versions(options.python) }));
  }

  syncline(...args: readonly string[]): Command {
    return { line: [process.execPath, join(root, 'bin', 'syncline.js'), ...args], environment: { XDG_STATE_HOME: join(this.#options.folder, 'state') } };
  }

  resourceSync(...args: readonly string[]): Command {
    return { line: [this.#options.python, this.#options.peer, ...args] };
  }

  wanted(name: string): boolean {
    return this.#options.only === undefined || name.includes(this.#options.only);
  }

  async run(one: Case): Promise<void> {
    if (!this.wanted(one.name)) return;
    const { python, folder, results } = this.#options;
    const rounds = one.rounds ?? this.#options.rounds;
    const runs: { readonly [who in 'ours' | 'peer' | 'control']: Measured[] } = { ours: [], peer: [], control: [] };
    for (let run = 0; run < rounds * 3; run++) {
      const who = (['ours', 'peer', 'control'] as const)[run % 3]!;
      if (who !== 'ours' && one.peer === undefined) continue;
      await one.prepare?.();
      runs[who].push(await measure(python, join(folder, 'output'), who === 'peer' ? one.peer!(run) : one.ours(run)));
      if (who !== 'peer') await one.check?.(run);
    }
    const result: Result = { name: one.name, goal: one.goal, rounds, ours: medians(runs.ours), ...(one.peer && { control: medians(runs.control), peer: medians(runs.peer) }) };
    results.push(result);
    print(result);
  }

  async resources(size: number): Promise<void> {
    const { folder } = this.#options;
    const state = join(folder, 'state');
    // Hours of the peer's time are not worth a second digit.
    const rounds = size > 5000 ? Math.min(1, this.#options.rounds) : this.#options.rounds;
    // A new directory for each run: file systems are slow to give out the room of files that were just deleted.
    const captured = (run: number | string): string => join(folder, `captured-${size}-${run}`);
    const forget = (): void => rmSync(state, { recursive: true, force: true });
    await using origin = await BenchServer.start(size);
    await using target = await BenchServer.start(0);
    const empty = async (): Promise<void> => { forget(); await target.control('reset'); };
    const filled = async (): Promise<void> => expect((await target.control('count')).held, size, 'resources at the server');
    await this.run({
      name: `capture of ${size}`, rounds, goal: '1/3 of the wall time and less CPU',
      ours: (run) => this.syncline('sync', origin.url + widgets, captured(run)), peer: (run) => this.resourceSync(origin.url + widgets, captured(run)),
      prepare: forget, check: (run) => expect(readdirSync(join(captured(run), 'widget')).length, size, 'files'),
    });
    if (![`replay of ${size}`, `replay of ${size}, 5 ms`, `replay of ${size}, no entity tags`, `second replay of ${size}`].some((name) => this.wanted(name))) return;
    const tree = captured('tree');
    await measure(this.#options.python, join(folder, 'output'), this.syncline('sync', origin.url + widgets, tree));
    const replay = { ours: (): Command => this.syncline('sync', tree, target.url), peer: (): Command => this.resourceSync(tree, target.url) };
    await this.run({ name: `replay of ${size}`, rounds, goal: '1/5 of the wall time', ...replay, prepare: empty, check: filled });
    if (size <= 5000) {
      await target.control('delay/5');
      await this.run({ name: `replay of ${size}, 5 ms`, goal: '1/20 of the wall time', ...replay, prepare: empty, check: filled });
      await target.control('delay/0');
      await target.control('tags/off');
      await this.run({ name: `replay of ${size}, no entity tags`, goal: 'none: each resource is looked at before it is written', ...replay, prepare: empty, check: filled });
      await target.control('tags/on');
    }
    if (!this.wanted(`second replay of ${size}`)) return;
    await empty();
    await measure(this.#options.python, join(folder, 'output'), replay.ours());
    await this.run({
      name: `second replay of ${size}`, rounds, goal: 'no write, 1/10 of the wall time', ...replay,
      prepare: async () => { await target.control('count'); }, check: async () => expect((await target.control('count')).write, 0, 'writes'),
    });
  }

  async large(size: number): Promise<void> {
    const name = `capture of ${size} (memory)`;
    if (!this.wanted(name)) return;
    await using origin = await BenchServer.start(size);
    const captured = join(this.#options.folder, 'large');
    await this.run({
      name, goal: 'under 300 MB resident', rounds: 1, ours: () => this.syncline('sync', `${origin.url}${widgets}?offset=0&limit=1000`, captured), check: () => expect(readdirSync(join(captured, 'widget')).length, size, 'files'),
    });
  }

  async keys(size: number): Promise<void> {
    const keys = (mode: string) => (): Command => ({ line: [process.execPath, '--disable-warning=ExperimentalWarning', join(import.meta.dirname, 'keys.ts'), mode, String(size)] });
    await this.run({ name: `verify of ${size} keys (memory)`, goal: 'under 300 MB resident', rounds: 1, ours: keys('verify') });
    await this.run({ name: `merge of ${size} keys (memory)`, goal: 'under 300 MB resident', rounds: 1, ours: keys('merge') });
  }
}

function expect(found: number, wanted: number, what: string): void {
  if (found !== wanted) throw new Error(`${found} ${what}, where ${wanted} were expected`);
}

/** The slowest order for those who sort by passes: every parent comes after its child. */
function sortChain(length: number, rounds: number): void {
  const nodes = Array.from({ length }, (_, i) => ({ key: `node/${String(i).padStart(6, '0')}`, dependsOn: i + 1 < length ? [`node/${String(i + 1).padStart(6, '0')}`] : [] }));
  const times = Array.from({ length: rounds }, () => {
    const started = performance.now();
    expect(dependencies(nodes).order.length, length, 'nodes in order');
    return performance.now() - started;
  });
  console.log(`sort of a chain of ${length} | ${times[0]!.toFixed(1)} ms the first time, ${median(times).toFixed(1)} ms median | goal: under 50 ms`);
}

function print({ name, goal, ours, peer, control }: Result): void {
  const figures = ({ wallMs, cpuMs, peakMiB }: Measured): string => `${(wallMs / 1000).toFixed(2)} s wall, ${(cpuMs / 1000).toFixed(2)} s CPU, ${peakMiB.toFixed(0)} MiB`;
  const ratio = (a: number, b: number): string => (a / b).toFixed(3);
  const against = peer && control ? ` | peer ${figures(peer)} | ratio ${ratio(ours.wallMs, peer.wallMs)} wall, ${ratio(ours.cpuMs, peer.cpuMs)} CPU | A/A ${ratio(ours.wallMs, control.wallMs)} wall, ${ratio(ours.cpuMs, control.cpuMs)} CPU` : '';
  console.log(`${name} | ours ${figures(ours)}${against} | goal: ${goal}`);
}

function versions(python: string): object {
  const peer = execFileSync(python, ['-c', 'import sys, importlib.metadata as m; print(sys.version.split()[0], *(p + "=" + m.version(p) for p in ("microcosm-resourcesync", "click", "requests", "PyYAML")))'], { encoding: 'utf8' }).trim();
  return { node: process.version, python: peer };
}
