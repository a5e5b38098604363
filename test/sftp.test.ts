import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import type { Attributes, Entry } from '../src/model/entry.ts';
import { SyncError } from '../src/model/errors.ts';
import type { Expectation, Outcome, Problem, Store } from '../src/model/store.ts';
import { kind } from '../src/stores/sftp/kind.ts';
import type { SftpOptions } from '../src/stores/sftp/kind.ts';
import { openSftp, sftpHost, sshd, withoutSshd } from './services/sshd.ts';

const own = mkdtempSync(join(tmpdir(), 'syncline-sftp-'));
after(() => rmSync(own, { recursive: true, force: true }));

async function listed(store: Store, under?: readonly string[]): Promise<{ readonly entries: readonly Entry[]; readonly problems: readonly Problem[] }> {
  const pages = await Array.fromAsync(store.scan(under ? { under } : {}));
  return { entries: pages.flatMap(({ entries }) => entries), problems: pages.flatMap(({ problems = [] }) => problems) };
}

async function keys(store: Store, under?: readonly string[]): Promise<readonly string[]> {
  return (await listed(store, under)).entries.map(({ key }) => key);
}

async function put(store: Store, key: string, text: string | Uint8Array, { attributes, expect }: { readonly attributes?: Attributes; readonly expect?: Expectation } = {}): Promise<Outcome> {
  const content = { kind: 'blob' as const, async *bytes() { yield Buffer.from(text as string); } };
  const [outcome] = await store.write([{ kind: 'put', entry: { key, content, ...(attributes && { attributes }) }, ...(expect && { expect }) }]);
  return outcome!;
}

async function textOf(store: Store, key: string): Promise<string> {
  const [entry] = await store.read([{ key }]);
  assert.ok(entry?.content?.kind === 'blob', key);
  return Buffer.concat(await Array.fromAsync(entry.content.bytes())).toString();
}

/** What keeps a store from being listed. */
async function refusal(open: () => Promise<Store>): Promise<SyncError> {
  try {
    await using store = await open();
    await listed(store);
  } catch (error) {
    assert.ok(error instanceof SyncError, String(error));
    return error;
  }
  assert.fail('it was let in');
}

describe('the key of the server', withoutSshd, () => {
  const file = (name: string, text: string): string => {
    const path = join(own, name);
    writeFileSync(path, text);
    return path;
  };
  const refused = async (options: SftpOptions): Promise<SyncError> => refusal(async () => openSftp((await sshd()).folder, { maxAttempts: 1, ...options }));
  const lines = async (): Promise<readonly string[]> => readFileSync((await sshd()).knownHosts, 'utf8').trim().split('\n');

  test('one that is not known is refused, and its fingerprint named', async () => {
    const { ssh, knownHosts } = await sshd();
    const error = await refused({ knownHosts: file('empty', '# nobody\n') });
    assert.equal(error.code, 'denied');
    assert.match(error.sentence, /is not known: it shows SHA256:\S{43}: compare it with what whoever runs the server says/);
    assert.ok((await ssh('ssh-keygen', '-l', '-f', knownHosts)).includes(/SHA256:\S{43}/.exec(error.message)![0]), 'as ssh-keygen shows it');
  });
  test('one that is another than is known is refused, and the line named', async () => {
    const { port } = await sshd();
    const [line = ''] = await lines();
    const other = Buffer.from(line.split(' ')[2]!, 'base64');
    other[other.length - 1]! ^= 1;
    const error = await refused({ knownHosts: file('changed', `\n[127.0.0.1]:${port} ssh-ed25519 ${other.toString('base64')}\n`) });
    assert.equal(error.code, 'denied');
    assert.match(error.sentence, /is not the one that is known \(\S+changed, line 2\)/);
  });
  test('one that was revoked is refused', async () => {
    const known = await lines();
    assert.match((await refused({ knownHosts: file('revoked', [...known, `@revoked ${known[0]}`].join('\n')) })).message, /was revoked/);
  });
  test('names in a file of known keys may be hashed, lists and patterns, and other servers do not count', async () => {
    const { folder, ssh } = await sshd();
    const known = await lines();
    const hashed = file('hashed', `${known.join('\n')}\n`);
    await ssh('ssh-keygen', '-q', '-H', '-f', hashed);
    assert.ok(!readFileSync(hashed, 'utf8').includes('127.0.0.1'));
    const [name = '', ...key] = known[0]!.split(' ');
    const patterns = file('patterns', `other.example,${name.replace('127.0', '*.?')} ${key.join(' ')}\n`);
    for (const knownHosts of [hashed, patterns]) {
      await using store = await openSftp(folder, { knownHosts });
      await listed(store);
    }
    const excepted = file('excepted', `*,!${name} ${key.join(' ')}\n`);
    const plain = file('plain', `127.0.0.1 ${key.join(' ')}\n`);
    for (const knownHosts of [excepted, plain]) assert.match((await refused({ knownHosts })).message, /is not known/);
  });
  test('where only a key of one kind is known the server is asked for that kind', async () => {
    await using store = await openSftp((await sshd()).folder, { knownHosts: file('rsa', (await lines()).find((line) => line.includes('ssh-rsa'))!) });
    await listed(store);
  });
  test('its fingerprint will do, and no other', async () => {
    const { ssh, knownHosts, folder } = await sshd();
    const [fingerprint = ''] = /SHA256:\S{43}/.exec((await ssh('ssh-keygen', '-l', '-f', knownHosts)).split('\n').find((line) => line.includes('ED25519'))!)!;
    await using store = await openSftp(folder, { knownHosts: file('nobody', ''), hostKey: fingerprint });
    await listed(store);
    const error = await refused({ hostKey: `SHA256:${'A'.repeat(43)}` });
    assert.match(error.message, /shows the host key SHA256:\S{43}, and not SHA256:A{43}/);
    assert.equal((await refused({ hostKey: 'md5:00' })).code, 'invalid');
  });
});

