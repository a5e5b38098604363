import { painter, printable, wantsColor } from '../render/style.ts';
import type { Paint } from '../render/style.ts';
import type { Values } from '../options.ts';

/** A line that is redrawn in place, and gives way to whole lines. */
export interface LiveLine {
  clear(): void;
  redraw(): void;
}

/** Where a command speaks: results to standard output, all else to standard error. The only holder of the streams. */
export class Terminal {
  readonly environment: { readonly [name: string]: string | undefined } = process.env;
  /** Colours for standard output and standard error. */
  readonly paint: Paint;
  readonly paintErr: Paint;
  readonly level: 'quiet' | 'normal' | 'verbose' | 'debug';
  /** Whether standard error is a terminal that can redraw a line. */
  readonly live: boolean;
  /** Whether several runs speak at once, so that none tells how far it is. */
  isShared = false;
  /** Whether types are kinds of things, and each is worth a line of a summary. Of files, once they are open, there are none. */
  byType = true;
  /** Results go to standard error where standard output is the destination itself. */
  #resultsToErr = false;
  #line: LiveLine | undefined;
  #outClosed = false;

  constructor({ quiet, verbose, debug, color }: Pick<Values, 'quiet' | 'verbose' | 'debug' | 'color'>) {
    const { environment } = this;
    this.level = quiet ? 'quiet' : debug ? 'debug' : verbose ? 'verbose' : 'normal';
    this.paint = painter(wantsColor({ isTTY: process.stdout.isTTY, environment, color }));
    this.paintErr = painter(wantsColor({ isTTY: process.stderr.isTTY, environment, color }));
    this.live = process.stderr.isTTY && environment['TERM'] !== 'dumb';
    // A reader that went away, as in `| head`, is no error; the run itself goes on.
    process.stdout.on('error', ({ code }: NodeJS.ErrnoException) => (this.#outClosed = code === 'EPIPE' || code === 'ERR_STREAM_DESTROYED'));
  }

  /** Whether whoever read standard output has gone away. */
  get outClosed(): boolean {
    return this.#outClosed;
  }

  /** The columns of the terminal that standard error is. */
  get columns(): number {
    const asked = Number(this.environment['COLUMNS']);
    return (Number.isInteger(asked) && asked > 0 ? asked : process.stderr.columns) || 80;
  }

  /** A result: text that ends its own lines. */
  out(text: string): void {
    if (text === '') return;
    if (this.#resultsToErr) return this.#aside(() => process.stderr.write(text));
    if (!this.#outClosed) this.#aside(() => process.stdout.write(text));
  }

  /** One line about what goes on. */
  err(line: string): void {
    this.#aside(() => process.stderr.write(`${line}\n`));
  }

  /** One line of text from elsewhere: shown without control characters. */
  say(line: string): void {
    this.err(printable(line));
  }

  /** Moves results out of the way of a destination that is standard output. */
  yieldStdout(): void {
    this.#resultsToErr = true;
  }

  /** Colours for whichever stream results go to. */
  get resultPaint(): Paint {
    return this.#resultsToErr ? this.paintErr : this.paint;
  }

  /** Writes a live line's own text; no line end. */
  raw(text: string): void {
    process.stderr.write(text);
  }

  attach(line: LiveLine | undefined): void {
    this.#line?.clear();
    this.#line = line;
  }

  #aside(write: () => void): void {
    this.#line?.clear();
    write();
    this.#line?.redraw();
  }
}
