import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startExampleApi } from '../../examples/api/server.ts';
import { Bench, resource } from '../cli/command.ts';
import type { Ended } from '../cli/command.ts';
import { freePort } from '../services/free-port.ts';
import { becomeEqual } from './trees.ts';

/** How long the command may take on a busy machine. */
const patienceMs = 120_000;

interface Health {
  readonly state: string;
  readonly runs: number;
  readonly fullRuns: number;
  readonly changes: { readonly created: number; readonly updated: number; readonly deleted: number };
  readonly lastError: { readonly code: string; readonly message: string } | null;
  readonly lastSuccessAt: string | null;
  readonly behind: number;
}

function bench(files = 10): Bench {
  const made = new Bench();
  for (let i = 0; i < files; i++) made.write({ [`source/${i}.txt`]: `text ${i}` });
  return made;
}

/** Runs the command until `body` has ended, then sends the signal. */
async function during(place: Bench, args: readonly string[], body: (child: ChildProcess) => Promise<void>, signal: NodeJS.Signals = 'SIGTERM'): Promise<Ended> {
  let done: Promise<void> = Promise.resolve();
  const ended = place.syncline(['sync', 'source', 'target', '--delete', '--watch', '--poll-every', '1s', ...args], {
    meanwhile: (child) => {
      done = body(child).finally(() => child.kill(signal));
      done.catch(() => {});
    },
  });
  const result = await ended;
  await done;
  return result;
}

async function until<T>(what: string, look: () => T | undefined | Promise<T | undefined>): Promise<T> {
  for (const endMs = Date.now() + patienceMs; Date.now() < endMs; await sleep(20)) {
    const found = await look();
    if (found !== undefined) return found;
  }
  throw new Error(`waited in vain: ${what}`);
}

function healthOf(place: Bench, file = 'health.json'): Health | undefined {
  return existsSync(place.at(file)) ? JSON.parse(readFileSync(place.at(file), 'utf8')) as Health : undefined;
}


for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  test(`--watch keeps a copy until ${signal}, which is how it is meant to end`, async () => {
    using place = bench();
    const { code, stderr } = await during(place, [], async (child) => {
      let said = '';
      child.stderr?.on('data', (text: string) => { said += text; });
      await becomeEqual(place.at('source'), place.at('target'));
      place.write({ 'source/new.txt': 'text' });
      await becomeEqual(place.at('source'), place.at('target'));
      rmSync(place.at('source/3.txt'));
      await becomeEqual(place.at('source'), place.at('target'));
      // The line is printed after the file is gone.
      await until('the deletion is said', () => said.includes('deleted 3.txt') || undefined);
    }, signal);
    assert.equal(code, 0, stderr);
    assert.match(stderr, /watching source/);
    assert.match(stderr, /10 created \(full pass\) in /);
    assert.match(stderr, /\d\d:\d\d:\d\d created new\.txt .*in /);
    assert.match(stderr, /\d\d:\d\d:\d\d deleted 3\.txt .*in /);
    assert.match(stderr, /stopping/);
  });
}

test('a second interruption ends it at once, with 130', async () => {
  using place = new Bench();
  for (let i = 0; i < 20; i++) place.write(Object.fromEntries(Object.entries(resource('foo', String(i))).map(([path, text]) => [`data/${path}`, text])));
  await using api = await startExampleApi({ faults: [{ method: 'PUT', after: 5, hang: true }] });
  const { code } = await place.syncline(['sync', 'data', api.url, '--watch', '--concurrency', '2'], {
    meanwhile: (child) => {
      const timer = setInterval(() => {
        if (api.requests.count('PUT') < 5) return;
        clearInterval(timer);
        child.stderr?.on('data', (text: string) => { if (text.includes('stopping')) child.kill('SIGINT'); });
        child.kill('SIGINT');
      }, 5);
      child.once('close', () => clearInterval(timer));
    },
  });
  assert.equal(code, 130);
});

test('a health file says after every run how things stand, and is never seen half written', async () => {
  using place = bench();
  let seen: Health | undefined;
  const { code } = await during(place, ['--health', 'health.json', '--quiet'], async () => {
    await until('the first run', () => (healthOf(place)?.changes.created === 10 ? true : undefined));
    place.write({ 'source/1.txt': 'changed' });
    rmSync(place.at('source/2.txt'));
    seen = await until('the changes', () => {
      const health = healthOf(place);
      return health?.changes.updated === 1 && health.changes.deleted === 1 ? health : undefined;
    });
  });
  assert.equal(code, 0);
  assert.equal(seen?.state, 'watching');
  assert.equal(seen?.lastError, null);
  assert.equal(seen?.behind, 0);
  assert.ok(seen?.lastSuccessAt);
  assert.equal(healthOf(place)?.state, 'stopped');
});

