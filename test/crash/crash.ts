import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { hash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Passing } from '../faults/proxy.ts';
import { same, World } from '../faults/world.ts';
import type { Held } from '../faults/world.ts';

/** `upload`: into an empty bucket. `delete`: a bucket in step is to follow a directory that lost, changed and gained files. */
export type Scenario = 'upload' | 'delete';

/** What one death came to. */
export interface Death {
  /** Requests that the server had heard when it happened. */
  readonly requests: number;
  /** Whether the run ended before it was to die. */
  readonly missed: boolean;
  /** What was complete by then, and what the next run sent. */
  readonly complete: number;
  readonly sent: number;
  /** Objects for trying the bucket that are still there after the next run. */
  readonly litter: number;
}

/** What was written on the way to the server, as it answered. */
interface Written {
  /** Keys of objects that the server has completed. */
  readonly objects: Set<string>;
  /** Keys and numbers of parts that the server has. */
  readonly parts: Set<string>;
  requests: number;
}

const main = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
/** Names of what a bucket is tried with. */
const tried = /(?:^|\/)\.syncline-/;

/** Kills a real run at a moment drawn from the seed, and holds what it left behind, and the run after it, to the laws. */
export async function crash(scenario: Scenario, seed: number): Promise<Death> {
  await using world = await World.start(seed);
  await furnish(world, scenario);
  const source = world.held('tree');
  const before = world.held('bucket');

  const first = await dyingRun(world);
  const left = world.held('bucket');
  unharmed({ source, before, left });

  world.proxy.reset();
  const second = watch(world);
  assert.equal(await ended(run(world)), 0, 'the next run does not end well');
  same(source, world.held('bucket'));
  const sentAgain = [...second.objects].filter((key) => first.objects.has(key));
  assert.deepEqual(sentAgain, [], 'complete objects were uploaded twice');
  const partsAgain = [...second.parts].filter((part) => first.parts.has(part));
  assert.deepEqual(partsAgain, [], 'complete parts were uploaded twice');
  assert.deepEqual(unfinished(world, source), [], 'uploads were left unfinished');
  return { requests: first.requests, missed: first.missed, complete: first.objects.size, sent: second.objects.size, litter: readdirSync(world.objects).filter((name) => tried.test(name)).length };
}

async function furnish(world: World, scenario: Scenario): Promise<void> {
  world.fill(60, 2);
  if (scenario === 'upload') return;
  await world.mend('up');
  for (let i = 0; i < 60; i++) {
    if (i % 3 === 0) world.remove(`d${i % 3}/f${i}`);
    else if (i % 7 === 0) world.write({ [`d${i % 3}/f${i}`]: `changed under ${i}` });
  }
  world.remove('large/0');
  world.write({ 'large/1': Buffer.alloc(17 * 1024 * 1024, 'new'), 'added/small': 'small' });
}

/** Starts a run, and ends it at a request, or a little later, or at a time, whichever the seed says. */
async function dyingRun(world: World): Promise<Written & { readonly missed: boolean }> {
  const { random, proxy } = world;
  const by = random.pick(['asked', 'answered', 'later', 'clock'] as const);
  const moment = random.below(by === 'clock' ? 1_500 : 90);
  const laterMs = by === 'later' ? random.below(20) : 0;
  proxy.reset();
  const child = run(world);
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
function watch({ proxy }: World, at: (heard: number, when: 'asked' | 'answered') => void = () => {}): Written {
  const written: Written = { objects: new Set(), parts: new Set(), requests: 0 };
  const numbers = new WeakMap<Passing, number>();
  proxy.onRequest = (request) => {
    numbers.set(request, written.requests);
    at(written.requests++, 'asked');
  };
  proxy.onAnswered = (request, status) => {
    const { kind, path, query } = request;
    if (status === 200 && !tried.test(path)) {
      const key = decodeURIComponent(path.slice(path.indexOf('/', 1) + 1));
      if (kind === 'put' || kind === 'complete-parts') written.objects.add(key);
      if (kind === 'part') written.parts.add(`${key} ${query.get('partNumber')}`);
    }
    at(numbers.get(request)!, 'answered');
  };
  return written;
}

/** That each key holds what it held or what it was to hold, and that nothing is gone which was not to go. */
function unharmed({ source, before, left }: { readonly source: Held; readonly before: Held; readonly left: Held }): void {
  for (const [key, bytes] of left) assert.ok(before.get(key)?.equals(bytes) || source.get(key)?.equals(bytes), `${key} holds what nobody wrote`);
  for (const key of before.keys()) assert.ok(left.has(key) || !source.has(key), `${key} is gone`);
}

function run({ root, tree, endpoint, environment }: World): ChildProcess {
  return spawn(process.execPath, ['--disable-warning=ExperimentalWarning', main, 'sync', tree, endpoint, '--as', 'blobs', '--delete', '--max-deletes', '50', '--quiet'], {
    stdio: ['ignore', 'ignore', 'inherit'],
    // What a killed run leaves lying about goes with the rest.
    env: { PATH: process.env['PATH'], HOME: root, TMPDIR: root, XDG_STATE_HOME: join(root, 'cli-state'), ...environment },
  });
}

async function ended(child: ChildProcess): Promise<number | null> {
  const [code] = await once(child, 'exit') as [number | null];
  return code;
}

/** Keys whose uploads the server still waits to see completed. */
function unfinished({ objects }: World, source: Held): readonly string[] {
  const folder = join(objects, '.sgwtmp', 'multipart');
  // The server keeps them under a digest of the key.
  return [...source.keys()].filter((key) => existsSync(join(folder, hash('sha256', key))));
}
