import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { ChildProcess } from 'node:child_process';
import { test } from 'node:test';
import { startExampleApi } from '../../examples/api/server.ts';
import type { ExampleApi } from '../../examples/api/server.ts';
import { Bench, resource } from './command.ts';

const total = 60;

function bench(): Bench {
  const made = new Bench();
  for (let i = 0; i < total; i++) made.write(Object.fromEntries(Object.entries(resource('foo', String(i))).map(([path, text]) => [`data/${path}`, text])));
  return made;
}

/** Interrupts once the server has seen a few writes, so that some are done, some under way and most to come. */
function interruptAmidWrites(api: ExampleApi, child: ChildProcess, signal: NodeJS.Signals, times = 1): void {
  const timer = setInterval(() => {
    if (api.requests.count('PUT') < 5) return;
    clearInterval(timer);
    child.kill(signal);
    if (times > 1) child.stderr?.once('data', () => child.kill(signal));
  }, 5);
  child.once('close', () => clearInterval(timer));
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  test(`${signal} finishes the writes under way, says how to go on, and a second run completes the first`, async () => {
    using place = bench();
    await using api = await startExampleApi({ latencyMs: 40 });
    const { code, stdout, stderr } = await place.syncline(['sync', '--concurrency', '2', 'data', api.url], { meanwhile: (child) => interruptAmidWrites(api, child, signal) });
    assert.equal(code, 130, stderr);
    assert.match(stderr, /stopping: finishing the writes under way/);
    assert.match(stderr, /run the same command again/);
    assert.match(stdout, /interrupted after/);
    const written = Object.keys(api.dump()).length;
    assert.ok(written >= 5 && written < total, `${written} written`);
    const created = Number(/foo +\d+ +(\d+)/.exec(stdout)?.[1]);
    assert.equal(created, written, 'the report counts what the server took');
    const again = await place.syncline(['sync', 'data', api.url]);
    assert.equal(again.code, 0, again.stdout);
    assert.equal(api.requests.count('PUT'), total, 'a write that was done was done again');
  });
}

test('a second interruption ends the process at once', async () => {
  using place = bench();
  await using api = await startExampleApi({ latencyMs: 20, faults: [{ method: 'PUT', after: 5, hang: true }] });
  const { code } = await place.syncline(['sync', 'data', api.url], { meanwhile: (child) => interruptAmidWrites(api, child, 'SIGINT', 2) });
  assert.equal(code, 130);
});

test('a reader that has seen enough ends neither with a message nor a stack', async () => {
  using place = bench();
  for (const args of [['sync', 'data', '-'], ['diff', '--as', 'documents', 'data', 'elsewhere'], ['--help']]) {
    const { stderr } = await place.syncline(args, { meanwhile: (child) => void once(child.stdout!, 'data').then(() => child.stdout?.destroy()) });
    assert.doesNotMatch(stderr, /EPIPE|\n {4}at |closed/, args.join(' '));
  }
});
