import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { appendFileSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Key } from '../../model/key.ts';
import { plainHost } from '../../model/plain-host.ts';
import { seededRandom } from '../../testing/random.ts';
import { TreeStore } from './tree-store.ts';
import type { TreeOptions } from './tree-store.ts';

/** A directory that is watched, and what was hinted since it was last asked. */
class Watched implements AsyncDisposable {
  readonly base: string = mkdtempSync(join(tmpdir(), 'syncline-test-'));
  readonly root: string = join(this.base, 'root');
  readonly store: TreeStore;
  readonly #ending = new AbortController();
  readonly #hints = new Set<Key>();
  readonly #standing = Promise.withResolvers<void>();
  #news = Promise.withResolvers<void>();
  ended: Promise<unknown> | undefined;

  constructor(options: TreeOptions = {}) {
    mkdirSync(this.root);
    this.store = new TreeStore(this.root, plainHost, options);
  }

  path(...parts: string[]): string {
    return join(this.root, ...parts);
  }

  async begin(): Promise<void> {
    this.ended = this.#listen().catch((cause: unknown) => cause);
    await Promise.race([this.#standing.promise, this.ended]);
  }

  /** Resolves once each of these keys, or a directory it lies in, was hinted. */
  async told(...keys: Key[]): Promise<void> {
    while (!keys.every((key) => this.has(key))) await this.#news.promise;
    this.#hints.clear();
  }

  has(key: Key): boolean {
    const parts = key.split('/');
    return this.#hints.has('') || parts.some((_, i) => this.#hints.has(parts.slice(0, i + 1).join('/')));
  }

  /** All that was hinted up to now, which the hint of a file made for the purpose marks. */
  async all(): Promise<readonly Key[]> {
    writeFileSync(this.path('now'), '');
    while (!this.#hints.has('now')) await this.#news.promise;
    const all = [...this.#hints].filter((key) => key !== 'now');
    rmSync(this.path('now'));
    this.#hints.clear();
    return all.toSorted();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending.abort();
    await this.ended;
    rmSync(this.base, { recursive: true, force: true });
  }

  async #listen(): Promise<void> {
    for await (const hints of this.store.watch({ signal: this.#ending.signal })) {
      this.#standing.resolve();
      for (const { under } of hints) this.#hints.add(under);
      this.#news.resolve();
      this.#news = Promise.withResolvers();
    }
  }
}

test('the first list is empty, and the watch ends without an error when its signal fires', async () => {
  await using watched = new Watched();
  const ending = new AbortController();
  const hints = watched.store.watch({ signal: ending.signal })[Symbol.asyncIterator]();
  assert.deepEqual(await hints.next(), { value: [], done: false });
  const waiting = hints.next();
  ending.abort();
  assert.equal((await waiting).done, true);
  assert.deepEqual(await Array.fromAsync(watched.store.watch({ signal: AbortSignal.abort() })), []);
});

test('what is made, changed, moved and removed is hinted, a move under both names', async () => {
  await using watched = new Watched();
  mkdirSync(watched.path('sub'));
  writeFileSync(watched.path('sub/old'), '1');
  await watched.begin();
  writeFileSync(watched.path('sub/new'), '1');
  await watched.told('sub/new');
  appendFileSync(watched.path('sub/new'), '2');
  await watched.told('sub/new');
  renameSync(watched.path('sub/old'), watched.path('moved'));
  await watched.told('sub/old', 'moved');
  writeFileSync(join(watched.base, 'in'), '');
  renameSync(join(watched.base, 'in'), watched.path('in'));
  await watched.told('in');
  renameSync(watched.path('in'), join(watched.base, 'out'));
  await watched.told('in');
  rmSync(watched.path('sub'), { recursive: true });
  await watched.told('sub');
});

test('what changes in a directory that was just made, however deep, is hinted', async () => {
  await using watched = new Watched();
  await watched.begin();
  const leaves = Array.from({ length: 40 }, (_, i) => `d${i}/e/f`);
  for (const leaf of leaves) mkdirSync(watched.path(leaf), { recursive: true });
  await watched.told(...leaves);
  await watched.all();
  for (const leaf of leaves) writeFileSync(watched.path(leaf, 'file'), '');
  await watched.told(...leaves.map((leaf) => `${leaf}/file`));
});

test('what changes in a directory that was moved, or came from elsewhere, is hinted under its new name', async () => {
  await using watched = new Watched();
  mkdirSync(watched.path('a/x'), { recursive: true });
  mkdirSync(join(watched.base, 'outside/y'), { recursive: true });
  await watched.begin();
  renameSync(watched.path('a'), watched.path('b'));
  await watched.told('a', 'b');
  renameSync(join(watched.base, 'outside'), watched.path('c'));
  await watched.told('c');
  await watched.all();
  writeFileSync(watched.path('b/x/file'), '');
  writeFileSync(watched.path('c/y/file'), '');
  assert.deepEqual(await watched.all(), ['b/x/file', 'c/y/file']);
  // Another one of the old name is another one.
  mkdirSync(watched.path('a/x'), { recursive: true });
  await watched.all();
  writeFileSync(watched.path('a/x/file'), '');
  assert.deepEqual(await watched.all(), ['a/x/file']);
});

test('an exchange by renaming gives no hint of the name in between where it is one of ours', async () => {
  await using watched = new Watched();
  await watched.begin();
  await watched.store.write([{ kind: 'put', entry: { key: 'a', content: { kind: 'blob', async *bytes() { yield Buffer.from('one'); } } } }]);
  assert.deepEqual(await watched.all(), ['a']);
});

test('hidden files that are left out give no hints', async () => {
  await using watched = new Watched({ hidden: 'skip' });
  mkdirSync(watched.path('.git'));
  await watched.begin();
  for (const name of ['.git/HEAD', '.hidden', 'shown']) writeFileSync(watched.path(name), '');
  mkdirSync(watched.path('.late/x'), { recursive: true });
  writeFileSync(watched.path('.late/x/file'), '');
  assert.deepEqual(await watched.all(), ['shown']);
});

test('of a name that is not UTF-8 the directory is hinted', async () => {
  await using watched = new Watched();
  mkdirSync(watched.path('sub'));
  await watched.begin();
  writeFileSync(Buffer.concat([Buffer.from(`${watched.path('sub')}/caf`), Buffer.of(0xe9)]), '');
  assert.deepEqual(await watched.all(), ['sub']);
});

test('very many events become few hints that leave nothing out', async () => {
  await using watched = new Watched();
  mkdirSync(watched.path('sub'));
  await watched.begin();
  const names = Array.from({ length: 3_000 }, (_, i) => `sub/${i}`);
  for (const name of names) writeFileSync(watched.path(name), '');
  await watched.told(...names);
});

test('after more events than the system keeps, new directories are watched all the same', async () => {
  await using watched = new Watched();
  for (const name of ['a', 'b']) writeFileSync(watched.path(name), '');
  await watched.begin();
  // All without giving way, so that nothing is heard before the queue has run over.
  for (let i = 0; i < 40_000; i++) utimesSync(watched.path(i % 2 === 0 ? 'a' : 'b'), i, i);
  for (let i = 0; i < 20; i++) mkdirSync(watched.path(`late${i}/deep`), { recursive: true });
  await watched.told('late19/deep');
  await watched.all();
  writeFileSync(watched.path('late19/deep/file'), '');
  await watched.told('late19/deep/file');
});

test('whoever looks only at what is hinted ends up with all that is there', async () => {
  await using watched = new Watched();
  const random = seededRandom(7);
  const among = (count: number): number => Math.floor(random.next() * count);
  const directory = (): string => ['', 'a', 'b', 'a/c', 'b/d', 'a/c/e'][among(6)]!;
  const known = new Map<Key, string | undefined>();
  const look = async (under: readonly Key[]): Promise<void> => {
    for (const key of known.keys()) if (under.some((above) => above === '' || key === above || key.startsWith(`${above}/`))) known.delete(key);
    for await (const { entries } of watched.store.scan({ under })) for (const { key, version } of entries) known.set(key, version);
  };
  const ending = new AbortController();
  const done = Promise.withResolvers<void>();
  const looking = (async () => {
    for await (const hints of watched.store.watch({ signal: ending.signal })) {
      await look(hints.map(({ under }) => under));
      if (known.has('end')) done.resolve();
    }
  })();
  const change = (): void => {
    const [path, other] = [watched.path(directory(), `${among(4)}`), watched.path(directory(), `${among(4)}`)];
    switch (among(6)) {
      case 0: case 1: return writeFileSync(path, `${random.next()}`);
      case 2: return void mkdirSync(join(path, 'x/y'), { recursive: true });
      case 3: return writeFileSync(join(path, 'x/y/z'), `${random.next()}`);
      case 4: return renameSync(path, other);
      default: return rmSync(path, { recursive: true });
    }
  };
  for (let i = 0; i < 3_000; i++) {
    try {
      mkdirSync(watched.path(directory()), { recursive: true });
      change();
    } catch {
      // Much of what chance asks for cannot be had.
    }
    if (among(40) === 0) await new Promise((resolve) => setTimeout(resolve, among(4)));
  }
  writeFileSync(watched.path('end'), '');
  await done.promise;
  const all = new Map<Key, string | undefined>();
  for await (const { entries } of watched.store.scan()) for (const { key, version } of entries) all.set(key, version);
  assert.deepEqual(new Map([...known].toSorted()), new Map([...all].toSorted()));
  ending.abort();
  await looking;
});

test('a link that is followed is hinted when what it leads to in the tree changes', async () => {
  await using watched = new Watched({ links: 'follow' });
  mkdirSync(watched.path('real/deep'), { recursive: true });
  writeFileSync(watched.path('file'), '');
  symlinkSync('real', watched.path('alias'));
  symlinkSync('file', watched.path('alias-of-file'));
  await watched.begin();
  writeFileSync(watched.path('real/deep/file'), '');
  appendFileSync(watched.path('file'), 'more');
  await watched.told('real/deep/file', 'alias/deep/file', 'file', 'alias-of-file');
  symlinkSync('real/deep', watched.path('late'));
  await watched.told('late');
  await watched.all();
  appendFileSync(watched.path('real/deep/file'), 'more');
  await watched.told('late/file');
});

test('a root that is removed or exchanged ends the watch with a sentence', async () => {
  for (const exchanged of [false, true]) {
    await using watched = new Watched();
    await watched.begin();
    renameSync(watched.root, join(watched.base, 'elsewhere'));
    if (exchanged) mkdirSync(watched.root);
    const error = await watched.ended as { readonly code?: string; readonly message: string };
    assert.equal(error.code, 'unavailable');
    assert.match(error.message, /root is gone or was exchanged for another directory/);
  }
});

test('a root that does not exist is refused', async () => {
  await using watched = new Watched();
  rmSync(watched.root, { recursive: true });
  await assert.rejects(Array.fromAsync(watched.store.watch({ signal: AbortSignal.timeout(60_000) })), { code: 'not-found' });
});

test('where the system cannot watch so many directories, that is said and anything may have changed', async (context) => {
  await using watched = new Watched();
  for (let i = 0; i < 50; i++) mkdirSync(watched.path(`d${i}`));
  // The limit of a user is also one of each name space of users, and so can be lowered for one program.
  const inside = (program: string): ReturnType<typeof spawnSync> => spawnSync('unshare', ['-Ur', 'sh', '-c', `echo 10 > /proc/sys/user/max_inotify_watches && exec "$0" --input-type=module -e "$1"`, process.execPath, program], { encoding: 'utf8' });
  if (inside('').status !== 0) return context.skip('this machine has no name spaces for users');
  const { stdout, stderr } = inside(`
    import { TreeStore } from ${JSON.stringify(new URL('./tree-store.ts', import.meta.url).href)};
    import { plainHost } from ${JSON.stringify(new URL('../../model/plain-host.ts', import.meta.url).href)};
    const said = [];
    const slept = [];
    const host = { ...plainHost, log: (level, message) => said.push(level + ': ' + message), sleep: async (ms) => { slept.push(ms); } };
    const ending = new AbortController();
    const hints = [];
    for await (const list of new TreeStore(${JSON.stringify(watched.root)}, host).watch({ signal: ending.signal })) if (hints.push(list) === 3) ending.abort();
    console.log(JSON.stringify({ said, slept, hints }));`);
  assert.equal(String(stderr), '');
  const { said, slept, hints } = JSON.parse(String(stdout)) as { said: string[]; slept: number[]; hints: unknown };
  assert.match(said[0] ?? '', /^warn: .* cannot be watched \(the limit of watched directories is reached\), and is looked at every 5 seconds instead: raise fs\.inotify\.max_user_watches/);
  assert.equal(said.length, 1);
  assert.deepEqual(slept.slice(0, 2), [5_000, 5_000]);
  assert.deepEqual(hints, [[], [{ under: '' }], [{ under: '' }]]);
});

test('a disk is told from the bare directory it is mounted on, and from another disk', async (context) => {
  await using watched = new Watched();
  const mount = (): void => { execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=128k', 'tmpfs', watched.root], { stdio: 'ignore' }); };
  const bare = await watched.store.fingerprint();
  assert.equal(await watched.store.fingerprint(), bare);
  try {
    mount();
  } catch {
    return context.skip('this machine lets nobody mount a small file system');
  }
  const first = await watched.store.fingerprint();
  execFileSync('umount', [watched.root]);
  mount();
  const second = await watched.store.fingerprint();
  mkdirSync(watched.path('sub'));
  assert.equal(await new TreeStore(watched.path('sub'), plainHost).fingerprint(), second);
  execFileSync('umount', [watched.root]);
  assert.equal(new Set([bare, first, second]).size, 3);
  assert.equal(await watched.store.fingerprint(), bare);
  assert.equal(await new TreeStore(watched.path('missing'), plainHost).fingerprint(), undefined);
});
