import type { Marks } from '../../records/changes.ts';
import type { Query } from './catalog.ts';

// Rows that were written are counted by the server anyway, and told of about a second after they were committed. To empty a
// table is not counted, and gives it a new file. What is written to a partition is written to its table.
const written = `
  select (select relname from pg_catalog.pg_class r where r.oid = coalesce(pg_catalog.pg_partition_root(c.oid), c.oid)),
    string_agg(concat_ws('/', c.oid, c.relfilenode, s.n_tup_ins, s.n_tup_upd, s.n_tup_del), ' ' order by c.oid)
  from pg_catalog.pg_class c left join pg_catalog.pg_stat_all_tables s on s.relid = c.oid
  where c.relnamespace = (select oid from pg_catalog.pg_namespace where nspname = $1) and c.relkind in ('r', 'p')
  group by 1`;

/** How much was ever written to each table of a schema. */
export async function marksOf(query: Query, schema: string): Promise<Marks> {
  return new Map((await query(written, [schema])).map(([name, mark]) => [name!, mark ?? '']));
}
