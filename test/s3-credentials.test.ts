// Where credentials for S3 come from: each way leads to the keys of a real server, on which a bucket is then read.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, test } from 'node:test';
import { Signer } from '../src/lib/aws/sign.ts';
import { Bench } from './cli/command.ts';
import type { Ended } from './cli/command.ts';
import { missingS3, newBucket, openS3, s3Server } from './services/s3.ts';
import { put } from './services/s3-bucket.ts';

const hourMs = 3_600_000;

interface Keys {
  readonly AccessKeyId: string;
  readonly SecretAccessKey: string;
  readonly Token: string;
  readonly Expiration: string;
}

/** What gives out credentials: a container's agent, a machine's metadata, the services of Amazon. */
interface Giver extends AsyncDisposable {
  readonly url: string;
  /** What was asked, as `GET /path`. */
  readonly asked: readonly string[];
  /** Milliseconds for which what is given out holds. */
  lastsMs: number;
}

async function startGiver(): Promise<Giver> {
  const { environment } = await s3Server();
  const asked: string[] = [];
  const keys = (): Keys => ({ AccessKeyId: environment['AWS_ACCESS_KEY_ID']!, SecretAccessKey: environment['AWS_SECRET_ACCESS_KEY']!, Token: 'session', Expiration: new Date(Date.now() + giver.lastsMs).toISOString() });
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (text: string) => (body += text)).on('end', () => {
      const { pathname } = new URL(request.url ?? '/', 'http://giver');
      const action = new URLSearchParams(body).get('Action');
      asked.push(`${request.method} ${pathname}${action === null ? '' : ` ${action}`}`);
      const answer = answerTo(pathname, { action, authorization: request.headers.authorization, body, token: request.headers['x-aws-ec2-metadata-token'], bearer: request.headers['x-amz-sso_bearer_token'] }, keys());
      response.writeHead(answer === undefined ? 404 : 200, { 'content-type': answer?.startsWith('<') ? 'text/xml' : 'application/json', 'x-aws-ec2-metadata-token-ttl-seconds': '21600' }).end(answer);
    });
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const giver: Giver = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    lastsMs: hourMs,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return giver;
}

interface Asked {
  readonly action: string | null;
  readonly authorization: string | undefined;
  readonly body: string;
  readonly token: string | string[] | undefined;
  readonly bearer: string | string[] | undefined;
}

function answerTo(path: string, { action, authorization, body, token, bearer }: Asked, keys: Keys): string | undefined {
  if (path === '/container') return authorization === 'letmein' ? JSON.stringify(keys) : undefined;
  if (path === '/latest/api/token') return 'machine';
  if (path === '/latest/meta-data/iam/security-credentials/') return token === 'machine' ? 'role' : undefined;
  if (path === '/latest/meta-data/iam/security-credentials/role') return token === 'machine' ? JSON.stringify({ Code: 'Success', Type: 'AWS-HMAC', LastUpdated: new Date().toISOString(), ...keys }) : undefined;
  if (path === '/federation/credentials') return bearer === 'signed in' ? JSON.stringify({ roleCredentials: { accessKeyId: keys.AccessKeyId, secretAccessKey: keys.SecretAccessKey, sessionToken: keys.Token, expiration: Date.parse(keys.Expiration) } }) : undefined;
  if (action === 'AssumeRoleWithWebIdentity' && !body.includes('WebIdentityToken=who')) return undefined;
  if (action === 'AssumeRole' && !authorization?.includes('Credential=base/')) return undefined;
  if (action !== 'AssumeRole' && action !== 'AssumeRoleWithWebIdentity') return undefined;
  const { AccessKeyId, SecretAccessKey, Token, Expiration } = keys;
  return `<${action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><${action}Result><Credentials><AccessKeyId>${AccessKeyId}</AccessKeyId><SecretAccessKey>${SecretAccessKey}</SecretAccessKey><SessionToken>${Token}</SessionToken><Expiration>${Expiration}</Expiration></Credentials><AssumedRoleUser><AssumedRoleId>id</AssumedRoleId><Arn>arn:aws:sts::1:assumed-role/r/s</Arn></AssumedRoleUser></${action}Result></${action}Response>`;
}

/**
 * In front of a server that knows of no sessions: takes what is signed with its keys and a session, verifies that, and
 * passes it on signed with the keys alone. What is signed without a session passes as it is.
 */
