import { readSync } from 'node:fs';
import { limits } from '../../lib/limits.ts';
import { SyncError } from '../../model/errors.ts';

const firstBytes = 1024 * 1024;

/** The part of an open file that is being looked at. It moves forward, and grows until what is looked for is in it. */
export class ByteWindow {
  readonly #file: number;
  readonly #place: string;
  #buffer: Buffer = Buffer.allocUnsafe(firstBytes);
  #start = 0;
  #end = 0;
  #base = 0;
  #line = 1;
  #exhausted = false;

  constructor(file: number, place: string) {
    this.#file = file;
    this.#place = place;
  }

  /** What is in the window. Good until the next {@link more}. */
  get bytes(): Buffer {
    return this.#buffer.subarray(this.#start, this.#end);
  }

  /** Where in the file the window begins. */
  get offset(): number {
    return this.#base + this.#start;
  }

  /** The line of the file on which the window begins. */
  get line(): number {
    return this.#line;
  }

  /** Whether the file ends where the window ends. */
  get exhausted(): boolean {
    return this.#exhausted;
  }

  /** Lets in what comes next; at least one byte, unless the file ends. Refuses a window larger than a document may be. */
  more(): void {
    const held = this.#end - this.#start;
    if (held > limits.documentBytes) throw new SyncError('corrupt', `${this.#place}:${this.#line}: a document of more than ${limits.documentBytes} bytes`, { hint: 'split it' });
    // Half the room free before it grows, so that growing costs no more than reading does.
    if (held > this.#buffer.length / 2 && this.#buffer.length < limits.documentBytes + firstBytes) {
      const larger = Buffer.allocUnsafe(Math.min(this.#buffer.length * 2, limits.documentBytes + firstBytes));
      this.#buffer.copy(larger, 0, this.#start, this.#end);
      this.#buffer = larger;
    } else this.#buffer.copyWithin(0, this.#start, this.#end);
    this.#base += this.#start;
    [this.#start, this.#end] = [0, held];
    const count = readSync(this.#file, this.#buffer, held, this.#buffer.length - held, this.#base + held);
    this.#end += count;
    if (count === 0) this.#exhausted = true;
  }

  /** Leaves the first `count` bytes behind. */
  skip(count: number): void {
    const end = this.#start + count;
    for (let at = this.#buffer.indexOf(10, this.#start); at >= 0 && at < end; at = this.#buffer.indexOf(10, at + 1)) this.#line++;
    this.#start = end;
  }
}
