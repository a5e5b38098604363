import { instantText } from '../../records/instants.ts';
import type { TimeUnit } from '../../records/instants.ts';
import type { Window } from '../../../model/store.ts';
import type { FieldType } from '../../../model/collection.ts';
import type { Column, Table } from '../table.ts';
import { ownRows, quoted } from './catalog.ts';

/** The SQL that one table takes. `t` is the table wherever it is named. */
export class Statements {
  readonly table: Table;
  readonly #name: string;
  readonly #rows: string;

  constructor(schema: string, table: Table) {
    this.table = table;
    this.#name = `${quoted(schema)}.${quoted(table.name)}`;
    this.#rows = ownRows(schema, table);
  }

  /** All rows, in the byte order of their keys. */
  scan(window: Window | undefined, unit: TimeUnit | undefined): string {
    const last = this.table.keyAt.length - 1;
    const order = this.table.keyAt.map((at, i) => orderOf(this.table.columns[at]!, i === last));
    return `select ${this.#selected()} from ${this.#rows} t${whereOf(this.table, window, unit)} order by ${order.join(', ')}`;
  }

  /** All rows as they stand, without their versions; where they are `ordered`, by their key as the server itself orders it. */
  rows(ordered: boolean): string {
    const { columns, keyAt } = this.table;
    const order = keyAt.map((at) => columns[at]!).map(({ name, type }) => `t.${quoted(name)}${type.kind === 'text' ? '::text collate "C"' : ''}`);
    return `select ${columns.map(({ name }) => `t.${quoted(name)}`).join(', ')} from ${this.#rows} t${ordered ? ` order by ${order.join(', ')}` : ''}`;
  }

  /** Whether there are rows that meet a condition. */
  exists(condition = 'true'): string {
    return `select exists (select from ${this.#rows} t where ${condition})`;
  }

  /** Rows by their keys: one list of texts for each column of the key. */
  find(): string {
    return `select ${this.#selected()} from ${this.#given(this.#keys())} join ${this.#rows} t on ${this.#same()}`;
  }

  /**
   * Puts rows, one list of texts for each column at `written`, and answers with the places of those it put. `any`: whatever is
   * there. `absent`: only where nothing is there. `older`: or something that was modified before.
   */
  put(written: readonly number[], over: 'any' | 'absent' | 'older', whole: boolean): string {
    const { columns, keyAt } = this.table;
    const rest = written.filter((at) => !keyAt.includes(at));
    const modified = quoted(columns[this.table.modifiedAt]?.name ?? '');
    // An update that sets nothing would say that nothing was there.
    const set = (rest.length > 0 ? rest : keyAt).map((at) => `${quoted(columns[at]!.name)} = excluded.${quoted(columns[at]!.name)}`).join(', ');
    const conflict = over === 'absent' ? 'do nothing' : `do update set ${set}${over === 'older' ? ` where t.${modified} < excluded.${modified}` : ''}`;
    const names = written.map((at) => quoted(columns[at]!.name)).join(', ');
    return `insert into ${this.#name} as t (${names}) overriding system value select ${written.map((at) => this.#cast(at)).join(', ')} from ${this.#given(written)} on conflict (${this.table.key.map(quoted).join(', ')}) ${conflict} returning ${this.#returned(whole)}`;
  }

  /** Takes rows from a stream, with all columns. */
  load(columns: readonly Column[] = this.table.columns): string {
    return `copy ${this.#name} (${columns.map(({ name }) => quoted(name)).join(', ')}) from stdin`;
  }

  /** Replaces rows that are still of the version given behind the columns, and answers as {@link put} does. */
  replace(written: readonly number[], whole: boolean): string {
    const { columns, keyAt } = this.table;
    const rest = written.filter((at) => !keyAt.includes(at));
    const set = (rest.length > 0 ? rest : keyAt).map((at) => `${quoted(columns[at]!.name)} = ${this.#cast(at)}`).join(', ');
    return `update ${this.#rows} t set ${set} from ${this.#given(written, true)} where ${this.#same()} and t.xmin::text = x.version returning ${this.#returned(whole)}`;
  }

