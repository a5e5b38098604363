import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { instantText } from '../../src/stores/records/instants.ts';
import type { Base } from './base.ts';
import { microsOf, tables } from './stamps.ts';
import type { Version } from './stamps.ts';

/** A file of SQLite with a user who writes while others do. */
export async function inSqlite(folder: string): Promise<Base> {
  const path = join(folder, 'there.sqlite');
  const database = new DatabaseSync(path, { timeout: 20_000 });
  database.function('micros', (text) => microsOf(String(text)));
  database.exec([
    'pragma journal_mode = wal', 'pragma synchronous = off',
    ...tables.map((table) => `create table ${table} (id integer primary key, at instant_text(6) not null, value text)`),
    'create table log (name text, id integer, at text)', 'create table history (nth integer primary key, id integer, before text, at text)',
    'create trigger inserted after insert on watched begin insert into history (id, at) values (new.id, new.at); end',
    'create trigger updated after update on watched begin insert into history (id, before, at) values (new.id, old.at, new.at); end',
    'create trigger deleted after delete on watched begin insert into history (id, before) values (old.id, old.at); end',
  ].join(';\n'));
  // Who looks is to see only what was committed.
  const looking = new DatabaseSync(path, { timeout: 20_000 });
  const rows = (sql: string): readonly { readonly [column: string]: unknown }[] => looking.prepare(sql).all() as { [column: string]: unknown }[];
  return {
    endpoint: `sqlite:${path}?collections=${tables.join()}`,
    users: 1,
    logged: async () => rows('select name, id, at from log').map(({ name, id, at }): Version => ({ table: String(name), id: Number(id), micros: microsOf(String(at)) })),
    held: async () => rows(tables.map((table) => `select '${table}' as name, id, at, value from ${table}`).join(' union all ')).map(({ name, id, at, value }) => ({ table: String(name), id: Number(id), micros: microsOf(String(at)), value: String(value) })),
    history: async () => rows('select id, before, at from history order by nth').map(({ id, before, at }) => ({ table: 'watched', id: Number(id), micros: at === null ? 0 : microsOf(String(at)), before: before === null ? undefined : microsOf(String(before)) })),
    use: async ({ random, signal, tally, put }) => {
      for (; !signal.aborted; await sleep(20 + random.below(150))) {
        await put(async (stamps, ids) => {
          database.exec('begin immediate');
          for (const [i, id] of ids.entries()) {
            const at = instantText(stamps[i]!);
            for (const table of tables) {
              const put = database.prepare(`insert into ${table} (id, at, value) values (?, ?, ?) on conflict (id) do update set at = excluded.at, value = excluded.value where micros(at) < micros(excluded.at) returning id`).all(id, at, `v${stamps[i]!}`);
              if (put.length > 0) database.prepare('insert into log values (?, ?, ?)').run(table, id, at);
            }
          }
          // Whoever waits for the file meanwhile goes on when it ends.
          await sleep(random.chance(0.3) ? random.below(100) : 0);
          database.exec(random.chance(0.1) ? 'rollback' : 'commit');
          tally.transactions++;
        });
      }
    },
    async [Symbol.asyncDispose]() {
      for (const open of [looking, database]) open.close();
    },
  };
}
