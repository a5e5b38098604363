import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { pythonEnvironment } from '../scripts/python.ts';
import { root, runNode } from '../scripts/tool.ts';
import { FaultProxy } from '../test/faults/proxy.ts';
import type { Traffic } from '../test/faults/proxy.ts';
import { BucketServer } from './bucket-server.ts';
import { machine } from './machine.ts';
import { measure, medians } from './measure.ts';
import type { Measured } from './measure.ts';
import { findPeers } from './peers/peers.ts';
import type { Peer, Service } from './peers/peers.ts';
import type { BenchOptions } from './resources.ts';
import { BenchTree, differing } from './trees.ts';

/** What is measured, in this order, on one bucket. */
const steps = ['first', 'unchanged', 'changed'] as const;
type Step = (typeof steps)[number];

/** One program on one tree. */
interface Row {
  readonly tree: string;
  readonly who: string;
  readonly step: Step;
  readonly measured: Measured;
  /** Files that the bucket did not hold as the directory did when the program said it was done, and files beside them. */
  readonly wrong: number;
  readonly extra: number;
  readonly requests: { readonly [kind: string]: number };
  readonly total: number;
  readonly mostInFlight: number;
}

type Runs = { readonly [step in Step]: (Measured & { readonly wrong: number; readonly extra: number })[] };

const ours = 'syncline';
/** The same once more: what differs between the two is noise. */
const control = 'syncline again';
const sizes = { full: { small: 20_000, large: 20, largeBytes: 50 * 1024 * 1024 }, quick: { small: 2_000, large: 3, largeBytes: 50 * 1024 * 1024 } };

/** Measures mirroring a directory into a bucket next to programs that do the same, on one server, and prints and keeps the figures. */
export async function benchObjects({ quick, rounds, only, build, closing = false }: BenchOptions & { readonly closing?: boolean }): Promise<void> {
  const python = await pythonEnvironment('microcosm-resourcesync', join(import.meta.dirname, 'requirements.txt'));
  if ('missing' in python) throw new Error(`the benchmark needs Python to measure with: ${python.missing}`);
  const { found, missing } = await findPeers();
  for (const { name, why } of missing) console.log(`${name} is left out: ${why}`);
  if (build && (await runNode(join(root, 'scripts', 'build.ts'))) !== 0) throw new Error('the build failed');
  const folder = mkdtempSync(join(tmpdir(), 'syncline-bench-'));
  const programs = [syncline(ours), ...found, syncline(control)].filter(({ name }) => only === undefined || name.startsWith(ours) || name.includes(only));
  try {
    await using server = await BucketServer.start(folder, { closing });
    const bench = new ObjectBench({ folder, python: join(python.bin, 'python'), server, programs });
    const { small, large, largeBytes } = quick ? sizes.quick : sizes.full;
    const rows = [
      ...await bench.measure(`${small} files of 1 to 8 KiB`, BenchTree.small(join(folder, 'small'), small), rounds),
      ...await bench.measure(`${large} files of ${largeBytes / 1024 / 1024} MiB`, BenchTree.large(join(folder, 'large'), large, largeBytes), rounds),
    ];
    const notices = await bench.notice();
    if (quick || only !== undefined) return;
    const file = join(import.meta.dirname, 'results', closing ? 'objects-closing.json' : 'objects.json');
    mkdirSync(join(file, '..'), { recursive: true });
    writeFileSync(file, `${JSON.stringify({ machine: machine(), rounds, missing, rows, notices }, undefined, 2)}\n`);
    console.log(`written to ${file}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function syncline(name: string): Peer {
  return {
    name,
    sync: (tree, bucket, { endpoint, region, accessKey, secretKey }, memory) => ({
      line: [process.execPath, join(root, 'bin', 'syncline.js'), 'sync', '--quiet', '--as', 'blobs', '--delete', tree, `s3://${bucket}?endpoint=${endpoint}&region=${region}`],
      environment: { HOME: memory, XDG_STATE_HOME: memory, AWS_ACCESS_KEY_ID: accessKey, AWS_SECRET_ACCESS_KEY: secretKey },
    }),
  };
}

class ObjectBench {
  readonly #folder: string;
  readonly #python: string;
  readonly #server: BucketServer;
  readonly #programs: readonly Peer[];
  #runs = 0;

  constructor({ folder, python, server, programs }: { readonly folder: string; readonly python: string; readonly server: BucketServer; readonly programs: readonly Peer[] }) {
    this.#folder = folder;
    this.#python = python;
    this.#server = server;
    this.#programs = programs;
  }