describe('who is let in', withoutSshd, () => {
  const withoutKey = async (environment: { readonly [name: string]: string }, options: SftpOptions = {}): Promise<Store> => {
    const { folder, port, user, knownHosts } = await sshd();
    return await kind.open(`sftp://127.0.0.1:${port}${folder}`, { user, knownHosts, maxAttempts: 1, ...options }, sftpHost({ environment })) as Store;
  };
  const home = async (): Promise<string> => {
    const folder = mkdtempSync(join(own, 'home-'));
    mkdirSync(join(folder, '.ssh'));
    return folder;
  };

  test('nobody without a key or password, and the sentence says what was tried', async () => {
    const error = await refusal(async () => withoutKey({}));
    assert.equal(error.code, 'denied');
    assert.match(error.sentence, /does not let \w+ in: there was no key or password to show: .*SYNCLINE_SFTP_PASSWORD/);
  });
  test('nobody with a wrong password, which is not repeated', async () => {
    const error = await refusal(async () => withoutKey({ SYNCLINE_SFTP_PASSWORD: 'hush-hush' }));
    assert.equal(error.code, 'denied');
    assert.match(error.message, /a password did not do/);
    assert.ok(!JSON.stringify([error.sentence, error.stack, error.details]).includes('hush'));
  });
  test('a password in the endpoint is refused, and not repeated', async () => {
    const error = await refusal(async () => await kind.open('sftp://me:hush-hush@127.0.0.1/x', {}, sftpHost()) as Store);
    assert.equal(error.code, 'invalid');
    assert.ok(!error.sentence.includes('hush'));
  });
  test('a key of the agent', async () => {
    const { ssh, key } = await sshd();
    const started = await ssh('ssh-agent', '-s');
    const [, socket = ''] = /SSH_AUTH_SOCK=([^;]+)/.exec(started)!;
    const [, process_ = ''] = /SSH_AGENT_PID=(\d+)/.exec(started)!;
    try {
      const added = join(own, 'added');
      writeFileSync(added, readFileSync(key), { mode: 0o600 });
      process.env['SSH_AUTH_SOCK'] = socket;
      await ssh('ssh-add', '-q', added);
      delete process.env['SSH_AUTH_SOCK'];
      await using store = await withoutKey({ SSH_AUTH_SOCK: socket });
      await listed(store);
    } finally {
      process.kill(Number(process_), 'SIGTERM');
    }
  });
  test('an agent that is not there is passed over', async () => {
    const { key } = await sshd();
    const folder = await home();
    writeFileSync(join(folder, '.ssh', 'id_ed25519'), readFileSync(key));
    await using store = await withoutKey({ SSH_AUTH_SOCK: join(own, 'no-agent'), HOME: folder });
    await listed(store);
  });
  test('a key in the home folder, and the known hosts there', async () => {
    const { key, knownHosts, folder, port, user } = await sshd();
    const at = await home();
    writeFileSync(join(at, '.ssh', 'id_ed25519'), readFileSync(key));
    writeFileSync(join(at, '.ssh', 'known_hosts'), readFileSync(knownHosts));
    await using store = await kind.open(`sftp://${user}@127.0.0.1:${port}${folder}`, {}, sftpHost({ environment: { HOME: at } })) as Store;
    await listed(store);
  });
  test('a locked key, with its passphrase only', async () => {
    const { key, ssh } = await sshd();
    const locked = join(own, 'locked');
    writeFileSync(locked, readFileSync(key), { mode: 0o600 });
    await ssh('ssh-keygen', '-q', '-p', '-N', 'open-sesame', '-a', '4', '-f', locked);
    await using store = await withoutKey({ SYNCLINE_SFTP_PASSPHRASE: 'open-sesame' }, { key: locked });
    await listed(store);
    assert.match((await refusal(async () => withoutKey({}, { key: locked }))).sentence, /is locked by a passphrase: .*SYNCLINE_SFTP_PASSPHRASE/);
    const wrong = await refusal(async () => withoutKey({ SYNCLINE_SFTP_PASSPHRASE: 'open-barley' }, { key: locked }));
    assert.match(wrong.message, /is not a private key that this passphrase opens/);
    assert.ok(!wrong.sentence.includes('barley'));
  });
  test('a key that is not there is said so', async () => {
    assert.match((await refusal(async () => withoutKey({}, { key: join(own, 'none') }))).message, /cannot be read \(ENOENT\)/);
  });
});

