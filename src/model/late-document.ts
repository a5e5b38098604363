import { sizeOfValue } from './document.ts';
import type { Document } from './document.ts';
import type { Content, Digest, Entry } from './entry.ts';

/** How a document is read from its text, and digested. Both must be certain to succeed. */
export interface LateReading {
  read(json: string): Document;
  digest(document: Document): Digest;
  /** The digest of a document by its canonical text. */
  digestText(canonical: string): Digest;
}

/** A document as a line of JSON that says all of it, read when somebody looks at it. To be made plain by {@link settled} where it is put aside. */
export class LateDocument {
  readonly kind = 'document';
  readonly json: string;
  /** Whether the line is the very text of which digests are made. */
  readonly canonical: boolean;
  readonly #reading: LateReading;
  #document: Document | undefined;

  constructor(json: string, reading: LateReading, { canonical = false }: { readonly canonical?: boolean } = {}) {
    this.json = json;
    this.canonical = canonical;
    this.#reading = reading;
  }

  get document(): Document {
    return (this.#document ??= this.#reading.read(this.json));
  }

  digest(): Digest {
    return this.canonical ? this.#reading.digestText(this.json) : this.#reading.digest(this.document);
  }

  toJSON(): Content {
    return { kind: 'document', document: this.document };
  }
}

/** The digest of a {@link LateDocument}, made when somebody asks for its value. */
export class LateDigest implements Digest {
  readonly algorithm = 'document';
  readonly of: LateDocument;
  #value: string | undefined;

  constructor(of: LateDocument) {
    this.of = of;
  }

  get value(): string {
    return (this.#value ??= this.of.digest().value);
  }

  toJSON(): Digest {
    return plainDigest(this);
  }
}

/** Whether two digests of one algorithm are equal, for less than it takes to make them where both are of one text. */
export function sameDigest(a: Digest, b: Digest): boolean {
  return a === b || (a instanceof LateDigest && b instanceof LateDigest && a.of.json === b.of.json) || a.value === b.value;
}

/** A digest that holds nothing but itself. */
export function plainDigest({ algorithm, value }: Digest): Digest {
  return { algorithm, value };
}

/** An entry whose document and digest are plain data, as `serialize` of the platform and structured clones need it. */
export function settled(entry: Entry): Entry {
  const { content, digest } = entry;
  if (!(content instanceof LateDocument) && !(digest instanceof LateDigest)) return entry;
  return { ...entry, ...(content && { content: plainContent(content) }), ...(digest && { digest: plainDigest(digest) }) };
}

/** Content that is plain data, but for that of files. */
export function plainContent(content: Content): Content {
  return content instanceof LateDocument ? content.toJSON() : content;
}

/** A rough count of the bytes that the document of some content takes in memory; none of those of a file. */
export function sizeOfContent(content: Content): number {
  if (content instanceof LateDocument) return 48 + 2 * content.json.length;
  return content.kind === 'document' ? sizeOfValue(content.document) : 0;
}
