import { limits } from '../lib/limits.ts';
import type { Value } from '../model/document.ts';
import { corrupt, lineFeeds, tooDeep, tooLong, type Found } from './text.ts';

/** Finds where values begin and end in JSON that comes in pieces of any size. Looks at every character once. */
export class JsonSplitter {
  readonly #place: string;
  readonly #parse: (text: string, line: number) => Value;
  /** Earlier pieces of the value that is not whole yet. */
  #parts: string[] = [];
  #partsLength = 0;
  #line = 1;
  #startLine = 1;
  /** Brackets open within the value. */
  #depth = 0;
  #state: 'between' | 'nested' | 'text' | 'token' = 'between';
  #escaped = false;
  /** Within a list whose items are the values, what comes next. */
  #list: 'none' | 'first' | 'item' | 'comma' = 'none';

  constructor(place: string, parse: (text: string, line: number) => Value) {
    this.#place = place;
    this.#parse = parse;
  }

  /** The values that `text` completes. */
  *push(text: string): Generator<Found, void, undefined> {
    let at = 0;
    let start = this.#state === 'between' ? -1 : 0;
    while (at < text.length) {
      if (this.#state === 'between') {
        at = this.#between(text, at);
        if (at >= text.length) break;
        start = at;
        this.#startLine = this.#line;
        const end = this.#wholeLine(text, at);
        if (end > 0) {
          const value = this.#tryParse(text.slice(start, end));
          if (value !== undefined) {
            yield { value, line: this.#startLine };
            at = end;
            continue;
          }
        }
        if (this.#open(text.charCodeAt(at))) at++;
      }
      at = this.#within(text, at);
      if (this.#state !== 'between') break;
      yield this.#complete(text.slice(start, at));
      start = -1;
    }
    if (this.#state !== 'between') this.#keep(text.slice(Math.max(start, 0)));
  }

  /** The value that the end of the text completes. Refuses a text that ends too early. */
  *end(): Generator<Found, void, undefined> {
    if (this.#state !== 'between') yield this.#complete('');
    if (this.#list !== 'none') throw corrupt(this.#place, this.#line, 'the text ends before the list does');
  }

  #between(text: string, from: number): number {
    for (let at = from; at < text.length; at++) {
      const code = text.charCodeAt(at);
      if (code === 10) this.#line++;
      else if (code === 32 || code === 13 || code === 9) continue;
      else if (this.#list === 'none' && code === 0x5b) this.#list = 'first';
      else if ((this.#list === 'first' || this.#list === 'comma') && code === 0x5d) this.#list = 'none';
      else if (this.#list === 'comma') {
        if (code !== 0x2c) throw corrupt(this.#place, this.#line, 'expected a comma or ] between the items of the list');
        this.#list = 'item';
      } else if (code === 0x2c || code === 0x3a || code === 0x5d || code === 0x7d) {
        throw corrupt(this.#place, this.#line, `expected a value but found ${JSON.stringify(text[at])}`);
      } else return at;
    }
    return text.length;
  }

  /** Where the line ends, if the value at `at` may fill it: then one call of the parser does for the whole value. */
  #wholeLine(text: string, at: number): number {
    if (this.#list !== 'none' || text.charCodeAt(at) !== 0x7b) return -1;
    const feed = text.indexOf('\n', at);
    const end = feed > 0 && text.charCodeAt(feed - 1) === 13 ? feed - 1 : feed;
    return end > at && text.charCodeAt(end - 1) === 0x7d ? end : -1;
  }

  #tryParse(text: string): Value | undefined {
    try {
      return this.#parse(text, this.#line);
    } catch {
      // More than one value on the line, or part of one: the slow way finds out, and says what is wrong.
      return undefined;
    }
  }

  /** Begins a value; whether its first character has been dealt with. */
  #open(code: number): boolean {
    const nested = code === 0x7b || code === 0x5b;
    this.#depth = nested ? 1 : 0;
    this.#state = nested ? 'nested' : code === 0x22 ? 'text' : 'token';
    return this.#state !== 'token';
  }

  /** Goes on to the end of the value, which `#state` then says, or to the end of `text`. */
  #within(text: string, from: number): number {
    for (let at = from; at < text.length; at++) {
      const code = text.charCodeAt(at);
      if (this.#state === 'text') {
        at = this.#closingQuote(text, at);
        if (at < 0) return text.length;
        this.#state = this.#depth === 0 ? 'between' : 'nested';
        if (this.#depth === 0) return at + 1;
      } else if (this.#state === 'token') {
        if (code <= 32 || code === 0x2c || code === 0x5d || code === 0x7d || code === 0x7b || code === 0x5b || code === 0x22) {
          this.#state = 'between';
          return at;
        }
      } else if (code === 0x22) this.#state = 'text';
      else if (code === 0x7b || code === 0x5b) {
        if (++this.#depth > limits.documentDepth) throw tooDeep(this.#place, this.#startLine);
      } else if ((code === 0x7d || code === 0x5d) && --this.#depth === 0) {
        this.#state = 'between';
        return at + 1;
      }
    }
    return text.length;
  }

  /** The offset of the quote that closes the text `from` is in; -1 if it comes later. */
  #closingQuote(text: string, from: number): number {
    const start = this.#escaped ? from + 1 : from;
    for (let end = text.indexOf('"', start); ; end = text.indexOf('"', end + 1)) {
      const last = end < 0 ? text.length : end;
      let slash = last;
      while (slash > start && text.charCodeAt(slash - 1) === 0x5c) slash--;
      this.#escaped = end < 0 && (last - slash) % 2 === 1;
      if (end < 0 || (last - slash) % 2 === 0) return end;
    }
  }

  #keep(text: string): void {
    this.#partsLength += text.length;
    if (this.#partsLength > limits.documentBytes) throw tooLong(this.#place, this.#startLine);
    this.#parts.push(text);
  }

  #complete(last: string): Found {
    const text = this.#parts.length === 0 ? last : this.#parts.join('') + last;
    this.#parts = [];
    this.#partsLength = 0;
    const value = this.#parse(text, this.#startLine);
    this.#line = this.#startLine + lineFeeds(text);
    if (this.#list !== 'none') this.#list = 'comma';
    return { value, line: this.#startLine };
  }
}
