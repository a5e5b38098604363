import { digestWords } from './seen-set.ts';

const wordsPerSlot = 8;
/** Of so many slots no more than so many are taken. */
const [fullSlots, fullOf] = [4, 5];

/** How a text that is met compares with what is known under it. */
export type Meeting = 'absent' | 'equal' | 'different' | 'again' | 'again-different';

/**
 * What is known under texts: a digest, of which 128 bits are kept, in about 40 bytes a text. Texts are told apart by 128 bits of their SHA-256,
 * so that nobody can make two of them look like one. Each can be met once; whoever meets it again is told.
 */
export class DigestTable {
  #slots: Uint32Array;
  #met: Uint8Array;
  #capacity: number;
  #size = 0;

  /** `expected`: how many texts there will be, roughly. */
  constructor(expected: number) {
    this.#capacity = Math.max(64, Math.ceil(((expected + 1) * fullOf) / fullSlots));
    this.#slots = new Uint32Array(this.#capacity * wordsPerSlot);
    this.#met = new Uint8Array(this.#capacity);
  }

  get size(): number {
    return this.#size;
  }

  /** Takes in what is known under a text: a digest in hexadecimal, or nothing that could be compared. Of several the last counts. */
  set(text: string, digest: string | undefined): void {
    const words = digestWords(text);
    const slot = this.#slotOf(words, 0);
    if (this.#isFree(slot)) {
      this.#slots.set(words, slot * wordsPerSlot);
      this.#size++;
    }
    this.#keep(slot, digest);
    if (this.#size * fullOf > this.#capacity * fullSlots) this.#grow();
  }

  /** Whether a text was met. */
  wasMet(text: string): boolean {
    return this.#met[this.#slotOf(digestWords(text), 0)] === 1;
  }

  /** Compares what is known under a text with what somebody comes with, whose digest is what is known of it from then on. */
  meet(text: string, digest: string | undefined): Meeting {
    const slot = this.#slotOf(digestWords(text), 0);
    if (this.#isFree(slot)) return 'absent';
    const equal = this.#isKept(slot, digest);
    if (this.#met[slot] === 1) return equal ? 'again' : 'again-different';
    this.#met[slot] = 1;
    if (!equal) this.#keep(slot, digest);
    return equal ? 'equal' : 'different';
  }

  #keep(slot: number, digest: string | undefined): void {
    for (let i = 0; i < 4; i++) this.#slots[slot * wordsPerSlot + 4 + i] = wordOf(digest, i);
  }

  #isKept(slot: number, digest: string | undefined): boolean {
    if (digest === undefined) return false;
    for (let i = 0; i < 4; i++) if (this.#slots[slot * wordsPerSlot + 4 + i] !== wordOf(digest, i)) return false;
    return true;
  }

  #isFree(slot: number): boolean {
    const at = slot * wordsPerSlot;
    const slots = this.#slots;
    return slots[at] === 0 && slots[at + 1] === 0 && slots[at + 2] === 0 && slots[at + 3] === 0;
  }

  /** The slot that holds the four words at `at`, or the free one where they belong. */
  #slotOf(words: Uint32Array, at: number): number {
    const slots = this.#slots;
    for (let slot = words[at]! % this.#capacity; ; slot = slot + 1 === this.#capacity ? 0 : slot + 1) {
      const i = slot * wordsPerSlot;
      if (this.#isFree(slot) || (slots[i] === words[at] && slots[i + 1] === words[at + 1] && slots[i + 2] === words[at + 2] && slots[i + 3] === words[at + 3])) return slot;
    }
  }

  #grow(): void {
    const [old, met] = [this.#slots, this.#met];
    this.#capacity *= 2;
    this.#slots = new Uint32Array(this.#capacity * wordsPerSlot);
    this.#met = new Uint8Array(this.#capacity);
    for (let from = 0; from < met.length; from++) {
      const at = from * wordsPerSlot;
      if (old[at] === 0 && old[at + 1] === 0 && old[at + 2] === 0 && old[at + 3] === 0) continue;
      const slot = this.#slotOf(old, at);
      for (let i = 0; i < wordsPerSlot; i++) this.#slots[slot * wordsPerSlot + i] = old[at + i]!;
      this.#met[slot] = met[from]!;
    }
  }
}

/** 32 bits of a digest in lower case; of none, zeros. */
function wordOf(digest: string | undefined, i: number): number {
  if (digest === undefined) return 0;
  let word = 0;
  for (let at = i * 8; at < i * 8 + 8; at++) {
    const code = digest.charCodeAt(at);
    word = (word << 4) | (code < 0x3a ? code - 0x30 : code - 0x57);
  }
  return word >>> 0;
}
