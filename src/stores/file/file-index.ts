import { hash } from 'node:crypto';
import type { Key } from '../../model/key.ts';

/** Where a document is in its file. */
export interface Place {
  readonly offset: number;
  readonly length: number;
  readonly line: number;
}

const absent = -1;

/**
 * Where in a file which key is, in 24 bytes a document and a little more. Keys are known by 64 bits of their SHA-256, so
 * a place that is found must be looked at before it is believed.
 */
export class FileIndex {
  #offsets = new Float64Array(1024);
  #lengths = new Uint32Array(1024);
  #lines = new Uint32Array(1024);
  #hashes = new Uint32Array(2 * 1024);
  /** Numbers of documents by hash; of one hash the earlier come first. */
  #table = new Int32Array(2048).fill(absent);
  #size = 0;

  /** How many documents there are. */
  get size(): number {
    return this.#size;
  }

  /** Where a document is. They are numbered in the order of the file. */
  place(number: number): Place {
    return { offset: this.#offsets[number]!, length: this.#lengths[number]!, line: this.#lines[number]! };
  }

  /** Adds a document that comes after all others in the file. */
  add(key: Key, place: Place): void {
    const [high, low] = hashOf(key);
    this.#add(high, low, place);
  }

  /** Adds what another index has, at another place. */
  addFrom(other: FileIndex, number: number, place: Place): void {
    this.#add(other.#hashes[2 * number]!, other.#hashes[2 * number + 1]!, place);
  }

  /** The documents that may have this key, in the order of the file. */
  find(key: Key): readonly number[] {
    const [high, low] = hashOf(key);
    const mask = this.#table.length - 1;
    const found: number[] = [];
    for (let slot = low & mask; this.#table[slot] !== absent; slot = (slot + 1) & mask) {
      const number = this.#table[slot]!;
      if (this.#hashes[2 * number] === high && this.#hashes[2 * number + 1] === low) found.push(number);
    }
    return found.sort((a, b) => a - b);
  }

  #add(high: number, low: number, { offset, length, line }: Place): void {
    if (this.#size === this.#offsets.length) this.#grow();
    const number = this.#size++;
    this.#offsets[number] = offset;
    this.#lengths[number] = length;
    this.#lines[number] = line;
    this.#hashes[2 * number] = high;
    this.#hashes[2 * number + 1] = low;
    this.#enter(number);
  }

  #enter(number: number): void {
    const mask = this.#table.length - 1;
    let slot = this.#hashes[2 * number + 1]! & mask;
    while (this.#table[slot] !== absent) slot = (slot + 1) & mask;
    this.#table[slot] = number;
  }

  #grow(): void {
    const capacity = 2 * this.#size;
    const [offsets, lengths, lines, hashes] = [this.#offsets, this.#lengths, this.#lines, this.#hashes];
    this.#offsets = new Float64Array(capacity);
    this.#lengths = new Uint32Array(capacity);
    this.#lines = new Uint32Array(capacity);
    this.#hashes = new Uint32Array(2 * capacity);
    this.#offsets.set(offsets);
    this.#lengths.set(lengths);
    this.#lines.set(lines);
    this.#hashes.set(hashes);
    this.#table = new Int32Array(2 * capacity).fill(absent);
    for (let number = 0; number < this.#size; number++) this.#enter(number);
  }
}

function hashOf(key: Key): readonly [high: number, low: number] {
  const bytes = hash('sha256', key, 'buffer');
  return [bytes.readUInt32LE(0), bytes.readUInt32LE(4)];
}
