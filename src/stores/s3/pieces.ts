import { crcOf } from '../../lib/aws/crc32.ts';
import type { Content } from '../../model/entry.ts';

/** Some of a content, in memory of its own. */
export interface Piece {
  readonly bytes: Buffer;
  readonly crc: number;
}

/**
 * Content in pieces of one size, but for the last; one empty piece where there is nothing. `lend` gives memory for one
 * piece, into which it is read right away where the content can do that.
 */
export async function* pieces(content: Content & { readonly kind: 'blob' }, lend: () => Buffer, bytes: number): AsyncGenerator<Piece, undefined> {
  let memory: Buffer | undefined;
  let [held, crc] = [0, 0];
  let any = false;
  const room = (): Buffer => (memory ??= lend()).subarray(held, bytes);
  for await (const chunk of content.bytes(room)) {
    for (let at = 0; at < chunk.length;) {
      const free = room();
      const count = Math.min(chunk.length - at, free.length);
      const fresh = chunk.subarray(at, at + count);
      if (fresh.buffer !== free.buffer || fresh.byteOffset !== free.byteOffset) free.set(fresh);
      // While it is still near at hand.
      crc = crcOf(free.subarray(0, count), crc);
      at += count;
      held += count;
      if (held < bytes) continue;
      yield { bytes: memory!.subarray(0, held), crc };
      [memory, held, crc, any] = [undefined, 0, 0, true];
    }
  }
  if (held > 0 || !any) yield { bytes: (memory ?? Buffer.alloc(0)).subarray(0, held), crc };
}
