// MinIO, another server that speaks S3, on machines where it has been built: that takes minutes.
import { mkdirSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { goProgram } from '../../scripts/go-program.ts';
import { freePort } from './free-port.ts';
import { startServer } from './start-server.ts';
import type { S3Address } from './s3.ts';

const found = await goProgram({ name: 'minio', source: 'github.com/minio/minio', version: 'v0.0.0-20260212201848-7aac2a2c5b7c' }, process.env['SYNCLINE_BUILD_MINIO'] === '1');

/** Why there is no MinIO on this machine; absent where there is one. For the `skip` of a test. */
export const missingMinio: string | undefined = 'missing' in found ? `${found.missing}: SYNCLINE_BUILD_MINIO=1 has it built` : undefined;

let running: Promise<S3Address> | undefined;
let stop = async (): Promise<void> => {};
after(() => stop());

/** The MinIO of this process, started when first asked for, and ended with the tests. */
export function minioServer(): Promise<S3Address> {
  return (running ??= start());
}

async function start(): Promise<S3Address> {
  if ('missing' in found) throw new Error(found.missing);
  const root = mkdtempSync(join(tmpdir(), 'syncline-minio-'));
  const folder = join(root, 'objects');
  mkdirSync(folder);
  const environment = { AWS_ACCESS_KEY_ID: 'testaccesskey', AWS_SECRET_ACCESS_KEY: 'testsecretkey1234567890' };
  const address = `127.0.0.1:${await freePort()}`;
  stop = await startServer(found.path, {
    parameters: ['server', '--quiet', '--address', address, '--console-address', `127.0.0.1:${await freePort()}`, folder],
    environment: { MINIO_ROOT_USER: environment.AWS_ACCESS_KEY_ID, MINIO_ROOT_PASSWORD: environment.AWS_SECRET_ACCESS_KEY, MINIO_BROWSER: 'off', MINIO_UPDATE: 'off', MINIO_CI_CD: '1' },
    root, address, readyPath: '/minio/health/ready',
  });
  return { endpoint: `http://${address}`, region: 'us-east-1', environment };
}
