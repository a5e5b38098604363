import type { Key } from '../../model/key.ts';
import { parentOf } from './paths.ts';

/** The keys that are being written to, of which none lies below another. */
export class Busy {
  readonly #keys = new Set<Key>();
  readonly #directories = new Set<Key>();

  /** Adds a key; false where it, or something above or below it, is among them. */
  take(key: Key): boolean {
    if (this.#keys.has(key) || this.#directories.has(key)) return false;
    for (let at = parentOf(key); at !== ''; at = parentOf(at)) if (this.#keys.has(at)) return false;
    this.#keys.add(key);
    for (let at = parentOf(key); at !== '' && !this.#directories.has(at); at = parentOf(at)) this.#directories.add(at);
    return true;
  }

  clear(): void {
    this.#keys.clear();
    this.#directories.clear();
  }
}
