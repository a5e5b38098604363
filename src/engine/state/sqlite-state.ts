import { chmodSync, closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { StatementSync } from 'node:sqlite';
import type { Base } from '../../core/reconcile.ts';
import type { CachedResponse, ResponseCache } from '../../lib/response-cache.ts';
import type { Stat } from '../../model/entry.ts';
import { SyncError } from '../../model/errors.ts';
import type { FailureCode } from '../../model/errors.ts';
import type { Fact, Facts } from '../../model/facts.ts';
import type { Key } from '../../model/key.ts';
import { SqliteCheckpoints, SqliteLocks } from './sqlite-checkpoints.ts';
import { SqliteHashes } from './sqlite-hashes.ts';
import { SqliteHistory } from './sqlite-history.ts';
import { quarantineTables, SqliteQuarantines } from './sqlite-quarantine.ts';
import { inTransaction, Rows } from './sqlite-rows.ts';
import { SqliteTombstones } from './sqlite-tombstones.ts';
import type { Baseline, HashCache, LostValue, State, Tombstones } from './state.ts';

const format = 1;
const pageRows = 1000;
/** Pages of 4 KiB that are gathered before they go to where they belong and to the disk, which takes longer than the writing. */
const checkpointPages = 4_000;
/** Bodies kept for conditional requests, in all. */
const responseBytes = 256 * 1024 * 1024;
/** Values that lost and are kept, of one pairing. */
const lostKept = 10_000;

/**
 * Opens the state file at `path`, making it (readable by its owner only) where there is none; without a path, in
 * memory. Throws `corrupt` on a file that is not ours, `unsupported` on one from a later version.
 */
export function openState(path: string | undefined): State {
  if (path === undefined) return new SqliteState(new DatabaseSync(':memory:'));
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    closeSync(openSync(path, 'a', 0o600));
    chmodSync(path, 0o600);
    return new SqliteState(new DatabaseSync(path, { timeout: 10_000 }));
  } catch (cause) {
    if (cause instanceof SyncError) throw cause;
    throw new SyncError(failureOf(cause), `cannot use the state file ${path} (${cause instanceof Error ? cause.message : String(cause)})`, { cause, hint: 'name another with --state, or move this one away: everything in it can be learned again' });
  }
}

/** Result codes of SQLite (sqlite.org/rescode.html) that say more of the machine than of the file. */
const machineTroubles: { readonly [code: number]: FailureCode } = { 5: 'unavailable', 6: 'unavailable', 8: 'denied', 10: 'unavailable', 13: 'unavailable', 14: 'denied' };

function failureOf(cause: unknown): FailureCode {
  const { code, errcode } = cause as { readonly code?: unknown; readonly errcode?: unknown };
  if (typeof errcode === 'number') return machineTroubles[errcode & 0xff] ?? 'corrupt';
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') return 'denied';
  return code === 'ENOSPC' || code === 'EDQUOT' || code === 'EIO' ? 'unavailable' : 'corrupt';
}

class SqliteState implements State {
  readonly checkpoints: SqliteCheckpoints;
  readonly locks: SqliteLocks;
  readonly history: SqliteHistory;
  readonly quarantines: SqliteQuarantines;
  readonly #database: DatabaseSync;

  constructor(database: DatabaseSync) {
    this.#database = database;
    database.exec(`pragma journal_mode = wal; pragma synchronous = normal; pragma wal_autocheckpoint = ${checkpointPages}; pragma foreign_keys = on`);
    const { user_version: found } = database.prepare('pragma user_version').get() as { user_version: number };
    if (found > format) throw new SyncError('unsupported', `the state file was written by a later version (format ${found}, this one knows ${format})`, { hint: 'update syncline, or name another file with --state' });
    database.exec(`
      create table if not exists pairings (id integer primary key, name text not null unique);
      create table if not exists bases (pairing integer not null references pairings, key text not null, left text not null, right text not null, primary key (pairing, key)) without rowid;
      create table if not exists tombstones (pairing integer not null references pairings, key text not null, at integer not null, noted integer not null, primary key (pairing, key)) without rowid;
      create table if not exists responses (store text not null, url text not null, etag text, last_modified text, content_type text, body blob not null, primary key (store, url));
      create table if not exists places (id integer primary key, identity text not null unique);
      create table if not exists hashes (place integer not null references places, key text not null, version text not null, digests text not null, primary key (place, key)) without rowid;
      create table if not exists fingerprints (identity text primary key, fingerprint text not null) without rowid;
      create table if not exists refusals (identity text primary key, held integer not null) without rowid;
      create table if not exists facts (identity text not null, name text not null, fact text not null, at integer not null, primary key (identity, name)) without rowid;
      create table if not exists checkpoints (configuration text primary key, name text not null, until integer not null, at integer not null) without rowid;
      create table if not exists locks (configuration text primary key, token integer not null, holder text not null, since integer not null, until integer not null) without rowid;
      create table if not exists runs (id integer primary key, configuration text not null, name text not null, started integer not null, ended integer, exit integer, counts text, errors text);
      create index if not exists runs_of on runs (configuration, id);
      create table if not exists lost (pairing integer not null references pairings, at integer not null, key text not null, side text not null, document text not null);
      ${quarantineTables}
      pragma user_version = ${format};`);
    this.checkpoints = new SqliteCheckpoints(database);
    this.locks = new SqliteLocks(database);
    this.history = new SqliteHistory(database);
    this.quarantines = new SqliteQuarantines(database);
  }

