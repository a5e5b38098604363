// A directory on a server as a place of the command line.
import assert from 'node:assert/strict';
import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Bench, resource } from './cli/command.ts';
import { sshd, withoutSshd } from './services/sshd.ts';

/** A new folder on the server: how the command line writes it, and where it is. */
async function place(): Promise<{ readonly endpoint: string; readonly folder: string }> {
  const { newFolder, port, user, key, knownHosts } = await sshd();
  const folder = newFolder();
  return { folder, endpoint: `sftp://${user}@127.0.0.1:${port}${folder}?key=${key}&known-hosts=${knownHosts}` };
}

describe('the command line', withoutSshd, () => {
  test('a directory is mirrored to a server and kept so, verified, and mirrored back', async () => {
    using bench = new Bench();
    const { endpoint, folder } = await place();
    bench.write({ 'site/index.html': '<p>', 'site/a/b/c.txt': 'c', 'site/run': '#!' });
    chmodSync(bench.at('site/run'), 0o755);
    utimesSync(bench.at('site/run'), 1_000_000, 1_000_000);
    const first = await bench.syncline(['sync', 'site', endpoint, '--delete']);
    assert.equal(first.code, 0, first.stderr);
    assert.equal(readFileSync(join(folder, 'a/b/c.txt'), 'utf8'), 'c');
    assert.equal(statSync(join(folder, 'run')).mode & 0o777, 0o755);
    assert.equal(statSync(join(folder, 'run')).mtimeMs, 1_000_000_000);
    assert.match((await bench.syncline(['sync', 'site', endpoint, '--delete'])).stdout, /in step/);
    assert.equal((await bench.syncline(['verify', 'site', endpoint])).code, 0);

    bench.write({ 'site/index.html': '<b>' });
    utimesSync(bench.at('site/index.html'), 2_000_000, 2_000_000);
    rmSync(bench.at('site/a'), { recursive: true });
    const differing = await bench.syncline(['verify', 'site', endpoint]);
    assert.equal(differing.code, 1);
    assert.match(differing.stdout + differing.stderr, /index\.html/);
    const second = await bench.syncline(['sync', 'site', endpoint, '--delete', '--max-delete', '5']);
    assert.equal(second.code, 0, second.stderr);
    assert.deepEqual(readdirSync(folder).sort(), ['index.html', 'run']);

    const back = await bench.syncline(['sync', endpoint, 'copy', '--delete']);
    assert.equal(back.code, 0, back.stderr);
    assert.equal(readFileSync(bench.at('copy/index.html'), 'utf8'), '<b>');
    assert.equal(statSync(bench.at('copy/run')).mode & 0o777, 0o755);
    assert.match((await bench.syncline(['sync', endpoint, 'copy', '--delete'])).stdout, /in step/);
    assert.equal((await bench.syncline(['diff', '--checksum', endpoint, 'copy'])).code, 0);
  });
  test('an edit that kept size and time is found with --checksum', async () => {
    using bench = new Bench();
    const { endpoint, folder } = await place();
    bench.write({ 'a/f': 'one' });
    utimesSync(bench.at('a/f'), 1_000, 1_000);
    assert.equal((await bench.syncline(['sync', 'a', endpoint])).code, 0);
    bench.write({ 'a/f': 'ONE' });
    utimesSync(bench.at('a/f'), 1_000, 1_000);
    assert.equal((await bench.syncline(['sync', 'a', endpoint, '--checksum'])).code, 0);
    assert.equal(readFileSync(join(folder, 'f'), 'utf8'), 'ONE');
  });
  test('an edit on the server that kept size and time is found with --checksum and by verify, whatever is remembered', async () => {
    using bench = new Bench();
    const { endpoint, folder } = await place();
    bench.write({ 'a/f': 'one' });
    utimesSync(bench.at('a/f'), 1_000, 1_000);
    for (let run = 0; run < 2; run++) assert.equal((await bench.syncline(['sync', 'a', endpoint, '--checksum'])).code, 0);
    assert.equal((await bench.syncline(['verify', 'a', endpoint])).code, 0);
    writeFileSync(join(folder, 'f'), 'ONE');
    utimesSync(join(folder, 'f'), 1_000, 1_000);
    assert.equal((await bench.syncline(['verify', 'a', endpoint])).code, 1);
    assert.equal((await bench.syncline(['sync', 'a', endpoint, '--checksum'])).code, 0);
    assert.equal(readFileSync(join(folder, 'f'), 'utf8'), 'one');
  });
  test('both sides are merged, and neither loses what only it has', async () => {
    using bench = new Bench();
    const { endpoint, folder } = await place();
    bench.write({ 'a/mine': 'm', 'a/both': '1' });
    assert.equal((await bench.syncline(['merge', 'a', endpoint])).code, 0);
    writeFileSync(join(folder, 'theirs'), 't');
    rmSync(bench.at('a/mine'));
    // What was young when it was merged is not any more, and is still what it was.
    await sleep(3_100);
    const merged = await bench.syncline(['merge', 'a', endpoint, '--delete']);
    assert.equal(merged.code, 0, merged.stderr);
    assert.deepEqual([readdirSync(bench.at('a')).sort(), readdirSync(folder).sort()], [['both', 'theirs'], ['both', 'theirs']]);
    assert.match((await bench.syncline(['merge', 'a', endpoint])).stdout, /in step/);
  });
  test('a server holds resources, one file each', async () => {
    using bench = new Bench();
    const { endpoint, folder } = await place();
    bench.write({ ...resource('widget', '1', { colour: 'red' }), ...resource('widget', '2') });
    assert.equal((await bench.syncline(['sync', '.', endpoint, '--as', 'documents'])).code, 0);
    assert.ok(existsSync(join(folder, 'widget/1.yaml')));
    const out = await bench.syncline(['sync', endpoint, 'all.json']);
    assert.equal(out.code, 0, out.stderr);
    assert.match(readFileSync(bench.at('all.json'), 'utf8'), /red/);
    assert.match((await bench.syncline(['sync', endpoint, 'all.json'])).stdout, /in step/);
  });
  test('an empty source deletes nothing, and a place within itself is refused', async () => {
    using bench = new Bench();
    const { endpoint, folder } = await place();
    bench.write({ 'a/f': 'x', 'none/.keep': '' });
    await bench.syncline(['sync', 'a', endpoint]);
    rmSync(bench.at('none/.keep'));
    assert.equal((await bench.syncline(['sync', 'none', endpoint, '--delete'])).code, 4);
    assert.deepEqual(readdirSync(folder), ['f']);
    assert.equal((await bench.syncline(['sync', endpoint, endpoint.replace('?', '/sub?')])).code, 2);
  });
  test('a server that lets nobody in is an error of the environment, and a wrong option one of usage', async () => {
    using bench = new Bench();
    const { endpoint } = await place();
    bench.write({ 'a/f': 'x' });
    const denied = await bench.syncline(['sync', 'a', endpoint.replace(/key=[^&]+&/, '')], { environment: { SYNCLINE_SFTP_PASSWORD: 'hush-hush' } });
    assert.equal(denied.code, 3);
    assert.match(denied.stderr, /does not let \w+ in: a password did not do/);
    assert.ok(!(denied.stdout + denied.stderr).includes('hush'));
    const unknown = await bench.syncline(['sync', 'a', endpoint.replace(/&known-hosts=.*/, '')]);
    assert.equal(unknown.code, 3);
    assert.match(unknown.stderr, /the host key of 127\.0\.0\.1 at port \d+ is not known: it shows SHA256:/);
    assert.equal((await bench.syncline(['sync', 'a', `${endpoint}&colour=red`])).code, 2);
    assert.equal((await bench.syncline(['sync', 'a', 'sftp://me:hush-hush@127.0.0.1/x'])).code, 2);
  });
});
