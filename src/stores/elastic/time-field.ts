import type { Document, Value } from '../../model/document.ts';
import type { TimeUnit } from '../records/instants.ts';

/** The field that is to say when a record was modified, and what a number in it counts. */
export interface TimeField {
  /** Within others it is written with dots. */
  readonly field: string;
  readonly unit: TimeUnit | undefined;
}

/** Dates and times as nearly everybody writes them, and as databases print them: with a space, and any number of digits of a second. */
const written = `strict_date_optional_time_nanos||yyyy-MM-dd HH:mm:ss${Array.from({ length: 9 }, (_, i) => `[.${'S'.repeat(9 - i)}]`).join('')}[xxx][X]`;

/**
 * How an index finds a time that nobody described: as a date, or as the number that counts its unit. It takes every value and keeps it to the
 * letter. What it cannot read as a time has none there, and is found by every range.
 */
function timeProperty(unit: TimeUnit | undefined): Document {
  return unit === undefined ? { type: 'date', format: written, ignore_malformed: true } : { type: 'long', ignore_malformed: true };
}

/** Whether a property was made for times that nobody described, and so takes them however they are written. */
export function takesAnyTime({ format }: Document): boolean {
  return format === written;
}

/** The properties of a mapping that has nothing but a time; none where no field of an index can be called so. */
export function timeProperties({ field, unit }: TimeField): { readonly [name: string]: Value } {
  const names = field.split('.');
  if (names.some((name) => name.trim() === '')) return {};
  const [inner, ...outer] = names.toReversed();
  return outer.reduce<Document>((properties, name) => ({ [name]: { properties } }), { [inner!]: timeProperty(unit) });
}
