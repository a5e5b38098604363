// What only MinIO offers among the servers of the tests.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { bytesOf, fill, keysOf } from './services/s3-bucket.ts';
import { minioServer, missingMinio } from './services/minio.ts';
import { newBucket, openAt } from './services/s3.ts';

const main = fileURLToPath(new URL('../src/cli/main.ts', import.meta.url));
const root = mkdtempSync(join(tmpdir(), 'syncline-minio-test-'));
after(() => rmSync(root, { recursive: true, force: true }));

describe('MinIO', { skip: missingMinio ?? false }, () => {
  test('does not list what lies below an object, which is why the laws are tried without', async () => {
    await using store = await openAt(await minioServer(), newBucket());
    await fill(store, ['a', 'a/b', 'b']);
    assert.deepEqual(await keysOf(store), ['a', 'b']);
    assert.equal((await bytesOf(store, 'a/b'))?.toString(), 'a/b');
  });
});

describe('an assumed role', { skip: missingMinio ?? false }, () => {
  test('is taken on for a profile that names one, and gives credentials for a while', async () => {
    const server = await minioServer();
    const { endpoint, region, environment } = server;
    const bucket = newBucket();
    await using store = await openAt(server, bucket);
    await fill(store, ['there']);
    const tree = join(root, 'tree');
    mkdirSync(tree);
    writeFileSync(join(tree, 'file'), 'text');
    const [config, credentials] = [join(root, 'config'), join(root, 'credentials')];
    writeFileSync(config, `[profile taken]\nrole_arn = arn:aws:iam::123456789012:role/any\nsource_profile = base\nregion = ${region}\n`);
    writeFileSync(credentials, `[base]\naws_access_key_id = ${environment['AWS_ACCESS_KEY_ID']}\naws_secret_access_key = ${environment['AWS_SECRET_ACCESS_KEY']}\n`, { mode: 0o600 });
    await promisify(execFile)(process.execPath, ['--disable-warning=ExperimentalWarning', main, 'sync', tree, `s3://${bucket}?endpoint=${endpoint}&profile=taken`, '--as', 'blobs', '--quiet'], {
      env: { PATH: process.env['PATH'], HOME: root, AWS_CONFIG_FILE: config, AWS_SHARED_CREDENTIALS_FILE: credentials, AWS_ENDPOINT_URL_STS: endpoint, AWS_EC2_METADATA_DISABLED: 'true' },
      timeout: 60_000,
    });
    assert.equal((await bytesOf(store, 'file'))?.toString(), 'text');
  });
});
