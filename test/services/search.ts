// A real OpenSearch or Elasticsearch of one node for the tests of one process, started out of its libraries.
import { execFile, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { hash } from 'node:crypto';
import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { after } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { failWhereRequired } from './required.ts';
import { elasticsearch, moduleDescriptor, opensearch, projectOf, securedElasticsearch, sourcesOf } from './search-java.ts';
import type { SearchEngine } from './search-java.ts';
import { end } from './start-server.ts';

const run = promisify(execFile);

const startTimeoutMs = 180_000;
const fetchTimeoutMs = 480_000;
const shortLived = ['-Xms512m', '-Xmx512m', '-XX:TieredStopAtLevel=1'];

/** A search server that runs for as long as it is needed. */
export interface SearchServer extends AsyncDisposable {
  /** Host and port. */
  readonly address: string;
  readonly pid: number;
  /** One request, answered as read; throws where it is refused. */
  ask(method: string, path: string, body?: object): Promise<unknown>;
}

/** How a server is started. */
export interface SearchStart {
  /** Default: any that is free. */
  readonly port?: number;
  /** A folder that outlives the server. Default: one of its own. */
  readonly folder?: string;
  /** Settings of the node. */
  readonly settings?: { readonly [name: string]: string };
  /** What Java is told of memory and compiling. Default: what a server needs that lives for a few minutes. */
  readonly java?: readonly string[];
  /** What its process finds in its environment beside ours. */
  readonly environment?: { readonly [name: string]: string };
  /** How it is asked. Default: by HTTP, as nobody. */
  readonly ask?: typeof ask;
}

const engines = { opensearch, elasticsearch, 'elasticsearch-secured': securedElasticsearch } as const;

/** The libraries of a server in the cache folder of the user, or why there are none, as a sentence. */
async function librariesOf(engine: SearchEngine): Promise<{ readonly folder: string } | { readonly missing: string }> {
  const missing = await missingTools(engine);
  if (missing !== undefined) return { missing };
  const key = hash('sha256', JSON.stringify([projectOf(engine), sourcesOf(engine)])).slice(0, 10);
  const folder = join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'syncline', `${engine.name}-${engine.version}-${key}`);
  if (existsSync(folder)) return { folder };
  mkdirSync(dirname(folder), { recursive: true });
  const draft = mkdtempSync(`${folder}-`);
  console.error(`fetching ${engine.name} ${engine.version}: this is done once`);
  try {
    await fill(engine, draft);
    renameSync(draft, folder);
  } catch (error) {
    // Another process may have been first.
    if (!existsSync(folder)) return { missing: `${engine.name} ${engine.version} could not be fetched or compiled (${lastLine(error)})` };
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
  return { folder };
}

async function fill(engine: SearchEngine, folder: string): Promise<void> {
  const lib = join(folder, 'lib');
  writeFileSync(join(folder, 'pom.xml'), projectOf(engine));
  const options = { timeout: fetchTimeoutMs, maxBuffer: Infinity };
  await run('mvn', ['-B', '-q', '-ntp', '-f', join(folder, 'pom.xml'), 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${lib}`], options);
  const modules = join(folder, 'modules');
  const classPath = [lib, ...engine.modules.map(({ name }) => join(modules, name))].map((path) => join(path, '*')).join(delimiter);
  for (const module of engine.modules) {
    const place = join(modules, module.name);
    mkdirSync(place, { recursive: true });
    for (const file of readdirSync(lib)) if (module.files.test(file)) renameSync(join(lib, file), join(place, file));
    writeFileSync(join(place, 'plugin-descriptor.properties'), moduleDescriptor(engine, module));
  }
  for (const [name, source] of Object.entries(sourcesOf(engine))) {
    const place = name === 'Server.java' ? lib : join(modules, 'root');
    const classes = join(folder, 'classes', name);
    mkdirSync(classes, { recursive: true });
    mkdirSync(place, { recursive: true });
    writeFileSync(join(folder, name), source);
    await run('javac', ['-nowarn', '--release', String(engine.java), '-cp', classPath, '-d', classes, join(folder, name)], options);
    await run('jar', ['cf', join(place, `${name}.jar`), '-C', classes, '.'], options);
    if (place !== lib) writeFileSync(join(place, 'plugin-descriptor.properties'), moduleDescriptor(engine, { name: 'root', className: 'RootPlugin' }));
  }
}

async function missingTools({ name, java }: SearchEngine): Promise<string | undefined> {
  const absent = (): readonly string[] => ['java', 'javac', 'jar', 'mvn'].filter((tool) => !(process.env['PATH'] ?? '').split(delimiter).some((folder) => existsSync(join(folder, tool))));
  if (absent().length > 0) {
    const advice = 'install default-jdk-headless and maven';
    if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) return `${absent().join(', ')} missing, and only root can install them: ${advice}`;
    console.error('installing default-jdk-headless and maven');
    const options = { env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }, timeout: fetchTimeoutMs, maxBuffer: Infinity };
    await run('apt-get', ['update', '-q'], options).catch(() => {});
    await run('apt-get', ['install', '-y', '-q', '--no-install-recommends', '-o', 'DPkg::Lock::Timeout=300', 'default-jdk-headless', 'maven'], options).catch((error: unknown) => console.error(lastLine(error)));
    if (absent().length > 0) return `${absent().join(', ')} missing after apt-get was to ${advice}`;
  }
  const { stderr } = await run('java', ['-version']);
  const found = Number(/version "(\d+)/.exec(stderr)?.[1] ?? 0);
  return found >= java ? undefined : `${name} needs Java ${java}, and this is Java ${found}`;
}

function lastLine(error: unknown): string {
  const { stdout = '', stderr = '', message } = error as { stdout?: string; stderr?: string; message: string };
  return `${stdout}\n${stderr}`.trim().split('\n').find((line) => line.includes('ERROR') || line.includes('error:')) ?? message.split('\n', 1)[0]!;
}

const found = new Map<SearchEngine['name'], ReturnType<typeof librariesOf>>();
const shared = new Map<SearchEngine['name'], Promise<SearchServer>>();

/** Says why a server cannot be run here, for the `skip` of tests, and fails where services are required. To be called before any test. */
export async function skipWithoutSearch(name: SearchEngine['name']): Promise<string | false> {
  if (!found.has(name)) found.set(name, librariesOf(engines[name]));
  const libraries = await found.get(name)!;
  after(async () => { await (await shared.get(name)?.catch(() => undefined))?.[Symbol.asyncDispose](); });
  if (!('missing' in libraries)) return false;
  console.error(`${name} cannot be run: ${libraries.missing}`);
  failWhereRequired(name, libraries.missing);
  return libraries.missing;
}

/** The server of this process: started when first asked for, and stopped after all tests. `SYNCLINE_OPENSEARCH` names host and port of one that runs already. */
export function sharedSearch(name: SearchEngine['name']): Promise<SearchServer> {
  const address = process.env[`SYNCLINE_${name.toUpperCase()}`];
  const there = address === undefined ? undefined : { address, pid: 0, ask: (method: string, path: string, body?: object) => ask(address, method, path, body), [Symbol.asyncDispose]: async () => {} };
  const running = shared.get(name) ?? (there ? Promise.resolve(there) : startSearch(name));
  shared.set(name, running);
  return running;
}

/** Starts a server. Throws when it is not ready in three minutes, with what it said. */
export async function startSearch(name: SearchEngine['name'], { port = 0, folder, settings = {}, java = shortLived, environment = {}, ask: asked = ask }: SearchStart = {}): Promise<SearchServer> {
  const engine = engines[name];
  if (!found.has(name)) found.set(name, librariesOf(engine));
  const libraries = await found.get(name)!;
  if ('missing' in libraries) throw new Error(libraries.missing);
  const home = folder ?? mkdtempSync(join(tmpdir(), `syncline-${name}-`));
  const child = spawnServer(engine, { folder: libraries.folder, home, java, environment }, [String(port), ...Object.entries(settings).flat()]);
  const endNow = (): void => void child.kill('SIGKILL');
  process.once('exit', endNow);
  const stop = async (): Promise<void> => {
    await end(child);
    process.off('exit', endNow);
    if (folder === undefined) rmSync(home, { recursive: true, force: true });
  };
  try {
    const address = `127.0.0.1:${await portOf(child)}`;
    await untilAnswered(child, () => asked(address, 'GET', '/_cluster/health?wait_for_status=yellow&timeout=60s'));
    return { address, pid: child.pid!, ask: (method, path, body) => asked(address, method, path, body), [Symbol.asyncDispose]: stop };
  } catch (cause) {
    const said = readFileSync(join(home, 'log'), 'utf8').slice(-3_000);
    await stop();
    throw new Error(`${name} did not start: ${said}`, { cause });
  }
}

/** The server ends by itself with this process, whose end it hears on its standard input. */
function spawnServer({ plugins }: SearchEngine, { folder, home, java, environment }: Required<Pick<SearchStart, 'folder' | 'java' | 'environment'>> & { readonly home: string }, parameters: readonly string[]): ChildProcess {
  const lib = join(folder, 'lib');
  mkdirSync(join(home, 'tmp'), { recursive: true });
  const log = openSync(join(home, 'log'), 'a');
  const jars = readdirSync(lib).toSorted().map((file) => join(lib, file)).join(delimiter);
  const properties = { 'file.encoding': 'UTF-8', 'log4j2.disable.jmx': 'true', 'io.netty.noUnsafe': 'true', 'java.io.tmpdir': join(home, 'tmp'), 'search.plugins': plugins.join(','), 'search.modules': join(folder, 'modules') };
  const child = spawn('java', [
    ...java, '-XX:+UseSerialGC', '-XX:-UsePerfData',
    ...Object.entries(properties).map(([property, value]) => `-D${property}=${value}`),
    '-cp', jars, 'Server', home, ...parameters,
  ], { stdio: ['pipe', 'pipe', log], env: { ...process.env, ...environment } });
  closeSync(log);
  return child;
}

async function portOf(child: ChildProcess): Promise<number> {
  let said = '';
  child.stdout!.setEncoding('utf8').on('data', (text: string) => { said = (said + text).slice(-10_000); });
  for (const deadline = Date.now() + startTimeoutMs; Date.now() < deadline && child.exitCode === null && child.signalCode === null; await sleep(50)) {
    const port = /^PORT (\d+)$/m.exec(said)?.[1];
    if (port !== undefined) return Number(port);
  }
  throw new Error('it does not say where it listens');
}

/** Who listens does not know yet what it held, and with security of its own not even its users. */
async function untilAnswered(child: ChildProcess, asking: () => Promise<unknown>): Promise<void> {
  for (const deadline = Date.now() + startTimeoutMs; ; await sleep(100)) {
    try {
      return void await asking();
    } catch (error) {
      if (Date.now() > deadline || child.exitCode !== null || child.signalCode !== null) throw error;
    }
  }
}

async function ask(address: string, method: string, path: string, body?: object): Promise<unknown> {
  const answer = await fetch(`http://${address}${path}`, { method, signal: AbortSignal.timeout(90_000), ...(body && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }) });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text.slice(0, 500)}`);
  return text === '' ? undefined : JSON.parse(text) as unknown;
}
