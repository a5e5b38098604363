import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crcOf, crcText, joinedCrc } from './crc32.ts';

test('the CRC of two runs is that of their bytes in one', () => {
  const bytes = Buffer.from(Array.from({ length: 5_000 }, (_, i) => (i * 7919) % 251));
  for (const at of [0, 1, 7, 1_000, 4_095, 4_999, 5_000]) {
    const [first, second] = [bytes.subarray(0, at), bytes.subarray(at)];
    assert.equal(joinedCrc(crcOf(first), crcOf(second), second.length), crcOf(bytes), `cut at ${at}`);
    assert.equal(crcOf(second, crcOf(first)), crcOf(bytes));
  }
  assert.equal(joinedCrc(0, crcOf(bytes), bytes.length), crcOf(bytes), 'after nothing');
});

test('a length beyond 32 bits is no other one', () => {
  const half = joinedCrc(crcOf(Buffer.from('x')), 0, 3 * 2 ** 31);
  assert.equal(joinedCrc(half, 0, 3 * 2 ** 31), joinedCrc(crcOf(Buffer.from('x')), 0, 3 * 2 ** 32));
  assert.notEqual(half, joinedCrc(crcOf(Buffer.from('x')), 0, 2 ** 31));
});

test('a CRC is written as S3 does', () => {
  assert.equal(crcText(crcOf(Buffer.from('123456789'))), 'y/Q5Jg==');
  assert.equal(crcText(0), 'AAAAAA==');
});
