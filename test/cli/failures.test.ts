import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { selfSigned } from '../self-signed.ts';
import { Bench, resource, steady } from './command.ts';

test('a certificate that nobody vouches for is a sentence with what to do, and its own exit code', async () => {
  using bench = new Bench();
  const server = createServer(selfSigned(), (_, response) => response.end('{}')).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  bench.write(resource('data/foo', '1'));
  try {
    for (const places of [[`${url}/api/foo`, 'out'], ['data', url]]) {
      const { code, stderr } = await bench.syncline(['sync', ...places]);
      assert.equal(code, 3);
      assert.equal(steady(stderr), 'syncline: no secure connection to <host>: its certificate is signed by itself: use a certificate that this machine trusts; NODE_EXTRA_CA_CERTS names a file of further authorities\n');
    }
  } finally {
    server.closeAllConnections();
    server.close();
  }
});

test('what cannot be read is named once, with its line and what to do, by both commands', async () => {
  using bench = new Bench();
  bench.write({ ...resource('in/foo', '1'), 'in/foo/2.yaml': 'id: 1\n  x: 2\n', 'in/foo/3.json': '{"id": 1,\n}', 'in/foo/4.yaml': '' });
  const sentences = [
    'cannot read in/foo/2.yaml:2: bad indentation of a mapping entry: correct it there',
    'cannot read in/foo/3.json:2: expected a field name in double quotes but found "}": correct it there',
    'cannot read in/foo/4.yaml: holds no document: remove the file, or write a document into it',
  ];
  const { code, stdout } = await bench.syncline(['sync', '--as', 'documents', 'in', 'out']);
  assert.equal(code, 1);
  assert.deepEqual(stdout.split('\n').filter((line) => line.startsWith('cannot')), sentences);
  const original = await bench.resourceSync(['in', 'out2']);
  assert.equal(original.code, 1);
  assert.deepEqual(original.stderr.split('\n').filter((line) => line.startsWith('Error')), sentences.map((sentence) => `Error: ${sentence}`));
});

test('what cannot be written is named once while it happens and in the summary', async () => {
  using bench = new Bench();
  bench.write({ ...resource('in/foo', '1'), 'in/foo/2.yaml': 'name: nobody\n' });
  const { code, stdout, stderr } = await bench.syncline(['sync', '--verbose', 'in', 'out.json']);
  assert.equal(code, 1);
  for (const text of [stdout, stderr]) assert.match(text, /^cannot create foo\/2: out\.json cannot keep documents of foo that have no id, because they are known there by what they hold/m);
});

test('a file where a directory is needed is named, and is not tried again', async () => {
  using bench = new Bench();
  bench.write({ ...resource('in/foo', '1'), 'file': '' });
  const { code, stdout } = await bench.syncline(['sync', 'in', 'file/below.yaml']);
  assert.equal(code, 1);
  assert.match(stdout, /^cannot create foo\/1: .*file is a file where a directory is needed: move the file away$/m);
});
