import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { connect } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
import { after, describe, test } from 'node:test';
import type { SyncError } from '../src/model/errors.ts';
import type { Store } from '../src/model/store.ts';
import { testStore } from '../src/testing/index.ts';
import { selfSigned } from './self-signed.ts';
import { access, done, keys, newContainer, open, put } from './services/swift-bench.ts';
import { applicationCredential, sharedSwift, skipWithoutSwift, startSwift } from './services/swift.ts';
import type { SwiftService } from './services/swift.ts';

const skip = await skipWithoutSwift('keystone');
const folder = mkdtempSync(join(tmpdir(), 'syncline-swift-test-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const keystoneListingLimit = 100;

describe('logging in', { skip }, () => {
  test('nothing to log in with, half of it, and what is wrong are told apart, without the secret', async () => {
    const { ST_AUTH = '', ST_USER = '' } = (await sharedSwift()).environment;
    const none = { HOME: folder };
    await assert.rejects(open('c', {}, none), (error: SyncError) => error.code === 'invalid' && /OS_CLOUD/.test(error.sentence));
    await assert.rejects(open('c', {}, { ST_AUTH, ST_USER }), (error: SyncError) => error.code === 'invalid' && /ST_KEY is missing/.test(error.message));
    const wrong = await open('c', {}, { ST_AUTH, ST_USER, ST_KEY: 'opensesame' });
    await assert.rejects(keys(wrong), (error: SyncError) => error.code === 'denied' && !/opensesame/.test(JSON.stringify([error, error.message, error.cause])));
    const nowhere = await open('c', { maxAttempts: 1 }, { ST_AUTH: 'http://127.0.0.1:1/auth/v1.0', ST_USER, ST_KEY: 'x' });
    await assert.rejects(keys(nowhere), { code: 'unavailable' });
  });

  test('a cloud of clouds.yaml is found by its name, with its secret beside it', async () => {
    const { ST_AUTH, ST_USER, ST_KEY } = (await sharedSwift()).environment;
    mkdirSync(join(folder, 'openstack'), { recursive: true });
    writeFileSync(join(folder, 'openstack', 'clouds.yaml'), `clouds:\n  one:\n    auth_type: v1password\n    auth: {auth_url: "${ST_AUTH}", username: "${ST_USER}"}\n  two: {}\n`);
    writeFileSync(join(folder, 'openstack', 'secure.yaml'), `clouds:\n  one:\n    auth: {password: "${ST_KEY}"}\n`);
    const environment = { HOME: '/nonexistent', XDG_CONFIG_HOME: folder };
    assert.deepEqual(await keys(await open(newContainer(), { cloud: 'one' }, environment)), []);
    assert.deepEqual(await keys(await open(newContainer(), {}, { ...environment, OS_CLOUD: 'one' })), []);
    await assert.rejects(open('c', { cloud: 'three' }, environment), (error: SyncError) => error.code === 'invalid' && /one, two/.test(error.sentence));
    const broken = join(folder, 'broken.yaml');
    writeFileSync(broken, 'clouds:\n  one:\n    auth: {password: opensesame');
    await assert.rejects(open('c', { cloud: 'one' }, { OS_CLIENT_CONFIG_FILE: broken }), (error: SyncError) => error.code === 'invalid' && !/opensesame/.test(error.sentence + String(error.cause)));
  });

  test('a token and an address are enough', async () => {
    const { url, token } = await access();
    const store = await open(newContainer(), {}, { OS_STORAGE_URL: url, OS_AUTH_TOKEN: token });
    await done(put(store, 'a', 'x'));
    const stale = await open(newContainer(), {}, { OS_STORAGE_URL: url, OS_AUTH_TOKEN: 'expired' });
    await assert.rejects(keys(stale), { code: 'denied' });
  });

  test('version 2 with a password, and with the key of Rackspace, leads to the region asked for', async () => {
    const { url, token } = await access();
    const asked: unknown[] = [];
    const identity = createServer((incoming, outgoing) => {
      let body = '';
      incoming.on('data', (chunk: Buffer) => { body += chunk.toString(); }).on('end', () => {
        asked.push([incoming.url, JSON.parse(body)]);
        const endpoints = [{ region: 'DFW', publicURL: 'http://127.0.0.1:1/v1/none' }, { region: 'LON', publicURL: url }];
        outgoing.end(JSON.stringify({ access: { token: { id: token, expires: '2999-01-01T00:00:00Z' }, serviceCatalog: [{ type: 'compute', endpoints: [] }, { type: 'object-store', endpoints }] } }));
      });
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => identity.once('listening', resolve));
    const authUrl = `http://127.0.0.1:${(identity.address() as AddressInfo).port}/v2.0/`;
    const common = { OS_AUTH_URL: authUrl, OS_USERNAME: 'u', OS_PASSWORD: 'p', OS_REGION_NAME: 'lon' };
    assert.deepEqual(await keys(await open(newContainer(), {}, { ...common, OS_TENANT_NAME: 't' })), []);
    assert.deepEqual(await keys(await open(newContainer(), {}, { ...common, OS_AUTH_SYSTEM: 'rackspace' })), []);
    assert.deepEqual(asked, [
      ['/v2.0/tokens', { auth: { passwordCredentials: { username: 'u', password: 'p' }, tenantName: 't' } }],
      ['/v2.0/tokens', { auth: { 'RAX-KSKEY:apiKeyCredentials': { username: 'u', apiKey: 'p' } } }],
    ]);
    await assert.rejects(keys(await open('c', {}, { ...common, OS_REGION_NAME: 'ORD' })), (error: SyncError) => /DFW, LON/.test(error.sentence));
    identity.closeAllConnections();
    identity.close();
  });
});

describe('over TLS', { skip }, () => {
  /** The Swift of this process behind a certificate that nobody trusts. */
  async function secured(): Promise<{ readonly origin: string; readonly authority: string } & AsyncDisposable> {
    const { ST_AUTH = '' } = (await sharedSwift()).environment;
    const { key, cert } = selfSigned();
    const open = new Set<Socket>();
    const server = createTlsServer({ key, cert }, (socket) => {
      const onward = connect(Number(new URL(ST_AUTH).port), '127.0.0.1');
      for (const [one, other] of [[socket, onward], [onward, socket]] as const) {
        open.add(one);
        one.on('error', () => other.destroy()).on('close', () => other.destroy()).pipe(other);
      }
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const authority = join(folder, 'authority.pem');
    writeFileSync(authority, cert);
    return { origin: `https://localhost:${(server.address() as AddressInfo).port}`, authority, async [Symbol.asyncDispose]() {
      for (const socket of open) socket.destroy();
      server.close();
    } };
  }

  test('a cloud is believed if its authority is named, or if it says not to verify, and else refused', async () => {
    await using swift = await secured();
    const { ST_USER, ST_KEY } = (await sharedSwift()).environment;
    const cloud = (more: string): string => `{auth_type: v1password, auth: {auth_url: "${swift.origin}/auth/v1.0", username: "${ST_USER}", password: "${ST_KEY}"}, object_store_endpoint_override: "${swift.origin}/v1/AUTH_test", ${more}}`;
    const file = join(folder, 'tls.yaml');
    const clouds = { unknown: '', believed: `cacert: "${swift.authority}"`, open: 'verify: false', strict: `verify: true, cacert: "${swift.authority}"`, at_home: 'cacert: ~/authority.pem', nowhere: 'cacert: /nonexistent/authority.pem' };
    writeFileSync(file, `clouds:\n${Object.entries(clouds).map(([name, more]) => `  ${name}: ${cloud(more)}\n`).join('')}`);
    const environment = { OS_CLIENT_CONFIG_FILE: file, HOME: folder };
    const container = newContainer();
    for (const name of ['believed', 'open', 'strict', 'at_home']) {
      await using store = await open(container, { cloud: name }, environment);
      await done(put(store, name, 'x'));
    }
    await using named = await open(container, { cloud: 'unknown' }, { ...environment, OS_CACERT: swift.authority });
    assert.deepEqual(await keys(named), ['at_home', 'believed', 'open', 'strict']);
    await using unknown = await open(container, { cloud: 'unknown' }, environment);
    await assert.rejects(keys(unknown), (error: SyncError) => error.code === 'denied' && /cacert/.test(error.details.hint ?? ''));
    await assert.rejects(open(container, { cloud: 'nowhere' }, environment), (error: SyncError) => error.code === 'invalid' && /nonexistent/.test(error.sentence));
  });
});

describe('logging in by Keystone', { skip }, () => {
  let keystone: Promise<SwiftService> | undefined;
  const started = (): Promise<SwiftService> => (keystone ??= startSwift({ auth: 'keystone', listingLimit: keystoneListingLimit }));
  after(async () => { await (await keystone)?.[Symbol.asyncDispose](); });

  test('with a password', async () => {
    const { environment } = await started();
    const store = await open('by-password', {}, environment);
    await done(put(store, 'a', 'x'));
    assert.deepEqual(await keys(store), ['a']);
    const { OS_USER_DOMAIN_ID: _, OS_PROJECT_DOMAIN_ID: __, ...named } = environment;
    assert.deepEqual(await keys(await open('by-password', {}, { ...named, OS_USER_DOMAIN_NAME: 'Default', OS_PROJECT_DOMAIN_NAME: 'Default', OS_AUTH_URL: environment['OS_AUTH_URL']!.replace(/\/v3$/, '') })), ['a']);
  });

  test('with an application credential, from the environment and from clouds.yaml', async () => {
    const service = await started();
    const { id, secret } = await applicationCredential(service);
    const url = service.authUrl;
    const store = await open('by-credential', {}, { OS_AUTH_URL: url, OS_APPLICATION_CREDENTIAL_ID: id, OS_APPLICATION_CREDENTIAL_SECRET: secret });
    await done(put(store, 'a', 'x'));
    const file = join(folder, 'credential.yaml');
    writeFileSync(file, `clouds:\n  only:\n    auth_type: v3applicationcredential\n    region_name: RegionOne\n    interface: internal\n    auth:\n      auth_url: ${url}\n      application_credential_id: ${id}\n      application_credential_secret: ${secret}\n`);
    assert.deepEqual(await keys(await open('by-credential', {}, { OS_CLIENT_CONFIG_FILE: file })), ['a']);
  });

  let container = '';
  let containers = 0;
  const reopen = async (): Promise<Store> => open(container, {}, (await started()).environment);
  // Each law logs in anew.
  testStore(test, {
    open: async () => {
      container = `laws-${++containers}`;
      return await reopen();
    },
    reopen, refuses: ['a/', '\u0000'], manyEntries: keystoneListingLimit + 20,
  });

  test('a wrong password, a wrong region and a wrong side are told apart', async () => {
    const { environment } = await started();
    await assert.rejects(keys(await open('c', {}, { ...environment, OS_PASSWORD: 'opensesame' })), (error: SyncError) => error.code === 'denied' && !/opensesame/.test(error.sentence));
    await assert.rejects(keys(await open('c', { region: 'Elsewhere' }, environment)), (error: SyncError) => error.code === 'invalid' && /RegionOne/.test(error.sentence));
    await assert.rejects(keys(await open('c', { interface: 'admin' }, environment)), (error: SyncError) => error.code === 'invalid' && /admin/.test(error.sentence));
  });
});
