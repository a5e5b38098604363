import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Where some bytes lie in a {@link TempFile}. */
export interface Extent {
  readonly at: number;
  readonly length: number;
}

/**
 * A file of our own for as long as it is needed, made on first use. Where the system takes away names of open files it
 * has none from the start, so that a program that is killed leaves nothing behind.
 */
export class TempFile implements Disposable {
  #file: number | undefined;
  #folder: string | undefined;
  #end = 0;

  /** Adds bytes at the end. */
  append(bytes: Uint8Array): Extent {
    this.#file ??= this.#open();
    for (let written = 0; written < bytes.length;) written += writeSync(this.#file, bytes, written, bytes.length - written, this.#end + written);
    const extent = { at: this.#end, length: bytes.length };
    this.#end += bytes.length;
    return extent;
  }

  read({ at, length }: Extent): Buffer {
    if (this.#file === undefined) throw new RangeError('nothing was written');
    const bytes = Buffer.allocUnsafe(length);
    for (let filled = 0; filled < length;) {
      const count = readSync(this.#file, bytes, filled, length - filled, at + filled);
      if (count === 0) throw new RangeError('the file ends too early');
      filled += count;
    }
    return bytes;
  }

  [Symbol.dispose](): void {
    if (this.#file !== undefined) closeSync(this.#file);
    if (this.#folder !== undefined) rmSync(this.#folder, { recursive: true, force: true });
    [this.#file, this.#folder] = [undefined, undefined];
  }

  #open(): number {
    const folder = mkdtempSync(join(tmpdir(), 'syncline-'));
    try {
      return openSync(join(folder, 'file'), 'wx+', 0o600);
    } finally {
      try {
        rmSync(folder, { recursive: true, force: true });
      } catch {
        this.#folder = folder;
      }
    }
  }
}
