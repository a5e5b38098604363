import type { PoolClient } from 'pg';
import type { Micros } from '../../../model/entry.ts';
import { SyncError } from '../../../model/errors.ts';
import type { Collection } from '../../../model/collection.ts';
import type { TimeUnit } from '../../records/instants.ts';
import type { TableLimits } from '../creatable.ts';
import type { Catalog, Change, Changed, Dialect, RowTwins, ScanRowsOptions } from '../dialect.ts';
import type { Swapping } from '../fresh.ts';
import type { Wanted } from '../granting.ts';
import type { RangeSql } from '../ranges.ts';
import type { Raw, RawRow, Table } from '../table.ts';
import { catalogOf } from './catalog.ts';
import type { Marks } from '../../records/changes.ts';
import { marksOf } from './changes.ts';
import { copiedRows, rowsToCopy } from './copied-rows.ts';
import { creationOf } from './creation.ts';
import { isAnswer, isRefusedRow, postgresError } from './failure.ts';
import { postgresRangeSql } from './range-sql.ts';
import { Sessions } from './sessions.ts';
import type { Reach } from './sessions.ts';
import { Statements } from './statements.ts';
import { PostgresSwapping } from './swapping.ts';
import { isEmpty, rowTwins } from './twins.ts';
import type { TwinSide } from './twins.ts';

const pageRows = 1_000;
const mostTries = 8;
/** Fewer rows are put sooner than a stream is opened. */
const fewestToLoad = 50;

export interface PostgresDialectOptions {
  readonly reach: Reach;
  /** Default: the first of the search path that there is. */
  readonly schema: string | undefined;
  readonly modified: string | undefined;
  readonly unit: TimeUnit | undefined;
}

/** Tables of a schema of PostgreSQL. Each statement decides for itself which rows meet their expectation. */
export class PostgresDialect implements Dialect {
  readonly keyBytes = 2_000;
  readonly inFlight = 4;
  // What is longer is cut off by the server, so that two names could become one.
  readonly limits: TableLimits = { columns: 1_600, tellsCase: true, flawOfName: (name) => Buffer.byteLength(name) > 63 ? 'is longer than 63 bytes' : undefined };
  readonly #options: PostgresDialectOptions;
  readonly #sessions: Sessions;
  #schema: string | undefined;

  constructor(options: PostgresDialectOptions) {
    this.#options = options;
    this.#sessions = new Sessions(options.reach);
    this.#schema = options.schema;
  }

