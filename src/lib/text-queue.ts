import { TempFile } from './temp-file.ts';
import type { Extent } from './temp-file.ts';

/** A queue of texts of any length: only its two ends are in memory, what is between them is on disk. */
export class TextQueue implements Disposable {
  readonly #chunkSize: number;
  readonly #file = new TempFile();
  /** Chunks on disk, oldest first. */
  readonly #chunks: Extent[] = [];
  #head: string[] = [];
  #taken = 0;
  #tail: string[] = [];
  #size = 0;

  /** `chunkSize`: how many texts are written to disk at a time. */
  constructor(chunkSize = 4096) {
    this.#chunkSize = chunkSize;
  }

  get size(): number {
    return this.#size;
  }

  push(text: string): void {
    this.#size++;
    this.#tail.push(text);
    if (this.#tail.length < this.#chunkSize) return;
    this.#chunks.push(this.#file.append(Buffer.from(JSON.stringify(this.#tail))));
    this.#tail = [];
  }

  /** Takes the oldest text; `undefined` when there is none. */
  shift(): string | undefined {
    if (this.#taken === this.#head.length) this.#refill();
    const text = this.#head[this.#taken];
    if (text === undefined) return undefined;
    this.#taken++;
    this.#size--;
    return text;
  }

  #refill(): void {
    const chunk = this.#chunks.shift();
    this.#taken = 0;
    if (chunk === undefined) {
      this.#head = this.#tail;
      this.#tail = [];
      return;
    }
    this.#head = JSON.parse(this.#file.read(chunk).toString()) as string[];
  }

  [Symbol.dispose](): void {
    this.#file[Symbol.dispose]();
  }
}
