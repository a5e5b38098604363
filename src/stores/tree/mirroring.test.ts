import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs, { chmodSync, existsSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Attributes } from '../../model/entry.ts';
import type { Host } from '../../model/host.ts';
import { plainHost } from '../../model/plain-host.ts';
import type { Expectation, Outcome, Write } from '../../model/store.ts';
import { TreeStore } from './tree-store.ts';
import type { TreeOptions } from './tree-store.ts';

/** A directory, beside which there is room for others. */
class Place implements Disposable {
  readonly base: string = mkdtempSync(join(tmpdir(), 'syncline-test-'));
  readonly root: string = join(this.base, 'root');
  readonly warnings: string[] = [];

  constructor(files: { readonly [path: string]: string } = {}) {
    mkdirSync(this.root);
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(join(this.root, path, '..'), { recursive: true });
      writeFileSync(join(this.root, path), text);
    }
  }

  path(...parts: string[]): string {
    return join(this.root, ...parts);
  }

  open(options: TreeOptions = {}): TreeStore {
    const host: Host = { ...plainHost, log: (_, message) => this.warnings.push(message) };
    return new TreeStore(this.root, host, options);
  }

  async keys(options: TreeOptions = {}, under?: readonly string[]): Promise<readonly string[]> {
    const pages = await Array.fromAsync(this.open(options).scan(under && { under }));
    assert.deepEqual(pages.flatMap(({ problems = [] }) => problems), []);
    return pages.flatMap(({ entries }) => entries.map(({ key }) => key));
  }

  async text(key: string, options: TreeOptions = {}): Promise<string | undefined> {
    const [entry] = await this.open(options).read([{ key }]);
    return entry?.content?.kind === 'blob' ? Buffer.concat(await Array.fromAsync(entry.content.bytes())).toString() : undefined;
  }

  [Symbol.dispose](): void {
    rmSync(this.base, { recursive: true, force: true });
  }
}

function put(key: string, text: string, attributes?: Attributes, expect?: Expectation): Write {
  const content = { kind: 'blob', async *bytes() { yield Buffer.from(text); } } as const;
  return { kind: 'put', entry: { key, content, ...(attributes && { attributes }) }, ...(expect && { expect }) };
}

function sentenceOf(outcome: Outcome | undefined): string {
  assert.equal(outcome?.kind, 'failed');
  return outcome.kind === 'failed' ? `${outcome.error.code}: ${outcome.error.message}` : '';
}

const files = { 'a': '1', 'b/c': '2', 'b/d/e': '3', 'b.txt': '4', 'b-c': '5', '.hidden/f': '6' };

test('a scan that is narrowed lists what is there of the keys and below them, in key order and nothing twice', async () => {
  using place = new Place(files);
  assert.deepEqual(await place.keys({}, ['b']), ['b/c', 'b/d/e']);
  assert.deepEqual(await place.keys({}, ['b/d', 'b', 'b.txt', 'a', 'a', 'b/c', 'b-c']), ['a', 'b-c', 'b.txt', 'b/c', 'b/d/e']);
  assert.deepEqual(await place.keys({}, ['missing', 'a/below', 'b/missing/x', 'b/d/e/f']), []);
  assert.deepEqual(await place.keys({}, []), []);
  assert.deepEqual(await place.keys({}, ['b/c', '']), await place.keys());
  assert.deepEqual(await place.keys({ hidden: 'skip' }, ['.hidden', '.hidden/f', 'a']), ['a']);
  assert.deepEqual(await place.keys({}, ['.hidden']), ['.hidden/f']);
});

test('a scan that is narrowed never leaves the root', async () => {
  using place = new Place(files);
  mkdirSync(join(place.base, 'outside'));
  writeFileSync(join(place.base, 'outside/secret'), '');
  symlinkSync('../outside', place.path('link'));
  symlinkSync('b', place.path('inside'));
  for (const links of ['skip', 'follow', 'keep'] as const) {
    assert.deepEqual(await place.keys({ links }, ['link/secret', '../outside', '/etc', 'b/../../outside', 'a\0', '\uD800', '.syncline-1']), []);
    if (links !== 'follow') assert.deepEqual(await place.keys({ links }, ['inside/c']), []);
  }
});

