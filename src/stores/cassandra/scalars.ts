import { isIPv4, isIPv6 } from 'node:net';
import type { Value } from '../../model/document.ts';
import { instantOf, instantOfUuid } from '../records/instants.ts';
import { Unfit } from './codec.ts';
import type { Codec } from './codec.ts';
import { instantTexts } from './instant-texts.ts';
import { integerOf, smallest } from './integers.ts';
import { decimalCodec, durationCodec, timeCodec, varintCodec } from './wide-scalars.ts';

/** How the values of a native type travel. */
export function scalarCodec(name: string, coarse: boolean): Codec {
  switch (name) {
    case 'text': return textCodec;
    case 'ascii': return asciiCodec;
    case 'blob': return blobCodec;
    case 'boolean': return booleanCodec;
    case 'tinyint': return integerCodec(8);
    case 'smallint': return integerCodec(16);
    case 'int': return integerCodec(32);
    case 'bigint':
    case 'counter': return integerCodec(64);
    case 'varint': return varintCodec;
    case 'decimal': return decimalCodec;
    case 'float': return floatCodec;
    case 'double': return doubleCodec;
    case 'uuid': return uuidCodec(/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i, 'a UUID');
    case 'timeuuid': return uuidCodec(/^[0-9a-f]{8}-[0-9a-f]{4}-1[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/i, 'a UUID of version 1');
    case 'timestamp': return timestampCodec(coarse);
    case 'date': return dateCodec;
    case 'time': return timeCodec;
    case 'duration': return durationCodec;
    case 'inet': return inetCodec;
    default: return blobCodec;
  }
}

const same = (value: Value): Value => value;

const textCodec: Codec = {
  decode: (raw) => raw as string,
  encode: (value) => Buffer.from(textOf(value)),
  held: same,
};

const asciiCodec: Codec = {
  decode: (raw) => raw as string,
  encode: (value) => {
    const text = textOf(value);
    // oxlint-disable-next-line no-control-regex
    if (!/^[\0-\x7f]*$/.test(text)) throw new Unfit('has letters beyond ASCII');
    return Buffer.from(text, 'latin1');
  },
  held: same,
};

const blobCodec: Codec = {
  decode: (raw) => {
    const bytes = raw as Buffer;
    return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
  },
  encode: (value) => {
    if (!(value instanceof Uint8Array)) throw new Unfit('is not bytes');
    return Buffer.from(value.buffer, value.byteOffset, value.length);
  },
  held: same,
};

const booleanCodec: Codec = {
  decode: (raw) => raw as boolean,
  encode: (value) => {
    if (typeof value !== 'boolean') throw new Unfit('is not true or false');
    return Buffer.of(value ? 1 : 0);
  },
  held: same,
};

function integerCodec(bits: 8 | 16 | 32 | 64): Codec {
  const bound = 1n << BigInt(bits - 1);
  return {
    decode: (raw) => typeof raw === 'bigint' ? smallest(raw) : raw as number,
    encode: (value) => {
      const integer = integerOf(value);
      if (integer < -bound || integer >= bound) throw new Unfit(`is not between ${-bound} and ${bound - 1n}`);
      const bytes = Buffer.allocUnsafe(8);
      bytes.writeBigInt64BE(integer);
      return bytes.subarray(8 - bits / 8);
    },
    held: (value) => smallest(integerOf(value)),
  };
}

const notFinite: { readonly [text: string]: number } = { NaN, Infinity, '-Infinity': -Infinity };

function doubleOf(value: Value): number {
  if (typeof value === 'string' && Object.hasOwn(notFinite, value)) return notFinite[value]!;
  if (typeof value === 'bigint' && BigInt(Number(value)) === value) return Number(value);
  if (typeof value !== 'number') throw new Unfit('is not a number');
  return value;
}

function finiteOr(value: number): Value {
  return Number.isFinite(value) ? value : String(value);
}

const doubleCodec: Codec = {
  decode: (raw) => finiteOr(raw as number),
  encode: (value) => {
    const bytes = Buffer.allocUnsafe(8);
    bytes.writeDoubleBE(doubleOf(value));
    return bytes;
  },
  held: (value) => finiteOr(doubleOf(value)),
};

const floatCodec: Codec = {
  decode: (raw) => shortest(raw as number),
  encode: (value) => {
    const number = doubleOf(value);
    const single = Math.fround(number);
    if (!Object.is(single, number) && shortest(single) !== number) throw new Unfit(`has more digits than a float, or is too large for one`);
    const bytes = Buffer.allocUnsafe(4);
    bytes.writeFloatBE(single);
    return bytes;
  },
  held: (value) => shortest(Math.fround(doubleOf(value))),
};

/** A number of 32 bits by the fewest digits that tell it from its neighbours: 0.1, and not 0.10000000149011612. */
function shortest(single: number): Value {
  if (!Number.isFinite(single)) return String(single);
  if (Number.isSafeInteger(single)) return single;
  for (let digits = 1; digits < 9; digits++) {
    const number = Number(single.toPrecision(digits));
    if (Math.fround(number) === single) return number;
  }
  return Number(single.toPrecision(9));
}

function uuidCodec(pattern: RegExp, what: string): Codec {
  return {
    decode: (raw) => String(raw),
    encode: (value) => {
      if (typeof value !== 'string' || !pattern.test(value)) throw new Unfit(`is not ${what}`);
      return Buffer.from(value.replaceAll('-', ''), 'hex');
    },
    held: (value) => (value as string).toLowerCase(),
  };
}

function timestampCodec(coarse: boolean): Codec {
  const textOfMillis = instantTexts();
  const millisOf = (value: Value): number => {
    const micros = typeof value === 'string' ? instantOf(value) ?? (coarse ? instantOfUuid(value) : undefined) : undefined;
    if (micros === undefined) throw new Unfit('is not a date and time');
    if (coarse) return Math.floor(micros / 1_000);
    if (/[.,]\d{3}\d*[1-9]/.test(value as string)) throw new Unfit('is finer than the milliseconds of a timestamp');
    // Far from now microseconds are no longer exact: within the years of four digits they are by less than half a
    // millisecond, and beyond them the platform is asked.
    const millis = /^[+-]/.test(value as string) ? Date.parse(value as string) : Math.round(micros / 1_000);
    if (Number.isNaN(millis)) throw new Unfit('is not a date and time');
    return millis;
  };
  return {
    decode: (raw) => textOfMillis((raw as Date).getTime()),
    encode: (value) => {
      const bytes = Buffer.allocUnsafe(8);
      bytes.writeBigInt64BE(BigInt(millisOf(value)));
      return bytes;
    },
    held: (value) => textOfMillis(millisOf(value)),
  };
}

const dayMs = 86_400_000;

const dateCodec: Codec = {
  decode: (raw) => {
    const ms = (raw as { readonly date: Date }).date.getTime();
    if (Number.isNaN(ms)) throw new Unfit('is a date beyond the year 275760');
    return dateText(ms);
  },
  encode: (value) => {
    const bytes = Buffer.allocUnsafe(4);
    bytes.writeUInt32BE(daysOf(value) + 2 ** 31);
    return bytes;
  },
  held: (value) => dateText(daysOf(value) * dayMs),
};

function dateText(ms: number): string {
  const text = new Date(ms).toISOString();
  return text.slice(0, text.indexOf('T'));
}

function daysOf(value: Value): number {
  const ms = typeof value === 'string' && /^(?:[+-]\d{6}|\d{4})-\d\d-\d\d$/.test(value) ? Date.parse(`${value}T00:00:00Z`) : NaN;
  if (Number.isNaN(ms) || dateText(ms) !== value) throw new Unfit('is not a date such as 2015-01-31');
  return ms / dayMs;
}

const inetCodec: Codec = {
  decode: (raw) => inetText((raw as { readonly buffer: Buffer }).buffer),
  encode: (value) => inetBytes(value),
  held: (value) => inetText(inetBytes(value)),
};

function inetBytes(value: Value): Buffer {
  if (typeof value === 'string' && isIPv4(value)) return Buffer.from(value.split('.').map(Number));
  if (typeof value !== 'string' || !isIPv6(value) || value.includes('%')) throw new Unfit('is not an internet address');
  const plain = value.replace(/[\d.]+$/, (tail) => tail.includes('.') ? tail.split('.').map(Number).reduce((hex, part, i) => `${hex}${i === 2 ? ':' : ''}${part.toString(16).padStart(2, '0')}`, '') : tail);
  const [head = '', tail] = plain.split('::');
  const groups = (text: string): readonly string[] => text === '' ? [] : text.split(':');
  const [left, right] = [groups(head), groups(tail ?? '')];
  const middle = tail === undefined ? [] : Array.from({ length: 8 - left.length - right.length }, () => '0');
  return Buffer.from([...left, ...middle, ...right].map((group) => group.padStart(4, '0')).join(''), 'hex');
}

/** The one text of an address (RFC 5952): the first of the longest runs of zeros is left out. */
function inetText(bytes: Buffer): string {
  if (bytes.length === 4) return [...bytes].join('.');
  const groups = Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(2 * i).toString(16));
  const runs = [...groups.join(':').matchAll(/(?:^|(?<=:))0(?::0)+(?=:|$)/g)].map(([run]) => run);
  const longest = runs.reduce((a, b) => b.length > a.length ? b : a, '');
  const text = groups.join(':');
  if (longest === '') return text;
  const at = text.search(new RegExp(`(?:^|(?<=:))${longest}(?=:|$)`));
  return `${text.slice(0, at).replace(/:$/, '')}::${text.slice(at + longest.length).replace(/^:/, '')}`;
}

function textOf(value: Value): string {
  if (typeof value !== 'string') throw new Unfit('is not text');
  if (!value.isWellFormed()) throw new Unfit('is not well-formed Unicode');
  return value;
}
