import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { runFromCheckpoint } from '../../src/engine/run/checkpoints.ts';
import { openState } from '../../src/engine/state/sqlite-state.ts';
import type { Document } from '../../src/model/document.ts';
import { MemoryStore } from '../../src/stores/memory/memory-store.ts';
import { fakeHost } from '../../src/testing/index.ts';
import { fromNow, Places } from './in-step.ts';

const at = (day: number, time = '00:00:00Z'): string => `2015-01-${String(day).padStart(2, '0')}T${time}`;
const pair = { configuration: 'a pair', name: 'a pair' } as const;

test('D1: the first run brings everything to both sides, and remembers when it began', async () => {
  using places = new Places();
  places.put('a', 'orders', { id: '1', tmstmp: '1970-01-01T00:00:01Z', from: 'a' });
  places.put('b', 'orders', { id: '2', tmstmp: at(2), from: 'b' });
  places.put('b', 'people', { id: '3', tmstmp: fromNow(-1), from: 'b' });
  const before = Date.now() / 1000;
  const { code, stderr } = await places.synced();
  assert.deepEqual([code, stderr], [0, '']);
  assert.deepEqual(Object.keys(places.records('a')), ['orders/1', 'orders/2', 'people/3']);
  assert.deepEqual(places.records('a'), places.records('b'));
  const [until] = Object.values(await places.until());
  assert.ok(until! >= Math.floor(before) && until! <= Date.now() / 1000);
});

test('D2: a second run writes nothing', async () => {
  using places = new Places();
  for (const id of ['1', '2']) places.put('a', 'orders', { id, tmstmp: fromNow(-1), value: 1.5 });
  assert.match((await places.synced()).stdout, /in step, 2 written/);
  const before = places.files('b').map((path) => readFileSync(join(places.path, 'b', path)));
  assert.match((await places.synced()).stdout, /in step, nothing to do/);
  assert.deepEqual(places.files('b').map((path) => readFileSync(join(places.path, 'b', path))), before);
});

test('D3: of what is there only the record that was updated is written', async () => {
  using places = new Places();
  for (const id of ['1', '2', '3']) places.put('a', 'orders', { id, tmstmp: fromNow(-100), value: 1 });
  await places.synced();
  places.put('a', 'orders', { id: '2', tmstmp: fromNow(0), value: 2 });
  assert.match((await places.synced()).stdout, /in step, 1 written/);
  assert.equal(places.records('b')['orders/2']!['value'], 2);
});

test('D4: of two versions the newer one is on both sides, whichever side has it', async () => {
  using places = new Places();
  for (const [id, older, newer] of [['1', 'a', 'b'], ['2', 'b', 'a']] as const) {
    places.put(older, 'orders', { id, tmstmp: at(2), value: 'older' });
    places.put(newer, 'orders', { id, tmstmp: at(3), value: 'newer' });
  }
  assert.equal((await places.synced()).code, 0);
  for (const side of ['a', 'b']) assert.deepEqual(Object.values(places.records(side)).map(({ value }) => value), ['newer', 'newer']);
});

test('D5: equal versions are left as they are, and of different ones of one time one wins on both sides, for good', async () => {
  using places = new Places();
  for (const side of ['a', 'b']) {
    places.put(side, 'orders', { id: '1', tmstmp: at(2), value: 'same' });
    places.put(side, 'orders', { id: '2', tmstmp: at(2), value: side });
  }
  assert.match((await places.synced()).stdout, /in step, 1 written/);
  assert.deepEqual(places.records('a'), places.records('b'));
  assert.match((await places.synced(['-b', '0'])).stdout, /nothing to do/);
});

test('D6: of a range, what was modified after its beginning and not after its end is all that moves', async () => {
  using places = new Places();
  for (const day of [1, 2, 3, 4, 5]) places.put('a', 'orders', { id: String(day), tmstmp: at(day) });
  places.put('b', 'orders', { id: '9', tmstmp: at(9) });
  assert.equal((await places.synced(['--begin', at(2), '--end', at(4)])).code, 0);
  assert.deepEqual(Object.keys(places.records('b')), ['orders/3', 'orders/4', 'orders/9']);
  assert.equal(Object.keys(places.records('a')).length, 5);
});

