import type { Value } from '../../../model/document.ts';
import { isDocument } from '../../../model/document.ts';
import { dateCodec, instantCodec, localCodec, timeCodec } from '../clock-codecs.ts';
import { booleanCodec, bytesCodec, decimalCodec, floatCodec, integerCodec, jsonCodec, roundCodec, textCodec, uuidCodec } from '../codecs.ts';
import { Misfit } from '../table.ts';
import type { Codec } from '../table.ts';
import { nestedText, recordText, splitNested, splitRecord } from './nested.ts';
import type { Nested } from './nested.ts';

/** A type as the catalogue has it. */
export interface TypeRow {
  readonly oid: string;
  readonly name: string;
  readonly builtin: boolean;
  /** `b`: base. `d`: domain. `e`: enumeration. `c`: composite. */
  readonly kind: string;
  /** Of a domain: what it is made of. */
  readonly base: string;
  readonly baseModifier: number;
  /** Of an array: the type of its items, else `0`. */
  readonly items: string;
  readonly labels: readonly string[];
  readonly attributes: readonly { readonly name: string; readonly type: string; readonly modifier: number }[];
}

/** How the values of a type are read and written. */
export function codecOf(oid: string, modifier: number, types: ReadonlyMap<string, TypeRow>): Codec {
  const type = types.get(oid);
  if (!type) return other('unknown');
  if (type.kind === 'd') return codecOf(type.base, type.baseModifier, types);
  if (type.kind === 'e') return textCodec({ among: type.labels });
  if (type.kind === 'c') return recordCodec(type.attributes.map(({ name, type: of, modifier: its }) => ({ name, codec: codecOf(of, its, types) })));
  if (type.items !== '0' && type.name.startsWith('_')) return listCodec(codecOf(type.items, modifier, types));
  return (type.builtin ? builtin(type.name, modifier) : undefined) ?? other(type.name);
}

function builtin(name: string, modifier: number): Codec | undefined {
  const size = modifier < 4 ? undefined : modifier - 4;
  const digits = modifier < 0 ? 6 : modifier;
  switch (name) {
    case 'bool': return booleanCodec('t', 'f');
    case 'int2': return integerCodec(16);
    case 'int4': return integerCodec(32);
    case 'int8': return integerCodec(64);
    case 'oid': return integerCodec(32, true);
    case 'float4': return floatCodec(32, true);
    case 'float8': return floatCodec(64, true);
    // Made by us for whole numbers of any size.
    case 'numeric': return size === 1_000 << 16 ? integerCodec() : size === undefined ? decimalCodec(undefined, undefined, true) : scaledCodec(size >> 16, ((size & 0x7ff) ^ 0x400) - 0x400);
    case 'text': return textCodec({ withoutNul: true });
    case 'varchar': return textCodec({ withoutNul: true, ...(size !== undefined && { most: size }) });
    case 'bpchar': return textCodec({ withoutNul: true, trimmed: true, ...(size !== undefined && { most: size }) });
    case 'uuid': return uuidCodec();
    case 'timestamptz': return instantCodec({ digits });
    case 'timestamp': return localCodec({ digits });
    case 'date': return dateCodec({ first: '0001' });
    case 'time': return timeCodec(digits);
    case 'interval': return durations;
    case 'bytea': return bytesCodec('\\x');
    case 'json': return jsonCodec();
    case 'jsonb': return jsonCodec({ binary: true });
    default: return undefined;
  }
}

function scaledCodec(digits: number, scale: number): Codec {
  return scale < 0 ? roundCodec(digits, -scale) : decimalCodec(digits, scale, true);
}

/** Durations of ISO 8601. */
const durations: Codec = {
  type: { kind: 'duration' },
  loose: true,
  read: String,
  write: (value) => {
    if (typeof value !== 'string' || !/^P(?=.)(?:-?\d+Y)?(?:-?\d+M)?(?:-?\d+W)?(?:-?\d+D)?(?:T(?=.)(?:-?\d+H)?(?:-?\d+M)?(?:-?\d+(?:\.\d{1,6})?S)?)?$/.test(value)) throw new Misfit('holds durations such as P1DT2H, down to microseconds');
    return value;
  },
};

/** What has no counterpart travels as the database writes it. */
function other(name: string): Codec {
  return { ...textCodec({ withoutNul: true, other: name }), loose: true };
}

function listCodec(item: Codec): Codec {
  const read = (part: Nested): Value => {
    if (part === null) return null;
    return typeof part === 'string' ? item.read(part) : part.map(read);
  };
  const write = (value: Value): Nested => {
    if (value === null) return item.holdsNull ? item.write(null) as string : null;
    return Array.isArray(value) ? (value as readonly Value[]).map(write) : item.write(value) as string;
  };
  return {
    type: { kind: 'list', of: item.type },
    ...(item.loose && { loose: true }),
    read: (raw) => {
      const text = String(raw);
      if (!text.startsWith('{')) throw new Misfit('holds a list that does not begin at 1');
      return read(splitNested(text));
    },
    write: (value) => {
      if (!Array.isArray(value)) throw new Misfit('holds lists');
      const parts = write(value) as readonly Nested[];
      // Only boxes can be kept: the lists within a list are of one length. An empty one within another is none.
      if (!isBox(parts)) throw new Misfit('holds lists of lists that are all of one length, and not empty');
      return nestedText(parts);
    },
  };
}

function isBox(parts: readonly Nested[]): boolean {
  const shapes = new Set(parts.map((part) => (Array.isArray(part) ? shapeOf(part) : '')));
  return shapes.size <= 1 && !parts.some((part) => Array.isArray(part) && (part.length === 0 || !isBox(part as readonly Nested[])));
}

function shapeOf(part: Nested): string {
  return Array.isArray(part) ? `${part.length},${shapeOf((part as readonly Nested[])[0] ?? null)}` : '';
}

function recordCodec(fields: readonly { readonly name: string; readonly codec: Codec }[]): Codec {
  return {
    type: { kind: 'record', fields: fields.map(({ name, codec: { type } }) => ({ name, type, nullable: true })) },
    ...(fields.some(({ codec }) => codec.loose) && { loose: true }),
    read: (raw) => {
      const parts = splitRecord(String(raw));
      return Object.fromEntries(fields.flatMap(({ name, codec }, i): (readonly [string, Value])[] => {
        const part = parts[i];
        return part === null || part === undefined ? [] : [[name, codec.read(part)]];
      }));
    },
    write: (value) => {
      if (!isDocument(value)) throw new Misfit('holds documents');
      const extra = Object.keys(value).find((name) => !fields.some((field) => field.name === name));
      if (extra !== undefined) throw new Misfit(`has no field ${JSON.stringify(extra)}`);
      return recordText(fields.map(({ name, codec }) => {
        const part = Object.hasOwn(value, name) ? value[name] : undefined;
        return part === undefined || (part === null && !codec.holdsNull) ? null : String(codec.write(part));
      }));
    },
  };
}
