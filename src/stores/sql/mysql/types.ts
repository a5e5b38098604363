import type { FieldType } from '../../../model/collection.ts';
import { dateCodec, instantCodec, localCodec, timeCodec } from '../clock-codecs.ts';
import { booleanCodec, bytesCodec, decimalCodec, floatCodec, integerCodec, jsonCodec, textCodec, uuidCodec, wholeOf } from '../codecs.ts';
import { Misfit } from '../table.ts';
import type { Codec } from '../table.ts';

/** A column as the catalogue has it. */
export interface ColumnRow {
  readonly table: string;
  readonly name: string;
  readonly kind: string;
  /** In full, as in `int(10) unsigned`. */
  readonly type: string;
  readonly characters: string | null;
  readonly digits: string | null;
  readonly scale: string | null;
  readonly fraction: string | null;
  readonly nullable: string;
  readonly preset: string | null;
  readonly extra: string;
  readonly comment: string;
  readonly collation: string | null;
}

const withBlank = (text: string): string => text.replace('T', ' ');
/** Before that, the manual promises nothing. */
const first = '0001';

/** How the values of a column are read and written. What the database has no type for is told by the comment of the column. */
export function codecOf({ kind, type, characters, digits, scale, fraction, comment }: ColumnRow, isJson: boolean): Codec {
  const unsigned = type.includes('unsigned');
  const most = characters === null ? undefined : Number(characters);
  const places = Number(fraction ?? 0);
  const labels = (): readonly string[] => [...type.matchAll(/'((?:[^']|'')*)'/g)].map(([, label]) => label!.replaceAll("''", "'"));
  switch (kind) {
    case 'tinyint': return type.startsWith('tinyint(1)') && !unsigned ? switches : integerCodec(8, unsigned);
    case 'smallint': return integerCodec(16, unsigned);
    case 'year': return { ...integerCodec(16, true), loose: true };
    case 'mediumint':
    case 'int': return integerCodec(32, unsigned);
    case 'bigint': return integerCodec(64, unsigned);
    case 'bit': return integerCodec(64, true);
    case 'float': return floatCodec(32, false);
    case 'double': return floatCodec(64, false);
    case 'decimal': return digits === '65' && scale === '0' && comment === 'whole' ? integerCodec() : decimalCodec(Number(digits), Number(scale));
    case 'char': return comment === 'uuid' ? uuidCodec() : textCodec({ trimmed: true, ...(most !== undefined && { most }) });
    case 'varchar': return comment === 'decimal' ? decimalCodec(undefined, undefined, true) : textCodec(most === undefined ? {} : { most });
    case 'tinytext':
    case 'text':
    case 'mediumtext':
    case 'longtext': return isJson ? jsonCodec() : comment === 'decimal' ? decimalCodec(undefined, undefined, true) : comment === 'duration' ? { ...textCodec(), type: { kind: 'duration' } } : textCodec();
    case 'binary': return fixedBytes(most ?? 1);
    case 'varbinary': return bytesCodec('', most);
    case 'tinyblob':
    case 'blob':
    case 'mediumblob':
    case 'longblob': return bytesCodec('');
    case 'date': return dateCodec({ first });
    case 'datetime': return comment === 'UTC' ? instantCodec({ digits: places, first, send: withBlank }) : localCodec({ digits: places, first, send: withBlank });
    case 'timestamp': return instantCodec({ digits: places, first: '1970-01-01T00:00:01', last: '2106-02-07T06:28:16', send: withBlank });
    case 'time': return timesCodec(places);
    case 'enum': return textCodec({ among: labels() });
    case 'set': return setCodec(labels());
    case 'json': return jsonCodec({ wholeBits: 64 });
    case 'uuid': return uuidCodec();
    case 'geometry': case 'point': case 'linestring': case 'polygon': case 'multipoint': case 'multilinestring': case 'multipolygon': case 'geometrycollection': return bytesCodec('');
    default: return { ...textCodec({ other: kind }), loose: true };
  }
}

