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
    const [slot, found] = this.#find(digestWords(text));
    void slot;
    return found;
  }

  /** Adds `text`: `new` when it was not there; else whether the tag is the `same` as then or `different`. */
  add(text: string, tag = ''): 'new' | 'same' | 'different' {
    const words = digestWords(text);
    const tagWord = tag === '' ? 0 : (digestWords(tag)[0] as number);
    const [slot, found] = this.#find(words);
    if (found) return this.#slots[slot + 4] === tagWord ? 'same' : 'different';
    this.#slots.set(words, slot);
    this.#slots[slot + 4] = tagWord;
    if (++this.#size * 3 > this.#capacity * 2) this.#grow();
    return 'new';
  }

  /** The slot that holds `words`, or the free one where they belong. */
  #find(words: Uint32Array): readonly [slot: number, found: boolean] {
    const slots = this.#slots;
    for (let i = (words[0] as number) & (this.#capacity - 1); ; i = (i + 1) & (this.#capacity - 1)) {
      const slot = i * wordsPerSlot;
      if (slots[slot] === 0 && slots[slot + 1] === 0 && slots[slot + 2] === 0 && slots[slot + 3] === 0) return [slot, false];
      if (slots[slot] === words[0] && slots[slot + 1] === words[1] && slots[slot + 2] === words[2] && slots[slot + 3] === words[3]) return [slot, true];
    }
  }

  #grow(): void {
    const old = this.#slots;
    this.#capacity *= 2;
    this.#slots = new Uint32Array(this.#capacity * wordsPerSlot);
    for (let slot = 0; slot < old.length; slot += wordsPerSlot) {
      const words = old.subarray(slot, slot + 4);
      if (words[0] === 0 && words[1] === 0 && words[2] === 0 && words[3] === 0) continue;
      const [free] = this.#find(words);
      this.#slots.set(old.subarray(slot, slot + wordsPerSlot), free);
    }
  }
}

function digestWords(text: string): Uint32Array {
  const bytes = hash('sha256', text, 'buffer');
  const words = new Uint32Array(4);
  for (let i = 0; i < 4; i++) words[i] = bytes.readUInt32LE(i * 4);
  return words;
}