test('D7: numbers are seconds, and what looks like milliseconds is refused with the reason', async () => {
  using places = new Places();
  places.put('a', 'orders', { id: '1', tmstmp: '2015-01-01T00:00:00Z' });
  places.put('a', 'orders', { id: '2', tmstmp: '2015-01-01T00:00:00.000001Z' });
  places.put('a', 'orders', { id: '3', tmstmp: '2015-02-01T00:00:00Z' });
  places.put('a', 'orders', { id: '4', tmstmp: '2015-02-01T00:00:00.000001Z' });
  const refused = await places.synced(['-b', '1420070400000', '-e', '1422748800000']);
  assert.equal(refused.code, 2);
  assert.match(refused.stderr, /13 digits looks like milliseconds/);
  assert.deepEqual(places.files('b'), []);
  assert.equal((await places.synced(['-b', '1420070400', '-e', '1422748800'])).code, 0);
  assert.deepEqual(Object.keys(places.records('b')), ['orders/2', 'orders/3']);
});

test('D8: a range that is none is a mistake on the command line', async () => {
  using places = new Places();
  for (const args of [['-b', '1422748800', '-e', '1420070400'], ['-b', 'yesterday'], ['-e', ''], ['-b'], ['-b', '99999999999']]) {
    const { code, stdout, stderr } = await places.synced(args);
    assert.deepEqual([code, stdout, stderr.trimEnd().split('\n').length], [2, '', 1], `${args.join(' ')}: ${stderr}`);
  }
});

test('D9: without a keyspace or an index nothing happens', async () => {
  using places = new Places();
  for (const args of [[], ['-k', 'app'], ['-i', 'app'], ['-k', '', '-i', 'app'], ['-k', 'app', '-i', 'app', 'more']]) {
    const { code, stderr } = await (await import('./command.ts')).runCommand('synced', args, { cwd: places.path });
    assert.equal(code, 2, args.join(' '));
    assert.match(stderr, /^synced: /);
  }
});

test('D10: two configurations in one directory do not disturb each other', async () => {
  using places = new Places();
  places.put('a', 'orders', { id: '1', tmstmp: at(1) });
  await places.synced();
  await (await import('node:fs/promises')).mkdir(join(places.path, 'c'));
  assert.match((await places.synced([], { to: './c' })).stdout, /in step, 1 written/);
  await places.synced(['--tables', 'orders']);
  assert.equal(Object.keys(await places.until()).length, 3);
});

test('D11: what the original left behind says where to begin', async () => {
  using places = new Places();
  places.put('a', 'orders', { id: 'before', tmstmp: '2015-01-01T00:00:00Z' });
  places.put('a', 'orders', { id: 'after', tmstmp: '2015-02-01T00:00:00Z' });
  writeFileSync(join(places.path, 'last'), '1421000000.123456');
  assert.equal((await places.synced()).code, 0);
  assert.deepEqual(Object.keys(places.records('b')), ['orders/after']);
});

test('D12: where to begin can be set and forgotten, and what cannot be read is an error before anything is written', async () => {
  using places = new Places();
  await places.synced();
  for (const day of [1, 2, 3]) places.put('a', 'orders', { id: String(day), tmstmp: at(day) });
  const id = (await places.syncline(['state'])).stdout.split(' ')[0]!;
  assert.equal((await places.syncline(['state', 'set', id, at(2, '12:00:00Z')])).code, 0);
  await places.synced();
  assert.deepEqual(Object.keys(places.records('b')), ['orders/3']);
  for (const args of [['state', 'set', id, '1420070400000'], ['state', 'set', id, '2999-01-01'], ['state', 'set', id, 'yesterday'], ['state', 'set', 'nothing', '0'], ['state', 'set', id]]) assert.equal((await places.syncline(args)).code, 2, args.join(' '));
  assert.equal((await places.syncline(['state', 'forget', id])).code, 0);
  for (const garbage of ['', 'yesterday', '1420070400000', '1e9']) {
    writeFileSync(join(places.path, 'last'), garbage);
    const { code, stderr } = await places.synced();
    assert.equal(code, 1, garbage);
    assert.match(stderr, /the file last/);
    assert.deepEqual(Object.keys(places.records('b')), ['orders/3']);
  }
  rmSync(join(places.path, 'last'));
  await places.synced();
  assert.deepEqual(Object.keys(places.records('b')), ['orders/1', 'orders/2', 'orders/3']);
});

