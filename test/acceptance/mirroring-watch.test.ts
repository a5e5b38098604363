import assert from 'node:assert/strict';
import { appendFileSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { missingS3 } from '../services/s3.ts';
import { bucketMirror, until } from './mirror.ts';
import type { BucketMirror, Holding, Watching } from './mirror.ts';

const base: Holding = { '1': 'one', 'a/2': 'two', 'a/b/3': 'three', 'c/4': 'four', 'd/5': 'five', 'd/6': 'six', 'd/7': 'seven', 'd/8': 'eight' };
const files = Object.fromEntries(Object.entries(base).map(([key, text]) => [`mystuff/${key}`, text]));

/** A bucket that is watched into, and holds what there is. */
async function watched(more: readonly string[] = []): Promise<BucketMirror & { readonly watching: Watching }> {
  const made = await bucketMirror();
  made.mirror.write(files);
  const watching = await made.mirror.watch([`--source_prefix=${made.mirror.home}/mystuff/`, ...more, 'mystuff']);
  await made.mirror.comesToHold(base);
  made.forget();
  return Object.assign(made, { watching });
}

function without(holding: Holding, ...keys: readonly string[]): Holding {
  return Object.fromEntries(Object.entries(holding).filter(([key]) => !keys.includes(key)));
}

describe('watching', { skip: missingS3 ?? false }, () => {
  test('A18: a new file is uploaded, and again, once and whole, when something is appended', async () => {
    await using made = await watched();
    const { mirror } = made;
    writeFileSync(mirror.at('mystuff/new'), 'first');
    await mirror.comesToHold({ ...base, new: 'first' });
    made.forget();
    appendFileSync(mirror.at('mystuff/new'), ' and second');
    await mirror.comesToHold({ ...base, new: 'first and second' });
    writeFileSync(mirror.at('mystuff/last'), 'x');
    await mirror.comesToHold({ ...base, new: 'first and second', last: 'x' });
    assert.deepEqual(made.writes.filter((line) => line.endsWith('/new')), [`PUT /${made.bucket}/new`]);
    assert.equal(await made.watching.stop(), 0);
  });

  test('A19: a file that is deleted is deleted', async () => {
    await using made = await watched();
    rmSync(made.mirror.at('mystuff/a/2'));
    await made.mirror.comesToHold(without(base, 'a/2'));
    assert.equal(await made.watching.stop(), 0);
  });

  test('A20: what is renamed, moved in or moved out goes with its name, a directory as well', async () => {
    await using made = await watched();
    const { mirror } = made;
    const at = (path: string): string => mirror.at(path);
    renameSync(at('mystuff/1'), at('mystuff/one'));
    await mirror.comesToHold({ ...without(base, '1'), one: 'one' });
    renameSync(at('mystuff/a'), at('mystuff/z'));
    const renamed = { ...without(base, '1', 'a/2', 'a/b/3'), 'one': 'one', 'z/2': 'two', 'z/b/3': 'three' };
    await mirror.comesToHold(renamed);
    mirror.write({ 'outside/x/y': 'in' });
    renameSync(at('outside/x'), at('mystuff/x'));
    await mirror.comesToHold({ ...renamed, 'x/y': 'in' });
    writeFileSync(at('mystuff/x/more'), 'seen');
    await mirror.comesToHold({ ...renamed, 'x/y': 'in', 'x/more': 'seen' });
    renameSync(at('mystuff/z'), at('outside/z'));
    await mirror.comesToHold({ ...without(renamed, 'z/2', 'z/b/3'), 'x/y': 'in', 'x/more': 'seen' });
    writeFileSync(at('outside/z/2'), 'not seen');
    writeFileSync(at('mystuff/end'), 'x');
    await mirror.comesToHold({ ...without(renamed, 'z/2', 'z/b/3'), 'x/y': 'in', 'x/more': 'seen', 'end': 'x' });
    assert.equal(await made.watching.stop(), 0);
  });

  test('A21: a file that an editor writes beside and moves into place is uploaded, and nothing is left of the other', async () => {
    await using made = await watched();
    const { mirror } = made;
    for (const text of ['edited', 'edited twice']) {
      writeFileSync(mirror.at('mystuff/.1.swp'), text);
      renameSync(mirror.at('mystuff/.1.swp'), mirror.at('mystuff/1'));
      await mirror.comesToHold({ ...base, '1': text });
    }
    assert.equal(await made.watching.stop(), 0);
  });

  test('A22: files in directories that were just made are uploaded, one or five hundred', async () => {
    await using made = await watched();
    const { mirror } = made;
    mkdirSync(mirror.at('mystuff/x/y'), { recursive: true });
    writeFileSync(mirror.at('mystuff/x/y/f'), 'f');
    await mirror.comesToHold({ ...base, 'x/y/f': 'f' });
    const many = Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`n/${i % 10}/${i % 50}/${i}`, String(i)]));
    mirror.write(Object.fromEntries(Object.entries(many).map(([key, text]) => [`mystuff/${key}`, text])));
    await mirror.comesToHold({ ...base, 'x/y/f': 'f', ...many });
    assert.equal(await made.watching.stop(), 0);
  });

  test('A23: all keys below a directory that is removed are deleted', async () => {
    await using made = await watched();
    rmSync(made.mirror.at('mystuff/d'), { recursive: true });
    await made.mirror.comesToHold(without(base, 'd/5', 'd/6', 'd/7', 'd/8'));
    assert.equal(await made.watching.stop(), 0);
  });

  test('A24: a file that comes and goes at once does no harm, and neither do two hundred deletions', async () => {
    await using made = await bucketMirror();
    const { mirror } = made;
    const kept = Object.fromEntries(Array.from({ length: 250 }, (_, i) => [`kept/${i}`, String(i)]));
    const gone = Array.from({ length: 200 }, (_, i) => `gone/${i}`);
    mirror.write(Object.fromEntries([...Object.entries(kept), ...gone.map((key) => [key, key])].map(([key, text]) => [`mystuff/${key}`, text!])));
    const watching = await mirror.watch([`--source_prefix=${mirror.home}/mystuff/`, 'mystuff']);
    await until('all are there', async () => (await mirror.keys()).length === 450);
    for (const key of gone) rmSync(mirror.at('mystuff', key));
    for (let i = 0; i < 20; i++) {
      writeFileSync(mirror.at('mystuff/brief'), String(i));
      rmSync(mirror.at('mystuff/brief'));
    }
    await mirror.comesToHold(kept);
    writeFileSync(mirror.at('mystuff/after'), 'still here');
    await mirror.comesToHold({ ...kept, after: 'still here' });
    assert.equal(await watching.stop(), 0);
  });

  test('A25: what is written while the first pass is under way is there in the end', async () => {
    await using made = await bucketMirror();
    const { mirror, proxy } = made;
    const wanted: Record<string, string> = {};
    for (let i = 0; i < 300; i++) wanted[`f${i}`] = 'old';
    mirror.write(Object.fromEntries(Object.entries(wanted).map(([key, text]) => [`mystuff/${key}`, text])));
    proxy.rule = ({ kind }) => (kind === 'put' ? { fault: 'delay', ms: 30 } : undefined);
    const watching = await mirror.watch([`--source_prefix=${mirror.home}/mystuff/`, '--threads=4', 'mystuff'], { first: false });
    await until('uploads have begun', () => made.writes.length > 20);
    for (let i = 0; i < 300; i += 7) writeFileSync(mirror.at(`mystuff/f${i}`), (wanted[`f${i}`] = `new content ${i}`));
    rmSync(mirror.at('mystuff/f299'));
    delete wanted['f299'];
    await mirror.comesToHold(wanted);
    assert.equal(await watching.stop(), 0);
  });
});
