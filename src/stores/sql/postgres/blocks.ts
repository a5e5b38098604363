const lineFeed = 0x0a;

/** Whole lines out of pieces of text: as many of each as there are, none cut. */
export async function* wholeLines(pieces: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let rest: Buffer | undefined;
  for await (const piece of pieces) {
    const end = piece.lastIndexOf(lineFeed) + 1;
    if (end === 0) {
      rest = rest ? Buffer.concat([rest, piece]) : piece;
      continue;
    }
    yield rest ? Buffer.concat([rest, piece.subarray(0, end)]) : piece.subarray(0, end);
    rest = end < piece.length ? piece.subarray(end) : undefined;
  }
}

/** Blocks of at least so many bytes, but for the last. */
export async function* gathered(pieces: AsyncIterable<Buffer>, bytes: number): AsyncGenerator<Buffer> {
  let held: Buffer[] = [];
  let heldBytes = 0;
  for await (const piece of pieces) {
    held.push(piece);
    heldBytes += piece.length;
    if (heldBytes < bytes) continue;
    yield Buffer.concat(held, heldBytes);
    [held, heldBytes] = [[], 0];
  }
  if (heldBytes > 0) yield Buffer.concat(held, heldBytes);
}

/** How many lines there are in whole lines. */
export function linesIn(block: Buffer, from = 0, to: number = block.length): number {
  let count = 0;
  for (let at = block.indexOf(lineFeed, from); at >= 0 && at < to; at = block.indexOf(lineFeed, at + 1)) count++;
  return count;
}

/** What stands next in one of two streams of whole lines. */
class Front {
  block: Buffer = Buffer.alloc(0);
  at = 0;
  ended = false;
  readonly #blocks: AsyncIterator<Buffer>;

  constructor(blocks: AsyncIterable<Buffer>) {
    this.#blocks = blocks[Symbol.asyncIterator]();
  }

  get isEmpty(): boolean {
    return this.at === this.block.length;
  }

  /** Where the next line ends, its line feed included. */
  get lineEnd(): number {
    return this.block.indexOf(lineFeed, this.at) + 1;
  }

  takeLine(): string {
    const end = this.lineEnd;
    const text = this.block.toString('utf8', this.at, end - 1);
    this.at = end;
    return text;
  }

  async fill(): Promise<void> {
    while (this.isEmpty && !this.ended) {
      const next = await this.#blocks.next();
      if (next.done) this.ended = true;
      else [this.block, this.at] = [next.value, 0];
    }
  }

  async close(): Promise<void> {
    await this.#blocks.return?.();
  }
}

/** Lines of two streams side by side, and those among them that are in one of them only. */
export interface SideBySide {
  readonly left: number;
  readonly right: number;
  readonly equal: number;
  /** Those of which the right side has another state. */
  readonly changed: readonly string[];
  /** Those of which it has none. */
  readonly missing: readonly string[];
  readonly onlyRight: readonly string[];
}

type Page = { -readonly [part in keyof SideBySide]: SideBySide[part] extends number ? number : string[] };

function emptyPage(): Page {
  return { left: 0, right: 0, equal: 0, changed: [], missing: [], onlyRight: [] };
}

/** Lines that are told at once. */
const pageLines = 1_000;
const missingLines = 4_000;
/** How many equal lines may pass before it is told that they did. */
const quietLines = 20_000;

/**
 * Compares lines that come in one order on both sides; `order` compares two of them, and is 0 where they are two states
 * of one thing. Lines that are equal are not looked into.
 */
export async function* sideBySide(left: AsyncIterable<Buffer>, right: AsyncIterable<Buffer>, order: (left: string, right: string) => number): AsyncGenerator<SideBySide> {
  const [a, b] = [new Front(left), new Front(right)];
  let page = emptyPage();
  const isFull = (): boolean => page.changed.length >= pageLines || page.missing.length >= missingLines || page.onlyRight.length >= pageLines || page.equal >= quietLines;
  try {
    for (;;) {
      // Side by side, since each waits for another server; the first error counts when both have settled.
      for (const filled of await Promise.allSettled([a.fill(), b.fill()])) if (filled.status === 'rejected') throw filled.reason;
      if (a.isEmpty && b.isEmpty) break;
      while (!a.isEmpty && !b.isEmpty && !isFull()) {
        const equal = equalLines(a, b);
        page.left += equal;
        page.right += equal;
        page.equal += equal;
        if (equal === 0) differing(a, b, page, order);
      }
      // Of what one side holds beyond the end of the other there is nothing to compare.
      while (a.ended && a.isEmpty && !b.isEmpty && !isFull()) {
        page.onlyRight.push(b.takeLine());
        page.right++;
      }
      while (b.ended && b.isEmpty && !a.isEmpty && !isFull()) {
        page.missing.push(a.takeLine());
        page.left++;
      }
      if (!isFull()) continue;
      yield page;
      page = emptyPage();
    }
    yield page;
  } finally {
    await a.close();
    await b.close();
  }
}

/** Passes over lines that are equal, and answers how many there were. */
function equalLines(a: Front, b: Front): number {
  const bytes = Math.min(a.block.length - a.at, b.block.length - b.at);
  if (a.block.compare(b.block, b.at, b.at + bytes, a.at, a.at + bytes) === 0) {
    // The shorter of the two ends with a line, and so does as much of the longer.
    const count = linesIn(a.block, a.at, a.at + bytes);
    a.at += bytes;
    b.at += bytes;
    return count;
  }
  let count = 0;
  while (!a.isEmpty && !b.isEmpty) {
    const [endA, endB] = [a.lineEnd, b.lineEnd];
    if (endA - a.at !== endB - b.at || a.block.compare(b.block, b.at, endB, a.at, endA) !== 0) break;
    [a.at, b.at] = [endA, endB];
    count++;
  }
  return count;
}

function differing(a: Front, b: Front, page: Page, order: (left: string, right: string) => number): void {
  const line = (front: Front): string => front.block.toString('utf8', front.at, front.lineEnd - 1);
  const which = order(line(a), line(b));
  if (which <= 0) {
    (which < 0 ? page.missing : page.changed).push(a.takeLine());
    page.left++;
  }
  if (which >= 0) {
    page.onlyRight.push(b.takeLine());
    page.right++;
  }
}
