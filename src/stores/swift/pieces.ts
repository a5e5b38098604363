import { createHash } from 'node:crypto';

/** A part of a stream that can be read once. Its size and MD5 are known when it was read to its end. */
export interface Piece {
  bytes(): AsyncGenerator<Uint8Array>;
  size(): number;
  md5(): string;
}

/**
 * Cuts a stream into pieces of the sizes asked for, without holding any of them. A piece must be read before the next
 * is asked for. An empty stream has no pieces.
 */
export async function* sizedPieces(stream: AsyncIterable<Uint8Array>, bytesOf: (index: number) => number): AsyncGenerator<Piece> {
  const iterator = stream[Symbol.asyncIterator]();
  let waiting: Uint8Array | undefined;
  const more = async (): Promise<boolean> => {
    while (waiting === undefined || waiting.length === 0) {
      const next = await iterator.next();
      if (next.done) return false;
      waiting = next.value;
    }
    return true;
  };
  try {
    for (let index = 0; await more(); index++) {
      const hash = createHash('md5');
      const most = bytesOf(index);
      let size = 0;
      let digest: string | undefined;
      yield {
        async *bytes() {
          while (size < most && (await more())) {
            const chunk = waiting!.subarray(0, most - size);
            waiting = waiting!.subarray(chunk.length);
            size += chunk.length;
            hash.update(chunk);
            yield chunk;
          }
        },
        size: () => size,
        md5: () => (digest ??= hash.digest('hex')),
      };
    }
  } finally {
    await iterator.return?.();
  }
}
