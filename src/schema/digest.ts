import { hash } from 'node:crypto';
import { canonicalJson } from '../lib/canonical-json.ts';
import type { Document } from '../model/document.ts';
import type { Digest } from '../model/entry.ts';
import type { Schema } from './schema.ts';

/** The digest by which documents are compared: SHA-256 of the canonical JSON of their comparable form. */
export function digestDocument(document: Document, schema?: Schema): Digest {
  return { algorithm: 'document', value: hash('sha256', canonicalJson(schema ? schema.comparable(document) : document)) };
}
