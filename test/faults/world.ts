import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Report } from '../../src/index.ts';
import { openState, sync, SyncError } from '../../src/index.ts';
import type { SyncOptions } from '../../src/index.ts';
import type { Content } from '../../src/model/entry.ts';
import type { Host } from '../../src/model/host.ts';
import { plainHost } from '../../src/model/plain-host.ts';
import { bytesFrom, seededRandom } from '../../src/testing/index.ts';
import type { Random } from '../../src/testing/index.ts';
import { FaultProxy } from './proxy.ts';
import { heldIn, newPlace } from './service.ts';
import type { Held, Service, ServiceName } from './service.ts';

/** What a run came to: a report, or the sentence with which it gave up. */
export type Ending = { readonly report: Report } | { readonly error: SyncError };

/** A directory, a bucket or container on a real server, a proxy that breaks what passes between them, and a state. */
export class World implements AsyncDisposable {
  readonly proxy: FaultProxy;
  readonly random: Random;
  readonly tree: string;
  readonly endpoint: string;
  readonly root: string;
  readonly service: Service;

  private constructor(seed: number, proxy: FaultProxy, service: Service) {
    this.proxy = proxy;
    this.service = service;
    this.random = seededRandom(seed);
    this.root = mkdtempSync(join(tmpdir(), 'syncline-faults-'));
    this.tree = join(this.root, 'tree');
    mkdirSync(this.tree);
    this.endpoint = service.endpoint(proxy.url);
  }

  static async start(seed: number, on: ServiceName = 's3'): Promise<World> {
    const service = await newPlace(on);
    return new World(seed, await FaultProxy.start(service.origin), service);
  }

  /** A run, to the bucket or from it; waiting between attempts takes no time. */
  async run(direction: 'up' | 'down', options: SyncOptions = {}): Promise<Ending> {
    const host: Host = { ...plainHost, environment: this.service.environment, random: () => this.random.next(), sleep: async (_, signal) => { await plainHost.sleep(1, signal); } };
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
    same(await this.held('tree'), await this.held('bucket'));
  }

  /** Writes an object behind everybody's back. */
  async overwrite(key: string, text: string): Promise<void> {
    await using store = await this.service.open();
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
    for (let i = 0; i < large; i++) this.write({ [`large/${i}`]: Buffer.concat(Array.from({ length: 12 }, () => Buffer.alloc(this.service.largeBytes / 12, this.random.below(256)))) });
  }

  remove(key: string): void {
    rmSync(join(this.tree, key));
  }

  /** What a place really holds, but for what buckets are tried with. */
  async held(place: 'tree' | 'bucket'): Promise<Held> {
    return place === 'bucket' ? await this.service.held() : heldIn(this.tree, (path) => !isDraft(path));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.proxy[Symbol.asyncDispose]();
    rmSync(this.root, { recursive: true, force: true });
  }
}

/** Whether a path is that of a file that is being written. */
export function isDraft(path: string): boolean {
  return /(?:^|\/)\.syncline-/.test(path);
}

/** That two places hold the same. */
export function same(one: Held, other: Held): void {
  assert.deepEqual([...one].toSorted(byKey), [...other].toSorted(byKey));
}

function byKey([a]: readonly [string, string], [b]: readonly [string, string]): number {
  return a < b ? -1 : 1;
}

/**
 * The laws that hold after every run, whatever broke: each key of the target is what it was before or what the source
 * holds, and what the source holds was not taken away. A run that settled nothing but successes left both sides equal.
 */
export function lawful(ending: Ending, { source, before, after }: { readonly source: Held; readonly before: Held; readonly after: Held }): void {
  for (const [key, digest] of after) {
    assert.ok(digest === source.get(key) || digest === before.get(key), `${key} holds what nobody wrote`);
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
