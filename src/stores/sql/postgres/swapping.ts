import { setTimeout as pause } from 'node:timers/promises';
import { SyncError } from '../../../model/errors.ts';
import { swapSuffix } from '../fresh.ts';
import type { Replaced, Swapping } from '../fresh.ts';
import { quoted } from './catalog.ts';
import type { Query } from './catalog.ts';

/** Lends a connection and the schema in which tables are looked for. */
export type Session = <T>(task: (query: Query, schema: string) => Promise<T>) => Promise<T>;

const nameBytes = 63;
/** How long a swap waits for whoever holds a table, and how often it lets others pass and tries again. */
const lockWait = '3s';
const mostTries = 10;
const lookEveryMs = 100;
const longestWaitMs = 60_000;

// What depends on the table itself, and would go on depending on the old one, or be lost with it.
const obstaclesOf = `
  with t as (select c.* from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace where n.nspname = $1 and c.relname = $2)
  select 'it is partitioned' from t where relkind = 'p' or relispartition
  union all select 'other tables inherit from it, or it from them' from t where exists (select from pg_catalog.pg_inherits i where i.inhparent = t.oid or i.inhrelid = t.oid) and relkind <> 'p' and not relispartition
  union all select 'the foreign key ' || f.conname || ' of ' || f.conrelid::regclass from t join pg_catalog.pg_constraint f on f.contype = 'f' and (f.confrelid = t.oid or f.conrelid = t.oid) where f.conparentid = 0
  union all select 'the trigger ' || g.tgname from t join pg_catalog.pg_trigger g on g.tgrelid = t.oid where not g.tgisinternal
  union all select 'row security' from t where relrowsecurity or exists (select from pg_catalog.pg_policy p where p.polrelid = t.oid)
  union all select distinct case v.relkind when 'm' then 'the materialized view ' when 'v' then 'the view ' else 'a rule of ' end || v.oid::regclass from t join pg_catalog.pg_depend d on d.refobjid in (t.oid, t.reltype) and d.classid = 'pg_rewrite'::regclass join pg_catalog.pg_rewrite r on r.oid = d.objid join pg_catalog.pg_class v on v.oid = r.ev_class
  union all select distinct 'the function ' || d.objid::regprocedure from t join pg_catalog.pg_depend d on d.refobjid in (t.oid, t.reltype) and d.classid = 'pg_proc'::regclass
  union all select distinct 'the column ' || a.attname || ' of ' || a.attrelid::regclass from t join pg_catalog.pg_attribute a on a.atttypid in (t.reltype, (select typarray from pg_catalog.pg_type where oid = t.reltype)) and not a.attisdropped
  union all select 'the publication ' || p.pubname from t join pg_catalog.pg_publication_rel x on x.prrelid = t.oid join pg_catalog.pg_publication p on p.oid = x.prpubid
  union all select 'grants on the column ' || a.attname from t join pg_catalog.pg_attribute a on a.attrelid = t.oid and a.attacl is not null
  union all select 'its replica identity' from t where relreplident <> 'd'
  union all select 'its owner, ' || pg_get_userbyid(relowner) || ', who alone may rename it' from t where not pg_has_role(relowner, 'usage')`;

const tableOf = `
  select c.oid::text, c.relpersistence, coalesce(array_to_string(c.reloptions, ', '), ''), coalesce(s.spcname, ''), quote_ident(pg_get_userbyid(c.relowner)), (c.relowner = (select oid from pg_catalog.pg_roles where rolname = current_user))::text
  from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace left join pg_catalog.pg_tablespace s on s.oid = c.reltablespace where n.nspname = $1 and c.relname = $2`;

// A right that nobody has ever given or taken is that of the owner alone.
const grantsOf = `
  select case g.grantee when 0 then 'public' else quote_ident(pg_get_userbyid(g.grantee)) end, g.privilege_type, g.is_grantable::text
  from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace cross join aclexplode(c.relacl) g where n.nspname = $1 and c.relname = $2 and g.grantee <> c.relowner`;

