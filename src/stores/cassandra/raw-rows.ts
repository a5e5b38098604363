import { createRequire } from 'node:module';
import type { types } from 'cassandra-driver';
import type { Row } from './session.ts';

/** A column of an answer, by the number that the protocol has for its type. */
export interface RawColumn {
  readonly name: string;
  readonly type: { readonly code: number };
}

/** As far as it is used here, and known to be as in the version that is installed. */
interface Encoder {
  readonly encodingOptions: { readonly rawRows?: boolean };
  decode(cell: Buffer | null, type: RawColumn['type']): unknown;
}
interface Frame {
  readonly header: object;
  readonly meta: { readonly columns: readonly RawColumn[]; readonly keyspace?: string };
  readonly flagsInfo: object;
  readonly isStreaming?: boolean;
  readonly parsingError?: boolean;
  rowLength?: number;
}
interface Reader {
  readonly buf: Buffer;
  readonly offset: number;
  readInt(): number;
}
interface Parser {
  readonly encoder: Encoder;
  push(item: object): void;
  parseRows(frame: Frame, reader: Reader): void;
}

/** Answers of fewer rows are read as ever. */
const fewestRows = 20;

/** Many rows in the bytes in which they came, one behind the other: of each cell its size, then what it holds. */
export class RawRows {
  readonly length: number;
  readonly bytes: Buffer;
  /** Where the first one begins. */
  readonly start: number;
  readonly columns: readonly RawColumn[];
  readonly #encoder: Encoder;

  constructor({ length, bytes, start, columns, encoder }: { readonly length: number; readonly bytes: Buffer; readonly start: number; readonly columns: readonly RawColumn[]; readonly encoder: Encoder }) {
    this.length = length;
    this.bytes = bytes;
    this.start = start;
    this.columns = columns;
    this.#encoder = encoder;
  }

  /** The row that begins at a place, as the driver reads it, and where the next one begins. */
  rowAt(place: number): { readonly row: Row; readonly end: number } {
    const row: { [column: string]: unknown } = Object.create(null) as object as { [column: string]: unknown };
    let at = place;
    for (const { name, type } of this.columns) {
      const size = this.bytes.readInt32BE(at);
      at += 4;
      row[name] = this.read(size < 0 ? null : this.bytes.subarray(at, at + size), type);
      at += Math.max(0, size);
    }
    return { row, end: at };
  }

  /** What the driver makes of a cell, here or in another answer of the same server. */
  read(cell: Buffer | null, type: RawColumn['type']): unknown {
    return this.#encoder.decode(cell, type);
  }

  /** All of them, as the driver reads them. */
  all(): readonly Row[] {
    let at = this.start;
    return Array.from({ length: this.length }, () => {
      const { row, end } = this.rowAt(at);
      at = end;
      return row;
    });
  }
}

let keeping = false;

/**
 * Has the driver give answers of many rows as {@link RawRows}, to clients whose option `encoding` says `rawRows`. It makes an object of each cell and of each row,
 * and passes every row through two streams, which takes several times as long as reading a row does.
 */
export function keepRawRows(): void {
  if (keeping) return;
  keeping = true;
  const { Parser: { prototype } } = createRequire(import.meta.url)('cassandra-driver/lib/streams.js') as { readonly Parser: { readonly prototype: Parser } };
  const { parseRows } = prototype;
  prototype.parseRows = function parseRawRows(this: Parser, frame: Frame, reader: Reader): void {
    const { keyspace } = frame.meta;
    // What the driver asks for itself is in keyspaces of the system.
    if (this.encoder.encodingOptions.rawRows === true && frame.isStreaming !== true && frame.parsingError !== true && frame.rowLength === undefined && keyspace !== undefined && !keyspace.startsWith('system')) {
      const length = reader.readInt();
      if (length >= fewestRows) {
        const rows = new RawRows({ length, bytes: reader.buf, start: reader.offset, columns: frame.meta.columns, encoder: this.encoder });
        this.push({ header: frame.header, result: { rows, meta: frame.meta, flags: frame.flagsInfo } });
        return;
      }
      frame.rowLength = length;
    }
    parseRows.call(this, frame, reader);
  };
}

/** The rows of an answer, where they are such. */
export function rawRowsOf({ rows }: types.ResultSet): RawRows | undefined {
  return (rows as unknown) instanceof RawRows ? (rows as unknown as RawRows) : undefined;
}
