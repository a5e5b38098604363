import { readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { TempFolder } from './temp-folder.ts';

/** A queue of texts of any length: only its two ends are in memory, what is between them is on disk. */
export class TextQueue implements Disposable {
  readonly #chunkSize: number;
  readonly #folder = new TempFolder();
  /** Chunks on disk, oldest first. */
  readonly #files: string[] = [];
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
    const file = this.#folder.file();
    writeFileSync(file, JSON.stringify(this.#tail));
    this.#files.push(file);
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
    const file = this.#files.shift();
    this.#taken = 0;
    if (file === undefined) {
      this.#head = this.#tail;
      this.#tail = [];
      return;
    }
    this.#head = JSON.parse(readFileSync(file, 'utf8')) as string[];
    unlinkSync(file);
  }

  [Symbol.dispose](): void {
    this.#folder[Symbol.dispose]();
  }
}
