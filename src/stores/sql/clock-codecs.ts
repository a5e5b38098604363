import type { FieldType } from '../../model/collection.ts';
import type { Value } from '../../model/document.ts';
import { instantOf, instantText } from '../records/instants.ts';
import { Misfit } from './table.ts';
import type { Codec, Raw } from './table.ts';

/** How a database writes dates and times. */
export interface ClockStyle {
  /** The digits behind the point of a second. Default: 6. */
  readonly digits?: number;
  /** What to send for a date and time such as `2015-01-31T10:20:30.5`. Default: just that. */
  send?(text: string): string;
  /** The earliest and the latest that can be held, as such texts. */
  readonly first?: string;
  readonly last?: string;
}

/** The smallest difference that so many digits behind the point tell, in microseconds. */
function precisionOf(digits: number): number {
  return 10 ** (6 - Math.min(digits, 6));
}

const dateAndTime = /^(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)(?:\.(\d+))?(?:\+00(?::?00)?|Z)?$/;

/** Moments. The database is told to speak UTC. */
export function instantCodec({ digits = 6, send = (text) => `${text}Z`, first, last }: ClockStyle = {}): Codec {
  return {
    type: { kind: 'instant', precision: precisionOf(digits) },
    read: (raw) => `${canonical(raw)}Z`,
    write: (value) => {
      if (typeof value !== 'string' || !/[Zz]$|[T ].*[+-]\d\d(?::?\d\d)?$/.test(value)) throw new Misfit('holds dates and times with their zone');
      return send(within(momentOf(value, digits), first, last));
    },
  };
}

/** Dates and times that are not said where. */
export function localCodec({ digits = 6, send = (text) => text, first, last }: ClockStyle = {}): Codec {
  return {
    type: { kind: 'local', precision: precisionOf(digits) },
    read: canonical,
    write: (value) => {
      if (typeof value !== 'string' || !/^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?$/.test(value)) throw new Misfit('holds dates and times without a zone');
      return send(within(momentOf(value, digits), first, last));
    },
  };
}

/** Days. */
export function dateCodec({ first }: Pick<ClockStyle, 'first'> = {}): Codec {
  return {
    type: { kind: 'date' },
    read: (raw) => {
      const text = String(raw);
      if (!/^\d{4}-\d\d-\d\d$/.test(text) || instantOf(text) === undefined) throw new Misfit(`holds ${text}, which is no date from 0000-01-01 to 9999-12-31`);
      return text;
    },
    write: (value) => {
      if (typeof value !== 'string' || !/^\d{4}-\d\d-\d\d$/.test(value) || instantOf(value) === undefined) throw new Misfit('holds dates such as 2015-01-31');
      return within(value, first, undefined);
    },
  };
}

/** Times of day. */
export function timeCodec(digits = 6): Codec {
  return {
    type: { kind: 'time', precision: precisionOf(digits) },
    read: (raw) => withoutZeros(String(raw)),
    write: (value) => {
      const [, fraction = ''] = (typeof value === 'string' && /^(?:(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.(\d+))?|24:00:00)$/.exec(value)) || [undefined, 'none'];
      if (fraction === 'none') throw new Misfit('holds times of day such as 10:20:30.5');
      if (fraction.replace(/0+$/, '').length > digits) throw new Misfit(`holds ${digits} digits behind the point of a second`);
      return withoutZeros(value as string);
    },
  };
}

/** What a column of this type holds for an instant; `undefined` where it is of no such type. */
export function valueOfInstant(micros: number, type: FieldType): Value | undefined {
  switch (type.kind) {
    case 'instant': return instantText(floor(micros, type.precision));
    case 'local': return instantText(floor(micros, type.precision)).slice(0, -1);
    case 'text': return instantText(micros);
    default: return undefined;
  }
}

function floor(micros: number, precision: number): number {
  return Math.floor(micros / precision) * precision;
}

function canonical(raw: Raw): string {
  const text = String(raw);
  const [, date, time, fraction] = dateAndTime.exec(text) ?? [];
  if (date === undefined || date.startsWith('0000') || date.endsWith('-00') || date.includes('-00-')) throw new Misfit(`holds ${text}, which is no date and time of the years 0001 to 9999`);
  return withoutZeros(fraction === undefined ? `${date}T${time}` : `${date}T${time}.${fraction}`);
}

function withoutZeros(text: string): string {
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
}

const ordinary = /^(?!0000)\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.(\d*[1-9]))?Z?$/;

/** The same moment in UTC and without its zone. */
function momentOf(text: string, digits: number): string {
  // Most are written as they are to be already.
  const found = ordinary.exec(text);
  if (found && (found[1]?.length ?? 0) <= digits) return text.endsWith('Z') ? text.slice(0, -1) : text;
  // Beyond the safe integers, microseconds would be rounded, so that the fraction stays text.
  const fraction = /[.,](\d+)/.exec(text)?.[1]?.replace(/0+$/, '') ?? '';
  const micros = instantOf(text.replace(/[.,]\d+/, ''));
  if (micros === undefined) throw new Misfit('holds dates and times that there are');
  if (fraction.length > digits) throw new Misfit(`holds ${digits} digits behind the point of a second`);
  const written = instantText(micros).slice(0, -1);
  if (!/^\d{4}-/.test(written)) throw new Misfit('holds times of the years 0001 to 9999');
  return fraction === '' ? written : `${written}.${fraction}`;
}

function within(text: string, first = '0001', last = '9999-99'): string {
  if (text < first || text > last) throw new Misfit(`holds nothing before ${first} or after ${last}`);
  return text;
}
