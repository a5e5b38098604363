import { hash } from 'node:crypto';

const wordsPerSlot = 5;

/**
 * Remembers which texts it has seen, each with a tag, in 20 bytes a text instead of the text itself. Texts are told
 * apart by 128 bits of their SHA-256, so that nobody can make two of them look like one.
 */
export class SeenSet {
  #slots = new Uint32Array(1024 * wordsPerSlot);
  #capacity = 1024;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  has(text: string): boolean {
    return this.#holds(this.#slotOf(digestWords(text), 0));
  }

  /** Adds `text`: `new` when it was not there; else whether the tag is the `same` as then or `different`. */
  add(text: string, tag = ''): 'new' | 'same' | 'different' {
    const tagWord = tag === '' ? 0 : /^[0-9a-f]{8}/.test(tag) ? Number.parseInt(tag.slice(0, 8), 16) : (digestWords(tag)[0] as number);
    const words = digestWords(text);
    const slot = this.#slotOf(words, 0);
    if (this.#holds(slot)) return this.#slots[slot + 4] === tagWord ? 'same' : 'different';
    this.#slots.set(words, slot);
    this.#slots[slot + 4] = tagWord;
    if (++this.#size * 3 > this.#capacity * 2) this.#grow();
    return 'new';
  }

  #holds(slot: number): boolean {
    const slots = this.#slots;
    return slots[slot] !== 0 || slots[slot + 1] !== 0 || slots[slot + 2] !== 0 || slots[slot + 3] !== 0;
  }

  /** The slot that holds the four words at `at`, or the free one where they belong. */
  #slotOf(words: Uint32Array, at: number): number {
    const slots = this.#slots;
    const mask = this.#capacity - 1;
    for (let i = (words[at] as number) & mask; ; i = (i + 1) & mask) {
      const slot = i * wordsPerSlot;
      if (slots[slot] === words[at] && slots[slot + 1] === words[at + 1] && slots[slot + 2] === words[at + 2] && slots[slot + 3] === words[at + 3]) return slot;
      if (!this.#holds(slot)) return slot;
    }
  }

  #grow(): void {
    const old = this.#slots;
    this.#capacity *= 2;
    this.#slots = new Uint32Array(this.#capacity * wordsPerSlot);
    for (let from = 0; from < old.length; from += wordsPerSlot) {
      if (old[from] === 0 && old[from + 1] === 0 && old[from + 2] === 0 && old[from + 3] === 0) continue;
      // A view of each slot would be garbage by the million.
      const to = this.#slotOf(old, from);
      for (let i = 0; i < wordsPerSlot; i++) this.#slots[to + i] = old[from + i] as number;
    }
  }
}

const scratch = new Uint32Array(4);

/** The first 128 bits of the digest of `text`; good until the next call. */
export function digestWords(text: string): Uint32Array {
  // Bytes as letters, which are had for half of what a buffer of them takes.
  const bytes = hash('sha256', text, 'binary');
  for (let i = 0; i < 4; i++) scratch[i] = bytes.charCodeAt(i * 4) | (bytes.charCodeAt(i * 4 + 1) << 8) | (bytes.charCodeAt(i * 4 + 2) << 16) | (bytes.charCodeAt(i * 4 + 3) << 24);
  return scratch;
}
