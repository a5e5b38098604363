import { setTimeout as pause } from 'node:timers/promises';
import type { PoolConnection } from 'mysql2';
import { swapSuffix } from '../fresh.ts';
import type { Replaced, Swapping } from '../fresh.ts';
import { quoted } from './catalog.ts';
import { rowsOf } from './sessions.ts';
import type { Sessions } from './sessions.ts';

const nameCharacters = 64;
/** How long a swap waits for whoever uses a table, in seconds, before it lets others pass and tries again. */
const lockWait = 5;
const mostTries = 10;
const lookEveryMs = 20;
const lockTimeout = 1205;

const obstaclesOf = (name: string): string => `
  select concat('the trigger ', trigger_name) from information_schema.triggers where event_object_schema = database() and event_object_table = ${name}
  union all select concat('the foreign key ', constraint_name, ' of ', table_name) from information_schema.key_column_usage where referenced_table_name is not null and ((table_schema = database() and table_name = ${name}) or (referenced_table_schema = database() and referenced_table_name = ${name}))`;

/** Fresh tables in MySQL and MariaDB: renamed by one statement. Views, events and rights go by names there, and find the new table. */
export class MysqlSwapping implements Swapping {
  readonly #sessions: Sessions;

  constructor(sessions: Sessions) {
    this.#sessions = sessions;
  }

  async obstacles(name: string): Promise<readonly string[]> {
    const tooLong = name.length + swapSuffix > nameCharacters ? [`its name, which has no room for an ending of ${swapSuffix} letters`] : [];
    const found = await this.#sessions.use(async (connection) => await rowsOf(connection, obstaclesOf(this.#sessions.escape(name))));
    return [...tooLong, ...found.map(([what]) => what!)];
  }

  async makeLike(name: string, fresh: string): Promise<void> {
    await this.#sessions.use(async (connection) => {
      await rowsOf(connection, `create table ${quoted(fresh)} like ${quoted(name)}`);
      const [[, text = null] = []] = await rowsOf(connection, `show create table ${quoted(name)}`);
      const next = /^\).* AUTO_INCREMENT=(\d+)/m.exec(text ?? '')?.[1];
      if (next !== undefined) await rowsOf(connection, `alter table ${quoted(fresh)} auto_increment = ${next}`);
    });
  }

  async mark(name: string): Promise<string> {
    return await this.#sessions.use((connection) => markOf(connection, name));
  }

  async swap(tables: readonly Replaced[]): Promise<string | undefined> {
    for (let tries = 1; ; tries++) {
      const { tooLate, changed } = await this.#swapped(tables);
      if (!tooLate) return changed;
      if (tries === mostTries) throw Object.assign(new Error(`the tables were in use for ${mostTries * lockWait} seconds`), { errno: lockTimeout, sqlState: 'HY000' });
    }
  }

  async drop(names: readonly string[]): Promise<void> {
    if (names.length > 0) await this.#sessions.use(async (connection) => await rowsOf(connection, `drop table if exists ${names.map(quoted).join(', ')}`));
  }

  async #swapped(tables: readonly Replaced[]): Promise<{ readonly tooLate: boolean; readonly changed?: string }> {
    const replaced = tables.filter(({ mark }) => mark !== undefined);
    const moves = tables.flatMap(({ name, fresh, old, mark }) => [...(mark === undefined ? [] : [`${quoted(name)} to ${quoted(old)}`]), `${quoted(fresh)} to ${quoted(name)}`]);
    return await this.#sessions.use(async (holding) => await this.#sessions.use(async (renaming) => {
      await rowsOf(renaming, `set session lock_wait_timeout = ${lockWait}`);
      if (replaced.length > 0) {
        await rowsOf(holding, `set session lock_wait_timeout = ${lockWait}`);
        try {
          // From here nobody writes to them, while everybody may read.
          await rowsOf(holding, `lock tables ${replaced.map(({ name }) => `${quoted(name)} read`).join(', ')}`);
        } catch (cause) {
          if (isTooLate(cause)) return { tooLate: true };
          throw cause;
        }
      }
      try {
        for (const { name, mark } of replaced) if (await markOf(holding, name) !== mark) return { tooLate: false, changed: name };
        const [[id = null] = []] = await rowsOf(renaming, 'select connection_id()');
        const renamed = rowsOf(renaming, `rename table ${moves.join(', ')}`).then((): undefined => undefined, (cause: unknown) => ({ cause }));
        // Whoever waits to write comes after a renaming that waits, so that nothing is written between the look and the change.
        if (replaced.length > 0) await this.#waiting(id!);
        await rowsOf(holding, 'unlock tables');
        const failed = await renamed;
        if (failed === undefined) return { tooLate: false };
        if (isTooLate(failed.cause)) return { tooLate: true };
        throw failed.cause;
      } finally {
        await rowsOf(holding, 'unlock tables').catch(() => {});
        for (const connection of [holding, renaming]) await rowsOf(connection, 'set session lock_wait_timeout = default').catch(() => {});
      }
    }));
  }

  /** Resolves when a connection waits for others to let go of a table, or has not come to that for a second. */
  async #waiting(id: string): Promise<void> {
    await this.#sessions.use(async (connection) => {
      for (let waitedMs = 0; waitedMs < 1_000; waitedMs += lookEveryMs) {
        const [[state = null] = []] = await rowsOf(connection, `select state from information_schema.processlist where id = ${id}`);
        if (state?.startsWith('Waiting for table') === true) return;
        await pause(lookEveryMs);
      }
    });
  }
}

async function markOf(connection: PoolConnection, name: string): Promise<string> {
  const [[, checksum = null] = []] = await rowsOf(connection, `checksum table ${quoted(name)}`);
  return String(checksum);
}

function isTooLate(cause: unknown): boolean {
  return cause instanceof Error && 'errno' in cause && cause.errno === lockTimeout;
}
