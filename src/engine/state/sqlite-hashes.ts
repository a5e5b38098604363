import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Digest, Version } from '../../model/entry.ts';
import { compareKeys } from '../../model/key.ts';
import type { Key } from '../../model/key.ts';
import { inTransaction, Rows } from './sqlite-rows.ts';
import type { HashCache } from './state.ts';

/** Rows of one transaction. */
const pageRows = 1_000;

type HashRow = readonly [key: Key, version: Version, digests: string];

/** What was learned is gathered in memory and written in short transactions, as for a baseline. */
export class SqliteHashes implements HashCache {
  readonly #database: DatabaseSync;
  readonly #place: number;
  readonly #one: StatementSync;
  readonly #range: StatementSync;
  readonly #rows: Rows;
  readonly #remove: StatementSync;
  readonly #pending = new Map<Key, { readonly version: Version; readonly digests: readonly Digest[] }>();
  /** Keys to be forgotten. */
  readonly #gone = new Set<Key>();
  #stored: boolean;

  constructor(database: DatabaseSync, place: number) {
    this.#database = database;
    this.#place = place;
    this.#one = database.prepare('select key, version, digests from hashes where place = ? and key = ?');
    this.#range = database.prepare('select key, version, digests from hashes where place = ? and key between ? and ? order by key limit ?');
    for (const statement of [this.#one, this.#range]) statement.setReturnArrays(true);
    this.#remove = database.prepare('delete from hashes where place = ? and key = ?');
    this.#rows = new Rows(database, 'hashes', 4);
    this.#stored = database.prepare('select 1 from hashes where place = ? limit 1').get(place) !== undefined;
  }

  get(key: Key, version: Version): readonly Digest[] {
    return this.#digests(key, version, this.#stored ? this.#row(key) : undefined);
  }

  getAll(asked: readonly { readonly key: Key; readonly version?: Version }[]): readonly (readonly Digest[])[] {
    const rows = this.#stored ? this.#rowsOf(asked.map(({ key }) => key)) : [];
    return asked.map(({ key, version }, i) => (version === undefined ? [] : this.#digests(key, version, rows[i])));
  }

  set(key: Key, version: Version, digest: Digest): void {
    const pending = this.#pending.get(key);
    const others = pending?.version === version ? pending.digests.filter(({ algorithm }) => algorithm !== digest.algorithm) : [];
    this.#gone.delete(key);
    this.#pending.set(key, { version, digests: others.length === 0 ? [digest] : [...others, digest] });
    if (this.#pending.size >= pageRows) this.commit();
  }

  delete(key: Key): void {
    this.#pending.delete(key);
    if (this.#stored) this.#gone.add(key);
    if (this.#gone.size >= pageRows) this.commit();
  }

  commit(): void {
    if (this.#pending.size === 0 && this.#gone.size === 0) return;
    const keys = [...this.#pending.keys()];
    const rows = this.#stored ? this.#rowsOf(keys) : [];
    const written = keys.map((key, i) => {
      const { version } = this.#pending.get(key)!;
      return [this.#place, key, version, this.#digests(key, version, rows[i]).map(({ algorithm, value }) => `${algorithm}:${value}`).join(' ')];
    });
    inTransaction(this.#database, () => {
      for (const key of this.#gone) this.#remove.run(this.#place, key);
      this.#rows.put(written);
    });
    this.#gone.clear();
    this.#pending.clear();
    this.#stored = true;
  }

  /** What is known of one version: what was learned since the last commit, and of other algorithms what is stored. */
  #digests(key: Key, version: Version, row: HashRow | undefined): readonly Digest[] {
    const pending = this.#pending.get(key);
    if ((pending && pending.version !== version) || this.#gone.has(key)) return [];
    const stored = row?.[1] === version ? toDigests(row[2]) : [];
    if (pending && stored.length === 0) return pending.digests;
    return pending ? [...pending.digests, ...stored.filter(({ algorithm }) => pending.digests.every((one) => one.algorithm !== algorithm))] : stored;
  }

  #row(key: Key): HashRow | undefined {
    return this.#one.get(this.#place, key) as HashRow | undefined;
  }

  /** The row of each key, as far as there is one. */
  #rowsOf(keys: readonly Key[]): readonly (HashRow | undefined)[] {
    const [first, last] = [keys[0], keys.at(-1)];
    if (first === undefined || last === undefined) return [];
    if (keys.length < 8 || !areInOrder(keys)) return keys.map((key) => this.#row(key));
    // Of keys that lie next to each other nearly all rows are wanted; of keys far apart hardly any.
    const most = keys.length * 2;
    const found = this.#range.all(this.#place, first, last, most) as unknown as readonly HashRow[];
    let at = 0;
    return keys.map((key) => {
      while (at < found.length && found[at]![0] !== key && compareKeys(found[at]![0], key) < 0) at++;
      if (at < found.length) return found[at]![0] === key ? found[at++] : undefined;
      return found.length === most ? this.#row(key) : undefined;
    });
  }
}

function areInOrder(keys: readonly Key[]): boolean {
  for (let i = 1; i < keys.length; i++) if (compareKeys(keys[i - 1]!, keys[i]!) >= 0) return false;
  return true;
}

function toDigests(text: string): readonly Digest[] {
  return text.split(' ').map((one) => {
    const colon = one.indexOf(':');
    return { algorithm: one.slice(0, colon) as Digest['algorithm'], value: one.slice(colon + 1) };
  });
}
