import type { Entry, Micros } from '../../model/entry.ts';
import type { Expectation, Outcome } from '../../model/store.ts';
import { statOfRecord } from './records.ts';
import type { RecordEntry } from './records.ts';

/** Whether what is stored is as a write expects it. */
export function meets(found: Entry | undefined, expect: Expectation | undefined): boolean {
  if (expect === undefined) return true;
  if ('absent' in expect) return found === undefined;
  if ('version' in expect) return found?.version === expect.version;
  return found === undefined || isBefore(found.modifiedAt, expect.older);
}

/** Whether a time is known to be before another. */
export function isBefore(time: Micros | undefined, other: Micros): boolean {
  return time !== undefined && time < other;
}

/** Written, and what is now stored. */
export function done(entry: RecordEntry, unguarded = false): Outcome {
  return { kind: 'done', stat: statOfRecord(entry), ...(unguarded && { unguarded: true }) };
}

/** Deleted. */
export function gone(unguarded = false): Outcome {
  return { kind: 'done', stat: {}, ...(unguarded && { unguarded: true }) };
}
