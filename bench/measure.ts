import type { ChildProcess } from 'node:child_process';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';

/** What one run of a command took. */
export interface Measured {
  readonly wallMs: number;
  /** User and system time of the command and its children. */
  readonly cpuMs: number;
  /** The most memory that was resident. */
  readonly peakMiB: number;
}

export interface Command {
  readonly line: readonly string[];
  readonly environment?: { readonly [name: string]: string };
}

/** Runs a command under {@link Measured} eyes; throws with the end of its output when it fails. */
export async function measure(python: string, output: string, { line, environment }: Command): Promise<Measured> {
  const { stdout } = await promisify(execFile)(python, [join(import.meta.dirname, 'measure.py'), output, ...line], { env: { ...process.env, ...environment } });
  const { code, ...measured } = JSON.parse(stdout) as Measured & { readonly code: number };
  if (code !== 0) throw new Error(`${line.join(' ')} ended with ${code}: ${readFileSync(output, 'utf8').slice(-2000)}`);
  return measured;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

export function medians(runs: readonly Measured[]): Measured {
  return { wallMs: median(runs.map(({ wallMs }) => wallMs)), cpuMs: median(runs.map(({ cpuMs }) => cpuMs)), peakMiB: median(runs.map(({ peakMiB }) => peakMiB)) };
}

/** A {@link file://./server.ts} in a process of its own. */
export class BenchServer implements AsyncDisposable {
  readonly url: string;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, url: string) {
    this.#child = child;
    this.url = url;
  }

  static async start(resources: number): Promise<BenchServer> {
    const child = spawn(process.execPath, [join(import.meta.dirname, 'server.ts'), String(resources)], { stdio: ['pipe', 'pipe', 'inherit'] });
    for await (const url of createInterface({ input: child.stdout })) return new BenchServer(child, url);
    throw new Error('the server did not start');
  }

  /** Does `reset`, `delay/5` or `tags/off`; answers how many requests came since the last time, and how many resources are held. */
  async control(what: string): Promise<{ readonly get: number; readonly write: number; readonly held: number }> {
    return (await (await fetch(`${this.url}/control/${what}`)).json()) as { get: number; write: number; held: number };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = once(this.#child, 'exit');
    this.#child.stdin?.end();
    await ended;
  }
}
