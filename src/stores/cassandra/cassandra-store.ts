import type { Collection } from '../../model/collection.ts';
import type { Entry, Micros, Ref } from '../../model/entry.ts';
import { SyncError, toSyncError } from '../../model/errors.ts';
import type { Key } from '../../model/key.ts';
import { keyOfWrite } from '../../model/store.ts';
import type { CallOptions, Capabilities, Outcome, Page, ScanOptions, Store, Write } from '../../model/store.ts';
import { partsOfKey } from '../records/record-keys.ts';
import { readRow, writeConditionally } from './conditional-writer.ts';
import type { Target } from './conditional-writer.ts';
import { canBeOfKey } from './cql-type.ts';
import { estimateRecords } from './estimate.ts';
import { createTable, makeTables } from './preparing.ts';
import { keyBytesOf, recordOf } from './records.ts';
import { TableScan } from './scan.ts';
import type { Session } from './session.ts';
import { statementsOf } from './statements.ts';
import type { Statements } from './statements.ts';
import { describeTable, readTables } from './tables.ts';
import type { Table, TableRules } from './tables.ts';
import { precisionOf } from './times.ts';
import { writeAtItsTime } from './timestamp-writer.ts';
import { writeVersion } from './version-writer.ts';

/** What a keyspace can do where no field is said to tell the time. */
export const cassandraCapabilities: Capabilities = {
  holds: 'documents',
  order: 'none',
  enumerates: 'all',
  // A row by itself takes as long as a hundred in a page.
  reads: 'dear',
  modifiedAt: 'none',
  modifiedAtPrecision: 1_000,
  digests: ['document'],
  expects: ['absent', 'version'],
  deletes: true,
  dependencies: 'ignored',
  visibility: 'immediate',
  limits: { batchEntries: 500, inFlight: 4, keyBytes: 65_535 },
};

/** Ranges of the ring that are read at once. */
const lanes = 4;

export interface CassandraStoreOptions {
  readonly session: Session;
  readonly identity: string;
  readonly rules: TableRules;
  /** Whether a table is one of those that were chosen, */
  readonly chosen: (table: string) => boolean;
  /** and the names of those that must be there. */
  readonly named: readonly string[];
  readonly conditions: 'lwt' | 'timestamp';
  readonly create: boolean;
  /** Whether a table that is named and not there is empty, for it will be made. */
  readonly missingIsEmpty: boolean;
}

interface Known {
  readonly table: Table;
  readonly statements: Statements;
}

/**
 * The tables of a Cassandra keyspace: rows are documents under `table/key`. A column that is NULL is absent from the
 * document, and a field that is null is written as NULL, but for columns that hold JSON. Static columns are part of each
 * row of their partition; a partition of which nothing else is left is no record.
 *
 * With `conditions: lwt` every write is a transaction of one row that the server decides: all expectations are enforced. With
 * `conditions: timestamp` each write carries its record's own time, so that the server keeps the newest of all that are
 * written in this way: cheaper, but only `older` is enforced, two that are written at once with one time may mix column by
 * column (which is answered as `stale`), and what others wrote by the clock hides what is written with an earlier
 * time. Where every version is a row, nothing is overwritten at all: `older` is enforced, the others are looked at just before.
 *
 * A window is searched by an index on the time where there is one. Rows without a time are in no index: they are
 * listed where a window has no beginning, and by whoever asks for everything.
 */
export class CassandraStore implements Store {
  readonly name: string;
  readonly identity: string;
  readonly #options: CassandraStoreOptions;
  #tables: Promise<ReadonlyMap<string, Known>> | undefined;
  #known: ReadonlyMap<string, Known> | undefined;
  #divisible: Promise<boolean> | undefined;

  constructor(options: CassandraStoreOptions) {
    this.name = options.session.name;
    this.identity = options.identity;
    this.#options = options;
  }

  get capabilities(): Capabilities {
    const { conditions, rules: { modified, modifiedUnit, versions } } = this.#options;
    const timed = this.#timed();
    const guess = versions === 'rows' ? 1 : cassandraCapabilities.modifiedAtPrecision;
    const older = modified === undefined ? [] : ['older' as const];
    const rows = timed.length === 0 ? versions === 'rows' : timed.some(({ versioned }) => versioned);
    return {
      ...cassandraCapabilities,
      modifiedAt: modified === undefined ? 'none' : 'kept',
      modifiedAtPrecision: timed.length === 0 ? guess : Math.max(...timed.map((table) => precisionOf(table.modified!, modifiedUnit))),
      expects: conditions === 'timestamp' || rows ? older : [...cassandraCapabilities.expects, ...older],
    };
  }

