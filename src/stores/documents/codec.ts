import { readJson, writeJson } from '../../formats/json.ts';
import { decodeWhole } from '../../formats/text.ts';
import { editYaml, readYaml } from '../../formats/yaml-read.ts';
import { writeYaml } from '../../formats/yaml-write.ts';
import { canonicalJson } from '../../lib/canonical-json.ts';
import { limits } from '../../lib/limits.ts';
import { isDocument } from '../../model/document.ts';
import type { Document } from '../../model/document.ts';
import type { Content } from '../../model/entry.ts';
import { SyncError } from '../../model/errors.ts';
import type { Format } from './layout.ts';

/** A document and the text it was read from. */
export interface Read {
  readonly document: Document;
  readonly text: string;
}

/** The one document that a blob holds. Throws `corrupt`, naming place and line, on anything else. */
export async function readDocument(content: Content | undefined, place: string, format: Format): Promise<Read> {
  if (content?.kind !== 'blob') throw new SyncError('internal', `${place} came without its bytes`);
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of content.bytes()) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > limits.documentBytes) throw new SyncError('corrupt', `${place}: a document of more than ${limits.documentBytes} bytes`, { hint: 'split it, or move it away' });
  }
  const text = decodeWhole(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, size), place);
  if (text.trim() === '') throw new SyncError('corrupt', `${place}: holds no document`, { hint: 'remove the file, or write a document into it' });
  const document = format === 'json' ? readJson(text, place) : readYaml(text, place);
  if (!isDocument(document)) throw new SyncError('corrupt', `${place}: holds ${nounOf(document)} where a document with fields is needed`, { hint: 'keep one resource in a file' });
  return { document, text };
}

/** A document as text, the same for the same document; JSON as one line. */
function writeDocument(document: Document, format: Format): string {
  return format === 'json' ? `${writeJson(document)}\n` : writeYaml(document);
}

/** The same, keeping the comments that whoever looks after the file has written into it. */
export function rewriteDocument(document: Document, format: Format, before: Read | undefined): string {
  const text = writeDocument(document, format);
  if (format !== 'yaml' || !before?.text.includes('#') || before.text === writeYaml(before.document)) return text;
  return editYaml(before.text, document);
}

/** Whether two documents hold the same, to the letter. */
export function sameDocument(a: Document, b: Document): boolean {
  return canonicalJson(a) === canonicalJson(b);
}

function nounOf(value: unknown): string {
  if (value === null) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'string' ? 'text' : value instanceof Uint8Array ? 'bytes' : `the ${typeof value} ${String(value)}`;
}
