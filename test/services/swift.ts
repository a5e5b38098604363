// A real OpenStack Swift of one node for the tests of one process, and Keystone where it is wanted.
import type { ChildProcess } from 'node:child_process';
import { execFile, spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir, userInfo } from 'node:os';
import { delimiter, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { freePort } from './free-port.ts';
import { failWhereRequired } from './required.ts';
import type { S3Address } from './s3.ts';
import { keystoneConf, s3Region, swiftFiles, swiftUser } from './swift-files.ts';
import type { SwiftPorts } from './swift-files.ts';

const run = promisify(execFile);

const startTimeoutMs = 120_000;
const installTimeoutMs = 480_000;

export interface SwiftServiceOptions {
  /** `keystone`: version 3 of the identity service, with a region and a catalogue. Default: `tempauth`, which is version 1. */
  readonly auth?: 'tempauth' | 'keystone';
  /** The most names in one page of a listing. */
  readonly listingLimit?: number;
  /** The largest single object. */
  readonly maxFileBytes?: number;
}

/** A Swift of one node that runs for as long as it is needed. */
export interface SwiftService extends AsyncDisposable {
  /** The variables with which it is found, and nothing else. */
  readonly environment: { readonly [name: string]: string };
  /** Where the identity service is. */
  readonly authUrl: string;
  /** The same containers as buckets, with tempauth only. */
  readonly s3: S3Address;
}

/** Why there can be no Swift on this machine, as a sentence; `undefined` where there can, and then it is installed. */
async function missingSwift(auth: 'tempauth' | 'keystone' = 'tempauth'): Promise<string | undefined> {
  const programs = ['swift-proxy-server', 'swift-account-server', 'swift-container-server', 'swift-object-server', 'memcached', ...(auth === 'keystone' ? ['keystone-manage', 'keystone-wsgi-public'] : [])];
  const packages = ['swift-proxy', 'swift-account', 'swift-container', 'swift-object', 'memcached', ...(auth === 'keystone' ? ['python3-keystone', 'python3-keystonemiddleware'] : [])];
  const absent = (): readonly string[] => programs.filter((name) => which(name) === undefined);
  if (absent().length === 0) return undefined;
  const advice = `install ${packages.join(' ')}`;
  if (process.getuid?.() !== 0 || which('apt-get') === undefined) return `${absent().join(', ')} missing, and only root can install them: ${advice}`;
  console.error(`installing ${packages.join(' ')}`);
  const options = { env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }, timeout: installTimeoutMs, maxBuffer: Infinity };
  for (let attempts = 1; ; attempts++) {
    try {
      await run('apt-get', ['update', '-q'], options);
      await run('apt-get', ['install', '-y', '-q', '--no-install-recommends', '-o', 'DPkg::Lock::Timeout=300', ...packages], options);
    } catch (error) {
      // Another test may be installing just now.
      if (attempts < 5 && absent().length > 0) {
        await sleep(10_000);
        continue;
      }
      const said = (error as { stderr?: string }).stderr?.trim().split('\n').at(-1);
      if (absent().length > 0) return `apt-get could not ${advice}${said === undefined || said === '' ? '' : ` (${said})`}`;
    }
    const still = absent();
    return still.length === 0 ? undefined : `${still.join(', ')} missing after apt-get was to ${advice}`;
  }
}

/** Says why Swift cannot be run here, for the `skip` of tests, and fails where services are required. To be called before any test. */
export async function skipWithoutSwift(auth: 'tempauth' | 'keystone' = 'tempauth'): Promise<string | false> {
  const missing = await missingSwift(auth);
  if (missing !== undefined) console.error(`Swift cannot be run: ${missing}`);
  failWhereRequired('Swift', missing);
  after(async () => { await (await shared)?.[Symbol.asyncDispose](); });
  return missing ?? false;
}

let shared: Promise<SwiftService> | undefined;

/** The most names in a page of the {@link sharedSwift}. */
export const sharedListingLimit = 200;

