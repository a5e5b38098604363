import type { Value } from '../../model/document.ts';
import { Unfit } from './codec.ts';
import type { Codec } from './codec.ts';
import { integerOf, smallest, unsignedVarint } from './integers.ts';

/** Integers of any size. */
export const varintCodec: Codec = {
  decode: (raw) => smallest(raw as bigint),
  encode: (value) => varintBytes(integerOf(value)),
  held: (value) => smallest(integerOf(value)),
};

/** Two's complement in as few bytes as it takes. */
function varintBytes(integer: bigint): Buffer {
  let bits = 8n;
  while (BigInt.asIntN(Number(bits), integer) !== integer) bits += 8n;
  const bytes = Buffer.alloc(Number(bits / 8n));
  for (let i = bytes.length - 1, rest = BigInt.asUintN(Number(bits), integer); i >= 0; i--, rest >>= 8n) bytes[i] = Number(rest & 0xffn);
  return bytes;
}

interface Decimal {
  readonly unscaled: bigint;
  readonly scale: number;
}

/** Beyond so many zeros a decimal is written with an exponent. */
const mostZeros = 400;

/** Decimals as text, with every digit of their scale. */
export const decimalCodec: Codec = {
  decode: (raw) => {
    // Of the driver's own, which prints a negative scale wrongly.
    const { _intVal, _scale } = raw as { readonly _intVal: object; readonly _scale: number };
    return decimalText({ unscaled: BigInt(String(_intVal)), scale: _scale });
  },
  encode: (value) => {
    const { unscaled, scale } = decimalOf(value);
    const head = Buffer.allocUnsafe(4);
    head.writeInt32BE(scale);
    return Buffer.concat([head, varintBytes(unscaled)]);
  },
  held: (value) => decimalText(decimalOf(value)),
};

function decimalOf(value: Value): Decimal {
  if (typeof value === 'bigint') return { unscaled: value, scale: 0 };
  const text = typeof value === 'number' ? String(value) : value;
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = typeof text === 'string' ? /^([+-]?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d{1,9}))?$/.exec(text) ?? [] : [];
  if (whole === '') throw new Unfit('is not a decimal such as 12.50');
  const digits = BigInt(whole + fraction);
  return { unscaled: sign === '-' ? -digits : digits, scale: fraction.length - Number(exponent) };
}

function decimalText({ unscaled, scale }: Decimal): string {
  if (scale === 0) return String(unscaled);
  const [sign, digits] = unscaled < 0n ? ['-', String(-unscaled)] : ['', String(unscaled)];
  if (scale < 0 || scale - digits.length > mostZeros) {
    const exponent = digits.length - 1 - scale;
    return `${sign}${digits[0]}${digits.length > 1 ? `.${digits.slice(1)}` : ''}E${exponent < 0 ? '' : '+'}${exponent}`;
  }
  const padded = digits.padStart(scale + 1, '0');
  return `${sign}${padded.slice(0, -scale)}.${padded.slice(-scale)}`;
}

const dayNanos = 86_400_000_000_000n;

/** What a clock shows, to the microsecond. */
export const timeCodec: Codec = {
  decode: (raw) => {
    const nanos = BigInt(String((raw as { getTotalNanoseconds(): object }).getTotalNanoseconds()));
    if (nanos % 1_000n !== 0n) throw new Unfit('is finer than microseconds');
    return timeText(nanos);
  },
  encode: (value) => {
    const bytes = Buffer.allocUnsafe(8);
    bytes.writeBigInt64BE(timeOf(value));
    return bytes;
  },
  held: (value) => timeText(timeOf(value)),
};

function timeOf(value: Value): bigint {
  const [, hours, minutes, seconds, fraction = ''] = typeof value === 'string' ? /^(\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?$/.exec(value) ?? [] : [];
  const nanos = hours === undefined ? -1n : BigInt(Number(hours) * 3_600 + Number(minutes) * 60 + Number(seconds)) * 1_000_000_000n + BigInt(fraction.padEnd(9, '0'));
  if (nanos < 0n || nanos >= dayNanos || Number(minutes) > 59 || Number(seconds) > 59) throw new Unfit('is not a time such as 12:30:00.5');
  return nanos;
}

function timeText(nanos: bigint): string {
  const whole = Number(nanos / 1_000_000_000n);
  const part = (count: number): string => String(count).padStart(2, '0');
  return `${part(Math.floor(whole / 3_600))}:${part(Math.floor(whole / 60) % 60)}:${part(whole % 60)}${fractionText(nanos % 1_000_000_000n)}`;
}

/** Nanoseconds of a second behind a point, without zeros at the end. */
function fractionText(nanos: bigint): string {
  return nanos === 0n ? '' : `.${String(nanos).padStart(9, '0').replace(/0+$/, '')}`;
}

interface Span {
  readonly months: bigint;
  readonly days: bigint;
  readonly nanos: bigint;
}

const bound32 = 1n << 31n;
const bound64 = 1n << 63n;

/** Months, days and nanoseconds apart, as an ISO 8601 duration such as `P1M2DT3.5S`; a negative one begins with a minus. */
export const durationCodec: Codec = {
  decode: (raw) => {
    const { months, days, nanoseconds } = raw as { readonly months: number; readonly days: number; readonly nanoseconds: object };
    return spanText({ months: BigInt(months), days: BigInt(days), nanos: BigInt(String(nanoseconds)) });
  },
  encode: (value) => {
    const { months, days, nanos } = spanOf(value);
    return Buffer.concat([months, days, nanos].map((count) => unsignedVarint(count < 0n ? -2n * count - 1n : 2n * count)));
  },
  held: (value) => spanText(spanOf(value)),
};

function spanOf(value: Value): Span {
  const parts = typeof value === 'string' ? /^(-?)P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(?:\.(\d{1,9}))?S)?)?$/.exec(value) : null;
  if (!parts || /[PT]$/.test(parts[0])) throw new Unfit('is not a duration such as P1M2DT3.5S');
  const count = (i: number): bigint => BigInt(parts[i] ?? 0);
  const factor = parts[1] === '-' ? -1n : 1n;
  const span = {
    months: factor * (12n * count(2) + count(3)),
    days: factor * (7n * count(4) + count(5)),
    nanos: factor * ((3_600n * count(6) + 60n * count(7) + count(8)) * 1_000_000_000n + BigInt((parts[9] ?? '').padEnd(9, '0'))),
  };
  const within = (part: bigint, bound: bigint): boolean => part >= -bound && part < bound;
  if (!within(span.months, bound32) || !within(span.days, bound32) || !within(span.nanos, bound64)) throw new Unfit('is longer than a duration can be');
  return span;
}

function spanText({ months, days, nanos }: Span): string {
  const negative = months < 0n || days < 0n || nanos < 0n;
  const [m, d, n] = [months, days, nanos].map((part) => part < 0n ? -part : part) as [bigint, bigint, bigint];
  const time = n === 0n ? '' : `T${n / 1_000_000_000n}${fractionText(n % 1_000_000_000n)}S`;
  const text = `${m === 0n ? '' : `${m}M`}${d === 0n ? '' : `${d}D`}${time}`;
  return `${negative ? '-' : ''}P${text === '' ? 'T0S' : text}`;
}
