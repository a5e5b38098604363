// What can be wrong with directories: each is said in a sentence, and loses nothing.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync } from 'node:fs';
import { describe, test } from 'node:test';
import { Bench } from './command.ts';

const nobody = 65_534;
const administrator = process.getuid?.() === 0;

test('a file and a directory that may not be read are named, everything else is copied, and nothing is deleted', { skip: process.platform === 'win32' }, async (t) => {
  using bench = new Bench();
  bench.write({ 'a/fine': '1', 'a/secret': '2', 'a/closed/inside': '3', 'b/old': '4', 'b/secret': 'before' });
  chmodSync(bench.at('a/secret'), 0);
  chmodSync(bench.at('a/closed'), 0);
  if (administrator) execFileSync('chown', ['-R', String(nobody), bench.path]);
  const { code, stdout, stderr } = await bench.syncline(['sync', '--delete', '--max-deletes', 'all', 'a', 'b'], administrator ? { user: nobody } : {});
  chmodSync(bench.at('a/closed'), 0o755);
  if (/Cannot find module|EACCES.*main\.ts/.test(stderr)) return t.skip('nobody else can run the program here');
  assert.equal(code, 1, stderr);
  assert.match(stdout, /a\/closed.*permission/);
  assert.match(stdout, /a\/secret.*permission/);
  assert.match(stdout, /nothing was deleted/);
  assert.deepEqual(readdirSync(bench.at('b')).sort(), ['fine', 'old', 'secret']);
});

/** A disk in memory that may only be read, while `body` runs. */
async function onReadOnlyDisk(path: string, body: () => Promise<void>): Promise<boolean> {
  mkdirSync(path);
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m,ro', 'tmpfs', path]).status !== 0) return false;
  try {
    await body();
  } finally {
    spawnSync('umount', ['-l', path]);
  }
  return true;
}

describe('a target that may only be read', { skip: process.platform !== 'linux' }, () => {
  test('is called that, whether the directory is there or not', async (t) => {
    using bench = new Bench();
    bench.write({ 'a/x': '1' });
    const mounted = await onReadOnlyDisk(bench.at('disk'), async () => {
      for (const target of ['disk', 'disk/deep/down']) {
        const { code, stdout } = await bench.syncline(['sync', 'a', target]);
        assert.equal(code, 1);
        assert.match(stdout, /cannot write .*\/x: the file system is read-only: mount it for writing/);
      }
    });
    if (!mounted) t.skip('only an administrator can mount a disk');
    assert.ok(!existsSync(bench.at('disk/x')));
  });
});