test('D13: a failure in one direction leaves where to go on as it was, and the next run does the rest', async () => {
  let failing = true;
  const left = new MemoryStore({ interfere: (operation) => { if (operation === 'write' && failing) throw new Error('refused'); } });
  const right = new MemoryStore();
  await using state = openState(undefined);
  left.edit('t/1', { from: 'left' }, { modifiedAt: 1 });
  right.edit('t/2', { from: 'right' }, { modifiedAt: 1 });
  const first = await runFromCheckpoint({ left, right, state, host: fakeHost() }, pair);
  assert.deepEqual([first.counts.created, first.counts.failed, state.checkpoints.get('a pair')], [1, 1, undefined]);
  failing = false;
  const second = await runFromCheckpoint({ left, right, state, host: fakeHost() }, pair);
  assert.deepEqual([second.counts.created, second.counts.failed, left.dump()], [1, 0, right.dump()]);
  assert.ok(state.checkpoints.get('a pair'));
});

test('D14: a range does not move where the next run begins', async () => {
  using places = new Places();
  places.put('a', 'orders', { id: '1', tmstmp: at(1) });
  await places.synced(['-b', '0']);
  await places.synced(['-e', at(5)]);
  assert.deepEqual(await places.until(), {});
  await places.synced();
  const until = await places.until();
  assert.equal(Object.keys(until).length, 1);
  await places.synced(['-b', at(1)]);
  assert.deepEqual(await places.until(), until);
});

test('D15: every table goes both ways, one that is missing is made, and --tables narrows', async () => {
  using places = new Places();
  places.put('a', 'orders', { id: '1', tmstmp: at(1) });
  places.put('b', 'people', { id: '1', tmstmp: at(1) });
  places.put('b', 'things', { id: '1', tmstmp: at(1) });
  assert.equal((await places.synced(['--tables', 'orders,people'])).code, 0);
  assert.deepEqual([Object.keys(places.records('a')), Object.keys(places.records('b'))], [['orders/1', 'people/1'], ['orders/1', 'people/1', 'things/1']]);
  await places.synced();
  assert.deepEqual(places.records('a'), places.records('b'));
});

test('D16: what became visible late is found by the next run', async () => {
  using places = new Places();
  const stamped = fromNow(-5);
  await places.synced();
  places.put('a', 'orders', { id: 'late', tmstmp: stamped });
  await places.synced();
  assert.deepEqual(Object.keys(places.records('b')), ['orders/late']);
});

test('D17: what the target gets between the reading and the writing stays if it is newer', async () => {
  const right = new MemoryStore({ interfere: (operation) => { if (operation === 'write') right.edit('t/1', { value: 'newest' }, { modifiedAt: 9 }); } });
  const left = new MemoryStore();
  await using state = openState(undefined);
  left.edit('t/1', { value: 'newer' }, { modifiedAt: 5 });
  right.edit('t/1', { value: 'old' }, { modifiedAt: 1 });
  const { counts } = await runFromCheckpoint({ left, right, state, host: fakeHost() }, pair);
  assert.deepEqual([right.dump(), counts.skipped], [{ 't/1': { value: 'newest' } }, 1]);
  await runFromCheckpoint({ left, right, state, host: fakeHost() }, pair);
  assert.deepEqual(left.dump(), right.dump());
});

test('D19: times are compared as instants, however they are spelt', async () => {
  using places = new Places();
  // Of each pair the first one is later.
  const pairs = [
    [at(1, '00:00:05.5Z'), at(1, '00:00:05Z')], [at(1, '00:00:05.000001'), at(1, '00:00:05Z')], [at(1, '00:00:10Z'), at(1, '00:00:09.999999Z')],
    [at(1, '06:00:00Z'), at(1, '07:00:07+02:00')], [at(1, '00:30:00-02:00'), at(1, '02:29:59Z')], ['c232ab00-9414-11ec-b3c8-9f6bdeced846', '2022-02-22T19:22:21.999Z'], ['2022-02-22T19:22:22.000001Z', 'c232ab00-9414-11ec-b3c8-9f6bdeced846'],
  ] as const;
  pairs.forEach(([later, earlier], i) => {
    places.put(i % 2 === 0 ? 'a' : 'b', 'orders', { id: String(i), tmstmp: later, value: 'later' });
    places.put(i % 2 === 0 ? 'b' : 'a', 'orders', { id: String(i), tmstmp: earlier, value: 'earlier' });
  });
  assert.equal((await places.synced()).code, 0);
  for (const side of ['a', 'b']) for (const [key, { value }] of Object.entries(places.records(side))) assert.equal(value, 'later', `${side} ${key}`);
});

