import type { PoolClient } from 'pg';
import type { FieldType } from '../../../model/collection.ts';
import { compareKeys } from '../../../model/key.ts';
import type { ComparedRows, CompareRowsOptions, RowTwins } from '../dialect.ts';
import type { Column, RawRow, Table } from '../table.ts';
import { gathered, linesIn, sideBySide, wholeLines } from './blocks.ts';
import { quoted } from './catalog.ts';
import { inBlocks } from './copied-out.ts';
import { rowOf } from './copied-rows.ts';
import type { Sessions } from './sessions.ts';
import { Statements } from './statements.ts';

/** Bytes that are written in one transaction: who stops a run waits for it. */
const blockBytes = 2 * 1024 * 1024;
/** Blocks that are written at once. */
const atOnce = 2;
/** A key that is longer may be refused as it is written. */
const longestKey = 1_800;
/** Fewer rows that are missing are put one by one. */
const fewestToLoad = 50;
/** As many as are written in one transaction. */
const rowsToLoad = 4_000;

/** One of two databases. */
export interface TwinSide {
  readonly sessions: Sessions;
  readonly schema: string;
}

/** The pairs of tables whose rows can be compared and carried as the server writes them. */
export async function rowTwins(source: TwinSide, target: TwinSide, asked: readonly (readonly [from: Table, to: Table])[]): Promise<RowTwins> {
  const tables: (readonly [Table, Table])[] = [];
  const empty: string[] = [];
  for (const [from, to] of asked) {
    if (!areAlike(from, to) || await holdsOddRows(source, from) || await holdsOddRows(target, to)) continue;
    tables.push([from, to]);
    if (to.faithful && await isEmpty(target, to)) empty.push(from.name);
  }
  const targetOf = new Map(tables.map(([from, to]) => [from, to]));
  return { tables, empty, compare: (table, options) => compare(source, target, [table, targetOf.get(table)!], options), carry: (table, signal) => carry(source, target, [table, targetOf.get(table)!], signal) };
}

/** Whether a table has no rows. */
export async function isEmpty({ sessions, schema }: TwinSide, table: Table): Promise<boolean> {
  return await sessions.use(async (client) => !(await answer(client, new Statements(schema, table).exists())));
}

/** Whether equal rows of two tables are equal as text, and are written as they are read. */
function areAlike(from: Table, to: Table): boolean {
  return from.columns.length === to.columns.length && from.key.join('\0') === to.key.join('\0') && from.keyAt.every((at) => isOrdered(from.columns[at]!)) && from.columns.every((column) => {
    const other = to.columns[to.places.get(column.name) ?? -1];
    return other !== undefined && other.native === column.native && other.declared === column.declared && !column.computed && !other.computed && isPlain(column.type) && JSON.stringify(other.type) === JSON.stringify(column.type);
  });
}

/** Whether the order of values is known here as the server has it. */
function isOrdered({ native, type: { kind } }: Column): boolean {
  // Blanks at the end are no part of a value, and part of its text.
  return native !== 'bpchar' && (kind === 'integer' || kind === 'uuid' || kind === 'boolean' || kind === 'text');
}

/** Whether the document that a value becomes depends on its text alone, and every such text becomes one, but for {@link oddities}. */
function isPlain({ kind, ...type }: FieldType): boolean {
  if (kind === 'list') return 'of' in type && ['integer', 'float', 'decimal', 'text', 'boolean', 'uuid'].includes(type.of.kind);
  return kind !== 'set' && kind !== 'map' && kind !== 'record' && kind !== 'other' && kind !== 'time-uuid';
}

/** Conditions of rows of which no entry can be made, or none that may be written. Each entry says so for itself, where entries are made. */
function oddities({ columns, keyAt }: Table): readonly string[] {
  return columns.flatMap(({ name, type: { kind } }, at) => {
    const column = `t.${quoted(name)}`;
    if (kind === 'instant' || kind === 'local' || kind === 'date') return [`${column} < '0001-01-01' or ${column} >= '10000-01-01'`];
    if (kind === 'list') return [`left(${column}::text, 1) = '['`];
    // A slash in it takes three bytes.
    if (kind === 'text' && keyAt.includes(at)) return [`octet_length(${column}::text) > ${Math.floor(longestKey / 3 / keyAt.length)}`];
    return [];
  });
}

async function holdsOddRows({ sessions, schema }: TwinSide, table: Table): Promise<boolean> {
  const conditions = oddities(table);
  return conditions.length > 0 && await sessions.use(async (client) => await answer(client, new Statements(schema, table).exists(conditions.join(' or '))));
}

async function answer(client: PoolClient, text: string): Promise<boolean> {
  return (await client.query<{ readonly exists: string }>(text)).rows[0]?.exists === 't';
}

/** The lines of a query that a server sends, as of one moment. */
async function* linesOf({ sessions }: TwinSide, query: string, signal: AbortSignal | undefined): AsyncGenerator<Buffer> {
  const { to } = await import('pg-copy-streams');
  const client = await sessions.take();
  let ended = false;
  const stop = (): void => void client.end().catch(() => {});
  signal?.addEventListener('abort', stop, { once: true });
  try {
    signal?.throwIfAborted();
    yield* wholeLines(client.query(inBlocks(to(`copy (${query}) to stdout`))) as AsyncIterable<Buffer>);
    ended = true;
  } finally {
    signal?.removeEventListener('abort', stop);
    // Who stops in the middle leaves rows on the way, and nothing but ending the connection stops those.
    client.release(!ended);
  }
}