  /** Measures every program in turn, round by round, and counts the requests of each in a round of its own. */
  async measure(name: string, tree: BenchTree, rounds: number): Promise<readonly Row[]> {
    const runs = new Map<string, Runs>(this.#programs.map(({ name: who }) => [who, { first: [], unchanged: [], changed: [] }]));
    for (let round = 0; round < rounds; round++) {
      for (const program of this.#programs) await this.#round(program, tree, round, this.#server.service, (step, measured) => void runs.get(program.name)![step].push(measured));
    }
    const rows: Row[] = [];
    for (const program of this.#programs) {
      const traffic = program.name === control ? undefined : await this.#count(program, tree);
      for (const step of steps) {
        const measured = runs.get(program.name)![step];
        const { requests = {}, total = 0, mostInFlight = 0 } = traffic?.get(step) ?? {};
        const row: Row = { tree: name, who: program.name, step, measured: medians(measured), wrong: Math.max(...measured.map(({ wrong }) => wrong)), extra: Math.max(...measured.map(({ extra }) => extra)), requests, total, mostInFlight };
        if (program.name.startsWith(ours) && row.wrong + row.extra > 0) throw new Error(`${step} run of ${name}: ${row.wrong} objects are wrong, and ${row.extra} should not be there`);
        rows.push(row);
      }
    }
    for (const step of steps) for (const row of rows) if (row.step === step) print(row);
    return rows;
  }

  /** What each program notices, and what it sends for nothing. */
  async notice(): Promise<readonly object[]> {
    const found = [];
    for (const program of this.#programs) {
      if (program.name === control) continue;
      const tree = BenchTree.small(join(this.#folder, `noticed-${++this.#runs}`), 40);
      const { bucket, folder } = await this.#server.create();
      await using proxy = await FaultProxy.start(this.#server.service.endpoint);
      const run = async (): Promise<void> => void await this.#run(program, tree.folder, bucket, { ...this.#server.service, endpoint: proxy.url }, join(this.#folder, `memory-${this.#runs}`));
      const wrong = async (): Promise<number> => {
        await run();
        return differing(tree.folder, folder).wrong;
      };
      await run();
      const sameSize = (i: number): Buffer => Buffer.alloc(statSync(tree.path(i)).size, 'edited');
      for (let i = 0; i < 10; i++) {
        const { atime, mtime } = statSync(tree.path(i));
        writeFileSync(tree.path(i), sameSize(i));
        utimesSync(tree.path(i), atime, mtime);
      }
      const quietEdits = await wrong();
      tree.restore({ edited: [...Array(10).keys()], deleted: [] });
      await run();
      for (let i = 10; i < 20; i++) await this.#server.put(bucket, relative(tree.folder, tree.path(i)), sameSize(i));
      const overwritten = await wrong();
      proxy.reset();
      for (let i = 20; i < 30; i++) utimesSync(tree.path(i), new Date(), new Date());
      await run();
      const { put = 0, copy = 0 } = proxy.traffic.requests;
      const result = { who: program.name, quietEditsMissed: quietEdits, overwrittenMissed: overwritten, touchedSent: put, touchedCopied: copy };
      console.log(`${program.name} | of 10 edits that keep size and time ${quietEdits} missed | of 10 objects overwritten by others ${overwritten} missed | of 10 touched files ${put} sent again, ${copy} copied in place`);
      found.push(result);
    }
    return found;
  }

  async #round(program: Peer, tree: BenchTree, round: number, service: Service, note: (step: Step, measured: Measured & { readonly wrong: number; readonly extra: number }) => void): Promise<void> {
    const { bucket, folder } = await this.#server.create();
    const memory = join(this.#folder, `memory-${++this.#runs}`);
    for (const step of steps) {
      const changed = step === 'changed' ? tree.change(round) : { edited: [], deleted: [] };
      // What earlier runs left to be written to the disk is not this one's.
      execFileSync('sync');
      const measured = await this.#run(program, tree.folder, bucket, service, memory);
      note(step, { ...measured, ...differing(tree.folder, folder) });
      tree.restore(changed);
    }
    rmSync(memory, { recursive: true, force: true });
    this.#server.remove(bucket);
  }

  async #count(program: Peer, tree: BenchTree): Promise<ReadonlyMap<Step, Traffic>> {
    await using proxy = await FaultProxy.start(this.#server.service.endpoint);
    const counted = new Map<Step, Traffic>();
    await this.#round(program, tree, 0, { ...this.#server.service, endpoint: proxy.url }, (step) => {
      counted.set(step, proxy.traffic);
      proxy.reset();
    });
    return counted;
  }

  async #run(program: Peer, tree: string, bucket: string, service: Service, memory: string): Promise<Measured> {
    mkdirSync(memory, { recursive: true });
    return await measure(this.#python, join(this.#folder, 'output'), program.sync(tree, bucket, service, memory));
  }
}

function print({ tree, who, step, measured: { wallMs, cpuMs, peakMiB }, wrong, extra, requests, total, mostInFlight }: Row): void {
  const kinds = Object.entries(requests).toSorted(([, a], [, b]) => b - a).map(([kind, count]) => `${kind} ${count}`).join(', ');
  const counted = total === 0 ? '' : ` | ${total} requests (${kinds}), at most ${mostInFlight} at once`;
  const missed = wrong + extra === 0 ? '' : ` | ${wrong} files wrong, ${extra} too many`;
  console.log(`${tree}, ${step} | ${who} | ${(wallMs / 1000).toFixed(2)} s wall, ${(cpuMs / 1000).toFixed(2)} s CPU, ${peakMiB.toFixed(0)} MiB${counted}${missed}`);
}
