import { cutAt } from '../../model/ranges.ts';
import type { KeyRange, Piece } from '../../model/ranges.ts';
import { joinKey } from '../../model/key.ts';
import type { Key } from '../../model/key.ts';
import type { RawRow, Table } from './table.ts';

/** What differs from one database to another where ranges are digested, in a transaction that sees one moment. */
export interface RangeSql extends AsyncDisposable {
  /** All that a digest depends on beside the columns: what the database is, how it writes text. */
  readonly kind: string;
  /** Keeps what a subquery computes from being computed anew wherever it is used. */
  readonly fence: string;
  /** Answers with `r` and a digest over the `body` of all rows of a range, taken in the order of their `k`; NULL where none can be made. */
  digests(placed: string): string;
  /** The table, as `t`. */
  from(table: Table): string;
  /** A row's key as text that is compared byte by byte: what follows the name of the table. */
  key(table: Table): string;
  /** Text as it is compared with such keys. */
  literal(text: string): string;
  /** All columns as one text or record, which tells apart whatever is read as different. */
  body(table: Table): string;
  /** The expressions that make up a {@link RawRow}. */
  row(table: Table): readonly string[];
  /** The rows a statement answers with. */
  ask(text: string): Promise<readonly (readonly (string | null)[])[]>;
  /** The same for rows as {@link row} has them, some at a time. */
  pages(text: string, signal: AbortSignal | undefined): AsyncIterable<readonly RawRow[]>;
}

/** How the digests of a table are made: the same for two tables exactly where rows with equal digests are read as equal records. */
export function schemeOf({ kind }: Pick<RangeSql, 'kind'>, { columns, sorted, key }: Table): string {
  return JSON.stringify([kind, key, sorted.map((i) => [columns[i]!.name, columns[i]!.native, columns[i]!.type])]);
}

/** The ranges of one table, which its server cuts, counts and digests. */
export class TableRanges {
  readonly #sql: RangeSql;
  readonly #table: Table;
  readonly #prefix: Key;

  constructor(sql: RangeSql, table: Table) {
    this.#sql = sql;
    this.#table = table;
    this.#prefix = joinKey([table.name, '']);
  }

  async cut(ranges: readonly KeyRange[], rows: number): Promise<readonly Piece[]> {
    const numbered = `select r, k, row_number() over (partition by r order by k) as n, count(*) over (partition by r) as total from (${this.#placed(ranges)}) b where r >= 0`;
    const firsts = Map.groupBy(await this.#sql.ask(`select r, k, total from (${numbered}) c where (n - 1) % ${rows} = 0 order by r, n`), ([r]) => Number(r));
    return ranges.flatMap((range, r) => {
      const found = firsts.get(r) ?? [];
      const total = Number(found[0]?.[2] ?? 0);
      const pieces = cutAt(range, found.slice(1).map(([, k]) => this.#prefix + k!));
      return pieces.map((piece, i) => ({ ...piece, entries: i + 1 < pieces.length ? rows : total - rows * (pieces.length - 1) }));
    });
  }

  async counts(ranges: readonly KeyRange[]): Promise<readonly number[]> {
    const found = new Map((await this.#sql.ask(`select r, count(*) from (${this.#placed(ranges)}) b where r >= 0 group by r`)).map(([r, rows]) => [Number(r), Number(rows)]));
    return ranges.map((_, r) => found.get(r) ?? 0);
  }

  async digests(ranges: readonly KeyRange[]): Promise<readonly (string | undefined)[]> {
    const placed = this.#placed(ranges, `, ${this.#sql.body(this.#table)} as body`);
    const found = new Map((await this.#sql.ask(this.#sql.digests(placed))).map(([r, made]) => [Number(r), made ?? undefined]));
    return ranges.map((_, r) => found.get(r));
  }

  /** The rows in some ranges, in the order of their keys. */
  scan(ranges: readonly KeyRange[], signal: AbortSignal | undefined): AsyncIterable<readonly RawRow[]> {
    const columns = this.#sql.row(this.#table);
    const placed = this.#placed(ranges, columns.map((column, i) => `, ${column} as c${i}`).join(''));
    return this.#sql.pages(`select ${columns.map((_, i) => `c${i}`).join(', ')} from (${placed}) b where r >= 0 order by k`, signal);
  }

  /** Every row with its key `k`, and in `r` the number of the range that it is in, or -1. */
  #placed(ranges: readonly KeyRange[], more = ''): string {
    const { fence } = this.#sql;
    const key = this.#sql.key(this.#table);
    return `select a.*, ${this.#place(ranges)} as r from (select ${key} as k${more} from ${this.#sql.from(this.#table)}${fence}) a${fence}`;
  }

  /** In which range `k` is, found by halving, so that very many ranges are no more to compute than a few. */
  #place(ranges: readonly KeyRange[]): string {
    const cuts: Key[] = [];
    const places = [-1];
    for (const [r, { from, to }] of ranges.entries()) {
      if (from === undefined || from === cuts.at(-1)) places[places.length - 1] = r;
      else {
        cuts.push(from);
        places.push(r);
      }
      if (to === undefined) continue;
      cuts.push(to);
      places.push(-1);
    }
    const among = (low: number, high: number): string => {
      if (low === high) return String(places[low]);
      const middle = (low + high) >> 1;
      return `case when k < ${this.#sql.literal(cuts[middle]!.slice(this.#prefix.length))} then ${among(low, middle)} else ${among(middle + 1, high)} end`;
    };
    return among(0, cuts.length);
  }
}
