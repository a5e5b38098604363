import { Cron } from 'croner';
import { SyncError } from '../../model/errors.ts';

/** When a sync is run: so much apart from beginning to beginning, or at certain times. */
export type Schedule =
  | { readonly kind: 'every'; readonly everyMs: number }
  | { readonly kind: 'times'; readonly text: string; after(ms: number): number | undefined };

/** The schedule that was asked for, if any was. Throws `invalid` where it is none. */
export function scheduleFrom({ every, cron, timezone }: { readonly every: number | undefined; readonly cron: string | undefined; readonly timezone: string | undefined }): Schedule | undefined {
  if (every !== undefined && cron !== undefined) throw new SyncError('invalid', 'every and cron cannot both be given', { hint: 'leave out one of them' });
  if (timezone !== undefined && cron === undefined) throw new SyncError('invalid', 'timezone says what cron means, and there is no cron', { hint: 'leave it out, or add cron' });
  if (every !== undefined) return { kind: 'every', everyMs: every };
  return cron === undefined ? undefined : times(cron, timezone);
}

function times(text: string, timezone: string | undefined): Schedule {
  if (timezone !== undefined && !isZone(timezone)) throw new SyncError('invalid', `${JSON.stringify(timezone)} is not a time zone that is known`, { hint: 'write it as in Europe/Berlin or UTC' });
  const cron = parsed(text, timezone);
  const after = (ms: number): number | undefined => cron.nextRun(new Date(ms))?.getTime();
  if (after(Date.now()) === undefined) throw new SyncError('invalid', `cron ${JSON.stringify(text)} never comes`, { hint: 'name a time that there is' });
  return { kind: 'times', text, after };
}

function parsed(text: string, timezone: string | undefined): Cron {
  try {
    return new Cron(text, { paused: true, ...(timezone !== undefined && { timezone }) });
  } catch (cause) {
    throw new SyncError('invalid', `cron ${JSON.stringify(text)} is not a time of five parts, such as "*/5 * * * *" or "30 2 * * 1-5"`, { cause, hint: 'write minute, hour, day of the month, month and day of the week' });
  }
}

function isZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}

/**
 * When a sync is due, given when its last run began and what the time is. What was missed is due now, and once. `undefined`: never.
 * `since`: what counts as the last time where there is none.
 */
export function dueAt(schedule: Schedule, lastMs: number | undefined, sinceMs: number, nowMs: number): number | undefined {
  // A clock that was set back must not make the pause any longer.
  const last = lastMs === undefined ? undefined : Math.min(lastMs, nowMs);
  if (schedule.kind === 'every') return last === undefined ? nowMs : Math.max(nowMs, last + schedule.everyMs);
  const next = schedule.after(last ?? Math.min(sinceMs, nowMs));
  return next === undefined ? undefined : Math.max(nowMs, next);
}
