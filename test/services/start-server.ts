import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const startTimeoutMs = 60_000;

/** A server to be started. */
export interface ServerStart {
  readonly parameters: readonly string[];
  readonly environment: { readonly [name: string]: string };
  /** A folder of its own, which goes when it ends. */
  readonly root: string;
  readonly address: string;
  /** What to ask it whether it is ready; it answers 200 then. Default: `/`, and whatever it answers is enough. */
  readonly readyPath?: string;
}

/** Starts a server, and waits until it answers. Answers how to end it. */
export async function startServer(path: string, { parameters, environment, root, address, readyPath = '/' }: ServerStart): Promise<() => Promise<void>> {
  const logFile = join(root, 'log');
  const log = openSync(logFile, 'a');
  const child = spawn(path, parameters, { stdio: ['ignore', log, log], env: { PATH: process.env['PATH'], HOME: root, ...environment } });
  closeSync(log);
  const endNow = (): void => void child.kill('SIGKILL');
  process.once('exit', endNow);
  const stop = async (): Promise<void> => {
    await end(child);
    process.off('exit', endNow);
    rmSync(root, { recursive: true, force: true });
  };
  for (const startedAt = Date.now(); ;) {
    const answered = await fetch(`http://${address}${readyPath}`, { signal: AbortSignal.timeout(2_000) }).then(({ status }) => readyPath === '/' || status === 200, () => false);
    if (answered) return stop;
    if (child.exitCode !== null || Date.now() - startedAt > startTimeoutMs) {
      const said = readFileSync(logFile, 'utf8').slice(-2_000);
      await stop();
      throw new Error(`${path} did not start: ${said}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** A server that can be ended as a crash would, and started again. */
export interface Restartable {
  /** Its first process, as it is now. */
  readonly pid: number;
  /** Ends it as a crash would, if it has not ended, and starts it again, with more parameters perhaps. */
  restart(...more: readonly string[]): Promise<void>;
  /** Ends it, with this signal before any other, and removes its folder. */
  stop(signal?: NodeJS.Signals): Promise<void>;
}

/** Starts a server that may be started again, and waits until it `answers`. `crash`: the signal that ends it at once. */
export async function startRestartable(path: string, parameters: readonly string[], { name, root, crash, answers }: { readonly name: string; readonly root: string; readonly crash: NodeJS.Signals; answers(): Promise<unknown> }): Promise<Restartable> {
  const logFile = join(root, 'log');
  const log = openSync(logFile, 'a');
  const launch = (...more: readonly string[]): ChildProcess => spawn(path, [...parameters, ...more], { stdio: ['ignore', log, log], cwd: root });
  let child = launch();
  const endNow = (): void => void child.kill(crash);
  process.once('exit', endNow);
  const ready = async (): Promise<void> => {
    for (const startedAt = Date.now(); !await answers().then(() => true, () => false); await sleep(50)) {
      if (child.exitCode !== null || Date.now() - startedAt > startTimeoutMs) throw new Error(`${name} did not start: ${readFileSync(logFile, 'utf8').slice(-2_000)}`);
    }
  };
  const stop = async (signal?: NodeJS.Signals): Promise<void> => {
    if (signal !== undefined) child.kill(signal);
    await end(child);
    process.off('exit', endNow);
    closeSync(log);
    rmSync(root, { recursive: true, force: true });
  };
  await ready().catch(async (cause: unknown) => {
    await stop();
    throw cause;
  });
  return {
    stop,
    get pid() { return child.pid!; },
    restart: async (...more) => {
      if (child.exitCode === null && child.signalCode === null) {
        const ended = once(child, 'exit');
        endNow();
        await ended;
      }
      child = launch(...more);
      await ready();
    },
  };
}

/** Ends a server: it is asked to, and after five seconds made to. */
export async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  const hard = setTimeout(() => child.kill('SIGKILL'), 5_000);
  await ended;
  clearTimeout(hard);
}
