import { SyncError } from '../../model/errors.ts';
import { ByteWindow } from './byte-window.ts';

/** How a file holds its documents: one after the other by `---`, one to a line, or as JSON values in a row or in a list. */
export type Layout = 'yaml' | 'lines' | 'json';

/** The bytes of one document in a file, good until the next one is asked for. */
export interface Segment {
  readonly start: number;
  readonly line: number;
  readonly bytes: Buffer;
}

/**
 * Cuts an open file into the texts of its documents. In `yaml` and `lines` every byte is in one of them, comments and
 * blank lines included; in `json` the brackets, commas and blanks between the values are in none. Holds one at a time.
 */
export function* segmentsOf(file: number, layout: Layout, place: string): Generator<Segment, void, undefined> {
  const window = new ByteWindow(file, place);
  if (layout === 'json') yield* jsonValues(window, place);
  else yield* pieces(window, layout === 'yaml' ? new YamlCuts() : new LineCuts());
}

interface Cuts {
  /** Where in `bytes` the first piece ends; -1 if more bytes may tell. */
  next(bytes: Buffer, exhausted: boolean): number;
  /** That much was left behind. */
  skipped(count: number): void;
}

function* pieces(window: ByteWindow, cuts: Cuts): Generator<Segment, void, undefined> {
  for (;;) {
    const { bytes, exhausted } = window;
    const cut = cuts.next(bytes, exhausted);
    const end = cut < 0 && exhausted ? bytes.length : cut;
    if (end < 0) {
      window.more();
      continue;
    }
    if (end === 0) return;
    yield { start: window.offset, line: window.line, bytes: bytes.subarray(0, end) };
    window.skip(end);
    cuts.skipped(end);
  }
}

class LineCuts implements Cuts {
  #searched = 0;

  next(bytes: Buffer): number {
    const at = bytes.indexOf(10, this.#searched);
    if (at < 0) this.#searched = bytes.length;
    return at < 0 ? -1 : at + 1;
  }

  skipped(): void {
    this.#searched = 0;
  }
}

/** A line of `---` begins a document and a line of `...` ends one, wherever they stand (YAML 1.2.2, section 9.1). */
class YamlCuts implements Cuts {
  /** Where the next of each marker is, or as far as there is none. */
  #dashes = { at: -1, searched: 0 };
  #dots = { at: -1, searched: 0 };

