import type { Catalog } from '../dialect.ts';
import { columnOf, disorderOf, referencesAmong, tableOf, withoutKey } from '../table.ts';
import type { Table } from '../table.ts';
import { codecOf } from './types.ts';
import type { ColumnRow } from './types.ts';

/** A query that answers with rows of text. */
export type Query = (text: string) => Promise<readonly (readonly (string | null)[])[]>;

/** A name as SQL writes it. */
export function quoted(name: string): string {
  return `\`${name.replaceAll('`', '``')}\``;
}

// Of a table that keeps its history, the rows of now are records, and since when they hold is no part of them.
const columnsOf = `
  select c.table_name, c.column_name, c.data_type, c.column_type, c.character_maximum_length, c.numeric_precision, c.numeric_scale, c.datetime_precision, c.is_nullable, c.column_default, c.extra, c.column_comment, c.collation_name
  from information_schema.columns c join information_schema.tables t on t.table_schema = c.table_schema and t.table_name = c.table_name
  where c.table_schema = database() and t.table_type in ('BASE TABLE', 'SYSTEM VERSIONED') and coalesce(c.generation_expression, '') not in ('ROW START', 'ROW END') order by c.table_name, c.ordinal_position`;

// The primary key comes first, then what the engine takes in its place.
const keysOf = `
  select table_name, index_name, column_name, nullable, sub_part from information_schema.statistics
  where table_schema = database() and non_unique = 0 order by table_name, index_name = 'PRIMARY' desc, index_name, seq_in_index`;

const indexedOf = 'select distinct table_name, column_name from information_schema.statistics where table_schema = database() and seq_in_index = 1';

const triggersOf = 'select distinct event_object_table from information_schema.triggers where event_object_schema = database()';

const referencesOf = 'select distinct table_name, referenced_table_name from information_schema.key_column_usage where table_schema = database() and referenced_table_schema = database() order by 1, 2';

/** MariaDB has no type for JSON, but a condition, which it shows only to who may change the table. */
const conditionsOf = "select table_name, constraint_name from information_schema.check_constraints where constraint_schema = database() and check_clause like 'json_valid(%'";

/** The tables of a database. */
export async function catalogOf(query: Query, isMaria: boolean, modified: string | undefined): Promise<Catalog> {
  const columns = Map.groupBy((await query(columnsOf)).map(columnRow), ({ table }) => table);
  const keys = Map.groupBy(await query(keysOf), ([table]) => table);
  const indexed = new Set(modified === undefined ? [] : (await query(indexedOf)).map((row) => row.join('\0')));
  const triggers = new Set((await query(triggersOf)).map(([table]) => table));
  const conditions = isMaria ? await jsonColumns(query, [...columns.values()].flat()) : new Set<string>();
  const references = referencesAmong((await query(referencesOf)).map(([from, to]) => ({ from: from!, to: to! })));
  const tables: Table[] = [];
  const keyless: Catalog['keyless'][number][] = [];
  for (const [name, found] of columns) {
    const indices = [...Map.groupBy(keys.get(name) ?? [], ([, index]) => index).values()];
    const key = indices.find((parts) => parts.every(([,, column, nullable, part]) => column !== null && nullable !== 'YES' && part === null))?.map(([,, column]) => column!).filter((part) => found.some((column) => column.name === part));
    if (!key?.length) {
      keyless.push({ name, why: withoutKey });
      continue;
    }
    const table = tableOf({
      name, key, modified, triggers: triggers.has(name),
      toIndex: modified === undefined || indexed.has(`${name}\0${modified}`) ? undefined : `CREATE INDEX ${quoted(`${name}_${modified}`)} ON ${quoted(name)} (${quoted(modified)})`,
      columns: found.map((column) => columnOf({
        name: column.name, native: column.kind, nullable: column.nullable === 'YES', codec: codecOf(column, conditions.has(`${name}\0${column.name}`)),
        computed: /GENERATED/i.test(column.extra) && !/DEFAULT_GENERATED/i.test(column.extra), filled: (column.preset !== null && column.preset !== 'NULL') || /auto_increment/i.test(column.extra),
      })),
    });
    const why = disorderOf(table.columns, table.key);
    if (why === undefined) tables.push(table);
    else keyless.push({ name, why });
  }
  return { tables, keyless, references };
}

function columnRow([table, name, kind, type, characters, digits, scale, fraction, nullable, preset, extra, comment, collation]: readonly (string | null)[]): ColumnRow {
  return { table: table!, name: name!, kind: kind!.toLowerCase(), type: type!, characters: characters!, digits: digits!, scale: scale!, fraction: fraction!, nullable: nullable!, preset: preset!, extra: extra!, comment: comment!, collation: collation! };
}

/** The columns that hold nothing but JSON, each behind its table. */
async function jsonColumns(query: Query, columns: readonly ColumnRow[]): Promise<ReadonlySet<string>> {
  const found = new Set((await query(conditionsOf)).map((row) => row.join('\0')));
  // What is declared as JSON becomes just that.
  const open = columns.filter(({ table, name, kind, collation }) => kind === 'longtext' && collation === 'utf8mb4_bin' && !found.has(`${table}\0${name}`));
  for (const [table, among] of Map.groupBy(open, (column) => column.table)) {
    // Who is not even shown the table will be told so when reading it.
    const [[, text = null] = []] = await query(`show create table ${quoted(table)}`).catch(() => []);
    for (const { name } of among) if (text?.includes(`CHECK (json_valid(${quoted(name)}))`) === true) found.add(`${table}\0${name}`);
  }
  return found;
}