// The definition without any name: what is the same index in two tables has the same text.
const indexesOf = `
  select i.indexrelid::regclass::text, x.relname, i.indexrelid::text, concat_ws(' ', k.contype, i.indisunique, i.indisprimary, i.indisreplident, regexp_replace(pg_get_indexdef(i.indexrelid), '^.*? USING ', ''))
  from pg_catalog.pg_index i join pg_catalog.pg_class x on x.oid = i.indexrelid join pg_catalog.pg_class c on c.oid = i.indrelid join pg_catalog.pg_namespace n on n.oid = c.relnamespace left join pg_catalog.pg_constraint k on k.conindid = i.indexrelid and k.conrelid = c.oid
  where n.nspname = $1 and c.relname = $2 order by x.oid`;

// Sequences that belong to a column: those of \`serial\` are shared by a copy, those of an identity are made anew.
const sequencesOf = `
  select a.attname, d.objid::regclass::text, (d.deptype = 'i')::text
  from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace join pg_catalog.pg_depend d on d.refobjid = c.oid and d.refclassid = 'pg_class'::regclass and d.classid = 'pg_class'::regclass and d.deptype in ('a', 'i')
  join pg_catalog.pg_class s on s.oid = d.objid and s.relkind = 'S' join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum = d.refobjsubid where n.nspname = $1 and c.relname = $2`;

/** Fresh tables in PostgreSQL: renamed in one transaction, and made with all that a table can be made like another with. */
export class PostgresSwapping implements Swapping {
  readonly #session: Session;

  constructor(session: Session) {
    this.#session = session;
  }

  async obstacles(name: string): Promise<readonly string[]> {
    const tooLong = Buffer.byteLength(name) + swapSuffix > nameBytes ? [`its name, which has no room for an ending of ${swapSuffix} letters`] : [];
    return await this.#session(async (query, schema) => [...tooLong, ...(await query(obstaclesOf, [schema, name])).map(([what]) => what!)]);
  }

  async makeLike(name: string, fresh: string): Promise<void> {
    await this.#session(async (query, schema) => {
      const [[, persistence = 'p', options = '', space = '', owner = '', own = 'true'] = []] = await query(tableOf, [schema, name]);
      const [from, to] = [`${quoted(schema)}.${quoted(name)}`, `${quoted(schema)}.${quoted(fresh)}`];
      await query('begin');
      try {
        await query(`create ${persistence === 'u' ? 'unlogged ' : ''}table ${to} (like ${from} including all)${options === '' ? '' : ` with (${options})`}${space === '' ? '' : ` tablespace ${quoted(space!)}`}`);
        const [wanted, given] = [await query(grantsOf, [schema, name]), await query(grantsOf, [schema, fresh])];
        for (const [grantee] of given) await query(`revoke all on ${to} from ${grantee}`);
        for (const [grantee, privilege, grantable] of wanted) await query(`grant ${privilege} on ${to} to ${grantee}${grantable === 'true' ? ' with grant option' : ''}`);
        if (own !== 'true') await query(`alter table ${to} owner to ${owner}`);
        await query('commit');
      } catch (cause) {
        await query('rollback');
        throw cause;
      }
    });
  }

  async mark(name: string): Promise<string> {
    return await this.#session((query, schema) => markOf(query, schema, name));
  }

  async swap(tables: readonly Replaced[]): Promise<string | undefined> {
    await this.#visible();
    for (let tries = 1; ; tries++) {
      try {
        return await this.#session((query, schema) => swapped(query, schema, tables));
      } catch (cause) {
        const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
        // Somebody reads for long, or waits for us: meanwhile others would queue up behind our wish for the table.
        if ((code !== '55P03' && code !== '40P01') || tries === mostTries) throw cause;
      }
    }
  }

  async drop(names: readonly string[]): Promise<void> {
    await this.#session(async (query, schema) => {
      for (const name of names) await query(`drop table if exists ${quoted(schema)}.${quoted(name)}`);
    });
  }

  /**
   * Waits until every transaction of the database sees the rows that were loaded. One that looks at the state of an earlier moment
   * would find the fresh table under the name, and no row in it.
   */
  async #visible(): Promise<void> {
    const blocked = await this.#session(async (query) => {
      const [[loaded = null] = []] = await query('select pg_current_xact_id()::text');
      for (let waitedMs = 0; ; waitedMs += lookEveryMs) {
        const [[who = null] = []] = await query(`select pid::text from pg_catalog.pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend' and age(backend_xmin) > age($1::xid) order by xact_start limit 1`, [String(BigInt(loaded!) % 2n ** 32n)]);
        if (who === undefined || who === null || waitedMs >= longestWaitMs) return who;
        await pause(lookEveryMs);
      }
    });
    if (blocked !== null) throw new SyncError('unavailable', `a transaction (process ${blocked}) has been open since before the fresh tables were filled, and would find them empty`, { hint: 'let it end, and run again' });
  }
}

