/** What a field may hold, in words that every store of records understands. Widths are in bits, precisions in microseconds. */
export type FieldType =
  | { readonly kind: 'boolean' | 'text' | 'bytes' | 'uuid' | 'time-uuid' | 'date' | 'json' | 'duration' }
  | { readonly kind: 'integer'; /** Absent: of any size. */ readonly bits?: 8 | 16 | 32 | 64; readonly unsigned?: true }
  | { readonly kind: 'float'; readonly bits: 32 | 64 }
  | { readonly kind: 'decimal'; /** Digits in all, and behind the point. Absent: of any size. */ readonly digits?: number; readonly scale?: number }
  /** `instant`: a moment, wherever one is. `local`: what a calendar and a clock show, nobody knows where. `time`: what a clock shows. */
  | { readonly kind: 'instant' | 'local' | 'time'; readonly precision: number }
  | { readonly kind: 'list' | 'set'; readonly of: FieldType }
  | { readonly kind: 'map'; readonly keys: FieldType; readonly of: FieldType }
  | { readonly kind: 'record'; readonly fields: readonly Field[] }
  /** Kept by the store in a way that has no counterpart elsewhere; travels as text. */
  | { readonly kind: 'other'; readonly name: string };

/** One field of the records of a collection. */
export interface Field {
  readonly name: string;
  readonly type: FieldType;
  /** Whether a record may be without a value. */
  readonly nullable: boolean;
}

/** A table, an index: records of one kind. */
export interface Collection {
  /** The first part of the keys of its records. */
  readonly name: string;
  /** Empty where the store does not say. */
  readonly fields: readonly Field[];
  /** The fields that make up the key, in the order of its parts. Empty: the key is not among the fields. */
  readonly key: readonly string[];
}
