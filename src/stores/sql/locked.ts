import { SyncError } from '../../model/errors.ts';
import type { Key } from '../../model/key.ts';
import type { TimeUnit } from '../records/instants.ts';
import type { Change, Changed } from './dialect.ts';
import { entryOf } from './records.ts';
import type { Raw, RawRow, Table } from './table.ts';

/** Rows within a transaction, which nobody else can change until it ends. */
export interface LockedRows {
  find(keys: readonly (readonly Raw[])[]): Promise<readonly RawRow[]>;
  /** Fails where one of them is there already. */
  insert(changes: readonly Change[]): Promise<void>;
  update(changes: readonly Change[]): Promise<void>;
  remove(keys: readonly (readonly Raw[])[]): Promise<void>;
}

/** How changes are made by looking at the rows first, and keeping everybody else from them. */
export interface LockedOptions {
  readonly table: Table;
  readonly changes: readonly Change[];
  readonly unit: TimeUnit | undefined;
  /** Runs `body` in a transaction of its own, which is undone where it throws. */
  transaction(body: (rows: LockedRows) => Promise<readonly Changed[]>): Promise<readonly Changed[]>;
  /** `again`: somebody else came in between. `row`: a row was refused, and the others need not suffer. `all`: anything else. */
  severity(cause: unknown): 'again' | 'row' | 'all';
  failure(cause: unknown, doing: string): SyncError;
}

const mostTries = 8;

/** Makes changes all at once, and where a row is refused, in halves, until it stands alone. */
export async function applyLocked(options: LockedOptions): Promise<readonly Changed[]> {
  const { table, changes, severity, failure, transaction } = options;
  for (let tries = 1; ; tries++) {
    try {
      return await transaction((rows) => change(rows, options));
    } catch (cause) {
      const kind = severity(cause);
      if (kind === 'again' && tries < mostTries) continue;
      if (kind !== 'row') throw cause;
      if (changes.length === 1) return changes.map(({ id }): Changed => ({ kind: 'failed', error: withKey(failure(cause, `cannot write ${id} to ${table.name}`), id) }));
      const middle = changes.length >> 1;
      const first = await applyLocked({ ...options, changes: changes.slice(0, middle) });
      return [...first, ...await applyLocked({ ...options, changes: changes.slice(middle) })];
    }
  }
}

function withKey({ code, message, details }: SyncError, key: Key): SyncError {
  return new SyncError(code, message, { ...details, key });
}

async function change(rows: LockedRows, { table, changes, unit }: LockedOptions): Promise<readonly Changed[]> {
  const held = new Map<Key, { readonly version: string | undefined; readonly modifiedAt: number | undefined; readonly row: RawRow }>();
  for (const row of await rows.find(changes.flatMap(spellingsOf))) {
    const { key, version, modifiedAt } = entryOf(table, row, unit);
    held.set(key, { version, modifiedAt, row });
    // What a collation takes for the same key is another one, and whoever writes it means no other.
    if (!changes.some(({ id }) => id === key)) throw new SyncError('conflict', `${table.name} holds ${key}, and takes another spelling for the same key`, { hint: 'give its key a binary collation' });
  }
  const answers = changes.map(({ id, expect }): Changed => {
    const found = held.get(id);
    if (!expect) return { kind: 'done' };
    if (expect.kind === 'absent') return { kind: found ? 'stale' : 'done' };
    if (expect.kind === 'version') return { kind: found?.version === expect.version ? 'done' : 'stale' };
    return { kind: !found || (found.modifiedAt !== undefined && found.modifiedAt < expect.than) ? 'done' : 'stale' };
  });
  const agreed = changes.filter((_, i) => answers[i]!.kind === 'done').map((change) => {
    const there = change.spellings && held.get(change.id);
    return there ? { ...change, key: table.keyAt.map((at) => there.row.values[at]!) } : change;
  });
  const puts = agreed.filter(({ kind }) => kind === 'put');
  const [fresh, known] = [puts.filter(({ id }) => !held.has(id)), puts.filter(({ id }) => held.has(id))];
  const gone = agreed.filter(({ kind, id }) => kind === 'delete' && held.has(id)).map(({ key }) => key);
  if (gone.length > 0) await rows.remove(gone);
  if (known.length > 0) await rows.update(known);
  if (fresh.length > 0) await rows.insert(fresh);
  if (table.faithful && !puts.some(({ values, spellings }) => spellings || values.includes(undefined))) return answers;
  const now = new Map<Key, RawRow>();
  for (const row of puts.length > 0 ? await rows.find(puts.flatMap(spellingsOf)) : []) now.set(entryOf(table, row, unit).key, row);
  return answers.map((answer, i) => {
    const row = answer.kind === 'done' ? now.get(changes[i]!.id) : undefined;
    return row && answer.kind === 'done' ? { ...answer, row } : answer;
  });
}

function spellingsOf({ key, spellings }: Change): readonly (readonly Raw[])[] {
  return spellings ?? [key];
}
