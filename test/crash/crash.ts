import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Passing } from '../faults/proxy.ts';
import type { Held, ServiceName } from '../faults/service.ts';
import { isDraft, same, World } from '../faults/world.ts';

/**
 * `upload`: into an empty bucket. `delete`: a bucket in step is to follow a directory that lost, changed and gained files.
 * `download`: a directory is to follow such a bucket.
 */
export type Scenario = 'upload' | 'delete' | 'download';

/** What one death came to. */
export interface Death {
  /** Requests that the server had heard when it happened. */
  readonly requests: number;
  /** Whether the run ended before it was to die. */
  readonly missed: boolean;
  /** What was complete by then, and what the next run transferred. */
  readonly complete: number;
  readonly sent: number;
  /** What lies about after the next run: objects for trying a bucket, segments of what was replaced, drafts of files. */
  readonly litter: number;
}

/** What was written on the way to the server, as it answered. */
interface Written {
  /** Keys of objects that the server has completed. */
  readonly objects: Set<string>;
  /** Parts that the server has. */
  readonly parts: Set<string>;
  /** Keys of objects that were fetched. */
  readonly fetched: Set<string>;
  requests: number;
}

const main = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));

/** Kills a real run at a moment drawn from the seed, and holds what it left behind, and the run after it, to the laws. */
export async function crash(scenario: Scenario, seed: number, on: ServiceName = 's3'): Promise<Death> {
  await using world = await World.start(seed, on);
  await furnish(world, scenario);
  const [from, to] = scenario === 'download' ? ['bucket', 'tree'] as const : ['tree', 'bucket'] as const;
  const source = await world.held(from);
  const before = await world.held(to);

  const first = await dyingRun(world, scenario);
  const left = await world.held(to);
  unharmed({ source, before, left });
  // What is in place was renamed into place, and is whole.
  const complete = scenario === 'download' ? new Set([...left].filter(([key, digest]) => source.get(key) === digest).map(([key]) => key)) : first.objects;

  world.proxy.reset();
  const second = watch(world);
  assert.equal(await ended(run(world, scenario)), 0, 'the next run does not end well');
  same(source, await world.held(to));
  same(source, await world.held(from));
  const sent = scenario === 'download' ? second.fetched : second.objects;
  // What a manifest stands for has no digest in listings: it is put together again, of parts that are there, or read again.
  const again = [...sent].filter((key) => complete.has(key) && !(on === 'swift' && key.startsWith('large/')));
  assert.deepEqual(again, [], 'what was complete was transferred again');
  const partsAgain = [...second.parts].filter((part) => first.parts.has(part));
  assert.deepEqual(partsAgain, [], 'complete parts were uploaded twice');
  assert.deepEqual(await world.service.unfinished([...source.keys()]), [], 'uploads were left unfinished');
  const drafts = readdirSync(world.tree, { recursive: true, encoding: 'utf8' }).filter(isDraft);
  return { requests: first.requests, missed: first.missed, complete: complete.size, sent: sent.size, litter: (await world.service.litter()).length + drafts.length };
}

async function furnish(world: World, scenario: Scenario): Promise<void> {
  world.fill(60, 2);
  if (scenario === 'upload') return;
  await world.mend('up');
  for (let i = 0; i < 60; i++) {
    if (i % 3 === 0 || (scenario === 'download' && i % 7 !== 0)) world.remove(`d${i % 3}/f${i}`);
    else if (i % 7 === 0) world.write({ [`d${i % 3}/f${i}`]: `changed under ${i}` });
  }
  world.remove('large/0');
  world.write({ 'large/1': Buffer.alloc(1.5 * world.service.largeBytes, 'new'), 'added/small': 'small' });
}

/** Starts a run, and ends it at a request, or a little later, or at a time, whichever the seed says. */
async function dyingRun(world: World, scenario: Scenario): Promise<Written & { readonly missed: boolean }> {
  const { random, proxy } = world;
  const by = random.pick(['asked', 'answered', 'later', 'clock'] as const);
  const moment = random.below(by === 'clock' ? 1_500 : 90);
  const laterMs = by === 'later' ? random.below(20) : 0;
  proxy.reset();
  const child = run(world, scenario);
  const kill = (): void => void child.kill('SIGKILL');
  const written = watch(world, (heard, when) => {
    if (by === 'clock' || heard !== moment || (when === 'asked') !== (by !== 'answered')) return;
    if (laterMs === 0) kill();
    else setTimeout(kill, laterMs);
  });
  const timer = by === 'clock' ? setTimeout(kill, moment) : undefined;
  const code = await ended(child);
  clearTimeout(timer);
  // What the server has heard, it may still do.
  await proxy.idle();
  assert.ok(code === 0 || code === null, `the run ended with ${code}`);
  return { ...written, missed: code === 0 };
}

/** Notes what the server completes. */
function watch({ proxy, service }: World, at: (heard: number, when: 'asked' | 'answered') => void = () => {}): Written {
  const written: Written = { objects: new Set(), parts: new Set(), fetched: new Set(), requests: 0 };
  const numbers = new WeakMap<Passing, number>();
  proxy.onRequest = (request) => {
    numbers.set(request, written.requests);
    at(written.requests++, 'asked');
  };
  proxy.onAnswered = (request, status) => {
    const { kind, path, query } = request;
    const key = service.keyOf(path);
    if (status >= 200 && status < 300 && !isDraft(path)) {
      if (kind === 'put' || kind === 'complete-parts') written.objects.add(key);
      if (kind === 'get') written.fetched.add(key);
      if (kind === 'part') written.parts.add(`${key} ${query.get('partNumber') ?? ''}`);
    }
    at(numbers.get(request)!, 'answered');
  };
  return written;
}

/** That each key holds what it held or what it was to hold, and that nothing is gone which was not to go. */
function unharmed({ source, before, left }: { readonly source: Held; readonly before: Held; readonly left: Held }): void {
  for (const [key, digest] of left) assert.ok(before.get(key) === digest || source.get(key) === digest, `${key} holds what nobody wrote`);
  for (const key of before.keys()) assert.ok(left.has(key) || !source.has(key), `${key} is gone`);
}

function run({ root, tree, endpoint, service: { environment } }: World, scenario: Scenario): ChildProcess {
  const [from, to] = scenario === 'download' ? [endpoint, tree] as const : [tree, endpoint] as const;
  return spawn(process.execPath, ['--disable-warning=ExperimentalWarning', main, 'sync', from, to, '--as', 'blobs', '--delete', '--max-deletes', '50', '--quiet'], {
    stdio: ['ignore', 'ignore', 'inherit'],
    // What a killed run leaves lying about goes with the rest.
    env: { PATH: process.env['PATH'], HOME: root, TMPDIR: root, XDG_STATE_HOME: join(root, 'cli-state'), ...environment },
  });
}

async function ended(child: ChildProcess): Promise<number | null> {
  const [code] = await once(child, 'exit') as [number | null];
  return code;
}
