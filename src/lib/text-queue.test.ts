import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TextQueue } from './text-queue.ts';

test('texts come out in the order they went in, however pushes and shifts alternate', () => {
  using queue = new TextQueue(3);
  const expected: string[] = [];
  let next = 0;
  for (let i = 0; i < 200; i++) {
    const text = `text ${i}\n"\ud83d\ude00`;
    queue.push(text);
    expected.push(text);
    if (i % 3 === 0) assert.equal(queue.shift(), expected[next++]);
    assert.equal(queue.size, expected.length - next);
  }
  while (next < expected.length) assert.equal(queue.shift(), expected[next++]);
  assert.equal(queue.shift(), undefined);
  queue.push('again');
  assert.equal(queue.shift(), 'again');
});