test('counters are had from a port on this machine, and from a file', async () => {
  using place = bench();
  const port = await freePort();
  const value = (text: string, name: string): number => Number(new RegExp(`^${RegExp.escape(name)} (.+)$`, 'm').exec(text)?.[1]);
  await during(place, ['--metrics', String(port)], async () => {
    const text = await until('the counters', async () => {
      const answer = await fetch(`http://127.0.0.1:${port}/metrics`).then((response) => response.text(), () => '');
      return value(answer, 'syncline_changes_total{change="created"}') === 10 ? answer : undefined;
    });
    assert.ok(value(text, 'syncline_last_success_timestamp_seconds') > 1_000_000_000);
    assert.equal(value(text, 'syncline_failures_total'), 0);
    const health = await fetch(`http://127.0.0.1:${port}/health`);
    assert.equal(health.status, 200);
    assert.equal(((await health.json()) as Health).changes.created, 10);
    assert.equal((await fetch(`http://127.0.0.1:${port}/`)).status, 404);
    assert.equal((await fetch(`http://127.0.0.1:${port}/metrics`, { method: 'POST' })).status, 405);
  });
  await during(place, ['--metrics', 'metrics.prom'], async () => {
    await until('the file', () => (existsSync(place.at('metrics.prom')) && value(readFileSync(place.at('metrics.prom'), 'utf8'), 'syncline_runs_total{reach="whole",result="ok"}') >= 1 ? true : undefined));
  });
});

test('--report ndjson gives one event a line', async () => {
  using place = bench();
  const { stdout, stderr } = await during(place, ['--report', 'ndjson'], () => becomeEqual(place.at('source'), place.at('target')));
  const events = stdout.trim().split('\n').map((line) => (JSON.parse(line) as { event: string }).event);
  assert.equal(events[0], 'watching');
  for (const name of ['run-started', 'done', 'run-ended']) assert.ok(events.includes(name), name);
  assert.doesNotMatch(stderr, /created/);
});

test('a guard that refuses is loud, deletes nothing, and does not end the watching', async () => {
  using place = bench(2);
  for (let i = 0; i < 8; i++) place.write({ [`source/many/${i}.txt`]: `text ${i}` });
  const { code, stderr } = await during(place, ['--health', 'health.json'], async () => {
    await becomeEqual(place.at('source'), place.at('target'));
    // All at once: files that go one by one may be met by two runs, each with too few of them to be refused.
    renameSync(place.at('source/many'), place.at('away'));
    const health = await until('the refusal', () => {
      const now = healthOf(place);
      return now?.state === 'refused' ? now : undefined;
    });
    assert.equal(health.lastError?.code, 'guarded');
    assert.ok(existsSync(place.at('target/many/3.txt')));
    place.write({ 'source/new.txt': 'text' });
    await until('the new file', () => (existsSync(place.at('target/new.txt')) ? true : undefined));
  });
  assert.equal(code, 0);
  assert.equal(stderr.match(/refusing to delete/g)?.length, 1);
});

test('a source that is not there when it begins ends it, with the target untouched', async () => {
  using place = bench();
  mkdirSync(place.at('target'));
  writeFileSync(place.at('target/kept'), 'text');
  const { code, stderr } = await place.syncline(['sync', 'nowhere', 'target', '--delete', '--watch']);
  assert.equal(code, 3, stderr);
  assert.match(stderr, /nowhere does not exist/);
  assert.ok(existsSync(place.at('target/kept')));
});

test('what makes no sense along with --watch is refused with a sentence', async () => {
  using place = bench();
  for (const [args, sentence] of [
    [['source', 'target', '--watch', '--dry-run'], /--watch.*cannot be used with.*--dry-run/],
    [['source', 'target', '--watch', '--report', 'json'], /ndjson/],
    [['source', 'target', '--watch', '--health', 'source/health.json'], /lies in an origin/],
    [['source', 'target', '--watch', '--metrics', '70000'], /no port 70000/],
    [['source', 'target', '--health', 'health.json'], /add --watch/],
    [['source', 'target', '--full-every', '5m'], /add --watch/],
    [['source', 'target', '--watch', '--full-every', 'often'], /must be a time/],
    [['-', 'target', '--watch'], /only once/],
    [['source', '-', '--watch'], /cannot be read/],
  ] as const) {
    const { code, stderr } = await place.syncline(['sync', ...args]);
    assert.equal(code, 2, `${args.join(' ')}: ${stderr}`);
    assert.match(stderr, sentence, args.join(' '));
    assert.ok(!existsSync(place.at('target')), args.join(' '));
  }
});
