import { setTimeout as sleep } from 'node:timers/promises';
import type { Connection } from 'mysql2/promise';
import { createConnection } from 'mysql2/promise';
import { instantText } from '../../src/stores/records/instants.ts';
import { mariadb } from '../services/mariadb.ts';
import { records } from './base.ts';
import type { Base, Use } from './base.ts';
import { tables } from './stamps.ts';
import type { Version } from './stamps.ts';

const micros = (column: string): string => `timestampdiff(microsecond, '1970-01-01', ${column})`;
const made = [
  ...tables.map((table) => `create table ${table} (id integer primary key, at datetime(6) not null, value text)`),
  'create table log (name text, id integer, at datetime(6))',
  'create table history (nth bigint auto_increment primary key, id integer, before_it bigint, at bigint)',
  `create trigger inserted after insert on watched for each row insert into history (id, at) values (new.id, ${micros('new.at')})`,
  `create trigger updated after update on watched for each row if new.at <> old.at or new.value <> old.value then insert into history (id, before_it, at) values (new.id, ${micros('old.at')}, ${micros('new.at')}); end if`,
  `create trigger deleted after delete on watched for each row insert into history (id, before_it) values (old.id, ${micros('old.at')})`,
];

/** A database of MariaDB with users who write at once, who hold their transactions open, roll them back, or are sent away in the middle. */
export async function inMariadb(): Promise<Base> {
  const { newDatabase, query } = await mariadb();
  const database = await newDatabase();
  for (const statement of made) await query(database, statement);
  return {
    endpoint: `${database}?collections=${tables.join()}`,
    users: 4,
    logged: async () => (await query(database, `select name, id, ${micros('at')} as micros from log`)).map((row): Version => ({ table: String(row['name']), id: Number(row['id']), micros: Number(row['micros']) })),
    held: async () => (await query(database, tables.map((table) => `select '${table}' as name, id, ${micros('at')} as micros, value from ${table}`).join(' union all '))).map((row) => ({ table: String(row['name']), id: Number(row['id']), micros: Number(row['micros']), value: String(row['value']) })),
    history: async () => (await query(database, 'select id, before_it, at from history order by nth')).map((row) => ({ table: 'watched', id: Number(row['id']), micros: Number(row['at'] ?? 0), before: row['before_it'] === null ? undefined : Number(row['before_it']) })),
    use: (use) => useDatabase(database, use),
    harass: async ({ random, signal, tally }) => {
      for (; !signal.aborted; await sleep(100 + random.below(500))) {
        for (const { id } of await query(database, 'select id from information_schema.processlist where db = database() and id <> connection_id() order by rand() limit 1')) {
          // It may have left by itself.
          tally.sentAway += await query(database, `kill ${String(id)}`).then(() => 1, () => 0);
        }
      }
    },
    async [Symbol.asyncDispose]() {},
  };
}

async function useDatabase(database: string, { random, signal, tally, put }: Use): Promise<void> {
  let connection: Connection | undefined;
  while (!signal.aborted) {
    try {
      const open = connection ??= await connected(database);
      await put(async (stamps, ids) => {
        const holdMs = random.chance(0.4) ? random.below(records.mostHeldMs) : 0;
        const times = stamps.map((stamp) => `'${instantText(stamp).slice(0, -1)}'`);
        await open.query('begin');
        for (const table of tables) {
          await open.query(`insert into ${table} (id, at, value) values ${ids.map((id, i) => `(${id}, ${times[i]!}, 'v${stamps[i]!}')`).join(', ')} on duplicate key update value = if(values(at) > at, values(value), value), at = greatest(at, values(at))`);
          await open.query(`insert into log select '${table}', id, at from ${table} where (id, at) in (${ids.map((id, i) => `(${id}, ${times[i]!})`).join(', ')})`);
        }
        if (holdMs > 0) {
          tally.late++;
          await sleep(holdMs);
        }
        await open.query(random.chance(0.1) ? 'rollback' : 'commit');
        tally.transactions++;
      });
    } catch {
      // It was sent away, or waited in a ring with others: what it did in this transaction has not happened.
      tally.broken++;
      connection?.destroy();
      connection = undefined;
    }
    await sleep(random.below(60));
  }
  await connection?.end().catch(() => {});
}

async function connected(database: string): Promise<Connection> {
  const connection = await createConnection({ uri: database });
  connection.on('error', () => {});
  return connection;
}
