import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { until } from '../acceptance/mirror.ts';
import { Bench } from '../cli/command.ts';
import type { Ended } from '../cli/command.ts';
import { missingS3, newBucket, openS3, s3Server } from '../services/s3.ts';
import { bytesOf, keysOf, put } from '../services/s3-bucket.ts';
import { becomeEqual } from './trees.ts';

/** Runs a merge that goes on until `body` has ended. */
async function merging(place: Bench, args: readonly string[], body: () => Promise<void>, environment: { readonly [name: string]: string } = {}): Promise<Ended> {
  let done: Promise<void> = Promise.resolve();
  const begin = async (child: ChildProcess): Promise<void> => {
    let said = '';
    child.stderr?.on('data', (text: string) => (said += text));
    await until(`it has made its first pass: ${said}`, () => child.exitCode !== null || /full pass/.test(said));
    await body();
  };
  const ended = await place.syncline(['merge', '--watch', '--verbose', '--poll-every', '1s', ...args], { environment, meanwhile: (child) => { done = begin(child).finally(() => child.kill('SIGTERM')); done.catch(() => {}); } });
  await done.catch((error: unknown) => { throw new Error(`${String(error)}\n${ended.stderr}`); });
  return ended;
}

function text(path: string): string | undefined {
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
}

test('of two directories each comes to hold what happens in the other, until it is interrupted', async () => {
  using place = new Bench();
  for (let i = 0; i < 20; i++) place.write({ [`left/most/${i}`]: `text ${i}` });
  place.write({ 'right/other': 'right' });
  const { code, stderr } = await merging(place, ['left', 'right'], async () => {
    await becomeEqual(place.at('left'), place.at('right'));
    writeFileSync(place.at('left/other'), 'edited on the left');
    await until('the edit travels', () => text(place.at('right/other')) === 'edited on the left');
    writeFileSync(place.at('right/other'), 'edited on the right');
    await until('the other edit travels', () => text(place.at('left/other')) === 'edited on the right');
    mkdirSync(place.at('right/new/deep'), { recursive: true });
    writeFileSync(place.at('right/new/deep/file'), 'new');
    await until('a new file travels', () => text(place.at('left/new/deep/file')) === 'new');
    rmSync(place.at('left/new'), { recursive: true });
    await until('a deletion travels', () => !existsSync(place.at('right/new/deep/file')));
    renameSync(place.at('right/most'), place.at('right/moved'));
    await until('a renaming of most of it travels', () => existsSync(place.at('left/moved/19')) && !existsSync(place.at('left/most/0')));
    await becomeEqual(place.at('left'), place.at('right'));
  });
  assert.equal(code, 0, stderr);
  assert.doesNotMatch(stderr, /refus|conflict/);
  const { stdout } = await place.syncline(['merge', '--report', 'json', 'left', 'right']);
  assert.equal((JSON.parse(stdout) as { readonly differences: number }).differences, 0);
});

test('what makes no sense along with watching both sides is refused', async () => {
  using place = new Bench();
  place.write({ 'a/x': '1', 'b/x': '1' });
  for (const [args, sentence] of [[['--watch', '--dry-run'], /cannot be used with/], [['--watch', '--report', 'json'], /--report ndjson/], [['--poll-every', '5s'], /add --watch/], [['--watch', '--health', 'b/health'], /lies in an origin/]] as const) {
    const { code, stderr } = await place.syncline(['merge', ...args, 'a', 'b']);
    assert.equal(code, 2, stderr);
    assert.match(stderr, sentence);
  }
});

describe('a directory and a bucket', { skip: missingS3, timeout: 120_000 }, () => {
  test('are kept the same, though a bucket tells nobody what happens in it', async () => {
    using place = new Bench();
    place.write({ 'notes/a': 'one' });
    const { endpoint, region, environment } = await s3Server();
    const bucket = newBucket();
    await using store = await openS3(bucket);
    await store.write([put('from elsewhere', 'there')]);
    const { code, stderr } = await merging(place, ['notes', `s3://${bucket}?endpoint=${endpoint}&region=${region}`], async () => {
      await until('both hold both', async () => text(place.at('notes/from elsewhere')) === 'there' && (await keysOf(store)).includes('a'));
      writeFileSync(place.at('notes/a'), 'two');
      await until('the edit is in the bucket', async () => String(await bytesOf(store, 'a')) === 'two');
      await store.write([put('from elsewhere', 'changed there')]);
      await until('the change is in the directory', () => text(place.at('notes/from elsewhere')) === 'changed there');
      rmSync(place.at('notes/a'));
      await until('the deletion is in the bucket', async () => !(await keysOf(store)).includes('a'));
    }, environment);
    assert.equal(code, 0, stderr);
    assert.doesNotMatch(stderr, /conflict|cannot/);
  });
});
