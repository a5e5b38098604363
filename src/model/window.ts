import type { Stat } from './entry.ts';
import type { Window } from './store.ts';

/** Whether an entry was modified within a window. What has no time is within every one. */
export function isInside({ modifiedAt }: Pick<Stat, 'modifiedAt'>, { after = -Infinity, until = Infinity }: Window = {}): boolean {
  return modifiedAt === undefined || (modifiedAt > after && modifiedAt <= until);
}
