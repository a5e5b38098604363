import { parseEvents, YAMLException } from 'js-yaml';
import { limits } from '../lib/limits.ts';
import type { Document, Value } from '../model/document.ts';
import { corrupt, decodeUtf8, lineFeeds, tooDeep, tooLong, type Found } from './text.ts';
import { buildValues, YamlFault, type Built } from './yaml-build.ts';
import { withNotes } from './yaml-edit.ts';
import { YamlSplitter } from './yaml-stream.ts';

/**
 * The value of a YAML text of one document: YAML 1.1 as PyYAML reads it, but instants stay text and integers of any size
 * are kept. The name of a field is the text it is written as. Refuses, as `corrupt` and with place and line, what is
 * not YAML, repeats a field, holds a tag we do not know, nests too deep or expands too far.
 */
export function readYaml(text: string, place: string): Value {
  const documents = parse(text, place, 1);
  const last = documents.at(-1);
  // A closing `---` opens a document with nothing in it.
  const count = last !== undefined && last.at < 0 ? documents.length - 1 : documents.length;
  const [first] = documents;
  if (count === 0 || first === undefined) throw corrupt(place, 1, 'there is no document');
  if (count > 1) throw corrupt(place, 1 + lineFeeds(text, documents[1]?.at), 'more than one document', 'keep one there');
  return first.value;
}

/** The documents of a YAML stream, read as {@link readYaml} reads one. Holds one at a time. An empty last one is none. */
export async function* readYamlStream(chunks: AsyncIterable<Uint8Array>, place: string): AsyncGenerator<Found, void, undefined> {
  const splitter = new YamlSplitter(place);
  let empty: Found | undefined;
  for await (const text of decodeUtf8(chunks, place)) for (const piece of splitter.push(text)) yield* found(piece.text, piece.line);
  for (const piece of splitter.end()) yield* found(piece.text, piece.line);

  function* found(text: string, line: number): Generator<Found, void, undefined> {
    const documents = parse(text, place, line);
    for (const { value, at } of documents) {
      if (empty !== undefined) yield empty;
      empty = undefined;
      const next = { value, line: at < 0 || documents.length === 1 ? line : line + lineFeeds(text, at) };
      if (at < 0) empty = next;
      else yield next;
    }
  }
}

/**
 * `document` as `writeYaml` writes it, with the comments and empty lines of `text`, an earlier version of it, beside the
 * fields and items that are still there. What is written always reads back as `document`.
 */
export function editYaml(text: string, document: Document): string {
  return withNotes(text, document, (yaml) => readYaml(yaml, 'text'));
}

function parse(text: string, place: string, line: number): readonly Built[] {
  if (text.length > limits.documentBytes) throw tooLong(place, line);
  try {
    // A scalar counts as a level of its own there.
    return buildValues(text, parseEvents(text, { maxDepth: limits.documentDepth + 2 }));
  } catch (error) {
    if (error instanceof YamlFault) throw corrupt(place, line + lineFeeds(text, error.at), error.message);
    if (error instanceof YAMLException) {
      const at = line + (error.mark?.line ?? 0);
      throw error.reason.includes('maxDepth') ? tooDeep(place, at) : corrupt(place, at, error.reason);
    }
    if (error instanceof RangeError) throw corrupt(place, line, error.message);
    throw error;
  }
}
