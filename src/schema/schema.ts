import type { Collection } from '../model/collection.ts';
import type { Document, Value } from '../model/document.ts';
import type { Key } from '../model/key.ts';

/** What a document says about itself. */
export interface Identity {
  readonly type: string;
  readonly id: string;
  /** `joinKey([type, id])`; or of the type and each of the fields that name it, where those are several. */
  readonly key: Key;
  /** Path and query of its own URI, without scheme and host. */
  readonly address?: string;
  /** Path of the collection it belongs to: a `collection` link (RFC 6573) if it has one, else its own path without the last segment. */
  readonly collection?: string;
  /** Addresses of its parents. */
  readonly dependsOn: readonly string[];
}

/** A link that may be followed. */
export interface Link {
  readonly relation: string;
  /** As written: perhaps relative. */
  readonly href: string;
}

/** Why a document has no identity, as a sentence without its place. */
export interface Unidentified {
  readonly problem: string;
  /** What it has nothing of, where that is all that is wrong with it. */
  readonly missing?: string;
}

/** How documents name themselves, their parents, their parts and where to go on reading. Pure. */
export interface Schema {
  readonly name: 'hal' | 'simple';
  /** The fields without which no document says what it is. */
  readonly named: readonly string[];
  /** Why no record of a described collection can say where it is, as half a sentence with what to do about it; `undefined` where some may. */
  misfit?(collection: Collection): { readonly why: string; readonly hint: string } | undefined;
  /** `base`: the URL the document came from, for relative links. */
  identify(document: Document, base?: string): Identity | Unidentified;
  /** Documents carried inside this one, to be read as resources of their own. */
  embedded(document: Document): readonly Value[];
  /** Links that may be followed: no templates, no self. What is malformed is passed to `warn` and left out. */
  links(document: Document, warn?: (message: string) => void): readonly Link[];
  /**
   * The document with every link that is relative to `base`, the URL it came from, written from the root of its host, so
   * that it leads to the same place wherever the document is kept. Templates stay as they are.
   */
  rooted(document: Document, base: string): Document;
  /** The document as it is compared: links without the scheme and host of its own URI, so that a copy in another environment is equal. */
  comparable(document: Document): Document;
}
