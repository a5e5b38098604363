import { hash } from 'node:crypto';
import { canonicalJson } from '../lib/canonical-json.ts';
import type { Document } from '../model/document.ts';
import type { Digest } from '../model/entry.ts';
import { SyncError } from '../model/errors.ts';
import type { Schema } from './schema.ts';

/** What was made of documents as they are. Both ends of a write want it of the very same one. */
const known = new WeakMap<Document, Digest>();

/**
 * The digest by which documents are compared: SHA-256 of the canonical JSON of their comparable form. Refuses, as
 * `invalid`, what is nested too deep or holds something that is no value.
 */
export function digestDocument(document: Document, schema?: Schema): Digest {
  const before = schema ? undefined : known.get(document);
  if (before) return before;
  try {
    const digest = digestText(canonicalJson(schema ? schema.comparable(document) : document));
    if (!schema) known.set(document, digest);
    return digest;
  } catch (error) {
    if (!(error instanceof RangeError || error instanceof TypeError)) throw error;
    throw new SyncError('invalid', `the document is ${error.message}`, { cause: error });
  }
}

/** The digest of a document whose canonical JSON this is, as it is compared without a schema. */
export function digestText(canonical: string): Digest {
  return { algorithm: 'document', value: hash('sha256', canonical) };
}
