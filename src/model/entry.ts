import type { Document } from './document.ts';
import type { Key } from './key.ts';
import { LateDigest, plainDigest, settled, sizeOfContent } from './late-document.ts';

/** Microseconds since the Unix epoch, UTC. A safe integer until the year 2255. */
export type Micros = number;

/** A token for one state of one entry in one store. Equal tokens mean equal content; nothing else can be read from one. */
export type Version = string;

/**
 * Comparable between stores that use the same algorithm. Hexadecimal, in lower case. `document` is the SHA-256 of a
 * document's comparable form (see `schema/`). `md5-parts` is what S3 makes of an object that was uploaded in parts: the
 * MD5 of the parts' MD5s, a dash, and their number; it says nothing of the size of a part.
 */
export interface Digest {
  readonly algorithm: 'sha256' | 'md5' | 'md5-parts' | 'document';
  readonly value: string;
}

/** What an entry holds: a document, or bytes. */
export type Content =
  | { readonly kind: 'document'; readonly document: Document; /** The document as one line of JSON that says all of it, where a store has that at hand. */ readonly json?: string | undefined }
  /**
   * `bytes` may be called more than once, and starts over each time. `room` lends memory, which content that is read
   * from somewhere may be read into: a chunk is then the beginning of what was lent last. Whoever lends has done with
   * each chunk before it asks for the next, for the memory of a chunk that is not its own may be used again, too.
   * `proves`: reading to the end fails unless what was read has this digest.
   */
  | { readonly kind: 'blob'; readonly mediaType?: string; readonly proves?: Digest; bytes(room?: () => Uint8Array): AsyncIterable<Uint8Array> };

/**
 * Where the content of an entry lies, in the words of the service that keeps it. Plain data, that only stores of the
 * same service make anything of.
 */
export interface Whereabouts {
  /** The same for two stores exactly where what one of them holds is within reach of the other, for the same user. */
  readonly service: string;
  readonly path: string;
  readonly version: Version;
}

/** What is known of an entry without reading it. */
export interface Stat {
  readonly version?: Version;
  readonly digest?: Digest;
  readonly modifiedAt?: Micros;
  /** Bytes. */
  readonly size?: number;
}

/** Names an entry well enough to find it: by key, and where the store addresses entries differently, by address. */
export interface Ref {
  readonly key: Key;
  /**
   * What other entries call this one in their {@link Entry.dependsOn}; for a REST resource the path and query of its
   * self link, without scheme and host. Absent: the key itself.
   */
  readonly address?: string;
  /** The address of the collection the entry belongs to, as in `/api/widget`, where there is one. */
  readonly collection?: string;
}

/** What a file was before it was copied. It travels with the content, and never makes two entries different. */
export interface Attributes {
  readonly modifiedAt?: Micros;
  /** POSIX permission bits, as in 0o644. */
  readonly mode?: number;
  /** The content is the target of a symbolic link, as written in it. */
  readonly link?: true;
}

/** One keyed thing in a store: a row, a file, an object, a resource. */
export interface Entry extends Stat, Ref {
  /** Addresses of the entries that must exist before this one is put, and be deleted after it. Unknown ones are ignored. */
  readonly dependsOn?: readonly string[];
  /** Present only when the listing already paid for it; otherwise ask {@link Source.read}. */
  readonly content?: Content;
  /** Given by {@link Source.read}, and taken by a put, where a store keeps any of them. */
  readonly attributes?: Attributes;
  /**
   * A tombstone: what had this key was deleted, at the time of `modifiedAt`. Where the store keeps what it held, the
   * content is that.
   */
  readonly deleted?: true;
  /** Why it has no time although there is something in the place of one, as half a sentence, and what to do about it. */
  readonly untimed?: { readonly why: string; readonly hint: string };
  /** Where in the store it was found, for messages only: a file name, a URL, a line. */
  readonly place?: string;
}

/** Only the stat of an entry. */
export function statOf({ version, digest, modifiedAt, size }: Stat): Stat {
  return {
    ...(version === undefined ? {} : { version }),
    ...(digest === undefined ? {} : { digest: digest instanceof LateDigest ? plainDigest(digest) : digest }),
    ...(modifiedAt === undefined ? {} : { modifiedAt }),
    ...(size === undefined ? {} : { size }),
  };
}

/** An entry as a listing that brought no content would give it. */
export function withoutContent(entry: Entry): Entry {
  if (!entry.content) return entry;
  const { content: _, ...rest } = entry;
  // What is yet to be digested would be kept for it.
  return rest.digest instanceof LateDigest ? { ...rest, digest: plainDigest(rest.digest) } : rest;
}

/** An entry that is plain data: documents stay, and bytes are to be read again. */
export function withoutBlob(entry: Entry): Entry {
  return entry.content?.kind === 'blob' ? withoutContent(entry) : settled(entry);
}

/** A rough count of the bytes an entry takes in memory: only the order of magnitude matters. */
export function sizeOfEntry({ key, address, place, content }: Entry): number {
  const texts = key.length + (address?.length ?? 0) + (place?.length ?? 0);
  return 800 + 2 * texts + (content ? sizeOfContent(content) : 0);
}
