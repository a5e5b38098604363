/** Bytes of documents in an answer, as far as they can be told beforehand. */
const pageBytes = 4 * 1024 * 1024;
/** How many are asked for while it is not known how large they are. */
const firstDocuments = 200;

/** How many documents to ask for, so that an answer holds as many bytes as are wanted: it follows from how large those were that came. */
export class PageSize {
  #most = firstDocuments;
  #limit: number;

  /** `limit`: how many are asked for at most. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  get most(): number {
    return this.#most;
  }

  /** Takes note of an answer of so many bytes with so many documents. */
  learn(bytes: number, documents: number): void {
    if (documents > 0) this.#most = Math.min(this.#limit, Math.max(1, Math.floor(pageBytes / (bytes / documents))));
  }

  /** Fewer at once, where an answer was larger than one may be; from now on, where that many may not be asked for. */
  shrink({ lasting = false }: { readonly lasting?: boolean } = {}): void {
    this.#most = Math.max(1, Math.floor(this.#most / 8));
    if (lasting) this.#limit = this.#most;
  }
}
