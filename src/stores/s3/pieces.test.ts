import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crcOf } from '../../lib/aws/crc32.ts';
import type { Content } from '../../model/entry.ts';
import { pieces } from './pieces.ts';
import type { Piece } from './pieces.ts';

const whole = Buffer.from(Array.from({ length: 1_000 }, (_, i) => i % 251));

/** Content in chunks of one size; in memory that was lent, where there is any and it is large enough. */
function content(size: number, chunk: number, lending: boolean): Content & { readonly kind: 'blob' } {
  return {
    kind: 'blob',
    async *bytes(room) {
      for (let at = 0; at < size;) {
        const lent = lending ? room?.() : undefined;
        const count = Math.min(chunk, size - at, lent?.length ?? chunk);
        if (lent) whole.copy(lent as Buffer, 0, at, at + count);
        yield lent ? lent.subarray(0, count) : whole.subarray(at, at + count);
        at += count;
      }
    },
  };
}

test('pieces are all of one size but for the last, in order, each in its own memory and with its own CRC', async () => {
  for (const lending of [true, false]) for (const [size, chunk] of [[0, 10], [1, 10], [299, 300], [300, 300], [301, 300], [1_000, 7], [1_000, 300], [1_000, 999], [900, 450]] as const) {
    let lent = 0;
    const found: Piece[] = [];
    for await (const piece of pieces(content(size, chunk, lending), () => { lent++; return Buffer.alloc(310); }, 300)) found.push(piece);
    const name = `${size} in ${chunk}, ${lending ? 'lent' : 'own'}`;
    assert.deepEqual(Buffer.concat(found.map(({ bytes }) => bytes)), whole.subarray(0, size), name);
    assert.deepEqual(found.slice(0, -1).map(({ bytes }) => bytes.length), Array.from({ length: found.length - 1 }, () => 300), name);
    assert.ok(found.length === Math.max(1, Math.ceil(size / 300)) && lent <= found.length + 1, name);
    assert.deepEqual(found.map(({ crc }) => crc), found.map(({ bytes }) => crcOf(bytes)), name);
    assert.equal(new Set(found.map(({ bytes }) => bytes.buffer)).size, found.length, name);
  }
});
