import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { CredentialSource, plainCredentials } from './credentials.ts';
import { readProfile } from './profile.ts';
import type { Environment } from './profile.ts';
import { sdkCredentials } from './sdk-credentials.ts';

const folder = mkdtempSync(join(tmpdir(), 'syncline-aws-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const files = { AWS_CONFIG_FILE: join(folder, 'config'), AWS_SHARED_CREDENTIALS_FILE: join(folder, 'credentials') };
writeFileSync(files.AWS_CONFIG_FILE, `[default]\nregion = eu-west-1\naws_access_key_id = config\naws_secret_access_key = c\n[profile process]\ncredential_process = ${process.execPath} -p "JSON.stringify({Version:1,AccessKeyId:'from-process',SecretAccessKey:'s',SessionToken:'t',Expiration:'2999-01-01T00:00:00Z'})"\n`);
writeFileSync(files.AWS_SHARED_CREDENTIALS_FILE, '[default]\naws_access_key_id = file\naws_secret_access_key = f\n[work]\naws_access_key_id = work\naws_secret_access_key = w\naws_session_token = t\n');

function found(environment: Environment, named?: string): string | undefined {
  return plainCredentials(environment, readProfile(environment, named), named !== undefined)?.accessKeyId;
}

test('the environment goes before the files, a profile that is named before the environment, and the credentials file before the configuration', () => {
  const keys = { AWS_ACCESS_KEY_ID: 'environment', AWS_SECRET_ACCESS_KEY: 'e' };
  assert.equal(found({ ...files, ...keys }), 'environment');
  assert.equal(found({ ...files, ...keys }, 'work'), 'work');
  assert.equal(found({ ...files, AWS_PROFILE: 'work' }), 'work');
  assert.equal(found(files), 'file');
  assert.equal(found({ ...files, AWS_PROFILE: 'process' }), undefined);
  assert.equal(found({ AWS_CONFIG_FILE: join(folder, 'none'), AWS_SHARED_CREDENTIALS_FILE: join(folder, 'none') }), undefined);
  assert.equal(readProfile(files, 'nobody').known, false);
});

test('what is not plain is fetched by the library of Amazon', async () => {
  const credentials = await sdkCredentials(files, 'process', 'eu-west-1');
  assert.deepEqual(credentials, { accessKeyId: 'from-process', secretAccessKey: 's', sessionToken: 't', expiresAt: Date.parse('2999-01-01T00:00:00Z') });
});

test('an environment that knows nothing of Amazon does not make anything look further', async () => {
  assert.equal(await sdkCredentials({}, undefined, 'eu-west-1'), undefined);
});

test('credentials are found once, again shortly before they expire, again where they were refused, and again after a failure', async () => {
  let now = 0;
  let finds = 0;
  const source = new CredentialSource(async () => {
    if (++finds === 1) throw new Error('not yet');
    return { accessKeyId: `${finds}`, secretAccessKey: '', expiresAt: now + 3_600_000 };
  }, () => now);
  const held = (): string | undefined => source.held?.accessKeyId;
  await assert.rejects(source.get());
  assert.equal(held(), undefined);
  assert.equal((await source.get()).accessKeyId, '2');
  assert.equal((await source.get()).accessKeyId, '2');
  assert.equal(held(), '2');
  now = 3_400_000;
  assert.equal(held(), undefined);
  assert.equal((await source.get()).accessKeyId, '3');
  assert.equal((await source.get({ renew: true })).accessKeyId, '4');
});
