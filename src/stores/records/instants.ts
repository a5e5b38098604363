import type { Value } from '../../model/document.ts';
import type { Micros } from '../../model/entry.ts';

/** How a number counts as a time. */
export type TimeUnit = 'seconds' | 'milliseconds' | 'microseconds';

/** How many microseconds there are in one of each. */
export const unitMicros: { readonly [unit in TimeUnit]: number } = { seconds: 1e6, milliseconds: 1e3, microseconds: 1 };

/** An instant as records carry it: RFC 3339 in UTC, with as many digits as it takes, as in `2015-01-31T10:20:30.5Z`. */
export function instantText(micros: Micros): string {
  const seconds = Math.floor(micros / 1e6);
  const fraction = String(micros - seconds * 1e6).padStart(6, '0').replace(/0+$/, '');
  return `${new Date(seconds * 1000).toISOString().slice(0, -5)}${fraction === '' ? '' : `.${fraction}`}Z`;
}

const instantPattern = /^([+-]\d{6}|\d{4})-(\d\d)-(\d\d)(?:[Tt ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?)?\s?([Zz]|[+-]\d\d(?::?\d\d)?)?$/;

/**
 * The instant that a text names: RFC 3339, or ISO 8601 with parts left out; without a zone, UTC. What is finer than
 * microseconds is cut off. `undefined` where it names none, as `2015-02-30` does.
 */
export function instantOf(text: string): Micros | undefined {
  return usualInstantOf(text) ?? anyInstantOf(text);
}

const daysOfMonth = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** The same for what nearly all instants look like, as in `2015-01-31T10:20:30.5Z`, at a fraction of the price; `undefined` where it does not. */
function usualInstantOf(text: string): Micros | undefined {
  const end = text.length - 1;
  if (end < 19 || end > 26 || end === 20 || text.charCodeAt(4) !== 0x2d || text.charCodeAt(7) !== 0x2d || text.charCodeAt(10) !== 0x54 || text.charCodeAt(13) !== 0x3a || text.charCodeAt(16) !== 0x3a || text.charCodeAt(end) !== 0x5a) return undefined;
  if (end > 19 && text.charCodeAt(19) !== 0x2e) return undefined;
  const [year, month, day, hour, minute, second] = [digits(text, 0, 4), digits(text, 5, 7), digits(text, 8, 10), digits(text, 11, 13), digits(text, 14, 16), digits(text, 17, 19)];
  // The first century of two is not what the platform takes it for.
  if (!(year >= 100 && month >= 1 && month <= 12 && day >= 1 && day <= daysOfMonth[month - 1]! && hour <= 23 && minute <= 59 && second <= 59)) return undefined;
  if (month === 2 && day === 29 && (year % 4 !== 0 || (year % 100 === 0 && year % 400 !== 0))) return undefined;
  const fraction = end === 19 ? 0 : digits(text, 20, end) * 10 ** (26 - end);
  return Number.isNaN(fraction) ? undefined : Date.UTC(year, month - 1, day, hour, minute, second) * 1000 + fraction;
}

/** The number that some digits stand for; NaN where one is none. */
function digits(text: string, from: number, to: number): number {
  let number = 0;
  for (let i = from; i < to; i++) {
    const digit = text.charCodeAt(i) - 0x30;
    if (digit < 0 || digit > 9) return NaN;
    number = number * 10 + digit;
  }
  return number;
}

function anyInstantOf(text: string): Micros | undefined {
  const [, year, month, day, hour = '00', minute = '00', second = '00', fraction = '', zone = 'Z'] = instantPattern.exec(text) ?? [];
  if (year === undefined) return undefined;
  const date = `${year}-${month}-${day}`;
  const ms = Date.parse(`${date}T${hour}:${minute}:${second}Z`);
  // The platform takes the 30th of February for the 2nd of March.
  if (Number.isNaN(ms) || (hour !== '24' && !new Date(ms).toISOString().startsWith(date))) return undefined;
  const [, sign, hours = '0', minutes = '0'] = /^([+-])(\d\d):?(\d\d)?$/.exec(zone) ?? [];
  if (Number(hours) > 23 || Number(minutes) > 59) return undefined;
  const offset = (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * 60e6;
  return ms * 1000 + Number(fraction.slice(0, 6).padEnd(6, '0')) - (sign === undefined ? 0 : offset);
}

const timeUuid = /^([0-9a-f]{8})-([0-9a-f]{4})-1([0-9a-f]{3})-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/i;
/** 100 ns between the beginning of the Gregorian calendar and that of Unix time. */
const gregorian = 0x01b21dd213814000n;

/** The instant in a UUID of version 1 (RFC 9562, 5.1); `undefined` where it is none. */
export function instantOfUuid(uuid: string): Micros | undefined {
  const [, low, middle, high] = timeUuid.exec(uuid) ?? [];
  return low === undefined ? undefined : Math.floor(Number((BigInt(`0x${high}${middle}${low}`) - gregorian) / 10n));
}

/** Why the value of a field stands for no instant, as half a sentence with what to do about it; `undefined` where there is no value. */
export function whyNoInstant(value: Value | undefined, field: string, unit: TimeUnit | undefined): { readonly why: string; readonly hint: string } | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'number' && typeof value !== 'bigint') return { why: `has no date and time in its field ${field}`, hint: 'write one such as 2015-01-31T10:20:30Z' };
  if (unit === undefined) return { why: `has a number in its field ${field}, and nobody said what it counts`, hint: 'say so with --modified-unit' };
  const finer = unit === 'seconds' ? 'milliseconds' : 'microseconds';
  return { why: `has ${value} in its field ${field}, which counted in ${unit} is ${Number(value) > 0 ? 'after the year 2255' : 'before any date'}`, hint: unit === 'microseconds' ? 'correct it' : `see whether it counts ${finer} (--modified-unit ${finer})` };
}

/**
 * The instant that the value of a field stands for: a number by its unit, text as a UUID of version 1 or as a date and
 * time. `undefined` where it stands for none.
 */
export function modifiedOf(value: Value | undefined, unit: TimeUnit | undefined): Micros | undefined {
  if (typeof value === 'string') return instantOfUuid(value) ?? instantOf(value);
  if ((typeof value !== 'number' && typeof value !== 'bigint') || unit === undefined) return undefined;
  const micros = unit === 'microseconds' ? Number(value) : Math.round(Number(value) * unitMicros[unit]);
  return Number.isSafeInteger(micros) ? micros : undefined;
}
