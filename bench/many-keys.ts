import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { root, runNode, toolScript } from '../scripts/tool.ts';
import { machine } from './machine.ts';
import type { Measured } from './measure.ts';
import type { BenchOptions } from './resources.ts';

/**
 * What is done, in this order, with one state. `listing` only reads both sides: what it takes is what making the entries
 * up takes. `first` has an empty target. `unchanged` and `changed` know the source's digests from the state; `equal` is told them.
 */
const steps = ['listing', 'equal', 'first', 'unchanged', 'changed'] as const;
type Step = (typeof steps)[number];

interface Row extends Measured {
  readonly step: Step;
  readonly keys: number;
  readonly unchanged: number;
  readonly puts: number;
  readonly deletes: number;
}

/** Mirrors made-up places of ever more keys, to see what a key costs and that memory does not grow with them. */
export async function benchKeys({ quick, only }: Pick<BenchOptions, 'quick' | 'only'>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'syncline-bench-'));
  const rows: Row[] = [];
  try {
    const script = await compiled(folder);
    for (const keys of quick ? [10_000, 100_000] : [100_000, 1_000_000, 10_000_000]) {
      const state = join(folder, `state-${keys}.sqlite`);
      for (const step of steps) {
        if (only !== undefined && step !== 'first' && step !== only) continue;
        const row = await run(script, step, keys, state);
        check(row);
        rows.push(row);
        print(row, rows);
      }
      rmSync(state, { force: true });
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  if (quick || only !== undefined) return;
  const file = join(import.meta.dirname, 'results', 'keys.json');
  mkdirSync(join(file, '..'), { recursive: true });
  writeFileSync(file, `${JSON.stringify({ machine: machine(), node: process.version, rows }, undefined, 2)}\n`);
  console.log(`written to ${file}`);
}

/** The program that is measured, as JavaScript: what turns TypeScript into it would take more memory than all the rest. */
async function compiled(folder: string): Promise<string> {
  const options = ['--ignoreConfig', '--outDir', folder, '--rootDir', root, '--rewriteRelativeImportExtensions', '--module', 'nodenext', '--target', 'es2024', '--lib', 'esnext', '--types', 'node', '--skipLibCheck', '--strict'];
  if ((await runNode(toolScript('typescript', 'tsc'), [...options, join(import.meta.dirname, 'mirror-keys.ts')])) !== 0) throw new Error('the benchmark could not be compiled');
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }\n');
  return join(folder, 'bench', 'mirror-keys.js');
}

async function run(script: string, step: Step, keys: number, state: string): Promise<Row> {
  const { stdout } = await promisify(execFile)(process.execPath, ['--disable-warning=ExperimentalWarning', script, step, String(keys), state]);
  return { step, keys, ...JSON.parse(stdout) as Omit<Row, 'step' | 'keys'> };
}

function check({ step, keys, unchanged, puts, deletes }: Row): void {
  const share = keys / 100;
  const wanted = { listing: [0, 0, 0], equal: [keys, 0, 0], first: [0, keys, 0], unchanged: [keys, 0, 0], changed: [keys - 2 * share, share, share] }[step];
  const found = [unchanged, puts, deletes];
  if (found.join() !== wanted.join()) throw new Error(`${step} of ${keys} keys: ${found.join(', ')} were unchanged, put and deleted, where ${wanted.join(', ')} were expected`);
}

function print({ step, keys, wallMs, cpuMs, peakMiB }: Row, rows: readonly Row[]): void {
  const listing = rows.find((row) => row.step === 'listing' && row.keys === keys);
  const each = (ms: number): string => `${((ms * 1000) / keys).toFixed(2)} µs`;
  const own = step === 'listing' || !listing ? '' : ` (${each(cpuMs - listing.cpuMs)} without making them up)`;
  console.log(`${step}, ${keys} keys | ${(wallMs / 1000).toFixed(2)} s wall, ${(cpuMs / 1000).toFixed(2)} s CPU, ${peakMiB.toFixed(0)} MiB | ${each(cpuMs)} of CPU a key${own}`);
}
