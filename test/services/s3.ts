// A real S3 server for the tests of one process: versitygw over a temporary folder.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, openSync, closeSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { promisify } from 'node:util';
import type { Host } from '../../src/model/host.ts';
import { plainHost } from '../../src/model/plain-host.ts';
import type { Store } from '../../src/model/store.ts';
import { kind } from '../../src/stores/s3/kind.ts';
import type { S3Options } from '../../src/stores/s3/kind.ts';

const program = 'github.com/versity/versitygw/cmd/versitygw';
const version = 'v1.8.0';
const buildTimeoutMs = 900_000;
const startTimeoutMs = 60_000;

/** A server that answers. */
export interface S3Server {
  readonly endpoint: string;
  readonly region: string;
  /** The environment in which the server's own credentials are found. */
  readonly environment: { readonly [name: string]: string };
  /** Where objects lie as files: one folder for each bucket. */
  readonly folder: string;
}

/** The program, built once into the cache folder of the user, or why there is none, as a sentence. */
async function versitygw(): Promise<{ readonly path: string } | { readonly missing: string }> {
  const folder = join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'syncline', `versitygw-${version}`);
  const path = join(folder, 'versitygw');
  if (existsSync(path)) return { path };
  mkdirSync(folder, { recursive: true });
  const draft = mkdtempSync(join(folder, 'build-'));
  try {
    await promisify(execFile)('go', ['install', '-trimpath', '-ldflags', '-s -w', `${program}@${version}`], { timeout: buildTimeoutMs, env: { ...process.env, GOBIN: draft } });
    renameSync(join(draft, 'versitygw'), path);
    return { path };
  } catch (error) {
    const { code, stderr } = error as { code?: unknown; stderr?: string };
    if (code === 'ENOENT') return { missing: 'there is no Go on this machine' };
    return { missing: `go could not install versitygw within ${buildTimeoutMs / 1000} seconds (${stderr?.trim().split('\n').at(-1) ?? ''})` };
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}

const found = await versitygw();

/** Why there is no S3 server on this machine; absent where there is one. For the `skip` of a test. */
export const missingS3: string | undefined = 'missing' in found ? found.missing : undefined;
if (missingS3 !== undefined) console.error(`versitygw cannot be run: ${missingS3}`);
if (process.env['SYNCLINE_REQUIRE_SERVICES'] === '1') test('versitygw can be run where services are required', () => assert.equal(missingS3, undefined));

let running: Promise<S3Server> | undefined;
let buckets = 0;
let stop = async (): Promise<void> => {};
// Whoever asks first may be a single test, and the server outlives it.
after(() => stop());

/** The server of this process, started when first asked for, and ended with the tests. */
export function s3Server(): Promise<S3Server> {
  running ??= start();
  return running;
}

/** A host like any other, that finds the credentials of the server in its environment. */
export async function s3Host(more: Partial<Host> = {}): Promise<Host> {
  const { environment } = await s3Server();
  return { ...plainHost, ...more, environment: { ...environment, ...more.environment } };
}

/** A bucket name that nothing uses yet. */
export function newBucket(): string {
  return `bucket-${process.pid}-${++buckets}`;
}

/** Opens `s3://BUCKET/PREFIX` on the server; the bucket is created when first written to. */
export async function openS3(place: string, options: S3Options = {}, host?: Host): Promise<Store> {
  const { endpoint, region } = await s3Server();
  return await kind.open(`s3://${place}`, { endpoint, region, create: true, ...options }, host ?? await s3Host()) as Store;
}

async function start(): Promise<S3Server> {
  assert.ok('path' in found, missingS3);
  const root = mkdtempSync(join(tmpdir(), 'syncline-s3-'));
  const folder = join(root, 'objects');
  mkdirSync(folder);
  const environment = { AWS_ACCESS_KEY_ID: 'testaccesskey', AWS_SECRET_ACCESS_KEY: 'testsecretkey1234567890' };
  const region = 'us-east-1';
  const address = `127.0.0.1:${await freePort()}`;
  const logFile = join(root, 'log');
  const log = openSync(logFile, 'a');
  const child = spawn(found.path, ['--port', address, '--region', region, '--quiet', 'posix', folder], {
    stdio: ['ignore', log, log],
    env: { PATH: process.env['PATH'], HOME: root, ROOT_ACCESS_KEY: environment.AWS_ACCESS_KEY_ID, ROOT_SECRET_KEY: environment.AWS_SECRET_ACCESS_KEY },
  });
  closeSync(log);
  const endNow = (): void => void child.kill('SIGKILL');
  process.once('exit', endNow);
  stop = async () => {
    await end(child);
    process.off('exit', endNow);
    rmSync(root, { recursive: true, force: true });
  };
  for (const startedAt = Date.now(); ;) {
    if (await fetch(`http://${address}/`).then(() => true, () => false)) return { endpoint: `http://${address}`, region, environment, folder };
    if (child.exitCode !== null || Date.now() - startedAt > startTimeoutMs) throw new Error(`versitygw did not start: ${readFileSync(logFile, 'utf8').slice(-2_000)}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  const hard = setTimeout(() => child.kill('SIGKILL'), 5_000);
  await ended;
  clearTimeout(hard);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