test('D20: a time that went there and back is what it was, and no news', async () => {
  using places = new Places();
  const record: Document = { id: '1', tmstmp: 'c232ab00-9414-11ec-b3c8-9f6bdeced846', value: 1 };
  places.put('a', 'orders', record);
  await places.synced();
  rmSync(join(places.path, 'a', 'orders', '1.yaml'));
  await places.synced(['-b', '0']);
  assert.deepEqual(places.records('a'), { 'orders/1': record });
  assert.match((await places.synced(['-b', '0'])).stdout, /nothing to do/);
});

const awkward: Document = {
  id: '1', tmstmp: at(1), quotes: `"'`, backslash: '\\', dollar: '$', braces: '${x}', lines: 'a\nb', emoji: '\u{1F600}', none: null, no: false, half: 1.5, big: 9007199254740993n,
  nested: { list: [1, 'two', [null], { three: 3 }], empty: {} }, date: '2015-01-31', like: '2015-01-31T00:00:00', number: '1.5',
};

test('D21: whatever a value holds, it is the same on the other side', async () => {
  using places = new Places();
  places.put('a', 'orders', awkward);
  assert.equal((await places.synced()).code, 0);
  assert.deepEqual(places.records('b'), { 'orders/1': awkward });
});

test('D22: text that looks like a date stays text', async () => {
  using places = new Places();
  for (const [i, text] of ['2015-01-31', '2015-01-31T00:00:00Z', '1420070400', 'true', 'null', '1e3'].entries()) places.put('b', 'orders', { id: `x${i}`, tmstmp: at(1), text });
  await places.synced();
  assert.deepEqual(Object.values(places.records('a')).map(({ text }) => text), ['2015-01-31', '2015-01-31T00:00:00Z', '1420070400', 'true', 'null', '1e3']);
});

test('D23: a field that the newer version lacks is gone on the other side', async () => {
  using places = new Places();
  places.put('a', 'orders', { id: '1', tmstmp: at(1), kept: 1, removed: 2 });
  places.put('b', 'orders', { id: '1', tmstmp: at(2), kept: 1 });
  await places.synced();
  assert.deepEqual(places.records('a'), { 'orders/1': { id: '1', tmstmp: at(2), kept: 1 } });
});

test('D24: a record without a time is reported and left out, and the others go on', async () => {
  using places = new Places();
  places.put('a', 'orders', { id: '1', value: 1 });
  places.put('a', 'orders', { id: '2', tmstmp: 'yesterday', value: 1 });
  places.put('a', 'orders', { id: '3', tmstmp: at(1), value: 1 });
  const { code, stderr } = await places.synced();
  assert.equal(code, 1);
  assert.match(stderr, /orders\/1.*does not say when/);
  assert.match(stderr, /orders\/2.*has no date and time in its field tmstmp/);
  assert.deepEqual(Object.keys(places.records('b')), ['orders/3']);
  // They are set aside, so that later runs need not look at everything: still no success, and told of in one line.
  const later = await places.synced();
  assert.deepEqual([later.code, /does not say when/.test(later.stderr)], [1, false]);
  assert.match(later.stderr, /2 records are in quarantine/);
  places.put('a', 'orders', { id: '1', tmstmp: at(1), value: 1 });
  places.put('a', 'orders', { id: '2', tmstmp: at(1), value: 1 });
  assert.equal((await places.synced()).code, 0);
  assert.deepEqual(Object.keys(places.records('b')), ['orders/1', 'orders/2', 'orders/3']);
});

test('D25: what was deleted on one side only comes back', async () => {
  using places = new Places();
  places.put('a', 'orders', { id: '1', tmstmp: fromNow(-1) });
  await places.synced();
  rmSync(join(places.path, 'b', 'orders', '1.yaml'));
  await places.synced();
  assert.deepEqual(places.records('a'), places.records('b'));
});

test('D26: ten thousand records of one time all arrive', async () => {
  const [left, right] = [new MemoryStore(), new MemoryStore({ order: 'none' })];
  await using state = openState(undefined);
  state.checkpoints.set({ ...pair, until: 1_000_000_000, at: 0 });
  for (let i = 0; i < 10_005; i++) left.edit(`t/${i}`, { i }, { modifiedAt: 1_000_000_000 });
  const { counts } = await runFromCheckpoint({ left, right, state, host: fakeHost() }, pair);
  assert.deepEqual([counts.created, right.size], [10_005, 10_005]);
});

