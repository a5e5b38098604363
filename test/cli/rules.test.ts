import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { Bench } from './command.ts';
import type { Ended } from './command.ts';

const rules = ['--rename', 'orders.state=status', '--rename', 'orders=purchases', '--drop', 'orders.notes', '--mask', 'orders.email=hash'];
const masked = { environment: { SYNCLINE_MASK_KEY: 'a key that is long enough' } };
const order = { 'a/orders/1.yaml': 'id: 1\nstate: open\nnotes: ours\nemail: joe@example.com\n' };

function database(bench: Bench): DatabaseSync {
  return new DatabaseSync(bench.at('left.sqlite'));
}

test('a sync under rules writes what they make of it, and the second one nothing', async () => {
  using bench = new Bench();
  bench.write({ ...order, 'key.txt': 'a key that is long enough\n' });
  const dry = await bench.syncline(['sync', '--dry-run', ...rules, 'a', 'b'], masked);
  assert.deepEqual([dry.code, /create purchases\/1/.test(dry.stdout)], [0, true]);
  assert.equal((await bench.syncline(['sync', ...rules, 'a', 'b'], masked)).code, 0);
  const written = readFileSync(bench.at('b/purchases/1.yaml'), 'utf8');
  assert.match(written, /^email: [0-9a-f]{64}\nid: 1\nstatus: open\n$/);
  assert.match((await bench.syncline(['sync', ...rules, '--mask-key-file', 'key.txt', 'a', 'b'])).stdout, /nothing to do/);
  assert.match((await bench.syncline(['verify', ...rules, 'a', 'b'], masked)).stdout, /equal: 1 entry/);
  assert.match((await bench.syncline(['diff', ...rules, 'a', 'b'], { environment: { SYNCLINE_MASK_KEY: 'another key, as long' } })).stdout, /email/);
});

test('what is wrong with rules is said before anything is written', async () => {
  using bench = new Bench();
  bench.write({ ...order, 'syncline.yaml': 'syncs:\n  orders:\n    sync: {origins: a, target: b}\n    drop: [orders.notes]\n    mask: orders.email=md5\n' });
  using left = database(bench);
  left.exec('create table orders (id integer primary key, state text, notes text, updated text)');
  const said = async (args: readonly string[], environment = {}): Promise<string> => {
    const { code, stderr }: Ended = await bench.syncline(args, { environment });
    assert.equal(code, 2, stderr);
    return stderr;
  };
  assert.match(await said(['sync', '--mask', 'orders.email=hash', 'a', 'b']), /there is no key to hash with.*: set SYNCLINE_MASK_KEY, or name a file/);
  assert.match(await said(['sync', '--mask', 'orders.email=hash', 'a', 'b'], { SYNCLINE_MASK_KEY: 'short' }), /has 5 characters/);
  assert.doesNotMatch(await said(['sync', '--mask', 'orders.email=hash', 'a', 'b'], { SYNCLINE_MASK_KEY: 'seekrit' }), /seekrit/);
  assert.match(await said(['sync', '--mask', 'orders.email=md5', 'a', 'b']), /must end in one of hash, redact, last4/);
  assert.match(await said(['sync', '--mask-key-file', 'key.txt', 'a', 'b']), /nothing is hashed/);
  assert.match(await said(['sync', '--as', 'blobs', '--drop', 'orders.notes', 'a', 'b']), /holds files, and rules are about the fields of documents/);
  assert.match(await said(['sync', '--drop', 'orders.nots', 'sqlite:left.sqlite', 'b']), /there is no field nots in orders of .*: use one of id, state, notes, updated/);
  assert.match(await said(['merge', '--newest', '--modified', 'updated', '--drop', 'orders.updated', 'sqlite:left.sqlite', 'b']), /updated says when a record was modified/);
  assert.match(await said(['sync', '--drop', 'orders.updated', 'sqlite:left.sqlite?modified=updated', 'b']), /updated says when a record was modified/);
  assert.match(await said(['run']), /syncline\.yaml:5: mask must end in one of hash/);
});

test('a merge under rules goes both ways, and keeps on each side what does not come across', async () => {
  using bench = new Bench();
  using left = database(bench);
  left.exec(`create table orders (id integer primary key, state text, notes text, updated text);
    insert into orders values (1, 'open', 'ours', '2015-01-10T00:00:00Z'), (2, 'paid', 'hush', '2015-01-11T00:00:00Z')`);
  bench.write({ 'b/orders/1.yaml': 'at: "2015-01-12T00:00:00Z"\nid: 1\nnotes: theirs\nstatus: sent\n', 'b/orders/3.yaml': 'at: "2015-01-12T00:00:00Z"\nid: 3\nstatus: new\n' });
  // The time goes by another name on the right, and is the time all the same.
  const merge = (...more: readonly string[]) => bench.syncline(['merge', '--newest', '--modified', 'updated', '--rename', 'orders.updated=at', '--rename', 'orders.state=status', '--drop', 'orders.notes', ...more, 'sqlite:left.sqlite', 'b']);
  const rows = (): unknown => left.prepare('select * from orders order by id').all().map((row) => Object.values(row));
  const first = await merge();
  assert.equal(first.code, 0, first.stderr);
  assert.deepEqual(rows(), [[1, 'sent', 'ours', '2015-01-12T00:00:00Z'], [2, 'paid', 'hush', '2015-01-11T00:00:00Z'], [3, 'new', null, '2015-01-12T00:00:00Z']]);
  assert.equal(readFileSync(bench.at('b/orders/2.yaml'), 'utf8'), 'at: "2015-01-11T00:00:00Z"\nid: 2\nstatus: paid\n');
  assert.match((await merge('--full')).stdout, /nothing to do/);
  left.exec(`update orders set state = 'back', updated = '2015-01-13T00:00:00Z' where id = 1`);
  assert.match((await merge('--full')).stdout, /1 change/);
  assert.equal(readFileSync(bench.at('b/orders/1.yaml'), 'utf8'), 'at: "2015-01-13T00:00:00Z"\nid: 1\nnotes: theirs\nstatus: back\n');
  assert.match((await merge('--full')).stdout, /nothing to do/);
});

test('runs under other rules are runs of another configuration', async () => {
  using bench = new Bench();
  bench.write({ 'a/t/1.yaml': 'id: 1\nat: 2015-01-01T00:00:00Z\nnotes: x\nmore: y\ncard: "4111111111111111"\n', 'syncline.yaml': 'syncs:\n  t:\n    merge: {left: a, right: b}\n    newest: true\n    modified: at\n    drop: [t.notes, t.more]\n    mask: t.card=last4\n' });
  const merge = (...more: readonly string[]) => bench.syncline(['merge', '--newest', '--modified', 'at', ...more, 'a', 'b']);
  await merge('--drop', 't.notes');
  await merge('--drop', 't.notes', '--drop', 't.more');
  const { stdout } = await bench.syncline(['state']);
  assert.match(stdout, /drop t\.notes/);
  assert.equal(stdout.match(/merge a and b/g)?.length, 2, stdout);
  const named = await bench.syncline(['run']);
  assert.deepEqual([named.code, /card: "\*{4}1111"/.test(readFileSync(bench.at('b/t/1.yaml'), 'utf8'))], [0, true], named.stdout + named.stderr);
});
