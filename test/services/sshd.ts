// A real OpenSSH server on a port of its own, for the tests of one process.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { chownSync, closeSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { delimiter, join } from 'node:path';
import { after } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { Host } from '../../src/model/host.ts';
import { plainHost } from '../../src/model/plain-host.ts';
import type { Store } from '../../src/model/store.ts';
import { kind } from '../../src/stores/sftp/kind.ts';
import type { SftpOptions } from '../../src/stores/sftp/kind.ts';
import { freePort } from './free-port.ts';
import { failWhereRequired } from './required.ts';
import { end } from './start-server.ts';

const run = promisify(execFile);
const installTimeoutMs = 480_000;
const startTimeoutMs = 30_000;

/** A server that answers. */
export interface Sshd {
  readonly port: number;
  /** Where the same server speaks the bare protocol, without what OpenSSH adds to it. */
  readonly plainPort: number;
  /** Who may log in: never root, whom no permission keeps out. */
  readonly user: string;
  /** A private key that is let in. */
  readonly key: string;
  /** Holds the keys of the server. */
  readonly knownHosts: string;
  /** A folder in which that user may do everything. */
  readonly folder: string;
  /** Makes a folder in it that nothing uses yet, and answers with its path. */
  newFolder(): string;
  /** Gives a file or folder that a test made to the user. */
  give(path: string): void;
  /** Runs one of the programs of OpenSSH, as `ssh-keygen`, and answers with what it printed. */
  ssh(program: string, ...args: readonly string[]): Promise<string>;
}

