import type { Window } from '../../../model/store.ts';
import { instantText, unitMicros } from '../../records/instants.ts';
import type { TimeUnit } from '../../records/instants.ts';
import type { Change } from '../dialect.ts';
import type { Column, Raw, Table } from '../table.ts';
import { quoted } from './catalog.ts';

/** The SQL that one table takes, values and all. */
export class Statements {
  readonly table: Table;
  readonly #name: string;
  readonly #escape: (text: string) => string;

  constructor(table: Table, escape: (text: string) => string) {
    this.table = table;
    this.#name = quoted(table.name);
    this.#escape = escape;
  }

  /** All rows, in the byte order of their keys. */
  scan(window: Window | undefined, unit: TimeUnit | undefined): string {
    const last = this.table.keyAt.length - 1;
    const order = this.table.keyAt.map((at, i) => orderOf(this.table.columns[at]!, i === last));
    return `select ${this.#selected()} from ${this.#name}${whereOf(this.table, window, unit)} order by ${order.join(', ')}`;
  }

  /** Rows by their keys. `locked`: so that nobody else changes them before the transaction ends. */
  find(keys: readonly (readonly Raw[])[], locked: boolean): string {
    return `select ${this.#selected()} from ${this.#name} where ${this.#among(keys)}${locked ? ' for update' : ''}`;
  }

  remove(keys: readonly (readonly Raw[])[]): string {
    return `delete from ${this.#name} where ${this.#among(keys)}`;
  }

  /** Inserts rows; where `replacing`, rows that are known to be there are given these values instead. */
  insert(changes: readonly Change[], replacing: boolean): string {
    const { columns, keyAt } = this.table;
    const at = columns.flatMap(({ computed }, i) => (computed || changes[0]!.values[i] === undefined ? [] : [i]));
    const rows = changes.map(({ values }) => `(${at.map((i) => this.#literal(columns[i]!, values[i])).join(', ')})`);
    const rest = at.filter((i) => !keyAt.includes(i));
    const set = (rest.length > 0 ? rest : keyAt).map((i) => `${quoted(columns[i]!.name)} = values(${quoted(columns[i]!.name)})`).join(', ');
    return `insert into ${this.#name} (${at.map((i) => quoted(columns[i]!.name)).join(', ')}) values ${rows.join(', ')}${replacing ? ` on duplicate key update ${set}` : ''}`;
  }

  #selected(): string {
    return this.table.columns.map(({ name, native, type }) => {
      if (type.kind === 'bytes') return `hex(${quoted(name)})`;
      // Written as text, one of single precision loses digits, and a bit is no digit.
      return native === 'float' ? `cast(${quoted(name)} as double)` : native === 'bit' ? `${quoted(name)} + 0` : quoted(name);
    }).join(', ');
  }

  #among(keys: readonly (readonly Raw[])[]): string {
    const columns = this.table.keyAt.map((at) => this.table.columns[at]!);
    const rows = keys.map((key) => key.map((raw, i) => this.#literal(columns[i]!, raw)));
    const names = columns.map(({ name }) => quoted(name));
    if (names.length === 1) return `${names[0]} in (${rows.map(([part]) => part).join(', ')})`;
    return `(${names.join(', ')}) in (${rows.map((row) => `(${row.join(', ')})`).join(', ')})`;
  }

  #literal({ type, native }: Column, raw: Raw | null | undefined): string {
    if (raw === null || raw === undefined) return 'null';
    const text = String(raw);
    if (native === 'bit') return text;
    switch (type.kind) {
      case 'bytes': return `x'${text}'`;
      case 'boolean':
      case 'integer': return text;
      case 'decimal': return native === 'decimal' ? text : this.#escape(text);
      case 'float': return text.includes('e') ? text : `${text}e0`;
      default: return this.#escape(text);
    }
  }
}

/** By what rows are sorted so that their keys come in byte order. A part that is not the last is followed by a slash. */
function orderOf({ name, native, type }: Column, isLast: boolean): string {
  const text = textOf(quoted(name), native, type);
  return `cast(${isLast ? text : `concat(${text}, '/')`} as binary)`;
}

/** A column as it is written in keys. */
export function textOf(column: string, native: string, type: Column['type']): string {
  const text = `cast(${column} as char character set utf8mb4)`;
  switch (type.kind) {
    case 'bytes': return `lower(hex(${column}))`;
    case 'boolean': return `case ${column} when 0 then 'false' when 1 then 'true' else ${text} end`;
    case 'integer': return native === 'bit' ? `cast(${column} + 0 as char)` : text;
    case 'instant': return `concat(${trimmed(`replace(${text}, ' ', 'T')`, type.precision)}, 'Z')`;
    case 'local': return trimmed(`replace(${text}, ' ', 'T')`, type.precision);
    case 'time': return trimmed(text, type.precision);
    case 'uuid': return `lower(${text})`;
    case 'text':
    case 'other': {
      const exact = `(${text} collate utf8mb4_bin)`;
      return `case when locate('/', ${exact}) > 0 or locate('%', ${exact}) > 0 then replace(regexp_replace(${exact}, '%(?=(?:25)*2F)', '%25'), '/', '%2F') else ${text} end`;
    }
    default: return text;
  }
}

function trimmed(text: string, precision: number): string {
  return precision < 1e6 ? `trim(trailing '.' from trim(trailing '0' from ${text}))` : text;
}

function whereOf({ columns, modifiedAt }: Table, window: Window | undefined, unit: TimeUnit | undefined): string {
  const column = columns[modifiedAt];
  if (!column || !window || (window.after === undefined && window.until === undefined)) return '';
  const name = quoted(column.name);
  const size = unit === undefined ? 1 : unitMicros[unit];
  const bound = (micros: number, round: 'floor' | 'ceil'): string => (column.type.kind === 'integer' ? String(Math[round](micros / size)) : `'${instantText(micros).slice(0, -1).replace('T', ' ')}'`);
  if (column.type.kind !== 'instant' && column.type.kind !== 'local' && (column.type.kind !== 'integer' || unit === undefined)) return '';
  const parts = [window.after === undefined ? [] : [`${name} >= ${bound(window.after, 'floor')}`], window.until === undefined ? [] : [`${name} <= ${bound(window.until, 'ceil')}`]].flat();
  return ` where ${name} is null or (${parts.join(' and ')})`;
}