/** A column that is declared as `boolean` holds any small number all the same. */
const switches: Codec = {
  ...booleanCodec('1', '0'),
  read: (raw) => (raw === '1' || raw === '0' ? raw === '1' : wholeOf(raw)),
  write: (value) => {
    if (typeof value === 'boolean') return value ? '1' : '0';
    if (value === 0 || value === 1) throw new Misfit('holds true and false');
    return integerCodec(8).write(value);
  },
};

function fixedBytes(length: number): Codec {
  const codec = bytesCodec('', length);
  return {
    ...codec,
    write: (value) => {
      if (value instanceof Uint8Array && value.length !== length) throw new Misfit(`holds just ${length} bytes`);
      return codec.write(value);
    },
  };
}

/** Times of day, and what the database takes for such: spans of up to 838 hours, either way. */
function timesCodec(digits: number): Codec {
  const codec = timeCodec(digits);
  return {
    ...codec,
    write: (value) => {
      const [, sign, hours, fraction = ''] = (typeof value === 'string' && /^(-?)(\d\d\d?):[0-5]\d:[0-5]\d(?:\.(\d*[1-9]))?$/.exec(value)) || [];
      if (hours === undefined || (sign === '' && Number(hours) < 24)) return codec.write(value);
      if (Number(hours) > 838 || (hours.length > 2 && hours.startsWith('0')) || fraction.length > digits) throw new Misfit(`holds times of up to 838 hours, with ${digits} digits behind the point of a second`);
      return value as string;
    },
  };
}

function setCodec(labels: readonly string[]): Codec {
  return {
    type: { kind: 'set', of: { kind: 'text' } },
    read: (raw) => (raw === '' ? [] : String(raw).split(',').toSorted()),
    write: (value) => {
      if (!Array.isArray(value) || !value.every((item) => labels.includes(item as string)) || new Set(value).size < value.length) throw new Misfit(`holds sets of ${labels.join(', ').slice(0, 200)}`);
      return value.join(',');
    },
  };
}

/** The declaration of a column for values of a type. `parts`: of how many columns the key is made, where it is one of those. */
export function declarationOf(type: FieldType, isMaria: boolean, parts: number | undefined): string {
  // Of one length for the comparison, so that blanks at the end count.
  const collation = `character set utf8mb4 collate ${isMaria ? 'utf8mb4_nopad_bin' : 'utf8mb4_0900_bin'}`;
  switch (type.kind) {
    case 'boolean': return 'boolean';
    case 'integer': return type.bits === undefined ? "decimal(65, 0) comment 'whole'" : `${{ 8: 'smallint', 16: 'smallint', 32: 'int', 64: 'bigint' }[type.bits]}${type.unsigned ? ' unsigned' : ''}`;
    case 'float': return type.bits === 32 ? 'float' : 'double';
    case 'decimal': return type.digits === undefined || type.digits > 65 || (type.scale ?? 0) > 30 ? `${parts === undefined ? 'longtext' : `varchar(${Math.floor(760 / parts)})`} ${collation} comment 'decimal'` : `decimal(${type.digits}, ${type.scale ?? 0})`;
    case 'text':
    case 'other': return parts === undefined ? `longtext ${collation}` : `varchar(${Math.floor(760 / parts)}) ${collation}`;
    case 'bytes': return parts === undefined ? 'longblob' : `varbinary(${Math.floor(3_000 / parts)})`;
    case 'uuid':
    case 'time-uuid': return isMaria ? 'uuid' : "char(36) character set ascii collate ascii_bin comment 'uuid'";
    // The type that is meant for it ends in 2038.
    case 'instant': return `datetime(${digitsOf(type.precision)}) comment 'UTC'`;
    case 'local': return `datetime(${digitsOf(type.precision)})`;
    case 'time': return `time(${digitsOf(type.precision)})`;
    case 'date': return 'date';
    case 'duration': return parts === undefined ? `text ${collation} comment 'duration'` : `varchar(${Math.floor(760 / parts)}) ${collation}`;
    case 'json':
    case 'list':
    case 'set':
    case 'map':
    case 'record': return 'json';
    default: return type satisfies never;
  }
}

function digitsOf(precision: number): number {
  return Math.max(0, 6 - Math.floor(Math.log10(precision)));
}
