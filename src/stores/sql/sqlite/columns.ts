import type { FieldType } from '../../../model/collection.ts';
import type { Value } from '../../../model/document.ts';
import { dateCodec, instantCodec, localCodec, timeCodec } from '../clock-codecs.ts';
import { decimalCodec, integerCodec, jsonCodec, textCodec, uuidCodec } from '../codecs.ts';
import { Misfit } from '../table.ts';
import type { Codec, Raw } from '../table.ts';

type Affinity = 'INTEGER' | 'TEXT' | 'BLOB' | 'REAL' | 'NUMERIC';

/** What SQLite makes of values, by the name of the declared type (its documentation calls these the rules of affinity). */
function affinityOf(native: string): Affinity {
  if (native.includes('INT')) return 'INTEGER';
  if (/CHAR|CLOB|TEXT/.test(native)) return 'TEXT';
  if (native === '' || native.includes('BLOB')) return 'BLOB';
  return /REAL|FLOA|DOUB/.test(native) ? 'REAL' : 'NUMERIC';
}

/**
 * How the values of a column are read and written. SQLite holds values of any type in any column: what is of another type
 * than declared is read as it is, and what SQLite would turn into another type is refused.
 */
export function codecOf(declared: string, strict: boolean): Codec {
  return { ...ownCodecOf(declared, strict), ...((!strict || declared.trim().toUpperCase() === 'ANY') && { mixed: true }) };
}

function ownCodecOf(declared: string, strict: boolean): Codec {
  const native = declared.trim().toUpperCase();
  const [, kind = '', first, second] = /^(\w+)_TEXT(?:\((\d+)(?:,\s*(\d+))?\))?$/.exec(native) ?? [];
  const digits = first === undefined ? undefined : Number(first);
  const named = textual(kind, digits, second === undefined ? undefined : Number(second));
  if (named) return orText(named);
  if (native.startsWith('BOOL')) return booleans;
  if (native === 'JSON') return json;
  const affinity = strict && native === 'ANY' ? 'BLOB' : affinityOf(native);
  return { type: typeOf(affinity, native), read: readAny, write: (value) => writeAny(value, affinity) };
}

/** Types that are kept as text, as {@link declarationOf} names them. */
function textual(kind: string, digits: number | undefined, scale: number | undefined): Codec | undefined {
  switch (kind) {
    case 'WHOLE': return integerCodec();
    case 'DECIMAL': return decimalCodec(digits, scale, true);
    case 'UUID': return uuidCodec();
    case 'INSTANT': return instantCodec({ digits: digits ?? 6 });
    case 'LOCAL': return localCodec({ digits: digits ?? 6 });
    case 'DATE': return dateCodec();
    case 'TIME': return timeCodec(digits ?? 6);
    case 'DURATION': return { ...textCodec(), type: { kind: 'duration' } };
    case 'JSON': return jsonCodec();
    default: return undefined;
  }
}

/** Reads what somebody else has put there, and what is not of the type, as it is. */
function orText(codec: Codec): Codec {
  return {
    ...codec,
    read: (raw) => {
      if (typeof raw !== 'string') return readAny(raw);
      try {
        return codec.read(raw);
      } catch (cause) {
        if (cause instanceof Misfit) return raw;
        throw cause;
      }
    },
  };
}