test('what is read tells the time and the permissions, and what is put has them whatever the umask', async () => {
  using from = new Place({ a: 'text', large: 'x'.repeat(600_000) });
  using to = new Place();
  for (const [name, mode] of [['a', 0o666], ['large', 0o4751]] as const) {
    chmodSync(from.path(name), mode);
    utimesSync(from.path(name), 1_000.25, 1_000.25);
  }
  const read = await from.open().read([{ key: 'a' }, { key: 'large' }]);
  assert.deepEqual(read.map((entry) => entry?.attributes), [{ modifiedAt: 1_000_250_000, mode: 0o666 }, { modifiedAt: 1_000_250_000, mode: 0o751 }]);
  const before = process.umask(0o077);
  try {
    await to.open().write(read.map((entry) => ({ kind: 'put', entry: { ...entry!, content: entry!.content! } })));
  } finally {
    process.umask(before);
  }
  assert.deepEqual(['a', 'large'].map((name) => [statSync(to.path(name)).mode & 0o7777, statSync(to.path(name)).mtimeMs]), [[0o666, 1_000_250], [0o751, 1_000_250]]);
});

test('setuid, setgid and sticky bits never come from outside', async () => {
  using place = new Place();
  await place.open().write([put('a', '1', { mode: 0o7755 })]);
  assert.equal(statSync(place.path('a')).mode & 0o7777, 0o755);
});

test('of a file that holds what it should only the time and the permissions are set', async () => {
  using place = new Place({ a: '1' });
  const { ino } = statSync(place.path('a'));
  const [outcome] = await place.open().write([put('a', '1', { mode: 0o600, modifiedAt: 5_000_000 })]);
  const now = statSync(place.path('a'));
  assert.deepEqual([now.ino, now.mode & 0o7777, now.mtimeMs], [ino, 0o600, 5_000]);
  assert.equal(outcome?.kind === 'done' && outcome.stat.modifiedAt, 5_000_000);
});

test('special files and links are passed over in one warning for each kind, which names the first', async () => {
  using place = new Place({ a: '1' });
  for (let i = 0; i < 8; i++) symlinkSync('a', place.path(`link${i}`));
  execFileSync('mkfifo', [place.path('one'), place.path('two')]);
  assert.deepEqual(await place.keys(), ['a']);
  assert.equal(place.warnings.length, 2);
  assert.ok(place.warnings.some((warning) => /^.*link\d, .*link\d, .*link\d, .*link\d, .*link\d and 3 more are symbolic links and are passed over$/.test(warning)));
  assert.ok(place.warnings.some((warning) => /^.*(?:one|two), .*(?:one|two) are neither files nor directories and are passed over$/.test(warning)));
});

test('links that are followed are read as what they lead to: files anywhere, directories of the tree', async () => {
  using place = new Place({ 'a/x': '1', 'a/sub/y': '2' });
  mkdirSync(join(place.base, 'outside'));
  writeFileSync(join(place.base, 'outside/file'), 'from outside');
  symlinkSync('../outside/file', place.path('file'));
  symlinkSync('../outside', place.path('directory'));
  symlinkSync('nowhere', place.path('broken'));
  symlinkSync('self', place.path('self'));
  symlinkSync('.', place.path('around'));
  symlinkSync('..', place.path('a/up'));
  symlinkSync('../../a', place.path('a/sub/back'));
  symlinkSync('a/sub', place.path('alias'));
  const all = await place.keys({ links: 'follow' });
  assert.deepEqual(all, ['a/sub/y', 'a/x', 'alias/y', 'file']);
  for (const key of all) {
    assert.deepEqual(await place.keys({ links: 'follow' }, [key]), [key]);
    assert.notEqual(await place.text(key, { links: 'follow' }), undefined);
  }
  assert.equal(await place.text('file', { links: 'follow' }), 'from outside');
  assert.equal(await place.text('alias/y', { links: 'follow' }), '2');
  assert.deepEqual(await place.keys({ links: 'follow' }, ['alias', 'directory']), ['alias/y']);
  for (const key of ['directory/file', 'a/up/a/x', 'around/a/x', 'broken', 'self', 'alias', 'alias/back/x']) assert.equal(await place.text(key, { links: 'follow' }), undefined, key);
  const outcomes = await place.open({ links: 'follow' }).write([put('alias/new', '1'), put('file', '1'), put('directory/new', '1')]);
  for (const outcome of outcomes) assert.match(sentenceOf(outcome), /^invalid: .* is a symbolic link/);
  assert.deepEqual(readdirSync(join(place.base, 'outside')), ['file']);
});

