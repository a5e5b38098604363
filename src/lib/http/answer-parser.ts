import type { HttpHeaders } from './client.ts';

/** What becomes of an answer while it comes. */
export interface AnswerTaker {
  /** Called once, when the head is there. Interim answers are passed over. */
  head(status: number, headers: HttpHeaders): void;
  /** Some of the body. False: no more for now. Its memory is used again afterwards, but for `lent`: then after the next piece. */
  data(bytes: Buffer, lent: boolean): boolean;
}

/** That what comes is not an answer as HTTP/1.1 knows it. */
export class MalformedAnswer extends Error {}

type State = 'head' | 'counted' | 'open' | 'chunk-size' | 'chunk' | 'chunk-end' | 'trailer' | 'done';

const mostHeadBytes = 64 * 1024;
const mostLineBytes = 4 * 1024;
const statusLine = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: |$)/;
const fieldName = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const headEnd = '\r\n\r\n';

/** Reads one answer of HTTP/1.1 (RFC 9112) as its bytes come. Whatever could be understood in two ways is refused. */
export class AnswerParser {
  readonly #taker: AnswerTaker;
  readonly #bodiless: boolean;
  #state: State = 'head';
  #partial: Buffer | undefined;
  /** Bytes of the body, or of the chunk, that are still to come. */
  #left = 0;
  #persistent = true;

  /** `bodiless`: the answer has no body whatever it says, as that to HEAD. */
  constructor(taker: AnswerTaker, bodiless: boolean) {
    this.#taker = taker;
    this.#bodiless = bodiless;
  }

  /** Whether the answer is whole. */
  get done(): boolean {
    return this.#state === 'done';
  }

  /** Whether another request may follow on the connection. */
  get persistent(): boolean {
    return this.#persistent;
  }

  /** Whether the end of the connection is the end of the answer. */
  get open(): boolean {
    return this.#state === 'open';
  }

  /** Takes what has come, of which a piece by itself may be `lent`. False: the taker wants no more for now. Throws a {@link MalformedAnswer}. */
  feed(bytes: Buffer, lent = false): boolean {
    let wanted = true;
    for (let at = 0; at < bytes.length;) {
      switch (this.#state) {
        case 'head': at = this.#head(bytes, at); break;
        case 'counted':
        case 'chunk': {
          const end = Math.min(bytes.length, at + this.#left);
          this.#left -= end - at;
          wanted = this.#taker.data(at === 0 && end === bytes.length ? bytes : bytes.subarray(at, end), lent && this.#state === 'counted') && wanted;
          at = end;
          if (this.#left === 0) this.#state = this.#state === 'chunk' ? 'chunk-end' : 'done';
          break;
        }
        case 'open':
          wanted = this.#taker.data(at === 0 ? bytes : bytes.subarray(at), lent) && wanted;
          at = bytes.length;
          break;
        case 'chunk-size': at = this.#line(bytes, at, (line) => this.#chunkSize(line)); break;
        case 'chunk-end': at = this.#line(bytes, at, (line) => {
          if (line !== '') throw new MalformedAnswer('a chunk is longer than it says');
          this.#state = 'chunk-size';
        }); break;
        case 'trailer': at = this.#line(bytes, at, (line) => { if (line === '') this.#state = 'done'; }); break;
        case 'done':
          // Nothing was asked that this could be the answer to.
          this.#persistent = false;
          return wanted;
        default: this.#state satisfies never;
      }
    }
    return wanted;
  }

  #head(bytes: Buffer, at: number): number {
    const held = this.#partial?.length ?? 0;
    const whole = this.#partial ? Buffer.concat([this.#partial, bytes.subarray(at)]) : at === 0 ? bytes : bytes.subarray(at);
    const end = whole.indexOf(headEnd, Math.max(0, held - headEnd.length), 'latin1');
    if (end < 0) {
      if (whole.length > mostHeadBytes) throw new MalformedAnswer('the head of the answer has no end');
      if (!'HTTP/1.'.startsWith(whole.toString('latin1', 0, 7))) throw new MalformedAnswer('it does not begin as an answer does');
      this.#partial = Buffer.from(whole);
      return bytes.length;
    }
    this.#partial = undefined;
    this.#read(whole.toString('utf8', 0, end));
    return at + end + headEnd.length - held;
  }

  #read(text: string): void {
    const lines = text.split('\r\n');
    const [, minor, code] = statusLine.exec(lines[0]!) ?? [];
    if (code === undefined) throw new MalformedAnswer('it does not begin as an answer does');
    const status = Number(code);
    const headers: { [name: string]: string } = {};
    for (let i = 1; i < lines.length; i++) {
      const line = lines[i]!;
      const colon = line.indexOf(':');
      const name = line.slice(0, colon).toLowerCase();
      if (colon < 1 || !fieldName.test(name)) throw new MalformedAnswer('a header field has no name');
      const value = line.slice(colon + 1).trim();
      headers[name] = Object.hasOwn(headers, name) ? `${headers[name]}, ${value}` : value;
    }
    if (status < 200) {
      if (status === 101) throw new MalformedAnswer('it changes to another protocol');
      return;
    }
    this.#frame(status, headers, minor === '1');
    this.#taker.head(status, headers);
  }

  /** How long the body is (RFC 9112, section 6.3), and whether the connection outlives it. */
  #frame(status: number, headers: HttpHeaders, modern: boolean): void {
    const connection = headers['connection']?.toLowerCase();
    this.#persistent = modern ? connection === undefined || !connection.split(/\s*,\s*/).includes('close') : connection === 'keep-alive';
    const [coding, length] = [headers['transfer-encoding'], headers['content-length']];
    if (length !== undefined && !/^\d{1,15}$/.test(length)) throw new MalformedAnswer('its length is no number');
    if (this.#bodiless || status === 204 || status === 304) this.#state = 'done';
    else if (coding !== undefined) {
      if (length !== undefined) throw new MalformedAnswer('it has two lengths');
      this.#state = /(?:^|,)\s*chunked$/i.test(coding) ? 'chunk-size' : 'open';
    } else if (length !== undefined) {
      this.#left = Number(length);
      this.#state = this.#left === 0 ? 'done' : 'counted';
    } else this.#state = 'open';
    if (this.#state === 'open') this.#persistent = false;
  }

  #line(bytes: Buffer, at: number, read: (line: string) => void): number {
    const end = bytes.indexOf(10, at);
    const part = bytes.subarray(at, end < 0 ? bytes.length : end);
    const whole = this.#partial ? Buffer.concat([this.#partial, part]) : part;
    if (whole.length > mostLineBytes) throw new MalformedAnswer('a line between chunks has no end');
    if (end < 0) {
      this.#partial = Buffer.from(whole);
      return bytes.length;
    }
    this.#partial = undefined;
    if (whole.at(-1) !== 13) throw new MalformedAnswer('a line between chunks does not end as lines do');
    read(whole.toString('latin1', 0, whole.length - 1));
    return end + 1;
  }

  #chunkSize(line: string): void {
    const digits = /^([0-9a-f]{1,12})[\t ]*(?:;|$)/i.exec(line)?.[1];
    if (digits === undefined) throw new MalformedAnswer('a chunk has no length');
    this.#left = Number.parseInt(digits, 16);
    this.#state = this.#left === 0 ? 'trailer' : 'chunk';
  }
}
