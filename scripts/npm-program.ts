import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const installTimeoutMs = 240_000;

/** Where the file `main` of a package of npm is, installed with all it needs into the cache folder of the user; or why it is not there, as a sentence. */
export async function npmProgram({ name, version, main }: { readonly name: string; readonly version: string; readonly main: string }): Promise<{ readonly path: string } | { readonly missing: string }> {
  const folder = join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'syncline', `${name}-${version}`);
  const path = join(folder, 'node_modules', name, main);
  if (existsSync(path)) return { path };
  mkdirSync(join(folder, '..'), { recursive: true });
  const draft = mkdtempSync(`${folder}-`);
  try {
    await promisify(execFile)('npm', ['install', '--prefix', draft, '--no-audit', '--no-fund', '--ignore-scripts', `${name}@${version}`], { timeout: installTimeoutMs, maxBuffer: Infinity });
    renameSync(draft, folder);
    return { path };
  } catch (error) {
    // Another process may have been first.
    if (existsSync(path)) return { path };
    return { missing: `npm could not install ${name} within ${installTimeoutMs / 1000} seconds (${(error as { stderr?: string }).stderr?.trim().split('\n').at(-1) ?? ''})` };
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}
