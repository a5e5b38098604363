import { canonicalJson } from '../../lib/canonical-json.ts';
import { limits } from '../../lib/limits.ts';
import type { Value } from '../../model/document.ts';
import type { Codec } from './codec.ts';
import { instantTexts } from './instant-texts.ts';
import type { RawColumn, RawRows } from './raw-rows.ts';
import type { Table } from './tables.ts';

/** Writes a cell of this size as the canonical JSON of its value; `false` where it is to be read by other means. */
type Writer = (bytes: Buffer, at: number, size: number) => boolean;

interface TextColumn {
  /** As it is written, with its colon. */
  readonly name: Buffer;
  /** Whether that is more than ASCII. */
  readonly wide: boolean;
  readonly type: number;
  readonly write: Writer;
  /** Its place in the key; -1 where it is not part of it. */
  readonly part: number;
}

const quote = 0x22;
/** Bytes of text that stand for themselves in JSON, 0; those that do beyond ASCII, 1; others, 2. */
const plain = new Uint8Array(256).fill(2, 0, 0x20).fill(1, 0x80);
[plain[quote], plain[0x5c]] = [2, 2];
const hexDigits = Buffer.from('0123456789abcdef');
/** The bytes of a UUID that a dash stands before. */
const dashed = new Uint8Array(16);
for (const i of [4, 6, 8, 10]) dashed[i] = 1;
const words = [Buffer.from('false'), Buffer.from('true')] as const;
const textOfMillis = instantTexts();

/**
 * Writes rows as the canonical JSON of their documents, without making values of what they hold. What cannot be read back from that just
 * as it was is left to others: bytes, the zero below zero, doubles that look like integers of any size, numbers that are none.
 */
export class RowTexts {
  /** The text of the row that was read last, */
  text = '';
  /** the parts of its key, */
  readonly parts: string[] = [];
  /** and where the next one begins. */
  end = 0;
  readonly #table: Table;
  readonly #columns: readonly TextColumn[];
  #out = Buffer.allocUnsafe(16_384);
  #at = 0;
  #wide = false;

