import type { Value } from '../../model/document.ts';
import type { Micros } from '../../model/entry.ts';
import { instantText, modifiedOf, unitMicros } from '../records/instants.ts';
import type { TimeUnit } from '../records/instants.ts';
import { Unfit } from './codec.ts';
import type { Column } from './tables.ts';

/** 100 ns between the beginning of the Gregorian calendar and that of Unix time. */
const gregorian = 0x01b21dd213814000n;

/** The first of all UUIDs of version 1 of a microsecond, in the order of the server, which compares their last bytes as signed ones. */
function lowestUuid(micros: Micros): string {
  return `${uuidOf(BigInt(micros) * 10n + gregorian)}-8080-808080808080`;
}

/** The time of a UUID of version 1, without what tells apart those of one time. */
function uuidOf(ticks: bigint): string {
  const hex = ticks.toString(16).padStart(15, '0').slice(-15);
  return `${hex.slice(7)}-${hex.slice(3, 7)}-1${hex.slice(0, 3)}`;
}

/** The greatest of all clock sequences and nodes, in the order of the server. */
const last = 'bf7f-7f7f7f7f7f7f';

/** A UUID of version 1 of the same microsecond that comes after one; `undefined` where none does. */
export function uuidAfter(uuid: string): string | undefined {
  const [, low, middle, high, rest] = /^(.{8})-(.{4})-1(.{3})-(.{17})$/.exec(uuid) ?? [];
  const ticks = BigInt(`0x${high}${middle}${low}`);
  // A microsecond is ten ticks.
  if ((ticks - gregorian) % 10n < 9n) return `${uuidOf(ticks + 1n)}-8080-808080808080`;
  return rest === last ? undefined : `${uuidOf(ticks)}-${last}`;
}

/**
 * What the column that tells the time is given: the value of the document as that column has it, else the time of the
 * entry. `undefined` where there is neither.
 */
export function timeValue({ type }: Column, unit: TimeUnit | undefined, given: Value | undefined, modifiedAt: Micros | undefined): Value | undefined {
  const native = type.kind === 'native' ? type.name : '';
  if (given !== undefined && given !== null) {
    // What another store keeps as a date stands for the first UUID of its time, always the same one.
    const micros = native === 'timeuuid' && !(typeof given === 'string' && /^.{14}1/.test(given)) ? modifiedOf(given, unit) : undefined;
    return micros === undefined ? given : lowestUuid(micros);
  }
  if (modifiedAt === undefined) return undefined;
  switch (native) {
    case 'timeuuid': return lowestUuid(modifiedAt);
    case 'timestamp':
    case 'text':
    case 'ascii': return instantText(modifiedAt);
    case 'date': return instantText(modifiedAt).replace(/T.*/, '');
    case 'tinyint':
    case 'smallint':
    case 'int':
    case 'bigint':
    case 'varint': return unit && Math.floor(modifiedAt / unitMicros[unit]);
    case 'float':
    case 'double':
    case 'decimal': return unit && modifiedAt / unitMicros[unit];
    default: throw new Unfit('is not of a type that can tell a time');
  }
}

/**
 * The bytes that a time is less than in its column exactly where it is before `micros`; `undefined` where the order of
 * the column is not that of time, as it is not for text.
 */
export function boundBytes({ type, codec }: Column, unit: TimeUnit | undefined, micros: Micros): Buffer | undefined {
  switch (type.kind === 'native' ? type.name : '') {
    case 'timeuuid': return codec.encode(lowestUuid(micros));
    case 'timestamp': return bigintBytes(BigInt(Math.ceil(micros / 1e3)));
    case 'bigint': return unit && bigintBytes(BigInt(Math.ceil(micros / unitMicros[unit])));
    default: return undefined;
  }
}

function bigintBytes(value: bigint): Buffer {
  const bytes = Buffer.allocUnsafe(8);
  bytes.writeBigInt64BE(value);
  return bytes;
}

/** The smallest difference of times that a column can tell, in microseconds. */
export function precisionOf({ type }: Column, unit: TimeUnit | undefined): Micros {
  switch (type.kind === 'native' ? type.name : '') {
    case 'timestamp': return 1_000;
    case 'date': return 86_400e6;
    case 'tinyint':
    case 'smallint':
    case 'int':
    case 'bigint':
    case 'varint': return unit ? unitMicros[unit] : 1;
    default: return 1;
  }
}
