import type { Field, FieldType } from '../../model/collection.ts';
import { SyncError } from '../../model/errors.ts';

/** A type of CQL. Whether it is frozen matters to collections alone: those that are not cannot be empty. */
export type CqlType =
  | { readonly kind: 'native'; readonly name: string }
  | { readonly kind: 'list' | 'set'; readonly of: CqlType; readonly frozen: boolean }
  | { readonly kind: 'map'; readonly keys: CqlType; readonly of: CqlType; readonly frozen: boolean }
  | { readonly kind: 'tuple'; readonly of: readonly CqlType[] }
  | { readonly kind: 'vector'; readonly of: CqlType; readonly size: number }
  | { readonly kind: 'user'; readonly name: string; readonly fields: readonly { readonly name: string; readonly type: CqlType }[] }
  /** Made by a class of the server; bytes to everybody else. */
  | { readonly kind: 'custom'; readonly name: string };

/** The fields of a user type by its name, each with its type as CQL writes it. */
export type UserTypes = ReadonlyMap<string, readonly (readonly [name: string, type: string])[]>;

const natives = new Set(['ascii', 'bigint', 'blob', 'boolean', 'counter', 'date', 'decimal', 'double', 'duration', 'float', 'inet', 'int', 'smallint', 'text', 'time', 'timestamp', 'timeuuid', 'tinyint', 'uuid', 'varchar', 'varint']);

/** Reads a type as the tables of the schema write it, as in `map<text, frozen<list<int>>>`. */
export function parseCqlType(text: string, userTypes: UserTypes): CqlType {
  return new Parser(text, userTypes).whole();
}

class Parser {
  readonly #text: string;
  readonly #userTypes: UserTypes;
  #at = 0;

  constructor(text: string, userTypes: UserTypes) {
    this.#text = text;
    this.#userTypes = userTypes;
  }

