import type { DatabaseSync } from 'node:sqlite';
import { SyncError } from '../../../model/errors.ts';
import type { Replaced, Swapping } from '../fresh.ts';
import { quoted } from './catalog.ts';

/** Runs a task with the connection that writes, when no other does. */
type Alone = <T>(task: (database: DatabaseSync) => T) => Promise<T>;

interface Part {
  readonly type: string;
  readonly name: string;
  readonly sql: string | null;
}

/** Fresh tables in SQLite: one transaction drops the old one and gives its name to the other. Views, and keys of others, go by names. */
export class SqliteSwapping implements Swapping {
  readonly #alone: Alone;

  constructor(alone: Alone) {
    this.#alone = alone;
  }

  async obstacles(name: string): Promise<readonly string[]> {
    return await this.#alone((database) => {
      const triggers = partsOf(database, name).filter(({ type }) => type === 'trigger').map((part) => `the trigger ${part.name}`);
      const keys = (database.prepare(`pragma foreign_key_list(${quoted(name)})`).all() as unknown as readonly { readonly table: string }[]).map(({ table }) => `the foreign key to ${table}`);
      const { sql = null } = partsOf(database, name).find(({ type }) => type === 'table') ?? {};
      return [...triggers, ...new Set(keys), ...(sql !== null && named(sql, 'x') === undefined ? ['the way in which it was made'] : [])];
    });
  }

  async makeLike(name: string, fresh: string): Promise<void> {
    await this.#alone((database) => {
      const { sql } = partsOf(database, name).find(({ type }) => type === 'table')!;
      database.exec(named(sql!, fresh)!);
    });
  }

  /** Changes when another connection has written anything. */
  async mark(): Promise<string> {
    return await this.#alone(versionOf);
  }

  async swap(tables: readonly Replaced[]): Promise<string | undefined> {
    return await this.#alone((database) => {
      const { foreign_keys: keys } = database.prepare('pragma foreign_keys').get() as { readonly foreign_keys: number };
      // What names the table means whichever has the name.
      database.exec('pragma foreign_keys = off; pragma legacy_alter_table = on; begin immediate');
      try {
        const changed = tables.find(({ mark }) => mark !== undefined && mark !== versionOf(database));
        if (changed) return changed.name;
        for (const table of tables) replace(database, table);
        if (keys === 1 && database.prepare('pragma foreign_key_check').all().length > 0) throw new SyncError('unsupported', `rows of other tables refer to what would be gone from ${tables.map(({ name }) => name).join(', ')}`, { hint: 'run without --swap' });
        database.exec('commit');
        return undefined;
      } finally {
        if (database.isTransaction) database.exec('rollback');
        database.exec(`pragma legacy_alter_table = off; pragma foreign_keys = ${keys}`);
      }
    });
  }

  async drop(names: readonly string[]): Promise<void> {
    await this.#alone((database) => {
      for (const name of names) database.exec(`drop table if exists main.${quoted(name)}`);
    });
  }
}

function replace(database: DatabaseSync, { name, fresh, mark }: Replaced): void {
  const indexes = mark === undefined ? [] : partsOf(database, name).flatMap(({ type, sql }) => (type === 'index' && sql !== null ? [sql] : []));
  const counts = database.prepare(`select 1 from sqlite_master where name = 'sqlite_sequence'`).get() !== undefined;
  const counted = counts ? (database.prepare('select seq from sqlite_sequence where name = ?').get(name) as { readonly seq: number } | undefined)?.seq : undefined;
  if (mark !== undefined) database.exec(`drop table main.${quoted(name)}`);
  database.exec(`alter table main.${quoted(fresh)} rename to ${quoted(name)}`);
  for (const index of indexes) database.exec(index);
  if (counted !== undefined) database.prepare('update sqlite_sequence set seq = max(seq, ?) where name = ?').run(counted, name);
}

function partsOf(database: DatabaseSync, name: string): readonly Part[] {
  return database.prepare('select type, name, sql from main.sqlite_master where tbl_name = ? collate nocase').all(name) as unknown as readonly Part[];
}

function versionOf(database: DatabaseSync): string {
  return String((database.prepare('pragma data_version').get() as { readonly data_version: number }).data_version);
}

/** The statement that makes a table, for another name; `undefined` where it cannot be read. */
function named(sql: string, name: string): string | undefined {
  const [matched] = /^create table (?:"(?:[^"]|"")+"|`(?:[^`]|``)+`|\[[^\]]+\]|'(?:[^']|'')+'|[^\s("'`[]+)/i.exec(sql) ?? [];
  return matched === undefined ? undefined : `create table main.${quoted(name)}${sql.slice(matched.length)}`;
}
