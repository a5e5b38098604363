import { canonicalJson } from '../../lib/canonical-json.ts';
import { readJson, writeJson } from '../../formats/json.ts';
import { isDocument } from '../../model/document.ts';
import type { Document, Value } from '../../model/document.ts';
import { SyncError } from '../../model/errors.ts';
import { compareKeys } from '../../model/key.ts';
import { Unfit } from './codec.ts';
import type { Codec } from './codec.ts';
import type { CqlType } from './cql-type.ts';
import { unsignedVarint } from './integers.ts';
import { scalarCodec } from './scalars.ts';

/** How values of a type travel. `coarse`: instants that are too fine are cut off, and not refused. */
export function codecOf(type: CqlType, { coarse = false }: { readonly coarse?: boolean } = {}): Codec {
  switch (type.kind) {
    case 'native': return scalarCodec(type.name, coarse);
    case 'custom': return scalarCodec('blob', false);
    case 'list': return listCodec(codecOf(type.of), type.frozen, (items) => items);
    case 'set': return listCodec(codecOf(type.of), type.frozen, sortedItems);
    case 'map': return mapCodec(type);
    case 'tuple': return tupleCodec(type.of.map((of) => codecOf(of)));
    case 'vector': return vectorCodec(type);
    case 'user': return userCodec(type.fields.map(({ name, type: of }) => [name, codecOf(of)]));
    default: return type satisfies never;
  }
}

/** Any value, as JSON in a column of text. A null is kept, as the text `null`. */
export const jsonCodec: Codec = {
  decode: (raw) => {
    try {
      return readJson(raw as string, 'the column');
    } catch (cause) {
      throw new Unfit(`holds text that is no JSON (${(cause as Error).message})`);
    }
  },
  encode: (value) => {
    try {
      return Buffer.from(writeJson(value));
    } catch (cause) {
      if (!(cause instanceof SyncError)) throw cause;
      throw new Unfit(`holds what JSON has no words for: ${cause.message}`);
    }
  },
  held: (value) => value,
};

/** `arrange`: the order in which items are kept. */
function listCodec(of: Codec, frozen: boolean, arrange: (items: readonly Value[]) => readonly Value[]): Codec {
  return {
    decode: (raw) => arrange((raw as readonly unknown[]).map((item) => of.decode(item))),
    encode: (value) => {
      const items = listOf(value);
      if (items.length === 0 && !frozen) throw emptyUnfrozen();
      return counted(items.length, items.map((item) => of.encode(present(item))));
    },
    held: (value) => arrange(listOf(value).map((item) => of.held(item))),
  };
}

/** In one order wherever they come from, each once: the server's own order differs from type to type. */
function sortedItems(items: readonly Value[]): readonly Value[] {
  const byText = new Map(items.map((item) => [canonicalJson(item), item]));
  return [...byText].sort(([a, x], [b, y]) => isNumeric(x) && isNumeric(y) ? (x < y ? -1 : x > y ? 1 : 0) : compareKeys(a, b)).map(([, item]) => item);
}

function isNumeric(value: Value): value is number | bigint {
  return typeof value === 'number' || typeof value === 'bigint';
}

function mapCodec({ keys: keyType, of: valueType, frozen }: CqlType & { readonly kind: 'map' }): Codec {
  const [keys, values] = [codecOf(keyType), codecOf(valueType)];
  const byText = keyType.kind === 'native' && (keyType.name === 'text' || keyType.name === 'ascii');
  const pairsOf = (value: Value): readonly (readonly [Value, Value])[] => {
    if (byText) {
      if (!isDocument(value)) throw new Unfit('is not a document, which a map of texts is');
      return Object.entries(value);
    }
    return listOf(value).map((pair) => {
      if (!Array.isArray(pair) || pair.length !== 2) throw new Unfit('is not a list of [key, value], which a map is');
      return pair as unknown as readonly [Value, Value];
    });
  };
  const arranged = (pairs: readonly (readonly [Value, Value])[]): Value => {
    if (byText) return Object.fromEntries(pairs) as Document;
    const byKey = new Map(pairs.map((pair) => [canonicalJson(pair[0]), pair]));
    return sortedItems([...byKey.values()].map(([key]) => key)).map((key) => [key, byKey.get(canonicalJson(key))![1]]);
  };
  return {
    decode: (raw) => arranged([...(raw as ReadonlyMap<unknown, unknown>)].map(([key, value]) => [keys.decode(key), values.decode(value)])),
    encode: (value) => {
      const pairs = pairsOf(value);
      if (pairs.length === 0 && !frozen) throw emptyUnfrozen();
      return counted(pairs.length, pairs.flatMap(([key, item]) => [keys.encode(present(key)), values.encode(present(item))]));
    },
    held: (value) => arranged(pairsOf(value).map(([key, item]) => [keys.held(key), values.held(item)])),
  };
}

