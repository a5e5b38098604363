import { Buffer } from 'node:buffer';
import type { Value } from '../model/document.ts';

/**
 * What a bare scalar means in YAML 1.1 as PyYAML reads it, with two exceptions: an instant stays the text it is written
 * as, and integers keep all their digits. Throws a `RangeError` for an integer longer than anybody means.
 */
export function resolvePlain(text: string): Value {
  const first = text.charCodeAt(0);
  if (first < 0x3a) return first === 0x2b || first === 0x2d || first === 0x2e || first > 0x2f ? (numberOf(text) ?? text) : text;
  return text.length > 5 ? text : wordOf(text);
}

/** What a scalar with an explicit tag means; `undefined` where the tag is unknown or the text does not fit it. */
export function resolveTagged(tag: string, text: string): Value | undefined {
  switch (tag) {
    case '!':
    case `${core}str`:
    case `${core}timestamp`:
      return text;
    case `${core}null`:
      return wordOf(text) === null ? null : undefined;
    case `${core}bool`:
      return onlyIf(wordOf(text), 'boolean');
    case `${core}int`:
      return integerOf(text);
    case `${core}float`:
      return floatOf(text) ?? plainDecimal(text);
    case `${core}binary`:
      return bytesOf(text);
    default:
      return undefined;
  }
}

/** The prefix of the tags that YAML itself defines. */
export const core = 'tag:yaml.org,2002:';

function wordOf(text: string): Value {
  switch (text) {
    case '':
    case '~':
    case 'null':
    case 'Null':
    case 'NULL':
      return null;
    case 'true':
    case 'True':
    case 'TRUE':
    case 'yes':
    case 'Yes':
    case 'YES':
    case 'on':
    case 'On':
    case 'ON':
      return true;
    case 'false':
    case 'False':
    case 'FALSE':
    case 'no':
    case 'No':
    case 'NO':
    case 'off':
    case 'Off':
    case 'OFF':
      return false;
    default:
      return text;
  }
}

const decimal = /^[-+]?(?:0|[1-9]\d*)$/;
const integer = /^[-+]?(?:0b[01_]+|0[0-7_]+|0|[1-9][\d_]*|0x[\da-fA-F_]+|[1-9][\d_]*(?::[0-5]?\d)+)$/;
const float = /^(?:[-+]?\d[\d_]*\.[\d_]*(?:[eE][-+]\d+)?|\.\d[\d_]*(?:[eE][-+]\d+)?|[-+]?\d[\d_]*(?::[0-5]?\d)+\.[\d_]*|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$/;

function numberOf(text: string): Value | undefined {
  if (text.length < 16 && decimal.test(text)) return Number(text) || 0;
  return integerOf(text) ?? floatOf(text);
}

function integerOf(text: string): Value | undefined {
  if (!integer.test(text)) return undefined;
  const negative = text.startsWith('-');
  const digits = text.replace(/^[-+]|_/g, '');
  // Each part of a number in base 60 is one more multiplication of the whole.
  if (digits.length > (digits.includes(':') ? 1_000 : 100_000)) throw new RangeError(`an integer of ${digits.length} digits`);
  let value: bigint;
  if (digits.includes(':')) value = digits.split(':').reduce((sum, part) => sum * 60n + BigInt(part), 0n);
  else if (/^0[bx]/.test(digits)) {
    if (digits.length === 2) return undefined;
    value = BigInt(digits);
  } else value = digits.length > 1 && digits.startsWith('0') ? BigInt(`0o${digits}`) : BigInt(digits);
  if (negative) value = -value;
  return value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value;
}

function floatOf(text: string): number | undefined {
  if (!float.test(text)) return undefined;
  const sign = text.startsWith('-') ? -1 : 1;
  const digits = text.replace(/^[-+]|_/g, '').toLowerCase();
  if (digits === '.inf') return sign * Number.POSITIVE_INFINITY;
  if (digits === '.nan') return Number.NaN;
  return sign * digits.split(':').reduce((sum, part) => sum * 60 + Number(part), 0);
}

function plainDecimal(text: string): number | undefined {
  return /^[-+]?\d+(?:[eE][-+]?\d+)?$/.test(text) ? Number(text) : undefined;
}

function bytesOf(text: string): Uint8Array | undefined {
  const digits = text.replace(/\s+/g, '');
  if (digits.length % 4 !== 0 || !/^[A-Za-z\d+/]*={0,2}$/.test(digits)) return undefined;
  return new Uint8Array(Buffer.from(digits, 'base64'));
}

function onlyIf(value: Value, type: 'boolean'): Value | undefined {
  return typeof value === type ? value : undefined;
}
