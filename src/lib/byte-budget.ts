/** Bytes that may be held at once. Who wants more waits for its turn; what is larger than the whole budget counts as the whole. */
export class ByteBudget {
  readonly #most: number;
  #free: number;
  readonly #waiting: { readonly bytes: number; readonly resolve: () => void }[] = [];

  constructor(most: number) {
    this.#most = most;
    this.#free = most;
  }

  /** Resolves when there is room; `undefined` where there is room at once. Whoever takes must {@link give} the same back. */
  take(bytes: number): Promise<void> | undefined {
    const wanted = Math.min(bytes, this.#most);
    if (this.#waiting.length === 0 && wanted <= this.#free) {
      this.#free -= wanted;
      return undefined;
    }
    return new Promise((resolve) => void this.#waiting.push({ bytes: wanted, resolve }));
  }

  /** Takes without waiting, where what is held turned out to be larger than was thought. */
  force(bytes: number): void {
    this.#free -= bytes;
  }

  give(bytes: number): void {
    this.#free += Math.min(bytes, this.#most);
    for (let first = this.#waiting[0]; first && first.bytes <= this.#free; first = this.#waiting[0]) {
      this.#waiting.shift();
      this.#free -= first.bytes;
      first.resolve();
    }
  }
}