test('links that lead to one another end, however many there are', async () => {
  using place = new Place({ 'd0/x': '', 'd1/x': '', 'd2/x': '' });
  for (const i of [0, 1, 2]) for (const j of [0, 1, 2]) symlinkSync(`../d${j}`, place.path(`d${i}/l${j}`));
  const keys = await place.keys({ links: 'follow' });
  assert.deepEqual(keys, [...new Set(keys)]);
  assert.equal(keys.length, 3 + 6 + 6);
});

test('links that are kept are entries that hold what is written in them, and come back as links', async () => {
  using from = new Place({ 'a/x': '1' });
  using to = new Place({ 'a/sub/other': '', 'link': 'a file that is to become a link' });
  symlinkSync('a/x', from.path('link'));
  symlinkSync('../missing', from.path('a/broken'));
  symlinkSync('a', from.path('directory'));
  execFileSync('touch', ['-h', '-d', '@1000', from.path('link')]);
  const source = from.open({ links: 'keep' });
  assert.deepEqual(await from.keys({ links: 'keep' }), ['a/broken', 'a/x', 'directory', 'link']);
  const read = await source.read(['a/broken', 'directory', 'link'].map((key) => ({ key })));
  assert.deepEqual(read[2]?.attributes, { modifiedAt: 1_000_000_000, link: true });
  assert.equal(await from.text('link', { links: 'keep' }), 'a/x');
  const target = to.open({ links: 'keep' });
  const writes = read.map((entry): Write => ({ kind: 'put', entry: { ...entry!, content: entry!.content! } }));
  assert.deepEqual((await target.write(writes)).map(({ kind }) => kind), ['done', 'done', 'done']);
  assert.deepEqual(['a/broken', 'directory', 'link'].map((key) => readlinkSync(to.path(key))), ['../missing', 'a', 'a/x']);
  assert.equal(lstatSync(to.path('link')).mtimeMs, 1_000_000);
  const { ino } = lstatSync(to.path('link'));
  await target.write(writes);
  assert.equal(lstatSync(to.path('link')).ino, ino);
  // A link may be put over a file, and a file over a link, without anything being done to what it leads to.
  assert.deepEqual((await target.write([put('link', 'a file again')])).map(({ kind }) => kind), ['done']);
  assert.ok(lstatSync(to.path('link')).isFile());
  assert.deepEqual((await target.write([put('directory', 'x', { link: true }, { absent: true })])).map(({ kind }) => kind), ['stale']);
  assert.deepEqual((await target.write([{ kind: 'delete', ref: { key: 'directory' } }])).map(({ kind }) => kind), ['done']);
  assert.ok(existsSync(to.path('a/sub/other')));
});

