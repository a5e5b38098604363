import assert from 'node:assert/strict';
import { readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { describe, test } from 'node:test';
import { ActorStore, compareKeys, sync } from '../../src/index.ts';
import type { Actor, Listed } from '../../src/index.ts';
import { missingS3 } from '../services/s3.ts';
import { bucketMirror, folderMirror, mystuff } from './mirror.ts';
import type { BucketMirror } from './mirror.ts';

const skip = missingS3 ?? false;

/** A bucket that holds the tree already. */
async function mirrored(flags: (home: string) => readonly string[]): Promise<BucketMirror> {
  const made = await bucketMirror();
  made.mirror.write(mystuff);
  const { code, stderr } = await made.mirror.once([...flags(made.mirror.home), 'mystuff']);
  assert.equal(code, 0, stderr);
  made.forget();
  return made;
}

const plain = (home: string): readonly string[] => [`--source_prefix=${home}/mystuff/`];

describe('keys', { skip }, () => {
  test('A1: an empty bucket comes to hold just the files, the first included', async () => {
    await using made = await mirrored(plain);
    assert.deepEqual(await made.mirror.holds(), { '1': 'one', 'a/2': 'two', 'a/b/3': 'three', 'c/4': 'four' });
  });

  test('A2: without a source prefix keys are absolute paths, at S3 without their first slash', async () => {
    await using made = await mirrored(() => []);
    const { mirror } = made;
    const paths = Object.keys(mystuff).map((path) => `${mirror.home}/${path}`);
    assert.deepEqual(await mirror.keys(), paths.map((path) => path.slice(1)).sort());
    using folder = folderMirror();
    folder.write(mystuff);
    assert.equal((await folder.once(['mystuff'])).code, 0);
    assert.deepEqual(await folder.keys(), Object.keys(mystuff).map((path) => `${folder.home}/${path}`).sort());
  });

  test('A3: a source prefix that is a part of the path leaves the rest of it', async () => {
    await using made = await mirrored((home) => [`--source_prefix=${dirname(home)}/`]);
    const { mirror } = made;
    const rest = mirror.home.slice(dirname(mirror.home).length + 1);
    assert.deepEqual(await mirror.keys(), Object.keys(mystuff).map((path) => `${rest}/${path}`).sort());
  });

  test('A4: a source prefix without a slash at its end leaves one, which S3 does not get and others do', async () => {
    await using made = await mirrored((home) => [`--source_prefix=${home}/mystuff`]);
    assert.deepEqual(await made.mirror.keys(), ['1', 'a/2', 'a/b/3', 'c/4']);
    using folder = folderMirror();
    folder.write(mystuff);
    await folder.once([`--source_prefix=${folder.home}/mystuff`, 'mystuff']);
    assert.deepEqual(await folder.keys(), ['/1', '/a/2', '/a/b/3', '/c/4']);
  });

  test('A5: a target prefix is put in front, with either spelling of its flag', async () => {
    await using made = await mirrored((home) => [...plain(home), '--target-prefix=/foo/bar/']);
    assert.deepEqual(await made.mirror.keys(), ['foo/bar/1', 'foo/bar/a/2', 'foo/bar/a/b/3', 'foo/bar/c/4']);
    for (const flag of ['--target-prefix=/foo/bar/', '--target_prefix=/foo/bar']) {
      using folder = folderMirror();
      folder.write(mystuff);
      await folder.once([flag, '--source-prefix', `${folder.home}/mystuff/`, 'mystuff']);
      assert.deepEqual(await folder.keys(), ['/foo/bar/1', '/foo/bar/a/2', '/foo/bar/a/b/3', '/foo/bar/c/4']);
    }
  });
});

describe('the second run', { skip }, () => {
  test('A6: with a target prefix, writes nothing', async () => {
    await assertQuiet((home) => [...plain(home), '--target_prefix=/foo/bar/'], { bounded: true });
  });

  test('A7: without prefixes, writes nothing', async () => {
    await assertQuiet(() => [], { bounded: false });
  });

  test('A8: a file that was removed is deleted, and nothing else', async () => {
    await using made = await mirrored(plain);
    const { mirror } = made;
    rmSync(mirror.at('mystuff/a/2'));
    assert.equal((await mirror.once([...plain(mirror.home), 'mystuff'])).code, 0);
    assert.deepEqual(await mirror.keys(), ['1', 'a/b/3', 'c/4']);
    assert.deepEqual(made.writes.filter((line) => line !== `DELETE /${made.bucket}/a/2`), []);
  });

  test('A9: what only the target holds is deleted, though it comes first or last', async () => {
    await using made = await mirrored(plain);
    const { mirror } = made;
    for (const surplus of ['0', 'zz']) {
      await mirror.put({ [surplus]: 'x' });
      assert.equal((await mirror.once([...plain(mirror.home), 'mystuff'])).code, 0);
      assert.deepEqual(await mirror.keys(), ['1', 'a/2', 'a/b/3', 'c/4']);
    }
  });

  test('A10: another content of the same size is uploaded', async () => {
    await using made = await mirrored(plain);
    const { mirror } = made;
    mirror.write({ 'mystuff/1': 'ONE' });
    assert.equal((await mirror.once([...plain(mirror.home), 'mystuff'])).code, 0);
    assert.equal((await mirror.holds())['1'], 'ONE');
    assert.deepEqual(made.writes, [`PUT /${made.bucket}/1`]);
  });

  test('A11: another content of another size is uploaded, and so is what comes after it', async () => {
    await using made = await mirrored(plain);
    const { mirror } = made;
    mirror.write({ 'mystuff/1': 'one and more', 'mystuff/c/4': 'four and more', 'mystuff/d': 'new' });
    assert.equal((await mirror.once([...plain(mirror.home), 'mystuff'])).code, 0);
    assert.deepEqual(await mirror.holds(), { '1': 'one and more', 'a/2': 'two', 'a/b/3': 'three', 'c/4': 'four and more', 'd': 'new' });
  });

  test('A12: a file that has only another time is not uploaded', async () => {
    await using made = await mirrored(plain);
    const { mirror } = made;
    utimesSync(mirror.at('mystuff/1'), 1e9, 1e9);
    writeFileSync(mirror.at('mystuff/a/2'), 'two');
    assert.equal((await mirror.once([...plain(mirror.home), 'mystuff'])).code, 0);
    assert.deepEqual(made.writes, []);
  });
});

describe('filters', { skip }, () => {
  const files = { 'mystuff/a.txt': 'a', 'mystuff/b.txt.gz': 'b', 'mystuff/c/d.txt': 'd', 'mystuff/e': 'e' };

  test('A13: only what matches is uploaded, from the start of the absolute path and not to its end', async () => {
    await using made = await bucketMirror();
    const { mirror } = made;
    mirror.write(files);
    assert.equal((await mirror.once([...plain(mirror.home), String.raw`--source_filter=.*\.txt$`, 'mystuff'])).code, 0);
    assert.deepEqual(await mirror.keys(), ['a.txt', 'c/d.txt']);
    assert.equal((await mirror.once([...plain(mirror.home), '--source_filter=a', 'mystuff'])).code, 0);
    assert.deepEqual(await mirror.keys(), ['a.txt', 'c/d.txt'], 'nothing begins with a, and what is left out is left alone');
    assert.equal((await mirror.once([...plain(mirror.home), `--source_filter=${mirror.home}/mystuff/b`, 'mystuff'])).code, 0);
    assert.deepEqual(await mirror.keys(), ['a.txt', 'b.txt.gz', 'c/d.txt']);
  });

  test('A14: what the filter leaves out is left alone at the target', async () => {
    await using made = await bucketMirror();
    const { mirror } = made;
    mirror.write(files);
    await mirror.put({ 'x.txt': 'x', 'x.bin': 'x' });
    assert.equal((await mirror.once([...plain(mirror.home), String.raw`--source_filter=.*\.txt$`, 'mystuff', '--max_deletes=1'])).code, 0);
    assert.deepEqual(await mirror.keys(), ['a.txt', 'c/d.txt', 'x.bin']);
  });

  test('A15: the exclusion wins over the filter', async () => {
    await using made = await bucketMirror();
    const { mirror } = made;
    mirror.write(files);
    assert.equal((await mirror.once([...plain(mirror.home), String.raw`--source_filter=.*\.txt$`, '--source_exclude=.*/c/', 'mystuff'])).code, 0);
    assert.deepEqual(await mirror.keys(), ['a.txt']);
  });
});

describe('actors', () => {
  const module = `
    import { appendFileSync } from 'node:fs';
    export const list = () => [];
    export const upload = async (file) => appendFileSync('taken', file.key + ' ' + await file.md5() + '\\n');
    const remove = async () => {};
    export { remove as delete };
  `;

  test('A16: an actor is found by its name; one that is not there is named, and nothing is done', async () => {
    using mirror = folderMirror();
    mirror.write({ ...mystuff, 'node_modules/my-actor/index.mjs': module, 'node_modules/my-actor/package.json': '{"exports":"./index.mjs"}', 'here.mjs': module, 'other.mjs': 'export const list = 1;', 'named.mjs': `${module} const d = remove; export const Connection = () => ({ list, upload, delete: d });` });
    const run = async (actor: string): Promise<readonly [number | null, string]> => {
      const { code, stderr } = await mirror.plain(['--once', `--actor=${actor}`, '--target_container=x', `--source_prefix=${mirror.home}/mystuff/`, 'mystuff']);
      return [code, stderr];
    };
    for (const actor of ['my-actor', './here.mjs', mirror.at('here.mjs'), './named.mjs#Connection']) {
      rmSync(mirror.at('taken'), { force: true });
      const [code, stderr] = await run(actor);
      assert.equal(code, 0, stderr);
      assert.match(readFileSync(mirror.at('taken'), 'utf8'), /^1 f97c5d29941bfb1b2fdab0874906ab82\na\/2 /);
    }
    for (const actor of ['my.mod.Connection', './nowhere.mjs', './other.mjs', './here.mjs#Connection']) {
      const [code, stderr] = await run(actor);
      assert.equal(code, 2);
      assert.match(stderr, /^autosync: .*actor.*\n$/);
    }
  });

  test('A17: an actor in a program needs no more than list, upload and delete; where it is sorted, uploads begin while it lists', async () => {
    using mirror = folderMirror();
    const names = Array.from({ length: 1_100 }, (_, i) => `a${String(i).padStart(4, '0')}`);
    mirror.write(Object.fromEntries(names.map((name) => [`many/${name}`, name])));
    for (const alreadySorted of [true, false]) {
      const held = new Map<string, number>();
      const uploaded = Promise.withResolvers<void>();
      let during: number | undefined;
      const actor: Actor = {
        ...(alreadySorted && { alreadySorted }),
        async *list({ under } = {}): AsyncGenerator<Listed> {
          if (under) return yield* under.flatMap((key) => (held.has(key) ? [{ key, size: held.get(key)! }] : []));
          for (let i = 0; i < 600; i++) yield { key: `z${String(i).padStart(4, '0')}`, size: 1 };
          if (alreadySorted) await uploaded.promise;
          during = held.size;
          yield { key: 'zz', size: 1 };
        },
        async upload(file) {
          for await (const _ of file.open());
          held.set(file.key, file.size ?? 0);
          uploaded.resolve();
        },
        async delete(key) { held.delete(key); },
      };
      const report = await sync(mirror.at('many'), new ActorStore(actor));
      assert.deepEqual([report.counts.created, report.counts.failed, report.counts.deleted], [1_100, 0, 0]);
      assert.deepEqual([...held.keys()].sort(compareKeys), names);
      assert.equal(during! > 0, alreadySorted);
    }
  });
});

/** Runs again, with and without a memory. What lies outside of a target prefix is nobody's affair. */
async function assertQuiet(flags: (home: string) => readonly string[], { bounded }: { readonly bounded: boolean }): Promise<void> {
  await using made = await mirrored(flags);
  const { mirror } = made;
  const again = (): ReturnType<typeof mirror.once> => mirror.once([...flags(mirror.home), 'mystuff']);
  await mirror.put({ elsewhere: 'x' });
  if (!bounded) await again();
  made.forget();
  for (const memory of ['kept', 'lost']) {
    if (memory === 'lost') rmSync(mirror.at('.state'), { recursive: true });
    const { code, stdout } = await again();
    assert.equal(code, 0);
    assert.match(stdout, /in step, nothing to do/);
    assert.deepEqual([made.writes, made.bulkDeletes], [[], 0]);
  }
  assert.equal((await mirror.keys()).includes('elsewhere'), bounded);
}
