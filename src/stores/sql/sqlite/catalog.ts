import type { DatabaseSync } from 'node:sqlite';
import type { Catalog } from '../dialect.ts';
import { columnOf, referencesAmong, tableOf, withoutKey } from '../table.ts';
import type { Reference } from '../table.ts';
import { codecOf } from './columns.ts';

interface ColumnRow {
  readonly name: string;
  readonly type: string;
  readonly notnull: number;
  readonly defaultValue: string | null;
  /** Its place in the primary key, from 1; 0 where it has none. */
  readonly pk: number;
  /** 0: ordinary. 1: hidden. 2 and 3: computed. */
  readonly hidden: number;
}

/** A name as SQL writes it. */
export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** The tables of a file. */
export function catalogOf(database: DatabaseSync, modified: string | undefined): Catalog {
  const tables: Catalog['tables'][number][] = [];
  const keyless: Catalog['keyless'][number][] = [];
  const listed = database.prepare(`select l.name, l.strict, (select count(*) from main.sqlite_schema s where s.type = 'trigger' and s.tbl_name = l.name) as triggers
    from pragma_table_list l where l.schema = 'main' and l.type = 'table' and l.name not like 'sqlite\\_%' escape '\\' order by l.name`).all();
  for (const { name, strict, triggers } of listed as unknown as readonly { readonly name: string; readonly strict: number; readonly triggers: number }[]) {
    const columns = database.prepare('select name, type, "notnull", dflt_value as defaultValue, pk, hidden from pragma_table_xinfo(?, \'main\') where hidden <> 1').all(name) as unknown as readonly ColumnRow[];
    const key = columns.filter(({ pk }) => pk > 0).sort((a, b) => a.pk - b.pk).map((column) => column.name);
    const found = key.length > 0 ? key : uniqueOf(database, name, columns);
    if (!found) {
      keyless.push({ name, why: withoutKey });
      continue;
    }
    // The one column of this kind counts up by itself.
    const counts = (column: ColumnRow): boolean => column.pk > 0 && key.length === 1 && column.type.toUpperCase() === 'INTEGER';
    tables.push(tableOf({
      name, key: found, modified, triggers: triggers > 0,
      columns: columns.map((column) => columnOf({
        name: column.name, native: column.type, nullable: column.notnull === 0 && !found.includes(column.name), codec: codecOf(column.type, strict === 1 || counts(column)),
        computed: column.hidden > 1, filled: column.defaultValue !== null || counts(column),
      })),
    }));
  }
  const named = database.prepare(`select l.name as "from", f."table" as "to" from pragma_table_list l join pragma_foreign_key_list(l.name) f where l.schema = 'main' and l.type = 'table' order by 1, 2`).all();
  // Names of tables are the same in any case.
  const references = referencesAmong((named as unknown as readonly Reference[]).map(({ from, to }) => ({ from, to: listed.find(({ name }) => String(name).toLowerCase() === to.toLowerCase())?.['name'] as string | undefined ?? to })));
  return { tables, keyless, references };
}

function uniqueOf(database: DatabaseSync, table: string, columns: readonly ColumnRow[]): readonly string[] | undefined {
  const indices = database.prepare('select name from pragma_index_list(?, \'main\') where "unique" = 1 and partial = 0 order by name').all(table) as unknown as readonly { readonly name: string }[];
  for (const { name } of indices) {
    const parts = (database.prepare('select name from pragma_index_info(?) order by seqno').all(name) as unknown as readonly { readonly name: string | null }[]).map((part) => part.name);
    const never = parts.every((part) => columns.some((column) => column.name === part && column.notnull === 1));
    if (parts.length > 0 && never) return parts as readonly string[];
  }
  return undefined;
}