test('no link is made that leads out of the tree, at once or by way of another', async () => {
  using place = new Place({ 'd/e/f/x': '1' });
  symlinkSync(place.base, place.path('theirs'));
  const targets = ['/etc/passwd', '..', '../x', 'd/../../x', 'd/e/..', './../x', 'theirs/x', 'theirs', 'theirs/missing', '', 'a\0b', 'x'.repeat(5_000)];
  const outcomes = await place.open({ links: 'keep' }).write(targets.map((target, i) => put(`link${i}`, target, { link: true })));
  outcomes.forEach((outcome, i) => assert.match(sentenceOf(outcome), /^invalid: the link link\d+ is not made, because /, targets[i]));
  const fine = await place.open({ links: 'keep' }).write([put('d/e/l', '../..', { link: true }), put('d/e/m', '../../missing', { link: true }), put('n', 'd/e/f', { link: true })]);
  assert.deepEqual(fine.map(({ kind }) => kind), ['done', 'done', 'done']);
  const [beyond, through] = await place.open({ links: 'keep' }).write([put('d/e/o', '../../../x', { link: true }), put('n/y', '1')]);
  assert.match(sentenceOf(beyond), /^invalid: .* leads out of the tree/);
  assert.match(sentenceOf(through), /^invalid: .*n is a symbolic link/);
  assert.deepEqual(readdirSync(place.base), ['root']);
});

test('a link is refused by a tree that keeps none, and not written as a file', async () => {
  using place = new Place();
  const [outcome] = await place.open().write([put('a', 'b', { link: true })]);
  assert.match(sentenceOf(outcome), /^unsupported: a is a symbolic link, and .* keeps none/);
  assert.deepEqual(readdirSync(place.root), []);
});

test('what falls together on the target is found before it is asked for, also where this file system tells it apart', async () => {
  using place = new Place({ Taken: '' });
  const asked: string[] = [];
  const write = (key: string): Write => ({ kind: 'put', entry: { key, content: { kind: 'blob', async *bytes() { asked.push(key); yield Buffer.from(key); } } } });
  const outcomes = await place.open({ case: 'insensitive' }).write(['taken', 'new/A', 'new/a', 'NEW/b', 'caf\u00e9', 'cafe\u0301', 'fine'].map(write));
  assert.deepEqual(outcomes.map(({ kind }) => kind), ['failed', 'done', 'failed', 'failed', 'done', 'failed', 'done']);
  assert.deepEqual(asked, ['new/A', 'caf\u00e9', 'fine']);
  // What failed for another reason takes no name.
  const store = place.open({ case: 'insensitive' });
  const broken: Write = { kind: 'put', entry: { key: 'X/y', content: { kind: 'blob', async *bytes() { yield* []; throw new Error('the line went dead'); } } } };
  assert.deepEqual((await store.write([broken])).map(({ kind }) => kind), ['failed']);
  assert.deepEqual((await store.write([write('x/Y')])).map(({ kind }) => kind), ['done']);
});

test('the entries of a batch are written at once, those about one place one after the other', async () => {
  using place = new Place();
  let [running, most] = [0, 0];
  const write = (key: string, text: string): Write => ({
    kind: 'put',
    entry: {
      key,
      content: {
        kind: 'blob',
        async *bytes() {
          most = Math.max(most, ++running);
          await new Promise((resolve) => setTimeout(resolve, 2));
          running--;
          yield Buffer.from(text);
        },
      },
    },
  });
  const store = place.open({ concurrency: 4 });
  const outcomes = await store.write([...Array.from({ length: 12 }, (_, i) => write(`${i}`, `${i}`)), write('same', '1'), write('same', '2'), { kind: 'delete', ref: { key: '0' } }, write('1/below', 'x')]);
  assert.equal(most, 4);
  assert.deepEqual(outcomes.map(({ kind }) => kind), [...Array.from({ length: 15 }, () => 'done'), 'failed']);
  assert.equal(readFileSync(place.path('same'), 'utf8'), '2');
  assert.equal(existsSync(place.path('0')), false);
});

test('a file is closed to others while it is written and will have permissions of its own', async () => {
  using place = new Place();
  const modes: number[] = [];
  const content = { kind: 'blob', async *bytes() { yield Buffer.alloc(300_000); modes.push(...readdirSync(place.root).map((name) => statSync(place.path(name)).mode & 0o777)); yield Buffer.alloc(1); } } as const;
  await place.open().write([{ kind: 'put', entry: { key: 'a', content, attributes: { mode: 0o640 } } }]);
  assert.deepEqual(modes, [0o600]);
  assert.equal(statSync(place.path('a')).mode & 0o777, 0o640);
});

