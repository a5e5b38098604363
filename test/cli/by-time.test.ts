import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, rmSync } from 'node:fs';
import { hostname } from 'node:os';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Lock } from '../../src/engine/state/state.ts';
import { openState } from '../../src/engine/state/sqlite-state.ts';
import { Bench } from './command.ts';

const day = (nth: number): string => `2015-01-0${nth}T00:00:00Z`;

function record(id: string, at: string, value = ''): { readonly [path: string]: string } {
  return { [id]: `id: ${id.replace(/\W/g, '')}\nat: ${at}\nvalue: "${value}"\n` };
}

async function until(what: string, holds: () => boolean): Promise<void> {
  for (let waited = 0; !holds(); waited++) {
    assert.ok(waited < 400, what);
    await sleep(50);
  }
}

/** Tells a command to end when `body` has, however that does. */
async function ended(child: ChildProcess, body: () => Promise<void>): Promise<void> {
  await body().finally(() => child.kill('SIGTERM'));
}

test('a merge by time goes on where it ended, and --full looks at everything', async () => {
  using bench = new Bench();
  bench.write({ ...record('a/t/1.yaml', day(1), 'a'), ...record('b/t/1.yaml', day(2), 'b'), ...record('a/t/2.yaml', day(1)) });
  const merge = (...more: readonly string[]) => bench.syncline(['merge', '--newest', '--modified', 'at', ...more, 'a', 'b']);
  const dry = await merge('--dry-run');
  assert.match(dry.stdout, /update t\/1.*\(to the left\)[^]*create t\/2/);
  assert.equal(existsSync(bench.at('b/t/2.yaml')), false);
  const first = await merge('--report', 'json');
  const report = JSON.parse(first.stdout) as { readonly counts: object; readonly flows: object };
  assert.deepEqual([first.code, report.flows], [0, { t: { left: { read: 1, written: 1, skipped: 0, conflicting: 0, quarantined: 0 }, right: { read: 2, written: 1, skipped: 1, conflicting: 0, quarantined: 0 } } }]);
  // Older than where the last run ended: only who looks at everything sees it.
  bench.write(record('a/t/3.yaml', day(1)));
  assert.match((await merge()).stdout, /nothing to do/);
  assert.match((await merge('--full')).stdout, /1 change/);
  assert.match((await merge('--overlap', '0')).stdout, /nothing to do/);
});

test('a merge by time deletes only with --delete, and then looks at everything', async () => {
  using bench = new Bench();
  for (const id of [1, 2, 3]) bench.write(record(`a/t/${id}.yaml`, day(1)));
  const merge = (...more: readonly string[]) => bench.syncline(['merge', '--newest', '--modified', 'at', ...more, 'a', 'b']);
  await merge('--delete');
  rmSync(bench.at('a/t/1.yaml'));
  assert.match((await merge('--delete', '--report', 'json')).stdout, /"deleted": 1/);
  assert.equal(existsSync(bench.at('b/t/1.yaml')), false);
  rmSync(bench.at('a/t/2.yaml'));
  await merge('--full');
  assert.equal(existsSync(bench.at('a/t/2.yaml')), true);
});

test('sync and diff take a range, too', async () => {
  using bench = new Bench();
  for (const id of [1, 2, 3, 4]) bench.write(record(`a/t/${id}.yaml`, day(id)));
  const range = ['--modified', 'at', '--from', day(1), '--until', '1420243200'] as const;
  const { code, stdout } = await bench.syncline(['diff', '--summary', ...range, 'a', 'b']);
  assert.deepEqual([code, [...stdout.matchAll(/create (\S+)/g)].map(([, key]) => key)], [1, ['t/2', 't/3']]);
  assert.equal((await bench.syncline(['sync', ...range, 'a', 'b'])).code, 0);
  assert.deepEqual([1, 2, 3, 4].filter((id) => existsSync(bench.at(`b/t/${id}.yaml`))), [2, 3]);
  assert.equal((await bench.syncline(['sync', '--delete', ...range, 'a', 'b'])).code, 2);
});

