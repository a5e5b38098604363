// What the command line says of deletions that somebody tells of.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { Bench } from './command.ts';
import type { Ended } from './command.ts';

function record(id: number, day: number, more = ''): string {
  return `id: ${id}\nat: 2015-01-0${day}T00:00:00Z\n${more}`;
}

test('what a field says was deleted is deleted without --delete, left alone with --no-delete, and remembered as long as asked for', async () => {
  using bench = new Bench();
  bench.write(Object.fromEntries([1, 2, 3].map((id) => [`a/t/${id}.yaml`, record(id, 1)])));
  const merge = (...more: readonly string[]): Promise<Ended> => bench.syncline(['merge', '--newest', '--full', '--schema', 'simple', '--modified', 'at', '--deleted', 'gone', ...more, 'a', 'b']);
  assert.equal((await merge()).code, 0);
  bench.write({ 'a/t/1.yaml': record(1, 3, 'gone: true\n') });
  const kept = await merge('--no-delete');
  assert.match(kept.stdout, /read +unchanged +kept\nt +6 +2 +1\n/);
  const { code, stdout } = await merge();
  assert.match(stdout, /1 change/);
  assert.deepEqual([code, existsSync(bench.at('b/t/1.yaml'))], [0, true]);
  assert.match((await merge()).stdout, /nothing to do/);
  // Once nobody remembers it, an older version is as good as any.
  bench.write({ 'a/t/2.yaml': record(2, 3, 'gone: true\n'), 'b/t/2.yaml': record(2, 2) });
  await merge();
  bench.write({ 'a/t/2.yaml': record(2, 2), 'b/t/2.yaml': record(2, 2) });
  assert.match((await merge()).stdout, /2 changes/);
  bench.write({ 'a/t/2.yaml': record(2, 2), 'b/t/2.yaml': record(2, 2) });
  assert.match((await merge('--tombstones-for', '1ms')).stdout, /nothing to do/);
});

test('how long deletions are remembered is about merging by time', async () => {
  using bench = new Bench();
  for (const [args, said] of [[['--tombstones-for', '30d'], /--tombstones-for is about merging by time: add --newest/], [['--newest', '--tombstones-for', 'long'], /'--tombstones-for <time>' argument 'long' is invalid/]] as const) {
    const { code, stderr } = await bench.syncline(['merge', ...args, 'a', 'b']);
    assert.equal(code, 2);
    assert.match(stderr, said);
  }
});