describe('files, modes, times and links', withoutSshd, () => {
  test('mode and time travel, and what is replaced keeps its mode where no other is given', async () => {
    const { newFolder } = await sshd();
    const folder = newFolder();
    await using store = await openSftp(folder);
    await put(store, 'a/run', 'one', { attributes: { mode: 0o4751, modifiedAt: 1_600_000_000_987_654 } });
    assert.equal(statSync(join(folder, 'a/run')).mode & 0o7777, 0o751, 'but never whose rights it runs with');
    assert.equal(statSync(join(folder, 'a/run')).mtimeMs, 1_600_000_000_000);
    await put(store, 'a/run', 'another');
    assert.equal(statSync(join(folder, 'a/run')).mode & 0o777, 0o751);
    const [entry] = await store.read([{ key: 'a/run' }]);
    assert.equal(entry?.attributes?.mode, 0o751);
    await put(store, 'a/run', 'another', { attributes: { mode: 0o600, modifiedAt: 5_000_000 } });
    assert.deepEqual([statSync(join(folder, 'a/run')).mode & 0o777, statSync(join(folder, 'a/run')).mtimeMs], [0o600, 5_000]);
  });
  test('directories that hold nothing any more are removed, the root and others stay', async () => {
    const folder = (await sshd()).newFolder();
    await using store = await openSftp(folder);
    for (const key of ['a/b/c/d', 'a/b/e', 'x/y']) await put(store, key, key);
    await store.write([{ kind: 'delete', ref: { key: 'a/b/c/d' } }, { kind: 'delete', ref: { key: 'x/y' } }]);
    assert.deepEqual(readdirSync(folder, { recursive: true }).sort(), ['a', 'a/b', 'a/b/e']);
    await store.write([{ kind: 'delete', ref: { key: 'a/b/e' } }]);
    assert.deepEqual(readdirSync(folder), []);
  });
  test('links are passed over, read as what they lead to, or kept', async () => {
    const { newFolder } = await sshd();
    const folder = newFolder();
    mkdirSync(join(folder, 'd'));
    writeFileSync(join(folder, 'd/f'), 'text');
    writeFileSync(join(own, 'outside'), 'outside');
    chmodSync(own, 0o755);
    for (const [name, target] of [['to-file', 'd/f'], ['to-directory', 'd'], ['out', own], ['out-file', join(own, 'outside')], ['loose', 'nothing'], ['around', '.'], ['self', 'self']] as const) symlinkSync(target, join(folder, name));
    const warnings: string[] = [];
    const host = sftpHost({ log: (_level, message) => void warnings.push(message) });
    const seen = async (links: NonNullable<SftpOptions['links']>): Promise<readonly string[]> => {
      await using store = await openSftp(folder, { links }, host);
      return await keys(store);
    };
    assert.deepEqual(await seen('skip'), ['d/f']);
    assert.match(warnings.join('\n'), /are symbolic links and are passed over/);
    assert.deepEqual(await seen('files'), ['d/f', 'out-file', 'to-file']);
    assert.deepEqual(await seen('follow'), ['d/f', 'out-file', 'to-directory/f', 'to-file']);
    assert.deepEqual(await seen('keep'), ['around', 'd/f', 'loose', 'out', 'out-file', 'self', 'to-directory', 'to-file']);
    await using following = await openSftp(folder, { links: 'follow' });
    assert.deepEqual(await Promise.all(['to-file', 'to-directory/f', 'out-file'].map((key) => textOf(following, key))), ['text', 'text', 'outside']);
    assert.deepEqual(await following.read([{ key: 'out/outside' }, { key: 'around/d/f' }, { key: 'to-directory' }]), [undefined, undefined, undefined]);
    assert.deepEqual(await keys(following, ['to-directory', 'out']), ['to-directory/f']);
    await using keeping = await openSftp(folder, { links: 'keep' });
    assert.equal(await textOf(keeping, 'to-file'), 'd/f');
    // Nothing is written through a link.
    for (const key of ['to-directory/new', 'out/new']) assert.equal((await put(following, key, 'x')).kind, 'failed');
    assert.equal((await put(following, 'to-file', 'x')).kind, 'failed');
    assert.equal(readFileSync(join(folder, 'd/f'), 'utf8'), 'text');
  });
  test('links are made, and those that would lead out are refused', async () => {
    const folder = (await sshd()).newFolder();
    await using store = await openSftp(folder, { links: 'keep' });
    const attributes = { link: true, modifiedAt: 7_000_000 } as const;
    for (const _ of [1, 2]) assert.equal((await put(store, 'd/l', '../f', { attributes })).kind, 'done');
    assert.equal(readlinkSync(join(folder, 'd/l')), '../f');
    assert.equal((await put(store, 'd/l', 'g', { attributes })).kind, 'done');
    assert.equal(readlinkSync(join(folder, 'd/l')), 'g');
    assert.equal((await put(store, 'd/l', 'h', { attributes, expect: { absent: true } })).kind, 'stale');
    assert.equal((await put(store, 'd/m', 'h', { attributes, expect: { absent: true } })).kind, 'done');
    symlinkSync(own, join(folder, 'out'));
    for (const target of ['/etc/passwd', '../../x', 'a/../../x', '..\0', '', '../out/x', '../out/x/y']) {
      const outcome = await put(store, 'd/n', target, { attributes });
      assert.ok(outcome.kind === 'failed' && outcome.error.code === 'invalid', target);
    }
    assert.equal((await put(store, 'not/yet', '../out/x', { attributes })).kind, 'failed');
    await using plain = await openSftp(folder);
    assert.ok((await put(plain, 'n', 'f', { attributes })).kind === 'failed');
    assert.deepEqual((await listed(store)).entries.map(({ key, attributes: { link } = {} }) => [key, link]), [['d/l', true], ['d/m', true], ['out', true]]);
  });
  test('hidden names take part or not, and drafts never do; old ones are removed', async () => {
    const folder = (await sshd()).newFolder();
    for (const name of ['.hidden', 'seen', '.syncline-new', '.syncline-old']) writeFileSync(join(folder, name), 'x');
    utimesSync(join(folder, '.syncline-old'), 1_000, 1_000);
    await using store = await openSftp(folder);
    assert.deepEqual(await keys(store), ['.hidden', 'seen']);
    await using visible = await openSftp(folder, { hidden: 'skip' });
    assert.deepEqual(await keys(visible), ['seen']);
    await put(store, 'other', 'x');
    assert.deepEqual(readdirSync(folder).sort(), ['.hidden', '.syncline-new', 'other', 'seen']);
  });
  test('a directory that does not exist is refused, or empty and made', async () => {
    const folder = join((await sshd()).newFolder(), 'not/yet');
    assert.equal((await refusal(async () => openSftp(folder, { missing: 'refuse' }))).code, 'not-found');
    await using store = await openSftp(folder);
    assert.deepEqual(await keys(store), []);
    assert.equal(await store.fingerprint?.(), undefined);
    await put(store, 'a', 'x');
    assert.deepEqual(readdirSync(folder), ['a']);
    assert.ok(await store.fingerprint?.());
    assert.equal((await refusal(async () => openSftp(join(folder, 'a')))).code, 'invalid');
  });
  test('a version tells states apart that were written within one second', async () => {
    const folder = (await sshd()).newFolder();
    await using store = await openSftp(folder);
    await put(store, 'a', 'one');
    const [before] = (await listed(store)).entries;
    const second = Math.floor(statSync(join(folder, 'a')).mtimeMs / 1_000);
    writeFileSync(join(folder, 'a'), 'two');
    utimesSync(join(folder, 'a'), second, second);
    assert.equal((await put(store, 'a', 'three', { expect: { version: before!.version! } })).kind, 'stale');
    const [now] = (await listed(store)).entries;
    assert.notEqual(now!.version, before!.version);
    assert.deepEqual((await put(store, 'a', 'three', { expect: { version: now!.version! } })), { kind: 'done', stat: (await put(store, 'a', 'three') as { stat: object }).stat, unguarded: true });
  });
  test('a name that is not UTF-8 is a problem, and no entry', async () => {
    const folder = (await sshd()).newFolder();
    writeFileSync(Buffer.concat([Buffer.from(`${folder}/a`), Buffer.of(0xff)]), 'x');
    writeFileSync(join(folder, 'good\uFFFD'), 'x');
    await using store = await openSftp(folder);
    const { entries, problems } = await listed(store);
    assert.deepEqual(entries.map(({ key }) => key), ['good\uFFFD']);
    assert.match(problems[0]?.error.message ?? '', /is not UTF-8/);
  });
});