for (const [command, ...flags] of [['merge', '--newest', '--modified', 'at'], ['merge'], ['sync']] as const) {
  test(`${[command, ...flags].join(' ')} --every goes on until it is told to end`, async () => {
    using bench = new Bench();
    bench.write({ ...record('a/t/1.yaml', day(1)), ...record('b/t/1.yaml', day(1)) });
    const { code, stdout } = await bench.syncline([command, ...flags, '--every', '200ms', '--report', 'ndjson', 'a', 'b'], {
      meanwhile: (child) => void ended(child, async () => {
        await until('the first run is over', () => existsSync(bench.at('.state/syncline/state.db')));
        bench.write(record('a/t/2.yaml', day(2)));
        await until('what is new arrives', () => existsSync(bench.at('b/t/2.yaml')));
      }),
    });
    assert.equal(code, 0);
    assert.ok(stdout.split('\n').filter((line) => line.includes('"event":"report"')).length >= 1);
  });
}

test('a run that fails does not end --every, but for the very first one', async () => {
  using bench = new Bench();
  bench.write(record('a/t/1.yaml', day(1)));
  const first = await bench.syncline(['merge', '--newest', '--modified', 'at', '--every', '1s', 'nowhere', 'b']);
  assert.notEqual(first.code, 0);
  const later = await bench.syncline(['merge', '--newest', '--modified', 'at', '--every', '200ms', 'a', 'b'], {
    meanwhile: (child) => void ended(child, async () => {
      await until('the first run is over', () => existsSync(bench.at('b/t/1.yaml')));
      bench.write({ 'a/t/2.yaml': 'id: 2\n' });
      let heard = '';
      child.stdout!.on('data', (text: string) => (heard += text));
      await until('the failure is told', () => heard.includes('does not say when'));
      bench.write(record('a/t/2.yaml', new Date().toISOString()));
      await until('the next run does what the last one could not', () => existsSync(bench.at('b/t/2.yaml')));
    }),
  });
  assert.equal(later.code, 0);
});

test('a place that is out of reach as --every begins ends nothing, and what is chosen of it is looked at when it can be', async () => {
  using bench = new Bench();
  using database = new DatabaseSync(bench.at('a.db'));
  database.exec(`create table t (id integer primary key, at text); insert into t values (1, '${day(1)}'); begin exclusive`);
  const merge = ['merge', '--newest', '--modified', 'at', 'sqlite:a.db?collections=t&timeoutMs=20', 'b'];
  assert.equal((await bench.syncline(merge)).code, 3);
  const { code, stderr } = await bench.syncline([...merge, '--every', '100ms'], {
    meanwhile: (child) => void ended(child, async () => {
      let heard = '';
      child.stderr!.on('data', (text: string) => (heard += text));
      await until('the failure is told', () => heard.includes('is locked'));
      database.exec('commit');
      await until('it goes on', () => existsSync(bench.at('b/t/1.yaml')));
    }),
  });
  assert.equal(code, 0, stderr);
});

test('a lock of a process that was killed is taken over at once', async () => {
  using bench = new Bench();
  bench.write(record('a/t/1.yaml', day(1)));
  const args = ['merge', '--newest', '--modified', 'at', 'a', 'b'];
  await bench.syncline(args);
  const dead = spawn(process.execPath, ['-e', '']);
  await once(dead, 'exit');
  const take = async (pid: number | undefined): Promise<void> => {
    await using state = openState(bench.at('.state/syncline/state.db'));
    const [checkpoint] = state.checkpoints.list();
    assert.ok('token' in state.locks.take(checkpoint!.configuration, { holder: `process ${pid} on ${hostname()}`, sinceMs: Date.now(), untilMs: Date.now() + 20_000 }));
  };
  await take(dead.pid);
  assert.equal((await bench.syncline(args)).code, 0);
  await take(process.pid);
  const refused = await bench.syncline(args);
  assert.equal(refused.code, 3);
  assert.match(refused.stderr, /another run of this configuration is under way/);
});

