import type { Key } from '../../model/key.ts';
import { compareKeys } from '../../model/key.ts';

/** What a run is to look at: all there is, or only what has one of these keys or lies below it. */
export type Reach = 'everything' | readonly Key[];

/**
 * The keys that are to be looked at. Bounded: where there are too many, directories stand for what is in them, the
 * deepest first, and in the end one word for all.
 */
export class Attention {
  readonly #most: number;
  #keys = new Set<Key>();
  #everything = false;

  constructor(most: number) {
    this.#most = most;
  }

  get empty(): boolean {
    return !this.#everything && this.#keys.size === 0;
  }

  /** How many keys or directories; for everything at least one. */
  get size(): number {
    return this.#keys.size + (this.#everything ? 1 : 0);
  }

  /** Whether everything is to be looked at. */
  get everything(): boolean {
    return this.#everything;
  }

  /** Adds what has this key or lies below it; the empty key stands for everything. */
  add(key: Key): void {
    if (this.#everything || this.has(key)) return;
    if (key === '') return this.#widen();
    this.#keys.add(key);
    while (this.#keys.size > this.#most && !this.#everything) this.#fold();
  }

  addAll(reach: Reach): void {
    if (reach === 'everything') this.add('');
    else for (const key of reach) this.add(key);
  }

  /** Whether the key, or a directory it lies in, is among them. */
  has(key: Key): boolean {
    if (this.#everything || this.#keys.has(key)) return true;
    for (let slash = key.indexOf('/'); slash !== -1; slash = key.indexOf('/', slash + 1)) if (this.#keys.has(key.slice(0, slash))) return true;
    return false;
  }

  /** Empties this, and gives what was in it: in key order, nothing twice. */
  take(): Reach {
    const keys = [...this.#keys];
    const everything = this.#everything;
    this.clear();
    if (everything) return 'everything';
    const roots = new Attention(Infinity);
    // Directories come before what is in them, and are shorter.
    for (const key of keys.sort((a, b) => a.length - b.length)) roots.add(key);
    return [...roots.#keys].sort(compareKeys);
  }

  clear(): void {
    this.#keys = new Set();
    this.#everything = false;
  }

  #widen(): void {
    this.clear();
    this.#everything = true;
  }

  /** Puts the directory in the place of every key of the deepest level. */
  #fold(): void {
    const depths = new Map([...this.#keys].map((key) => [key, key.split('/').length]));
    const deepest = Math.max(...depths.values());
    if (deepest === 1) return this.#widen();
    for (const [key, depth] of depths) {
      if (depth < deepest) continue;
      this.#keys.delete(key);
      this.#keys.add(key.slice(0, key.lastIndexOf('/')));
    }
  }
}