/** The rows of a table, each with the transaction that wrote it. */
async function markOf(query: Query, schema: string, name: string): Promise<string> {
  const [[oid = null] = []] = await query(tableOf, [schema, name]);
  const [[mark = null] = []] = await query(`select concat_ws(' ', count(*), sum(hashtextextended(t.xmin::text || ' ' || t.ctid::text, 0)::numeric)) from ${quoted(schema)}.${quoted(name)} t`);
  return `${oid} ${mark}`;
}

async function swapped(query: Query, schema: string, tables: readonly Replaced[]): Promise<string | undefined> {
  const place = (name: string): string => `${quoted(schema)}.${quoted(name)}`;
  const replaced = tables.filter(({ mark }) => mark !== undefined).toSorted((a, b) => (a.name < b.name ? -1 : 1));
  await query('begin');
  try {
    await query(`set local lock_timeout = '${lockWait}'`);
    // From here nobody writes to them, while everybody may read.
    for (const { name } of replaced) await query(`lock table ${place(name)} in share row exclusive mode`);
    for (const { name, mark } of replaced) {
      if (await markOf(query, schema, name) === mark) continue;
      await query('rollback');
      return name;
    }
    for (const { name, fresh, old, mark } of tables) {
      if (mark !== undefined) {
        await handOver(query, schema, name, fresh);
        await query(`alter table ${place(name)} rename to ${quoted(old)}`);
      }
      await query(`alter table ${place(fresh)} rename to ${quoted(name)}`);
    }
    await query('commit');
    return undefined;
  } catch (cause) {
    await query('rollback');
    throw cause;
  }
}

/** Gives a fresh table what the old one has and a copy does not come with: sequences, where they stand, and the names of indexes. */
async function handOver(query: Query, schema: string, name: string, fresh: string): Promise<void> {
  const place = (table: string): string => `${quoted(schema)}.${quoted(table)}`;
  const made = new Map((await query(sequencesOf, [schema, fresh])).map(([column, sequence]) => [column, sequence!]));
  for (const [column, sequence, identity] of await query(sequencesOf, [schema, name])) {
    if (identity !== 'true') await query(`alter sequence ${sequence} owned by ${place(fresh)}.${quoted(column!)}`);
    else if (made.has(column!)) await query(`select setval('${made.get(column!)!.replaceAll("'", "''")}', last_value, is_called) from ${sequence}`);
  }
  const theirs = [...await query(indexesOf, [schema, fresh])];
  for (const [index, known, oid, definition] of await query(indexesOf, [schema, name])) {
    const twin = theirs.findIndex((each) => each[3] === definition);
    if (twin < 0) continue;
    const [[other] = []] = theirs.splice(twin, 1);
    await query(`alter index ${index} rename to syncline_old_${oid}`);
    await query(`alter index ${other} rename to ${quoted(known!)}`);
  }
}
