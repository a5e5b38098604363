import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const installTimeoutMs = 240_000;

/** The folder with the commands of a Python environment, or why there is none, as a sentence. */
export type PythonEnvironment = { readonly bin: string } | { readonly missing: string };

/**
 * A Python environment that holds exactly the packages of a requirements file. It is made once, in the cache folder
 * of the user (`XDG_CACHE_HOME`), and found again as long as the file stays the same.
 */
export async function pythonEnvironment(name: string, requirements: string): Promise<PythonEnvironment> {
  const digest = createHash('sha256').update(readFileSync(requirements)).digest('hex').slice(0, 12);
  const folder = join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'syncline', `${name}-${digest}`);
  const bin = join(folder, process.platform === 'win32' ? 'Scripts' : 'bin');
  const ready = join(folder, 'ready');
  if (existsSync(ready)) return { bin };
  const python = await firstPython();
  if (python === undefined) return { missing: 'there is no Python 3.11 or newer on this machine' };
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  try {
    await promisify(execFile)(python, ['-m', 'venv', folder], { timeout: installTimeoutMs });
    await promisify(execFile)(join(bin, 'python'), ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '-r', requirements], { timeout: installTimeoutMs });
  } catch (error) {
    const said = (error as { stderr?: string }).stderr?.trim().split('\n').at(-1);
    return { missing: `pip could not install ${name} within ${installTimeoutMs / 1000} seconds${said ? ` (${said})` : ''}` };
  }
  writeFileSync(ready, '');
  return { bin };
}

async function firstPython(): Promise<string | undefined> {
  for (const command of ['python3', 'python']) {
    try {
      await promisify(execFile)(command, ['-c', 'import sys, venv; sys.exit(sys.version_info < (3, 11))'], { timeout: 30_000 });
      return command;
    } catch {
      continue;
    }
  }
  return undefined;
}
