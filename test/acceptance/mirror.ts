import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ActorStore } from '../../src/index.ts';
import type { Store } from '../../src/index.ts';
import { open as openFolder } from '../../examples/actor/folder.ts';
import { Bench } from '../cli/command.ts';
import type { CommandOptions, Ended } from '../cli/command.ts';
import { FaultProxy } from '../faults/proxy.ts';
import type { Passing } from '../faults/proxy.ts';
import { newBucket, openS3, s3Server } from '../services/s3.ts';

const autosync = fileURLToPath(new URL('../../src/cli/autosync.ts', import.meta.url));

/** The example actor, which keeps raw keys. */
export const folderActor: string = fileURLToPath(new URL('../../examples/actor/folder.ts', import.meta.url));

/** The tree that the cases speak of. */
export const mystuff: { readonly [path: string]: string } = { 'mystuff/1': 'one', 'mystuff/a/2': 'two', 'mystuff/a/b/3': 'three', 'mystuff/c/4': 'four' };

const patienceMs = 60_000;

/** Waits until something holds, and says what does not when it never does. */
export async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  for (const startedAt = Date.now(); !await holds();) {
    assert.ok(Date.now() - startedAt < patienceMs, `never: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** What a target holds, as text by key. */
export interface Holding {
  readonly [key: string]: string;
}

/** A folder with files to mirror, somewhere to mirror them to, and the command that does. */
export class Mirror extends Bench {
  readonly #running: ChildProcess[] = [];
  readonly #target: Store;
  readonly #flags: readonly string[];
  readonly #environment: { readonly [name: string]: string };

  constructor(target: Store, flags: readonly string[], environment: { readonly [name: string]: string }) {
    super();
    this.#target = target;
    this.#flags = flags;
    this.#environment = environment;
  }

  /** The folder, as the command that runs in it sees it. */
  get home(): string {
    return realpathSync(this.path);
  }

  /** Runs the command to its end. */
  once(args: readonly string[], options: CommandOptions = {}): Promise<Ended> {
    return this.run(autosync, ['--once', ...this.#flags, ...args], { ...options, environment: { ...this.#environment, ...options.environment } });
  }

  /** Runs the command line as it is. */
  plain(args: readonly string[]): Promise<Ended> {
    return this.run(autosync, args, { environment: this.#environment });
  }

  /** Starts the command and waits until it watches and has made its first pass. */
  async watch(args: readonly string[], { first = true }: { readonly first?: boolean } = {}): Promise<Watching> {
    const env = { PATH: process.env['PATH'] ?? '', HOME: this.at('.home'), XDG_STATE_HOME: this.at('.state'), ...this.#environment };
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', autosync, '--verbose', ...this.#flags, ...args], { cwd: this.path, env, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#running.push(child);
    const watching = new Watching(child);
    await until(`it watches: ${watching.said}`, () => watching.ended || /watching/.test(watching.said));
    if (first) await until(`the first pass ends: ${watching.said}`, () => watching.ended || /\(full pass\)/.test(watching.said));
    return watching;
  }

  async holds(): Promise<Holding> {
    const refs: { key: string }[] = [];
    for await (const { entries } of this.#target.scan()) refs.push(...entries);
    const entries = await this.#target.read(refs);
    const found: Record<string, string> = {};
    for (const entry of entries) {
      if (entry?.content?.kind !== 'blob') continue;
      found[entry.key] = Buffer.concat(await Array.fromAsync(entry.content.bytes())).toString();
    }
    return found;
  }

  async keys(): Promise<readonly string[]> {
    const found: string[] = [];
    for await (const { entries } of this.#target.scan()) found.push(...entries.map(({ key }) => key));
    return found.sort();
  }

  /** Puts something at the target by another way. */
  async put(holding: Holding): Promise<void> {
    const outcomes = await this.#target.write(Object.entries(holding).map(([key, text]) => ({ kind: 'put', entry: { key, content: { kind: 'blob', async *bytes() { yield Buffer.from(text); } } } })));
    for (const outcome of outcomes) assert.equal(outcome.kind, 'done');
  }

  /** Waits until the target holds just this. */
  async comesToHold(wanted: Holding): Promise<void> {
    let found: Holding = {};
    await until(`the target holds ${JSON.stringify(wanted)}`, async () => {
      found = await this.holds().catch(() => ({}));
      return Object.keys(found).length === Object.keys(wanted).length && Object.entries(wanted).every(([key, text]) => found[key] === text);
    }).catch((error: unknown) => { assert.deepEqual(found, wanted); throw error; });
  }

  override [Symbol.dispose](): void {
    for (const child of this.#running) if (child.exitCode === null) child.kill('SIGKILL');
    super[Symbol.dispose]();
  }
}

/** A command that goes on. */
export class Watching {
  readonly #child: ChildProcess;
  said = '';

  constructor(child: ChildProcess) {
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) stream?.setEncoding('utf8').on('data', (text: string) => (this.said += text));
  }

  get ended(): boolean {
    return this.#child.exitCode !== null;
  }

  /** Interrupts it, and waits for what it exits with. */
  async stop(signal: 'SIGINT' | 'SIGTERM' = 'SIGINT'): Promise<number | null> {
    if (!this.ended) {
      const closed = once(this.#child, 'close');
      this.#child.kill(signal);
      await closed;
    }
    return this.#child.exitCode;
  }
}

/** A mirror into a folder, through the example actor. */
export function folderMirror(): Mirror {
  // The folder is only known once there is one.
  const mirror: Mirror = new Mirror(late(() => mirror.at('container')), [`--actor=${folderActor}`, '--target_container=container'], {});
  return mirror;
}

function late(path: () => string): Store {
  const store = (): ActorStore => new ActorStore(openFolder(path(), '', {}));
  return { scan: () => store().scan(), read: (refs: never) => store().read(refs), write: (batch: never) => store().write(batch) } as unknown as Store;
}

/** A mirror into a bucket of a real server, with all requests counted on their way. */
export interface BucketMirror extends AsyncDisposable {
  readonly mirror: Mirror;
  readonly proxy: FaultProxy;
  readonly bucket: string;
  /** Requests that wrote, as `PUT /bucket/key`, those that try out the bucket left out. */
  readonly writes: readonly string[];
  /** Requests that deleted several objects, the end of trying out the bucket included. */
  readonly bulkDeletes: number;
  forget(): void;
}

export async function bucketMirror(): Promise<BucketMirror> {
  const { endpoint, region, environment } = await s3Server();
  const proxy = await FaultProxy.start(endpoint);
  const bucket = newBucket();
  const mirror = new Mirror(await openS3(bucket), [`--target_container=${bucket}`], { ...environment, AWS_REGION: region, AWS_ENDPOINT_URL: proxy.url });
  let writes: string[] = [];
  let bulkDeletes = 0;
  proxy.onRequest = ({ method, path, kind }: Passing) => {
    if (kind === 'delete-many') bulkDeletes++;
    else if ((method === 'PUT' || method === 'DELETE' || kind === 'begin-parts') && !path.includes('.syncline-probe-')) writes.push(`${method} ${decodeURIComponent(path)}`);
  };
  return {
    mirror, proxy, bucket,
    get writes() { return writes; },
    get bulkDeletes() { return bulkDeletes; },
    forget: () => { [writes, bulkDeletes] = [[], 0]; },
    async [Symbol.asyncDispose]() {
      mirror[Symbol.dispose]();
      await proxy[Symbol.asyncDispose]();
    },
  };
}

