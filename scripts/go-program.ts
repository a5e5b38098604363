import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const buildTimeoutMs = 1_800_000;

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
  console.error(`building ${name} ${version}: this takes minutes, once`);
  try {
    await promisify(execFile)('go', ['install', '-trimpath', '-ldflags', '-s -w', `${source}@${version}`], { timeout: buildTimeoutMs, maxBuffer: Infinity, env: { ...process.env, GOBIN: draft } });
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
