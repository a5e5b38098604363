import type { Expectation, Outcome } from '../../model/store.ts';
import { digestDocument } from '../../schema/digest.ts';
import { applied, bytesOf, readRow } from './conditional-writer.ts';
import type { Target } from './conditional-writer.ts';
import { cassandraError, undecided } from './failure.ts';
import { done, gone, meets } from './outcome.ts';
import { recordOf } from './records.ts';
import type { Record, RecordEntry } from './records.ts';
import { uuidAfter } from './times.ts';

const mostSilences = 3;

/**
 * Puts or deletes a record of which every version is a row. Nothing is ever overwritten: a put adds a row, whose time
 * makes it the newest or not. One that would not be is refused, for the record would stay what it is.
 */
export async function writeVersion(target: Target, key: string, keyBytes: readonly Buffer[], given: Record | undefined, expect: Expectation | undefined): Promise<Outcome> {
  const { session, statements, signal } = target;
  // Of a whole record the server can compare nothing; only that a version is added once is up to it.
  const unguarded = expect !== undefined && !('older' in expect && given);
  let record = given;
  let silentMs: number | undefined;
  for (let silences = 0; ;) {
    const found = await readRow(target, keyBytes, silences > 0);
    if (record && silences > 0 && found?.version === record.entry.version) return done(record.entry, unguarded);
    if (!meets(found, expect)) return { kind: 'stale', found };
    if (!record) {
      // A newer one that nobody has seen stays.
      if (found) await session.run({ cql: statements.deleteUpTo, values: [...keyBytes, bytesOf(target.table.modified!, found)], what: `delete ${key}`, signal });
      return gone(unguarded);
    }
    // Writing what is there already is no news.
    if (found?.version === record.entry.version) return done(record.entry, unguarded);
    if (found && found.modifiedAt === record.entry.modifiedAt) {
      // Another one of that time: it is the record that was read, told by an instant instead of its UUID, or one that is to take its place.
      if (isSame(target, found, record.entry)) return done(found, unguarded);
      const later = expect && 'version' in expect ? following(target, record, found) : undefined;
      if (!later) return { kind: 'stale', found };
      record = later;
    } else if (found?.modifiedAt !== undefined && found.modifiedAt >= record.entry.modifiedAt!) return { kind: 'stale', found };
    try {
      if (await applied(session, { cql: statements.insertAbsent, values: [...keyBytes, record.versionBytes!, ...record.restBytes], what: `write ${key}`, signal })) return done(record.entry, unguarded);
      return { kind: 'stale', found: await readRow(target, keyBytes, true) };
    } catch (cause) {
      const error = cassandraError(cause, `write ${key}`, { key, store: session.name });
      if (!error.retryable) throw error;
      silences++;
      if (!session.isWorthWaiting(cause, silentMs ??= session.host.now(), `write ${key}`) && silences >= mostSilences) throw undecided(error, cause);
    }
  }
}

/** Whether two versions differ in nothing but the UUIDs of one time. */
function isSame({ table }: Target, found: RecordEntry, given: RecordEntry): boolean {
  const digestOf = ({ content }: RecordEntry): string => digestDocument({ ...content.document, [table.modified!.name]: null }).value;
  return digestOf(found) === digestOf(given);
}

/** The version as one that comes right after another of the same time. */
function following({ table, session }: Target, { key, entry }: Record, found: RecordEntry): Record | undefined {
  const field = table.modified!.name;
  const uuid = uuidAfter(String(found.content.document[field]));
  return uuid === undefined ? undefined : recordOf(table, { key, content: { kind: 'document', document: { ...entry.content.document, [field]: uuid } } }, session.name);
}
