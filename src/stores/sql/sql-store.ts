import type { Collection } from '../../model/collection.ts';
import { withoutContent } from '../../model/entry.ts';
import type { Entry, Ref } from '../../model/entry.ts';
import { SyncError } from '../../model/errors.ts';
import type { Host } from '../../model/host.ts';
import { compareKeys, joinKey } from '../../model/key.ts';
import type { Key } from '../../model/key.ts';
import type { Snapshot } from '../../model/ranges.ts';
import type { CallOptions, Capabilities, Fresh, Hint, Outcome, Page, Problem, ScanOptions, Source, Store, Write } from '../../model/store.ts';
import { keyOfWrite } from '../../model/store.ts';
import type { Twins, TwinsOptions } from '../../model/twins.ts';
import { changesIn } from '../records/changes.ts';
import type { Marks } from '../records/changes.ts';
import { chooser, namesIn } from '../records/chooser.ts';
import { keyed } from '../records/keyed.ts';
import { partsOfKey } from '../records/record-keys.ts';
import type { RecordOptions } from '../records/record-options.ts';
import { whyNotCreatable } from './creatable.ts';
import type { Catalog, Dialect } from './dialect.ts';
import { FreshTables, isOfSwap } from './fresh.ts';
import type { Swapping } from './fresh.ts';
import { entryOf, keyOfRow, rawKeys } from './records.ts';
import type { RangeSql } from './ranges.ts';
import { SqlSnapshot } from './sql-snapshot.ts';
import { withoutKey } from './table.ts';
import type { RawRow, Table } from './table.ts';
import { twinsOf } from './twins.ts';
import type { TwinStore } from './twins.ts';
import { Writing } from './writing.ts';

/** What the tables of every database can do; keys and batches differ. */
export const sqlCapabilities: Capabilities = {
  holds: 'documents', order: 'key', enumerates: 'all', reads: 'cheap',
  modifiedAt: 'none', modifiedAtPrecision: 1, digests: ['document'], expects: ['absent', 'version'],
  deletes: true, dependencies: 'ignored', visibility: 'immediate',
  limits: { batchEntries: 1_000, inFlight: 4, keyBytes: 1_024 },
};

/** A table that could be made anywhere, by whoever may make any. */
const probe: Collection = { name: '__syncline_new', fields: [{ name: 'id', type: { kind: 'integer', bits: 32 }, nullable: false }], key: ['id'] };

/** How often a database is asked whether something changed. */
const changesEveryMs = 500;

export interface SqlStoreOptions {
  readonly name: string;
  readonly identity: string;
  readonly dialect: Dialect;
  readonly records: RecordOptions;
  /** Hears what a run costs that need not. */
  readonly log?: Host['log'];
  /** Whether a table that is named and not there is empty, for it will be made. */
  readonly missingIsEmpty: boolean;
}

/**
 * The rows of the tables of a database, each a document under `<table>/<key>`. A column that is NULL is left out of the
 * document, and one that the document leaves out, or holds `null` for, is NULL; only a column of JSON tells `null` from NULL.
 */
export class SqlStore implements Store {
  readonly name: string;
  readonly identity: string;
  readonly capabilities: Capabilities;
  /** Only where some tables were chosen. */
  readonly covers?: (ref: Ref) => boolean;
  /** Only where there is a server. */
  readonly clock?: NonNullable<Store['clock']>;
  /** Only where the database can put tables in the place of others. */
  readonly fresh?: NonNullable<Store['fresh']>;
  /** Only where the database digests ranges. */
  readonly snapshot?: (options?: CallOptions) => Promise<Snapshot | undefined>;
  /** Only where the database tells of changes. */
  readonly watch?: (options: { readonly signal: AbortSignal }) => AsyncIterable<readonly Hint[]>;
  readonly #dialect: Dialect;
  readonly #records: RecordOptions;
  readonly #chosen: (collection: string) => boolean;
  readonly #log: Host['log'];
  /** The tables of which it was said what looking for a range in them costs. */
  readonly #told = new Set<string>();
  readonly #missingIsEmpty: boolean;
  readonly #writing: Writing;
  #catalog: Promise<Catalog> | undefined;
  #ended: Promise<void> | undefined;

