import type { Catalog } from '../dialect.ts';
import { columnOf, disorderOf, referencesAmong, tableOf, withoutKey } from '../table.ts';
import type { Reference, Table } from '../table.ts';
import { codecOf } from './types.ts';
import type { TypeRow } from './types.ts';

/** A query that answers with rows of text. */
export type Query = (text: string, values?: readonly unknown[]) => Promise<readonly (readonly (string | null)[])[]>;

/** A name as SQL writes it. */
export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** A table whose rows are its own. Those of tables that inherit from it are rows of theirs. */
export function ownRows(schema: string, { name, partitioned }: Pick<Table, 'name' | 'partitioned'>): string {
  return `${partitioned ? '' : 'only '}${quoted(schema)}.${quoted(name)}`;
}

// One value of JSON for each, which spares taking rows apart.
const columnsOf = `
  select json_build_object('table', c.relname, 'name', a.attname, 'type', a.atttypid::text, 'modifier', a.atttypmod, 'cast', format_type(a.atttypid, -1), 'declared', format_type(a.atttypid, a.atttypmod),
    'required', a.attnotnull, 'identity', a.attidentity, 'generated', a.attgenerated, 'defaulted', a.atthasdef, 'position', a.attnum, 'partitioned', c.relkind = 'p',
    'triggers', exists (select from pg_catalog.pg_trigger g where g.tgrelid = c.oid and not g.tgisinternal and g.tgenabled <> 'D'))
  from pg_catalog.pg_class c join pg_catalog.pg_attribute a on a.attrelid = c.oid
  where c.relnamespace = (select oid from pg_catalog.pg_namespace where nspname = $1) and c.relkind in ('r', 'p') and not c.relispartition and a.attnum > 0 and not a.attisdropped
  order by c.relname, a.attnum`;

// Only an index that is looked at as each row is written can decide what a row conflicts with.
const keysOf = `
  select json_build_object('table', c.relname, 'primary', i.indisprimary, 'positions', array(select k from unnest(i.indkey) with ordinality as p(k, n) where n <= i.indnkeyatts order by n))
  from pg_catalog.pg_index i join pg_catalog.pg_class c on c.oid = i.indrelid
  where c.relnamespace = (select oid from pg_catalog.pg_namespace where nspname = $1) and i.indisunique and i.indimmediate and i.indisvalid and i.indpred is null and i.indexprs is null
  order by c.relname, i.indisprimary desc, i.indexrelid`;

const indexedOf = `
  select json_build_object('table', c.relname, 'column', a.attname)
  from pg_catalog.pg_index i join pg_catalog.pg_class c on c.oid = i.indrelid join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum = i.indkey[0]
  where c.relnamespace = (select oid from pg_catalog.pg_namespace where nspname = $1) and i.indisvalid and i.indpred is null`;

const referencesOf = `
  select json_build_object('from', c.relname, 'to', r.relname)
  from pg_catalog.pg_constraint f join pg_catalog.pg_class c on c.oid = f.conrelid join pg_catalog.pg_class r on r.oid = f.confrelid
  where f.contype = 'f' and f.conparentid = 0 and c.relnamespace = (select oid from pg_catalog.pg_namespace where nspname = $1) and r.relnamespace = c.relnamespace
  order by c.relname, r.relname`;

const typesOf = `
  select json_build_object('oid', t.oid::text, 'name', t.typname, 'builtin', t.typnamespace = 'pg_catalog'::regnamespace, 'kind', t.typtype, 'base', t.typbasetype::text, 'baseModifier', t.typtypmod,
    'items', t.typelem::text, 'labels', array(select e.enumlabel from pg_catalog.pg_enum e where e.enumtypid = t.oid order by e.enumsortorder),
    'attributes', coalesce((select json_agg(json_build_object('name', a.attname, 'type', a.atttypid::text, 'modifier', a.atttypmod) order by a.attnum)
      from pg_catalog.pg_attribute a where t.typtype = 'c' and a.attrelid = t.typrelid and a.attnum > 0 and not a.attisdropped), '[]'))
  from pg_catalog.pg_type t where t.oid in (
    with recursive used(oid) as (
      select a.atttypid from pg_catalog.pg_attribute a join pg_catalog.pg_class c on c.oid = a.attrelid where c.relnamespace = (select oid from pg_catalog.pg_namespace where nspname = $1) and a.attnum > 0
      union
      select x.oid from used u join pg_catalog.pg_type t on t.oid = u.oid cross join lateral (
        values (t.typbasetype), (t.typelem)
        union all select a.atttypid from pg_catalog.pg_attribute a where t.typtype = 'c' and a.attrelid = t.typrelid and a.attnum > 0 and not a.attisdropped) as x(oid)
      where x.oid <> 0)
    select oid from used)`;

interface ColumnRow {
  readonly table: string;
  readonly name: string;
  readonly type: string;
  readonly modifier: number;
  readonly cast: string;
  readonly declared: string;
  readonly required: boolean;
  /** `a`: always made by the database. `d`: by default. */
  readonly identity: string;
  readonly generated: string;
  readonly defaulted: boolean;
  readonly position: number;
  readonly partitioned: boolean;
  readonly triggers: boolean;
}

/** The tables of a schema. */
export async function catalogOf(query: Query, schema: string, modified: string | undefined): Promise<Catalog> {
  const rows = async <T>(text: string): Promise<readonly T[]> => (await query(text, [schema])).map(([json]) => JSON.parse(json!) as T);
  const types = new Map((await rows<TypeRow>(typesOf)).map((type) => [type.oid, type]));
  const columns = Map.groupBy(await rows<ColumnRow>(columnsOf), ({ table }) => table);
  const keys = Map.groupBy(await rows<{ readonly table: string; readonly positions: readonly number[] }>(keysOf), ({ table }) => table);
  const indexed = modified === undefined ? [] : await rows<{ readonly table: string; readonly column: string }>(indexedOf);
  const references = referencesAmong(await rows<Reference>(referencesOf));
  const tables: Table[] = [];
  const keyless: Catalog['keyless'][number][] = [];
  for (const [name, found] of columns) {
    const named = (keys.get(name) ?? []).map(({ positions }) => positions.map((position) => found.find((column) => column.position === position)));
    const key = named.find((parts) => parts.length > 0 && parts.every((column) => column?.required === true));
    if (!key) {
      keyless.push({ name, why: withoutKey });
      continue;
    }
    const table = tableOf({
      name, modified, key: key.map((column) => column!.name), partitioned: found[0]!.partitioned, triggers: found[0]!.triggers,
      toIndex: modified === undefined || indexed.some(({ table: of, column }) => of === name && column === modified) ? undefined : `CREATE INDEX ON ${quoted(schema)}.${quoted(name)} (${quoted(modified)})`,
      columns: found.map((column) => columnOf({
        name: column.name, native: column.cast, declared: column.declared, nullable: !column.required, codec: codecOf(column.type, column.modifier, types),
        // What is always made by the database may be given a value as it is inserted, but never be given another.
        computed: column.generated !== '' || (column.identity === 'a' && !key.includes(column)), filled: column.defaulted || column.identity !== '',
      })),
    });
    const why = disorderOf(table.columns, table.key);
    if (why === undefined) tables.push(table);
    else keyless.push({ name, why });
  }
  return { tables, keyless, references };
}
