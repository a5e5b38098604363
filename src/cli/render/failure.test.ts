import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Failed } from '../../engine/types.ts';
import { SyncError } from '../../model/errors.ts';
import { failureText } from './failure.ts';

function line(action: Failed['action'], place: string, message: string, hint?: string): string {
  return failureText({ action, place, error: new SyncError('invalid', message, hint === undefined ? {} : { hint }) }).join(' ');
}

test('a place that the reason begins with is said once, with its line', () => {
  assert.equal(line('read', 'd/foo/2.yaml', 'd/foo/2.yaml:2: deficient indentation'), 'cannot read d/foo/2.yaml:2: deficient indentation');
  assert.equal(line('read', 'd/foo/2.yaml', 'd/foo/2.yaml: holds no document', 'remove the file'), 'cannot read d/foo/2.yaml: holds no document: remove the file');
  assert.equal(line('read', 'all.yaml:1', 'all.yaml:3: deficient indentation'), 'cannot read all.yaml:3: deficient indentation');
  assert.equal(line('read', 'standard input:7', 'standard input:7: it has no id'), 'cannot read standard input:7: it has no id');
});

test('a place that the reason names elsewhere is said once', () => {
  const url = 'http://127.0.0.1:8000/api/foo/9';
  assert.equal(line('read', url, `GET ${url} finds nothing (404)`, 'check the address'), `cannot read: GET ${url} finds nothing (404): check the address`);
  assert.equal(line('read', url, `${url} answers with text/html, which is neither JSON nor YAML`), `cannot read: ${url} answers with text/html, which is neither JSON nor YAML`);
  assert.equal(line('conflict', 'foo/1', 'foo/1 was changed on both sides'), 'cannot decide: foo/1 was changed on both sides');
  assert.equal(line('read', 'd/foo', 'cannot list d/foo: permission denied'), 'cannot list d/foo: permission denied');
});

test('a reason that does not name the place follows it', () => {
  assert.equal(line('update', 'foo/1', 'PUT http://127.0.0.1:8000/api/foo/1 is refused as invalid (422)'), 'cannot update foo/1: PUT http://127.0.0.1:8000/api/foo/1 is refused as invalid (422)');
  assert.equal(line('create', 'foo/1', 'foo/12 is in the way'), 'cannot create foo/1: foo/12 is in the way');
  assert.equal(line('create', 'foo/1', 'cannot write data/foo/1.yaml: no space is left on the device'), 'cannot create foo/1: cannot write data/foo/1.yaml: no space is left on the device');
  assert.equal(line('read', 'http://localhost:8000', 'http://localhost:9000 answers with nothing'), 'cannot read http://localhost:8000: http://localhost:9000 answers with nothing');
});

test('what a whole collection is refused for is said once, and of how many', () => {
  const error = new SyncError('not-found', 'b.db has no table t', { hint: 'make it there' });
  assert.equal(failureText({ action: 'create', place: 't/1', error, alike: 1_200 }).join(' '), 'cannot create t/1: b.db has no table t: make it there; so it is with 1,200 more of t');
});

test('a key without end is shown by its beginning', () => {
  const key = `t/${'x'.repeat(2_000)}`;
  assert.equal(line('create', key, `${key} is too long`, 'choose a shorter one'), `cannot create: ${key.slice(0, 240)}…${key.slice(-20)} is too long: choose a shorter one`);
});