  constructor({ name, identity, dialect, records, log = (): void => {}, missingIsEmpty }: SqlStoreOptions) {
    this.name = name;
    this.identity = identity;
    this.#dialect = dialect;
    this.#records = records;
    this.#log = log;
    this.#chosen = chooser(records.collections);
    if (records.collections !== undefined) this.covers = ({ key }) => this.#chosen(partsOfKey(key).collection);
    this.#missingIsEmpty = missingIsEmpty;
    if (dialect.clock) {
      this.clock = async () => await dialect.clock?.().catch((cause: unknown) => {
        throw dialect.failure(cause, `cannot read ${name}`);
      });
    }
    const { swapping } = dialect;
    if (swapping) this.fresh = (collections, options) => this.#fresh(collections, swapping, options);
    if (dialect.changes) this.watch = ({ signal }) => this.#changes(async () => await dialect.changes!(signal), signal);
    if (dialect.ranges) this.snapshot = async ({ signal } = {}) => await this.#snapshot(async () => await dialect.ranges!(signal), signal);
    const { inFlight, keyBytes } = dialect;
    this.capabilities = {
      ...sqlCapabilities,
      ...(records.modified !== undefined && { modifiedAt: 'kept', expects: ['absent', 'version', 'older'] }),
      limits: { ...sqlCapabilities.limits, inFlight, keyBytes },
    };
    this.#writing = new Writing({ name, dialect, keyBytes, unit: records.modifiedUnit, find: (table, keys, signal) => this.#find(table, keys, signal) });
  }

