import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Micros } from '../../model/entry.ts';
import type { Key } from '../../model/key.ts';
import { inTransaction, Rows } from './sqlite-rows.ts';
import type { Tombstone, Tombstones } from './state.ts';

const pageRows = 1_000;

/** Tombstones in a table. Changes are gathered, so that a slow run never holds the file's lock. */
export class SqliteTombstones implements Tombstones {
  readonly #database: DatabaseSync;
  readonly #pairing: number;
  readonly #sinceMs: number;
  readonly #pending = new Map<Key, Tombstone | undefined>();
  readonly #one: StatementSync;
  readonly #rows: Rows;
  #stored: boolean;

  constructor(database: DatabaseSync, pairing: number, sinceMs: number) {
    this.#database = database;
    this.#pairing = pairing;
    this.#sinceMs = Math.floor(sinceMs);
    this.#one = database.prepare('select key, at, noted as notedMs from tombstones where pairing = ? and key = ? and noted >= ?');
    this.#rows = new Rows(database, 'tombstones', 4);
    this.#stored = database.prepare('select 1 from tombstones where pairing = ? limit 1').get(pairing) !== undefined;
  }

  get isEmpty(): boolean {
    return !this.#stored && this.#pending.size === 0;
  }

  async *scan(): AsyncGenerator<readonly Tombstone[]> {
    const first = this.#database.prepare('select key, at, noted as notedMs from tombstones where pairing = ? and noted >= ? order by key limit ?');
    const next = this.#database.prepare('select key, at, noted as notedMs from tombstones where pairing = ? and noted >= ? and key > ? order by key limit ?');
    let rows = first.all(this.#pairing, this.#sinceMs, pageRows) as unknown as readonly Tombstone[];
    while (rows.length > 0) {
      yield rows;
      rows = rows.length < pageRows ? [] : (next.all(this.#pairing, this.#sinceMs, rows.at(-1)!.key, pageRows) as unknown as readonly Tombstone[]);
    }
  }

  get(key: Key): Micros | undefined {
    if (this.#pending.has(key)) return this.#pending.get(key)?.at;
    return this.#stored ? (this.#one.get(this.#pairing, key, this.#sinceMs) as Tombstone | undefined)?.at : undefined;
  }

  set(tombstone: Tombstone): void {
    const known = this.get(tombstone.key);
    if (known === undefined || known < tombstone.at) this.#change(tombstone.key, tombstone);
  }

  delete(key: Key): void {
    this.#change(key, undefined);
  }

  commit(): void {
    if (this.#pending.size === 0) return;
    const remove = this.#database.prepare('delete from tombstones where pairing = ? and key = ?');
    inTransaction(this.#database, () => {
      this.#rows.put([...this.#pending.values()].flatMap((tombstone) => (tombstone ? [[this.#pairing, tombstone.key, tombstone.at, Math.floor(tombstone.notedMs)]] : [])));
      for (const [key, tombstone] of this.#pending) if (!tombstone) remove.run(this.#pairing, key);
    });
    this.#pending.clear();
    this.#stored = true;
  }

  purge(): void {
    this.#database.prepare('delete from tombstones where pairing = ? and noted < ?').run(this.#pairing, this.#sinceMs);
  }

  #change(key: Key, tombstone: Tombstone | undefined): void {
    this.#pending.set(key, tombstone);
    if (this.#pending.size >= pageRows) this.commit();
  }
}
