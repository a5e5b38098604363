import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, utimesSync } from 'node:fs';
import { test } from 'node:test';
import type { Report } from '../../src/index.ts';
import { Bench } from './command.ts';

/** Two directories that are in step, and then are not. */
async function inStep(bench: Bench): Promise<void> {
  bench.write({ 'a/same': '1', 'a/edited': 'one' });
  assert.equal((await bench.syncline(['sync', 'a', 'b'])).code, 0);
}

test('what size and time do not tell is found with --checksum', async () => {
  using bench = new Bench();
  const age = (): void => utimesSync(bench.at('a/edited'), 1_000, 1_000);
  bench.write({ 'a/edited': 'one' });
  age();
  assert.equal((await bench.syncline(['sync', 'a', 'b'])).code, 0);
  bench.write({ 'a/edited': 'ONE' });
  age();
  assert.equal((await bench.syncline(['diff', 'a', 'b'])).code, 0);
  assert.equal((await bench.syncline(['diff', '--checksum', 'a', 'b'])).code, 1);
  assert.equal((await bench.syncline(['sync', '-c', 'a', 'b'])).code, 0);
  assert.equal(readFileSync(bench.at('b/edited'), 'utf8'), 'ONE');
});

test('--size-only, --ignore-times, --update and --ignore-existing say what is left alone', async () => {
  using bench = new Bench();
  await inStep(bench);
  bench.write({ 'a/edited': 'ONE' });
  assert.match((await bench.syncline(['sync', '--size-only', 'a', 'b'])).stdout, /in step/);
  assert.match((await bench.syncline(['sync', '--ignore-existing', 'a', 'b'])).stdout, /in step/);
  utimesSync(bench.at('b/edited'), 4_000_000_000, 4_000_000_000);
  assert.match((await bench.syncline(['sync', '--update', 'a', 'b'])).stdout, /in step/);
  assert.equal(readFileSync(bench.at('b/edited'), 'utf8'), 'one');
  assert.match((await bench.syncline(['sync', '--ignore-times', 'a', 'b'])).stdout, /2 changes/);
  assert.equal(readFileSync(bench.at('b/edited'), 'utf8'), 'ONE');
});

test('--immutable replaces nothing and exits with 1', async () => {
  using bench = new Bench();
  await inStep(bench);
  bench.write({ 'a/edited': 'longer', 'a/new': '1' });
  const { code, stdout } = await bench.syncline(['sync', '--immutable', 'a', 'b']);
  assert.equal(code, 1);
  assert.match(stdout, /cannot update .*edited is held with another content already/);
  assert.deepEqual([readFileSync(bench.at('b/edited'), 'utf8'), readFileSync(bench.at('b/new'), 'utf8')], ['one', '1']);
});

test('--backup-dir keeps what is replaced and deleted, and may not lie within a side', async () => {
  using bench = new Bench();
  await inStep(bench);
  bench.write({ 'a/edited': 'longer' });
  rmSync(bench.at('a/same'));
  assert.equal((await bench.syncline(['sync', '--delete', '--max-delete', '1', '--backup-dir', 'kept', 'a', 'b'])).code, 0);
  assert.deepEqual([readFileSync(bench.at('kept/edited'), 'utf8'), readFileSync(bench.at('kept/same'), 'utf8'), existsSync(bench.at('b/same'))], ['one', '1', false]);
  for (const place of ['b/kept', 'a', '.']) {
    const { code, stderr } = await bench.syncline(['sync', '--backup-dir', place, 'a', 'b']);
    assert.deepEqual([code, /lie within one another/.test(stderr)], [2, true], stderr);
  }
});

test('a run whose budget is spent says so, exits with 1, and goes on the next time', async () => {
  using bench = new Bench();
  bench.write(Object.fromEntries(Array.from({ length: 1200 }, (_, i) => [`a/${i}`, 'x'.repeat(100)])));
  const { code, stdout, stderr } = await bench.syncline(['sync', '--max-transfer', '1k', 'a', 'b']);
  assert.equal(code, 1, stdout);
  assert.match(stdout + stderr, /not everything was done/);
  assert.equal((await bench.syncline(['sync', 'a', 'b'])).code, 0);
  assert.equal((await bench.syncline(['verify', 'a', 'b'])).code, 0);
});

