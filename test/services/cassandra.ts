// A real Cassandra of one node for the tests of one process, made of the jars that Maven has of it.
import assert from 'node:assert/strict';
import { execFile, execFileSync, spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { closeSync, existsSync, globSync, mkdirSync, mkdtempSync, openSync, readFileSync, realpathSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { homedir, tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { after } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import type { Client } from 'cassandra-driver';
import cassandra from 'cassandra-driver';
import type { Host } from '../../src/model/host.ts';
import { plainHost } from '../../src/model/plain-host.ts';
import type { CassandraStore } from '../../src/stores/cassandra/cassandra-store.ts';
import { kind } from '../../src/stores/cassandra/kind.ts';
import type { CassandraOptions } from '../../src/stores/cassandra/kind.ts';
import { flagsOf, settingsOf } from './cassandra-settings.ts';
import type { CassandraPorts } from './cassandra-settings.ts';
import { freePort } from './free-port.ts';
import { failWhereRequired } from './required.ts';

const run = promisify(execFile);
const version = '5.0.9';
const installTimeoutMs = 480_000;
const startTimeoutMs = 180_000;
const shortLived = ['-Xms128m', '-Xmx512m', '-XX:TieredStopAtLevel=1'];

/** A server that answers, and a keyspace of its own for each test file. */
export interface CassandraServer {
  readonly port: number;
  /** A client that may do everything. */
  readonly client: Client;
  readonly keyspace: string;
}

interface Parts {
  readonly java: string;
  readonly jars: string;
}

/** What it takes to run one, installed where need be; a sentence where there can be none. */
async function findParts(): Promise<Parts | string> {
  let java = findJava();
  if (java === undefined) {
    const missing = await install('openjdk-17-jre-headless');
    java = findJava();
    if (java === undefined) return missing ?? 'there is no Java 17 on this machine';
  }
  const folder = join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'syncline', `cassandra-${version}`);
  const jars = join(folder, 'lib');
  if (existsSync(jars)) return { java, jars };
  if (spawnSync('mvn', ['--version']).error) {
    const missing = await install('maven');
    if (missing !== undefined) return missing;
  }
  return await download(folder) ?? { java, jars };
}

/** Cassandra 5 runs on Java 11 and 17, and on no other. */
function findJava(): string | undefined {
  const homes = [process.env['JAVA_HOME'], ...globSync('/usr/lib/jvm/*17*')].filter((home) => home !== undefined);
  return [...homes.map((home) => join(home, 'bin', 'java')), 'java'].find((java) => {
    const said = spawnSync(java, ['-version'], { encoding: 'utf8' }).stderr ?? '';
    return /version "(?:11|17)\b/.test(said);
  });
}

async function install(name: string): Promise<string | undefined> {
  if (process.getuid?.() !== 0 || which('apt-get') === undefined) return `${name} is missing, and only root can install it`;
  console.error(`installing ${name}`);
  const options = { env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }, timeout: installTimeoutMs, maxBuffer: Infinity };
  for (let attempts = 1; ; attempts++) {
    try {
      await run('apt-get', ['update', '-q'], options);
      await run('apt-get', ['install', '-y', '-q', '--no-install-recommends', '-o', 'DPkg::Lock::Timeout=300', name], options);
      return undefined;
    } catch (error) {
      if (attempts >= 5) return `apt-get could not install ${name} (${(error as { stderr?: string }).stderr?.trim().split('\n').at(-1) ?? ''})`;
      // Another test may be installing just now.
      await sleep(5_000);
    }
  }
}

/** Has Maven gather the jars, once for each user of the machine. */
async function download(folder: string): Promise<string | undefined> {
  mkdirSync(join(folder, '..'), { recursive: true });
  const draft = mkdtempSync(`${folder}.draft-`);
  console.error(`downloading Cassandra ${version}: this takes a minute, once`);
  try {
    writeFileSync(join(draft, 'pom.xml'), `<project>
  <modelVersion>4.0.0</modelVersion><groupId>test</groupId><artifactId>cassandra</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies><dependency><groupId>org.apache.cassandra</groupId><artifactId>cassandra-all</artifactId><version>${version}</version></dependency></dependencies>
</project>`);
    await run('mvn', ['-B', '-ntp', '-q', '-f', join(draft, 'pom.xml'), 'org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${join(draft, 'lib')}`], { timeout: installTimeoutMs, maxBuffer: Infinity });
    renameSync(draft, folder);
    return undefined;
  } catch (error) {
    // Another test may have had them first.
    if (existsSync(join(folder, 'lib'))) return undefined;
    const { stdout = '', message } = error as { stdout?: string; message: string };
    return `Maven could not download Cassandra (${(stdout.trim() || message).split('\n').find((line) => line.includes('ERROR')) ?? message})`;
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}

const parts = await findParts();
const missing = typeof parts === 'string' ? parts : undefined;

/** Why there is no server on this machine; false where there is one. For the `skip` of a test. */
export const withoutCassandra: { readonly skip: string | false } = { skip: missing ?? false };
if (missing !== undefined) console.error(`Cassandra cannot be run: ${missing}`);
failWhereRequired('Cassandra', missing);

let running: Promise<CassandraServer> | undefined;
let stop = async (): Promise<void> => {};
after(() => stop());

/** The server of this process, started when first asked for, and ended with the tests. `SYNCLINE_CASSANDRA` names the port of one that runs already. */
export function cassandraServer(): Promise<CassandraServer> {
  const port = process.env['SYNCLINE_CASSANDRA'];
  return (running ??= port === undefined ? start() : use(Number(port)));
}

async function use(port: number): Promise<CassandraServer> {
  const client = clientOf(port);
  const keyspace = `tests_${process.pid}`;
  stop = async () => {
    await client.execute(`DROP KEYSPACE IF EXISTS ${keyspace}`);
    await client.shutdown();
  };
  await fill(client, keyspace);
  return { port, client, keyspace };
}

function clientOf(port: number): Client {
  return new cassandra.Client({ contactPoints: [`127.0.0.1:${port}`], localDataCenter: 'datacenter1', socketOptions: { readTimeout: 60_000, connectTimeout: 20_000 } });
}

async function fill(client: Client, keyspace: string): Promise<void> {
  await client.connect();
  await client.execute(`CREATE KEYSPACE ${keyspace} WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}`);
}

/** Opens the keyspace of the tests, or another one. */
export async function openCassandra(options: CassandraOptions = {}, host: Partial<Host> = {}, keyspace?: string): Promise<CassandraStore> {
  const server = await cassandraServer();
  return await kind.open(`cassandra://127.0.0.1:${server.port}/${keyspace ?? server.keyspace}`, { missing: 'empty', ...options }, { ...plainHost, environment: {}, ...host }) as CassandraStore;
}

async function start(): Promise<CassandraServer> {
  const { port, end } = await startNode();
  const client = clientOf(port);
  stop = async () => {
    await client.shutdown();
    await end();
  };
  const keyspace = 'tests';
  await fill(client, keyspace);
  return { port, client, keyspace };
}

/** A node that is on its own, how to end it, and how to kill it and start it again. What it holds is thrown away at its end. */
async function startNode(settings: (root: string) => object = () => ({}), java: readonly string[] = shortLived, flags: readonly string[] = flagsOf): Promise<{ readonly port: number; readonly pid: number; readonly root: string; end(): Promise<void>; restart(): Promise<void> }> {
  assert.ok(typeof parts !== 'string');
  const root = mkdtempSync(join(tmpdir(), 'syncline-cassandra-'));
  const more = settings(root);
  for (let attempts = 1; ; attempts++) {
    const ports: CassandraPorts = { cql: await freePort(), storage: await freePort() };
    const start = (): ChildProcess => launch(parts, root, { ...settingsOf(root, ports), ...more }, [...java, ...flags]);
    let child = start();
    const endNow = (): void => void child.kill('SIGKILL');
    process.once('exit', endNow);
    const ended = async (): Promise<void> => {
      if (child.exitCode === null && child.signalCode === null) await new Promise<void>((resolve) => void child.once('exit', () => resolve()));
    };
    const end = async (): Promise<void> => {
      endNow();
      await ended();
      process.off('exit', endNow);
      rmSync(root, { recursive: true, force: true });
    };
    const ready = (): Promise<boolean> => answers(child, ports.cql, 'client_encryption_options' in more);
    const restart = async (): Promise<void> => {
      endNow();
      await ended();
      child = start();
      assert.ok(await ready(), 'Cassandra does not start again');
    };
    if (await ready()) return { port: ports.cql, pid: child.pid!, root, end, restart };
    const said = readFileSync(join(root, 'log'), 'utf8').split('\n').filter((line) => !/^\s+at |^INFO /.test(line)).slice(-20).join('\n');
    // A port may be taken in between by another test.
    if (attempts >= 3 || !/Address already in use|in use by another process|Failed to bind/i.test(said)) {
      await end();
      throw new Error(`Cassandra did not start: ${said}`);
    }
    endNow();
    await ended();
  }
}

/** A node that may be killed: what it has answered is there when it starts again. */
export interface MortalCassandra extends AsyncDisposable {
  readonly port: number;
  readonly client: Client;
  /** Kills it, and starts it again. */
  restart(): Promise<void>;
}

/** Starts such a node. */
export async function mortalCassandra(): Promise<MortalCassandra> {
  const { port, end, restart } = await startNode(() => ({ commitlog_sync: 'batch', commitlog_sync_period: undefined }), shortLived, flagsOf.filter((flag) => !/unsafesystem|skip_sync/.test(flag)));
  const client = clientOf(port);
  await client.connect();
  return {
    port, client, restart,
    [Symbol.asyncDispose]: async () => {
      await client.shutdown();
      await end();
    },
  };
}

/** Starts a node of its own, with this much said to Java of memory and compiling, and settings in addition to the usual ones. */
export async function startCassandra(java: readonly string[], settings: object = {}): Promise<{ readonly port: number; readonly pid: number } & AsyncDisposable> {
  if (typeof parts === 'string') throw new Error(parts);
  const { port, pid, end } = await startNode(() => settings, java);
  return { port, pid, [Symbol.asyncDispose]: end };
}

/** A node that lets in who has a password, by TLS alone. */
export interface SecureCassandra extends AsyncDisposable {
  readonly port: number;
  /** The file of the certificate by which it is known. */
  readonly certificate: string;
  /** A client that may do everything. */
  readonly client: Client;
}

/** Starts such a node. Its superuser is `cassandra`, whose password is the same. */
export async function secureCassandra(): Promise<SecureCassandra> {
  assert.ok(typeof parts !== 'string');
  const keytool = join(dirname(realpathSync(which(parts.java) ?? parts.java)), 'keytool');
  const { port, root, end } = await startNode((folder) => {
    const keystore = join(folder, 'keys.p12');
    const password = 'changeit';
    const about = ['-alias', 'node', '-keystore', keystore, '-storetype', 'PKCS12', '-storepass', password];
    execFileSync(keytool, ['-genkeypair', ...about, '-keyalg', 'RSA', '-keysize', '2048', '-dname', 'CN=127.0.0.1', '-ext', 'san=ip:127.0.0.1', '-validity', '36500'], { stdio: 'ignore' });
    execFileSync(keytool, ['-exportcert', '-rfc', ...about, '-file', join(folder, 'node.pem')], { stdio: 'ignore' });
    return { authenticator: 'PasswordAuthenticator', authorizer: 'CassandraAuthorizer', roles_validity: '0ms', permissions_validity: '0ms', client_encryption_options: { enabled: true, optional: false, keystore, keystore_password: password, store_type: 'PKCS12', require_client_auth: false } };
  });
  const certificate = join(root, 'node.pem');
  const client = new cassandra.Client({ contactPoints: [`127.0.0.1:${port}`], localDataCenter: 'datacenter1', credentials: { username: 'cassandra', password: 'cassandra' }, sslOptions: { ca: readFileSync(certificate) } });
  const close = async (): Promise<void> => {
    await client.shutdown();
    await end();
  };
  // The superuser is made some time after the node answers.
  for (let tries = 1; ; tries++) {
    try {
      await client.connect();
      return { port, certificate, client, [Symbol.asyncDispose]: close };
    } catch (error) {
      if (tries >= 60) {
        await close();
        throw error;
      }
      await sleep(500);
    }
  }
}

function launch({ java: program, jars }: Parts, root: string, settings: object, java: readonly string[]): ChildProcess {
  const config = join(root, 'cassandra.yaml');
  mkdirSync(join(root, 'triggers'), { recursive: true });
  // What is JSON is YAML.
  writeFileSync(config, JSON.stringify(settings));
  writeFileSync(join(root, 'logback.xml'), '<configuration><appender name="out" class="ch.qos.logback.core.ConsoleAppender"><encoder><pattern>%-5level %logger{0} %msg%n</pattern></encoder></appender><root level="INFO"><appender-ref ref="out"/></root></configuration>');
  const log = openSync(join(root, 'log'), 'a');
  const own = [`-Djava.io.tmpdir=${root}`, `-Dcassandra.config=${pathToFileURL(config).href}`, `-Dcassandra.storagedir=${root}`, `-Dcassandra.logdir=${root}`, `-Dcassandra.triggers_dir=${join(root, 'triggers')}`, `-Dlogback.configurationFile=${pathToFileURL(join(root, 'logback.xml')).href}`];
  const parameters = [...java, ...own, '-cp', join(jars, '*'), 'org.apache.cassandra.service.CassandraDaemon'];
  // Where the platform can, the server ends with whoever started it, however that ends.
  const guard = which('setpriv');
  const child = guard === undefined ? spawn(program, parameters, { stdio: ['ignore', log, log], cwd: root }) : spawn(guard, ['--pdeathsig', 'KILL', program, ...parameters], { stdio: ['ignore', log, log], cwd: root });
  closeSync(log);
  return child;
}

async function answers(child: ChildProcess, port: number, byTls: boolean): Promise<boolean> {
  const startedAt = Date.now();
  while (child.exitCode === null && child.signalCode === null && Date.now() - startedAt < startTimeoutMs) {
    if (await speaks(port, byTls)) return true;
    await sleep(100);
  }
  return false;
}

/** Asks for what it supports, in version 4 of its protocol. */
function speaks(port: number, byTls: boolean): Promise<boolean> {
  return new Promise((resolve) => {
    const ask = (): void => void socket.write(Buffer.from([4, 0, 0, 0, 5, 0, 0, 0, 0]));
    const socket: Socket = byTls ? connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false }, ask) : connect(port, '127.0.0.1', ask);
    const answer = (right: boolean): void => {
      socket.destroy();
      resolve(right);
    };
    socket.setTimeout(3_000, () => answer(false));
    socket.once('data', (bytes: Buffer) => answer(bytes[4] === 6));
    socket.once('error', () => answer(false));
    socket.once('close', () => answer(false));
  });
}

function which(name: string): string | undefined {
  return (process.env['PATH'] ?? '').split(delimiter).map((folder) => join(folder, name)).find((path) => existsSync(path));
}
