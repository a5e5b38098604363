import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Attention } from './attention.ts';

test('keys come out once, in order, and not beside a directory they lie in', () => {
  const attention = new Attention(10);
  for (const key of ['b', 'a/x', 'a/x/1', 'a-b', 'b', 'a/x']) attention.add(key);
  assert.deepEqual(attention.take(), ['a-b', 'a/x', 'b']);
  assert.ok(attention.empty);
  for (const key of ['a/1', 'a/2', 'a']) attention.add(key);
  assert.deepEqual(attention.take(), ['a']);
});

test('too many keys become their directories, the deepest first', () => {
  const attention = new Attention(3);
  for (const key of ['top', 'a/b/1', 'a/b/2', 'a/c/1', 'a/c/2']) attention.add(key);
  assert.deepEqual(attention.take(), ['a/b', 'a/c', 'top']);
});

test('however many keys are added, no more than the bound are held', () => {
  const attention = new Attention(100);
  for (let i = 0; i < 50_000; i++) {
    attention.add(`${i % 7}/${i % 101}/${i}`);
    assert.ok(attention.size <= 100);
  }
  assert.deepEqual(attention.take(), ['0', '1', '2', '3', '4', '5', '6']);
});

test('the empty key, and too many keys of one level, are everything', () => {
  const attention = new Attention(3);
  attention.add('a');
  attention.add('');
  assert.equal(attention.take(), 'everything');
  for (const key of ['a', 'b', 'c', 'd']) attention.add(key);
  assert.ok(attention.has('anything'));
  assert.equal(attention.take(), 'everything');
});