/** Why there can be no server on this machine, as a sentence; `undefined` where there can, and then it is installed. */
async function missingSshd(): Promise<string | undefined> {
  const absent = (): readonly string[] => ['sshd', 'ssh-keygen', 'ssh-agent', 'ssh-add'].filter((name) => which(name) === undefined);
  if (absent().length === 0) return undefined;
  if (process.getuid?.() !== 0 || which('apt-get') === undefined) return `${absent().join(', ')} missing, and only root can install openssh-server`;
  console.error('installing openssh-server');
  // No other server is to be started by the package.
  const options = { env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' }, timeout: installTimeoutMs, maxBuffer: Infinity };
  for (let attempts = 1; absent().length > 0; attempts++) {
    try {
      await run('apt-get', ['update', '-q'], options);
      await run('apt-get', ['install', '-y', '-q', '--no-install-recommends', '-o', 'DPkg::Lock::Timeout=300', 'openssh-server', 'openssh-client'], options);
    } catch (error) {
      const said = (error as { stderr?: string }).stderr?.trim().split('\n').at(-1) ?? '';
      if (attempts >= 5) return `apt-get could not install openssh-server (${said})`;
      // Another test may be installing just now.
      await sleep(5_000);
    }
  }
  return undefined;
}

const missing = await missingSshd();

/** Why there is no server on this machine; false where there is one. For the `skip` of a test. */
export const withoutSshd: { readonly skip: string | false } = { skip: missing ?? false };
if (missing !== undefined) console.error(`sshd cannot be run: ${missing}`);
failWhereRequired('sshd', missing);

let running: Promise<Sshd> | undefined;
let folders = 0;
let stop = async (): Promise<void> => {};
after(() => stop());

/** The server of this process, started when first asked for, and ended with the tests. */
export function sshd(): Promise<Sshd> {
  return (running ??= start());
}

/** A host like any other, without keys or passwords of whoever runs the tests. */
export function sftpHost(more: Partial<Host> = {}): Host {
  return { ...plainHost, ...more };
}

/** Opens a folder on the server, as the user with the key that is let in. Nothing is forced to the disk, which takes most of the time on a busy machine. */
export async function openSftp(path: string, options: SftpOptions = {}, host: Host = sftpHost(), atPort?: number): Promise<Store> {
  const server = await sshd();
  const { user, key, knownHosts } = server;
  return await kind.open(`sftp://127.0.0.1:${atPort ?? server.port}${path}`, { user, key, knownHosts, missing: 'empty', durable: false, ...options }, host) as Store;
}

async function start(): Promise<Sshd> {
  assert.equal(missing, undefined);
  const root = mkdtempSync(join(tmpdir(), 'syncline-sshd-'));
  const { uid, gid, name: user } = owner();
  const give = (path: string): void => chownSync(path, uid, gid);
  const keygen = async (name: string, type: string, ...args: readonly string[]): Promise<string> => {
    const path = join(root, name);
    await run(which('ssh-keygen')!, ['-q', '-t', type, '-N', '', '-C', name, '-f', path, ...args]);
    for (const made of [path, `${path}.pub`]) give(made);
    return path;
  };
  give(root);
  const folder = join(root, 'files');
  mkdirSync(folder);
  give(folder);
  const hostKeys = [await keygen('host-ed25519', 'ed25519'), await keygen('host-rsa', 'rsa', '-b', '2048')];
  const own = await keygen('user', 'ed25519');
  // The client's own, so that it need not be root to read it.
  const key = join(root, 'client');
  copyFileSync(own, key);
  copyFileSync(`${own}.pub`, join(root, 'authorized'));
  const [port, plainPort] = [await freePort(), await freePort()];
  const knownHosts = join(root, 'known_hosts');
  writeFileSync(knownHosts, hostKeys.map((path) => `[127.0.0.1]:${port},[127.0.0.1]:${plainPort} ${readFileSync(`${path}.pub`, 'utf8')}`).join(''));
  const isRoot = process.getuid?.() === 0;
  // Where the package has nothing started there is no such folder yet.
  if (isRoot) mkdirSync('/run/sshd', { recursive: true, mode: 0o755 });
  const config = join(root, 'sshd_config');
  writeFileSync(config, [
    `Port ${port}`, `Port ${plainPort}`, 'ListenAddress 127.0.0.1', ...hostKeys.map((path) => `HostKey ${path}`), `PidFile ${join(root, 'pid')}`,
    // Who is not root cannot see that an account is in order, and has to leave that to others.
    `UsePAM ${isRoot ? 'no' : 'yes'}`, `AllowUsers ${user}`, 'StrictModes no', `AuthorizedKeysFile ${join(root, 'authorized')}`, 'PasswordAuthentication yes', 'KbdInteractiveAuthentication no',
    'MaxStartups 100', 'LoginGraceTime 30', 'UseDNS no', 'Subsystem sftp internal-sftp',
    `Match LocalPort ${plainPort}`, 'ForceCommand internal-sftp -P posix-rename,hardlink,fsync,lsetstat,statvfs,fstatvfs,limits', '',
  ].join('\n'));
  const log = openSync(join(root, 'log'), 'a');
  const child = spawn(which('sshd')!, ['-D', '-e', '-f', config], { stdio: ['ignore', log, log], cwd: root });
  closeSync(log);
  const endNow = (): void => void child.kill('SIGKILL');
  process.once('exit', endNow);
  stop = async () => {
    await end(child);
    process.off('exit', endNow);
    rmSync(root, { recursive: true, force: true });
  };
  for (const startedAt = Date.now(); !await answers(port);) {
    if (child.exitCode !== null || Date.now() - startedAt > startTimeoutMs) throw new Error(`sshd did not start: ${readFileSync(join(root, 'log'), 'utf8').slice(-2_000)}`);
    await sleep(20);
  }
  const newFolder = (): string => {
    const path = join(folder, `${++folders}`);
    mkdirSync(path);
    give(path);
    return path;
  };
  return { port, plainPort, user, key, knownHosts, folder, newFolder, give, ssh: async (program, ...args) => (await run(which(program)!, [...args])).stdout };
}

/** Whoever runs the tests, but somebody without rights in place of root. */
function owner(): { readonly uid: number; readonly gid: number; readonly name: string } {
  const { uid, gid, username } = userInfo();
  if (uid !== 0) return { uid, gid, name: username };
  const line = readFileSync('/etc/passwd', 'utf8').split('\n').find((entry) => entry.startsWith('nobody:'))!.split(':');
  return { uid: Number(line[2]), gid: Number(line[3]), name: 'nobody' };
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('data', () => { socket.destroy(); resolve(true); });
    socket.once('error', () => resolve(false));
    socket.once('close', () => resolve(false));
  });
}

function which(name: string): string | undefined {
  return [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin'].map((folder) => join(folder, name)).find((path) => existsSync(path));
}
