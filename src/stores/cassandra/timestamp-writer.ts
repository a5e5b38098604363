import type { Micros } from '../../model/entry.ts';
import { SyncError } from '../../model/errors.ts';
import type { Expectation, Outcome } from '../../model/store.ts';
import { readRow } from './conditional-writer.ts';
import type { Target } from './conditional-writer.ts';
import { done, gone, meets } from './outcome.ts';
import type { Record } from './records.ts';

/**
 * Puts or deletes one row with its own time as the timestamp of the write, so that the server keeps the newest whatever
 * comes last, without a transaction. What is there is looked at before and after: before, because a write of a time that
 * is there already would mix with it column by column; after, because a later one swallows it silently. `deletedAt`: the time
 * of a deletion, before which nothing is to come back; what is newer than that stays.
 */
export async function writeAtItsTime(target: Target, key: string, keyBytes: readonly Buffer[], record: Record | undefined, expect: Expectation | undefined, deletedAt?: Micros): Promise<Outcome> {
  const { session, statements, signal } = target;
  const found = await readRow(target, keyBytes, false);
  if (!meets(found, expect)) return { kind: 'stale', found };
  const unguarded = expect !== undefined && !('older' in expect);
  if (!record) {
    if (!found) return gone(unguarded);
    const at = Math.max(deletedAt ?? -Infinity, found.modifiedAt ?? -Infinity);
    await session.run({ cql: statements.deleteAt, values: [timestamp(key, Number.isFinite(at) ? at : undefined, session.name), ...keyBytes], what: `delete ${key}`, signal });
    const left = await readRow(target, keyBytes, false);
    return left ? { kind: 'stale', found: left } : gone(unguarded);
  }
  if (found?.version === record.entry.version) return done(record.entry, unguarded);
  // The server would take nothing of it, or of each column the greater value.
  if (found?.modifiedAt !== undefined && record.entry.modifiedAt !== undefined && found.modifiedAt >= record.entry.modifiedAt) return { kind: 'stale', found };
  await session.run({ cql: statements.insertAt, values: [...keyBytes, ...record.restBytes, timestamp(key, record.entry.modifiedAt, session.name)], what: `write ${key}`, signal });
  const held = await readRow(target, keyBytes, false);
  return held?.version === record.entry.version ? done(record.entry, unguarded) : { kind: 'stale', found: held };
}

function timestamp(key: string, micros: number | undefined, store: string): bigint {
  if (micros === undefined) throw new SyncError('invalid', `${key} has no time that could be the timestamp of its write`, { key, store, hint: 'give it one, or use conditions=lwt' });
  return BigInt(micros);
}