async function startSessions(): Promise<{ readonly url: string } & AsyncDisposable> {
  const { endpoint, environment } = await s3Server();
  const keys = { accessKeyId: environment['AWS_ACCESS_KEY_ID']!, secretAccessKey: environment['AWS_SECRET_ACCESS_KEY']! };
  const own = new Set(['host', 'x-amz-content-sha256', 'x-amz-date', 'x-amz-security-token']);
  const target = new URL(endpoint);
  const server = createServer((incoming, outgoing) => {
    const { method = '', url = '', headers } = incoming;
    const [path = '', query = ''] = url.split('?');
    const { authorization = '', 'x-amz-date': date = '', 'x-amz-security-token': token } = headers as { readonly [name: string]: string };
    const names = (/SignedHeaders=([^,]+)/.exec(authorization)?.[1] ?? '').split(';').filter((name) => !own.has(name));
    const signable = { method, path, query, headers: names.flatMap((name) => [name, String(headers[name])]) };
    const at = Date.parse(date.replace(/^(....)(..)(..T..)(..)/, '$1-$2-$3:$4:'));
    const expected = new Signer({ ...keys, sessionToken: 'session' }, 'us-east-1').sign({ ...signable, host: String(headers.host) }, at);
    if (token !== undefined && (token !== 'session' || expected.at(-1) !== authorization)) return void outgoing.writeHead(403).end();
    const sent = token === undefined ? incoming.rawHeaders : new Signer(keys, 'us-east-1').sign({ ...signable, host: target.host }, at);
    const onward = request({ host: target.hostname, port: target.port, method, path: url, headers: sent }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    onward.on('error', () => outgoing.destroy());
    incoming.pipe(onward);
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A folder with a home in it, a bucket that holds one object, and somebody who gives out credentials. */
async function world(): Promise<{ readonly bench: Bench; readonly giver: Giver; read(environment: { readonly [name: string]: string }, more?: string): Promise<Ended> } & AsyncDisposable> {
  const bench = new Bench();
  const giver = await startGiver();
  const sessions = await startSessions();
  const bucket = newBucket();
  await using store = await openS3(bucket);
  await store.write([put('there', 'x')]);
  return {
    bench, giver,
    read: (environment, more = '') => bench.syncline(['sync', '--report', 'json', `s3://${bucket}?endpoint=${sessions.url}&region=us-east-1${more}`, './out'], { environment: { AWS_EC2_METADATA_DISABLED: 'true', AWS_REGION: 'us-east-1', ...environment } }),
    async [Symbol.asyncDispose]() {
      bench[Symbol.dispose]();
      await giver[Symbol.asyncDispose]();
      await sessions[Symbol.asyncDispose]();
    },
  };
}

function assertRead({ code, stdout, stderr }: Ended): void {
  assert.equal(code, 0, stdout + stderr);
  assert.equal((JSON.parse(stdout) as { readonly counts: { readonly created: number } }).counts.created, 1);
  assert.doesNotMatch(stdout + stderr, /testsecret|session|letmein|signed in/);
}

describe('credentials for S3 are found', { skip: missingS3, timeout: 300_000 }, () => {
  test('in the environment', async () => {
    await using here = await world();
    assertRead(await here.read((await s3Server()).environment));
  });

  test('in a profile of the shared files, by variable and by option', async () => {
    for (const [environment, more] of [[{ AWS_PROFILE: 'work' }, ''], [{}, '&profile=work']] as const) {
      await using here = await world();
      const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY } = (await s3Server()).environment;
      here.bench.write({ '.home/.aws/credentials': `[default]\naws_access_key_id = nobody\naws_secret_access_key = x\n[work]\naws_access_key_id = ${AWS_ACCESS_KEY_ID}\naws_secret_access_key = ${AWS_SECRET_ACCESS_KEY}\n` });
      assertRead(await here.read(environment, more));
    }
  });

  test('by a program that a profile names', async () => {
    await using here = await world();
    const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY } = (await s3Server()).environment;
    here.bench.write({ 'give.mjs': `console.log(JSON.stringify({ Version: 1, AccessKeyId: '${AWS_ACCESS_KEY_ID}', SecretAccessKey: '${AWS_SECRET_ACCESS_KEY}' }))`, '.home/.aws/config': `[profile p]\ncredential_process = ${process.execPath} ${here.bench.at('give.mjs')}\n` });
    assertRead(await here.read({ AWS_PROFILE: 'p' }));
  });

  test('at the agent of a container', async () => {
    await using here = await world();
    assertRead(await here.read({ AWS_CONTAINER_CREDENTIALS_FULL_URI: `${here.giver.url}/container`, AWS_CONTAINER_AUTHORIZATION_TOKEN: 'letmein' }));
    assert.deepEqual(here.giver.asked, ['GET /container']);
  });

  test('at the metadata of a machine', async () => {
    await using here = await world();
    assertRead(await here.read({ AWS_EC2_METADATA_DISABLED: 'false', AWS_EC2_METADATA_SERVICE_ENDPOINT: here.giver.url }));
    assert.ok(here.giver.asked.includes('GET /latest/meta-data/iam/security-credentials/role'), here.giver.asked.join());
  });

  test('by a token of another identity', async () => {
    await using here = await world();
    here.bench.write({ token: 'who' });
    assertRead(await here.read({ AWS_WEB_IDENTITY_TOKEN_FILE: here.bench.at('token'), AWS_ROLE_ARN: 'arn:aws:iam::1:role/r', AWS_ENDPOINT_URL_STS: here.giver.url }));
    assert.deepEqual(here.giver.asked, ['POST / AssumeRoleWithWebIdentity']);
  });

  test('by taking on a role, on the strength of another profile or of the environment', async () => {
    for (const [source, environment] of [['source_profile = base', {}], ['credential_source = Environment', { AWS_ACCESS_KEY_ID: 'base', AWS_SECRET_ACCESS_KEY: 'b' }]] as const) {
      await using here = await world();
      here.bench.write({ '.home/.aws/config': `[profile role]\nrole_arn = arn:aws:iam::1:role/r\n${source}\nregion = us-east-1\n[profile base]\naws_access_key_id = base\naws_secret_access_key = b\n` });
      assertRead(await here.read({ AWS_ENDPOINT_URL_STS: here.giver.url, ...environment }, '&profile=role'));
      assert.deepEqual(here.giver.asked, ['POST / AssumeRole']);
    }
  });

  test('by a sign-in that is kept in the cache of SSO, in the former spelling as well', async () => {
    for (const [profile, name] of [['sso_session = corp', 'corp'], ['sso_start_url = https://corp.example/start\nsso_region = us-east-1', 'https://corp.example/start']] as const) {
      await using here = await world();
      const cached = { accessToken: 'signed in', expiresAt: new Date(Date.now() + hourMs).toISOString(), region: 'us-east-1', startUrl: 'https://corp.example/start' };
      here.bench.write({
        '.home/.aws/config': `[profile sso]\n${profile}\nsso_account_id = 1\nsso_role_name = r\n[sso-session corp]\nsso_start_url = https://corp.example/start\nsso_region = us-east-1\nsso_registration_scopes = sso:account:access\n`,
        [`.home/.aws/sso/cache/${createHash('sha1').update(name).digest('hex')}.json`]: JSON.stringify(cached),
      });
      assertRead(await here.read({ AWS_PROFILE: 'sso', AWS_ENDPOINT_URL_SSO: here.giver.url }));
      assert.deepEqual(here.giver.asked, ['GET /federation/credentials']);
    }
  });

  test('again before they run out', async () => {
    await using here = await world();
    here.giver.lastsMs = 60_000;
    assertRead(await here.read({ AWS_CONTAINER_CREDENTIALS_FULL_URI: `${here.giver.url}/container`, AWS_CONTAINER_AUTHORIZATION_TOKEN: 'letmein' }));
    assert.ok(here.giver.asked.length > 1);
  });

  test('or not, which is a sentence with what to do, and exits with 3', async () => {
    await using here = await world();
    for (const environment of [{ AWS_CONTAINER_CREDENTIALS_FULL_URI: `${here.giver.url}/nothing` }, { AWS_EC2_METADATA_DISABLED: 'false', AWS_EC2_METADATA_SERVICE_ENDPOINT: 'http://127.0.0.1:1' }, { AWS_WEB_IDENTITY_TOKEN_FILE: '/nonexistent', AWS_ROLE_ARN: 'arn:aws:iam::1:role/r' }, {}]) {
      const { code, stdout, stderr } = await here.read(environment);
      assert.equal(code, 3, stdout + stderr);
      assert.match(stderr, /there are no credentials for S3.*set AWS_ACCESS_KEY_ID/);
      assert.doesNotMatch(stderr, /\n {4}at /);
    }
    const { code, stderr } = await here.read({ AWS_PROFILE: 'nobody' });
    assert.equal(code, 2, stderr);
    assert.match(stderr, /there is no profile nobody/);
  });
});
