import type { DatabaseSync } from 'node:sqlite';
import { quoted } from './catalog.ts';

/** Up to this size of a file counting is a matter of moments, a twentieth of what reading it takes; beyond, it might wait for the disk for minutes. */
const mostBytes = 2 ** 30;
/** A row takes at least as much. */
const fewestRowBytes = 8;

/**
 * How many rows these tables have: counted in a file that is not large, and else by what `ANALYZE` found, or by the numbers of the
 * first and the last row where so many can be there. A table of which neither is known is left out.
 */
export function countsOf(database: DatabaseSync, names: readonly string[], { countBytes = mostBytes }: { readonly countBytes?: number } = {}): ReadonlyMap<string, number> {
  const bytes = numberIn(database, 'select page_count * page_size from pragma_page_count, pragma_page_size') ?? 0;
  const countOf = (name: string): number | undefined => (bytes <= countBytes ? numberIn(database, `select count(*) from main.${quoted(name)}`) : analyzed(database, name) ?? numbered(database, name, bytes));
  return new Map(names.flatMap((name) => {
    const count = countOf(name);
    return count === undefined ? [] : [[name, count] as const];
  }));
}

function analyzed(database: DatabaseSync, name: string): number | undefined {
  if (numberIn(database, "select 1 from main.sqlite_schema where name = 'sqlite_stat1'") === undefined) return undefined;
  // Its first number is that of the rows of an index, or of the table; an index of some rows has fewer.
  return numberIn(database, 'select max(cast(stat as integer)) from main.sqlite_stat1 where tbl = ?', name);
}

/** Rows are numbered from 1 on as they come, unless somebody else gives the numbers: then they say nothing, and are beyond what fits into the file. */
function numbered(database: DatabaseSync, name: string, bytes: number): number | undefined {
  if (numberIn(database, "select wr from pragma_table_list where schema = 'main' and name = ?", name) !== 0) return undefined;
  const rowid = (which: 'min' | 'max'): string => `(select ${which}(rowid) from main.${quoted(name)})`;
  const span = numberIn(database, `select coalesce(${rowid('max')} - ${rowid('min')} + 1.0, 0)`);
  return span !== undefined && span >= 0 && span <= bytes / fewestRowBytes ? span : undefined;
}

function numberIn(database: DatabaseSync, sql: string, ...values: readonly string[]): number | undefined {
  const row = database.prepare(sql).get(...values);
  const [number] = row ? Object.values(row) : [];
  return typeof number === 'number' ? number : undefined;
}
