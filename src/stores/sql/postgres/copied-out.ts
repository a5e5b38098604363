import type { to } from 'pg-copy-streams';

type Copying = ReturnType<typeof to>;

/** The part of the stream that is taken over, as it is in the version that is installed. */
interface Parsing {
  _parse(this: Copying, chunk: Buffer): boolean;
}

/** Messages of the protocol: rows, and what may come between or before them and is of no use here. */
const [copyData, copyOut, parameterStatus, notice, notification] = [0x64, 0x48, 0x53, 0x4e, 0x41];
const headBytes = 5;

/**
 * Has a copying that is yet to be sent give its rows in blocks as they came from the server. The stream makes an object of each
 * row, cuts it out and puts all of them together again, which takes more than comparing them does.
 */
export function inBlocks(copying: Copying): Copying {
  const { _parse: parse } = copying as unknown as Parsing;
  if (typeof parse !== 'function') return copying;
  /** What is to come of the message that was cut, and whether that is a row. */
  let [left, isRow] = [0, false];
  /** The beginning of a message whose length is not known yet. */
  let head: Buffer | undefined;
  /** The end of the rows and failures are the stream's, and whatever comes then. */
  let isOver = false;
  return Object.assign(copying, {
    _parse(chunk: Buffer): boolean {
      if (isOver) return parse.call(copying, chunk);
      const bytes = head ? Buffer.concat([head, chunk]) : chunk;
      head = undefined;
      // Rows are moved together where they are: nobody else has this memory.
      let [at, end] = [0, 0];
      for (;;) {
        const part = Math.min(left, bytes.length - at);
        if (isRow && part > 0) {
          if (at !== end) bytes.copyWithin(end, at, at + part);
          end += part;
        }
        at += part;
        left -= part;
        const code = bytes[at];
        if (code === undefined || (code !== copyData && code !== copyOut && code !== parameterStatus && code !== notice && code !== notification)) break;
        if (bytes.length - at < headBytes) {
          head = bytes.subarray(at);
          at = bytes.length;
          break;
        }
        isRow = code === copyData;
        left = bytes.readUInt32BE(at + 1) - headBytes + 1;
        at += headBytes;
      }
      const drained = end === 0 || copying.push(bytes.subarray(0, end));
      if (at === bytes.length) return drained;
      isOver = true;
      return parse.call(copying, bytes.subarray(at)) && drained;
    },
  });
}
