import type { Marks } from '../../records/changes.ts';
import type { Query } from './catalog.ts';

// To the second, so that within that second the next change looks like the last one: until it is over, each look tells of one.
const written = `
  select table_name, concat_ws('/', create_time, update_time, if(update_time >= now() - interval 1 second, now(6), null))
  from information_schema.tables where table_schema = database() and table_type in ('BASE TABLE', 'SYSTEM VERSIONED')`;

/** When each table of the database was last written to. */
export async function marksOf(query: Query, isMaria: boolean): Promise<Marks> {
  // MySQL would answer with what it knew a day ago.
  if (!isMaria) await query('set information_schema_stats_expiry = 0');
  return new Map((await query(written)).map(([name, mark]) => [name!, mark ?? '']));
}
