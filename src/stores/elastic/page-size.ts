/** Bytes of documents in an answer, as far as they can be told beforehand. */
const pageBytes = 4 * 1024 * 1024;
/** How many are asked for at most, */
const mostDocuments = 1_000;
/** and while it is not known how large they are. */
const firstDocuments = 200;

/** How many documents to ask for, so that an answer holds as many bytes as are wanted: it follows from how large those were that came. */
export class PageSize {
  #most = firstDocuments;

  get most(): number {
    return this.#most;
  }

  /** Takes note of an answer of so many bytes with so many documents. */
  learn(bytes: number, documents: number): void {
    if (documents > 0) this.#most = Math.min(mostDocuments, Math.max(1, Math.floor(pageBytes / (bytes / documents))));
  }

  /** Fewer at once, where an answer was larger than one may be. */
  shrink(): void {
    this.#most = Math.max(1, Math.floor(this.#most / 8));
  }
}