describe('what is not permitted', withoutSshd, () => {
  test('a directory that may not be listed is a problem, one that may not be written to a failure, a file that may not be read is there', async () => {
    const { newFolder, give } = await sshd();
    const folder = newFolder();
    await using store = await openSftp(folder);
    for (const key of ['closed/a', 'fixed/b', 'secret', 'open']) await put(store, key, key);
    chmodSync(join(folder, 'closed'), 0o000);
    chmodSync(join(folder, 'fixed'), 0o555);
    chmodSync(join(folder, 'secret'), 0o000);
    give(join(folder, 'secret'));
    const { entries, problems } = await listed(store);
    assert.deepEqual(entries.map(({ key }) => key), ['fixed/b', 'open', 'secret']);
    assert.equal(problems.length, 1);
    assert.match(problems[0]!.error.sentence, /cannot list sftp:\S+closed: permission denied: check its owner/);
    const [secret] = await store.read([{ key: 'secret' }]);
    assert.ok(secret?.content?.kind === 'blob');
    const { content } = secret;
    await assert.rejects(Array.fromAsync(content.bytes()), { code: 'denied' });
    for (const outcome of [await put(store, 'fixed/new', 'x'), await put(store, 'fixed/b', 'x'), ...await store.write([{ kind: 'delete', ref: { key: 'fixed/b' } }])]) {
      assert.ok(outcome.kind === 'failed' && outcome.error.code === 'denied', outcome.kind);
    }
    assert.equal((await put(store, 'other', 'x')).kind, 'done');
    chmodSync(join(folder, 'closed'), 0o755);
    assert.ok(existsSync(join(folder, 'closed/a')));
  });
});