test('a checkpoint is listed, shown, set and forgotten', async () => {
  using bench = new Bench();
  bench.write(record('a/t/1.yaml', day(1)));
  await bench.syncline(['merge', '--newest', '--modified', 'at', 'a', 'b']);
  const state = async (...args: readonly string[]): Promise<string> => (await bench.syncline(['state', ...args])).stdout;
  const [, id, name] = /^(\w{8}) {2}until \S+Z {2}(.*)\n$/.exec(await state()) ?? [];
  assert.equal(name, 'merge a and b, modified at');
  assert.equal(await state('set', id!, '1420070400.5'), `${id} ${' '}until 2015-01-01T00:00:00.5Z  ${name}\n`);
  assert.equal(await state('show', id!.slice(0, 3)), `${id}  until 2015-01-01T00:00:00.5Z  ${name}\n`);
  {
    await using open = openState(bench.at('.state/syncline/state.db'));
    const { configuration } = open.checkpoints.list()[0]!;
    const lock = open.locks.take(configuration, { holder: 'another machine', sinceMs: Date.now(), untilMs: Date.now() + 60_000 });
    for (const [verb, ...time] of [['set', '0'], ['forget']] as const) {
      const refused = await bench.syncline(['state', verb, id!, ...time]);
      assert.deepEqual([refused.code, /another run of this configuration is under way/.test(refused.stderr)], [3, true], 'a run that is under way would undo it');
    }
    assert.match(await state('show', id!), /00\.5Z/);
    open.locks.release(lock as Lock);
  }
  assert.equal(await state('forget', id!), '');
  assert.equal(await state('list'), '');
});

test('what lost in a merge can be read back', async () => {
  using bench = new Bench();
  bench.write({ 'a/t/1.yaml': 'id: 1\nvalue: old\n', 'a/t/2.yaml': 'id: 2\n' });
  await bench.syncline(['merge', '--as', 'documents', 'a', 'b']);
  assert.match((await bench.syncline(['state', 'lost'])).stderr, /nothing has lost/);
  bench.write({ 'a/t/1.yaml': 'id: 1\nvalue: ours\n', 'b/t/1.yaml': 'id: 1\nvalue: theirs\n' });
  await bench.syncline(['merge', '--as', 'documents', '--prefer', 'left', 'a', 'b']);
  const listed = (await bench.syncline(['state', 'lost'])).stdout;
  assert.match(listed, /^\d{4}-\S+Z {2}t\/1 {2}on the right of \S+\/a \S+\/b\n$/);
  assert.match((await bench.syncline(['state', 'lost', 't/1'])).stdout, /"value":"theirs"/);
  assert.deepEqual((JSON.parse((await bench.syncline(['state', 'lost', 't/1', '--report', 'json'])).stdout) as readonly object[]).map((value) => ({ ...value, at: '', pair: '' })), [{ at: '', key: 't/1', side: 'right', pair: '', document: '{"id":1,"value":"theirs"}' }]);
  assert.match((await bench.syncline(['state', 'lost', 't/2'])).stderr, /nothing is kept of "t\/2"/);
});

test('a time field that no table has is refused, before all its records would be put aside', async () => {
  using bench = new Bench();
  for (const name of ['a.db', 'b.db']) {
    const database = new DatabaseSync(bench.at(name));
    database.exec("create table t (id integer primary key, at text); insert into t values (1, '2015-01-01')");
    database.close();
  }
  for (const endpoints of [['sqlite:a.db?modified=att', 'sqlite:b.db'], ['sqlite:a.db', 'sqlite:b.db?modified=att']]) {
    const { code, stderr } = await bench.syncline(['merge', '--newest', '--modified', 'at', ...endpoints]);
    assert.deepEqual([code, /no table of sqlite:[ab]\.db has the field "att"/.test(stderr)], [2, true], stderr);
  }
  // What is made there by the run brings the field along.
  const database = new DatabaseSync(bench.at('other.db'));
  database.exec('create table unrelated (id integer primary key)');
  database.close();
  for (const other of ['b.db', 'other.db', 'none.db']) assert.equal((await bench.syncline(['merge', '--newest', '--modified', 'at', 'sqlite:a.db', `sqlite:${other}`])).code, 0, other);
});

test('who names no field that tells the time, or another one, is told of one that all tables have', async () => {
  using bench = new Bench();
  const database = new DatabaseSync(bench.at('a.db'));
  database.exec('create table t (id integer primary key, changed INSTANT_TEXT(6), seen INSTANT_TEXT(6)); create table u (id integer primary key, seen INSTANT_TEXT(6))');
  database.close();
  const said = async (...more: readonly string[]): Promise<string> => (await bench.syncline(['merge', '--newest', ...more, 'sqlite:a.db', 'b'])).stderr;
  assert.match(await said(), /a\.db does not say when its entries were modified: name the field that does, as in --modified seen\n/);
  assert.match(await said('--modified', 'at'), /has the field "at", which is to say when a record was modified: check --modified: they all have seen\n/);
});
