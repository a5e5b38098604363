// What becomes of uploads and downloads when lines break, servers fall silent and others write at the same time.
import assert from 'node:assert/strict';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { describe, test } from 'node:test';
import ssh2 from 'ssh2';
import type { Host } from '../src/model/host.ts';
import { plainHost } from '../src/model/plain-host.ts';
import type { Outcome, Store } from '../src/model/store.ts';
import { kind } from '../src/stores/sftp/kind.ts';
import type { SftpOptions } from '../src/stores/sftp/kind.ts';
import { seededRandom } from '../src/testing/random.ts';
import { openSftp, sftpHost, sshd, withoutSshd } from './services/sshd.ts';

/** A line to a server that breaks. */
interface Line extends AsyncDisposable {
  readonly port: number;
  /** Connections so far. */
  count: number;
  /** Breaks every connection now. */
  cut(): void;
  /** No byte passes any more, either way, and nothing is closed. */
  hold(): void;
}

/** A line to the server. `lengthOf` says after how many bytes, either way, the nth connection breaks, `loses` when it does so just before an answer comes. */
async function line(lengthOf: (nth: number) => number = () => Infinity, loses: (nth: number) => boolean = () => false): Promise<Line> {
  const { port: target } = await sshd();
  const sockets = new Set<Socket>();
  let held = false;
  const server = createServer((near) => {
    const far = connect(target, '127.0.0.1');
    const nth = made.count++;
    const most = lengthOf(nth);
    let passed = 0;
    const cut = (): void => {
      near.destroy();
      far.destroy();
    };
    for (const [from, to] of [[near, far], [far, near]] as const) {
      sockets.add(from);
      from.on('data', (bytes: Buffer) => {
        if (held) return;
        passed += bytes.length;
        if (passed > most || (from === far && loses(nth))) cut();
        else if (!to.write(bytes)) {
          from.pause();
          to.once('drain', () => from.resume());
        }
      });
      from.on('error', cut).on('close', () => {
        sockets.delete(from);
        cut();
      });
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cutAll = (): void => { for (const socket of sockets) socket.destroy(); };
  const made: Line = {
    port: (server.address() as AddressInfo).port,
    count: 0,
    cut: cutAll,
    hold: () => { held = true; },
    async [Symbol.asyncDispose]() {
      cutAll();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return made;
}

/** Opens a folder over a line, which the known keys know nothing of. */
async function over({ port }: Line, folder: string, options: SftpOptions = {}, sleep: Host['sleep'] = hurried): Promise<Store> {
  const { knownHosts, ssh } = await sshd();
  const [hostKey = ''] = /SHA256:\S{43}/.exec((await ssh('ssh-keygen', '-l', '-f', knownHosts)).split('\n').find((text) => text.includes('ED25519'))!)!;
  return openSftp(folder, { hostKey, ...options }, sftpHost({ sleep }), port);
}

/** Does not wait before something is tried again, which would only make the tests slow. */
async function hurried(ms: number, signal?: AbortSignal): Promise<void> {
  await plainHost.sleep(ms < 60_000 ? 1 : ms, signal);
}

function put(key: string, bytes: Uint8Array, { step = 64 * 1024, meanwhile = () => {} }: { readonly step?: number; readonly meanwhile?: (at: number) => void } = {}): { readonly kind: 'put'; readonly entry: { readonly key: string; readonly content: { readonly kind: 'blob'; bytes(): AsyncGenerator<Uint8Array> } } } {
  const content = {
    kind: 'blob' as const,
    async *bytes() {
      for (let at = 0; at < bytes.length; at += step) {
        meanwhile(at);
        yield bytes.subarray(at, at + step);
      }
    },
  };
  return { kind: 'put', entry: { key, content } };
}

function assertDone(outcome: Outcome | undefined): void {
  assert.equal(outcome?.kind, 'done', outcome?.kind === 'failed' ? outcome.error.sentence : outcome?.kind);
}

/** The files a reader sees. */
async function visible(store: Store): Promise<readonly string[]> {
  return (await Array.fromAsync(store.scan())).flatMap(({ entries }) => entries.map(({ key }) => key));
}

const large = randomBytes(3_000_001);

describe('broken lines', { ...withoutSshd, timeout: 240_000 }, () => {
  test('an upload that is cut off is made again, and no half file is ever to be seen', async () => {
    const folder = (await sshd()).newFolder();
    writeFileSync(join(folder, 'old'), 'old');
    for (const key of ['new', 'old']) {
      await using broken = await line((nth) => (nth === 0 ? 1_500_000 : Infinity));
      await using store = await over(broken, folder);
      const seen = new Set<number>();
      const [outcome] = await store.write([put(key, large, { meanwhile: () => seen.add(existsSync(join(folder, key)) ? statSync(join(folder, key)).size : -1) })]);
      assertDone(outcome);
      assert.equal(broken.count, 2);
      assert.deepEqual([...seen], [key === 'new' ? -1 : 3]);
      assert.ok(readFileSync(join(folder, key)).equals(large));
    }
    assert.deepEqual(readdirSync(folder).sort(), ['new', 'old']);
  });
  test('an upload that cannot be made again is a failure, and what was there stays', async () => {
    const { newFolder } = await sshd();
    const folder = newFolder();
    writeFileSync(join(folder, 'old'), 'old');
    await using broken = await line((nth) => (nth === 0 ? 1_500_000 : 0));
    await using store = await over(broken, folder, { maxAttempts: 2 });
    const [outcome] = await store.write([put('old', large)]);
    assert.ok(outcome?.kind === 'failed' && outcome.error.code === 'unavailable');
    assert.equal(outcome.error.details.attempts, 2, 'which the engine need not try again');
    assert.equal(readFileSync(join(folder, 'old'), 'utf8'), 'old');
    await using direct = await openSftp(folder);
    assert.deepEqual(await visible(direct), ['old']);
  });
  test('a download that is cut off goes on where it was', async () => {
    const folder = (await sshd()).newFolder();
    writeFileSync(join(folder, 'a'), large);
    utimesSync(join(folder, 'a'), 1_000, 1_000);
    await using broken = await line((nth) => (nth < 2 ? 1_500_000 : Infinity));
    await using store = await over(broken, folder);
    const [entry] = await store.read([{ key: 'a' }]);
    assert.ok(entry?.content?.kind === 'blob');
    assert.ok(Buffer.concat(await Array.fromAsync(entry.content.bytes())).equals(large));
    assert.equal(broken.count, 3);
  });
  test('a download of a file that is another by then, or becomes one meanwhile, is refused', async () => {
    const folder = (await sshd()).newFolder();
    const path = join(folder, 'a');
    for (const when of ['before', 'while the line breaks', 'meanwhile']) {
      writeFileSync(path, large);
      utimesSync(path, 1_000, 1_000);
      await using whole = await line();
      await using store = await over(whole, folder);
      const [entry] = await store.read([{ key: 'a' }]);
      assert.ok(entry?.content?.kind === 'blob');
      const change = (): void => utimesSync(path, 2_000, 2_000);
      if (when === 'before') change();
      const { content } = entry;
      const reading = async (): Promise<void> => {
        for await (const _ of content.bytes()) {
          change();
          if (when === 'while the line breaks') whole.cut();
        }
      };
      await assert.rejects(reading(), { code: 'conflict' });
    }
  });
  test('lines that break again and again lose nothing, do nothing twice and take nothing for somebody else’s', async () => {
    const folder = (await sshd()).newFolder();
    const random = seededRandom(7);
    await using broken = await line(() => 6_000 + Math.floor(random.next() * 60_000));
    await using store = await over(broken, folder, { maxAttempts: 100, concurrency: 4 });
    const files = new Map(Array.from({ length: 60 }, (_, i) => [`d${i % 7}/f${i}`, randomBytes(1 + Math.floor(random.next() * 9_000))]));
    const outcomes = await store.write([...files].map(([key, bytes]) => ({ ...put(key, bytes), expect: { absent: true } })));
    for (const outcome of outcomes) assertDone(outcome);
    for (const [key, bytes] of files) assert.ok(readFileSync(join(folder, key)).equals(bytes), key);
    assert.deepEqual(await visible(store), [...files.keys()].sort());
    const entries = (await Array.fromAsync(store.scan())).flatMap((page) => page.entries);
    for (const outcome of await store.write(entries.map(({ key, version }) => ({ kind: 'delete' as const, ref: { key }, expect: { version: version! } })))) assertDone(outcome);
    assert.ok(broken.count > 5, `${broken.count} lines`);
    const left = readdirSync(folder, { recursive: true }).map(String).filter((name) => !basename(name).startsWith('.syncline-'));
    assert.deepEqual(left.filter((name) => statSync(join(folder, name)).isFile()), []);
  });
  test('what was done although its answer was lost is noticed', async () => {
    const folder = (await sshd()).newFolder();
    const path = join(folder, 'a');
    for (const expect of [{ absent: true }, { older: 9e15 }] as const) {
      rmSync(path, { force: true });
      await using broken = await line(undefined, (nth) => nth === 0 && existsSync(path));
      await using store = await over(broken, folder);
      const [outcome] = await store.write([{ ...put('a', Buffer.from('mine')), expect }]);
      assertDone(outcome);
      assert.ok(outcome?.kind === 'done' && outcome.unguarded);
      assert.equal(broken.count, 2);
      assert.equal(outcome.stat.version, (await Array.fromAsync(store.scan()))[0]?.entries[0]?.version);
    }
    await using broken = await line(undefined, (nth) => nth === 0 && !existsSync(path));
    await using store = await over(broken, folder);
    const [entry] = (await Array.fromAsync(store.scan())).flatMap(({ entries }) => entries);
    assertDone((await store.write([{ kind: 'delete', ref: { key: 'a' }, expect: { version: entry!.version! } }]))[0]);
    assert.equal(broken.count, 2);
    // Somebody else's is not taken for it.
    await using other = await line(undefined, (nth) => nth === 0 && existsSync(path) && readFileSync(path, 'utf8') === 'mine' && writeFileSync(path, 'thei') === undefined);
    await using second = await over(other, folder);
    assert.equal((await second.write([{ ...put('a', Buffer.from('mine')), expect: { absent: true } }]))[0]?.kind, 'stale');
    assert.equal(readFileSync(path, 'utf8'), 'thei');
  });
  test('a scan goes on over a new line', async () => {
    const folder = (await sshd()).newFolder();
    await using direct = await openSftp(folder);
    await direct.write(Array.from({ length: 200 }, (_, i) => put(`d${i % 20}/${i}`, Buffer.from('x'))));
    await using broken = await line((nth) => 9_000 * (nth + 1));
    await using store = await over(broken, folder, { maxAttempts: 50 });
    assert.equal((await visible(store)).length, 200);
    assert.ok(broken.count > 1);
  });
  test('a server that falls silent is given up', async () => {
    const folder = (await sshd()).newFolder();
    await using quiet = await line();
    let isHeld = false;
    // A minute is over a moment after the line fell silent, and not before.
    const sleep = async (ms: number, signal?: AbortSignal): Promise<void> => {
      while (ms >= 60_000 && !isHeld) await plainHost.sleep(5, signal);
      await plainHost.sleep(100, signal);
    };
    await using store = await over(quiet, folder, { maxAttempts: 1, keepaliveMs: 0 }, sleep);
    assert.deepEqual(await visible(store), []);
    quiet.hold();
    isHeld = true;
    await assert.rejects(visible(store), { code: 'unavailable', message: /did not answer within 60000 ms/ });
  });
  test('a server that is not there, or says nothing sensible, is said so', async () => {
    const folder = (await sshd()).newFolder();
    const gone = await line();
    await gone[Symbol.asyncDispose]();
    await using none = await over(gone, folder, { maxAttempts: 2 });
    await assert.rejects(visible(none), { code: 'unavailable', message: /nothing listens at port \d+ of 127\.0\.0\.1/ });
    await using closed = await line(() => 0);
    await using store = await over(closed, folder, { maxAttempts: 3 });
    await assert.rejects(visible(store), { code: 'unavailable' });
    assert.equal(closed.count, 3);
    const outcomes = await store.write(Array.from({ length: 400 }, (_, i) => put(`${i}`, Buffer.from('x'))));
    assert.ok(outcomes.every((outcome) => outcome.kind === 'failed' && outcome.error.code === 'unavailable'));
    assert.ok(closed.count < 20, 'not every write tries for itself');
  });
  test('an interrupted run stops, and leaves nothing', async () => {
    const folder = (await sshd()).newFolder();
    await using store = await openSftp(folder);
    const stop = new AbortController();
    const [outcome] = await store.write([put('a', large, { meanwhile: (at) => { if (at > 1_000_000) stop.abort(); } })], { signal: stop.signal });
    assert.ok(outcome?.kind === 'failed' && outcome.error.code === 'interrupted');
    assert.deepEqual(readdirSync(folder), []);
  });
});

describe('others at the same time', { ...withoutSshd, timeout: 240_000 }, () => {
  test('whoever reads while a file is replaced sees all of the old or all of the new', async () => {
    const folder = (await sshd()).newFolder();
    const [one, two] = [Buffer.alloc(600_000, 1), Buffer.alloc(500_000, 2)];
    await using store = await openSftp(folder);
    assertDone((await store.write([put('a', one)]))[0]);
    let writing = true;
    const seen = new Set<string>();
    const look = async (): Promise<void> => {
      while (writing) {
        const bytes = readFileSync(join(folder, 'a'));
        seen.add(`${bytes.length} ${bytes[0]} ${bytes.at(-1)}`);
        await new Promise((resolve) => setImmediate(resolve));
      }
    };
    const looking = look();
    for (let i = 0; i < 5; i++) for (const bytes of [two, one]) assertDone((await store.write([put('a', bytes)]))[0]);
    writing = false;
    await looking;
    assert.ok([...seen].every((state) => state === '600000 1 1' || state === '500000 2 2'), [...seen].join());
  });
  test('what was changed while it was being replaced is left alone', async () => {
    const folder = (await sshd()).newFolder();
    await using store = await openSftp(folder);
    writeFileSync(join(folder, 'a'), 'theirs');
    utimesSync(join(folder, 'a'), 1_000, 1_000);
    const [entry] = (await Array.fromAsync(store.scan())).flatMap(({ entries }) => entries);
    const change = (): void => writeFileSync(join(folder, 'a'), 'theirs, edited');
    const [outcome] = await store.write([{ ...put('a', large, { meanwhile: change }), expect: { version: entry!.version! } }]);
    assert.equal(outcome?.kind, 'stale');
    assert.equal(readFileSync(join(folder, 'a'), 'utf8'), 'theirs, edited');
    assert.deepEqual(readdirSync(folder), ['a']);
  });
});

test('passwords are shown to servers that ask for one, in either way', async () => {
  for (const method of ['password', 'keyboard-interactive'] as const) {
    const folder = mkdtempSync(join(tmpdir(), 'syncline-sftp-'));
    const shown: string[] = [];
    // OpenSSH takes only passwords of the accounts of the machine, so this is a server of its own.
    // One in 256 of the keys that ssh2 makes begins with a zero and cannot be read by it.
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1', publicKeyEncoding: { type: 'spki', format: 'pem' }, privateKeyEncoding: { type: 'sec1', format: 'pem' } });
    const server = new ssh2.Server({ hostKeys: [privateKey] }, (client) => {
      client.on('error', () => {});
      client.on('authentication', (login) => {
        if (login.method !== method) return login.reject([method]);
        if (login.method === 'keyboard-interactive') return login.prompt([{ prompt: 'Password: ', echo: false }], (answers) => { shown.push(...answers); login.accept(); });
        if (login.method === 'password') shown.push(login.password);
        login.accept();
      });
      client.on('ready', () => client.on('session', (accept) => accept().on('sftp', (open) => {
        const sftp = open();
        sftp.on('STAT', (id) => sftp.status(id, 2));
      })));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    try {
      const { port } = server.address() as AddressInfo;
      const knownHosts = join(folder, 'known_hosts');
      const unknown = await kind.open(`sftp://me@127.0.0.1:${port}/x`, { maxAttempts: 1 }, sftpHost({ environment: {} })) as Store;
      const refused = await visible(unknown).then(() => undefined, (error: Error) => error);
      await unknown[Symbol.asyncDispose]();
      const [hostKey = ''] = /SHA256:\S{43}/.exec(String(refused?.message))!;
      writeFileSync(knownHosts, '');
      await using store = await kind.open(`sftp://me@127.0.0.1:${port}/x`, { hostKey, missing: 'empty', maxAttempts: 1 }, sftpHost({ environment: { SYNCLINE_SFTP_PASSWORD: 'hush' } })) as Store;
      assert.deepEqual(await visible(store), []);
      assert.deepEqual(shown, ['hush']);
    } finally {
      await new Promise<void>((resolve) => { server.close(() => resolve()); });
      rmSync(folder, { recursive: true, force: true });
    }
  }
});
