import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const buildTimeoutMs = 30 * 60_000;

/** A program to run, or why it cannot be had here, as a sentence. */
export type Found = { readonly path: string } | { readonly missing: string };

/** A program that Go builds: once, into the cache folder of the user. */
export async function goProgram(name: string, version: string, packagePath: string): Promise<Found> {
  const folder = join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'syncline', `${name}-${version}`);
  const path = join(folder, name);
  if (existsSync(path)) return { path };
  mkdirSync(folder, { recursive: true });
  const draft = mkdtempSync(join(folder, 'build-'));
  console.error(`building ${name} ${version}: this takes minutes, once`);
  try {
    await promisify(execFile)('go', ['install', '-trimpath', '-ldflags', '-s -w', `${packagePath}@${version}`], { timeout: buildTimeoutMs, maxBuffer: Infinity, env: { ...process.env, GOBIN: draft } });
    renameSync(join(draft, name), path);
    return { path };
  } catch (error) {
    const { code, stderr } = error as { code?: unknown; stderr?: string };
    if (code === 'ENOENT') return { missing: 'there is no Go on this machine' };
    return { missing: `go could not install it (${stderr?.trim().split('\n').at(-1) ?? 'no word why'})` };
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}
