import type { Timetable } from '../../lib/pace.ts';
import { parseBytes } from '../../lib/quantity.ts';
import { SyncError } from '../../model/errors.ts';

/**
 * Reads `512k` as so many bytes a second around the clock, and `08:00,512k 19:00,10M 23:00,off` as a timetable in local
 * time. Throws `invalid` with half a sentence.
 */
export function parseTimetable(text: string): Timetable {
  const parts = text.trim().split(/\s+/);
  if (parts.length === 1 && !text.includes(',')) return { slots: [{ minute: 0, bytesPerSecond: rateOf(text) }] };
  const slots = parts.map((part) => {
    const found = /^([01]?\d|2[0-3]):([0-5]\d),(.+)$/.exec(part);
    if (!found) throw new SyncError('invalid', `must be a rate such as 512k, or a timetable such as "08:00,512k 19:00,off", and ${JSON.stringify(part)} is neither`);
    return { minute: Number(found[1]) * 60 + Number(found[2]), bytesPerSecond: rateOf(found[3] as string) };
  });
  return { slots: slots.sort((a, b) => a.minute - b.minute) };
}

function rateOf(text: string): number | undefined {
  if (text === 'off') return undefined;
  const bytes = parseBytes(text);
  if (bytes === undefined || bytes === 0) throw new SyncError('invalid', `must be bytes a second such as 512k or 10M, or off, and ${JSON.stringify(text)} is neither`);
  return bytes;
}
