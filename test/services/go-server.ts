// Servers that Go builds from their source, each once for this user.
import { execFile, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const buildTimeoutMs = 900_000;
const startTimeoutMs = 60_000;

/** A program, by where its source is. */
export interface GoProgram {
  readonly name: string;
  readonly source: string;
  readonly version: string;
}

/** Where a program is, or why there is none, as a sentence. */
export type Found = { readonly path: string } | { readonly missing: string };

/** The program in the cache folder of the user; built, where it is not there and `build` says so. */
export async function goProgram({ name, source, version }: GoProgram, build: boolean): Promise<Found> {
  const folder = join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'syncline', `${name}-${version}`);
  const path = join(folder, name);
  if (existsSync(path)) return { path };
  if (!build) return { missing: `${path} has not been built` };
  mkdirSync(folder, { recursive: true });
  const draft = mkdtempSync(join(folder, 'build-'));
  try {
    await promisify(execFile)('go', ['install', '-trimpath', '-ldflags', '-s -w', `${source}@${version}`], { timeout: buildTimeoutMs, env: { ...process.env, GOBIN: draft } });
    renameSync(join(draft, name), path);
    return { path };
  } catch (error) {
    const { code, stderr } = error as { code?: unknown; stderr?: string };
    if (code === 'ENOENT') return { missing: 'there is no Go on this machine' };
    return { missing: `go could not install ${name} within ${buildTimeoutMs / 1000} seconds (${stderr?.trim().split('\n').at(-1) ?? ''})` };
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}

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

/** A port that nothing uses at the moment. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  const hard = setTimeout(() => child.kill('SIGKILL'), 5_000);
  await ended;
  clearTimeout(hard);
}