  async catalog(): Promise<Catalog> {
    return await this.#sessions.use(async (client) => {
      const schema = await this.#schemaOf(client);
      return await catalogOf((text, values) => rowsIn(client, text, values), schema, this.#options.modified);
    });
  }

  async *scan(tables: readonly Table[], { window, signal }: ScanRowsOptions): AsyncGenerator<{ readonly table: Table; readonly rows: readonly RawRow[] }> {
    const { to } = await import('pg-copy-streams');
    const client = await this.#sessions.take();
    let ended = false;
    // A server that sorts, or waits for a lock, says nothing for a long time.
    const stop = (): void => void client.end().catch(() => {});
    signal?.addEventListener('abort', stop, { once: true });
    try {
      signal?.throwIfAborted();
      const schema = await this.#schemaOf(client);
      await client.query('begin isolation level repeatable read read only');
      for (const table of tables) {
        signal?.throwIfAborted();
        const copying = client.query(to(`copy (${new Statements(schema, table).scan(window, this.#options.unit)}) to stdout`));
        let rows: RawRow[] = [];
        for await (const more of copiedRows(copying as AsyncIterable<Buffer>)) {
          rows.push(...more);
          while (rows.length >= pageRows) {
            yield { table, rows: rows.slice(0, pageRows) };
            rows = rows.slice(pageRows);
          }
        }
        if (rows.length > 0) yield { table, rows };
      }
      await client.query('commit');
      ended = true;
    } finally {
      signal?.removeEventListener('abort', stop);
      // Who stops in the middle leaves rows on the way, and nothing but ending the connection stops those.
      client.release(!ended);
    }
  }

  async find(table: Table, keys: readonly (readonly Raw[])[]): Promise<readonly RawRow[]> {
    return await this.#sessions.use(async (client) => {
      const statements = new Statements(await this.#schemaOf(client), table);
      return (await rowsIn(client, statements.find(), table.keyAt.map((_, i) => keys.map((key) => key[i])))).map(withVersion);
    });
  }

  comparesTimes(table: Table, { kind, expect }: Change): boolean {
    const type = table.columns[table.modifiedAt]?.type.kind;
    return kind === 'put' && expect?.kind === 'older' && expect.own && (type === 'instant' || type === 'local' || type === 'integer');
  }

  async apply(table: Table, changes: readonly Change[], signal?: AbortSignal): Promise<readonly Changed[]> {
    return await this.#sessions.use(async (client) => {
      const statements = new Statements(await this.#schemaOf(client), table);
      const answers = new Map<Change, Changed>();
      for (const group of Map.groupBy(changes, ({ kind, expect }) => `${kind} ${expect?.kind ?? 'any'}`).values()) await this.#applyGroup(client, statements, group, answers, signal);
      return changes.map((change) => answers.get(change)!);
    });
  }

  async checkApply(table: Table, changes: readonly Change[]): Promise<void> {
    await this.#sessions.use(async (client) => {
      const statements = new Statements(await this.#schemaOf(client), table);
      // To explain a statement takes the rights that it takes itself.
      for (const { text, lists } of changes.map((change) => formOf(statements, [change]))) await rowsIn(client, `explain ${text}`, lists);
    });
  }

  async checkCreate(collections: readonly Collection[]): Promise<void> {
    await this.#sessions.use(async (client) => {
      const schema = await this.#schemaOf(client);
      for (const collection of collections) creationOf(schema, collection);
      const [[may = null] = []] = await rowsIn(client, "select has_schema_privilege($1, 'CREATE')", [schema]);
      if (may === 'f') throw Object.assign(new Error(`permission denied for schema ${schema}`), { code: '42501', severity: 'ERROR' });
    });
  }

  async create(collections: readonly Collection[]): Promise<void> {
    await this.#sessions.use(async (client) => {
      const schema = await this.#schemaOf(client);
      const statements = collections.map((collection) => creationOf(schema, collection));
      await client.query('begin');
      try {
        for (const statement of statements) await client.query(statement);
        await client.query('commit');
      } catch (cause) {
        await client.query('rollback');
        throw cause;
      }
    });
  }

  /** How fresh tables take the place of others. */
  get swapping(): Swapping {
    return new PostgresSwapping((task) => this.#sessions.use(async (client) => await task((text, values) => rowsIn(client, text, values), await this.#schemaOf(client))));
  }

  async changes(): Promise<Marks> {
    return await this.#sessions.use(async (client) => await marksOf((text, values) => rowsIn(client, text, values), await this.#schemaOf(client)));
  }

  async ranges(): Promise<RangeSql | undefined> {
    return await postgresRangeSql(await this.#sessions.take(), (client) => this.#schemaOf(client));
  }

  failure(cause: unknown, doing: string, wanted?: Wanted): SyncError {
    return postgresError(cause, doing, { user: wanted === 'compare' ? undefined : this.#options.reach.config.user, wanted });
  }

  async twins(source: Dialect, pairs: readonly (readonly [from: Table, to: Table])[]): Promise<RowTwins> {
    if (!(source instanceof PostgresDialect)) return await rowTwins(await this.#side(), await this.#side(), []);
    return await rowTwins(await source.#side(), await this.#side(), pairs);
  }

  async isEmpty(table: Table): Promise<boolean> {
    return await isEmpty(await this.#side(), table);
  }

  /** The cluster, and the database within it. */
  async fingerprint(): Promise<string | undefined> {
    return await this.#sessions.use(async (client) => (await rowsIn(client, 'select s.system_identifier, d.oid from pg_control_system() s, pg_database d where d.datname = current_database()'))[0]?.join('/')).catch((cause: unknown) => {
      if (cause instanceof Error && 'code' in cause && cause.code === '42501') return undefined;
      throw postgresError(cause, 'cannot ask the server who it is');
    });
  }

  async clock(): Promise<Micros> {
    return await this.#sessions.use(async (client) => Number((await rowsIn(client, 'select (extract(epoch from clock_timestamp()) * 1000000)::bigint'))[0]?.[0]));
  }

  async estimates(): Promise<ReadonlyMap<string, number>> {
    return await this.#sessions.use(async (client) => {
      const schema = await this.#schemaOf(client);
      // What was never looked at has -1; a table in parts says nothing of them.
      const rows = await rowsIn(client, "select c.relname, c.reltuples::bigint from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace where n.nspname = $1 and c.relkind in ('r', 'p') and c.reltuples >= 0", [schema]);
      return new Map(rows.map(([name, count]) => [String(name), Number(count)]));
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#sessions[Symbol.asyncDispose]();
  }

  async #applyGroup(client: PoolClient, statements: Statements, group: readonly Change[], answers: Map<Change, Changed>, signal: AbortSignal | undefined): Promise<void> {
    for (let tries = 1; ; tries++) {
      try {
        if (await this.#loaded(client, statements, group, answers)) return;
        for (const [change, answer] of await applied(client, statements, group)) answers.set(change, answer);
        return;
      } catch (cause) {
        const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
        // Two statements waited for each other, and nothing of this one has happened.
        if ((code === '40P01' || code === '40001') && tries < mostTries) continue;
        if (!isRefusedRow(cause)) throw cause;
        if (group.length === 1) {
          const [change] = group as readonly [Change];
          const { code: kind, message, details } = postgresError(cause, `cannot write ${change.id}`);
          answers.set(change, { kind: 'failed', error: new SyncError(kind, message, { ...details, key: change.id }) });
          return;
        }
        const middle = group.length >> 1;
        for (const half of [group.slice(0, middle), group.slice(middle)]) {
          signal?.throwIfAborted();
          await this.#applyGroup(client, statements, half, answers, signal);
        }
        return;
      }
    }
  }

  /**
   * Streams rows that are expected to be new into their table. It takes all of them, and its key sees to it that they are
   * new, or none. Answers whether it took them.
   */
  async #loaded(client: PoolClient, statements: Statements, group: readonly Change[], answers: Map<Change, Changed>): Promise<boolean> {
    const { kind, expect, values } = group[0]!;
    if (group.length < fewestToLoad || kind !== 'put' || expect?.kind !== 'absent' || !statements.table.faithful || values.includes(undefined)) return false;
    const { from } = await import('pg-copy-streams');
    await client.query('begin');
    try {
      const loading = client.query(from(statements.load()));
      await new Promise<void>((resolve, reject) => {
        loading.on('error', reject);
        loading.on('finish', () => resolve());
        loading.end(rowsToCopy(group.map((change) => change.values)));
      });
      const [[version = null] = []] = await rowsIn(client, 'select pg_current_xact_id()::xid');
      await client.query('commit');
      for (const change of group) answers.set(change, { kind: 'done', ...(version !== null && { version }) });
      return true;
    } catch (cause) {
      // Whatever it was about, the statement that answers for each row by itself finds out.
      if (!isAnswer(cause)) throw cause;
      await client.query('rollback');
      return false;
    }
  }

  async #side(): Promise<TwinSide> {
    return { sessions: this.#sessions, schema: await this.#sessions.use((client) => this.#schemaOf(client)) };
  }

  async #schemaOf(client: PoolClient): Promise<string> {
    if (this.#schema !== undefined) return this.#schema;
    const [[schema = null] = []] = await rowsIn(client, 'select current_schema()');
    if (schema === null) throw new SyncError('not-found', 'the database has no schema to look in', { hint: 'name one with ?schema=' });
    return (this.#schema = schema);
  }
}

/** The statement for changes of one kind and one form of expectation, with what it takes. `whole`: whether it answers with whole rows. */
function formOf(statements: Statements, group: readonly Change[]): { readonly text: string; readonly lists: readonly unknown[]; readonly whole: boolean } {
  const { kind, values, expect } = group[0]!;
  const { table } = statements;
  const versions = expect?.kind === 'version' ? [group.map((change) => (change.expect as { readonly version: string }).version)] : [];
  const written = values.flatMap((value, at) => (value === undefined ? [] : [at]));
  const whole = !table.faithful || written.length < table.columns.length;
  const lists = kind === 'delete' ? table.keyAt.map((_, i) => group.map(({ key }) => key[i])) : written.map((at) => group.map((change) => change.values[at]));
  const text = kind === 'delete' ? statements.remove(versions.length > 0) : expect?.kind === 'version' ? statements.replace(written, whole) : statements.put(written, expect?.kind ?? 'any', whole);
  return { text, lists: [...lists, ...versions], whole: whole && kind === 'put' };
}

async function applied(client: PoolClient, statements: Statements, group: readonly Change[]): Promise<readonly (readonly [Change, Changed])[]> {
  const { table } = statements;
  const { kind, expect } = group[0]!;
  const { text, lists, whole: full } = formOf(statements, group);
  const rows = (await rowsIn(client, text, lists)).map(withVersion);
  const keyAt = full ? table.keyAt : table.keyAt.map((_, i) => i);
  const keyOf = (raw: readonly (Raw | null | undefined)[]): string => JSON.stringify(raw.map((part, i) => (part === null || part === undefined ? null : String(table.columns[table.keyAt[i]!]!.codec.read(part)))));
  const done = new Map(rows.map((row) => [keyOf(keyAt.map((at) => row.values[at])), row]));
  return group.map((change) => {
    const row = done.get(keyOf(change.key));
    if (row) return [change, { kind: 'done', version: row.version!, ...(full && { row }) }];
    // Whoever deletes wants it gone, and it is.
    return [change, kind === 'delete' && !expect ? { kind: 'done' } : { kind: 'stale' }];
  });
}

async function rowsIn(client: PoolClient, text: string, values: readonly unknown[] = []): Promise<readonly (readonly (string | null)[])[]> {
  return (await client.query<(string | null)[]>({ text, values: [...values], rowMode: 'array' })).rows;
}

function withVersion(row: readonly (string | null)[]): RawRow {
  return { values: row.slice(0, -1), version: row.at(-1)! };
}
