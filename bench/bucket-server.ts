import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { goProgram } from '../scripts/go-program.ts';
import { CredentialSource } from '../src/lib/aws/credentials.ts';
import { plainHost } from '../src/model/plain-host.ts';
import { S3Client } from '../src/stores/s3/client.ts';
import { freePort } from '../test/services/free-port.ts';
import type { Service } from './peers/peers.ts';

const startTimeoutMs = 60_000;

/** A real S3 server on this machine, that keeps objects as files. */
export class BucketServer implements AsyncDisposable {
  readonly service: Service;
  readonly #child: ChildProcess;
  readonly #folder: string;
  #buckets = 0;

  private constructor(child: ChildProcess, folder: string, service: Service) {
    this.#child = child;
    this.#folder = folder;
    this.service = service;
  }

  /** `closing`: it closes every connection after one answer, as this server does unless it is told otherwise; services do not. */
  static async start(root: string, { closing = false }: { readonly closing?: boolean } = {}): Promise<BucketServer> {
    const found = await goProgram({ name: 'versitygw', source: 'github.com/versity/versitygw/cmd/versitygw', version: 'v1.8.0' }, true);
    if ('missing' in found) throw new Error(`the benchmark needs an S3 server: versitygw: ${found.missing}`);
    const folder = join(root, 'objects');
    mkdirSync(folder, { recursive: true });
    const address = `127.0.0.1:${await freePort()}`;
    const service: Service = { endpoint: `http://${address}`, region: 'us-east-1', accessKey: 'benchaccesskey', secretKey: 'benchsecretkey1234567890' };
    const child = spawn(found.path, ['--port', address, '--region', service.region, '--quiet', ...closing ? [] : ['--keep-alive'], 'posix', folder], {
      stdio: 'ignore', env: { PATH: process.env['PATH'], HOME: root, ROOT_ACCESS_KEY: service.accessKey, ROOT_SECRET_KEY: service.secretKey },
    });
    for (const startedAt = Date.now(); ;) {
      if (await fetch(service.endpoint).then(() => true, () => false)) return new BucketServer(child, folder, service);
      if (child.exitCode !== null || Date.now() - startedAt > startTimeoutMs) throw new Error('versitygw did not start');
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** A new bucket, and the folder in which its objects lie. */
  async create(): Promise<{ readonly bucket: string; readonly folder: string }> {
    const bucket = `bench-${++this.#buckets}`;
    await this.#send(bucket, undefined);
    return { bucket, folder: join(this.#folder, bucket) };
  }

  /** Writes an object as anybody else might. */
  async put(bucket: string, key: string, body: Buffer): Promise<void> {
    await this.#send(bucket, { key, body });
  }

  remove(bucket: string): void {
    rmSync(join(this.#folder, bucket), { recursive: true, force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    await ended;
  }

  async #send(bucket: string, object: { readonly key: string; readonly body: Buffer } | undefined): Promise<void> {
    const { endpoint, region, accessKey: accessKeyId, secretKey: secretAccessKey } = this.service;
    const credentials = new CredentialSource(() => Promise.resolve({ accessKeyId, secretAccessKey }), () => Date.now());
    await using client = new S3Client({ bucket, endpoint, region, style: 'path', credentials, concurrency: 1, maxAttempts: 3, timeoutMs: 60_000, host: plainHost });
    const { status } = await client.send({ method: 'PUT', ...object });
    if (status !== 200) throw new Error(`the server answered ${status} where ${object?.key ?? bucket} was to be created`);
  }
}