test('D27: a place that is out of reach is one line, exit 1, and nothing is remembered', async () => {
  using places = new Places();
  const { code, stderr } = await places.synced([], { to: 'http://127.0.0.1:9/api' });
  assert.equal(code, 1);
  assert.equal(stderr.trimEnd().split('\n').length, 1, stderr);
  assert.match(stderr, /^synced: .*127\.0\.0\.1:9/);
  assert.deepEqual(await places.until(), {});
});

test('D28: help is printed from any directory', async () => {
  using places = new Places();
  for (const flag of ['-h', '--help']) {
    const { code, stdout } = await places.synced([flag]);
    assert.equal(code, 0);
    for (const option of ['-b, --begin', '-e, --end', '-k, --keyspace', '-i, --indexname']) assert.ok(stdout.includes(option), option);
  }
});

test('D29: what was read, written and skipped is said for each table and direction, and a dry run writes nothing', async () => {
  using places = new Places();
  places.put('a', 'orders', { id: '1', tmstmp: at(1), value: 'old' });
  places.put('b', 'orders', { id: '1', tmstmp: at(2), value: 'new' });
  places.put('a', 'orders', { id: '2', tmstmp: at(1) });
  places.put('b', 'people', { id: '1', tmstmp: at(1) });
  const table = ['read written skipped conflicting quarantined', 'orders to Elasticsearch 2 1 1 0 0', 'orders to Cassandra 1 1 0 0 0', 'people to Elasticsearch 0 0 0 0 0', 'people to Cassandra 1 1 0 0 0'];
  const told = (stdout: string): readonly string[] => stdout.split('\n').slice(0, 5).map((line) => line.trim().replaceAll(/ +/g, ' '));
  const before = [places.records('a'), places.records('b')];
  const dry = await places.synced(['--dry-run']);
  assert.deepEqual([dry.code, told(dry.stdout)], [0, table]);
  assert.deepEqual([[places.records('a'), places.records('b')], await places.until()], [before, {}]);
  assert.deepEqual(told((await places.synced()).stdout), table);
});

test('D30: of two runs at once the second is refused, and both sides end in step', async () => {
  using places = new Places();
  for (let i = 0; i < 300; i++) places.put(i % 2 === 0 ? 'a' : 'b', 'orders', { id: String(i), tmstmp: at(1) });
  const runs = await Promise.all([places.synced(), places.synced(), places.synced()]);
  assert.ok(runs.some(({ code }) => code === 0));
  for (const { code, stderr } of runs) assert.ok(code === 0 || (code === 1 && /another run of this configuration is under way/.test(stderr)), stderr);
  assert.equal(Object.keys(places.records('a')).length, 300);
  assert.deepEqual(places.records('a'), places.records('b'));
});

test('D31: with --every it goes on, and ends when it is told to', async () => {
  using places = new Places();
  const command = fileURLToPath(new URL('../../src/cli/synced.ts', import.meta.url));
  const child = spawn(process.execPath, [command, '-k', 'app', '-i', 'app', '--every', '300ms', '--cassandra', './a', '--elasticsearch', './b'], { cwd: places.path, env: { HOME: places.path, PATH: process.env['PATH'] ?? '' }, stdio: 'ignore' });
  const ended = once(child, 'exit');
  try {
    for (const id of ['1', '2', '3']) {
      places.put('a', 'orders', { id, tmstmp: fromNow(0) });
      for (let waited = 0; places.files('b').length < Number(id); waited++) {
        assert.ok(waited < 600, `record ${id} arrives`);
        await sleep(50);
      }
    }
  } finally {
    child.kill('SIGTERM');
  }
  assert.deepEqual(await ended, [0, null]);
  assert.equal(Object.keys(await places.until()).length, 1);
  assert.equal((await places.synced()).code, 0, 'nothing is locked any more');
});

test('D32: what is stamped in the future moves once its time comes', async () => {
  const [left, right] = [new MemoryStore(), new MemoryStore()];
  await using state = openState(undefined);
  let nowMs = 1_000_000;
  const host = { ...fakeHost(), now: () => nowMs };
  left.edit('t/1', { value: 1 }, { modifiedAt: (nowMs + 90_000) * 1_000 });
  for (const seconds of [0, 30, 30]) {
    nowMs += seconds * 1_000;
    const { counts } = await runFromCheckpoint({ left, right, state, host }, pair);
    assert.deepEqual([right.size, counts.failed], [0, 0]);
  }
  nowMs += 30_000;
  await runFromCheckpoint({ left, right, state, host }, pair);
  assert.deepEqual(right.dump(), left.dump());
});