async function* compare(source: TwinSide, target: TwinSide, [from, to]: readonly [Table, Table], { fill, signal }: CompareRowsOptions): ReturnType<RowTwins['compare']> {
  const left = linesOf(source, new Statements(source.schema, from).rows(true), signal);
  const right = linesOf(target, new Statements(target.schema, { ...to, columns: inOrderOf(from, to), keyAt: from.keyAt }).rows(true), signal);
  const statement = new Statements(target.schema, to).load(inOrderOf(from, to));
  const filled = ({ written, left: refused }: Loaded): ComparedRows => ({ left: refused.length, right: 0, equal: 0, written, changed: refused, found: [] });
  yield* withLoads(async function* (underWay) {
    for await (const { changed, missing, onlyRight, ...counts } of sideBySide(left, right, orderOf(from), fill ? rowsToLoad : undefined)) {
      const apart = fill && to.faithful && missing.length >= fewestToLoad ? missing : [];
      if (apart.length > 0) underWay.push(load(target, statement, Buffer.from(`${apart.join('\n')}\n`)));
      const lines = apart.length > 0 ? changed : [...changed, ...missing];
      yield { ...counts, left: counts.left - apart.length, written: 0, changed: lines.map(withoutVersion), found: onlyRight.map((line) => reordered(withoutVersion(line), from, to)) };
    }
  }, filled);
}

function inOrderOf(from: Table, to: Table): readonly Column[] {
  return from.columns.map(({ name }) => to.columns[to.places.get(name)!]!);
}

function withoutVersion(line: string): RawRow {
  return { values: rowOf(line) };
}

/** A row as the columns of the target stand. */
function reordered({ values }: RawRow, from: Table, to: Table): RawRow {
  return { values: to.columns.map(({ name }) => values[from.places.get(name)!] ?? null) };
}

/** Compares two lines by the values of their keys, as the server has put them in order. */
function orderOf({ columns, keyAt }: Table): (left: string, right: string) => number {
  const compares = keyAt.map((at) => (columns[at]!.type.kind === 'integer' ? (a: string, b: string): number => Number(BigInt(a) - BigInt(b) > 0n) - Number(BigInt(a) - BigInt(b) < 0n) : compareKeys));
  return (left, right) => {
    const [a, b] = [rowOf(left), rowOf(right)];
    for (let i = 0; i < keyAt.length; i++) {
      const order = compares[i]!(a[keyAt[i]!]!, b[keyAt[i]!]!);
      if (order !== 0) return order;
    }
    return 0;
  };
}

/** Writes all rows of a table into an empty one, a block at a time, each in a transaction of its own. */
async function* carry(source: TwinSide, target: TwinSide, [from, to]: readonly [Table, Table], signal: AbortSignal | undefined): ReturnType<RowTwins['carry']> {
  const statement = new Statements(target.schema, to).load(inOrderOf(from, to));
  const blocks = gathered(linesOf(source, new Statements(source.schema, from).rows(false), signal), blockBytes);
  yield* withLoads(async function* (underWay) {
    for await (const block of blocks) {
      underWay.push(load(target, statement, block));
      yield;
    }
  }, (loaded) => loaded);
}

/**
 * What a reading yields and what came of the loads that it starts, a few of which are under way at once. What was sent is told however the
 * reading ends, and nothing is being written any more when this has ended.
 */
async function* withLoads<T>(reading: (underWay: Promise<Loaded>[]) => AsyncGenerator<T | undefined>, told: (loaded: Loaded) => T): AsyncGenerator<T> {
  const underWay: Promise<Loaded>[] = [];
  let failure: { readonly cause: unknown } | undefined;
  try {
    try {
      for await (const page of reading(underWay)) {
        if (page !== undefined) yield page;
        if (underWay.length > atOnce) yield told(await underWay.shift()!);
      }
    } catch (cause) {
      failure = { cause };
    }
    while (underWay.length > 0) yield told(await underWay.shift()!);
  } finally {
    await Promise.all(underWay);
  }
  if (failure) throw failure.cause;
}

interface Loaded {
  readonly written: number;
  readonly left: readonly RawRow[];
}

/** Writes all rows of a block, or none. */
async function load({ sessions }: TwinSide, statement: string, block: Buffer): Promise<Loaded> {
  const { from } = await import('pg-copy-streams');
  try {
    await sessions.use(async (client) => {
      const loading = client.query(from(statement));
      await new Promise<void>((resolve, reject) => {
        loading.on('error', reject);
        loading.on('finish', () => resolve());
        loading.end(block);
      });
    });
    return { written: linesIn(block), left: [] };
  } catch {
    // Whatever it was about, and even if they were taken and the answer was lost: who puts them one by one finds out.
    return { written: 0, left: block.toString('utf8', 0, block.length - 1).split('\n').map(withoutVersion) };
  }
}