  baseline(pairing: string): Baseline {
    return new SqliteBaseline(this.#database, this.#pairing(pairing));
  }

  tombstones(pairing: string, sinceMs: number): Tombstones {
    return new SqliteTombstones(this.#database, this.#pairing(pairing), sinceMs);
  }

  responses(identity: string): ResponseCache {
    return new SqliteResponses(this.#database, identity);
  }

  hashes(identity: string): HashCache {
    this.#database.prepare('insert or ignore into places (identity) values (?)').run(identity);
    const { id } = this.#database.prepare('select id from places where identity = ?').get(identity) as { id: number };
    return new SqliteHashes(this.#database, id);
  }

  fingerprint(identity: string): string | undefined {
    return (this.#database.prepare('select fingerprint from fingerprints where identity = ?').get(identity) as { fingerprint: string } | undefined)?.fingerprint;
  }

  setFingerprint(identity: string, fingerprint: string): void {
    this.#database.prepare('insert or replace into fingerprints values (?, ?)').run(identity, fingerprint);
  }

  heldAtRefusal(identity: string): number | undefined {
    return (this.#database.prepare('select held from refusals where identity = ?').get(identity) as { held: number } | undefined)?.held;
  }

  setHeldAtRefusal(identity: string, held: number | undefined): void {
    if (held === undefined) this.#database.prepare('delete from refusals where identity = ?').run(identity);
    else this.#database.prepare('insert or replace into refusals values (?, ?)').run(identity, held);
  }

  facts(identity: string): Facts {
    const get = this.#database.prepare('select fact as text, at from facts where identity = ? and name = ?');
    return {
      get: (name) => get.get(identity, name) as Fact | undefined,
      set: (name, fact) => {
        if (fact) this.#database.prepare('insert or replace into facts values (?, ?, ?, ?)').run(identity, name, fact.text, fact.at);
        else this.#database.prepare('delete from facts where identity = ? and name = ?').run(identity, name);
      },
    };
  }

  keepLost(pairing: string, { at, key, side, text }: LostValue): void {
    const of = this.#pairing(pairing);
    const { lastInsertRowid: nth } = this.#database.prepare('insert into lost values (?, ?, ?, ?, ?)').run(of, at, key, side, text);
    // To look for what is too many takes longer than to keep a few more.
    if (Number(nth) % 100 === 0) this.#database.prepare('delete from lost where pairing = ? and rowid <= (select rowid from lost where pairing = ? order by rowid desc limit 1 offset ?)').run(of, of, lostKept);
  }

  lost(pairing: string): readonly LostValue[] {
    return this.#database.prepare('select at, key, side, document as text from lost where pairing = ? order by at, key').all(this.#pairing(pairing)) as unknown as LostValue[];
  }

  *allLost(key?: Key): Generator<LostValue & { readonly pairing: string }> {
    const select = this.#database.prepare('select name as pairing, at, key, side, document as text from lost join pairings on id = pairing where ?1 is null or key = ?1 order by at, key');
    for (const row of select.iterate(key ?? null)) yield { ...row } as unknown as LostValue & { readonly pairing: string };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#database.isOpen) this.#database.close();
  }

  #pairing(name: string): number {
    this.#database.prepare('insert or ignore into pairings (name) values (?)').run(name);
    return (this.#database.prepare('select id from pairings where name = ?').get(name) as { id: number }).id;
  }
}

/** Changes are gathered in memory and written in one short transaction, so that a slow run never holds the file's lock. */
class SqliteBaseline implements Baseline {
  readonly #database: DatabaseSync;
  readonly #pairing: number;
  readonly #pending = new Map<Key, Base | undefined>();
  readonly #one: StatementSync;
  readonly #rows: Rows;
  /** Whether anything was ever remembered: a first run asks about every entry. */
  #stored: boolean;

  constructor(database: DatabaseSync, pairing: number) {
    this.#database = database;
    this.#pairing = pairing;
    this.#one = database.prepare('select key, left, right from bases where pairing = ? and key = ?');
    this.#rows = new Rows(database, 'bases', 4);
    this.#stored = database.prepare('select 1 from bases where pairing = ? limit 1').get(pairing) !== undefined;
  }

  async *scan(): AsyncGenerator<readonly Base[]> {
    const select = this.#database.prepare('select key, left, right from bases where pairing = ? and key > ? order by key limit ?');
    const first = this.#database.prepare('select key, left, right from bases where pairing = ? order by key limit ?');
    let rows = first.all(this.#pairing, pageRows) as unknown as readonly BaseRow[];
    while (rows.length > 0) {
      yield rows.map(toBase);
      rows = rows.length < pageRows ? [] : (select.all(this.#pairing, rows.at(-1)!.key, pageRows) as unknown as readonly BaseRow[]);
    }
  }

  get(key: Key): Base | undefined {
    if (this.#pending.has(key)) return this.#pending.get(key);
    if (!this.#stored) return undefined;
    const row = this.#one.get(this.#pairing, key) as BaseRow | undefined;
    return row && toBase(row);
  }

  set(base: Base): void {
    this.#change(base.key, base);
  }

  delete(key: Key): void {
    this.#change(key, undefined);
  }

  commit(): void {
    if (this.#pending.size === 0) return;
    const remove = this.#database.prepare('delete from bases where pairing = ? and key = ?');
    inTransaction(this.#database, () => {
      this.#rows.put([...this.#pending].flatMap(([key, base]) => (base ? [[this.#pairing, key, JSON.stringify(base.left), JSON.stringify(base.right)]] : [])));
      for (const [key, base] of this.#pending) if (!base) remove.run(this.#pairing, key);
    });
    this.#pending.clear();
    this.#stored = true;
  }

  #change(key: Key, base: Base | undefined): void {
    this.#pending.set(key, base);
    if (this.#pending.size >= pageRows) this.commit();
  }
}

interface BaseRow {
  readonly key: Key;
  readonly left: string;
  readonly right: string;
}

function toBase({ key, left, right }: BaseRow): Base {
  return { key, left: JSON.parse(left) as Stat, right: JSON.parse(right) as Stat };
}

interface ResponseRow {
  readonly etag: string | null;
  readonly last_modified: string | null;
  readonly content_type: string | null;
  readonly body: Uint8Array;
}

class SqliteResponses implements ResponseCache {
  readonly #database: DatabaseSync;
  readonly #store: string;
  #stored = 0;

  constructor(database: DatabaseSync, store: string) {
    this.#database = database;
    this.#store = store;
    const { bytes } = database.prepare('select coalesce(sum(length(body)), 0) as bytes from responses').get() as { bytes: number };
    this.#stored = bytes;
  }

  get(key: string): CachedResponse | undefined {
    const row = this.#database.prepare('select etag, last_modified, content_type, body from responses where store = ? and url = ?').get(this.#store, key) as ResponseRow | undefined;
    if (!row) return undefined;
    const { etag, last_modified: lastModified, content_type: contentType, body } = row;
    return { body, ...(etag === null ? {} : { etag }), ...(lastModified === null ? {} : { lastModified }), ...(contentType === null ? {} : { contentType }) };
  }

  set(key: string, { etag, lastModified, contentType, body }: CachedResponse): void {
    // Forgetting everything now and then is enough: what is asked again is remembered again.
    if (this.#stored + body.length > responseBytes) {
      this.#database.exec('delete from responses');
      this.#stored = 0;
    }
    this.#stored += body.length;
    this.#database.prepare('insert or replace into responses values (?, ?, ?, ?, ?, ?)').run(this.#store, key, etag ?? null, lastModified ?? null, contentType ?? null, body);
  }
}