  async *scan({ signal, collections, window }: ScanOptions = {}): AsyncGenerator<Page> {
    signal?.throwIfAborted();
    const { session, named, missingIsEmpty } = this.#options;
    const tables = await this.#all();
    const absent = named.find((name) => !tables.has(name));
    if (absent !== undefined && !missingIsEmpty) throw this.#noTable(absent);
    const divisible = await this.#isDivisible();
    for (const { table } of this.#chosen(tables)) {
      if (collections && !collections.includes(table.name)) continue;
      const odd = table.key.find(({ type }) => !canBeOfKey(type));
      if (odd) yield { entries: [], problems: [{ place: `${this.name}, ${table.name}`, collection: table.name, error: this.#keyless(table.name, odd.name) }] };
      else yield* new TableScan({ session, table, lanes, divisible, window, signal }).pages();
    }
  }

  async read(refs: readonly Ref[], { signal }: CallOptions = {}): Promise<readonly (Entry | undefined)[]> {
    signal?.throwIfAborted();
    const tables = await this.#all();
    return await this.#options.session.gate.each(refs, async ({ key }) => {
      const known = tables.get(partsOfKey(key).collection);
      const keyBytes = known && this.#options.chosen(known.table.name) ? keyBytesOf(known.table, key) : undefined;
      return known && keyBytes && readRow(this.#target(known, signal), keyBytes, false);
    });
  }

  async write(batch: readonly Write[], { signal }: CallOptions = {}): Promise<readonly Outcome[]> {
    signal?.throwIfAborted();
    if (batch.length === 0) return [];
    let tables = await this.#all();
    // A table that is not known may have been made since.
    if (batch.some((write) => !tables.has(partsOfKey(keyOfWrite(write)).collection))) tables = await this.#all(true);
    const outcomes = new Array<Outcome>(batch.length);
    // Writes of one entry go one after the other, all else side by side.
    const byKey = Map.groupBy(batch.keys(), (i) => keyOfWrite(batch[i]!));
    await this.#options.session.gate.each([...byKey.values()], async (places) => {
      for (const i of places) outcomes[i] = await this.#writeOne(batch[i]!, tables, signal);
    });
    return outcomes;
  }

  async clock({ signal }: CallOptions = {}): Promise<Micros | undefined> {
    const { session } = this.#options;
    const { rows: [row] } = await session.run({ cql: 'SELECT toUnixTimestamp(now()) AS at FROM system.local', what: `read ${session.name}`, signal });
    const ms = Number(row?.['at']);
    return Number.isSafeInteger(ms) ? ms * 1_000 : undefined;
  }

