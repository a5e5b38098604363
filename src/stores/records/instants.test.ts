import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { instantOf, instantOfUuid, instantText, modifiedOf } from './instants.ts';

test('an instant that was written is read back', () => {
  fc.assert(fc.property(fc.integer({ min: -62_135_596_800_000_000, max: Number.MAX_SAFE_INTEGER }), (micros) => assert.equal(instantOf(instantText(micros)), micros)));
  assert.equal(instantText(1_420_070_400_500_000), '2015-01-01T00:00:00.5Z');
});

test('every spelling of an instant is that instant', () => {
  const five = instantOf('2015-01-31T10:20:05Z');
  for (const text of ['2015-01-31T10:20:05', '2015-01-31 10:20:05+00', '2015-01-31T12:20:05+02:00', '2015-01-31t08:20:05.000000-0200', '2015-01-31T10:20:05,0000009z']) assert.equal(instantOf(text), five, text);
  assert.equal(instantOf('2015-01-31T10:20:05.5Z')! - five!, 500_000);
  assert.equal(instantOf('2015-01-31'), instantOf('2015-01-31T00:00Z'));
});

test('what names no instant is none', () => {
  for (const text of ['', '2015', '2015-02-30', '2015-13-01', 'yesterday', '2015-01-31T25:00:00Z', '2015-01-31T10:20:05+99:00', '1420070400']) assert.equal(instantOf(text), undefined, text);
});

test('a UUID of version 1 holds an instant, and no other does', () => {
  assert.equal(instantOfUuid('13814000-1dd2-11b2-8080-808080808080'), 0);
  assert.equal(instantText(instantOfUuid('c232ab00-9414-11ec-b3c8-9f6bdeced846')!), '2022-02-22T19:22:22Z');
  assert.equal(instantOfUuid('919108f7-52d1-4320-9bac-f847db4148a8'), undefined);
});

test('a number counts what it is said to count', () => {
  assert.deepEqual([modifiedOf(1.5, 'seconds'), modifiedOf(1500, 'milliseconds'), modifiedOf(1_500_000n, 'microseconds')], [1_500_000, 1_500_000, 1_500_000]);
  assert.deepEqual([modifiedOf(1, undefined), modifiedOf(true, 'seconds'), modifiedOf(undefined, 'seconds'), modifiedOf('1', 'seconds')], [undefined, undefined, undefined, undefined]);
});