  whole(): CqlType {
    const type = this.#type(false);
    if (this.#at < this.#text.length) throw this.#unknown();
    return type;
  }

  #type(frozen: boolean): CqlType {
    const name = this.#take(/"(?:[^"]|"")*"|'[^']*'|[\w.]+/y);
    if (name === undefined) throw this.#unknown();
    if (name.startsWith("'")) return { kind: 'custom', name };
    if (this.#take(/</y) === undefined) return this.#named(name);
    const type = this.#container(name, frozen);
    if (this.#take(/>/y) === undefined) throw this.#unknown();
    return type;
  }

  #container(name: string, frozen: boolean): CqlType {
    switch (name) {
      case 'frozen': return this.#type(true);
      case 'list':
      case 'set': return { kind: name, of: this.#type(frozen), frozen };
      case 'map': {
        const keys = this.#type(frozen);
        this.#take(/,/y);
        return { kind: 'map', keys, of: this.#type(frozen), frozen };
      }
      case 'tuple': {
        const of = [this.#type(true)];
        while (this.#take(/,/y) !== undefined) of.push(this.#type(true));
        return { kind: 'tuple', of };
      }
      case 'vector': {
        const of = this.#type(true);
        this.#take(/,/y);
        return { kind: 'vector', of, size: Number(this.#take(/\d+/y)) };
      }
      default: throw this.#unknown();
    }
  }

  #named(name: string): CqlType {
    const plain = name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name;
    const fields = this.#userTypes.get(plain);
    if (fields) return { kind: 'user', name: plain, fields: fields.map(([field, type]) => ({ name: field, type: asFrozen(parseCqlType(type, this.#userTypes)) })) };
    return natives.has(name) ? { kind: 'native', name: name === 'varchar' ? 'text' : name } : { kind: 'custom', name };
  }

  #take(pattern: RegExp): string | undefined {
    while (this.#text[this.#at] === ' ') this.#at++;
    pattern.lastIndex = this.#at;
    const [found] = pattern.exec(this.#text) ?? [];
    if (found !== undefined) this.#at += found.length;
    return found;
  }

  #unknown(): SyncError {
    return new SyncError('unsupported', `${this.#text} is no type of CQL that is known`);
  }
}

/** What lies within a user type is kept whole, and may be empty there. */
function asFrozen(type: CqlType): CqlType {
  return 'frozen' in type ? { ...type, frozen: true } : type;
}

const fieldTypes: { readonly [native: string]: FieldType } = {
  ascii: { kind: 'text' }, text: { kind: 'text' }, boolean: { kind: 'boolean' }, blob: { kind: 'bytes' }, uuid: { kind: 'uuid' }, timeuuid: { kind: 'time-uuid' },
  tinyint: { kind: 'integer', bits: 8 }, smallint: { kind: 'integer', bits: 16 }, int: { kind: 'integer', bits: 32 }, bigint: { kind: 'integer', bits: 64 }, counter: { kind: 'integer', bits: 64 }, varint: { kind: 'integer' },
  float: { kind: 'float', bits: 32 }, double: { kind: 'float', bits: 64 }, decimal: { kind: 'decimal' },
  timestamp: { kind: 'instant', precision: 1_000 }, date: { kind: 'date' }, time: { kind: 'time', precision: 1 }, duration: { kind: 'duration' }, inet: { kind: 'other', name: 'inet' },
};

/** A type in the words of every store of records. */
export function fieldTypeOf(type: CqlType): FieldType {
  switch (type.kind) {
    case 'native': return fieldTypes[type.name] ?? { kind: 'bytes' };
    case 'list':
    case 'set': return { kind: type.kind, of: fieldTypeOf(type.of) };
    case 'vector': return { kind: 'list', of: fieldTypeOf(type.of) };
    case 'map': return { kind: 'map', keys: fieldTypeOf(type.keys), of: fieldTypeOf(type.of) };
    // A list whose items are each of a type of their own.
    case 'tuple': return { kind: 'json' };
    case 'user': return { kind: 'record', fields: type.fields.map(({ name, type: of }): Field => ({ name, type: fieldTypeOf(of), nullable: true })) };
    case 'custom': return { kind: 'bytes' };
    default: return type satisfies never;
  }
}

/** Whether a value can be part of the key of a record, which is one text for each column. */
export function canBeOfKey({ kind }: CqlType): boolean {
  return kind === 'native' || kind === 'custom';
}

/** How a field of another store is kept: its type in CQL, and whether that is text which holds JSON. */
export function cqlFor(type: FieldType, { frozen = true }: { readonly frozen?: boolean } = {}): { readonly cql: string; readonly json: boolean } {
  const plain = (cql: string): { readonly cql: string; readonly json: boolean } => ({ cql, json: false });
  const json = { cql: 'text', json: true };
  const within = (of: FieldType): string | undefined => {
    const inner = cqlFor(of);
    return inner.json ? undefined : inner.cql;
  };
  const held = (cql: string): string => frozen ? `frozen<${cql}>` : cql;
  switch (type.kind) {
    case 'boolean':
    case 'text':
    case 'uuid':
    case 'date':
    case 'duration': return plain(type.kind);
    case 'bytes': return plain('blob');
    case 'time-uuid': return plain('timeuuid');
    case 'integer': return plain(integerFor(type.bits, type.unsigned === true));
    case 'float': return plain(type.bits === 32 ? 'float' : 'double');
    case 'decimal': return plain('decimal');
    // The server's instants are of milliseconds: what is finer is kept in full as text.
    case 'instant': return plain(type.precision >= 1_000 ? 'timestamp' : 'text');
    case 'time': return plain('time');
    case 'local':
    case 'other': return plain('text');
    case 'list':
    case 'set': {
      const of = within(type.of);
      return of === undefined ? json : plain(held(`${type.kind}<${of}>`));
    }
    case 'map': {
      const [keys, of] = [within(type.keys), within(type.of)];
      return keys === undefined || of === undefined ? json : plain(held(`map<${keys}, ${of}>`));
    }
    case 'json':
    case 'record': return json;
    default: return type satisfies never;
  }
}

function integerFor(bits: 8 | 16 | 32 | 64 | undefined, unsigned: boolean): string {
  const needed = bits === undefined ? Infinity : unsigned ? bits + 1 : bits;
  return needed <= 8 ? 'tinyint' : needed <= 16 ? 'smallint' : needed <= 32 ? 'int' : needed <= 64 ? 'bigint' : 'varint';
}
