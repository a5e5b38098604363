import { readJson, writeJson } from '../../formats/json.ts';
import type { FieldType } from '../../model/collection.ts';
import type { Value } from '../../model/document.ts';
import { SyncError } from '../../model/errors.ts';
import { Misfit } from './table.ts';
import type { Codec, Raw } from './table.ts';

/** A value as an error names it. */
export function shown(value: Value): string {
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === 'object' && value !== null) return 'a document';
  const text = typeof value === 'string' ? JSON.stringify(value) : String(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

/** An integer as documents hold it: a number as long as it is exact. */
export function wholeOf(raw: Raw): number | bigint {
  const number = Number(raw);
  return Number.isSafeInteger(number) ? number : BigInt(raw as string | bigint);
}

/** Whole numbers of a width; without one, of any size. */
export function integerCodec(bits?: 8 | 16 | 32 | 64, unsigned = false): Codec {
  const type: FieldType = { kind: 'integer', ...(bits && { bits }), ...(unsigned && { unsigned }) };
  const most = bits && (1n << BigInt(unsigned ? bits : bits - 1)) - 1n;
  const least = most && (unsigned ? 0n : -most - 1n);
  const leastSafe = least === undefined ? Number.MIN_SAFE_INTEGER : Math.max(Number(least), Number.MIN_SAFE_INTEGER);
  const mostSafe = most === undefined ? Number.MAX_SAFE_INTEGER : Math.min(Number(most), Number.MAX_SAFE_INTEGER);
  return {
    type,
    read: wholeOf,
    write: (value) => {
      if (typeof value === 'number' && Number.isInteger(value) && value >= leastSafe && value <= mostSafe) return value === 0 ? '0' : String(value);
      if (typeof value !== 'bigint' && !Number.isInteger(value)) throw new Misfit('holds whole numbers');
      const whole = BigInt(value as number | bigint);
      if (most !== undefined && least !== undefined && (whole < least || whole > most)) throw new Misfit(`holds whole numbers from ${least} to ${most}`);
      return String(whole);
    },
  };
}

/** Binary fractions. `specials`: whether infinities and what is no number can be held. */
export function floatCodec(bits: 32 | 64, specials: boolean): Codec {
  return {
    type: { kind: 'float', bits },
    read: (raw) => {
      const number = Number(raw);
      if (!Number.isFinite(number)) return String(raw);
      return bits === 32 ? shortest(Math.fround(number)) : number;
    },
    write: (value) => {
      const number = typeof value === 'bigint' ? Number(value) : value === 'NaN' || value === 'Infinity' || value === '-Infinity' ? Number(value) : value;
      if (typeof number !== 'number') throw new Misfit('holds numbers');
      if (!Number.isFinite(number)) {
        if (specials) return String(number);
        throw new Misfit('holds finite numbers');
      }
      if (typeof value === 'bigint' && BigInt(number) !== value) throw new Misfit('holds numbers of 53 binary digits');
      if (bits === 32 && shortest(Math.fround(number)) !== number) throw new Misfit('holds numbers of 24 binary digits');
      return Object.is(number, -0) ? '-0' : String(number);
    },
  };
}

/** The double of the fewest digits that stands for a number of single precision. */
function shortest(single: number): number {
  for (let digits = 1; digits < 9; digits++) {
    const number = Number(single.toPrecision(digits));
    if (Math.fround(number) === single) return Object.is(single, -0) ? -0 : number;
  }
  return Number(single.toPrecision(9));
}

/** Decimal fractions, as text. A number is taken for the decimal it is written as. */
export function decimalCodec(digits?: number, scale?: number, specials = false): Codec {
  return {
    type: { kind: 'decimal', ...(digits !== undefined && { digits }), ...(scale !== undefined && { scale }) },
    read: String,
    write: (value) => {
      const text = typeof value === 'number' || typeof value === 'bigint' ? plainDecimal(String(value)) : value;
      if (specials && (text === 'NaN' || (digits === undefined && (text === 'Infinity' || text === '-Infinity')))) return text;
      const [, sign = '', whole, fraction = ''] = (typeof text === 'string' && /^(-?)0*(0|[1-9]\d*)(?:\.(\d+))?$/.exec(text)) || [];
      if (whole === undefined) throw new Misfit('holds decimal numbers');
      let kept = fraction;
      if (scale !== undefined) {
        if (fraction.length > scale && /[^0]/.test(fraction.slice(scale))) throw new Misfit(`holds ${scale} digits behind the point`);
        kept = fraction.padEnd(scale, '0').slice(0, scale);
        if (digits !== undefined && (whole === '0' ? 0 : whole.length) > Math.max(0, digits - scale)) throw new Misfit(`holds ${digits - scale} digits before the point`);
      }
      const zero = whole === '0' && /^0*$/.test(kept);
      return `${zero ? '' : sign}${whole}${kept === '' ? '' : `.${kept}`}`;
    },
  };
}

/** Whole numbers of a few digits and some zeros behind them, which is what a negative scale means. */
export function roundCodec(digits: number, zeros: number): Codec {
  const codec = decimalCodec(digits + zeros, 0);
  return {
    ...codec,
    write: (value) => {
      const text = codec.write(value) as string;
      if (text !== '0' && !text.endsWith('0'.repeat(zeros))) throw new Misfit(`holds numbers with ${zeros} zeros at their end`);
      return text;
    },
  };
}

/** A number as the platform writes it, without an exponent. */
function plainDecimal(text: string): string {
  const [, sign = '', first = '', rest = '', exponent] = /^(-?)(\d+)(?:\.(\d+))?e([+-]\d+)$/.exec(text) ?? [];
  if (exponent === undefined) return text;
  const digits = first + rest;
  const point = first.length + Number(exponent);
  if (point >= digits.length) return sign + digits.padEnd(point, '0');
  return point > 0 ? `${sign}${digits.slice(0, point)}.${digits.slice(point)}` : `${sign}0.${digits.padStart(digits.length - point, '0')}`;
}

/** What text a column takes. */
export interface TextBounds {
  /** The most characters. */
  readonly most?: number;
  /** The most bytes in UTF-8. */
  readonly mostBytes?: number;
  /** Blanks at the end are no part of a value. */
  readonly trimmed?: boolean;
  readonly withoutNul?: boolean;
  /** The only texts there are. */
  readonly among?: readonly string[];
  /** What a text is called that has no other type. */
  readonly other?: string;
}

/** Text. */
export function textCodec({ most, mostBytes, trimmed = false, withoutNul = false, among, other }: TextBounds = {}): Codec {
  return {
    type: other === undefined ? { kind: 'text' } : { kind: 'other', name: other },
    read: (raw) => (trimmed ? String(raw).replace(/ +$/, '') : String(raw)),
    write: (value) => {
      if (typeof value !== 'string') throw new Misfit('holds text');
      if (!value.isWellFormed()) throw new Misfit('holds well-formed Unicode');
      if (withoutNul && value.includes('\0')) throw new Misfit('holds text without NUL characters');
      if (most !== undefined && value.length > most && [...value].length > most) throw new Misfit(`holds ${most} characters`);
      if (mostBytes !== undefined && value.length * 3 > mostBytes && Buffer.byteLength(value) > mostBytes) throw new Misfit(`holds ${mostBytes} bytes`);
      if (trimmed && value.endsWith(' ')) throw new Misfit('holds no blanks at the end');
      if (among && !among.includes(value)) throw new Misfit(`holds one of ${among.map((label) => JSON.stringify(label)).join(', ').slice(0, 200)}`);
      return value;
    },
  };
}

/** Bytes as hexadecimal digits behind a prefix. */
export function bytesCodec(prefix: string, most?: number): Codec {
  return {
    type: { kind: 'bytes' },
    exact: true,
    read: (raw) => new Uint8Array(Buffer.from(String(raw).slice(prefix.length), 'hex')),
    write: (value) => {
      if (!(value instanceof Uint8Array)) throw new Misfit('holds bytes');
      if (most !== undefined && value.length > most) throw new Misfit(`holds ${most} bytes`);
      return prefix + Buffer.from(value.buffer, value.byteOffset, value.length).toString('hex');
    },
  };
}

/** UUIDs of any version. */
export function uuidCodec(): Codec {
  return {
    type: { kind: 'uuid' },
    read: (raw) => String(raw).toLowerCase(),
    write: (value) => {
      if (typeof value !== 'string' || !/^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i.test(value)) throw new Misfit('holds UUIDs');
      return value.toLowerCase();
    },
  };
}

/** True and false by the texts the database has for them. */
export function booleanCodec(yes: string, no: string): Codec {
  return {
    type: { kind: 'boolean' },
    exact: true,
    read: (raw) => String(raw) === yes,
    write: (value) => {
      if (typeof value !== 'boolean') throw new Misfit('holds true and false');
      return value ? yes : no;
    },
  };
}

const surrogate = /(?<!\\)(?:\\\\)*\\ud[89a-f]/;

/** JSON as text. `binary`: the database takes it apart, and then it holds no NUL characters. `wholeBits`: it takes whole numbers of more bits for fractions. */
export function jsonCodec({ binary = false, wholeBits }: { readonly binary?: boolean; readonly wholeBits?: 64 } = {}): Codec {
  return {
    type: { kind: 'json' },
    holdsNull: true,
    exact: true,
    read: (raw) => {
      try {
        return readJson(String(raw), 'the column');
      } catch (cause) {
        if (cause instanceof SyncError) throw new Misfit(`holds what is no JSON (${cause.message})`);
        throw cause;
      }
    },
    write: (value) => {
      let text: string;
      try {
        text = writeJson(value);
      } catch (cause) {
        if (cause instanceof SyncError) throw new Misfit(`holds JSON, and ${cause.message}`);
        throw cause;
      }
      if (wholeBits !== undefined && /\d{19}/.test(text) && isWider(value, wholeBits)) throw new Misfit(`holds whole numbers of ${wholeBits} bits`);
      if (binary && /(?<!\\)(?:\\\\)*\\u0000/.test(text)) throw new Misfit('holds text without NUL characters');
      // Written anew by the platform, only halves of characters are left as escapes.
      if (surrogate.test(text) && surrogate.test(JSON.stringify(JSON.parse(text)))) throw new Misfit('holds well-formed Unicode');
      return text.includes('\\u') ? text.replace(/\\(?:u([\da-f]{4})|.)/g, unescaped) : text;
    },
  };
}

/** Whether a whole number in it fits neither with a sign nor without one. */
function isWider(value: Value, bits: number): boolean {
  if (typeof value === 'bigint') return BigInt.asIntN(bits, value) !== value && BigInt.asUintN(bits, value) !== value;
  return typeof value === 'object' && value !== null && !(value instanceof Uint8Array) && Object.values(value).some((part) => isWider(part, bits));
}

/** Beyond ASCII, people who look into the table see letters. */
function unescaped(escape: string, code: string | undefined): string {
  return code !== undefined && code > '007f' ? String.fromCharCode(Number.parseInt(code, 16)) : escape;
}
