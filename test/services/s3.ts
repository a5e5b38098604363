// A real S3 server for the tests of one process: versitygw over a temporary folder.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { goProgram } from '../../scripts/go-program.ts';
import type { Host } from '../../src/model/host.ts';
import { plainHost } from '../../src/model/plain-host.ts';
import type { Store } from '../../src/model/store.ts';
import { kind } from '../../src/stores/s3/kind.ts';
import type { S3Options } from '../../src/stores/s3/kind.ts';
import { freePort } from './free-port.ts';
import { failWhereRequired } from './required.ts';
import { startServer } from './start-server.ts';

/** Where something speaks S3, and how to be let in. */
export interface S3Address {
  readonly endpoint: string;
  readonly region: string;
  /** The environment in which the server's own credentials are found. */
  readonly environment: { readonly [name: string]: string };
}

/** A server that answers. */
export interface S3Server extends S3Address {
  /** Where objects lie as files: one folder for each bucket. */
  readonly folder: string;
}

const found = await goProgram({ name: 'versitygw', source: 'github.com/versity/versitygw/cmd/versitygw', version: 'v1.8.0' }, true);

/** Why there is no S3 server on this machine; absent where there is one. For the `skip` of a test. */
export const missingS3: string | undefined = 'missing' in found ? found.missing : undefined;
if (missingS3 !== undefined) console.error(`versitygw cannot be run: ${missingS3}`);
failWhereRequired('versitygw', missingS3);

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

/** Opens `s3://BUCKET/PREFIX` on another server than that of this process. */
export async function openAt({ endpoint, region, environment }: S3Address, place: string, options: S3Options = {}): Promise<Store> {
  return await kind.open(`s3://${place}`, { endpoint, region, create: true, ...options }, { ...plainHost, environment }) as Store;
}

async function start(): Promise<S3Server> {
  assert.ok('path' in found, missingS3);
  const root = mkdtempSync(join(tmpdir(), 'syncline-s3-'));
  const folder = join(root, 'objects');
  mkdirSync(folder);
  const environment = { AWS_ACCESS_KEY_ID: 'testaccesskey', AWS_SECRET_ACCESS_KEY: 'testsecretkey1234567890' };
  const region = 'us-east-1';
  const address = `127.0.0.1:${await freePort()}`;
  stop = await startServer(found.path, {
    parameters: ['--port', address, '--region', region, '--quiet', 'posix', folder],
    environment: { ROOT_ACCESS_KEY: environment.AWS_ACCESS_KEY_ID, ROOT_SECRET_KEY: environment.AWS_SECRET_ACCESS_KEY },
    root, address,
  });
  return { endpoint: `http://${address}`, region, environment, folder };
}