  next(bytes: Buffer, exhausted: boolean): number {
    if (isMarker(bytes, 0, '...', exhausted)) return this.#endOfLine(bytes, 0);
    const dashes = seek(this.#dashes, bytes, '\n---', exhausted);
    const dots = seek(this.#dots, bytes, '\n...', exhausted);
    if (dots >= 0 && (dashes < 0 || dots < dashes)) return this.#endOfLine(bytes, dots + 1);
    return dashes < 0 ? -1 : dashes + 1;
  }

  skipped(count: number): void {
    for (const found of [this.#dashes, this.#dots]) {
      found.at = found.at < count ? -1 : found.at - count;
      found.searched = Math.max(0, found.searched - count);
    }
  }

  #endOfLine(bytes: Buffer, from: number): number {
    const end = bytes.indexOf(10, from);
    return end < 0 ? -1 : end + 1;
  }
}

function seek(found: { at: number; searched: number }, bytes: Buffer, marker: string, exhausted: boolean): number {
  if (found.at >= 0) return found.at;
  for (let at = bytes.indexOf(marker, found.searched, 'latin1'); at >= 0; at = bytes.indexOf(marker, at + 1, 'latin1')) {
    if (at + marker.length >= bytes.length && !exhausted) {
      found.searched = at;
      return -1;
    }
    if (isMarker(bytes, at + 1, marker.slice(1), exhausted)) {
      found.at = at;
      return at;
    }
  }
  found.searched = Math.max(found.searched, bytes.length - marker.length);
  return -1;
}

function isMarker(bytes: Buffer, at: number, marker: string, exhausted: boolean): boolean {
  for (let i = 0; i < marker.length; i++) if (bytes[at + i] !== marker.charCodeAt(i)) return false;
  const after = bytes[at + marker.length];
  return after === undefined ? exhausted : after === 0x20 || after === 0x09 || after === 0x0a || after === 0x0d;
}

function* jsonValues(window: ByteWindow, place: string): Generator<Segment, void, undefined> {
  let list: 'none' | 'first' | 'item' | 'comma' | 'ended' = 'none';
  const wrong = (what: string): SyncError => new SyncError('corrupt', `${place}:${window.line}: ${what}`, { hint: 'mend the JSON' });
  for (let first = true; ; first = false) {
    // Between values.
    for (let code = peek(window, first); code !== undefined && code <= 32; code = peek(window, false)) window.skip(1);
    const code = peek(window, false);
    if (code === undefined) {
      if (list !== 'none' && list !== 'ended') throw wrong('the file ends before the list does');
      return;
    }
    if (list === 'ended') throw wrong('something follows the list');
    if (first && code === 0x5b) {
      list = 'first';
      window.skip(1);
      continue;
    }
    if (code === 0x5d && (list === 'first' || list === 'comma')) {
      list = 'ended';
      window.skip(1);
      continue;
    }
    if (list === 'comma') {
      if (code !== 0x2c) throw wrong('a comma or ] is missing between the values of the list');
      list = 'item';
      window.skip(1);
      continue;
    }
    if (code === 0x2c || code === 0x3a || code === 0x5d || code === 0x7d) throw wrong(`a value was expected instead of ${String.fromCharCode(code)}`);
    const length = valueLength(window, wrong);
    yield { start: window.offset, line: window.line, bytes: window.bytes.subarray(0, length) };
    window.skip(length);
    if (list !== 'none') list = 'comma';
  }
}

/** The byte that comes next. At the beginning of the file a byte order mark is passed over. */
function peek(window: ByteWindow, first: boolean): number | undefined {
  while (window.bytes.length < (first ? 3 : 1) && !window.exhausted) window.more();
  const { bytes } = window;
  if (first && bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) {
    window.skip(3);
    return peek(window, false);
  }
  return bytes[0];
}

/** How long the value is that the window begins with. Brackets are counted, not matched: whoever parses the value will do that. */
function valueLength(window: ByteWindow, wrong: (what: string) => SyncError): number {
  let depth = 0;
  let text = false;
  for (let at = 0; ; at++) {
    while (at >= window.bytes.length) {
      if (window.exhausted) {
        if (depth > 0 || text) throw wrong('the file ends in the middle of a value');
        return at;
      }
      window.more();
    }
    const { bytes } = window;
    for (; at < bytes.length; at++) {
      const code = bytes[at]!;
      if (text) {
        if (code === 0x5c) at++;
        else if (code === 0x22) {
          text = false;
          if (depth === 0) return at + 1;
        }
      } else if (code === 0x22) text = true;
      else if (code === 0x7b || code === 0x5b) depth++;
      else if (code === 0x7d || code === 0x5d) {
        if (depth === 0) return at;
        if (--depth === 0) return at + 1;
      } else if (depth === 0 && (code <= 32 || code === 0x2c)) return at;
    }
    at--;
  }
}

/** Whether a piece holds no document: only blanks and, in YAML, comments, directives and markers. */
export function isBlank(bytes: Buffer, layout: Layout): boolean {
  for (let start = bytes[0] === 0xef ? 3 : 0; start < bytes.length;) {
    const feed = bytes.indexOf(10, start);
    const end = feed < 0 ? bytes.length : feed;
    if (!isBlankLine(bytes, start, end, layout)) return false;
    start = end + 1;
  }
  return true;
}

function isBlankLine(bytes: Buffer, start: number, end: number, layout: Layout): boolean {
  let at = start;
  if (layout === 'yaml' && (isMarker(bytes, at, '---', true) || isMarker(bytes, at, '...', true))) at += 3;
  else if (layout === 'yaml' && bytes[at] === 0x25) return true;
  while (at < end && (bytes[at] === 0x20 || bytes[at] === 0x09 || bytes[at] === 0x0d)) at++;
  return at === end || (layout === 'yaml' && bytes[at] === 0x23);
}