describe('endpoints', () => {
  const identity = async (endpoint: string, options: SftpOptions = {}): Promise<string> => (await kind.open(endpoint, options, sftpHost({ environment: { USER: 'me' } }))).identity;
  test('one place has one identity, however it is spelt, and whoever logs in', async () => {
    for (const spelling of ['sftp://Host.example/a/b', 'sftp://me@host.example:22/a//b/', 'SFTP://you@host.example/a/./b', 'sftp://host.example/%61/b']) assert.equal(await identity(spelling), 'sftp://host.example/a/b');
    assert.equal(await identity('sftp://[::1]:2222/x'), 'sftp://[::1]:2222/x');
    assert.notEqual(await identity('sftp://me@h/~/x'), await identity('sftp://you@h/~/x'));
  });
  test('what names no server or no directory is refused', async () => {
    for (const endpoint of ['sftp:///x', 'sftp://h:0/x', 'sftp://h:99999/x', 'sftp://h:x/y', 'sftp://h/a/../b', 'sftp://h/%00']) await assert.rejects(identity(endpoint), { code: 'invalid' }, endpoint);
    await assert.rejects(identity('sftp://h/x', { concurrency: 0 }), { code: 'invalid' });
    await assert.rejects(kind.open('sftp://h/x', {}, sftpHost()), { code: 'invalid' });
  });
});