  async *scan({ want = 'stat', collections, except, under, window, signal }: ScanOptions = {}): AsyncGenerator<Page> {
    signal?.throwIfAborted();
    const below = under?.includes('') === false ? under.map((key) => partsOfKey(key).collection) : undefined;
    const asked = (name: string): boolean => collections?.includes(name) !== false && below?.includes(name) !== false && except?.includes(name) !== true;
    const all = await this.#all(signal);
    const chosen = all.tables.filter(({ name }) => asked(name));
    const unlisted = all.keyless.filter((table) => asked(table.name)).map((table): Problem => ({ place: `${this.name}, ${table.name}`, collection: table.name, error: this.#keyless(table) }));
    if (unlisted.length > 0) yield { entries: [], problems: unlisted };
    if (window?.after !== undefined) for (const table of chosen) this.#tellCost(table);
    try {
      for await (const { table, rows } of this.#dialect.scan(chosen, { window, signal })) {
        signal?.throwIfAborted();
        yield this.#page(table, rows, want);
      }
    } catch (cause) {
      signal?.throwIfAborted();
      throw this.#dialect.failure(cause, `cannot read ${this.name}`);
    }
  }

  async read(refs: readonly Ref[], { signal }: CallOptions = {}): Promise<readonly (Entry | undefined)[]> {
    signal?.throwIfAborted();
    if (refs.length === 0) return [];
    const { tables } = await this.#tables({ signal });
    const wanted = Map.groupBy(refs.map(({ key }) => key), (key) => tables.find(({ name }) => name === partsOfKey(key).collection));
    const found = new Map<Key, Entry>();
    for (const [table, keys] of wanted) {
      if (!table) continue;
      for (const [key, entry] of await this.#find(table, keys, signal)) found.set(key, entry);
    }
    return refs.map(({ key }) => found.get(key));
  }

  async write(batch: readonly Write[], { signal }: CallOptions = {}): Promise<readonly Outcome[]> {
    signal?.throwIfAborted();
    if (batch.length === 0) return [];
    const known = await this.#tables({ signal });
    const holds = ({ tables }: Catalog): boolean => batch.every((write) => tables.some(({ name }) => name === partsOfKey(keyOfWrite(write)).collection));
    // Somebody may have made a table since.
    const catalog = holds(known) ? known : await this.#tables({ fresh: true, signal });
    return await this.#writing.write(batch, (name) => this.#tableOf(catalog, name), signal);
  }

  async foresee(batch: readonly Write[], { signal }: CallOptions = {}): Promise<readonly Outcome[]> {
    const catalog = await this.#tables({ signal });
    return await this.#writing.foresee(batch, (name) => this.#tableOf(catalog, name));
  }

  async describe({ signal }: CallOptions = {}): Promise<readonly Collection[]> {
    const { tables } = await this.#tables({ fresh: true, signal });
    return tables.filter(({ name }) => this.#chosen(name)).map(({ name, fields, key }) => ({ name, fields, key }));
  }

  async references({ signal }: CallOptions = {}): Promise<ReadonlyMap<string, readonly string[]>> {
    return (await this.#tables({ signal })).references;
  }

  async prepare(asked: readonly Collection[], { signal }: CallOptions = {}): Promise<void> {
    signal?.throwIfAborted();
    const catalog = await this.#tables({ fresh: true, signal });
    const { tables, keyless } = catalog;
    const unmade = asked.filter(({ name }) => this.#chosen(name) && !tables.some((table) => table.name === name) && !keyless.some((table) => table.name === name));
    if (unmade.length === 0) return;
    const untold = unmade.map(({ name, fields }) => (fields.length === 0 ? this.#tableOf(catalog, name) : undefined)).find((flaw) => flaw instanceof SyncError);
    if (untold) throw untold;
    const missing = unmade.map(keyed);
    this.#checkCreatable(missing);
    try {
      await this.#dialect.create(missing, signal);
    } catch (cause) {
      throw this.#unmade(cause, missing);
    } finally {
      this.#catalog = undefined;
    }
  }

  async checkPrepare(asked: readonly Collection[], { signal }: CallOptions = {}): Promise<void> {
    const catalog = await this.#tables({ signal });
    for (const collection of asked) {
      const table = this.#tableOf(catalog, collection.name);
      if (!(table instanceof SyncError)) continue;
      if (table.code !== 'not-found' || collection.fields.length === 0) throw table;
      this.#checkCreatable([keyed(collection)]);
      await this.#dialect.checkCreate?.([keyed(collection)]).catch((cause: unknown) => { throw this.#unmade(cause, [collection]); });
    }
  }

  async estimate({ signal }: CallOptions = {}): Promise<number | undefined> {
    const chosen = (await this.#tables({ signal })).tables.filter(({ name }) => this.#chosen(name));
    const counts = await this.#dialect.estimates?.(chosen);
    return chosen.map(({ name }) => counts?.get(name)).reduce((sum: number | undefined, count) => (sum === undefined || count === undefined ? undefined : sum + count), 0);
  }

  async twins(source: Source, { signal, prepare = false }: TwinsOptions = {}): Promise<Twins | undefined> {
    if (!(source instanceof SqlStore) || !this.#dialect.twins) return undefined;
    const there = (await source.#tables({ fresh: true, signal })).tables.filter(({ name }) => source.#chosen(name) && this.#chosen(name));
    const here = await this.#tables({ fresh: true, signal });
    const missing = prepare ? there.filter(({ name }) => ![...here.tables, ...here.keyless].some((table) => table.name === name)) : [];
    for (const table of missing) {
      // What cannot be made is said when its first entry is to be written.
      if ((await source.#dialect.isEmpty?.(table)) === false) await this.prepare([{ name: table.name, fields: table.fields, key: table.key }], signal && { signal }).catch(() => {});
    }
    const { tables } = await this.#tables({ signal });
    const pairs = there.flatMap((from) => tables.filter(({ name }) => name === from.name).map((to) => [from, to] as const));
    if (pairs.length === 0) return undefined;
    try {
      const rows = await this.#dialect.twins(source.#dialect, pairs);
      const failure = (cause: unknown): SyncError => this.#dialect.failure(cause, `cannot read ${source.name} beside ${this.name}`, 'compare');
      return rows.tables.length === 0 ? undefined : twinsOf(rows, { source: source.#twin(), target: this.#twin(), failure });
    } catch (cause) {
      throw this.#dialect.failure(cause, `cannot read ${source.name} beside ${this.name}`, 'compare');
    }
  }

  async fingerprint({ signal }: CallOptions = {}): Promise<string | undefined> {
    return await this.#dialect.fingerprint?.(signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await (this.#ended ??= (async () => await this.#dialect[Symbol.asyncDispose]())());
  }

  #unmade(cause: unknown, missing: readonly Collection[]): SyncError {
    const failure = this.#dialect.failure(cause, `${this.name}: cannot make ${missing.map(({ name }) => name).join(', ')}`, 'create');
    return failure.code === 'invalid' ? new SyncError('invalid', failure.message, { ...failure.details, hint: 'make the table by hand' }) : failure;
  }

  /** Throws where these cannot be tables. */
  #checkCreatable(missing: readonly Collection[]): void {
    const names = missing.map(({ name }) => name).join(', ');
    if (this.#records.create === false) throw new SyncError('not-found', `${this.name} has no table ${names}`, { store: this.name, hint: 'make it there, or leave out --no-create (or create=false)' });
    for (const collection of missing) {
      const flaw = whyNotCreatable(collection, this.#dialect.limits, this.name);
      if (flaw) throw flaw;
    }
  }

  async #fresh(asked: readonly Collection[], swapping: Swapping, { signal }: CallOptions = {}): Promise<Fresh> {
    const catalog = await this.#tables({ fresh: true, signal });
    const existing: string[] = [];
    const missing: Collection[] = [];
    for (const collection of asked) {
      const { name } = collection;
      const table = this.#tableOf(catalog, name);
      if (table instanceof SyncError && table.code !== 'not-found') throw table;
      if (table instanceof SyncError) missing.push(keyed(collection));
      else existing.push(name);
      const obstacles = await swapping.obstacles(name).catch((cause: unknown) => { throw this.#dialect.failure(cause, `cannot read ${this.name}`); });
      if (obstacles.length > 0) throw new SyncError('unsupported', `${this.name}: another table cannot take the place of ${name}, because of ${obstacles.join(', ')}`, { store: this.name, hint: 'take that away for the time, or run without --swap' });
    }
    if (missing.length > 0) this.#checkCreatable(missing);
    await this.#dialect.checkCreate?.([probe]).catch((cause: unknown) => { throw this.#dialect.failure(cause, `${this.name}: cannot make fresh tables`, 'swap'); });
    return await FreshTables.of({
      place: this.name, dialect: this.#dialect, swapping, existing, missing,
      open: (dialect) => new SqlStore({ name: this.name, identity: this.identity, dialect, records: { ...this.#records, create: false }, missingIsEmpty: true }),
    });
  }

  async *#changes(ask: () => Promise<Marks>, signal: AbortSignal): AsyncGenerator<readonly Hint[]> {
    try {
      yield* changesIn(ask, { signal, everyMs: changesEveryMs });
    } catch (cause) {
      if (!signal.aborted) throw this.#dialect.failure(cause, `cannot watch ${this.name}`);
    }
  }

  /** The tables that were chosen, in the order of their keys. Throws where one that was named is not there. */
  async #all(signal: AbortSignal | undefined): Promise<Omit<Catalog, 'references'>> {
    const { tables, keyless } = await this.#tables({ fresh: true, signal });
    const absent = this.#missingIsEmpty ? undefined : namesIn(this.#records.collections).find((name) => ![...tables, ...keyless].some((table) => table.name === name));
    if (absent !== undefined) throw new SyncError('not-found', `${this.name} has no table ${absent}`, { store: this.name, hint: 'check the names in the options collections and tombstones' });
    return { tables: tables.filter(({ name }) => this.#chosen(name)).sort((a, b) => compareKeys(prefixOf(a), prefixOf(b))), keyless: keyless.filter(({ name }) => this.#chosen(name)) };
  }

  async #snapshot(ranges: () => Promise<RangeSql | undefined>, signal: AbortSignal | undefined): Promise<SqlSnapshot | undefined> {
    const { tables, keyless } = await this.#all(signal);
    const failure = (cause: unknown): SyncError => this.#dialect.failure(cause, `cannot read ${this.name}`);
    try {
      const sql = await ranges();
      return sql && new SqlSnapshot({ sql, tables: [...tables, ...keyless].sort((a, b) => compareKeys(prefixOf(a), prefixOf(b))), page: (table, rows) => this.#page(table, rows, 'content'), failure });
    } catch (cause) {
      throw failure(cause);
    }
  }

  #twin(): TwinStore {
    return { name: this.name, entryOf: (table, row) => entryOf(table, row, this.#records.modifiedUnit), find: async (table, keys, signal) => await this.#find(table, keys, signal) };
  }

  /** Says once that a range is looked for without an index. */
  #tellCost({ name, columns, modifiedAt, toIndex }: Table): void {
    if (toIndex === undefined || modifiedAt < 0 || this.#told.has(name)) return;
    this.#told.add(name);
    this.#log('info', `${name} of ${this.name} is read whole for a range of ${columns[modifiedAt]!.name}, which has no index: ${toIndex} makes one`);
  }

  #tables({ fresh = false, signal }: { readonly fresh?: boolean; readonly signal: AbortSignal | undefined }): Promise<Catalog> {
    if (fresh) this.#catalog = undefined;
    const asked = this.#catalog ??= this.#dialect.catalog(signal).then(withoutSwaps).catch((cause: unknown) => {
      if (this.#catalog === asked) this.#catalog = undefined;
      throw this.#dialect.failure(cause, `cannot read ${this.name}`);
    });
    return asked;
  }

  #tableOf({ tables, keyless }: Catalog, name: string): Table | SyncError {
    const table = tables.find((one) => one.name === name);
    if (table) return table;
    const without = keyless.find((one) => one.name === name);
    if (without) return this.#keyless(without);
    return new SyncError('not-found', `${this.name} has no table ${JSON.stringify(name)}`, { store: this.name, hint: 'make it there, or sync from a place that describes it' });
  }

  #keyless({ name, why }: Catalog['keyless'][number]): SyncError {
    return new SyncError('invalid', `the table ${name} ${why}`, { store: this.name, hint: `${why === withoutKey ? 'give it a primary key' : 'give it another primary key'}, or choose other tables with collections=` });
  }

  #page(table: Table, rows: readonly RawRow[], want: 'stat' | 'content'): Page {
    const entries: Entry[] = [];
    const problems: Problem[] = [];
    for (const row of rows) {
      const entry = this.#entryOf(table, row);
      if (entry instanceof SyncError) {
        const key = keyOfRow(table, row);
        problems.push({ place: `${this.name}, ${key ?? table.name}`, error: entry, ...(key !== undefined && { key }) });
      } else entries.push(want === 'content' ? entry : withoutContent(entry));
    }
    return problems.length > 0 ? { entries, problems } : { entries };
  }

  #entryOf(table: Table, row: RawRow): Entry | SyncError {
    try {
      return entryOf(table, row, this.#records.modifiedUnit);
    } catch (cause) {
      if (cause instanceof SyncError) return cause;
      throw cause;
    }
  }

  async #find(table: Table, keys: readonly Key[], signal: AbortSignal | undefined): Promise<ReadonlyMap<Key, Entry>> {
    const found = new Map<Key, Entry>();
    const raw = [...new Set(keys)].flatMap((key) => rawKeys(table, key));
    if (raw.length === 0) return found;
    let rows: readonly RawRow[];
    try {
      rows = await this.#dialect.find(table, raw, signal);
    } catch (cause) {
      throw this.#dialect.failure(cause, `cannot read ${this.name}`);
    }
    for (const row of rows) {
      const entry = this.#entryOf(table, row);
      if (entry instanceof SyncError) throw entry;
      found.set(entry.key, entry);
    }
    return found;
  }
}

/** Of tables that a swap is filling, or has replaced, nobody else is to know. */
function withoutSwaps({ tables, keyless, ...rest }: Catalog): Catalog {
  return { ...rest, tables: tables.filter(({ name }) => !isOfSwap(name)), keyless: keyless.filter(({ name }) => !isOfSwap(name)) };
}

function prefixOf({ name }: Pick<Table, 'name'>): string {
  return `${joinKey([name])}/`;
}
