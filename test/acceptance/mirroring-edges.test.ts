import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { missingS3 } from '../services/s3.ts';
import { bucketMirror, folderMirror, mystuff, until } from './mirror.ts';
import type { BucketMirror, Mirror } from './mirror.ts';

const skip = missingS3 ?? false;
const wanted = { '1': 'one', 'a/2': 'two', 'a/b/3': 'three', 'c/4': 'four' };

function once(mirror: Mirror, ...more: readonly string[]): ReturnType<Mirror['once']> {
  return mirror.once([`--source_prefix=${mirror.home}/mystuff/`, ...more, 'mystuff']);
}

/** A bucket that holds the tree already. */
async function mirrored(files: { readonly [path: string]: string } = mystuff): Promise<BucketMirror> {
  const made = await bucketMirror();
  made.mirror.write(files);
  const { code, stderr } = await once(made.mirror);
  assert.equal(code, 0, stderr);
  made.forget();
  return made;
}

function numbered(count: number, text: (i: number) => string = String): { readonly [path: string]: string } {
  return Object.fromEntries(Array.from({ length: count }, (_, i) => [`mystuff/f${String(i).padStart(5, '0')}`, text(i)]));
}

describe('files of all kinds', { skip }, () => {
  test('A26: names with letters beyond ASCII and with every kind of punctuation come back', async () => {
    const names = ['café', 'a b', 'a#b', 'a?b', 'a%b', 'a%20b', 'a+b', 'a\nb', '日本/\u{1F600}', `it's "so"`, 'a&b=<c>', 'back\\slash', '~', '[x]*'];
    const files = Object.fromEntries(names.map((name) => [`mystuff/${name}`, name]));
    const held = Object.fromEntries(names.map((name) => [name, name]));
    await using made = await mirrored(files);
    assert.deepEqual(await made.mirror.holds(), held);
    assert.match((await once(made.mirror)).stdout, /nothing to do/);
    using folder = folderMirror();
    folder.write(files);
    assert.equal((await once(folder)).code, 0);
    assert.deepEqual(await folder.holds(), held);
  });

  test('A27: an empty file is uploaded with no bytes, and an empty directory is nothing', async () => {
    await using made = await bucketMirror();
    const { mirror } = made;
    mirror.write({ 'mystuff/none': '' });
    mkdirSync(mirror.at('mystuff/empty/within'), { recursive: true });
    assert.equal((await once(mirror)).code, 0);
    assert.deepEqual(await mirror.holds(), { none: '' });
  });

  test('A28: a link to a file is that file; links to directories, to nothing and to themselves are passed over', async () => {
    await using made = await bucketMirror();
    const { mirror } = made;
    mirror.write({ ...mystuff, 'elsewhere/far': 'far away', 'elsewhere/more/x': 'x' });
    for (const [name, to] of [['near', '1'], ['far', '../elsewhere/far'], ['inside', 'a'], ['outside', '../elsewhere/more'], ['up', '.'], ['dangling', 'nowhere'], ['loop', 'loop']] as const) symlinkSync(to, mirror.at('mystuff', name));
    assert.equal((await once(mirror)).code, 0);
    assert.deepEqual(await mirror.holds(), { ...wanted, near: 'one', far: 'far away' });
    assert.match((await once(mirror)).stdout, /nothing to do/);
  });

  test('A29: a file that cannot be read is named, the others are uploaded, and the command does not end well', async (t) => {
    await using made = await bucketMirror();
    const { mirror } = made;
    mirror.write({ ...mystuff, 'mystuff/secret': 'x' });
    if (process.getuid?.() !== 0) chmodSync(mirror.at('mystuff/secret'), 0);
    else {
      // Whoever may read everything still has no key for a name that is no text.
      rmSync(mirror.at('mystuff/secret'));
      const name = Buffer.concat([Buffer.from(`${mirror.at('mystuff')}/secret`), Buffer.of(0xff)]);
      try {
        writeFileSync(name, 'x');
      } catch {
        return t.skip('nothing is unreadable here');
      }
    }
    const { code, stdout } = await once(mirror);
    assert.equal(code, 1);
    assert.match(stdout, /secret/);
    assert.deepEqual(await mirror.holds(), wanted);
  });
});

