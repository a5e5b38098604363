import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { OpenstackFailure } from './openstack-failure.ts';
import { settingsFor } from './settings.ts';

const folder = mkdtempSync(join(tmpdir(), 'syncline-clouds-'));
after(() => rmSync(folder, { recursive: true, force: true }));

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

const password = { OS_AUTH_URL: 'https://cloud.test:5000', OS_USERNAME: 'u', OS_PASSWORD: 'p', OS_PROJECT_NAME: 'j', OS_USER_DOMAIN_NAME: 'Users', OS_PROJECT_DOMAIN_ID: 'd1' };

describe('settings from the environment', () => {
  test('a password is for version 3 unless something says otherwise', async () => {
    assert.deepEqual(await settingsFor(password), {
      login: { kind: 'v3-password', url: 'https://cloud.test:5000/v3', user: { name: 'u', domainName: 'Users' }, password: 'p', project: { name: 'j', domainId: 'd1' } },
      interface: 'public',
    });
    for (const more of [{ OS_IDENTITY_API_VERSION: '2.0' }, { OS_AUTH_URL: 'https://cloud.test/identity/v2.0/' }, { OS_AUTH_TYPE: 'v2password' }]) assert.equal((await settingsFor({ ...password, ...more })).login.kind, 'v2');
    for (const more of [{ ST_AUTH_VERSION: '1' }, { OS_AUTH_URL: 'https://cloud.test/auth/v1.0' }]) assert.equal((await settingsFor({ ...password, ...more })).login.kind, 'v1');
  });

  test('the names of an older client are understood', async () => {
    const { login } = await settingsFor({ ST_AUTH: 'https://cloud.test/auth/v1.0', ST_USER: 'a:u', ST_KEY: 'k' });
    assert.deepEqual(login, { kind: 'v1', url: 'https://cloud.test/auth/v1.0', user: 'a:u', key: 'k' });
  });

  test('an application credential needs neither project nor password', async () => {
    const { login } = await settingsFor({ OS_AUTH_URL: 'https://cloud.test/v3', OS_APPLICATION_CREDENTIAL_ID: 'i', OS_APPLICATION_CREDENTIAL_SECRET: 's', OS_PASSWORD: 'unused' });
    assert.deepEqual(login, { kind: 'v3-application-credential', url: 'https://cloud.test/v3', credential: { id: 'i' }, user: {}, secret: 's' });
    await assert.rejects(settingsFor({ OS_AUTH_URL: 'https://cloud.test/v3', OS_APPLICATION_CREDENTIAL_NAME: 'n', OS_APPLICATION_CREDENTIAL_SECRET: 's' }), /OS_APPLICATION_CREDENTIAL_ID is missing/);
  });

  test('Rackspace is known by its address and takes a key for a password', async () => {
    const { login } = await settingsFor({ OS_AUTH_URL: 'https://identity.api.rackspacecloud.com/v2.0/', OS_USERNAME: 'u', OS_PASSWORD: 'k' });
    assert.ok(login.kind === 'v2' && login.secretIs === 'api-key' && login.secret === 'k');
  });

  test('what is missing is named, and what was given is not shown', async () => {
    for (const name of ['OS_USERNAME', 'OS_PASSWORD', 'OS_PROJECT_NAME'] as const) {
      await assert.rejects(settingsFor({ ...password, [name]: '' }), (error: OpenstackFailure) => error.kind === 'invalid' && error.message.includes(`${name} is missing`));
    }
    await assert.rejects(settingsFor({ ...password, OS_INTERFACE: 'sideways' }), OpenstackFailure);
    assert.equal((await settingsFor({ ...password, OS_ENDPOINT_TYPE: 'internalURL' })).interface, 'internal');
  });
});

describe('settings from clouds.yaml', () => {
  test('the cloud that is named decides, and of one that is not, the only one', async () => {
    const one = file('one.yaml', 'clouds:\n  a:\n    region_name: R\n    interface: internal\n    auth: {auth_url: https://a.test, username: u, password: p, project_id: 7}\n');
    const { login, region, interface: side } = await settingsFor({ OS_CLIENT_CONFIG_FILE: one });
    assert.deepEqual([login.kind === 'v3-password' && login.project, region, side], [{ id: '7' }, 'R', 'internal']);
    assert.equal((await settingsFor({ ...password, OS_CLOUD: 'a', OS_CLIENT_CONFIG_FILE: one, OS_REGION_NAME: 'S' })).region, 'S');
    assert.ok(((await settingsFor({ ...password, OS_CLIENT_CONFIG_FILE: one })).login as { url: string }).url.includes('cloud.test'), 'variables come before a cloud that nobody named');
    await assert.rejects(settingsFor({ OS_CLIENT_CONFIG_FILE: file('two.yaml', 'clouds: {a: {}, b: {}}') }), /nothing says which/);
    await assert.rejects(settingsFor({ OS_CLIENT_CONFIG_FILE: one }, { cloud: '__proto__' }), /has no cloud/);
  });

  test('a profile and a file of secrets fill in what is left out', async () => {
    const environment = {
      OS_CLIENT_CONFIG_FILE: file('profile.yaml', 'clouds:\n  r:\n    profile: rackspace\n    auth: {username: u}\n'),
      OS_CLIENT_SECURE_FILE: file('secure.yaml', 'clouds:\n  r:\n    auth: {password: k}\n'),
    };
    const { login } = await settingsFor(environment);
    assert.deepEqual(login, { kind: 'v2', url: 'https://identity.api.rackspacecloud.com/v2.0', user: 'u', secret: 'k', secretIs: 'api-key', tenant: {} });
  });
});