  async estimate({ signal }: CallOptions = {}): Promise<number | undefined> {
    const { session, rules: { keyspace } } = this.#options;
    if (!await this.#isDivisible()) return undefined;
    return await estimateRecords(session, keyspace, this.#chosen(await this.#all()).map(({ table }) => table), signal);
  }

  /** The tables as they are, or those that were chosen. */
  async describe({ signal }: CallOptions = {}): Promise<readonly Collection[]> {
    signal?.throwIfAborted();
    return this.#chosen(await this.#all(true)).map(({ table }) => describeTable(table));
  }

  /** Tables that were not chosen are no part of this place. */
  covers({ key }: Ref): boolean {
    return this.#options.chosen(partsOfKey(key).collection);
  }

  async prepare(collections: readonly Collection[], { signal }: CallOptions = {}): Promise<void> {
    signal?.throwIfAborted();
    const statements = await this.#statementsFor(collections);
    if (statements.length === 0) return;
    await makeTables(this.#options.session, statements, signal);
    await this.#all(true);
  }

  async checkPrepare(collections: readonly Collection[], { signal }: CallOptions = {}): Promise<void> {
    signal?.throwIfAborted();
    await this.#statementsFor(collections);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#options.session.close();
  }

  /** What makes the tables that are missing. Throws where one of them cannot be, or none is to be made: nothing is made before it is certain that everything can be. */
  async #statementsFor(collections: readonly Collection[]): Promise<readonly string[]> {
    const { rules, create } = this.#options;
    const tables = await this.#all(true);
    const missing = collections.filter(({ name }) => !tables.has(name));
    if (missing.length === 0) return [];
    const untold = missing.find(({ fields }) => fields.length === 0);
    if (untold) throw this.#noTable(untold.name);
    // A table is made as those beside it are.
    const timed = this.#timed();
    const rows = rules.versions === 'rows' || (rules.versions === 'detect' && timed.length > 0 && timed.every(({ versioned }) => versioned));
    const statements = missing.map((collection) => createTable(collection, rules, rows, this.name));
    if (!create) throw new SyncError('not-found', `${this.name} has no table ${missing.map(({ name }) => name).join(', ')}`, { store: this.name, hint: `make it first: ${statements.join('; ')}` });
    return statements;
  }

  #keyless(table: string, column: string): SyncError {
    return new SyncError('unsupported', `the table ${table} has ${column} in its key, which holds several values at once, and no key of a record can`, { store: this.name, hint: 'choose other tables with collections=' });
  }

  async #writeOne(write: Write, tables: ReadonlyMap<string, Known>, signal: AbortSignal | undefined): Promise<Outcome> {
    const key = keyOfWrite(write);
    try {
      const known = this.#knownOf(key, tables);
      const { conditions } = this.#options;
      const record = write.kind === 'put' ? recordOf(known.table, write.entry, this.name) : undefined;
      const keyBytes = record?.keyBytes ?? keyBytesOf(known.table, key);
      // What cannot be a key is under none.
      if (!keyBytes) return write.expect && 'version' in write.expect ? { kind: 'stale', found: undefined } : { kind: 'done', stat: {} };
      if (known.table.counts) throw new SyncError('unsupported', `${key} cannot be deleted: ${known.table.name} holds counters, which do not come back from it`, { key, store: this.name });
      const put = known.table.versioned ? writeVersion : conditions === 'timestamp' ? writeAtItsTime : writeConditionally;
      return await put(this.#target(known, signal), key, keyBytes, record, write.expect, write.kind === 'delete' ? write.tombstone?.modifiedAt : undefined);
    } catch (cause) {
      return { kind: 'failed', error: toSyncError(cause, { key, store: this.name }) };
    }
  }

  #knownOf(key: Key, tables: ReadonlyMap<string, Known>): Known {
    const { limits: { keyBytes } } = cassandraCapabilities;
    if (key === '' || !key.isWellFormed() || Buffer.byteLength(key) > keyBytes) throw new SyncError('invalid', `${key.slice(0, 100)} is no key of ${this.name}`, { key, store: this.name, hint: `use well-formed Unicode of at most ${keyBytes} bytes` });
    const { collection } = partsOfKey(key);
    const known = tables.get(collection);
    if (!known || !this.#options.chosen(collection)) throw this.#noTable(collection, key);
    return known;
  }

  #noTable(name: string, key?: Key): SyncError {
    const what = key === undefined ? '' : `cannot write ${key}: `;
    return new SyncError(key === undefined ? 'not-found' : 'invalid', `${what}${this.name} has no table ${name}`, { store: this.name, ...(key !== undefined && { key }), hint: this.#options.chosen(name) ? 'make it first' : 'choose it by the option collections' });
  }

  #target({ table, statements }: Known, signal: AbortSignal | undefined): Target {
    return { session: this.#options.session, table, statements, signal };
  }

  #chosen(tables: ReadonlyMap<string, Known>): readonly Known[] {
    return [...tables.values()].filter(({ table }) => this.#options.chosen(table.name));
  }

  /** The chosen tables that tell times, as far as they are known yet. */
  #timed(): readonly Table[] {
    return [...this.#known?.values() ?? []].flatMap(({ table }) => table.modified && this.#options.chosen(table.name) ? [table] : []);
  }

  /** All tables by name, in order of their names. */
  #all(anew = false): Promise<ReadonlyMap<string, Known>> {
    if (anew) this.#tables = undefined;
    return (this.#tables ??= this.#readAll().catch((cause: unknown) => {
      this.#tables = undefined;
      throw cause;
    }));
  }

  async #readAll(): Promise<ReadonlyMap<string, Known>> {
    const { session, rules } = this.#options;
    const tables = await readTables(session, rules);
    if (!tables) {
      const hint = `make it first, for example by CREATE KEYSPACE "${rules.keyspace}" WITH replication = {'class': 'NetworkTopologyStrategy', 'replication_factor': 3}`;
      throw new SyncError('not-found', `there is no keyspace ${rules.keyspace} at ${this.name}`, { store: this.name, hint });
    }
    const known = [...tables.values()].sort((a, b) => (a.name < b.name ? -1 : 1)).map((table): [string, Known] => [table.name, { table, statements: statementsOf(table) }]);
    this.#known = new Map(known);
    for (const { versioned, name, modified } of this.#timed()) if (versioned) session.host.log('debug', `${name} of ${session.name}: every version of a record is a row, for ${modified!.name} is the last of its key`);
    return this.#known;
  }

  /** Whether the ring is one of 64-bit tokens, which can be cut into ranges. */
  #isDivisible(): Promise<boolean> {
    return (this.#divisible ??= this.#askForRing().catch((cause: unknown) => {
      this.#divisible = undefined;
      throw cause;
    }));
  }

  async #askForRing(): Promise<boolean> {
    const { session } = this.#options;
    const { rows } = await session.run({ cql: 'SELECT partitioner FROM system.local', what: `read the settings of ${session.name}` });
    return String(rows[0]?.['partitioner']).endsWith('Murmur3Partitioner');
  }
}
