import type { Collection, FieldType } from '../../../model/collection.ts';
import { SyncError } from '../../../model/errors.ts';
import { quoted } from './catalog.ts';

/** The statement that makes a table as like a collection as can be. */
export function creationOf(schema: string, { name, fields, key }: Collection): string {
  for (const shown of [name, ...fields.map((field) => field.name)]) {
    if (Buffer.byteLength(shown) > 63 || shown.includes('\0') || shown === '') throw new SyncError('unsupported', `${JSON.stringify(shown.slice(0, 100))} of ${name} cannot be a name in PostgreSQL`, { hint: 'choose a name of 1 to 63 bytes' });
  }
  const columns = fields.map((field) => `${quoted(field.name)} ${declarationOf(field.type, key.includes(field.name))}${field.nullable && !key.includes(field.name) ? '' : ' not null'}`);
  return `create table if not exists ${quoted(schema)}.${quoted(name)} (${[...columns, `primary key (${key.map(quoted).join(', ')})`].join(', ')})`;
}

function declarationOf(type: FieldType, inKey: boolean): string {
  switch (type.kind) {
    case 'boolean': return 'boolean';
    case 'integer': return integerOf(type.bits, type.unsigned === true);
    case 'float': return type.bits === 32 ? 'real' : 'double precision';
    // No server keeps more digits than these with a scale of its own.
    case 'decimal': return type.digits === undefined || type.digits > 1_000 ? 'numeric' : `numeric(${type.digits}, ${type.scale ?? 0})`;
    case 'text':
    case 'other': return inKey ? 'text collate "C"' : 'text';
    case 'bytes': return 'bytea';
    case 'uuid':
    case 'time-uuid': return 'uuid';
    case 'instant': return `timestamptz${digitsOf(type.precision)}`;
    case 'local': return `timestamp${digitsOf(type.precision)}`;
    case 'time': return `time${digitsOf(type.precision)}`;
    case 'date': return 'date';
    case 'duration': return 'interval';
    case 'list':
    case 'set': return isPlain(type.of) ? `${declarationOf(type.of, false)}[]` : 'jsonb';
    case 'json':
    case 'map':
    case 'record': return 'jsonb';
    default: return type satisfies never;
  }
}

/** Whether an array of it takes every list of it: one of lists would have to be a box. */
function isPlain({ kind }: FieldType): boolean {
  return kind !== 'list' && kind !== 'set' && kind !== 'map' && kind !== 'record' && kind !== 'json';
}

function integerOf(bits: number | undefined, unsigned: boolean): string {
  if (bits === undefined || (bits === 64 && unsigned)) return 'numeric(1000, 0)';
  const needed = unsigned ? bits + 1 : bits;
  return needed <= 16 ? 'smallint' : needed <= 32 ? 'integer' : 'bigint';
}

function digitsOf(precision: number): string {
  return precision <= 1 ? '' : `(${Math.max(0, 6 - Math.floor(Math.log10(precision)))})`;
}
