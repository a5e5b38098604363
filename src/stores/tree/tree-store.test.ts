import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Host } from '../../model/host.ts';
import { plainHost } from '../../model/plain-host.ts';
import type { Expectation, Outcome, Problem, Write } from '../../model/store.ts';
import { TreeStore } from './tree-store.ts';
import type { TreeOptions } from './tree-store.ts';

class Folder implements Disposable {
  readonly path: string = mkdtempSync(join(tmpdir(), 'syncline-test-'));
  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

function put(key: string, text: string, expect?: Expectation, modifiedAt?: number): Write {
  const content = { kind: 'blob', async *bytes() { yield Buffer.from(text); } } as const;
  return { kind: 'put', entry: { key, content, ...(modifiedAt !== undefined && { modifiedAt }) }, ...(expect && { expect }) };
}

function remove(key: string, expect?: Expectation): Write {
  return { kind: 'delete', ref: { key }, ...(expect && { expect }) };
}

async function writeTo(root: string, ...writes: Write[]): Promise<readonly Outcome[]> {
  return new TreeStore(root, plainHost).write(writes);
}

async function scan(root: string, options: TreeOptions = {}, host: Host = plainHost): Promise<{ keys: string[]; problems: Problem[] }> {
  const found = { keys: [] as string[], problems: [] as Problem[] };
  for await (const { entries, problems = [] } of new TreeStore(root, host, options).scan()) {
    found.keys.push(...entries.map(({ key }) => key));
    found.problems.push(...problems);
  }
  return found;
}

function sentenceOf(outcome: Outcome | undefined): string {
  assert.equal(outcome?.kind, 'failed');
  return outcome.kind === 'failed' ? `${outcome.error.code}: ${outcome.error.message}` : '';
}

test('a missing directory is refused as a source, empty as a target, and made by the first write only', async () => {
  using folder = new Folder();
  const root = join(folder.path, 'not', 'there');
  await assert.rejects(scan(root), { code: 'not-found', message: `${root} does not exist` });
  const target = new TreeStore(root, plainHost, { missing: 'empty' });
  assert.deepEqual(await Array.fromAsync(target.scan()), []);
  assert.deepEqual(await target.read([{ key: 'a' }]), [undefined]);
  await target.write([]);
  assert.equal(existsSync(root), false);
  assert.equal((await target.write([put('x/a', 'one', { absent: true })]))[0]?.kind, 'done');
  assert.equal(readFileSync(join(root, 'x/a'), 'utf8'), 'one');
});

test('a root that is a file is refused by name', () => {
  using folder = new Folder();
  const path = join(folder.path, 'file');
  writeFileSync(path, '');
  assert.throws(() => new TreeStore(path, plainHost), { code: 'invalid', message: `${path} is not a directory` });
});

test('every spelling of a directory has one identity, links and missing parts included', () => {
  using folder = new Folder();
  mkdirSync(join(folder.path, 'in'));
  symlinkSync('in', join(folder.path, 'link'));
  const identityOf = (path: string): string => new TreeStore(path, plainHost).identity;
  const spellings = ['in', './in', 'in/', 'link', 'link/../in', 'in/.'];
  assert.equal(new Set(spellings.map((spelling) => identityOf(`${folder.path}/${spelling}`))).size, 1);
  assert.equal(identityOf(join(folder.path, 'link', 'new')), identityOf(join(folder.path, 'in', 'new')));
});

test('nothing is written through a link, wherever in the path it is, nor over one', async () => {
  using folder = new Folder();
  const [root, outside] = [join(folder.path, 'root'), join(folder.path, 'outside')];
  for (const path of [root, outside]) mkdirSync(path);
  writeFileSync(join(outside, 'secret'), 'secret');
  symlinkSync(outside, join(root, 'foo'));
  symlinkSync(join(outside, 'secret'), join(root, 'file'));
  symlinkSync('/nowhere', join(root, 'broken'));
  const outcomes = await writeTo(root, put('foo/a', 'x'), put('foo/b/c', 'x'), put('file', 'x'), put('broken', 'x'), remove('foo/secret'), remove('file'), put('fine', 'x'));
  for (const outcome of outcomes.slice(0, 6)) assert.match(sentenceOf(outcome), /^invalid: .* is a symbolic link/);
  assert.equal(outcomes[6]?.kind, 'done');
  assert.deepEqual(readdirSync(outside), ['secret']);
  assert.equal(readFileSync(join(outside, 'secret'), 'utf8'), 'secret');
  assert.deepEqual(await new TreeStore(root, plainHost).read([{ key: 'foo/secret' }, { key: 'file' }, { key: 'broken' }]), [undefined, undefined, undefined]);
});

test('keys that lead out of the tree are refused with a sentence', async () => {
  using folder = new Folder();
  const root = join(folder.path, 'root');
  for (const key of ['../x', '..', 'a/../../x', '/abs', 'a//b', '', './a', 'a\0b', '\uD800', '.syncline-x', 'a/.syncline-x/b']) {
    const [outcome] = await writeTo(root, put(key, 'x', { absent: true }));
    assert.match(sentenceOf(outcome), /^invalid: .* cannot be a file in /);
    assert.deepEqual(await new TreeStore(root, plainHost).read([{ key }]), [undefined]);
  }
  assert.deepEqual(readdirSync(folder.path), []);
});

test('links, pipes and leftovers are passed over, the first two with a warning', async () => {
  using folder = new Folder();
  execFileSync('mkfifo', [join(folder.path, 'pipe')]);
  symlinkSync('a', join(folder.path, 'link'));
  for (const name of ['a', '.syncline-123', '.hidden']) writeFileSync(join(folder.path, name), name);
  mkdirSync(join(folder.path, '.git'));
  writeFileSync(join(folder.path, '.git/HEAD'), '');
  const warnings: string[] = [];
  const host: Host = { ...plainHost, log: (_, message) => warnings.push(message) };
  assert.deepEqual(await scan(folder.path, {}, host), { keys: ['.git/HEAD', '.hidden', 'a'], problems: [] });
  assert.deepEqual(warnings.toSorted(), [`${folder.path}/link is a symbolic link and is passed over`, `${folder.path}/pipe is neither a file nor a directory and is passed over`]);
  assert.deepEqual((await scan(folder.path, { hidden: 'skip' })).keys, ['a']);
  assert.deepEqual(await new TreeStore(folder.path, plainHost).read([{ key: 'pipe' }]), [undefined]);
  const [outcome] = await writeTo(folder.path, put('pipe', 'x'));
  assert.match(sentenceOf(outcome), /^invalid: .*pipe is a special file where a file is needed/);
});

test('hidden files that are left out are neither read nor written', async () => {
  using folder = new Folder();
  writeFileSync(join(folder.path, '.env'), 'secret');
  const store = new TreeStore(folder.path, plainHost, { hidden: 'skip' });
  assert.deepEqual(await store.read([{ key: '.env' }]), [undefined]);
  for (const write of [put('.env', 'x'), put('.git/hooks/post-commit', 'x'), remove('.env')]) assert.match(sentenceOf((await store.write([write]))[0]), /hidden files are no part of this tree/);
  assert.equal(readFileSync(join(folder.path, '.env'), 'utf8'), 'secret');
});

test('a file that holds what is written is not touched; if only its time differs, only that is set', async () => {
  using folder = new Folder();
  const path = join(folder.path, 'a');
  writeFileSync(path, 'one');
  utimesSync(path, 1_000, 1_000);
  const stateOf = (name: string): unknown[] => {
    const { ino, mtimeNs, ctimeNs } = statSync(join(folder.path, name), { bigint: true });
    return [ino, mtimeNs, ctimeNs];
  };
  const large = 'x'.repeat(600_000);
  writeFileSync(join(folder.path, 'large'), large);
  const before = ['a', 'large'].map(stateOf);
  const [outcome, largeOutcome] = await writeTo(folder.path, put('a', 'one'), put('large', large));
  assert.deepEqual(['a', 'large'].map(stateOf), before);
  assert.ok(outcome?.kind === 'done' && outcome.stat.modifiedAt === 1_000_000_000);
  assert.equal(largeOutcome?.kind, 'done');
  await writeTo(folder.path, put('a', 'one', undefined, 1_234_567_890_123_457));
  const after = statSync(path, { bigint: true });
  assert.equal(after.ino, before[0]?.[0]);
  assert.equal((after.mtimeNs + 500n) / 1_000n, 1_234_567_890_123_457n);
});

test('what replaces a file keeps its mode', async () => {
  using folder = new Folder();
  const path = join(folder.path, 'a');
  writeFileSync(path, 'one');
  chmodSync(path, 0o640);
  await writeTo(folder.path, put('a', 'two'));
  assert.equal(statSync(path).mode & 0o7777, 0o640);
});

test('deleting removes the directories it empties, but neither the root nor any that holds something', async () => {
  using folder = new Folder();
  await writeTo(folder.path, put('a/b/c', '1'), put('a/d', '2'), put('e/f', '3'));
  mkdirSync(join(folder.path, 'g'));
  await writeTo(folder.path, remove('a/b/c'), remove('e/f'), remove('g/none'));
  assert.deepEqual(readdirSync(folder.path, { recursive: true }).toSorted(), ['a', 'a/d', 'g']);
  await writeTo(folder.path, remove('a/d'));
  assert.deepEqual(readdirSync(folder.path), ['g']);
});

test('a directory where a file should go, and a file where a directory should go, are refused and left alone', async () => {
  using folder = new Folder();
  await writeTo(folder.path, put('dir/x', '1'), put('file', '2'));
  const outcomes = await writeTo(folder.path, put('dir', '3'), put('file/x', '4'), put('file/x/y', '4'), remove('dir'));
  assert.match(sentenceOf(outcomes[0]), /^invalid: .*dir is a directory where a file is needed/);
  assert.match(sentenceOf(outcomes[1]), /^invalid: .*file is a file where a directory is needed/);
  assert.match(sentenceOf(outcomes[2]), /^invalid: .* is a file where a directory is needed/);
  assert.match(sentenceOf(outcomes[3]), /^invalid: .*dir is a directory/);
  assert.deepEqual((await scan(folder.path)).keys, ['dir/x', 'file']);
});

test('a name longer than the file system takes is a sentence', async () => {
  using folder = new Folder();
  const [fits, long] = await writeTo(folder.path, put('k'.repeat(255), '1'), put('k'.repeat(256), '1'));
  assert.equal(fits?.kind, 'done');
  assert.match(sentenceOf(long), /^invalid: cannot write .*: the name is too long for this file system/);
});

test('names that differ only in case or normal form are refused where they are one name, and nothing is lost', async () => {
  using folder = new Folder();
  const store = new TreeStore(folder.path, plainHost, { case: 'insensitive' });
  const outcomes = await store.write([put('Foo/a', '1'), put('foo/b', '2'), put('Foo/A', '3'), put('é', '4'), put('e\u0301', '5'), put('Foo/a', '6'), remove('Foo/a'), put('foo/A', '7')]);
  assert.deepEqual(outcomes.map(({ kind }) => kind), ['done', 'failed', 'failed', 'done', 'failed', 'done', 'done', 'failed']);
  assert.match(sentenceOf(outcomes[1]), /^invalid: .*foo cannot be kept beside .*Foo: the names differ only in case or normal form/);
  assert.deepEqual((await scan(folder.path)).keys, ['é']);
  assert.deepEqual((await store.write([put('foo/A', '7')])).map(({ kind }) => kind), ['done']);
});

test('on a file system that tells case apart such names are two', async (context) => {
  using folder = new Folder();
  writeFileSync(join(folder.path, 'probe'), '');
  if (existsSync(join(folder.path, 'PROBE'))) return context.skip('this file system ignores case');
  const outcomes = await writeTo(folder.path, put('foo', '1'), put('FOO', '2'));
  assert.deepEqual(outcomes.map(({ kind }) => kind), ['done', 'done']);
  assert.deepEqual(readdirSync(folder.path).toSorted(), ['FOO', 'foo', 'probe']);
});

test('leftovers of dead runs are removed once they are a day old', async () => {
  using folder = new Folder();
  for (const name of ['.syncline-old', '.syncline-new']) writeFileSync(join(folder.path, name), '');
  const old = Date.now() / 1e3 - 90_000;
  utimesSync(join(folder.path, '.syncline-old'), old, old);
  const store = new TreeStore(folder.path, plainHost);
  await Array.fromAsync(store.scan());
  assert.equal(readdirSync(folder.path).length, 2);
  await store.write([put('a', '1')]);
  assert.deepEqual(readdirSync(folder.path).toSorted(), ['.syncline-new', 'a']);
});

test('a directory that may not be listed is a problem, and the scan goes on', async (context) => {
  if (process.getuid?.() === 0) return context.skip('permissions do not bind root');
  using folder = new Folder();
  await writeTo(folder.path, put('closed/a', '1'), put('open/a', '2'));
  chmodSync(join(folder.path, 'closed'), 0);
  try {
    const { keys, problems } = await scan(folder.path);
    assert.deepEqual(keys, ['open/a']);
    assert.equal(problems[0]?.error.code, 'denied');
    assert.match(sentenceOf((await writeTo(folder.path, put('closed/b', '1')))[0]), /^denied: cannot write .*: permission denied/);
  } finally {
    chmodSync(join(folder.path, 'closed'), 0o700);
  }
});

test('a name that is not UTF-8 is a problem that names it', async () => {
  using folder = new Folder();
  writeFileSync(Buffer.concat([Buffer.from(`${folder.path}/caf`), Buffer.of(0xe9)]), '');
  writeFileSync(join(folder.path, 'ok'), '');
  const { keys, problems } = await scan(folder.path);
  assert.deepEqual(keys, ['ok']);
  assert.match(problems[0]?.error.message ?? '', /caf\uFFFD is not UTF-8/);
});

test('a file that is changed while it is read is refused, not read half', async () => {
  using folder = new Folder();
  const path = join(folder.path, 'large');
  writeFileSync(path, 'x'.repeat(600_000));
  utimesSync(path, 1_000, 1_000);
  const [entry] = await new TreeStore(folder.path, plainHost).read([{ key: 'large' }]);
  assert.ok(entry?.content?.kind === 'blob');
  const { content } = entry;
  await assert.rejects(async () => {
    for await (const _ of content.bytes()) writeFileSync(path, 'y'.repeat(600_000));
  }, { code: 'conflict' });
});

/** Runs a child that writes without end, and kills it in the middle. */
async function writeAndKill(root: string, afterMs: number): Promise<void> {
  const program = `
    import { TreeStore } from ${JSON.stringify(new URL('./tree-store.ts', import.meta.url).href)};
    import { plainHost } from ${JSON.stringify(new URL('../../model/plain-host.ts', import.meta.url).href)};
    const store = new TreeStore(${JSON.stringify(root)}, plainHost);
    for (let round = 0; ; round++) for (const size of [10, 100_000, 900_000]) {
      const text = String(round % 10).repeat(size);
      await store.write([{ kind: 'put', entry: { key: 'sub/' + size, content: { kind: 'blob', async *bytes() { for (let at = 0; at < size; at += 50_000) yield Buffer.from(text.slice(at, at + 50_000)); } } } }]);
      if (round === 0 && size === 900_000) process.stdout.write('ready');
    }`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  await new Promise((resolve) => setTimeout(resolve, afterMs));
  child.kill('SIGKILL');
  await once(child, 'close');
}

test('a process that is killed while it writes leaves every file whole, old or new', async () => {
  for (const afterMs of [0, 7, 23]) {
    using folder = new Folder();
    await writeAndKill(folder.path, afterMs);
    for (const size of [10, 100_000, 900_000]) {
      const text = readFileSync(join(folder.path, 'sub', String(size)), 'utf8');
      assert.equal(text.length, size);
      assert.equal(new Set(text).size, 1);
    }
    assert.deepEqual((await scan(folder.path)).keys, ['sub/10', 'sub/100000', 'sub/900000']);
  }
});

test('a full disk is a sentence, leaves the old content and no half of the new', async (context) => {
  using folder = new Folder();
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=128k', 'tmpfs', folder.path], { stdio: 'ignore' });
  } catch {
    return context.skip('this machine lets nobody mount a small file system');
  }
  try {
    await writeTo(folder.path, put('a', 'old'));
    const outcomes = await writeTo(folder.path, put('a', 'x'.repeat(200_000)), put('b', 'y'.repeat(900_000)), put('c', 'fits'));
    for (const outcome of outcomes.slice(0, 2)) assert.match(sentenceOf(outcome), /^unavailable: cannot write .*: no space is left on the device/);
    assert.equal(outcomes[2]?.kind, 'done');
    assert.deepEqual(readdirSync(folder.path).toSorted(), ['a', 'c']);
    assert.equal(readFileSync(join(folder.path, 'a'), 'utf8'), 'old');
  } finally {
    execFileSync('umount', [folder.path]);
  }
});

test('of several processes that expect a file to be absent, one makes it', async () => {
  using folder = new Folder();
  const stores = Array.from({ length: 8 }, () => new TreeStore(folder.path, plainHost));
  const outcomes = await Promise.all(stores.map((store, i) => store.write([put('a', `writer ${i}`, { absent: true })])));
  assert.equal(outcomes.filter(([outcome]) => outcome?.kind === 'done').length, 1);
  assert.ok(lstatSync(join(folder.path, 'a')).isFile());
});
