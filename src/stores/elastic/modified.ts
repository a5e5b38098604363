import { isDocument } from '../../model/document.ts';
import type { Document, Value } from '../../model/document.ts';
import type { Entry, Micros } from '../../model/entry.ts';
import type { Window } from '../../model/store.ts';
import { instantOfUuid, instantText, modifiedOf, whyNoInstant } from '../records/instants.ts';
import type { TimeUnit } from '../records/instants.ts';
import { propertyAt } from './mapping.ts';
import { takesAnyTime } from './time-field.ts';

const unitMicros: { readonly [unit in TimeUnit]: number } = { seconds: 1e6, milliseconds: 1e3, microseconds: 1 };

/** The field that says when a record was modified, as one index has it. */
export class ModifiedField {
  readonly #field: string;
  readonly #type: string | undefined;
  readonly #unit: TimeUnit | undefined;
  readonly #takesUuids: boolean;

  /** `unit`: what a number counts; without one, what the mapping of a date says. */
  constructor(field: string, unit: TimeUnit | undefined, mapping: Document) {
    const property = propertyAt(mapping, field);
    const type = property?.['type'];
    this.#field = field;
    this.#type = typeof type === 'string' ? type : undefined;
    this.#takesUuids = !this.#isDate || takesAnyTime(property!);
    this.#unit = unit ?? (this.#isDate ? unitOfFormat(property?.['format']) : undefined);
  }

  /** When a document was modified; `undefined` where it does not say. */
  of(document: Document): Micros | undefined {
    return modifiedOf(valueAt(document, this.#field), this.#unit);
  }

  /** Why a document does not say when it was modified, although there is something in the field. */
  untimed(document: Document): Entry['untimed'] {
    return whyNoInstant(valueAt(document, this.#field), this.#field, this.#unit);
  }

  /** The document, with the time in the field where it has none, and as a date where the index takes no UUIDs. */
  filled(document: Document, time: Micros | undefined): Document {
    if (this.#field.includes('.')) return document;
    const given = valueAt(document, this.#field);
    const inUuid = !this.#takesUuids && typeof given === 'string' ? instantOfUuid(given) : undefined;
    if (inUuid !== undefined) return { ...document, [this.#field]: instantText(inUuid) };
    if (time === undefined || given !== undefined) return document;
    const counted = this.#unit !== undefined && !this.#isDate;
    return { ...document, [this.#field]: counted ? Math.floor(time / unitMicros[this.#unit!]) : instantText(time) };
  }

  /**
   * A query that finds all that was modified within the window, and perhaps more: what has no time, too. `undefined` where the
   * index cannot tell, because the times are text there.
   */
  query({ after, until }: Window): Document | undefined {
    const micros = this.#isDate ? 1e3 : this.#isNumber && this.#unit !== undefined ? unitMicros[this.#unit] : undefined;
    if (micros === undefined) return undefined;
    // An index of dates knows milliseconds.
    const range = {
      ...(after !== undefined && { gte: Math.floor(after / micros) }),
      ...(until !== undefined && { lte: Math.ceil(until / micros) }),
      ...(this.#isDate && { format: 'epoch_millis' }),
    };
    return { bool: { should: [{ range: { [this.#field]: range } }, { bool: { must_not: [{ exists: { field: this.#field } }] } }], minimum_should_match: 1 } };
  }

  get #isDate(): boolean {
    return this.#type === 'date' || this.#type === 'date_nanos';
  }

  get #isNumber(): boolean {
    return this.#type !== undefined && ['long', 'unsigned_long', 'integer', 'double', 'float'].includes(this.#type);
  }
}

/** How exactly times are kept where a number counts units. */
export function precisionOf(unit: TimeUnit | undefined): Micros {
  return unit === undefined ? 1 : unitMicros[unit];
}

function unitOfFormat(format: Value | undefined): TimeUnit | undefined {
  if (typeof format !== 'string' || format.includes('epoch_millis')) return 'milliseconds';
  return format.includes('epoch_second') ? 'seconds' : undefined;
}

/** The value of a field, which may be one within another, written with dots. */
function valueAt(document: Document, path: string): Value | undefined {
  if (Object.hasOwn(document, path)) return document[path];
  const dot = path.indexOf('.');
  if (dot < 0) return undefined;
  const inner = Object.hasOwn(document, path.slice(0, dot)) ? document[path.slice(0, dot)] : undefined;
  return isDocument(inner) ? valueAt(inner, path.slice(dot + 1)) : undefined;
}