  /** Deletes rows by their keys, where `versioned` only those of the version given behind them. */
  remove(versioned: boolean): string {
    return `delete from ${this.#rows} t using ${this.#given(this.#keys(), versioned)} where ${this.#same()}${versioned ? ' and t.xmin::text = x.version' : ''} returning ${this.#returned(false)}`;
  }

  /** All columns, and the version behind them. */
  #selected(): string {
    return [...this.table.columns.map(({ name }) => `t.${quoted(name)}`), 't.xmin'].join(', ');
  }

  /** What a statement answers of the rows it has written. Of a row that was put into a partition, the server does not tell the version; it is that of the transaction. */
  #returned(whole: boolean): string {
    const names = whole ? this.table.columns.map(({ name }) => name) : this.table.key;
    return [...names.map((name) => `t.${quoted(name)}`), 'pg_current_xact_id()::xid'].join(', ');
  }

  #keys(): readonly number[] {
    return this.table.keyAt;
  }

  /** Lists of texts as rows. */
  #given(at: readonly number[], versioned = false): string {
    const names = [...at.map((i) => `c${i}`), ...(versioned ? ['version'] : [])];
    return `unnest(${names.map((_, i) => `$${i + 1}::text[]`).join(', ')}) as x(${names.join(', ')})`;
  }

  #cast(at: number): string {
    return `x.c${at}::${this.table.columns[at]!.native}`;
  }

  #same(): string {
    return this.#keys().map((at) => `t.${quoted(this.table.columns[at]!.name)} = ${this.#cast(at)}`).join(' and ');
  }
}

/** By what rows are sorted so that their keys come in byte order. A part that is not the last is followed by a slash. */
function orderOf({ name, type }: Column, isLast: boolean): string {
  const column = `t.${quoted(name)}`;
  // These are of one length as text, and their order is that of their text.
  if (type.kind === 'uuid' || (type.kind === 'bytes' && isLast)) return column;
  return `(${textOf(column, type)}${isLast ? '' : " || '/'"}) collate "C"`;
}

/** A column as it is written in keys. */
export function textOf(column: string, type: FieldType): string {
  const text = `${column}::text`;
  switch (type.kind) {
    case 'bytes': return `encode(${column}, 'hex')`;
    case 'instant': return `replace(replace(${text}, ' ', 'T'), '+00', 'Z')`;
    case 'local': return `replace(${text}, ' ', 'T')`;
    case 'text':
    case 'duration': return escapedIn(text);
    // Of some types a cast writes more than the server otherwise does.
    case 'other': return escapedIn(`format('%s', ${column})`);
    default: return text;
  }
}

function escapedIn(text: string): string {
  return `case when strpos(${text}, '/') > 0 or strpos(${text}, '%') > 0 then replace(regexp_replace(${text}, '%(?=(?:25)*2F)', '%25', 'g'), '/', '%2F') else ${text} end`;
}

function whereOf({ columns, modifiedAt }: Table, window: Window | undefined, unit: TimeUnit | undefined): string {
  const column = columns[modifiedAt];
  if (!column || !window || (window.after === undefined && window.until === undefined)) return '';
  const name = `t.${quoted(column.name)}`;
  const bound = boundOf(column.type, unit);
  if (!bound) return '';
  const parts = [window.after === undefined ? [] : [`${name} >= ${bound(window.after, 'down')}`], window.until === undefined ? [] : [`${name} <= ${bound(window.until, 'up')}`]].flat();
  return ` where ${name} is null or (${parts.join(' and ')})`;
}

function boundOf(type: FieldType, unit: TimeUnit | undefined): ((micros: number, round: 'down' | 'up') => string) | undefined {
  if (type.kind === 'instant') return (micros) => `'${instantText(micros)}'::timestamptz`;
  if (type.kind === 'local') return (micros) => `'${instantText(micros).slice(0, -1)}'::timestamp`;
  if (type.kind !== 'integer' || unit === undefined) return undefined;
  const size = unit === 'seconds' ? 1e6 : unit === 'milliseconds' ? 1e3 : 1;
  return (micros, round) => String(round === 'down' ? Math.floor(micros / size) : Math.ceil(micros / size));
}
