import { SyncError } from '../../model/errors.ts';
import type { Expectation, Outcome } from '../../model/store.ts';
import { cassandraError, undecided } from './failure.ts';
import { done, gone, isBefore, meets } from './outcome.ts';
import { entryOfRow } from './records.ts';
import type { Record, RecordEntry } from './records.ts';
import type { Row, Session, Statement } from './session.ts';
import { keepingRow } from './statements.ts';
import type { Statements } from './statements.ts';
import type { Column, Table } from './tables.ts';
import { boundBytes } from './times.ts';

/** How often a write is tried when others keep changing the row in between, */
const mostRaces = 100;
/** and when nobody says what became of it. */
const mostSilences = 3;

/** A table and what is to be said to it. */
export interface Target {
  readonly session: Session;
  readonly table: Table;
  readonly statements: Statements;
  readonly signal: AbortSignal | undefined;
}

/** What is done to one row: with a record it is put, without one deleted. */
interface Task {
  readonly target: Target;
  readonly key: string;
  readonly keyBytes: readonly Buffer[];
  readonly record: Record | undefined;
}

/** `again`: the row is not as it was read. */
type Attempt = Outcome | 'again';

/**
 * Puts or deletes one row. Every write is a lightweight transaction, so that the server compares and writes in one step:
 * the row is not there, all its columns are as they were, or its time is less than that. It is read first, which
 * is a quarter of the price of a transaction, and a transaction that finds it changed starts over.
 */
export async function writeConditionally(target: Target, key: string, keyBytes: readonly Buffer[], record: Record | undefined, expect: Expectation | undefined): Promise<Outcome> {
  const task: Task = { target, key, keyBytes, record };
  const { session } = target;
  let silences = 0;
  let silentMs: number | undefined;
  let serial = false;
  for (let races = 0; races < mostRaces; races++) {
    // Whoever says that there is nothing has looked already.
    const trusting = races === 0 && record !== undefined && expect !== undefined && 'absent' in expect;
    const found = trusting ? undefined : await readRow(target, keyBytes, serial);
    serial = false;
    if (silences > 0 && isSettled(record, found)) return record ? done(record.entry) : gone();
    if (!meets(found, expect)) return { kind: 'stale', found };
    if (found === undefined && !record) return gone();
    try {
      const attempt = found ? await change(task, found, expect) : await insert(task);
      if (attempt !== 'again') return attempt;
      // Others are at work on the row, and what they have under way is to be seen.
      serial = true;
    } catch (cause) {
      const error = cassandraError(cause, `write ${key}`, { key, store: session.name });
      if (!error.retryable) throw error;
      silences++;
      if (!session.isWorthWaiting(cause, silentMs ??= session.host.now(), `write ${key}`) && silences >= mostSilences) throw undecided(error, cause);
      // Reading at this level has the server end what it has under way, one way or the other.
      serial = true;
    }
  }
  throw new SyncError('unavailable', `cannot write ${key}: others keep changing it`, { key, store: target.session.name, hint: 'run again' });
}

/** The entry with a key. */
export async function readRow({ session, table, statements, signal }: Target, keyBytes: readonly Buffer[], serial: boolean): Promise<RecordEntry | undefined> {
  const { rows } = await session.run({ cql: statements.read, values: keyBytes, what: `read ${table.name} of ${session.name}`, serial, signal });
  return rows[0] && entryOfRow(table, rows[0] as unknown as Row);
}

function isSettled(record: Record | undefined, found: RecordEntry | undefined): boolean {
  return record ? found?.version === record.entry.version : found === undefined;
}

async function insert({ target: { session, statements, signal }, key, keyBytes, record }: Task): Promise<Attempt> {
  const { entry, restBytes } = record!;
  return await applied(session, { cql: statements.insertAbsent, values: [...keyBytes, ...restBytes], what: `write ${key}`, signal }) ? done(entry) : 'again';
}

async function change(task: Task, found: RecordEntry, expect: Expectation | undefined): Promise<Attempt> {
  const { target: { table, statements, session, signal }, key, keyBytes, record } = task;
  // There is nothing in the row that could be compared or changed.
  if (table.rest.length === 0 && record) return done(record.entry);
  const { update, remove, values, unguarded } = conditionOf(task, found, expect);
  const ending = record ? done(record.entry, unguarded) : gone(unguarded);
  if (!record) return await applied(session, { cql: statements[remove], values: [...keyBytes, ...values], what: `delete ${key}`, signal }) ? ending : 'again';
  const empty = record.restBytes.every((bytes) => bytes === null);
  const cql = empty ? keepingRow(table, statements[update]) : statements[update];
  const before = empty ? keyBytes : [];
  return await applied(session, { cql, values: [...before, ...record.restBytes, ...keyBytes, ...values], what: `write ${key}`, signal }) ? ending : 'again';
}

interface Condition {
  readonly update: 'updateExisting' | 'updateSame' | 'updateBefore' | 'updateSameTime';
  readonly remove: 'deleteExisting' | 'deleteSame' | 'deleteBefore' | 'deleteSameTime';
  readonly values: readonly (Buffer | null)[];
  readonly unguarded: boolean;
}

/** What the server is to compare, where the row was found as it is expected to be. */
function conditionOf({ target: { table } }: Task, found: RecordEntry, expect: Expectation | undefined): Condition {
  if (expect === undefined) return { update: 'updateExisting', remove: 'deleteExisting', values: [], unguarded: false };
  if ('older' in expect && table.modified && table.rest.includes(table.modified) && isBefore(found.modifiedAt, expect.older)) {
    const bound = boundBytes(table.modified, table.modifiedUnit, expect.older);
    // Where the server orders the column in another way than time goes, the time that was read has to be there still.
    return bound ? { update: 'updateBefore', remove: 'deleteBefore', values: [bound], unguarded: false } : { update: 'updateSameTime', remove: 'deleteSameTime', values: [bytesOf(table.modified, found)], unguarded: false };
  }
  const values = table.rest.map((column) => bytesOf(column, found));
  // To be without a value is also what a row that is gone is.
  if (values.every((bytes) => bytes === null)) return { update: 'updateExisting', remove: 'deleteExisting', values: [], unguarded: true };
  return { update: 'updateSame', remove: 'deleteSame', values, unguarded: false };
}

/** What a column of a row holds, as it has to be written. */
export function bytesOf({ name, codec }: Column, { content: { document } }: RecordEntry): Buffer | null {
  const value = Object.hasOwn(document, name) ? document[name]! : undefined;
  return value === undefined ? null : codec.encode(value);
}

/** Whether a conditional statement was carried out. */
export async function applied(session: Session, statement: Statement): Promise<boolean> {
  return (await session.attempt({ ...statement, idempotent: false })).wasApplied();
}