test('options that make no sense are named in one sentence', async () => {
  using bench = new Bench();
  bench.write({ 'a/x': '1' });
  const mistakes: readonly (readonly [args: readonly string[], says: RegExp])[] = [
    [['--bandwidth', 'fast'], /bytes a second such as 512k/], [['--bandwidth', '25:00,1k 8:00,off'], /a timetable such as/], [['--max-transfer', 'much'], /a number of bytes/],
    [['--max-duration', '1y'], /a time such as 90s/], [['--checksum', '--size-only'], /cannot be used with/], [['--update', '--immutable'], /cannot be used with/],
  ];
  for (const [args, says] of mistakes) {
    const { code, stderr } = await bench.syncline(['sync', ...args, 'a', 'b']);
    assert.equal(code, 2, args.join(' '));
    assert.match(stderr, says);
  }
});

test('what a run remembers may lie in one of its own directories, and is no part of what is mirrored', async () => {
  using bench = new Bench();
  bench.write({ 'a/x': '1', 'a/sub/y': '2' });
  const run = (...more: readonly string[]): ReturnType<Bench['syncline']> => bench.syncline(['sync', '--delete', ...more]);
  for (const state of ['a/sub/state.db', 'b/state.db']) {
    for (let round = 0; round < 2; round++) {
      const { code, stderr } = await run('--state', state, 'a', 'b');
      assert.equal(code, 0, stderr);
    }
    assert.ok(existsSync(bench.at(state)) && !existsSync(bench.at('b/sub/state.db')));
    rmSync(bench.at(state));
  }
  assert.match((await run('--explain', '--state', 'a/sub/state.db', 'a', 'b')).stdout, /^- a\/sub\/state\.db \(this program keeps its own memory there\)$/m);
  // A home that is mirrored holds the memory of that very mirror.
  const home = await bench.syncline(['sync', '.', 's'], { environment: { HOME: bench.path, XDG_STATE_HOME: bench.at('.state') } });
  assert.notEqual(home.code, 0, 'a directory within its origin');
  bench.write({ 'home/f': '1' });
  for (const left of [1, 0]) {
    const { stdout, code, stderr } = await bench.syncline(['sync', '--report', 'json', 'home', 'out'], { environment: { HOME: bench.at('home'), XDG_STATE_HOME: '' } });
    assert.equal(code, 0, stderr);
    assert.equal((JSON.parse(stdout) as Report).counts.created, left);
  }
});

test('a directory that holds most of everything may be renamed; as much that is something else is refused, in one row', async () => {
  using bench = new Bench();
  const files = (folder: string, text: string): { readonly [path: string]: string } => Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`${folder}/${i}`, `${text} ${i}`]));
  bench.write({ ...files('a/big', 'text'), 'a/small': '1' });
  assert.equal((await bench.syncline(['sync', 'a', 'b'])).code, 0);
  renameSync(bench.at('a/big'), bench.at('a/moved'));
  assert.doesNotMatch((await bench.syncline(['sync', '--delete', '--dry-run', 'a', 'b'])).stdout, /would end here/);
  const strict = await bench.syncline(['sync', '--delete', '--max-deletes', '10', 'a', 'b']);
  assert.equal(strict.code, 4);
  const moved = await bench.syncline(['sync', '--delete', '--report', 'json', 'a', 'b']);
  assert.equal(moved.code, 0, moved.stderr);
  assert.deepEqual(readdirSync(bench.at('b')).sort(), ['moved', 'small']);
  rmSync(bench.at('a/moved'), { recursive: true });
  bench.write(files('a/other', 'else'));
  assert.match((await bench.syncline(['sync', '--delete', '--dry-run', 'a', 'b'])).stdout, /would end here/);
  const refused = await bench.syncline(['sync', '--delete', 'a', 'b']);
  assert.equal(refused.code, 4);
  assert.match(refused.stderr, /refusing to delete 30 of 31 entries/);
  assert.match(refused.stdout, /^files /m);
  assert.doesNotMatch(refused.stdout, /no type|unguarded/);
  assert.equal(readdirSync(bench.at('b/moved')).length, 30);
});
