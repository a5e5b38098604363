import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fakeHost } from '../../testing/fake-host.ts';
import { Retries } from './retries.ts';

const backoff = { firstMs: 100, mostMs: 60_000 };

test('what keeps failing waits ever longer, and what is new does not wait along with it', async () => {
  const host = fakeHost();
  const retries = new Retries(10, backoff, host);
  for (let i = 0; i < 20; i++) {
    retries.add(['stubborn']);
    retries.settle();
    await host.sleep(retries.dueMs - host.now());
    assert.deepEqual(retries.take(host.now()), ['stubborn']);
  }
  assert.ok(retries.add(['stubborn']) >= 30_000);
  assert.ok(retries.add(['new']) <= 100);
  retries.settle();
  await host.sleep(100);
  assert.deepEqual(retries.take(host.now()), ['new']);
});

test('what was tried and did not fail again is forgotten', () => {
  const retries = new Retries(10, backoff, fakeHost());
  retries.add(['a', 'b']);
  retries.take(Infinity);
  retries.add(['b']);
  retries.settle();
  assert.equal(retries.failed('a'), 0);
  assert.equal(retries.failed('b'), 2);
});

test('too many become their directories, and in the end everything', () => {
  const retries = new Retries(10, backoff, fakeHost());
  retries.add(Array.from({ length: 50 }, (_, i) => `folder/${i}`));
  assert.deepEqual(retries.take(Infinity), ['folder']);
  retries.add(Array.from({ length: 50 }, (_, i) => String(i)));
  assert.equal(retries.take(Infinity), 'everything');
  assert.equal(retries.size, 1);
});