/** The Swift of this process, with tempauth: started when first asked for, and stopped after all tests. */
export function sharedSwift(): Promise<SwiftService> {
  return (shared ??= startSwift({ listingLimit: sharedListingLimit }));
}

/** Starts a Swift with everything it needs in a folder of its own. Throws when it is not ready in two minutes, with what its servers said. */
export async function startSwift(options: SwiftServiceOptions = {}): Promise<SwiftService> {
  const node = new SwiftNode(await freePorts(), options);
  try {
    await node.start();
    return node;
  } catch (error) {
    await node[Symbol.asyncDispose]();
    throw error;
  }
}

class SwiftNode implements SwiftService {
  readonly #ports: SwiftPorts;
  readonly #options: SwiftServiceOptions;
  readonly #base = mkdtempSync(join(tmpdir(), 'syncline-swift-'));
  readonly #children: { readonly name: string; readonly child: ChildProcess }[] = [];
  #stopping = false;
  readonly #kill = (): void => {
    for (const { child } of this.#running()) child.kill('SIGKILL');
  };

  constructor(ports: SwiftPorts, options: SwiftServiceOptions) {
    this.#ports = ports;
    this.#options = options;
  }

  get #keystone(): boolean {
    return this.#options.auth === 'keystone';
  }

  get authUrl(): string {
    return this.#keystone ? `http://127.0.0.1:${this.#ports.keystone}/v3` : `http://127.0.0.1:${this.#ports.proxy}/auth/v1.0`;
  }

  get environment(): { readonly [name: string]: string } {
    const { account, user, key } = swiftUser;
    if (!this.#keystone) return { ST_AUTH: this.authUrl, ST_USER: `${account}:${user}`, ST_KEY: key };
    return { OS_AUTH_URL: this.authUrl, OS_USERNAME: user, OS_PASSWORD: key, OS_PROJECT_NAME: account, OS_USER_DOMAIN_ID: 'default', OS_PROJECT_DOMAIN_ID: 'default', OS_REGION_NAME: 'RegionOne' };
  }

  get s3(): S3Address {
    const { account, user, key } = swiftUser;
    return { endpoint: `http://127.0.0.1:${this.#ports.proxy}`, region: s3Region, environment: { AWS_ACCESS_KEY_ID: `${account}:${user}`, AWS_SECRET_ACCESS_KEY: key } };
  }

  async start(): Promise<void> {
    // Whatever ends this process, nothing may be left running.
    process.once('exit', this.#kill);
    const conf = this.#folder('conf');
    const files = swiftFiles({ ports: this.#ports, conf, devices: this.#folder('devices'), run: this.#folder('run'), keystone: this.#keystone, listingLimit: this.#options.listingLimit, maxFileBytes: this.#options.maxFileBytes });
    this.#folder('devices', 'd1');
    for (const [name, text] of Object.entries(files)) writeFileSync(join(conf, name), text, { mode: 0o600 });
    const python = interpreterOf('swift-proxy-server');
    const { account, container, object, proxy, memcached, keystone } = this.#ports;
    await run(python, [join(conf, 'run.py'), conf, 'rings', `account=${account}`, `container=${container}`, `object=${object}`]);

    this.#spawn('memcached', which('memcached')!, ['-l', '127.0.0.1', '-p', String(memcached), '-U', '0', '-m', '16', ...(process.getuid?.() === 0 ? ['-u', userInfo().username] : [])]);
    for (const type of ['account', 'container', 'object', 'proxy']) this.#spawn(type, python, [join(conf, 'run.py'), conf, which(`swift-${type}-server`)!, join(conf, `${type}-server.conf`)]);
    if (this.#keystone) {
      const environment = await this.#prepareKeystone(python);
      this.#spawn('keystone', python, [which('keystone-wsgi-public')!, '-b', '127.0.0.1', '-p', String(keystone)], environment);
      await this.#until('Keystone lists the object store', async () => this.#catalogue());
    }
    await this.#until('Swift takes an object', async () => this.#probe(proxy));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping = true;
    for (const { child } of this.#children) child.kill('SIGTERM');
    const deadline = Date.now() + 5_000;
    while (this.#running().length > 0 && Date.now() < deadline) await sleep(20);
    this.#kill();
    while (this.#running().length > 0) await sleep(20);
    process.off('exit', this.#kill);
    rmSync(this.#base, { recursive: true, force: true });
  }

  #running(): readonly { readonly name: string; readonly child: ChildProcess }[] {
    return this.#children.filter(({ child }) => child.exitCode === null && child.signalCode === null);
  }

  #folder(...names: readonly string[]): string {
    const path = join(this.#base, ...names);
    mkdirSync(path, { recursive: true, mode: 0o700 });
    return path;
  }

  #spawn(name: string, command: string, parameters: readonly string[], environment: NodeJS.ProcessEnv = {}): void {
    const log = openSync(join(this.#folder('log'), name), 'a');
    const child = spawn(command, parameters, { stdio: ['ignore', log, log], env: { ...process.env, PYTHONWARNINGS: 'ignore', ...environment } });
    closeSync(log);
    child.on('error', () => {});
    this.#children.push({ name, child });
  }

  async #prepareKeystone(python: string): Promise<NodeJS.ProcessEnv> {
    const folder = this.#folder('keystone');
    for (const keys of ['fernet', 'receipts', 'credential']) this.#folder('keystone', keys);
    const conf = join(folder, 'keystone.conf');
    writeFileSync(conf, keystoneConf(folder), { mode: 0o600 });
    const { stdout: group } = await run('id', ['-gn']);
    const owner = ['--keystone-user', userInfo().username, '--keystone-group', group.trim()];
    const { account, user, key } = swiftUser;
    const steps = [
      ['db_sync'], ['fernet_setup', ...owner], ['credential_setup', ...owner],
      ['bootstrap', '--bootstrap-username', user, '--bootstrap-project-name', account, '--bootstrap-password', key, '--bootstrap-public-url', this.authUrl, '--bootstrap-internal-url', this.authUrl, '--bootstrap-region-id', 'RegionOne'],
    ];
    for (const step of steps) await run(python, [which('keystone-manage')!, '--config-file', conf, ...step], { maxBuffer: Infinity });
    // Or else whoever reads keeps whoever writes waiting until it gives up.
    const database = new DatabaseSync(join(folder, 'keystone.db'));
    database.exec('pragma journal_mode = wal');
    database.close();
    return { OS_KEYSTONE_CONFIG_FILES: conf, OS_KEYSTONE_CONFIG_DIR: folder };
  }

  /** Names the object store in the catalogue, once. */
  async #catalogue(): Promise<boolean> {
    const token = await keystoneToken(this.authUrl);
    if (token === undefined) return false;
    const headers = { 'x-auth-token': token };
    const service = await ask(`${this.authUrl}/services`, { method: 'POST', headers, json: { service: { type: 'object-store', name: 'swift' } } });
    const { service: { id } } = JSON.parse(service.body) as { service: { id: string } };
    for (const side of ['public', 'internal']) {
      const { status } = await ask(`${this.authUrl}/endpoints`, { method: 'POST', headers, json: { endpoint: { interface: side, region_id: 'RegionOne', service_id: id, url: `http://127.0.0.1:${this.#ports.proxy}/v1/AUTH_$(project_id)s` } } });
      if (status !== 201) throw new Error(`Keystone answered ${status} to the address of the object store`);
    }
    return true;
  }

  /** Whether all four servers take part. */
  async #probe(proxy: number): Promise<boolean> {
    const { account, user, key } = swiftUser;
    const first = this.#keystone ? undefined : await ask(this.authUrl, { headers: { 'x-auth-user': `${account}:${user}`, 'x-auth-key': key } });
    const token = first ? first.headers['x-auth-token'] : await keystoneToken(this.authUrl);
    if (token === undefined) return false;
    const project = this.#keystone ? await projectOf(this.authUrl, String(token)) : account;
    const headers = { 'x-auth-token': String(token) };
    const container = `http://127.0.0.1:${proxy}/v1/AUTH_${project}/ready`;
    for (const [method, url] of [['PUT', container], ['PUT', `${container}/ready`], ['DELETE', `${container}/ready`], ['DELETE', container]] as const) {
      const { status } = await ask(url, { method, headers });
      if (status < 200 || status > 299) return false;
    }
    return true;
  }

  async #until(what: string, isSo: () => Promise<boolean>): Promise<void> {
    const deadline = Date.now() + startTimeoutMs;
    for (;;) {
      const ended = this.#children.find(({ child }) => child.exitCode !== null || child.signalCode !== null);
      if (ended) throw new Error(`${ended.name} ended early: ${this.#said(ended.name)}`);
      let why: unknown;
      if (await isSo().catch((error: unknown) => void (why = error))) return;
      if (Date.now() > deadline || this.#stopping) throw new Error(`${what}: not within ${startTimeoutMs / 1000} seconds; said last: ${this.#children.map(({ name }) => `${name}: ${this.#said(name)}`).join('\n')}`, { cause: why });
      await sleep(100);
    }
  }

  #said(name: string): string {
    return readFileSync(join(this.#base, 'log', name), 'utf8').slice(-2_000);
  }
}

interface Asked {
  readonly status: number;
  readonly headers: { readonly [name: string]: string | string[] | undefined };
  readonly body: string;
}

function ask(url: string, { method = 'GET', headers = {}, json }: { readonly method?: string; readonly headers?: { readonly [name: string]: string }; readonly json?: object } = {}): Promise<Asked> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method, headers: { ...headers, ...(json ? { 'content-type': 'application/json' } : { 'content-length': '0' }) }, timeout: 10_000 }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (chunk: string) => { body += chunk; }).on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body })).on('error', reject);
    });
    sent.on('error', reject).on('timeout', () => sent.destroy(new Error('no answer in time')));
    sent.end(json ? JSON.stringify(json) : undefined);
  });
}

