import { limits } from '../lib/limits.ts';
import { corrupt, lineFeeds, tooLong } from './text.ts';

/** The text of one document of a stream, with its directives and markers. */
export interface YamlPiece {
  readonly text: string;
  /** The line of the stream on which the text begins. */
  readonly line: number;
}

/**
 * Cuts a YAML stream into documents. A line that begins with `---` or `...`, and then ends or goes on with a blank, is
 * a marker wherever it stands: neither block nor quoted text may hold one.
 */
export class YamlSplitter {
  readonly #place: string;
  #parts: string[] = [];
  #length = 0;
  /** What may be the beginning of a marker. */
  #tail = '';
  #line = 1;
  /** Within the rest of a line that began with `...`. */
  #rest: 'none' | 'blank' | 'comment' = 'none';

  constructor(place: string) {
    this.#place = place;
  }

  /** The documents that `chunk` completes. */
  *push(chunk: string): Generator<YamlPiece, void, undefined> {
    // Its own, because whoever takes the documents may take those of another stream in between.
    const marker = /\n(---|\.\.\.)(?=[ \t\r\n])/g;
    const text = this.#tail + chunk;
    let start = this.#skipRestOfLine(text);
    marker.lastIndex = start;
    for (let match = marker.exec(text); match !== null; match = marker.exec(text)) {
      const at = match.index;
      // The line feed that ends one marker may begin the next.
      marker.lastIndex = at + 4;
      if (match[1] === '...') {
        yield* this.#cut(text.slice(start, at + 4));
        this.#rest = 'blank';
        start = marker.lastIndex = at + 4 + this.#skipRestOfLine(text.slice(at + 4));
      } else if (this.#hasContent(text.slice(start, at + 1))) {
        yield* this.#cut(text.slice(start, at + 1));
        start = marker.lastIndex = at + 1;
      }
    }
    const rest = Math.max(start, text.length - 4);
    this.#keep(text.slice(start, rest));
    this.#tail = text.slice(rest);
  }

  /** The document that the end of the stream completes. */
  *end(): Generator<YamlPiece, void, undefined> {
    // The end of the stream ends its last line, so that a marker there is known as one.
    yield* this.push('\n');
    yield* this.#cut(this.#tail.slice(0, -1));
  }

  *#cut(last: string): Generator<YamlPiece, void, undefined> {
    this.#keep(last);
    const text = this.#parts.join('');
    this.#parts = [];
    this.#length = 0;
    const line = this.#line;
    this.#line += lineFeeds(text);
    if (!/^\s*$/.test(text)) yield { text, line };
  }

  /** Whether the document so far is more than directives and comments, which belong to the `---` after them. */
  #hasContent(text: string): boolean {
    const whole = this.#parts.length === 0 ? text : this.#parts.join('') + text;
    for (let start = 0; start < whole.length; ) {
      const feed = whole.indexOf('\n', start);
      const end = feed < 0 ? whole.length : feed;
      if (whole[start] !== '%' && !/^\s*(?:#|$)/.test(whole.slice(start, end))) return true;
      start = end + 1;
    }
    return false;
  }

  #keep(text: string): void {
    if (text === '') return;
    this.#length += text.length;
    if (this.#length > limits.documentBytes) throw tooLong(this.#place, this.#line);
    this.#parts.push(text);
  }

  /** Where to go on in `text` after what is left of a line that began with `...`. */
  #skipRestOfLine(text: string): number {
    if (this.#rest === 'none') return 0;
    const feed = text.indexOf('\n');
    const rest = (feed < 0 ? text : text.slice(0, feed)).trim();
    if (this.#rest === 'blank' && rest !== '') {
      if (!rest.startsWith('#')) throw corrupt(this.#place, this.#line, 'unexpected text after the end of a document');
      this.#rest = 'comment';
    }
    if (feed < 0) return text.length;
    this.#rest = 'none';
    this.#line++;
    return feed + 1;
  }
}
