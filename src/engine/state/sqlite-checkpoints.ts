import type { DatabaseSync } from 'node:sqlite';
import { SyncError } from '../../model/errors.ts';
import { inTransaction } from './sqlite-rows.ts';
import type { Checkpoint, Checkpoints, Holder, Lock, Locks } from './state.ts';

/** Checkpoints in a table. */
export class SqliteCheckpoints implements Checkpoints {
  readonly #database: DatabaseSync;

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  get(configuration: string): Checkpoint | undefined {
    const found = this.#database.prepare('select configuration, name, until, at from checkpoints where configuration = ?').get(configuration) as Checkpoint | undefined;
    return found && { ...found };
  }

  set({ configuration, name, until, at }: Checkpoint, lock?: Lock): void {
    inTransaction(this.#database, () => {
      if (lock && !isHeld(this.#database, lock)) throw new SyncError('conflict', 'another run of this configuration has taken over', { hint: 'nothing is lost: it does what this one did not' });
      this.#database.prepare('insert or replace into checkpoints values (?, ?, ?, ?)').run(configuration, name, until, Math.floor(at));
    });
  }

  delete(configuration: string): boolean {
    return this.#database.prepare('delete from checkpoints where configuration = ?').run(configuration).changes > 0;
  }

  list(): readonly Checkpoint[] {
    const found = this.#database.prepare('select configuration, name, until, at from checkpoints order by name, configuration').all() as unknown as readonly Checkpoint[];
    return found.map((checkpoint) => ({ ...checkpoint }));
  }
}

/** Locks in a table. A lock that was given back leaves its token, so that no later one has it again. */
export class SqliteLocks implements Locks {
  readonly #database: DatabaseSync;

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  take(configuration: string, { holder, sinceMs, untilMs }: Holder, isGone: (holder: string) => boolean = (): boolean => false): Lock | Holder {
    let answer: Lock | Holder | undefined;
    inTransaction(this.#database, () => {
      const found = this.#database.prepare('select token, holder, since as sinceMs, until as untilMs from locks where configuration = ?').get(configuration) as (Holder & { readonly token: number }) | undefined;
      if (found && found.untilMs > sinceMs && !isGone(found.holder)) {
        answer = { holder: found.holder, sinceMs: found.sinceMs, untilMs: found.untilMs };
        return;
      }
      const token = (found?.token ?? 0) + 1;
      this.#database.prepare('insert or replace into locks values (?, ?, ?, ?, ?)').run(configuration, token, holder, Math.floor(sinceMs), Math.floor(untilMs));
      answer = { configuration, token };
    });
    return answer as Lock | Holder;
  }

  renew({ configuration, token }: Lock, untilMs: number): boolean {
    return this.#database.prepare('update locks set until = ? where configuration = ? and token = ? and until > 0').run(Math.floor(untilMs), configuration, token).changes > 0;
  }

  release({ configuration, token }: Lock): void {
    this.#database.prepare('update locks set until = 0 where configuration = ? and token = ?').run(configuration, token);
  }
}

function isHeld(database: DatabaseSync, { configuration, token }: Lock): boolean {
  return database.prepare('select 1 from locks where configuration = ? and token = ? and until > 0').get(configuration, token) !== undefined;
}