async function login(authUrl: string): Promise<Asked> {
  const domain = { id: 'default' };
  const { account, user, key } = swiftUser;
  return ask(`${authUrl}/auth/tokens`, { method: 'POST', json: { auth: { identity: { methods: ['password'], password: { user: { name: user, domain, password: key } } }, scope: { project: { name: account, domain } } } } });
}

async function keystoneToken(authUrl: string): Promise<string | undefined> {
  const token = (await login(authUrl)).headers['x-subject-token'];
  return typeof token === 'string' ? token : undefined;
}

async function projectOf(authUrl: string, token: string): Promise<string> {
  const { body } = await ask(`${authUrl}/auth/tokens`, { headers: { 'x-auth-token': token, 'x-subject-token': token } });
  return (JSON.parse(body) as { token: { project: { id: string } } }).token.project.id;
}

/** An application credential of the user, made for a test. */
export async function applicationCredential({ authUrl }: SwiftService): Promise<{ readonly id: string; readonly secret: string }> {
  const answer = await login(authUrl);
  const token = answer.headers['x-subject-token'];
  const { token: { user } } = JSON.parse(answer.body) as { token: { user: { id: string } } };
  const made = await ask(`${authUrl}/users/${user.id}/application_credentials`, { method: 'POST', headers: { 'x-auth-token': String(token) }, json: { application_credential: { name: `made ${Date.now()}` } } });
  return (JSON.parse(made.body) as { application_credential: { id: string; secret: string } }).application_credential;
}

/** The interpreter that Debian's programs belong to; another one that is found first has no Swift. */
function interpreterOf(program: string): string {
  return readFileSync(which(program)!, 'utf8').split('\n', 1)[0]!.replace(/^#!\s*/, '').trim().split(' ')[0]!;
}

function which(name: string): string | undefined {
  return [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin'].map((folder) => join(folder, name)).find((path) => existsSync(path));
}

async function freePorts(): Promise<SwiftPorts> {
  const ports = new Set<number>();
  while (ports.size < 6) ports.add(await freePort());
  const [proxy = 0, account = 0, container = 0, object = 0, memcached = 0, keystone = 0] = ports;
  return { proxy, account, container, object, memcached, keystone };
}
