import type { DatabaseSync } from 'node:sqlite';
import type { Counts } from '../types.ts';
import { inTransaction } from './sqlite-rows.ts';
import type { History, PastRun, RunEnd } from './state.ts';

/** Runs of one configuration that are remembered. */
const kept = 1_000;

interface Row {
  readonly configuration: string;
  readonly name: string;
  readonly started: number;
  readonly ended: number | null;
  readonly exit: number | null;
  readonly counts: string | null;
  readonly errors: string | null;
}

/** Past runs in a table. */
export class SqliteHistory implements History {
  readonly #database: DatabaseSync;

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  begin({ configuration, name, startMs }: Omit<PastRun, 'ended'>): (end: RunEnd) => void {
    let id: number | bigint = 0;
    inTransaction(this.#database, () => {
      id = this.#database.prepare('insert into runs (configuration, name, started) values (?, ?, ?)').run(configuration, name, Math.floor(startMs)).lastInsertRowid;
      this.#database.prepare('delete from runs where configuration = ? and id <= (select id from runs where configuration = ? order by id desc limit 1 offset ?)').run(configuration, configuration, kept);
    });
    return ({ endMs, exitCode, counts, errors }) => {
      this.#database.prepare('update runs set ended = ?, exit = ?, counts = ?, errors = ? where id = ?').run(Math.floor(endMs), exitCode, counts ? JSON.stringify(counts) : null, JSON.stringify(errors), id);
    };
  }

  list({ which, limit }: { readonly which?: string | undefined; readonly limit: number }): readonly PastRun[] {
    const rows = which === undefined
      ? this.#database.prepare('select * from runs order by id desc limit ?').all(limit)
      : this.#database.prepare('select * from runs where configuration = ? or name = ? order by id desc limit ?').all(which, which, limit);
    return (rows as unknown as readonly Row[]).toReversed().map(asRun);
  }

  last(configuration: string): PastRun | undefined {
    const row = this.#database.prepare('select * from runs where configuration = ? order by id desc limit 1').get(configuration) as Row | undefined;
    return row && asRun(row);
  }
}

function asRun({ configuration, name, started, ended, exit, counts, errors }: Row): PastRun {
  const end = ended === null || exit === null ? undefined : { endMs: ended, exitCode: exit, ...(counts !== null && { counts: JSON.parse(counts) as Counts }), errors: JSON.parse(errors ?? '[]') as readonly string[] };
  return { configuration, name, startMs: started, ...(end && { ended: end }) };
}
