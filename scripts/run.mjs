// Runs one of the project's programs on the Node that the project brings, after installing what is missing.
// Plain JavaScript for the oldest Node a machine may have: this file is all that runs on it.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const windows = process.platform === 'win32';
const root = dirname(dirname(fileURLToPath(import.meta.url)));
const modules = join(root, 'node_modules');

if (!installed()) {
  console.error('installing dependencies (npm ci) ...');
  const { status } = spawnSync(windows ? 'npm.cmd' : 'npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: root, stdio: ['ignore', 2, 2], shell: windows });
  if (status !== 0) {
    console.error('npm ci failed (its message is above): the package registry must be reachable once');
    process.exit(3);
  }
}

const node = join(modules, 'node', 'bin', windows ? 'node.exe' : 'node');
const [program, ...args] = process.argv.slice(2);
const child = spawn(existsSync(node) ? node : process.execPath, ['--disable-warning=ExperimentalWarning', join(root, program), ...args], {
  stdio: 'inherit',
  // npm starts scripts in the folder of the package; paths are meant from where the user typed them.
  cwd: process.env.INIT_CWD ?? process.cwd(),
  env: { ...process.env, PATH: `${join(modules, '.bin')}${windows ? ';' : ':'}${process.env.PATH}` },
});
const numbers = { SIGHUP: 1, SIGINT: 2, SIGKILL: 9, SIGTERM: 15 };
// A terminal sends an interrupt to both; the child decides what it means, and this one waits for it.
process.on('SIGINT', () => {
  if (!process.stdin.isTTY) child.kill('SIGINT');
});
for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
child.on('exit', (code, signal) => process.exit(signal ? 128 + (numbers[signal] ?? 0) : code));

/** Whether npm's own record of what it installed agrees with the lock file. Packages for other platforms are not there. */
function installed() {
  const record = join(modules, '.package-lock.json');
  if (!existsSync(record)) return false;
  const { packages: wanted } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  const { packages: found } = JSON.parse(readFileSync(record, 'utf8'));
  return Object.keys(wanted).every((path) => path === '' || (found[path] ? found[path].version === wanted[path].version && existsSync(join(root, path)) : wanted[path].optional === true));
}
