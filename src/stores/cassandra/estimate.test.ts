import assert from 'node:assert/strict';
import { test } from 'node:test';
import { partitionsIn } from './estimate.ts';

const first = -(2n ** 63n);

test('what one node says of its part of the ring stands for all of it', () => {
  assert.equal(partitionsIn([]), undefined);
  assert.equal(partitionsIn([{ after: first, until: first, partitions: 70 }]), 70);
  // A quarter in two ranges, one of which goes past the end of the ring.
  assert.equal(partitionsIn([{ after: 0n, until: 2n ** 61n, partitions: 40 }, { after: 2n ** 63n - 2n ** 60n, until: first + 2n ** 60n, partitions: 60 }]), 400);
  assert.equal(partitionsIn([{ after: first, until: 0n, partitions: 0 }]), 0);
});