describe('safety', { skip }, () => {
  test('A30: a source that does not exist is an error, and so is none; the target stays as it is', async () => {
    await using made = await mirrored();
    const { mirror } = made;
    const prefix = `--source_prefix=${mirror.home}/mystuff/`;
    for (const sources of [['missing'], ['mystuff', 'missing']]) {
      const { code, stderr } = await mirror.once([prefix, ...sources]);
      assert.equal(code, 3);
      assert.match(stderr, /^autosync: missing does not exist/);
    }
    const { code, stderr } = await mirror.once([prefix]);
    assert.equal(code, 2);
    assert.match(stderr, /no source was named/);
    assert.deepEqual([made.writes, made.bulkDeletes], [[], 0]);
    assert.deepEqual(await mirror.holds(), wanted);
  });

  test('A31: an empty source deletes nothing unless that is allowed', async () => {
    await using made = await mirrored();
    const { mirror } = made;
    rmSync(mirror.at('mystuff'), { recursive: true });
    mkdirSync(mirror.at('mystuff'));
    const { code, stderr } = await once(mirror);
    assert.equal(code, 4);
    assert.match(stderr, /refusing to delete 4 of 4 entries/);
    assert.deepEqual(await mirror.holds(), wanted);
    assert.equal((await once(mirror, '--max_deletes=all')).code, 0);
    assert.deepEqual(await mirror.holds(), {});
  });

  test('A32: no target container, and a flag that is not known, are errors in the command line', async () => {
    using mirror = folderMirror();
    mirror.write(mystuff);
    for (const [args, says] of [
      [['mystuff'], /no target container/], [['--target_container=x', '--nosuch', 'mystuff'], /no flag --nosuch/],
      [['--target_container=x', '--once=perhaps', 'mystuff'], /true or false/], [['--target_container=x', '--threads=none', 'mystuff'], /whole number/],
    ] as const) {
      const { code, stdout, stderr } = await mirror.plain(args);
      assert.deepEqual([code, stdout], [2, ''], stderr);
      assert.match(stderr, says);
      assert.doesNotMatch(stderr, /\n {4}at /);
    }
  });
});

describe('the service', { skip }, () => {
  test('A33: a bucket that does not exist is created once; where that is denied, nothing is tried', async () => {
    await using made = await bucketMirror();
    made.mirror.write(numbered(100));
    assert.equal((await once(made.mirror, '--threads=50')).code, 0);
    assert.equal(made.writes.filter((line) => line === `PUT /${made.bucket}`).length, 1);
    assert.equal((await made.mirror.keys()).length, 100);
    await using denied = await bucketMirror();
    denied.mirror.write(mystuff);
    const { code, stderr, stdout } = await denied.mirror.once(['mystuff'], { environment: { AWS_SECRET_ACCESS_KEY: 'another' } });
    assert.equal(code, 3, stdout);
    assert.match(stderr, /^autosync: cannot list .*: the secret key does not fit the access key/);
    assert.deepEqual(denied.writes, []);
  });

  test('A34: what the service refuses for a moment is tried again; what it goes on refusing is reported', async () => {
    await using made = await bucketMirror();
    const { mirror, proxy } = made;
    mirror.write(mystuff);
    const tried = new Map<string, number>();
    proxy.rule = ({ kind, path }) => {
      if (kind !== 'put' || path.includes('.syncline-probe-')) return undefined;
      const times = (tried.get(path) ?? 0) + 1;
      tried.set(path, times);
      if (times > 1) return undefined;
      return path.endsWith('/2') ? { fault: 'status', status: 503, code: 'SlowDown' } : { fault: 'reset', when: 'during' };
    };
    const first = await once(mirror);
    assert.equal(first.code, 0, first.stdout + first.stderr);
    assert.deepEqual(await mirror.holds(), wanted);
    mirror.write({ 'mystuff/1': 'ONE', 'mystuff/a/2': 'TWO' });
    proxy.rule = ({ kind, path }) => (kind === 'put' && path.endsWith('/1') ? { fault: 'status', status: 503, code: 'SlowDown' } : undefined);
    const { code, stdout } = await once(mirror);
    assert.equal(code, 1);
    assert.match(stdout, /cannot (?:update|write).*1/);
    assert.deepEqual(await mirror.holds(), { ...wanted, 'a/2': 'TWO' });
  });

  test('A35: a listing of three pages is read to its end', async () => {
    await using made = await mirrored(numbered(2_500));
    const { mirror, proxy } = made;
    proxy.reset();
    rmSync(mirror.at('mystuff/f02499'));
    assert.equal((await once(mirror)).code, 0);
    assert.ok((proxy.traffic.requests.list ?? 0) >= 3);
    assert.equal((await mirror.keys()).length, 2_499);
  });

  test('A36: with eight threads at least six requests are under way at once', async () => {
    await using made = await bucketMirror();
    const { mirror, proxy } = made;
    mirror.write(numbered(80));
    // The first of them wait for the others, however slowly those come.
    proxy.rule = ({ kind, nth }) => (kind === 'put' && nth < 8 ? { fault: 'delay', ms: 1_500 } : undefined);
    assert.equal((await once(mirror, '--threads=8')).code, 0);
    const { mostInFlight } = proxy.traffic;
    assert.ok(mostInFlight >= 6 && mostInFlight <= 8, `${mostInFlight}`);
  });

  test('A37: two thousand files are uploaded with one request each, and the second run only lists', async () => {
    await using made = await bucketMirror();
    const { mirror, proxy } = made;
    mirror.write(numbered(2_000, (i) => String(i).padEnd(4_096)));
    assert.equal((await once(mirror)).code, 0);
    assert.equal(made.writes.filter((line) => line !== `PUT /${made.bucket}`).length, 2_000);
    proxy.reset();
    assert.equal((await once(mirror)).code, 0);
    const { requests: { list = 0 }, total } = proxy.traffic;
    assert.ok(list >= 2 && list === total, JSON.stringify(proxy.traffic));
  });
});