function tupleCodec(of: readonly Codec[]): Codec {
  const each = (value: Value): readonly Value[] => {
    const items = listOf(value);
    if (items.length !== of.length) throw new Unfit(`is not a list of ${of.length}`);
    return items;
  };
  return {
    decode: (raw) => {
      const { elements } = raw as { readonly elements: readonly unknown[] };
      return of.map((codec, i) => elements[i] === null || elements[i] === undefined ? null : codec.decode(elements[i]));
    },
    encode: (value) => sized(each(value).map((item, i) => item === null ? undefined : of[i]!.encode(item))),
    held: (value) => each(value).map((item, i) => item === null ? null : of[i]!.held(item)),
  };
}

function userCodec(fields: readonly (readonly [name: string, codec: Codec])[]): Codec {
  const names = new Set(fields.map(([name]) => name));
  const each = (value: Value): Document => {
    if (!isDocument(value)) throw new Unfit('is not a document');
    const unknown = Object.keys(value).find((name) => !names.has(name));
    if (unknown !== undefined) throw new Unfit(`has a field ${JSON.stringify(unknown)}, which its type has not`);
    return value;
  };
  const kept = (value: Document, map: (codec: Codec, item: Value) => Value): Document => Object.fromEntries(fields.flatMap(([name, codec]) => {
    const item = Object.hasOwn(value, name) ? value[name] : undefined;
    return item === undefined || item === null ? [] : [[name, map(codec, item)]];
  }));
  return {
    decode: (raw) => kept(raw as Document, (codec, item) => codec.decode(item)),
    encode: (value) => {
      const document = each(value);
      return sized(fields.map(([name, codec]) => {
        const item = Object.hasOwn(document, name) ? document[name] : undefined;
        return item === undefined || item === null ? undefined : codec.encode(item);
      }));
    },
    held: (value) => kept(each(value), (codec, item) => codec.held(item)),
  };
}

const fixedSizes: { readonly [native: string]: true } = { bigint: true, boolean: true, timestamp: true, double: true, float: true, int: true, timeuuid: true, uuid: true };

function vectorCodec({ of: itemType, size }: CqlType & { readonly kind: 'vector' }): Codec {
  const of = codecOf(itemType);
  const fixed = isFixed(itemType);
  const each = (value: Value): readonly Value[] => {
    const items = listOf(value);
    if (items.length !== size) throw new Unfit(`is not a list of ${size}`);
    return items;
  };
  return {
    decode: (raw) => (raw as { readonly elements: readonly unknown[] }).elements.map((item) => of.decode(item)),
    encode: (value) => Buffer.concat(each(value).flatMap((item) => {
      const bytes = of.encode(present(item));
      return fixed ? [bytes] : [unsignedVarint(BigInt(bytes.length)), bytes];
    })),
    held: (value) => each(value).map((item) => of.held(item)),
  };
}

function isFixed(type: CqlType): boolean {
  return type.kind === 'vector' ? isFixed(type.of) : type.kind === 'native' && fixedSizes[type.name] === true;
}

function listOf(value: Value): readonly Value[] {
  if (!Array.isArray(value)) throw new Unfit('is not a list');
  return value as readonly Value[];
}

function present(value: Value): Value {
  if (value === null) throw new Unfit('holds a null, which no collection can');
  return value;
}

function emptyUnfrozen(): Unfit {
  return new Unfit('is empty, and a collection that is not frozen cannot be: leave the field out');
}

/** A number of things, then each with its size. */
function counted(count: number, things: readonly Buffer[]): Buffer {
  const head = Buffer.allocUnsafe(4);
  head.writeInt32BE(count);
  return Buffer.concat([head, sized(things)]);
}

/** Each with its size; what is absent has the size -1. */
function sized(things: readonly (Buffer | undefined)[]): Buffer {
  return Buffer.concat(things.flatMap((bytes) => {
    const head = Buffer.allocUnsafe(4);
    head.writeInt32BE(bytes?.length ?? -1);
    return bytes ? [head, bytes] : [head];
  }));
}