test('a file that is being written to is read again until it holds still, and never handed on half old, half new', async () => {
  using place = new Place();
  const sizes = [100_000, 900_000];
  let text = 'a';
  const write = (size: number): void => writeFileSync(place.path(`${size}`), text.repeat(size));
  for (const size of sizes) write(size);
  // In the middle of every reading but the last ones somebody writes; this is where a reading looks at its watch.
  let left = 3;
  const host: Host = { ...plainHost, sleep: async () => { left--; } };
  const { readSync } = fs;
  fs.readSync = ((...given: Parameters<typeof readSync>) => {
    const count = readSync(...given);
    if (left > 0) {
      text = String.fromCharCode(text.charCodeAt(0) + 1);
      for (const size of sizes) write(size);
    }
    return count;
  }) as typeof readSync;
  syncBuiltinESMExports();
  try {
    const entries = await new TreeStore(place.root, host).read(sizes.map((size) => ({ key: `${size}` })));
    for (const [i, entry] of entries.entries()) {
      assert.ok(entry?.content?.kind === 'blob');
      assert.equal(Buffer.concat(await Array.fromAsync(entry.content.bytes())).toString(), text.repeat(sizes[i]!));
      assert.equal(entry.size, sizes[i]);
    }
    assert.ok(left <= 0);
  } finally {
    fs.readSync = readSync;
    syncBuiltinESMExports();
  }
});

test('what may not be read or listed is told of, and the rest goes on', async (context) => {
  using place = new Place({ 'closed/x': '1', 'open/y': '2', 'unreadable': '3', 'large': 'x'.repeat(600_000) });
  chmodSync(place.base, 0o755);
  for (const name of ['closed', 'unreadable', 'large']) chmodSync(place.path(name), 0);
  const me = process.geteuid?.();
  if (me === undefined) return context.skip('this system has other permissions');
  if (me === 0) process.seteuid?.(65_534);
  try {
    const store = place.open();
    for (const options of [{}, { under: ['closed', 'closed/x', 'large', 'open', 'unreadable'] }]) {
      const pages = await Array.fromAsync(store.scan(options));
      assert.deepEqual(pages.flatMap(({ entries }) => entries.map(({ key }) => key)), ['large', 'open/y', 'unreadable']);
      assert.deepEqual(pages.flatMap(({ problems = [] }) => problems.map(({ error }) => error.message)), [`cannot list ${place.path('closed')}/: permission denied`]);
    }
    const below = await Array.fromAsync(store.scan({ under: ['closed/x'] }));
    assert.deepEqual(below.flatMap(({ problems = [] }) => problems.map(({ error }) => error.code)), ['denied']);
    for (const entry of await store.read([{ key: 'large' }, { key: 'unreadable' }])) {
      assert.ok(entry?.content?.kind === 'blob');
      const { content } = entry;
      await assert.rejects(Array.fromAsync(content.bytes()), { code: 'denied' });
    }
    assert.equal(await place.text('open/y'), '2');
  } finally {
    if (me === 0) process.seteuid?.(0);
    chmodSync(place.path('closed'), 0o700);
  }
});

test('names that are not UTF-8 are problems that name them, those of directories and links, too', async () => {
  using place = new Place({ ok: '' });
  const odd = (name: string): Buffer => Buffer.concat([Buffer.from(place.path(name)), Buffer.of(0xe9)]);
  writeFileSync(odd('file'), '');
  mkdirSync(odd('directory'));
  symlinkSync('ok', odd('link'));
  const problems = (await Array.fromAsync(place.open({ links: 'keep' }).scan())).flatMap((page) => page.problems ?? []);
  assert.deepEqual(problems.map(({ error }) => error.message), ['directory\uFFFD/', 'file\uFFFD', 'link\uFFFD'].map((name) => `the name of ${place.path(name)} is not UTF-8`));
});
