import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';

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

/** Ends a server: it is asked to, and after five seconds made to. */
export async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  const hard = setTimeout(() => child.kill('SIGKILL'), 5_000);
  await ended;
  clearTimeout(hard);
}
