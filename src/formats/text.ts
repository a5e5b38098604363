import { isUtf8 } from 'node:buffer';
import { limits } from '../lib/limits.ts';
import type { Document, Value } from '../model/document.ts';
import { SyncError } from '../model/errors.ts';
import { compareKeys } from '../model/key.ts';

/** One value of a stream of values. */
export interface Found {
  readonly value: Value;
  /** The line of the stream on which it begins; the first is 1. */
  readonly line: number;
}

/** The error for text that is not what it should be: `<place>:<line>: <what>`. */
export function corrupt(place: string, line: number, what: string, hint = 'correct it there'): SyncError {
  return new SyncError('corrupt', `${place}:${line}: ${what}`, { hint });
}

/** The error for a value nested deeper than we go. */
export function tooDeep(place: string, line: number): SyncError {
  return corrupt(place, line, tooDeepText(), 'nest it less deep');
}

/** The error for a document whose text is longer than we read. */
export function tooLong(place: string, line: number): SyncError {
  return corrupt(place, line, `a document of more than ${limits.documentBytes} bytes`, 'split it');
}

/** What is said of a value nested deeper than we go. */
export function tooDeepText(): string {
  return `nested more than ${limits.documentDepth} levels deep`;
}

/** The number of line feeds in `text` before `end`. */
export function lineFeeds(text: string, end: number = text.length): number {
  let count = 0;
  for (let at = text.indexOf('\n'); at >= 0 && at < end; at = text.indexOf('\n', at + 1)) count++;
  return count;
}

/** The text of `chunks`, without a byte order mark. Refuses what is not UTF-8, naming the line. */
export async function* decodeUtf8(chunks: AsyncIterable<Uint8Array>, place: string): AsyncGenerator<string, void, undefined> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let line = 1;
  let carried: Uint8Array = new Uint8Array();
  for await (const chunk of chunks) {
    let text: string;
    try {
      text = decoder.decode(chunk, { stream: true });
    } catch {
      throw notUtf8(place, line, Buffer.concat([carried, chunk]));
    }
    line += byteLineFeeds(chunk);
    carried = chunk.subarray(Math.max(0, chunk.length - 3)).slice();
    if (text !== '') yield text;
  }
  try {
    decoder.decode();
  } catch {
    throw corrupt(place, line, 'the text ends inside a UTF-8 character');
  }
}

/** The text of `bytes`, without a byte order mark. Refuses what is not UTF-8, naming the line; `line` is the number of the first. */
export function decodeWhole(bytes: Uint8Array, place: string, line = 1): string {
  if (!isUtf8(bytes)) throw notUtf8(place, line, bytes);
  const marked = bytes.length >= 3 && bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8', marked ? 3 : 0);
}

/** Field names in the order in which formats write them: that of their UTF-8 bytes. */
export function sortedNames(document: Document): readonly string[] {
  const names = Object.keys(document);
  let sorted = true;
  let beyond = false;
  for (let i = 0; i < names.length; i++) {
    const name = names[i] as string;
    if (i > 0 && (names[i - 1] as string) > name) sorted = false;
    if (!beyond && /[\ud800-\uffff]/.test(name)) beyond = true;
  }
  if (beyond) names.sort(compareKeys);
  else if (!sorted) names.sort();
  return names;
}

/** The number of line feeds in `bytes`. */
export function byteLineFeeds(bytes: Uint8Array): number {
  let count = 0;
  for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, at + 1)) count++;
  return count;
}

function notUtf8(place: string, firstLine: number, bytes: Uint8Array): SyncError {
  let line = firstLine;
  for (let start = 0; start < bytes.length; line++) {
    const end = bytes.indexOf(10, start);
    if (end < 0 || !isUtf8(bytes.subarray(start, end))) break;
    start = end + 1;
  }
  return corrupt(place, line, 'the text is not UTF-8', 'save it as UTF-8');
}