/** The declared type of a column for values of a type. */
export function declarationOf(type: FieldType): string {
  switch (type.kind) {
    case 'boolean': return 'BOOLEAN';
    case 'integer': return type.bits === undefined || (type.bits === 64 && type.unsigned) ? 'WHOLE_TEXT' : 'INTEGER';
    case 'float': return 'REAL';
    case 'decimal': return type.digits === undefined ? 'DECIMAL_TEXT' : `DECIMAL_TEXT(${type.digits},${type.scale ?? 0})`;
    case 'bytes': return 'BLOB';
    case 'uuid':
    case 'time-uuid': return 'UUID_TEXT';
    case 'instant': return `INSTANT_TEXT(${digitsOf(type.precision)})`;
    case 'local': return `LOCAL_TEXT(${digitsOf(type.precision)})`;
    case 'time': return `TIME_TEXT(${digitsOf(type.precision)})`;
    case 'date': return 'DATE_TEXT';
    case 'duration': return 'DURATION_TEXT';
    case 'json':
    case 'list':
    case 'set':
    case 'map':
    case 'record': return 'JSON_TEXT';
    case 'text': return 'TEXT';
    // Without a type a column takes every value as it is.
    case 'other': return type.name === 'any' ? '' : 'TEXT';
    default: return type satisfies never;
  }
}

function digitsOf(precision: number): number {
  return Math.max(0, 6 - Math.floor(Math.log10(precision)));
}

function typeOf(affinity: Affinity, native: string): FieldType {
  if (native === '' || (native === 'ANY' && affinity === 'BLOB')) return { kind: 'other', name: 'any' };
  switch (affinity) {
    case 'INTEGER': return { kind: 'integer', bits: 64 };
    case 'TEXT': return { kind: 'text' };
    case 'BLOB': return { kind: 'bytes' };
    case 'REAL': return { kind: 'float', bits: 64 };
    // By custom these hold text, and anything else holds numbers.
    case 'NUMERIC': return /^(?:DATE|TIME|UUID|GUID)/.test(native) ? { kind: 'text' } : { kind: 'float', bits: 64 };
    default: return affinity satisfies never;
  }
}

function readAny(raw: Raw): Value {
  if (typeof raw === 'bigint') return raw >= BigInt(Number.MIN_SAFE_INTEGER) && raw <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(raw) : raw;
  if (typeof raw === 'number') return Number.isFinite(raw) ? raw : String(raw);
  return raw instanceof Uint8Array ? new Uint8Array(raw) : raw;
}

const numeric = /^\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?\s*$/i;
const most = (1n << 63n) - 1n;

function writeAny(value: Value, affinity: Affinity): Raw {
  if (value instanceof Uint8Array) return value;
  if (typeof value === 'string') {
    if (!value.isWellFormed()) throw new Misfit('holds well-formed Unicode');
    if (affinity === 'REAL' && (value === 'Infinity' || value === '-Infinity')) return Number(value);
    if (affinity !== 'TEXT' && affinity !== 'BLOB' && numeric.test(value)) throw new Misfit('holds numbers, and would make one of this text');
    return value;
  }
  if (typeof value !== 'number' && typeof value !== 'bigint') throw new Misfit('holds numbers, text and bytes');
  if (affinity === 'TEXT') throw new Misfit('holds text, and numbers as text alone');
  if (typeof value === 'bigint') {
    if (value > most || value < -most - 1n) throw new Misfit('holds whole numbers of 64 binary digits');
    if (affinity === 'REAL' && BigInt(Number(value)) !== value) throw new Misfit('holds numbers of 53 binary digits');
    return value;
  }
  if (Number.isNaN(value)) throw new Misfit('holds no such thing as what is not a number');
  return Number.isSafeInteger(value) ? BigInt(value) : value;
}

const booleans: Codec = {
  type: { kind: 'boolean' },
  read: (raw) => (raw === 0n || raw === 1n ? raw === 1n : readAny(raw)),
  write: (value) => {
    if (typeof value === 'boolean') return value ? 1n : 0n;
    if (value === 0 || value === 1) throw new Misfit('holds true and false');
    return writeAny(value, 'NUMERIC');
  },
};

const text = jsonCodec();

/** A column that is declared as JSON takes text that looks like a number for one, so that numbers go there as numbers. */
const json: Codec = {
  ...orText(text),
  write: (value) => (typeof value === 'number' || typeof value === 'bigint' ? writeAny(value, 'NUMERIC') : text.write(value)),
};
