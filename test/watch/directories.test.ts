import assert from 'node:assert/strict';
import { appendFileSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { SyncError } from '../../src/model/errors.ts';
import { plainHost } from '../../src/model/plain-host.ts';
import { TreeStore } from '../../src/stores/tree/tree-store.ts';
import { faulty } from '../../src/testing/faulty.ts';
import { wrap } from '../../src/testing/wrap.ts';
import { Trees } from './trees.ts';

const everything = { maxDeletes: Infinity };

/** How many changes a storm has; the environment can ask for a longer one. */
const storm = Number(process.env['SYNCLINE_STORM'] ?? 10_000);

/** Some files, and somebody watching. */
async function watched(files: number, options: Parameters<Trees['start']>[0] = {}): Promise<Trees> {
  const trees = new Trees();
  for (let i = 0; i < files; i++) trees.write(`old/${i % 10}/${i}.txt`, `text ${i}`);
  await trees.start({ pollEveryMs: 500, ...options });
  await trees.settle();
  return trees;
}

describe('a watched directory', () => {
  it('has its files copied when they are made, changed, and removed', async () => {
    await using trees = await watched(5);
    trees.write('new.txt', 'text');
    await trees.settle();
    appendFileSync(trees.at('new.txt'), ' and more');
    await trees.settle();
    rmSync(trees.at('new.txt'));
    await trees.settle();
    assert.ok(!existsSync(join(trees.target, 'new.txt')));
  });

  it('is listened to, and only looked at where something changed', async () => {
    await using trees = await watched(20);
    trees.write('old/3/3.txt', 'changed');
    await trees.settle();
    const started = trees.events.filter((event) => event.kind === 'started');
    assert.deepEqual(started.map(({ reach }) => reach), ['everything', ['old/3/3.txt']]);
  });

  it('has a file of the same size and another content copied', async () => {
    await using trees = await watched(5);
    for (let i = 0; i < 10; i++) {
      trees.write('old/3/3.txt', `text ${i}`);
      await trees.settle();
    }
  });

  it('misses no file that is made in a new directory at once', async () => {
    await using trees = await watched(5);
    for (let i = 0; i < 50; i++) for (let j = 0; j < 10; j++) trees.write(`new/${i}/deep/er/${j}`, `${i} ${j}`);
    await trees.settle();
    assert.equal(readdirSync(join(trees.target, 'new')).length, 50);
  });

  it('has files and directories renamed', async () => {
    // Under its old name everything is gone, which the guard would take for a loss.
    await using trees = await watched(50, { pairing: { guard: everything } });
    renameSync(trees.at('old/1/1.txt'), trees.at('old/1/renamed.txt'));
    await trees.settle();
    renameSync(trees.at('old/2'), trees.at('renamed'));
    await trees.settle();
    trees.write('renamed/more.txt', 'in the renamed directory');
    await trees.settle();
    renameSync(trees.at('renamed'), trees.at('old/2'));
    renameSync(trees.at('old'), trees.at('new'));
    trees.write('new/2/again.txt', 'in the directory that was renamed twice');
    await trees.settle();
    assert.deepEqual(readdirSync(trees.target), ['new']);
  });

  it('has what is moved in and out copied and removed', async () => {
    await using trees = await watched(50);
    const outside = join(trees.path, 'outside');
    mkdirSync(join(outside, 'sub'), { recursive: true });
    for (let i = 0; i < 10; i++) writeFileSync(join(outside, 'sub', String(i)), `from outside ${i}`);
    renameSync(outside, trees.at('inside'));
    await trees.settle();
    renameSync(trees.at('inside/sub'), join(trees.path, 'out again'));
    renameSync(trees.at('old/1/1.txt'), join(trees.path, 'one file'));
    await trees.settle();
    assert.ok(!existsSync(join(trees.target, 'inside')));
  });

  it('is copied as editors leave it: nothing of the file that was written beside or moved away', async () => {
    await using trees = await watched(5);
    for (let i = 0; i < 10; i++) {
      writeFileSync(trees.at('old/1/.1.txt.swp'), `version ${i}`);
      renameSync(trees.at('old/1/1.txt'), trees.at('old/1/1.txt~'));
      renameSync(trees.at('old/1/.1.txt.swp'), trees.at('old/1/1.txt'));
      rmSync(trees.at('old/1/1.txt~'));
      if (i % 3 === 0) await trees.settle();
    }
    await trees.settle();
    assert.deepEqual(readdirSync(join(trees.target, 'old/1')), ['1.txt']);
  });

  it('has a removed directory removed, with all below it', async () => {
    await using trees = await watched(100);
    rmSync(trees.at('old/4'), { recursive: true });
    await trees.settle();
    mkdirSync(trees.at('old/4'));
    trees.write('old/4/back.txt', 'made again');
    await trees.settle();
    assert.deepEqual(readdirSync(join(trees.target, 'old/4')), ['back.txt']);
  });

  it('takes a file for a directory of its name, and the other way round', async () => {
    await using trees = await watched(20);
    rmSync(trees.at('old/1'), { recursive: true });
    trees.write('old/1', 'a file now');
    await trees.settle();
    rmSync(trees.at('old/1'));
    trees.write('old/1/below', 'a directory again');
    await trees.settle();
  });

  it('survives files that are made and removed at once, and 200 deletions', async () => {
    await using trees = await watched(500);
    for (let i = 0; i < 300; i++) {
      trees.write(`brief/${i}`, 'text');
      rmSync(trees.at(`brief/${i}`));
    }
    await trees.settle();
    for (let i = 0; i < 200; i++) {
      rmSync(trees.at(`old/${i % 10}/${i}.txt`));
      if (i % 20 === 0) await sleep(30);
    }
    await trees.settle();
    trees.write('after.txt', 'still alive');
    await trees.settle();
  });

  it('is copied in full after a storm', async () => {
    await using trees = await watched(100, { pairing: { guard: everything } });
    for (let i = 0; i < storm; i++) {
      if (i % 3 < 2) trees.write(`storm/${i % 97}/${i % 10_000}.txt`, `storm ${i}`);
      else rmSync(trees.at(`storm/${(i - 1) % 97}/${(i - 1) % 10_000}.txt`), { force: true });
      if (i % 500 === 0) await sleep(1);
    }
    await trees.settle();
  });

  it('is equal in the end when the target fails for a while', async () => {
    const state = { down: false };
    const trees = new Trees();
    const store = new TreeStore(trees.target, plainHost, { missing: 'empty' });
    const target = wrap(store, {
      write: async (batch, call) => (state.down ? batch.map(() => ({ kind: 'failed', error: new SyncError('unavailable', 'no space is left on the device') })) : await store.write(batch, call)),
    });
    await using _ = trees;
    trees.write('first', 'text');
    await trees.start({ pairing: { target }, pollEveryMs: 500, backoff: { firstMs: 50, mostMs: 500 } });
    state.down = true;
    for (let i = 0; i < 20; i++) trees.write(`during/${i}`, 'text');
    await trees.heard('trouble');
    rmSync(trees.at('during/3'));
    state.down = false;
    await trees.settle();
    await trees.heard('recovered');
    assert.equal(trees.events.filter(({ kind }) => kind === 'trouble').length, 1);
  });

  it('is equal in the end when answers get lost and listings break off', async () => {
    const trees = new Trees();
    const target = faulty(new TreeStore(trees.target, plainHost, { missing: 'empty' }), { seed: 7, faults: { 'lose-answer': 0.1, 'fail-one': 0.1, 'cut-scan': 0.1, 'refuse': 0.1 }, most: 30 });
    await using _ = trees;
    await trees.start({ pairing: { target, guard: everything }, pollEveryMs: 500, backoff: { firstMs: 20, mostMs: 100 } });
    for (let i = 0; i < 200; i++) {
      trees.write(`a/${i % 40}`, `text ${i}`);
      if (i % 7 === 0) rmSync(trees.at(`a/${i % 40}`));
      await sleep(5);
    }
    await trees.settle();
  });

  it('may vanish without anything being deleted, and is mirrored again when it is back', async () => {
    await using trees = await watched(30, { pollEveryMs: 200, backoff: { firstMs: 50, mostMs: 500 } });
    const away = join(trees.path, 'away');
    renameSync(trees.source, away);
    await trees.heard('trouble');
    await sleep(500);
    assert.equal(readdirSync(join(trees.target, 'old')).length, 10);
    writeFileSync(join(away, 'meanwhile.txt'), 'text');
    renameSync(away, trees.source);
    await trees.settle();
    trees.write('after.txt', 'text');
    await trees.settle();
  });

  it('may turn up empty, as an unmounted disk does, without anything being deleted', async () => {
    await using trees = await watched(30, { pollEveryMs: 200, backoff: { firstMs: 50, mostMs: 500 } });
    const away = join(trees.path, 'away');
    renameSync(trees.source, away);
    mkdirSync(trees.source);
    await trees.heard('refused');
    await sleep(500);
    assert.equal(readdirSync(join(trees.target, 'old')).length, 10);
    rmSync(trees.source, { recursive: true });
    renameSync(away, trees.source);
    trees.write('after.txt', 'text');
    await trees.settle();
  });
});
