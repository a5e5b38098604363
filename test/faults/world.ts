import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative, sep } from 'node:path';
import type { Report } from '../../src/index.ts';
import { openState, sync, SyncError } from '../../src/index.ts';
import type { SyncOptions } from '../../src/index.ts';
import type { Content } from '../../src/model/entry.ts';
import type { Host } from '../../src/model/host.ts';
import { plainHost } from '../../src/model/plain-host.ts';
import { bytesFrom, seededRandom } from '../../src/testing/index.ts';
import type { Random } from '../../src/testing/index.ts';
import { newBucket, openS3, s3Server } from '../services/s3.ts';
import { FaultProxy } from './proxy.ts';

/** What a run came to: a report, or the sentence with which it gave up. */
export type Ending = { readonly report: Report } | { readonly error: SyncError };

/** What lies somewhere, by key. */
export type Held = ReadonlyMap<string, Buffer>;

const mebibyte = 1024 * 1024;

/** A directory, a bucket on a real server, a proxy that breaks what passes between them, and a state. */
export class World implements AsyncDisposable {
  readonly proxy: FaultProxy;
  readonly random: Random;
  readonly tree: string;
  readonly endpoint: string;
  readonly root: string;
  readonly #bucket: string;
  readonly objects: string;
  readonly environment: Host['environment'];

  private constructor(seed: number, proxy: FaultProxy, folder: string, environment: Host['environment']) {
    const bucket = newBucket();
    this.#bucket = bucket;
    this.proxy = proxy;
    this.random = seededRandom(seed);
    this.root = mkdtempSync(join(tmpdir(), 'syncline-faults-'));
    this.tree = join(this.root, 'tree');
    mkdirSync(this.tree);
    this.objects = join(folder, bucket);
    this.environment = environment;
    this.endpoint = `s3://${bucket}?endpoint=${proxy.url}&create=true&multipartFrom=${6 * mebibyte}&partSize=${5 * mebibyte}&maxAttempts=4`;
  }

  static async start(seed: number): Promise<World> {
    const { endpoint, folder, environment } = await s3Server();
    return new World(seed, await FaultProxy.start(endpoint), folder, environment);
  }

  /** A run, to the bucket or from it; waiting between attempts takes no time. */
  async run(direction: 'up' | 'down', options: SyncOptions = {}): Promise<Ending> {
    const host: Host = { ...plainHost, environment: this.environment, random: () => this.random.next(), sleep: async (_, signal) => { await plainHost.sleep(1, signal); } };
    await using state = openState(join(this.root, 'state'));
    try {
      const [from, to] = direction === 'up' ? [this.tree, this.endpoint] : [this.endpoint, this.tree];
      return { report: await sync(from, to, { host, state, delete: true, guard: { maxDeletes: 5 }, as: 'blobs', ...options }) };
    } catch (error) {
      if (error instanceof SyncError) return { error };
      throw error;
    }
  }

  /** A run in which nothing breaks: it must settle everything. */
  async mend(direction: 'up' | 'down'): Promise<void> {
    this.proxy.reset();
    const ending = await this.run(direction);
    assert.ok('report' in ending, 'error' in ending ? ending.error.sentence : '');
    assert.deepEqual([ending.report.counts.failed, ending.report.problems, ending.report.complete], [0, 0, true]);
    same(this.held('tree'), this.held('bucket'));
  }

  /** Writes an object behind everybody's back. */
  async overwrite(key: string, text: string): Promise<void> {
    await using store = await openS3(this.#bucket, {}, { ...plainHost, environment: this.environment });
    const content: Content = { kind: 'blob', async *bytes() { yield Buffer.from(text); } };
    const [outcome] = await store.write([{ kind: 'put', entry: { key, content } }]);
    assert.equal(outcome!.kind, 'done');
  }

  /** Writes files with times of their own. */
  write(files: { readonly [key: string]: Buffer | string }): void {
    for (const [key, bytes] of Object.entries(files)) {
      const path = join(this.tree, key);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, bytes);
      const seconds = 1_700_000_000 + this.random.below(1_000_000);
      utimesSync(path, seconds, seconds);
    }
  }

  /** Small files in folders, and `large` ones that go up in parts. */
  fill(files: number, large = 0): void {
    for (let i = 0; i < files; i++) this.write({ [`d${i % 3}/f${i}`]: Buffer.from(bytesFrom(this.random, this.random.below(4_000))) });
    for (let i = 0; i < large; i++) this.write({ [`large/${i}`]: Buffer.concat(Array.from({ length: 12 }, () => Buffer.alloc(mebibyte, this.random.below(256)))) });
  }

  remove(key: string): void {
    rmSync(join(this.tree, key));
  }

  /** What a place really holds, but for what buckets are tried with. A server may still be removing folders that became empty. */
  held(place: 'tree' | 'bucket'): Held {
    const folder = place === 'tree' ? this.tree : this.objects;
    if (!existsSync(folder)) return new Map();
    const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((path) => !path.startsWith('.sgwtmp') && !path.startsWith('.syncline-') && statSync(join(folder, path), { throwIfNoEntry: false })?.isFile());
    return new Map(paths.map((path) => [relative('', path).split(sep).join('/'), readFileSync(join(folder, path))]));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.proxy[Symbol.asyncDispose]();
    rmSync(this.root, { recursive: true, force: true });
  }
}

/** That two places hold the same, without writing out what they hold. */
export function same(one: Held, other: Held): void {
  assert.deepEqual([...one.keys()].toSorted(), [...other.keys()].toSorted());
  for (const [key, bytes] of one) assert.ok(bytes.equals(other.get(key)!), `${key} differs`);
}

/**
 * The laws that hold after every run, whatever broke: each key of the target is what it was before or what the source
 * holds, and what the source holds was not taken away. A run that settled nothing but successes left both sides equal.
 */
export function lawful(ending: Ending, { source, before, after }: { readonly source: Held; readonly before: Held; readonly after: Held }): void {
  for (const [key, bytes] of after) {
    const right = [source.get(key), before.get(key)].some((known) => known?.equals(bytes));
    assert.ok(right, `${key} holds what nobody wrote`);
  }
  for (const key of before.keys()) assert.ok(after.has(key) || !source.has(key), `${key} is gone, and the source has it`);
  if ('error' in ending) {
    assert.match(ending.error.message, /\w{3}/);
    assert.notEqual(ending.error.code, 'internal', ending.error.message);
    return;
  }
  const { counts, problems, complete, failures } = ending.report;
  if (counts.failed + problems + counts.conflicts === 0 && complete) same(source, after);
  for (const { error } of failures) assert.notEqual(error.code, 'internal', error.message);
}
