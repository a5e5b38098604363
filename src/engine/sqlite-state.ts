import { chmodSync, closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { StatementSync } from 'node:sqlite';
import type { Base } from '../core/reconcile.ts';
import type { CachedResponse, ResponseCache } from '../lib/response-cache.ts';
import type { Digest, Stat, Version } from '../model/entry.ts';
import { SyncError } from '../model/errors.ts';
import type { FailureCode } from '../model/errors.ts';
import type { Key } from '../model/key.ts';
import type { Baseline, HashCache, LostValue, State } from './state.ts';

const format = 1;
const pageRows = 1000;
/** Bodies kept for conditional requests, in all. */
const responseBytes = 256 * 1024 * 1024;

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
  readonly #database: DatabaseSync;

  constructor(database: DatabaseSync) {
    this.#database = database;
    database.exec('pragma journal_mode = wal; pragma synchronous = normal; pragma foreign_keys = on');
    const { user_version: found } = database.prepare('pragma user_version').get() as { user_version: number };
    if (found > format) throw new SyncError('unsupported', `the state file was written by a later version (format ${found}, this one knows ${format})`, { hint: 'update syncline, or name another file with --state' });
    database.exec(`
      create table if not exists pairings (id integer primary key, name text not null unique);
      create table if not exists bases (pairing integer not null references pairings, key text not null, left text not null, right text not null, primary key (pairing, key)) without rowid;
      create table if not exists responses (store text not null, url text not null, etag text, last_modified text, content_type text, body blob not null, primary key (store, url));
      create table if not exists places (id integer primary key, identity text not null unique);
      create table if not exists hashes (place integer not null references places, key text not null, version text not null, digests text not null, primary key (place, key)) without rowid;
      create table if not exists fingerprints (identity text primary key, fingerprint text not null) without rowid;
      create table if not exists lost (pairing integer not null references pairings, at integer not null, key text not null, side text not null, document text not null);
      pragma user_version = ${format};`);
  }

  baseline(pairing: string): Baseline {
    return new SqliteBaseline(this.#database, this.#pairing(pairing));
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

  keepLost(pairing: string, { at, key, side, text }: LostValue): void {
    this.#database.prepare('insert into lost values (?, ?, ?, ?, ?)').run(this.#pairing(pairing), at, key, side, text);
  }

  lost(pairing: string): readonly LostValue[] {
    return this.#database.prepare('select at, key, side, document as text from lost where pairing = ? order by at, key').all(this.#pairing(pairing)) as unknown as LostValue[];
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
  /** Whether anything was ever remembered: a first run asks about every entry. */
  #stored: boolean;

  constructor(database: DatabaseSync, pairing: number) {
    this.#database = database;
    this.#pairing = pairing;
    this.#one = database.prepare('select key, left, right from bases where pairing = ? and key = ?');
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
    const set = this.#database.prepare('insert or replace into bases values (?, ?, ?, ?)');
    const remove = this.#database.prepare('delete from bases where pairing = ? and key = ?');
    inTransaction(this.#database, () => {
      for (const [key, base] of this.#pending) {
        if (base) set.run(this.#pairing, key, JSON.stringify(base.left), JSON.stringify(base.right));
        else remove.run(this.#pairing, key);
      }
    });
    this.#pending.clear();
    this.#stored = true;
  }

  #change(key: Key, base: Base | undefined): void {
    this.#pending.set(key, base);
    if (this.#pending.size >= pageRows) this.commit();
  }
}

/** All of `body` or nothing of it. */
function inTransaction(database: DatabaseSync, body: () => void): void {
  database.exec('begin immediate');
  try {
    body();
    database.exec('commit');
  } catch (error) {
    database.exec('rollback');
    throw error;
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

interface HashRow {
  readonly version: Version;
  readonly digests: string;
}

class SqliteHashes implements HashCache {
  readonly #database: DatabaseSync;
  readonly #place: number;
  readonly #one: StatementSync;
  readonly #pending = new Map<Key, { readonly version: Version; readonly digests: readonly Digest[] }>();
  #stored: boolean;

  constructor(database: DatabaseSync, place: number) {
    this.#database = database;
    this.#place = place;
    this.#one = database.prepare('select version, digests from hashes where place = ? and key = ?');
    this.#stored = database.prepare('select 1 from hashes where place = ? limit 1').get(place) !== undefined;
  }

  get(key: Key, version: Version): readonly Digest[] {
    const pending = this.#pending.get(key);
    if (pending) return pending.version === version ? pending.digests : [];
    if (!this.#stored) return [];
    const row = this.#one.get(this.#place, key) as HashRow | undefined;
    return row?.version === version ? toDigests(row.digests) : [];
  }

  set(key: Key, version: Version, digest: Digest): void {
    const others = this.get(key, version).filter(({ algorithm }) => algorithm !== digest.algorithm);
    this.#pending.set(key, { version, digests: [...others, digest] });
    if (this.#pending.size >= pageRows) this.commit();
  }

  commit(): void {
    if (this.#pending.size === 0) return;
    const set = this.#database.prepare('insert or replace into hashes values (?, ?, ?, ?)');
    inTransaction(this.#database, () => {
      for (const [key, { version, digests }] of this.#pending) set.run(this.#place, key, version, digests.map(({ algorithm, value }) => `${algorithm}:${value}`).join(' '));
    });
    this.#pending.clear();
    this.#stored = true;
  }
}

function toDigests(text: string): readonly Digest[] {
  return text.split(' ').map((one) => {
    const colon = one.indexOf(':');
    return { algorithm: one.slice(0, colon) as Digest['algorithm'], value: one.slice(colon + 1) };
  });
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
