import pg from 'pg';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from '../../src/testing/random.ts';
import { instantText } from '../../src/stores/records/instants.ts';
import { postgres } from '../services/postgres.ts';
import type { Base, Tally, Use } from './base.ts';
import { records } from './base.ts';
import { tables } from './stamps.ts';
import type { Version } from './stamps.ts';

const micros = (column: string): string => `(extract(epoch from ${column}) * 1000000)::bigint::text`;
const made = [
  ...tables.map((table) => `create table ${table} (id integer primary key, at timestamptz not null, value text)`),
  'create table log (name text, id integer, at timestamptz)',
  'create table history (nth bigserial, id integer, before timestamptz, at timestamptz, who text)',
  `create function note() returns trigger language plpgsql as $$ begin insert into history (id, before, at, who) values (coalesce(new.id, old.id), old.at, new.at, current_setting('application_name')); return null; end $$`,
  'create trigger noted after insert or update or delete on watched for each row execute function note()',
];

/** A database of PostgreSQL with users who write at once, who hold their transactions open, roll them back, or are sent away in the middle. */
export async function inPostgres(): Promise<Base> {
  const { newDatabase, query } = await postgres();
  const database = await newDatabase();
  await query(database, made.join(';\n'));
  return {
    endpoint: `${database}?collections=${tables.join()}`,
    users: 5,
    logged: async () => (await query(database, `select name, id, ${micros('at')} as micros from log`)).map((row): Version => ({ table: String(row['name']), id: Number(row['id']), micros: Number(row['micros']) })),
    held: async () => (await query(database, tables.map((table) => `select '${table}' as table, id, ${micros('at')} as micros, value from ${table}`).join(' union all '))).map((row) => ({ table: String(row['table']), id: Number(row['id']), micros: Number(row['micros']), value: String(row['value']) })),
    history: async () => (await query(database, `select id, ${micros('before')} as before, ${micros('at')} as at, who from history order by nth`)).map(({ id, before, at, who }) => ({
      table: 'watched', id: Number(id), micros: at === null ? 0 : Number(at), before: before === null ? undefined : Number(before), who: String(who),
    })),
    use: (use) => useDatabase(database, use),
    harass: async ({ random, signal, tally }) => {
      for (; !signal.aborted; await sleep(100 + random.below(500))) {
        const victims = random.chance(0.3) ? "application_name = 'syncline'" : "application_name = 'user'";
        const sent = await query(database, `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and ${victims} order by random() limit 1`);
        tally.sentAway += sent.length;
      }
    },
    async [Symbol.asyncDispose]() {},
  };
}

async function useDatabase(database: string, { random, signal, tally, put }: Use): Promise<void> {
  let client: pg.Client | undefined;
  while (!signal.aborted) {
    try {
      client ??= await connected(database);
      await put(async (stampsAt, ids) => await transaction(client!, { random, stampsAt, ids, tally }));
    } catch {
      // It was sent away, or waited in a ring with others: what it did in this transaction has not happened.
      tally.broken++;
      await client?.end().catch(() => {});
      client = undefined;
    }
    await sleep(random.below(60));
  }
  await client?.end().catch(() => {});
}

async function connected(database: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: database, application_name: 'user' });
  client.on('error', () => {});
  await client.connect();
  return client;
}

/** One transaction of a user, who leaves what is newer alone. */
async function transaction(client: pg.Client, { random, stampsAt, ids, tally }: { readonly random: Random; readonly stampsAt: readonly number[]; readonly ids: readonly number[]; readonly tally: Tally }): Promise<void> {
  const holdMs = random.chance(0.4) ? random.below(records.mostHeldMs) : 0;
  await client.query('begin');
  const rows = ids.map((id, i) => `(${id}, '${instantText(stampsAt[i]!)}'::timestamptz, 'v${stampsAt[i]!}')`).join(', ');
  for (const table of tables) {
    await client.query(`with put as (insert into ${table} as t (id, at, value) values ${rows} on conflict (id) do update set at = excluded.at, value = excluded.value where t.at < excluded.at returning id, at) insert into log select '${table}', id, at from put`);
  }
  if (holdMs > 0) {
    tally.late++;
    await sleep(holdMs);
  }
  await client.query(random.chance(0.1) ? 'rollback' : 'commit');
  tally.transactions++;
}