describe('running', { skip }, () => {
  test('A38: without a first pass only what changes is mirrored; what a cache file remembers is not read again', async (t) => {
    using mirror = folderMirror();
    mirror.write({ ...mystuff, 'container/surplus': 'x', 'container/more': 'x' });
    const there = { surplus: 'x', more: 'x' };
    const watching = await mirror.watch([`--source_prefix=${mirror.home}/mystuff/`, '--nostart_sync', 'mystuff'], { first: false });
    mirror.write({ 'mystuff/a/new': 'new' });
    await mirror.comesToHold({ ...there, 'a/new': 'new' });
    rmSync(mirror.at('mystuff/a/new'));
    await mirror.comesToHold(there);
    mirror.write({ 'mystuff/1': 'changed' });
    await mirror.comesToHold({ ...there, '1': 'changed' });
    assert.equal(await watching.stop(), 0);

    await using made = await bucketMirror();
    made.mirror.write(mystuff);
    // A file whose time is yet to come has its time of access set by every reading of it.
    const file = made.mirror.at('mystuff/1');
    utimesSync(file, 1e9, 2e9);
    const readBy = async (cache: string): Promise<boolean> => {
      const before = statSync(file, { bigint: true }).atimeNs;
      const { code, stdout, stderr } = await once(made.mirror, `--cachefile=${cache}`);
      assert.equal(code, 0, stdout + stderr);
      return statSync(file, { bigint: true }).atimeNs !== before;
    };
    if (!await readBy('cache')) return t.skip('this file system keeps no times of access');
    assert.equal(await readBy('cache'), false);
    assert.equal(await readBy('another'), true);
    assert.ok(existsSync(made.mirror.at('cache')));
  });

  test('A39: an interrupted command finishes what is under way, and says so in one line', async () => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      await using made = await bucketMirror();
      const { mirror, proxy } = made;
      mirror.write(numbered(120));
      proxy.rule = ({ kind }) => (kind === 'put' ? { fault: 'delay', ms: 50 } : undefined);
      const watching = await mirror.watch([`--source_prefix=${mirror.home}/mystuff/`, '--threads=4', 'mystuff'], { first: false });
      await until('uploads have begun', () => made.writes.length > 20);
      assert.equal(await watching.stop(signal), 0);
      assert.doesNotMatch(watching.said, /\n {4}at /);
      proxy.reset();
      const { code } = await once(mirror);
      assert.equal(code, 0);
      const holds = await mirror.holds();
      assert.deepEqual(holds, Object.fromEntries(Object.entries(numbered(120)).map(([path, text]) => [path.slice('mystuff/'.length), text])));
      made.forget();
      mirror.write({ 'mystuff/more': 'x' });
      let listing = false;
      proxy.rule = ({ kind }) => {
        if (kind !== 'list') return undefined;
        listing = true;
        return { fault: 'delay', ms: 500 };
      };
      const broken = await mirror.once([`--source_prefix=${mirror.home}/mystuff/`, 'mystuff'], { meanwhile: (child) => void until('it lists', () => listing).then(() => child.kill(signal)) });
      assert.equal(broken.code, 130);
      assert.doesNotMatch(broken.stderr, /\n {4}at /);
      assert.deepEqual(made.writes, []);
    }
  });

  test('A40: several sources are one; of one key in two of them the last one named wins', async () => {
    await using made = await bucketMirror();
    const { mirror } = made;
    mirror.write({ 'x/same/1': 'x', 'x/same/only x': 'x', 'y/same/1': 'y', 'y/same/only y': 'y', 'single': 'file' });
    const run = (...sources: readonly string[]): ReturnType<Mirror['once']> => mirror.once([`--source_prefix=${mirror.home}/`, ...sources]);
    assert.equal((await run('x', 'y', 'single')).code, 0);
    assert.deepEqual(await mirror.holds(), { 'single': 'file', 'x/same/1': 'x', 'x/same/only x': 'x', 'y/same/1': 'y', 'y/same/only y': 'y' });
    // S3 takes slashes off the front: two paths, one key.
    await using double = await bucketMirror();
    double.mirror.write({ 'near/1': 'near' });
    const { home } = double.mirror;
    const far = `p${home}/near`;
    double.mirror.write({ [`${far}/1`]: 'far' });
    for (const [order, winner] of [[[far, 'near'], 'near'], [['near', far], 'far']] as const) {
      const { code, stderr } = await double.mirror.once([`--source_prefix=${home}/p`, ...order]);
      assert.equal(code, 0, stderr);
      assert.deepEqual(await double.mirror.holds(), { [`${home.slice(1)}/near/1`]: winner });
    }
  });
});