  /** Of answers with such columns as this one has. */
  constructor(table: Table, rows: RawRows) {
    this.#table = table;
    this.#columns = table.columns.map((column, i): TextColumn => {
      const name = `${JSON.stringify(column.name)}:`;
      const written = Buffer.from(name);
      return { name: written, wide: written.length > name.length, type: rows.columns[i]!.type.code, write: this.#writerOf(rows, rows.columns[i]!, column), part: table.key.indexOf(column) };
    });
  }

  /** Whether the answer has the columns that the table is known to have, */
  static fit(table: Table, { columns }: Pick<RawRows, 'columns'>): boolean {
    return columns.length === table.columns.length && columns.every(({ name }, i) => name === table.columns[i]!.name);
  }

  /** of the types that this was made for. */
  fits({ columns }: Pick<RawRows, 'columns'>): boolean {
    return RowTexts.fit(this.#table, { columns }) && columns.every(({ type }, i) => type.code === this.#columns[i]!.type);
  }

  /** Reads the row at a place; `false` where it is to be read by other means. */
  read(bytes: Buffer, place: number): boolean {
    let at = place;
    let parts = 0;
    this.#at = 0;
    this.#wide = false;
    this.#room(1);
    this.#out[this.#at++] = 0x7b;
    for (const { name, wide, write, part } of this.#columns) {
      const size = bytes.readInt32BE(at);
      at += 4;
      if (size < 0) continue;
      const before = this.#at;
      this.#room(name.length + 6 * size + 64);
      if (before > 1) this.#out[this.#at++] = 0x2c;
      for (let i = 0; i < name.length; i++) this.#out[this.#at++] = name[i]!;
      if (wide) this.#wide = true;
      const start = this.#at;
      if (!write(bytes, at, size)) return false;
      if (part >= 0) {
        this.parts[part] = this.#part(start);
        parts++;
      }
      at += size;
    }
    if (parts < this.#table.key.length || this.#at > limits.documentBytes) return false;
    this.#room(1);
    this.#out[this.#at++] = 0x7d;
    this.text = this.#wide ? this.#out.toString('utf8', 0, this.#at) : this.#out.toString('latin1', 0, this.#at);
    this.end = at;
    return true;
  }

  /** What was written since, as a part of a key. */
  #part(start: number): string {
    const quoted = this.#out[start] === quote ? 1 : 0;
    return this.#wide ? this.#out.toString('utf8', start + quoted, this.#at - quoted) : this.#out.toString('latin1', start + quoted, this.#at - quoted);
  }

  #room(bytes: number): void {
    if (this.#at + bytes <= this.#out.length) return;
    const more = Buffer.allocUnsafe(2 * (this.#at + bytes));
    this.#out.copy(more, 0, 0, this.#at);
    this.#out = more;
  }

  /** By the numbers of the types in the protocol (native_protocol_v4, 4.2.5.2). */
  #writerOf(rows: RawRows, { type }: RawColumn, { codec, json, kind }: Table['columns'][number]): Writer {
    const inKey = kind === 'partition_key' || kind === 'clustering';
    if (json) return this.#any(rows, type, codec);
    switch (type.code) {
      case 0x01: case 0x0a: case 0x0d: return (bytes, at, size) => this.#text(bytes, at, size, inKey);
      case 0x02: case 0x05: return (bytes, at, size) => size === 8 && this.#ascii(integerAt(bytes, at));
      case 0x04: return (bytes, at, size) => size === 1 && this.#bytes(words[bytes[at] === 0 ? 0 : 1]);
      case 0x07: return (bytes, at, size) => size === 8 && this.#double(bytes.readDoubleBE(at));
      case 0x09: return (bytes, at, size) => size === 4 && this.#ascii(String(bytes.readInt32BE(at)));
      case 0x0b: return (bytes, at, size) => size === 8 && this.#instant(millisAt(bytes, at));
      case 0x0c: case 0x0f: return (bytes, at, size) => size === 16 && this.#uuid(bytes, at);
      case 0x13: return (bytes, at, size) => size === 2 && this.#ascii(String(bytes.readInt16BE(at)));
      case 0x14: return (bytes, at, size) => size === 1 && this.#ascii(String(bytes.readInt8(at)));
      default: return inKey ? () => false : this.#any(rows, type, codec);
    }
  }

  #text(bytes: Buffer, at: number, size: number, inKey: boolean): boolean {
    const out = this.#out;
    const start = this.#at;
    let to = start;
    out[to++] = quote;
    for (let i = at; i < at + size; i++) {
      const byte = bytes[i]!;
      const kind = plain[byte]!;
      if (kind !== 0) {
        if (kind === 2) return !inKey && this.#escaped(bytes.toString('utf8', at, at + size), start);
        this.#wide = true;
      }
      out[to++] = byte;
    }
    out[to++] = quote;
    this.#at = to;
    return true;
  }

  #escaped(text: string, start: number): true {
    const written = JSON.stringify(text);
    const length = this.#out.write(written, start);
    if (length > written.length) this.#wide = true;
    this.#at = start + length;
    return true;
  }

  #ascii(text: string): true {
    for (let i = 0; i < text.length; i++) this.#out[this.#at++] = text.charCodeAt(i);
    return true;
  }

  #bytes(word: Buffer): true {
    for (let i = 0; i < word.length; i++) this.#out[this.#at++] = word[i]!;
    return true;
  }

  #double(value: number): boolean {
    return (Number.isSafeInteger(value) ? !Object.is(value, -0) : Number.isFinite(value) && !Number.isInteger(value)) && this.#ascii(String(value));
  }

  #instant(millis: number | undefined): boolean {
    if (millis === undefined) return false;
    this.#out[this.#at++] = quote;
    this.#ascii(textOfMillis(millis));
    this.#out[this.#at++] = quote;
    return true;
  }

  #uuid(bytes: Buffer, at: number): true {
    const out = this.#out;
    let to = this.#at;
    out[to++] = quote;
    for (let i = 0; i < 16; i++) {
      const byte = bytes[at + i]!;
      if (dashed[i] === 1) out[to++] = 0x2d;
      out[to++] = hexDigits[byte >> 4]!;
      out[to++] = hexDigits[byte & 15]!;
    }
    out[to++] = quote;
    this.#at = to;
    return true;
  }

  /** Any value, by the driver and the codec of the column. */
  #any(rows: RawRows, type: RawColumn['type'], codec: Codec): Writer {
    return (bytes, at, size) => {
      const raw = rows.read(bytes.subarray(at, at + size), type);
      const value = raw === null || raw === undefined ? undefined : codec.decode(raw);
      if (value === undefined || !isKept(value)) return false;
      const text = canonicalJson(value);
      this.#room(3 * text.length);
      const length = this.#out.write(text, this.#at);
      if (length > text.length) this.#wide = true;
      this.#at += length;
      return true;
    };
  }
}

/** Whether a value is read back from its canonical text as it is. */
function isKept(value: Value): boolean {
  switch (typeof value) {
    case 'number': return Number.isSafeInteger(value) ? !Object.is(value, -0) : Number.isFinite(value) && !Number.isInteger(value);
    case 'object':
      if (value === null) return true;
      return !(value instanceof Uint8Array) && Object.values(value).every(isKept);
    default: return true;
  }
}

function integerAt(bytes: Buffer, at: number): string {
  const high = bytes.readInt32BE(at);
  return high > -0x20_0000 && high < 0x20_0000 ? String(high * 0x1_0000_0000 + bytes.readUInt32BE(at + 4)) : String(bytes.readBigInt64BE(at));
}

/** The milliseconds of a time; `undefined` where they are of a year beyond four digits, or close. */
function millisAt(bytes: Buffer, at: number): number | undefined {
  const high = bytes.readInt32BE(at);
  return high > -0x2000 && high < 0x1_0000 ? high * 0x1_0000_0000 + bytes.readUInt32BE(at + 4) : undefined;
}
