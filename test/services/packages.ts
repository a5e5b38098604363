// Programs that Debian has, and users to run them as.
import { execFile } from 'node:child_process';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { userInfo } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);
const installTimeoutMs = 480_000;

/** Where a program is, also outside of the path, as in one of these folders; `undefined` where it is nowhere. */
export function programPath(name: string, folders: string): string | undefined {
  return [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', ...globSync(folders).toSorted().toReversed()].map((folder) => join(folder, name)).find((path) => existsSync(path));
}

/** Installs packages when one of the programs is missing. Answers why that cannot be, as a sentence; `undefined` where all are there. */
export async function missingPrograms(programs: readonly string[], packages: readonly string[], folders: string): Promise<string | undefined> {
  const absent = (): readonly string[] => programs.filter((name) => programPath(name, folders) === undefined);
  if (absent().length === 0) return undefined;
  if (process.getuid?.() !== 0 || programPath('apt-get', '') === undefined) return `${absent().join(', ')} missing, and only root can install ${packages.join(' ')}`;
  console.error(`installing ${packages.join(' ')}`);
  // No other server is to be started by the package.
  const options = { env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' }, timeout: installTimeoutMs, maxBuffer: Infinity };
  for (let attempts = 1; absent().length > 0; attempts++) {
    try {
      await run('apt-get', ['update', '-q'], options);
      await run('apt-get', ['install', '-y', '-q', '--no-install-recommends', '-o', 'DPkg::Lock::Timeout=300', ...packages], options);
    } catch (error) {
      const said = (error as { stderr?: string }).stderr?.trim().split('\n').at(-1) ?? '';
      if (attempts >= 5) return `apt-get could not install ${packages.join(' ')} (${said})`;
      // Another test may be installing just now.
      await sleep(5_000);
    }
  }
  return undefined;
}

/** Whoever runs the tests, but the user of the name in place of root, or else nobody. */
export function serverUser(name: string): { readonly uid: number; readonly gid: number; readonly name: string } {
  const { uid, gid, username } = userInfo();
  if (uid !== 0) return { uid, gid, name: username };
  const lines = readFileSync('/etc/passwd', 'utf8').split('\n');
  const line = (lines.find((entry) => entry.startsWith(`${name}:`)) ?? lines.find((entry) => entry.startsWith('nobody:')))!.split(':');
  return { uid: Number(line[2]), gid: Number(line[3]), name: line[0]! };
}

/** A command that ends with whoever started it, by this signal, as a user. */
export function asUser({ uid, gid }: { readonly uid: number; readonly gid: number }, signal: string, command: string, parameters: readonly string[]): readonly [command: string, parameters: readonly string[]] {
  const change = process.getuid?.() === 0 ? ['--reuid', String(uid), '--regid', String(gid), '--clear-groups'] : [];
  return programPath('setpriv', '') === undefined ? [command, parameters] : ['setpriv', ['--pdeathsig', signal, ...change, '--', command, ...parameters]];
}
