import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Trees } from './trees.ts';

/** A small disk in memory, mounted at a directory until it is disposed of. */
class Disk implements Disposable {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
    const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', path]);
    if (status !== 0) throw new Error('cannot mount');
  }

  /** Takes it away even where it is in use. */
  [Symbol.dispose](): void {
    spawnSync('umount', ['-l', this.#path]);
  }
}

function whyNot(): string | false {
  if (process.platform !== 'linux') return 'disks in memory are mounted on Linux only';
  const path = mkdtempSync(join(tmpdir(), 'syncline-disk-'));
  try {
    using _ = new Disk(path);
    return statfsSync(path).blocks > 0 ? false : 'the disk has no size';
  } catch {
    return 'only an administrator can mount a disk';
  } finally {
    rmSync(path, { recursive: true, force: true });
  }
}

const skip = whyNot();

test('a disk that fills up does not end the watching, and once there is room everything is copied', { skip }, async () => {
  await using trees = new Trees();
  mkdirSync(trees.target);
  using _ = new Disk(trees.target);
  trees.write('kept', 'small');
  await trees.start({ backoff: { firstMs: 50, mostMs: 500 }, pairing: { guard: { maxDeletes: Infinity } } });
  for (let i = 0; i < 8; i++) trees.write(`large/${i}`, String(i).repeat(200_000));
  const { troubles } = await trees.heard('trouble');
  assert.match(troubles[0]?.error.message ?? '', /no space is left/);
  trees.write('meanwhile', 'text');
  for (let i = 0; i < 6; i++) rmSync(trees.at(`large/${i}`));
  await trees.settle();
  await trees.heard('recovered');
  assert.equal(trees.events.filter(({ kind }) => kind === 'trouble').length, 1);
});

test('a disk that is unmounted under the source leaves the target as it is', { skip }, async () => {
  await using trees = new Trees();
  {
    using _ = new Disk(trees.source);
    for (let i = 0; i < 20; i++) trees.write(`files/${i}`, `text ${i}`);
    await trees.start({ pollEveryMs: 100, fullEveryMs: 500, backoff: { firstMs: 50, mostMs: 200 } });
    await trees.settle();
  }
  await trees.heard('refused');
  // An empty mount point must not pass for a source of its own, either.
  trees.write('in the mount point', 'text');
  await sleep(1_500);
  assert.equal(readdirSync(join(trees.target, 'files')).length, 20);
});
