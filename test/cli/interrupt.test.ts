import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { ChildProcess } from 'node:child_process';
import { describe, test } from 'node:test';
import { startExampleApi } from '../../examples/api/server.ts';
import type { ExampleApi } from '../../examples/api/server.ts';
import type { Report } from '../../src/index.ts';
import { bucketMirror, until } from '../acceptance/mirror.ts';
import { missingS3, s3Server } from '../services/s3.ts';
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

describe('an interruption while a service does not answer', { skip: missingS3, timeout: 120_000 }, () => {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    test(`by ${signal} breaks off what is under way, stores nothing half, and a second run completes the first`, async () => {
      await using made = await bucketMirror();
      const { mirror, proxy, bucket } = made;
      const files = Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`data/${i}`, `file ${i}`]));
      mirror.write(files);
      // More than goes up at once, so that it goes up in parts.
      mirror.write({ 'data/large': 'x'.repeat(20 * 1024 * 1024) });
      const isHeld = ({ kind, path }: { readonly kind: string; readonly path: string }): boolean => kind === 'part' || /\/2\d$/.test(path);
      let held = 0;
      proxy.rule = (request) => (!request.path.includes('.syncline-probe-') && isHeld(request) && ++held > 0 ? { fault: 'delay', ms: 15_000 } : undefined);
      const { region, environment } = await s3Server();
      const place = `s3://${bucket}?endpoint=${proxy.url}&region=${region}&create`;
      const meanwhile = (child: ChildProcess): void => void until('requests are held', () => held > 0).then(() => child.kill(signal));
      const { code, stdout, stderr } = await mirror.syncline(['sync', 'data', place], { environment, meanwhile });
      assert.equal(code, 130, stderr);
      assert.match(stdout, /interrupted after/);
      assert.doesNotMatch(`${stdout}${stderr}`, /failure|cannot|\n {4}at /);
      proxy.reset();
      const before = await mirror.holds();
      assert.ok(Object.keys(before).every((key) => !/^2\d|large/.test(key)), Object.keys(before).join());
      for (const [key, text] of Object.entries(before)) assert.equal(text, files[`data/${key}`]);
      const second = await mirror.syncline(['sync', '--report', 'json', 'data', place], { environment });
      assert.equal(second.code, 0, second.stderr);
      assert.equal((JSON.parse(second.stdout) as Report).counts.created, 31 - Object.keys(before).length);
      assert.equal(Object.keys(await mirror.holds()).length, 31);
    });
  }
});
