import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pythonEnvironment } from '../scripts/python.ts';
import { root, runNode } from '../scripts/tool.ts';
import { machine } from './machine.ts';
import { measure, medians } from './measure.ts';
import type { Measured } from './measure.ts';
import { indexScenarios } from './records-indices.ts';
import type { RecordsPlaces, RecordsProgram } from './records-scenario.ts';
import { sqlScenarios } from './records-sql.ts';
import type { BenchOptions } from './resources.ts';

interface Row {
  readonly scenario: string;
  readonly who: string;
  readonly step: string;
  readonly records: number;
  readonly measured: Measured;
  /** What the servers took beside, in milliseconds. */
  readonly serverCpuMs?: number;
  readonly recordsPerSecond: number;
}

/** Measures keeping databases and indices in step next to what is used for it, and prints and keeps the figures. `only`: part of the name of a scenario, and behind a slash that of a program. */
export async function benchRecords({ quick, rounds, only, records: wanted, build }: BenchOptions): Promise<void> {
  const python = await pythonEnvironment('microcosm-resourcesync', join(import.meta.dirname, 'requirements.txt'));
  if ('missing' in python) throw new Error(`the benchmark needs Python to measure with: ${python.missing}`);
  if (build && (await runNode(join(root, 'scripts', 'build.ts'))) !== 0) throw new Error('the build failed');
  const folder = mkdtempSync(join(tmpdir(), 'syncline-bench-'));
  try {
    for (const scenario of [...sqlScenarios, ...indexScenarios]) {
      const [which = '', peer = ''] = only?.split('/') ?? [];
      if (!scenario.name.includes(which)) continue;
      await using opened = await scenario.open({ folder, quick, records: wanted });
      const places = { ...opened, programs: opened.programs.filter(({ name }, i) => i === 0 || name.includes(peer)) };
      const { missing, versions, records } = places;
      console.log(`${scenario.name}: ${records} records, ${JSON.stringify(versions)}`);
      for (const { name, why } of missing) console.log(`${name} is left out: ${why}`);
      const rows = await measured(scenario.name, places, { folder, python: join(python.bin, 'python'), rounds });
      for (const step of places.steps) for (const row of rows) if (row.step === step) print(row, rows, places.goals[step]);
      // Whoever breaks it off keeps what was measured by then, and of what was not measured anew what there was.
      if (!quick && peer === '') keep({ scenario: scenario.name, day: new Date().toISOString().slice(0, 10), machine: machine(), rounds, versions, missing, goals: places.goals, rows });
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Result {
  readonly scenario: string;
  readonly [fact: string]: unknown;
}

function keep(found: Result): void {
  const file = join(import.meta.dirname, 'results', 'records.json');
  mkdirSync(join(file, '..'), { recursive: true });
  const before = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as { readonly results: readonly Result[] }).results : [];
  const results = [...before.filter(({ scenario }) => scenario !== found.scenario), found];
  writeFileSync(file, `${JSON.stringify({ results }, undefined, 2)}\n`);
  console.log(`written to ${file}`);
}

interface Once {
  readonly measured: Measured;
  readonly serverCpuMs: number;
}

async function once({ before, serverCpuMs, check }: RecordsPlaces, program: RecordsProgram, step: string, { memory, folder, python }: { readonly memory: string; readonly folder: string; readonly python: string }): Promise<Once> {
  await before(step, program);
  const usedBefore = serverCpuMs?.() ?? 0;
  const run = await measure(python, join(folder, 'output'), program.command(step, memory));
  // What a server did for the command is counted when it has noticed that nobody is connected any more.
  if (serverCpuMs) await sleep(300);
  const used = (serverCpuMs?.() ?? 0) - usedBefore;
  await check(step, program);
  return { measured: run, serverCpuMs: used };
}

/** Every program in turn, round by round. */
async function measured(scenario: string, places: RecordsPlaces, { folder, python, rounds }: { readonly folder: string; readonly python: string; readonly rounds: number }): Promise<readonly Row[]> {
  const { steps, records } = places;
  const [ours] = places.programs;
  const programs = [...places.programs, ...(ours ? [{ ...ours, name: `${ours.name} again` }] : [])];
  for (const program of places.warmUp ?? []) {
    await places.reset(program);
    await measure(python, join(folder, 'output'), program.command(steps[0]!, mkdtempSync(join(folder, 'memory-'))));
  }
  const runs = new Map<string, Once[]>();
  for (let round = 0; round < rounds; round++) {
    for (const program of programs) {
      const memory = mkdtempSync(join(folder, 'memory-'));
      await places.reset(program);
      for (const step of program.steps ?? steps) {
        const run = await once(places, program, step, { memory, folder, python }).catch((error: unknown) => {
          // A peer that fails says nothing of ours.
          if (program.name.startsWith(ours?.name ?? '')) throw error;
          console.log(`${step} of ${program.name} is left out: ${error instanceof Error ? error.message : String(error)}`);
        });
        if (!run) break;
        console.log(`taken: ${step} of ${program.name}: ${figures(run.measured, places.serverCpuMs && run.serverCpuMs)}`);
        const name = `${program.name}\0${step}`;
        runs.set(name, [...(runs.get(name) ?? []), run]);
      }
      rmSync(memory, { recursive: true, force: true });
    }
  }
  return programs.flatMap(({ name: who, records: taken = records }) => steps.flatMap((step): Row[] => {
    const found = runs.get(`${who}\0${step}`);
    if (!found) return [];
    const middle = medians(found.map((run) => run.measured));
    const serverCpuMs = medians(found.map(({ measured: run, serverCpuMs: cpuMs }) => ({ ...run, cpuMs }))).cpuMs;
    return [{ scenario, who, step, records: taken, measured: middle, ...(places.serverCpuMs && { serverCpuMs }), recordsPerSecond: Math.round(taken / (middle.wallMs / 1000)) }];
  }));
}

function figures({ wallMs, cpuMs, peakMiB }: Measured, serverCpuMs: number | undefined): string {
  const servers = serverCpuMs === undefined ? '' : ` and ${(serverCpuMs / 1000).toFixed(2)} s of the servers`;
  return `${(wallMs / 1000).toFixed(2)} s wall, ${(cpuMs / 1000).toFixed(2)} s CPU${servers}, ${peakMiB.toFixed(0)} MiB`;
}

function print({ scenario, who, step, records, measured: run, serverCpuMs, recordsPerSecond }: Row, rows: readonly Row[], goal: string | undefined): void {
  const ours = rows.find((row) => row.step === step)!;
  const share = records / ours.records;
  const ratio = ours.who === who ? (goal === undefined ? '' : ` | goal: ${goal}`) : ` | ${ours.who} takes ${((ours.measured.wallMs / run.wallMs) * share).toFixed(2)} of its time, ${((ours.measured.cpuMs / run.cpuMs) * share).toFixed(2)} of its CPU${share === 1 ? '' : ' for as many records'}`;
  console.log(`${scenario}, ${step} | ${who} | ${figures(run, serverCpuMs)} | ${recordsPerSecond} records/s${ratio}`);
}
