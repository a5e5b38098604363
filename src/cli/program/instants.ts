import type { Micros } from '../../model/entry.ts';
import { SyncError } from '../../model/errors.ts';
import { instantOf } from '../../stores/records/instants.ts';

/** A moment as it is written on a command line: a date and time, or seconds since 1970. Throws `invalid` with half a sentence. */
export function parseInstant(text: string): Micros {
  const [, sign = '', whole, fraction = ''] = /^([+-]?)(\d+)(?:\.(\d*))?$/.exec(text.trim()) ?? [];
  if (whole === undefined) {
    const found = instantOf(text.trim());
    if (found === undefined) throw new SyncError('invalid', 'must be a date and time such as 2015-01-31T10:20:30Z, or seconds since 1970 such as 1420070400.5');
    return found;
  }
  // A later year than 5138 is never meant; thirteen digits are what a clock that counts milliseconds shows.
  if (whole.length > 11) throw new SyncError('invalid', `must be seconds since 1970, and a number of ${whole.length} digits looks like ${whole.length > 14 ? 'microseconds' : 'milliseconds'}: write 1420070400, not 1420070400000`);
  const micros = Number(whole) * 1_000_000 + Number(fraction.slice(0, 6).padEnd(6, '0'));
  return sign === '-' ? -micros : micros;
}

/** The same for text that was given as `what`, which the sentence of an error names. */
export function parseInstantOf(what: string, text: string): Micros {
  try {
    return parseInstant(text);
  } catch (cause) {
    throw cause instanceof SyncError ? new SyncError('invalid', `${what} ${JSON.stringify(text)} ${cause.message}`, { cause }) : cause;
  }
}
