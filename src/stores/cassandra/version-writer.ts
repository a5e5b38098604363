import type { Expectation, Outcome } from '../../model/store.ts';
import { applied, bytesOf, readRow } from './conditional-writer.ts';
import type { Target } from './conditional-writer.ts';
import { cassandraError, undecided } from './failure.ts';
import { done, gone, meets } from './outcome.ts';
import type { Record } from './records.ts';

const mostSilences = 3;

/**
 * Puts or deletes a record of which every version is a row. Nothing is ever overwritten: a put adds a row, whose time
 * makes it the newest or not. One that would not be is refused, for the record would stay what it is.
 */
export async function writeVersion(target: Target, key: string, keyBytes: readonly Buffer[], record: Record | undefined, expect: Expectation | undefined): Promise<Outcome> {
  const { session, statements, signal } = target;
  // Of a whole record the server can compare nothing; only that a version is added once is up to it.
  const unguarded = expect !== undefined && !('older' in expect && record);
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
    if (found?.modifiedAt !== undefined && found.modifiedAt >= record.entry.modifiedAt!) return { kind: 'stale', found };
    try {
      if (await applied(session, { cql: statements.insertAbsent, values: [...keyBytes, record.versionBytes!, ...record.restBytes], what: `write ${key}`, signal })) return done(record.entry, unguarded);
      return { kind: 'stale', found: await readRow(target, keyBytes, true) };
    } catch (cause) {
      const error = cassandraError(cause, `write ${key}`, { key, store: session.name });
      if (!error.retryable) throw error;
      if (++silences >= mostSilences) throw undecided(error, cause);
    }
  }
}
