import { hash } from 'node:crypto';
import { readJson, writeJson, writeJsonIndented } from '../../formats/json.ts';
import { decodeWhole } from '../../formats/text.ts';
import { editYaml, readYaml } from '../../formats/yaml-read.ts';
import { writeYamlDocument } from '../../formats/yaml-write.ts';
import { limits } from '../../lib/limits.ts';
import { isDocument } from '../../model/document.ts';
import type { Document, Value } from '../../model/document.ts';
import type { Entry, Version } from '../../model/entry.ts';
import { SyncError } from '../../model/errors.ts';
import { digestDocument } from '../../schema/digest.ts';
import { entryFacts } from '../../schema/identity.ts';
import type { Schema } from '../../schema/schema.ts';
import { recordIn } from './record-lines.ts';
import type { Layout, Segment } from './segments.ts';

/** An entry with its document. */
export type FileEntry = Entry & { readonly content: { readonly kind: 'document'; readonly document: Document } };

/** The entry that a piece of a file is. Throws, naming the line, where it is none. */
export function readEntry({ bytes, line }: Pick<Segment, 'bytes' | 'line'>, layout: Layout, name: string, schema: Schema): FileEntry {
  if (bytes.length > limits.documentBytes) throw new SyncError('corrupt', `${name}:${line}: a document of more than ${limits.documentBytes} bytes`, { hint: 'split it' });
  const value = parse(bytes, line, layout, name);
  if (!isDocument(value)) throw new SyncError('corrupt', `${name}:${line}: a document with fields is needed here`, { hint: 'mend or remove it' });
  const identity = schema.identify(value);
  const record = 'problem' in identity && layout === 'lines' ? recordIn(value, name) : undefined;
  const stat = { version: versionOf(bytes), place: `${name}:${line}` };
  if (record) return { ...stat, key: record.key, digest: digestDocument(record.document, schema), content: { kind: 'document', document: record.document } };
  if ('problem' in identity) throw new SyncError('invalid', `${name}:${line}: a document cannot be told from others, because ${identity.problem}`, { hint: 'add what is missing, or remove the document' });
  return {
    key: identity.key,
    ...stat,
    digest: digestDocument(value, schema),
    ...entryFacts(identity),
    content: { kind: 'document', document: value },
  };
}

/** The same bytes have the same version, wherever in the file they are. */
export function versionOf(bytes: Buffer): Version {
  return hash('sha256', trimmed(bytes)).slice(0, 32);
}

/** A document as it is added to a file. */
export function writeEntry(document: Document, layout: Layout): Buffer {
  return Buffer.from(layout === 'yaml' ? writeYamlDocument(document) : layout === 'lines' ? `${writeJson(document)}\n` : writeJson(document));
}

/** A document in the place of `before`: with its comments, where there are any. `alone`: it is all there is in a JSON file. */
export function rewriteEntry(document: Document, layout: Layout, before: Buffer, alone: boolean): Buffer {
  if (layout === 'json' && alone) return Buffer.from(writeJsonIndented(document).trimEnd());
  const fresh = writeEntry(document, layout);
  if (layout !== 'yaml' || !before.includes(0x23)) return fresh;
  const text = before.toString('utf8');
  const [marker = ''] = /^---[ \t]*(?:#.*)?\r?\n/.exec(text) ?? [];
  const body = text.slice(marker.length);
  // A document that goes on behind its marker, or says where it ends, is rewritten as a whole.
  if (/^(?:---|\.\.\.)(?=[ \t\r\n]|$)/m.test(body)) return fresh;
  const old = parse(Buffer.from(body), 1, layout, 'text') as Document;
  if (writeYamlDocument(old) === text.trimEnd() + '\n') return fresh;
  return Buffer.from(marker + editYaml(body, document));
}

function parse(bytes: Buffer, line: number, layout: Layout, name: string): Value {
  const text = decodeWhole(bytes, name, line);
  if (layout !== 'yaml') return readJson(text, name, line);
  try {
    return readYaml(text, name);
  } catch (error) {
    if (!(error instanceof SyncError) || line === 1) throw error;
    // Read once more behind as many lines as come before it in the file, so that the error names the right one.
    return readYaml('\n'.repeat(line - 1) + text, name);
  }
}

function trimmed(bytes: Buffer): Buffer {
  let end = bytes.length;
  while (end > 0 && bytes[end - 1]! <= 32) end--;
  return bytes.subarray(0, end);
}
